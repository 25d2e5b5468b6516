//! Both ML-KEM parameter sets as the product calls them, and as a second implementation has them, under one face.

#![allow(
    deprecated,
    reason = "expanded private keys are written here alone, to be digested with what others publish"
)]

use chopar_e2ee::keys::{KemCiphertext1024, KemSecret1024, encapsulate_with};
use chopar_e2ee::ratchet::primitives::{kem_answer, kem_answered, kem_offer};
use chopar_identity::KemPublic1024;
use ml_kem::{
    B32, Decapsulate, ExpandedKeyEncoding, FromSeed, Key, KeyExport, MlKem768, MlKem1024, Seed, ml_kem_768,
    ml_kem_1024,
};

/// 32 bytes that both sides share.
pub(crate) type Shared = [u8; 32];

/// One parameter set.
pub(crate) trait Kem {
    /// Length of a ciphertext in bytes.
    const CIPHERTEXT: usize;

    /// The encapsulation key of the seed `d ‖ z`.
    fn key(seed: &[u8; 64]) -> Vec<u8>;

    /// Encapsulates with the message `m`; `None` where the key is refused.
    fn encapsulate(key: &[u8], m: &[u8; 32]) -> Option<(Vec<u8>, Shared)>;

    /// `None` for a ciphertext of another length.
    fn decapsulate(seed: &[u8; 64], ciphertext: &[u8]) -> Option<Shared>;

    /// Encapsulation key and expanded private key of the second implementation.
    fn second_key(seed: &[u8; 64]) -> (Vec<u8>, Vec<u8>);

    /// As [`Kem::encapsulate`], by the second implementation.
    fn second_encapsulate(key: &[u8], m: &[u8; 32]) -> Option<(Vec<u8>, Shared)>;

    /// As [`Kem::decapsulate`], by the second implementation.
    fn second_decapsulate(seed: &[u8; 64], ciphertext: &[u8]) -> Option<Shared>;
}

/// ML-KEM-768, of the ratchet's turns.
pub(crate) struct Turns;

/// ML-KEM-1024, of the handshake and the recovery seal.
pub(crate) struct Handshakes;

impl Kem for Turns {
    const CIPHERTEXT: usize = 1088;

    fn key(seed: &[u8; 64]) -> Vec<u8> {
        kem_offer(seed).to_vec()
    }

    fn encapsulate(key: &[u8], m: &[u8; 32]) -> Option<(Vec<u8>, Shared)> {
        let (ciphertext, shared) = kem_answer(key, m)?;
        Some((ciphertext.to_vec(), *shared.as_bytes()))
    }

    fn decapsulate(seed: &[u8; 64], ciphertext: &[u8]) -> Option<Shared> {
        Some(*kem_answered(seed, ciphertext)?.as_bytes())
    }

    fn second_key(seed: &[u8; 64]) -> (Vec<u8>, Vec<u8>) {
        let (private, public) = MlKem768::from_seed(&Seed::from(*seed));
        (public.to_bytes().to_vec(), private.to_expanded_bytes().to_vec())
    }

    fn second_encapsulate(key: &[u8], m: &[u8; 32]) -> Option<(Vec<u8>, Shared)> {
        let key = Key::<ml_kem_768::EncapsulationKey>::try_from(key).ok()?;
        let key = ml_kem_768::EncapsulationKey::new(&key).ok()?;
        let (ciphertext, shared) = key.encapsulate_deterministic(&B32::from(*m));
        Some((ciphertext.to_vec(), shared.into()))
    }

    fn second_decapsulate(seed: &[u8; 64], ciphertext: &[u8]) -> Option<Shared> {
        let (private, _) = MlKem768::from_seed(&Seed::from(*seed));
        Some(private.decapsulate_slice(ciphertext).ok()?.into())
    }
}

impl Kem for Handshakes {
    const CIPHERTEXT: usize = KemCiphertext1024::LEN;

    fn key(seed: &[u8; 64]) -> Vec<u8> {
        KemSecret1024::from_seed(*seed).public().as_bytes().to_vec()
    }

    fn encapsulate(key: &[u8], m: &[u8; 32]) -> Option<(Vec<u8>, Shared)> {
        let (ciphertext, shared) = encapsulate_with(&KemPublic1024::parse(key).ok()?, m);
        Some((ciphertext.as_bytes().to_vec(), *shared.as_bytes()))
    }

    fn decapsulate(seed: &[u8; 64], ciphertext: &[u8]) -> Option<Shared> {
        let ciphertext = KemCiphertext1024::parse(ciphertext)?;
        Some(
            *KemSecret1024::from_seed(*seed)
                .decapsulate(&ciphertext)
                .as_bytes(),
        )
    }

    fn second_key(seed: &[u8; 64]) -> (Vec<u8>, Vec<u8>) {
        let (private, public) = MlKem1024::from_seed(&Seed::from(*seed));
        (public.to_bytes().to_vec(), private.to_expanded_bytes().to_vec())
    }

    fn second_encapsulate(key: &[u8], m: &[u8; 32]) -> Option<(Vec<u8>, Shared)> {
        let key = Key::<ml_kem_1024::EncapsulationKey>::try_from(key).ok()?;
        let key = ml_kem_1024::EncapsulationKey::new(&key).ok()?;
        let (ciphertext, shared) = key.encapsulate_deterministic(&B32::from(*m));
        Some((ciphertext.to_vec(), shared.into()))
    }

    fn second_decapsulate(seed: &[u8; 64], ciphertext: &[u8]) -> Option<Shared> {
        let (private, _) = MlKem1024::from_seed(&Seed::from(*seed));
        Some(private.decapsulate_slice(ciphertext).ok()?.into())
    }
}
