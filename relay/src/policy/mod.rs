//! What may be done: words of a search, rates, and what a log entry does to devices. No I/O.

mod bucket;
pub(crate) mod devices;
pub(crate) mod limits;
pub(crate) mod words;
