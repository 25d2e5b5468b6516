//! A group: its state, its roster entry by entry, the epochs of others, and what was sent into it.

use chopar_wire::proto::identity::Signed;
use zeroize::Zeroize;

use super::stored;

/// Sequence of the state within the group's partition.
pub(crate) const STATE: u64 = 0;
/// Sequence of the roster's first entry.
pub(crate) const ROSTER: u64 = 16;

/// Everything but the roster.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct GroupRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// Id of the opaque log.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) log: Vec<u8>,
    /// Log keys that have opened something.
    #[prost(message, repeated, tag = "3")]
    pub(crate) keys: Vec<KeyRecord>,
    /// Log keys that members told and that have opened nothing yet.
    #[prost(message, repeated, tag = "4")]
    pub(crate) told: Vec<KeyRecord>,
    /// How far the opaque log was followed: 0 for not at all.
    #[prost(uint32, tag = "5")]
    pub(crate) opaque_length: u32,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) opaque_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) opaque_write_key: Vec<u8>,
    /// A head of the roster that a member claimed and the relay has not shown: its length, 0 for none.
    #[prost(uint32, tag = "8")]
    pub(crate) claimed_length: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) claimed_hash: Vec<u8>,
    /// Who claimed it.
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) claimed_by: Vec<u8>,
    /// 0 no, 1 withheld, 2 forked.
    #[prost(uint32, tag = "11")]
    pub(crate) alarm: u32,
    /// Whose devices signed the two entries of a fork; empty where that is not known.
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub(crate) signers: Vec<Vec<u8>>,
    /// Whether acknowledgements go to its members.
    #[prost(bool, tag = "13")]
    pub(crate) accepted: bool,
    /// Whether this account is no longer in it.
    #[prost(bool, tag = "14")]
    pub(crate) over: bool,
    /// The own epoch; holds secrets.
    #[prost(bytes = "vec", tag = "15")]
    pub(crate) sending: Vec<u8>,
    /// Whom the own epoch was handed to.
    #[prost(bytes = "vec", tag = "16")]
    pub(crate) handed_to: Vec<u8>,
    /// The generation of the next own epoch.
    #[prost(uint32, tag = "17")]
    pub(crate) generation: u32,
    /// An own entry on its way into the log.
    #[prost(message, optional, tag = "18")]
    pub(crate) pending: Option<PendingEntryRecord>,
}
stored!(GroupRecord, Group);

impl Drop for GroupRecord {
    fn drop(&mut self) {
        self.sending.zeroize();
    }
}

/// One version of the log key.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct KeyRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) key: Vec<u8>,
}

impl Drop for KeyRecord {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Saved before it leaves: a new log key that is lost with a crash would close the log for everybody.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct PendingEntryRecord {
    #[prost(message, optional, tag = "1")]
    pub(crate) entry: Option<Signed>,
    /// The entry of the opaque log.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) sealed: Vec<u8>,
    /// The log key that begins with it, if one does.
    #[prost(message, optional, tag = "3")]
    pub(crate) key: Option<KeyRecord>,
}

/// One entry of the roster, by its position.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct RosterRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) entry: Option<Signed>,
}
stored!(RosterRecord, Group);

/// An epoch of somebody's device; the partition is group and device.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct EpochRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// In the encoding of `chopar-e2ee`; holds secrets.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) epoch: Vec<u8>,
}
stored!(EpochRecord, GroupEpoch);

impl Drop for EpochRecord {
    fn drop(&mut self) {
        self.epoch.zeroize();
    }
}

/// A message sent into a group. Its recipients lie in blocks behind it, so that an acknowledgement rewrites a small record.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct GroupRowRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// An encoded `Payload` with its content only; emptied when everybody has it.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) payload: Vec<u8>,
    /// Sequence of the line it is; 0: none.
    #[prost(uint64, tag = "3")]
    pub(crate) line: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) message: Vec<u8>,
    #[prost(uint64, tag = "5")]
    pub(crate) created: u64,
    /// When the relay accepted it, in milliseconds of the own clock; 0: not yet.
    #[prost(uint64, tag = "6")]
    pub(crate) accepted: u64,
    /// The submission's id; empty: not encrypted yet.
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) submission: Vec<u8>,
    /// The envelope's body; emptied when the relay has it.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) body: Vec<u8>,
    /// Generation of the own epoch it was encrypted in.
    #[prost(uint32, tag = "9")]
    pub(crate) generation: u32,
}
stored!(GroupRowRecord, GroupRow);

/// Some of a message's recipients.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RecipientsRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) recipients: Vec<RecipientRecord>,
}
stored!(RecipientsRecord, GroupRow);

/// One account that a message went to.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RecipientRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) account: Vec<u8>,
    /// Device ids, 16 bytes each.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) devices: Vec<u8>,
    /// Bit n: the nth device acknowledged it.
    #[prost(uint32, tag = "3")]
    pub(crate) acked: u32,
    /// As in `line::state_number`.
    #[prost(uint32, tag = "4")]
    pub(crate) state: u32,
    /// It went again, in the session with them.
    #[prost(bool, tag = "5")]
    pub(crate) again: bool,
}
