//! What both ends do alike: the cipher of one file, its nonces and associated data, the digest over its chunks.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce, Tag};
use chopar_wire::ids::FileId;
use sha2::{Digest, Sha256};

use super::labels;
use super::layout::Layout;
use super::limits::CHUNK;
use crate::SUITE;
use crate::keys::Secret32;
use crate::ratchet::aead::AEAD_TAG;

/// STREAM over one file: chunk after chunk, the last one marked.
pub(super) struct Chunks {
    cipher: Aes256Gcm,
    associated: Vec<u8>,
    layout: Layout,
    /// Of the next chunk.
    number: u32,
    digest: Sha256,
}

impl Chunks {
    pub(super) fn new(id: &FileId, key: &Secret32, layout: Layout) -> Self {
        let mut associated = labels::CHUNK.to_vec();
        associated.push(0);
        associated.extend_from_slice(&SUITE.to_be_bytes());
        associated.extend_from_slice(id.as_bytes());
        associated.extend_from_slice(&(CHUNK as u32).to_be_bytes());
        associated.extend_from_slice(&layout.size().to_be_bytes());
        let mut digest = Sha256::new();
        digest.update(labels::DIGEST);
        digest.update([0]);
        Self {
            cipher: Aes256Gcm::new(<&Key<Aes256Gcm>>::from(key.as_bytes())),
            associated,
            layout,
            number: 0,
            digest,
        }
    }

    pub(super) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Of the next chunk.
    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    /// Encrypts the next chunk in place, appends its tag, and goes on to the one after.
    pub(super) fn seal(&mut self, chunk: &mut Vec<u8>) {
        let sealed =
            self.cipher
                .encrypt_inout_detached(&self.nonce(), &self.associated, chunk.as_mut_slice().into());
        match sealed {
            Ok(tag) => {
                let tag: [u8; AEAD_TAG] = tag.into();
                chunk.extend_from_slice(&tag);
            }
            Err(_) => unreachable!("a chunk is far below the 64 GiB of GCM"),
        }
        self.advance(chunk);
    }

    /// What the next chunk holds; `None` where it does not authenticate in its place.
    pub(super) fn open(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let (content, tag) = stored.split_last_chunk::<AEAD_TAG>()?;
        let mut plain = content.to_vec();
        self.cipher
            .decrypt_inout_detached(
                &self.nonce(),
                &self.associated,
                plain.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(plain)
    }

    /// Takes the next chunk for good, as it lies at the relay.
    pub(super) fn advance(&mut self, stored: &[u8]) {
        self.digest.update(Sha256::digest(stored));
        self.number += 1;
    }

    /// The digest over all chunks so far.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    /// Seven zeros, the chunk's number, whether it is the last.
    fn nonce(&self) -> Nonce<U12> {
        let mut nonce = [0; 12];
        nonce[7..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(self.layout.is_last(self.number));
        nonce.into()
    }
}
