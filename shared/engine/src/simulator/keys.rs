//! Device identity keys in memory, as a native client has them.

use chopar_identity::{DeviceKeys, Ed25519Public, X25519Public};
use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};

use crate::input::DeviceKeysPublic;

/// The two identity keys of a device.
#[derive(Clone)]
pub struct SoftwareKeys {
    signing: SigningKey,
    agreement: StaticSecret,
}

impl SoftwareKeys {
    /// Draws both.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self {
            signing: SigningKey::from_bytes(&seed),
            agreement: StaticSecret::random_from_rng(rng),
        }
    }

    /// What somebody has who copied them: a device in league with the relay, or a thief.
    pub(super) fn stolen(&self) -> Self {
        self.clone()
    }

    /// Both secrets, the signing one first.
    pub(super) fn to_bytes(&self) -> [[u8; 32]; 2] {
        [self.signing.to_bytes(), self.agreement.to_bytes()]
    }

    /// Takes what [`to_bytes`](Self::to_bytes) gave.
    pub(super) fn from_bytes([signing, agreement]: [[u8; 32]; 2]) -> Self {
        Self {
            signing: SigningKey::from_bytes(&signing),
            agreement: StaticSecret::from(agreement),
        }
    }

    /// Their public halves.
    pub fn public(&self) -> DeviceKeysPublic {
        DeviceKeysPublic {
            signing: self.signing.verifying_key().to_bytes(),
            agreement: PublicKey::from(&self.agreement).to_bytes(),
        }
    }

    /// The same, as an account log has them.
    pub fn identity(&self) -> DeviceKeys {
        let public = self.public();
        DeviceKeys {
            signing: Ed25519Public::parse(&public.signing).expect("a fresh key"),
            agreement: X25519Public::parse(&public.agreement).expect("a fresh key"),
        }
    }

    /// Answers [`crate::Effect::Sign`].
    pub fn sign(&self, inputs: &[Vec<u8>]) -> Vec<[u8; 64]> {
        inputs
            .iter()
            .map(|input| self.signing.sign(input).to_bytes())
            .collect()
    }

    /// Answers [`crate::Effect::Agree`].
    pub fn agree(&self, with: [u8; 32]) -> [u8; 32] {
        self.agreement.diffie_hellman(&PublicKey::from(with)).to_bytes()
    }
}
