//! The data key and what is derived from it: one key, one purpose.

use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use web_sys::CryptoKey;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::VaultError;
use super::seal::Sealer;
use crate::platform::webcrypto::WebCrypto;

const SEALING: &[u8] = b"Chopar v1 vault-sealing";
const BLINDING: &[u8] = b"Chopar v1 vault-blinding";
const IDENTITY: &[u8] = b"Chopar v1 vault-identity-wrapping";
const RECORD: &[u8] = b"Chopar v1 vault-record";

/// Length of the salt in front of every sealed record, in bytes.
pub(super) const SALT: usize = 16;

/// The vault's root secret, 32 random bytes. At rest it exists only wrapped by the slots.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct DataKey([u8; 32]);

impl DataKey {
    /// Makes a new one.
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Self([0; 32]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// Takes it from what a slot held; `None` if that has another length.
    pub(super) fn from_unwrapped(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes a slot wraps.
    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn sealing_root(&self) -> SealingRoot {
        SealingRoot(self.derive(SEALING))
    }

    pub(super) fn blinding_key(&self) -> BlindingKey {
        BlindingKey(self.derive(BLINDING))
    }

    /// The AES-GCM key that device identity keys are wrapped under.
    pub(super) fn identity_wrapping_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.derive(IDENTITY))
    }

    /// A copy for the workers of the other tabs, so that one of them can go on when this one ends.
    pub(super) fn share(&self) -> SharedKey {
        SharedKey(self.0)
    }

    fn derive(&self, label: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        expand(&Hkdf::<Sha256>::new(None, &self.0), label, &mut out);
        out
    }
}

/// The data key of a vault with a lock that was opened, on its way to the workers of the other tabs and in their memory. It never
/// leaves the browser's processes of this origin, and goes with the workers when the lock is locked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct SharedKey([u8; 32]);

impl SharedKey {
    pub(super) fn data_key(&self) -> DataKey {
        DataKey(self.0)
    }
}

/// Everything that follows from one data key.
pub(super) struct Keys {
    pub(super) data: DataKey,
    pub(super) sealer: Sealer,
    pub(super) blinding: BlindingKey,
    /// What identity keys are wrapped under, as a handle.
    pub(super) wrapping: CryptoKey,
}

impl Keys {
    pub(super) async fn of(data: DataKey, crypto: &WebCrypto) -> Result<Self, VaultError> {
        let wrapping = crypto
            .import_wrapping_key(&data.identity_wrapping_key())
            .await
            .map_err(VaultError::Crypto)?;
        Ok(Self {
            sealer: Sealer::new(&data),
            blinding: data.blinding_key(),
            data,
            wrapping,
        })
    }
}

/// What record keys are derived from.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct SealingRoot([u8; 32]);

impl SealingRoot {
    /// The cipher and nonce of the record with this salt.
    ///
    /// Key and nonce come from a fresh 128-bit random salt per write, so a nonce is used once under its key unless two
    /// writes draw the same salt: a one in 2^64 chance after 2^32 writes, whatever the number of tabs, copies of the
    /// profile or rolled-back disks. Random 96-bit nonces under one key would reach that after some 2^16 writes.
    pub(super) fn record_cipher(&self, salt: &[u8; SALT]) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
        let mut out = Zeroizing::new([0; 44]);
        expand(&Hkdf::<Sha256>::new(Some(salt), &self.0), RECORD, &mut out);
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&out[..32]);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&out[32..]);
        (Aes256Gcm::new(<&Key<Aes256Gcm>>::from(&*key)), nonce.into())
    }
}

/// What kinds and partitions are hidden with.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct BlindingKey(pub(super) [u8; 32]);

/// HKDF-Expand to a length known when compiling, which cannot fail.
pub(super) fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, label: &[u8], out: &mut [u8; N]) {
    const { assert!(N <= 255 * 32) };
    let Ok(()) = hkdf.expand(label, out) else {
        unreachable!("N is checked at compile time")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_its_own_key() {
        let key = DataKey::from_unwrapped(&[7; 32]).unwrap();
        let derived = [
            key.sealing_root().0,
            key.blinding_key().0,
            *key.identity_wrapping_key(),
            key.0,
        ];
        for (at, one) in derived.iter().enumerate() {
            assert_ne!(one, &[0; 32]);
            assert!(derived[at + 1..].iter().all(|other| other != one));
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(DataKey::from_unwrapped(&[7; 31]).is_none());
        assert!(DataKey::from_unwrapped(&[7; 33]).is_none());
    }
}
