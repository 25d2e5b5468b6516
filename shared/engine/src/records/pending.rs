//! What was done with a message that has not arrived.

use super::stored;

/// One change, in the partition of its conversation.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct PendingRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// Whose message it is about.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) author: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) id: Vec<u8>,
    /// Who did it.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) by: Vec<u8>,
    /// When, by their clock, in milliseconds.
    #[prost(uint64, tag = "5")]
    pub(crate) time: u64,
    /// As in `pending::kind`.
    #[prost(uint32, tag = "6")]
    pub(crate) kind: u32,
    #[prost(uint32, tag = "7")]
    pub(crate) number: u32,
    /// The new text, or the emoji.
    #[prost(string, tag = "8")]
    pub(crate) text: String,
    /// What is acknowledged once it is applied; empty: nothing.
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) envelope: Vec<u8>,
    /// When it came, in milliseconds.
    #[prost(uint64, tag = "10")]
    pub(crate) came: u64,
}
stored!(PendingRecord, Pending);
