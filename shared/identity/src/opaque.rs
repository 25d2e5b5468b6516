//! Opaque logs: entries of bytes in a hash chain, each signed by a key that the one before it named.
//!
//! ```text
//!  begin:   parent empty            ── signed with its own next_write_key
//!  extend:  parent = hash(before)   ── signed with the next_write_key of the one before
//! ```
//! The relay verifies so that nobody else writes; members verify again what the relay shows. What an entry says, and
//! whose log it is, neither this crate nor the relay knows.

use chopar_wire::ids::OpaqueLogId;
use chopar_wire::limits::MAX_OPAQUE_ENTRY;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::AppendOpaqueBody;
use chopar_wire::{labels, prost::bytes::Bytes};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::keys::Ed25519Public;
use crate::signed::{signing_input, verify};

/// What an append's body has beside its entry, in bytes: ids, hash and key, with room for fields of the future.
const MAX_AROUND_ENTRY: usize = 512;

/// One append, as it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueAppend {
    /// Which log.
    pub log: OpaqueLogId,
    /// Hash of the append before; `None` begins the log.
    pub parent: Option<[u8; 32]>,
    /// What is kept, 1 byte to 64 KiB.
    pub entry: Bytes,
    /// Signs the append that follows.
    pub next_write_key: Ed25519Public,
}

/// How far a log reaches, and who writes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpaqueHead {
    /// Appends so far.
    pub length: u32,
    /// Hash of the last one.
    pub hash: [u8; 32],
    /// Its `next_write_key`.
    pub write_key: Ed25519Public,
}

/// Why an append does not stand where it is said to. Who gave it is at fault, except for [`NotNext`](Self::NotNext), where
/// somebody else was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpaqueError {
    /// Not an encoded body, or a field of the wrong size.
    #[error("the append is malformed")]
    Malformed,
    /// The entry is longer than one may be.
    #[error("an entry has at most {MAX_OPAQUE_ENTRY} bytes")]
    TooLarge,
    /// Its parent is not the last append.
    #[error("the append does not follow the last one")]
    NotNext,
    /// The write key did not sign it.
    #[error("the signature of the write key does not verify")]
    BadSignature,
}

impl OpaqueAppend {
    /// The body to be signed.
    pub fn body(&self) -> Vec<u8> {
        AppendOpaqueBody {
            log: self.log.into(),
            parent: self
                .parent
                .map(|parent| parent.to_vec())
                .unwrap_or_default()
                .into(),
            entry: self.entry.clone(),
            next_write_key: self.next_write_key.as_bytes().to_vec().into(),
        }
        .encode_to_vec()
    }

    /// The bytes a signer signs over a body of this kind.
    pub fn signing_input(body: &[u8]) -> Vec<u8> {
        signing_input(labels::OPAQUE_APPEND, body)
    }

    /// Reads an append; neither its signature nor its place is verified by this.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`], [`OpaqueError::TooLarge`].
    pub fn parse(signed: &Signed) -> Result<Self, OpaqueError> {
        if signed.body.len() > MAX_OPAQUE_ENTRY + MAX_AROUND_ENTRY {
            return Err(OpaqueError::TooLarge);
        }
        let malformed = |_| OpaqueError::Malformed;
        let body = AppendOpaqueBody::decode(signed.body.clone()).map_err(|_| OpaqueError::Malformed)?;
        if body.entry.len() > MAX_OPAQUE_ENTRY {
            return Err(OpaqueError::TooLarge);
        }
        if body.entry.is_empty() {
            return Err(OpaqueError::Malformed);
        }
        let parent = match body.parent.len() {
            0 => None,
            _ => Some(body.parent.as_ref().try_into().map_err(malformed)?),
        };
        Ok(Self {
            log: OpaqueLogId::try_from(body.log.as_ref()).map_err(|_| OpaqueError::Malformed)?,
            parent,
            entry: body.entry,
            next_write_key: Ed25519Public::parse(&body.next_write_key).map_err(|_| OpaqueError::Malformed)?,
        })
    }

    /// Verifies that this append, read from `signed`, follows `head`; `None` is a log that has not begun. Gives the head
    /// after it.
    ///
    /// # Errors
    /// [`OpaqueError::NotNext`], [`OpaqueError::BadSignature`].
    pub fn follow(&self, signed: &Signed, head: Option<&OpaqueHead>) -> Result<OpaqueHead, OpaqueError> {
        if self.parent != head.map(|head| head.hash) {
            return Err(OpaqueError::NotNext);
        }
        let key = head.map_or(&self.next_write_key, |head| &head.write_key);
        verify(labels::OPAQUE_APPEND, &signed.body, &signed.signature, key)
            .map_err(|_| OpaqueError::BadSignature)?;
        Ok(OpaqueHead {
            length: head.map_or(0, |head| head.length) + 1,
            hash: append_hash(&signed.body),
            write_key: self.next_write_key,
        })
    }
}

/// The hash of an append's body: the parent of the next.
pub fn append_hash(body: &[u8]) -> [u8; 32] {
    Sha256::digest(signing_input(labels::OPAQUE_HASH, body)).into()
}

#[cfg(test)]
mod tests;
