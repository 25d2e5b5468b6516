//! What was said, out of this vault and into another one: for a file that the recovery key opens, and from it.
//!
//! ```text
//!   export   Intent::ExportHistory ──> a person or a group, then their lines, the newest first ──> records, and where it goes on
//!   import   Intent::ImportHistory ──> people and groups joined; of lines: is it here? ──> Effect::Read ──> those that are not
//! ```
//! A message is named by its author and its id, so what is here already stays as it is, and the same import twice changes nothing.
//! Each batch is one step: an interrupted import is one that was only begun, and goes on when the file is read again. Imported lines
//! stand before all that arrived here ([`FIRST_LINE`]), so a file is read from the newest line to the oldest.
//!
//! Not in it: what waits to be sent, messages that disappear, sessions and keys of devices, notices. Sealing is the host's
//! ([`chopar_e2ee::history`]). Docs: section 9 of `docs/protocol.md`.

mod beginning;
mod exporting;
mod importing;
mod people;
mod records;

use chopar_wire::AccountId;
use serde::{Deserialize, Serialize};

pub(crate) use importing::ImportLine;

/// Sequence of the first line that arrives in a conversation. Below is room for what is imported: more than anybody has.
pub(crate) const FIRST_LINE: u64 = 1 << 32;

/// Where an export goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HistoryMark {
    /// Groups come after people: the logs of their members are there then.
    group: bool,
    conversation: AccountId,
    /// Only lines below this one; `None`: it is done with.
    before: Option<u64>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Messages that were not here.
    pub added: u32,
    /// Messages that are, or were deleted here: nothing changed.
    pub known: u32,
    /// Records that this version cannot use: damaged, or of a newer one.
    pub left: u32,
}
