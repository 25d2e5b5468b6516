//! A message whose files are on their way to the relay.

use super::stored;

/// In the partition of its conversation, under the sequence of its line; gone when the message is said.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct UploadRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    /// An encoded `Payload` with its content only: the text and what it says of its files.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) payload: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) message: Vec<u8>,
    /// Whether its line is gone.
    #[prost(bool, tag = "4")]
    pub(crate) unnamed: bool,
}
stored!(UploadRecord, Upload);
