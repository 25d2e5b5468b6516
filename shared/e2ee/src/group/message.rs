//! A message of a group on the wire.
//!
//! ```text
//!   tag 16 ‖ salt 16 ‖ sealed header (number u32 ‖ 16) ‖ content ‖ 16 ‖ sealed signature (64 ‖ 16)
//! ```
//! The signature covers everything before it and what the epoch is bound to; sealed, it tells nobody outside who signed.

use chopar_identity::{Ed25519Public, SIGNATURE_LEN, signing_input, verify};
use chopar_wire::labels::GROUP_MESSAGE;
use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::epoch::EpochId;
use super::header_key::HeaderKey;
use super::labels;
use crate::ratchet::aead::{AEAD_TAG, OneUse, SALT};
use crate::ratchet::chain::MessageKey;
use crate::ratchet::{OpenError, Tag};

/// The message's number, sealed.
const HEADER: usize = 4 + AEAD_TAG;
/// The signature, sealed.
const SIGNATURE: usize = SIGNATURE_LEN + AEAD_TAG;

/// The parts of a message, nothing decrypted yet.
pub(super) struct Wire<'a> {
    pub(super) tag: Tag,
    salt: &'a [u8; SALT],
    header: &'a [u8; HEADER],
    content: &'a [u8],
    content_tag: &'a [u8; AEAD_TAG],
    signature: &'a [u8; SIGNATURE],
    /// Everything before the signature.
    signed: &'a [u8],
}

impl<'a> Wire<'a> {
    /// Splits a message.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, OpenError> {
        let short = OpenError::Malformed("too short");
        let (signed, signature) = message.split_last_chunk().ok_or(short)?;
        let (tag, rest) = signed.split_first_chunk().ok_or(short)?;
        let (salt, rest) = rest.split_first_chunk().ok_or(short)?;
        let (header, rest) = rest.split_first_chunk().ok_or(short)?;
        let (content, content_tag) = rest.split_last_chunk().ok_or(short)?;
        Ok(Self {
            tag: Tag::new(*tag),
            salt,
            header,
            content,
            content_tag,
            signature,
            signed,
        })
    }

    /// The number, under the epoch's header key; `None` where the header does not authenticate. AAD = context ‖ tag.
    pub(super) fn open_header(&self, key: &HeaderKey, epoch: &EpochId) -> Option<u32> {
        let (sealed, tag) = self.header.split_last_chunk::<AEAD_TAG>()?;
        let mut number: [u8; 4] = sealed.try_into().ok()?;
        let associated = header_associated(epoch, &self.tag);
        OneUse::derive(self.salt, key.as_bytes(), labels::HEADER)
            .open(&associated, &mut number, tag)
            .then_some(u32::from_be_bytes(number))
    }

    /// Verifies the signature of the epoch's signing key over context, number and everything before it.
    pub(super) fn verify(
        &self,
        key: &HeaderKey,
        signer: &Ed25519Public,
        epoch: &EpochId,
        number: u32,
    ) -> Result<(), OpenError> {
        let (sealed, tag) = self
            .signature
            .split_last_chunk::<AEAD_TAG>()
            .ok_or(OpenError::Authentication)?;
        let context = epoch.context_of(number);
        let mut signature = sealed.to_vec();
        let opened =
            OneUse::derive(self.salt, key.as_bytes(), labels::SIGNATURE).open(&context, &mut signature, tag);
        if !opened {
            return Err(OpenError::Authentication);
        }
        let body = [context.as_slice(), self.signed].concat();
        verify(GROUP_MESSAGE, &body, &signature, signer).map_err(|_| OpenError::Authentication)
    }

    /// The content, under its message key. AAD = context ‖ number.
    pub(super) fn open_content(
        &self,
        key: &MessageKey,
        epoch: &EpochId,
        number: u32,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut content = Zeroizing::new(self.content.to_vec());
        OneUse::derive(self.salt, key.0.as_bytes(), labels::CONTENT)
            .open(&epoch.context_of(number), &mut content, self.content_tag)
            .then_some(content)
            .ok_or(OpenError::Authentication)
    }
}

/// Everything one message is made of.
pub(super) struct Parts<'a> {
    pub(super) epoch: &'a EpochId,
    pub(super) header_key: &'a HeaderKey,
    pub(super) message_key: MessageKey,
    pub(super) signing: &'a SigningKey,
    pub(super) number: u32,
    pub(super) plaintext: &'a [u8],
}

impl Parts<'_> {
    /// Seals and signs into one buffer, allocated once.
    pub(super) fn seal(self, rng: &mut (impl CryptoRng + ?Sized)) -> Vec<u8> {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let tag = self.header_key.tag(self.number);
        let context = self.epoch.context_of(self.number);
        let length = Tag::LEN + SALT + HEADER + self.plaintext.len() + AEAD_TAG + SIGNATURE;
        let mut out = Vec::with_capacity(length);
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(&salt);
        let mut number = self.number.to_be_bytes();
        let seal = OneUse::derive(&salt, self.header_key.as_bytes(), labels::HEADER)
            .seal(&header_associated(self.epoch, &tag), &mut number);
        out.extend_from_slice(&number);
        out.extend_from_slice(&seal);
        let content = out.len();
        out.extend_from_slice(self.plaintext);
        let seal = OneUse::derive(&salt, self.message_key.0.as_bytes(), labels::CONTENT)
            .seal(&context, &mut out[content..]);
        out.extend_from_slice(&seal);
        let input = signing_input(GROUP_MESSAGE, &[context.as_slice(), &out].concat());
        let mut signature = self.signing.sign(&input).to_bytes();
        let seal = OneUse::derive(&salt, self.header_key.as_bytes(), labels::SIGNATURE)
            .seal(&context, &mut signature);
        out.extend_from_slice(&signature);
        out.extend_from_slice(&seal);
        out
    }
}

fn header_associated(epoch: &EpochId, tag: &Tag) -> Vec<u8> {
    let mut associated = epoch.context();
    associated.extend_from_slice(tag.as_bytes());
    associated
}
