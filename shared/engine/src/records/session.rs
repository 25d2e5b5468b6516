//! One ratchet session with one device.

use zeroize::Zeroize;

use super::stored;

#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct SessionRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) account: Vec<u8>,
    /// 1 + the highest the initiator knew when it began the session.
    #[prost(uint32, tag = "3")]
    pub(crate) generation: u32,
    /// SHA-256 of the handshake header: breaks ties, recognises the header when it comes again.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) header_hash: Vec<u8>,
    /// When it began, in milliseconds.
    #[prost(uint64, tag = "5")]
    pub(crate) created: u64,
    /// The ratchet's own record; holds secrets.
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) ratchet: Vec<u8>,
    /// The handshake header every message carries until the first answer is opened; empty afterwards.
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) header: Vec<u8>,
    #[prost(uint32, tag = "8")]
    pub(crate) sealing_id: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) sealing_key: Vec<u8>,
    /// When another session took its place, in milliseconds; 0: it sends, or nobody has looked since.
    #[prost(uint64, tag = "10")]
    pub(crate) superseded: u64,
}
stored!(SessionRecord, Session);

impl Drop for SessionRecord {
    fn drop(&mut self) {
        self.ratchet.zeroize();
    }
}
