//! A line that disappears.

use super::stored;

/// One for each such line, with the line's key.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExpiryRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// Whose message it is.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) author: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) id: Vec<u8>,
    #[prost(uint32, tag = "4")]
    pub(crate) seconds: u32,
    /// When, in milliseconds; 0: it was not read yet.
    #[prost(uint64, tag = "5")]
    pub(crate) deadline: u64,
}
stored!(ExpiryRecord, Expiry);
