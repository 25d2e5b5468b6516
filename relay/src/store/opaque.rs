//! Logs that the relay cannot read: bytes in order, each after the one it names.

use chopar_wire::ids::OpaqueLogId;
use chopar_wire::limits::{MAX_OPAQUE_ENTRIES, OPAQUE_LOG_BYTES};
use prost::bytes::Bytes;

use super::Answer;

/// Opaque logs. What is given here was verified (`chopar_identity::opaque`).
pub(crate) trait OpaqueLogs {
    /// How far a log reaches; `None`: it has not begun.
    fn opaque_head(&self, log: OpaqueLogId) -> Answer<Option<OpaqueHead>>;
    /// Compare-and-set on the head.
    fn append_opaque(&self, append: OpaqueAppend) -> Answer<OpaqueAppended>;
    /// Appends from a place on, at least one where there is one, at most about `bytes`; `None` without such a log.
    fn opaque_log(&self, log: OpaqueLogId, from: OpaquePlace, bytes: usize) -> Answer<Option<OpaquePage>>;
}

/// How far a log reaches, and the Ed25519 key that signs what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpaqueHead {
    pub(crate) length: u32,
    pub(crate) hash: [u8; 32],
    pub(crate) write_key: [u8; 32],
}

/// One append that verified.
#[derive(Clone, Debug)]
pub(crate) struct OpaqueAppend {
    pub(crate) log: OpaqueLogId,
    /// The head it was verified against; `None`: it begins the log.
    pub(crate) parent: Option<OpaqueHead>,
    /// The head it makes.
    pub(crate) head: OpaqueHead,
    /// As it came, encoded.
    pub(crate) signed: Bytes,
}

impl OpaqueAppend {
    /// Where it leads to from what a log is, its head and its bytes: the bytes it holds then, or why it may not follow.
    pub(crate) fn follow(&self, known: Option<(OpaqueHead, u64)>) -> Result<u64, OpaqueAppended> {
        if known.map(|(head, _)| head) != self.parent {
            return Err(OpaqueAppended::Conflict);
        }
        let held = known.map_or(0, |(_, bytes)| bytes) + self.signed.len() as u64;
        if self.head.length > MAX_OPAQUE_ENTRIES || held > OPAQUE_LOG_BYTES {
            return Err(OpaqueAppended::Full);
        }
        Ok(held)
    }
}

/// How an append ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpaqueAppended {
    Done,
    /// Somebody else was first.
    Conflict,
    /// The log has as many entries or bytes as a log may have.
    Full,
}

/// Where to read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpaquePlace {
    Position(u32),
    /// After the append of this hash; from the start where the log holds no such append.
    After(Option<[u8; 32]>),
}

/// Part of a log, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpaquePage {
    pub(crate) from: u32,
    /// As they came, encoded.
    pub(crate) appends: Vec<Bytes>,
    /// Length of the whole log.
    pub(crate) length: u32,
}
