//! An envelope that cannot be opened yet.

use super::stored;

#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct QuarantineRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) envelope: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) body: Vec<u8>,
    /// When it came, in milliseconds.
    #[prost(uint64, tag = "4")]
    pub(crate) came: u64,
}
stored!(QuarantineRecord, Quarantine);
