//! The sending end of an epoch: this device's chain for one group under one roster.

use chopar_identity::Ed25519Public;
use chopar_wire::Timestamp;
use ed25519_dalek::SigningKey;
use rand_core::CryptoRng;

use super::distribution::{Closed, Distribution};
use super::epoch::EpochId;
use super::header_key::HeaderKey;
use super::limits::{EPOCH_MESSAGES, EPOCH_MS};
use super::message::Parts;
use crate::keys::Secret32;
use crate::ratchet::EncryptError;
use crate::ratchet::chain::ChainKey;
use crate::ratchet::limits::MAX_PLAINTEXT;

/// This device's epoch. Save [`to_record`](Self::to_record) before what [`encrypt`](Self::encrypt) returns leaves the device;
/// it is never copied.
pub struct SendingEpoch {
    pub(super) id: EpochId,
    pub(super) chain: ChainKey,
    pub(super) header_key: HeaderKey,
    pub(super) signing: SigningKey,
    /// Number of the next message.
    pub(super) next: u32,
    pub(super) created: Timestamp,
}

impl SendingEpoch {
    /// A fresh chain, header key and signing key.
    pub fn begin(id: EpochId, now: Timestamp, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            id,
            chain: ChainKey(Secret32::random(rng)),
            header_key: HeaderKey::new(Secret32::random(rng)),
            signing: SigningKey::from_bytes(Secret32::random(rng).as_bytes()),
            next: 0,
            created: now,
        }
    }

    /// What its messages are bound to.
    pub const fn id(&self) -> &EpochId {
        &self.id
    }

    /// Messages encrypted so far.
    pub const fn length(&self) -> u32 {
        self.next
    }

    /// When it began.
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// Whether it has served its time: another begins before the next message.
    pub fn is_worn(&self, now: Timestamp) -> bool {
        self.next >= EPOCH_MESSAGES || now.ms_since(self.created) >= EPOCH_MS
    }

    /// How this epoch ends, for the distribution of the next.
    pub const fn closed(&self) -> Closed {
        Closed {
            head: self.id.head,
            generation: self.id.generation,
            length: self.next,
        }
    }

    /// What a member needs to read from the next message on. `before`: the epoch that ends with this one.
    pub fn distribution(&self, before: Option<Closed>) -> Distribution {
        Distribution {
            head: self.id.head,
            generation: self.id.generation,
            first: self.next,
            chain: self.chain.0.duplicate(),
            header_key: self.header_key.secret().duplicate(),
            signing_key: self.public(),
            before,
        }
    }

    /// Encrypts one (padded) payload for the whole group.
    ///
    /// # Errors
    /// [`EncryptError::CounterExhausted`] after [`EPOCH_MESSAGES`], [`EncryptError::TooLong`]; the epoch is then unchanged.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, EncryptError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(EncryptError::TooLong(plaintext.len()));
        }
        if self.next >= EPOCH_MESSAGES {
            return Err(EncryptError::CounterExhausted);
        }
        let (message_key, chain) = self.chain.step();
        let parts = Parts {
            epoch: &self.id,
            header_key: &self.header_key,
            message_key,
            signing: &self.signing,
            number: self.next,
            plaintext,
        };
        let message = parts.seal(rng);
        self.chain = chain;
        self.next += 1;
        Ok(message)
    }

    fn public(&self) -> Ed25519Public {
        match Ed25519Public::parse(self.signing.verifying_key().as_bytes()) {
            Ok(key) => key,
            Err(_) => unreachable!("the public half of a secret key is a key of full order"),
        }
    }
}
