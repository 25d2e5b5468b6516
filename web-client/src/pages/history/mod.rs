//! What was said, in files: exported for another device of the account, copied to be read, and imported.
//!
//! | file | holds |
//! |---|---|
//! | `job` | the one thing that is under way, how far it is, and what came of it |
//! | `exporting`, `importing` | a file that the recovery key opens: written, and read |
//! | `copying`, `readable` | a copy that anybody reads: what is asked, and how it is written |
//! | `pieces` | a file that the browser holds while it is written |
//! | `blocks`, `import_block`, `way` | what a person sees |
//!
//! All of it is the page's: the engine gives and takes records, a few hundred at a time, so neither holds more than that.

mod blocks;
mod copying;
mod exporting;
mod import_block;
mod importing;
mod job;
mod pieces;
mod readable;
mod way;

pub(super) use blocks::HistoryPage;
