//! Finding what was said, on the device: what of a line is searched, in which form, and the index that holds it.
//!
//! ```text
//!  a batch of records ──> changes (lines) ──> Index ──> segments that changed ──> the host seals and writes them,
//!                              fold                                                  in the transaction of the lines
//!
//!  Intent::Search ──> Effect::Search ──> the host: Query ──> Index::find ──> rows of the lines ──> Input::Found ──> Answer::Found
//! ```
//! A line is held as one folded text, many lines in one segment: not a record per word, so that what lies on the disk tells
//! nothing but roughly how much there is. Searching reads the texts from end to end, which takes milliseconds.
//!
//! | module | holds |
//! |---|---|
//! | `fold` | the form in which texts and queries are compared |
//! | `query` | what is looked for, and where it stands in a text |
//! | `lines` | what of a line is searched, and what a batch changes |
//! | `segment` | the texts of many lines, as bytes of a fixed size |
//! | `index` | all segments: which of them a change touches |
//! | `asking` | the intent |

mod asking;
mod fold;
mod index;
mod lines;
mod query;
mod segment;

pub use fold::{Reading, fold};
pub use index::{BODY, Index, Mark, Matches, TAIL, Written};
pub use lines::{Change, changes, indexed};
pub use query::{MAX_QUERY_CHARS, Query};
pub use segment::{IndexedLine, Malformed, Place, Position, Segment};
