//! Private halves of prekeys, in the encodings of `chopar-e2ee`.

use chopar_wire::proto::identity::Signed;
use zeroize::Zeroize;

use super::stored;

/// Partition of the long-lived keys: signed prekey, sealing key, last resort; one record for each bundle, by its sequence.
pub(crate) const BUNDLES: &[u8] = b"bundles";
/// Partition of the one-time pairs, by their ids.
pub(crate) const ONE_TIME: &[u8] = b"one-time";

/// The private halves of one bundle.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct BundleRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) signed_prekey: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) sealing_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) last_resort: Vec<u8>,
    /// The signed bundle, to be published again if the relay's answer was lost.
    #[prost(message, optional, tag = "5")]
    pub(crate) signed: Option<Signed>,
    /// When a newer one took its place, in milliseconds; 0: it is in force.
    #[prost(uint64, tag = "6")]
    pub(crate) retired: u64,
    /// SHA-256 of handshake headers that used the last-resort key, 32 bytes each.
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) last_resort_uses: Vec<u8>,
    /// The id the next one-time pair gets.
    #[prost(uint32, tag = "8")]
    pub(crate) next_one_time: u32,
    /// From where on an id for the keys of the next bundle is sought.
    #[prost(uint32, tag = "9")]
    pub(crate) next_key: u32,
    /// By whom each of the uses was, 16 bytes each, in the same order.
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) last_resort_users: Vec<u8>,
}
stored!(BundleRecord, Prekey);

impl Drop for BundleRecord {
    fn drop(&mut self) {
        self.signed_prekey.zeroize();
        self.sealing_key.zeroize();
        self.last_resort.zeroize();
    }
}

/// The private halves of one one-time pair.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct OneTimeRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) pair: Vec<u8>,
}
stored!(OneTimeRecord, Prekey);

impl Drop for OneTimeRecord {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}
