//! Files of messages: up to the relay before the message is said, and down from it when somebody wants one.
//!
//! ```text
//!  Intent::SendFiles ──> line, Upload record ──> BeginFile ──> Effect::Upload … ──> all there ──> said, as any message is
//!                          (saved)                 ^ FileGrant      │ Moved
//!                                                  └── later, from where it stands: a break, a restart, a refusal
//!
//!  Intent::FetchFile ──> line ──> OpenFile ──> Effect::Fetch ──> chunks opened ──> Effect::Keep ──> Kept … ──> all: Done
//! ```
//! The host seals a file (`chopar_e2ee::file`) before it hands over what a message says of it, and keeps the sealed bytes until it
//! is told to discard them; it moves bytes and keeps what was opened. What is sealed, asked for, opened and said is decided here.
//!
//! | module | holds |
//! |---|---|
//! | `carried` | files in a message and in its line |
//! | `uploading` | from a sealed file to the message that is said |
//! | `ending` | those of messages that were deleted for everyone: deleted at the relay |
//! | `fetching` | from a message to the file |
//! | `opened` | lines of which opened files are kept, so that these go with them |

mod carried;
mod ending;
mod fetching;
mod opened;
mod uploading;

pub use carried::{MAX_FILES, MAX_FILES_BYTES};
pub(crate) use carried::{in_order, sealed_ids, shown};
pub(crate) use ending::EndingFiles;
pub(crate) use fetching::Fetches;
pub(crate) use opened::OpenedFiles;
pub(crate) use uploading::{UploadKey, Uploads};
