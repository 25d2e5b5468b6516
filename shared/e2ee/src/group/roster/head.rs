//! How far somebody knows a roster.

use chopar_wire::labels::GROUP_HASH;
use chopar_wire::proto::group as proto;
use sha2::{Digest, Sha256};

use crate::group::limits::MAX_ENTRIES;

/// The length of a roster and the hash of its last entry. Bound into every message, so that a relay that shows two members two
/// rosters is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RosterHead {
    /// Number of entries, at least one.
    pub length: u32,
    /// Hash of the entry at position `length - 1`.
    pub hash: [u8; 32],
}

/// What a head that somebody else named says about the roster known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterRelation {
    /// Both know the same.
    Same,
    /// The other side knows a shorter piece of the same roster.
    Behind,
    /// The other side knows more entries.
    Ahead,
    /// The other side was shown another roster: an alarm.
    Fork,
}

/// A head of no length, or with a hash of the wrong size. Who sent it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the head of the roster is malformed")]
pub struct MalformedHead;

impl TryFrom<&proto::Head> for RosterHead {
    type Error = MalformedHead;

    fn try_from(head: &proto::Head) -> Result<Self, MalformedHead> {
        if head.length == 0 || head.length > MAX_ENTRIES {
            return Err(MalformedHead);
        }
        Ok(Self {
            length: head.length,
            hash: head.hash.as_ref().try_into().map_err(|_| MalformedHead)?,
        })
    }
}

impl From<&RosterHead> for proto::Head {
    fn from(head: &RosterHead) -> Self {
        Self {
            length: head.length,
            hash: head.hash.to_vec().into(),
        }
    }
}

/// The hash of an entry with this body: the parent of the next, and of the first one the group's id.
pub fn entry_hash(body: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(GROUP_HASH)
        .chain_update([0])
        .chain_update(body)
        .finalize()
        .into()
}
