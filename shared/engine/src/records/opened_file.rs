//! A line of which opened files are kept.

use super::stored;

/// With the line's key. Which files they are, the host knows.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OpenedFileRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
}
stored!(OpenedFileRecord, OpenedFile);
