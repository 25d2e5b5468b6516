//! What was said, in a file: records in sealed chunks, which the recovery key opens and nothing else.
//!
//! ```text
//!  recovery keys of the account log ──> encapsulation ──> key of this file alone
//!                                            │                   │
//!  header  magic ‖ version ‖ suite ‖ mark ‖ encapsulation        │
//!          └── SHA-256 ──> associated data ──────────────────────┤
//!                                                                v
//!  record  length ‖ bytes ─┬─ 64 KiB ──> AES-256-GCM, nonce 0…0 ‖ 0 ‖ 0 ──> chunk 0
//!  record  length ‖ bytes ─┘  …          AES-256-GCM, nonce 0…0 ‖ n ‖ 1 ──> chunk n: a length of 0, then zeros
//! ```
//! A chunk begins with the place of the first record that begins in it: where one chunk is lost, what comes after can be read. Either end holds a chunk and a record at a time, whatever the size of the file. What the records say is the engine's; the first of
//! them is signed, and says whose file it is (`chopar-engine`, `history`). Docs: section 9 of `docs/protocol.md`, `docs/adr/0029`.
//!
//! | module | holds |
//! |---|---|
//! | `header` | what stands before the chunks, in clear |
//! | `seal`, `open` | records to a file, a file to records |
//! | `limits` | every bound |

mod header;
mod labels;
pub mod limits;
mod open;
mod seal;
#[cfg(test)]
mod tests;

pub use header::HistoryHeader;
pub use open::{HistoryOpener, OpenError};
pub use seal::{HistorySealer, RecordTooLong};

/// Bytes of the place of the first record, with which a chunk begins.
const PLACE: usize = 4;
/// Bytes of records in a chunk.
const BODY: usize = limits::CHUNK - PLACE;
/// The place where no record begins in a chunk.
const NOWHERE: u32 = u32::MAX;
