//! Where a message lies, by whose it is and its id.

use super::stored;

/// One for each message. Its partition is a digest (`places`), so it is found by one look-up.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PlaceRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// The line's sequence within its conversation.
    #[prost(uint64, tag = "2")]
    pub(crate) line: u64,
    /// It was here and is not any more: deleted for this account, or disappeared.
    #[prost(bool, tag = "3")]
    pub(crate) gone: bool,
}
stored!(PlaceRecord, Place);
