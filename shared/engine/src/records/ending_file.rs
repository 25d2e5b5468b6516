//! A file that is to be deleted at the relay.

use super::stored;

/// In the partition of its id; gone when the relay has said that it is done.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EndingFileRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
}
stored!(EndingFileRecord, EndingFile);
