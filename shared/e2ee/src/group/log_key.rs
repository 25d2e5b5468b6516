//! The log key of a group: seals the entries of its roster in the opaque log at the relay, and makes the log's write key.
//!
//! ```text
//!   version u32 ‖ salt 16 ‖ AES-256-GCM( padded { entry, key before } ) ‖ 16
//! ```
//! It changes with every removal. The entry that begins a version holds the key of the one before, so the newest key opens the
//! whole log, and an older one nothing of what came after.

use chopar_identity::{Ed25519Public, SIGNATURE_LEN};
use chopar_wire::ids::GroupId;
use chopar_wire::proto::group::Sealed;
use chopar_wire::proto::identity::Signed;
use ed25519_dalek::{Signer, SigningKey};
use prost::Message;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::labels;
use super::limits::MAX_SEALED;
use crate::SUITE;
use crate::keys::Secret32;
use crate::padding::{pad_within, unpad_within};
use crate::ratchet::aead::{AEAD_TAG, OneUse, SALT};
use crate::ratchet::kdf::hkdf;

/// One version of a group's log key.
pub struct LogKey {
    version: u32,
    key: Secret32,
}

/// What an entry of the opaque log holds.
pub struct OpenedEntry {
    /// The signed entry of the roster; nothing of it is verified by this.
    pub entry: Signed,
    /// The key of the version before, where this entry begins a version.
    pub key_before: Option<LogKey>,
}

/// Bytes of an opaque log are no entry under this key. Whoever wrote them is at fault, or the key is another one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Not the shape of a sealed entry, or (authenticated) not what one holds.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Sealed under another version of the key.
    #[error("sealed under version {0}")]
    Version(u32),
    /// Altered, of another group, or sealed under another key of this version.
    #[error("authentication failed")]
    Authentication,
    /// More than an entry may be.
    #[error("the entry is too large")]
    TooLarge,
}

impl LogKey {
    /// The first version of a new group.
    pub fn first(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            version: 1,
            key: Secret32::random(rng),
        }
    }

    /// The next version, independent of this one.
    pub fn next(&self, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            version: self.version.saturating_add(1),
            key: Secret32::random(rng),
        }
    }

    /// Takes what travelled or was stored; `None` for another length or version 0.
    pub fn parse(version: u32, bytes: &[u8]) -> Option<Self> {
        let key = Secret32::new(bytes.try_into().ok()?);
        (version > 0).then_some(Self { version, key })
    }

    /// Which version it is, from 1.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The bytes, for a session with a member or a sealed record.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// A second copy.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self {
            version: self.version,
            key: self.key.duplicate(),
        }
    }

    /// The version an entry of the opaque log is sealed under; `None` where it is none.
    pub fn version_of(sealed: &[u8]) -> Option<u32> {
        sealed.first_chunk().copied().map(u32::from_be_bytes)
    }

    /// Seals an entry, with the key before where it begins this version.
    ///
    /// # Errors
    /// [`SealError::TooLarge`].
    pub fn seal(
        &self,
        group: &GroupId,
        entry: &Signed,
        key_before: Option<&Self>,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SealError> {
        let sealed = Sealed {
            entry: Some(entry.clone()),
            key_before: key_before
                .map(|key| key.as_bytes().to_vec())
                .unwrap_or_default()
                .into(),
        };
        let padded = pad_within(&Zeroizing::new(sealed.encode_to_vec()), MAX_SEALED);
        let padded = Zeroizing::new(padded.map_err(|_| SealError::TooLarge)?);
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let mut out = Vec::with_capacity(4 + SALT + padded.len() + AEAD_TAG);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&salt);
        out.extend_from_slice(&padded);
        let seal = OneUse::derive(&salt, self.key.as_bytes(), labels::LOG)
            .seal(&self.associated(group), &mut out[4 + SALT..]);
        out.extend_from_slice(&seal);
        Ok(out)
    }

    /// Opens an entry.
    ///
    /// # Errors
    /// [`SealError`] by name.
    pub fn open(&self, group: &GroupId, sealed: &[u8]) -> Result<OpenedEntry, SealError> {
        let short = SealError::Malformed("too short");
        let (version, rest) = sealed.split_first_chunk().ok_or(short)?;
        let version = u32::from_be_bytes(*version);
        if version != self.version {
            return Err(SealError::Version(version));
        }
        let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(short)?;
        let (content, tag) = rest.split_last_chunk().ok_or(short)?;
        let mut content = Zeroizing::new(content.to_vec());
        let one_use = OneUse::derive(salt, self.key.as_bytes(), labels::LOG);
        if !one_use.open(&self.associated(group), &mut content, tag) {
            return Err(SealError::Authentication);
        }
        let plain = unpad_within(&content, MAX_SEALED).map_err(|_| SealError::Malformed("padding"))?;
        let opened = Sealed::decode(plain).map_err(|_| SealError::Malformed("encoding"))?;
        let key_before = match opened.key_before.len() {
            0 => None,
            _ => {
                Some(Self::parse(version - 1, &opened.key_before).ok_or(SealError::Malformed("key before"))?)
            }
        };
        Ok(OpenedEntry {
            entry: opened.entry.ok_or(SealError::Malformed("no entry"))?,
            key_before,
        })
    }

    /// The public half of the key that signs appends to the opaque log.
    pub fn write_key(&self) -> Ed25519Public {
        match Ed25519Public::parse(self.writing().verifying_key().as_bytes()) {
            Ok(key) => key,
            Err(_) => unreachable!("the public half of a secret key is a key of full order"),
        }
    }

    /// Signs an append; `input` is what `chopar_identity::OpaqueAppend::signing_input` gives.
    pub fn sign_append(&self, input: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.writing().sign(input).to_bytes()
    }

    /// Seed = HKDF(log key, label group-log-write).
    fn writing(&self) -> SigningKey {
        SigningKey::from_bytes(&hkdf(&[], &[self.key.as_bytes()], &[labels::LOG_WRITE]))
    }

    fn associated(&self, group: &GroupId) -> Vec<u8> {
        [
            &SUITE.to_be_bytes()[..],
            group.as_bytes(),
            &self.version.to_be_bytes(),
        ]
        .concat()
    }
}

/// Never the key.
impl core::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LogKey(version {})", self.version)
    }
}

/// Neither the entry nor the key.
impl core::fmt::Debug for OpenedEntry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OpenedEntry({} bytes)", self.entry.body.len())
    }
}
