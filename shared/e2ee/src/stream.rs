//! The STREAM construction: AES-256-GCM over the chunks of one stream, each in its place and the last one marked, so that none is
//! moved, left out or added unseen.
//!
//! A key serves one stream. Nonce: seven zeros, the chunk's number (u32), 1 for the last chunk and 0 for the others.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce, Tag};

use crate::keys::Secret32;
use crate::ratchet::aead::AEAD_TAG;

/// The cipher of one stream.
pub(crate) struct Stream {
    cipher: Aes256Gcm,
    associated: Vec<u8>,
}

impl Stream {
    /// Under a key of this stream alone; what is associated is bound to every chunk.
    pub(crate) fn new(key: &Secret32, associated: Vec<u8>) -> Self {
        Self {
            cipher: Aes256Gcm::new(<&Key<Aes256Gcm>>::from(key.as_bytes())),
            associated,
        }
    }

    /// Encrypts a chunk in place and appends its tag. Each number is sealed once.
    pub(crate) fn seal(&self, number: u32, last: bool, chunk: &mut Vec<u8>) {
        let sealed = self.cipher.encrypt_inout_detached(
            &nonce(number, last),
            &self.associated,
            chunk.as_mut_slice().into(),
        );
        match sealed {
            Ok(tag) => {
                let tag: [u8; AEAD_TAG] = tag.into();
                chunk.extend_from_slice(&tag);
            }
            Err(_) => unreachable!("a chunk is far below the 64 GiB of GCM"),
        }
    }

    /// What a chunk holds; `None` where it does not authenticate in this place.
    pub(crate) fn open(&self, number: u32, last: bool, stored: &[u8]) -> Option<Vec<u8>> {
        let (content, tag) = stored.split_last_chunk::<AEAD_TAG>()?;
        let mut plain = content.to_vec();
        self.cipher
            .decrypt_inout_detached(
                &nonce(number, last),
                &self.associated,
                plain.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(plain)
    }
}

fn nonce(number: u32, last: bool) -> Nonce<U12> {
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce.into()
}
