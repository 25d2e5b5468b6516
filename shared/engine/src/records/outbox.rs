//! One thing to be said to one account, with the exact envelopes once they are made.

use super::stored;

/// Lives until every device it was made for acknowledged it (a control message: until the relay accepted it).
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct OutboxRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// An encoded `Payload` with its content only; heads, time and generation are added when it is encrypted.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) payload: Vec<u8>,
    /// Sequence of the line it is, in the conversation of the recipient; 0: none (control).
    #[prost(uint64, tag = "3")]
    pub(crate) line: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) message: Vec<u8>,
    #[prost(uint64, tag = "5")]
    pub(crate) created: u64,
    /// When the relay accepted it, in milliseconds of the own clock; 0: not yet.
    #[prost(uint64, tag = "6")]
    pub(crate) accepted: u64,
    /// It lay at the relay until it expired; kept for a retry.
    #[prost(bool, tag = "7")]
    pub(crate) expired: bool,
    #[prost(message, repeated, tag = "8")]
    pub(crate) targets: Vec<TargetRecord>,
    /// When the relay accepted it for the first time, in milliseconds of the own clock; 0: never.
    #[prost(uint64, tag = "9")]
    pub(crate) first_accepted: u64,
    /// Whether it lives until every device acknowledged it, without being a line here: a copy for the own devices.
    #[prost(bool, tag = "10")]
    pub(crate) lasting: bool,
    /// Whether it is about another message, so that a device which does not have that one never acknowledges it.
    #[prost(bool, tag = "11")]
    pub(crate) referring: bool,
}
stored!(OutboxRecord, Outbox);

/// The envelope for one device.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct TargetRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) device: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) envelope: Vec<u8>,
    /// Emptied when the relay has it.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) body: Vec<u8>,
    #[prost(bool, tag = "4")]
    pub(crate) acked: bool,
    /// SHA-256 of the handshake header of the session it was encrypted in; empty: not known (written before this field was).
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) session: Vec<u8>,
}
