//! An epoch's header key and the recognition tags it makes.

use crate::group::labels;
use crate::keys::Secret32;
use crate::ratchet::Tag;
use crate::ratchet::kdf::{hkdf, hmac, hmac_of};

/// The header key with the tag key below it.
pub(super) struct HeaderKey {
    key: Secret32,
    tags: Secret32,
}

impl HeaderKey {
    pub(super) fn new(key: Secret32) -> Self {
        let tags = Secret32::new(*hkdf(&[], &[key.as_bytes()], &[labels::TAG]));
        Self { key, tags }
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    pub(super) const fn secret(&self) -> &Secret32 {
        &self.key
    }

    /// Recognition tag of message `number`: HMAC-SHA256(HKDF(header key, label group-tag), number), 16 bytes.
    pub(super) fn tag(&self, number: u32) -> Tag {
        Tag::truncated(&hmac_of(hmac(self.tags.as_bytes()), &number.to_be_bytes()))
    }
}
