//! How far somebody knows an account's log.

use chopar_wire::proto;

/// The length of a log and the hash of its last entry. Carried inside encrypted messages, so that a relay that shows
/// two people two logs is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogHead {
    /// Number of entries, at least one.
    pub length: u32,
    /// Hash of the entry at position `length - 1`.
    pub hash: [u8; 32],
}

/// What a head that somebody else named says about the log known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadRelation {
    /// Both know the same.
    Same,
    /// The other side knows a shorter piece of the same log.
    Behind,
    /// The other side knows more entries: fetch and verify them before anything is concluded.
    Ahead,
    /// The other side was shown another log: an alarm.
    Fork,
}

/// A head of no length, or with a hash of the wrong size. Who sent it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log head is malformed")]
pub struct MalformedHead;

impl TryFrom<&proto::identity::LogHead> for LogHead {
    type Error = MalformedHead;

    fn try_from(head: &proto::identity::LogHead) -> Result<Self, MalformedHead> {
        let hash = head.hash.as_ref().try_into().map_err(|_| MalformedHead)?;
        if head.length == 0 || head.length as usize > chopar_wire::limits::MAX_LOG_ENTRIES {
            return Err(MalformedHead);
        }
        Ok(Self {
            length: head.length,
            hash,
        })
    }
}

impl From<&LogHead> for proto::identity::LogHead {
    fn from(head: &LogHead) -> Self {
        Self {
            length: head.length,
            hash: head.hash.to_vec().into(),
        }
    }
}
