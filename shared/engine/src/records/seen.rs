//! Ids already seen, in blocks.

use super::stored;

#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct SeenRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// 16 bytes each.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) ids: Vec<u8>,
}
stored!(SeenRecord, Seen);
