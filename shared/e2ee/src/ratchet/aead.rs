//! AES-256-GCM in place, under a key and nonce that are derived for one use.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce, Tag};
use zeroize::Zeroizing;

use super::kdf::hkdf;

/// Length of the authentication tag in bytes: never shortened.
pub(crate) const AEAD_TAG: usize = 16;
/// Length of the random salt on the wire in bytes: 128 bits keep key and nonce fresh even when a copied state encrypts
/// two texts at one position.
pub(crate) const SALT: usize = 16;

/// Key ‖ nonce for exactly one sealing: HKDF-SHA256(salt, secret, label, 44 bytes).
pub(crate) struct OneUse(Zeroizing<[u8; 44]>);

impl OneUse {
    pub(crate) fn derive(salt: &[u8], secret: &[u8; 32], label: &[u8]) -> Self {
        Self(hkdf(salt, &[secret], &[label]))
    }

    /// Key and nonce of a published vector.
    #[cfg(feature = "oracle")]
    pub(crate) fn given(key: [u8; 32], nonce: [u8; 12]) -> Self {
        let mut whole = Zeroizing::new([0; 44]);
        whole[..32].copy_from_slice(&key);
        whole[32..].copy_from_slice(&nonce);
        Self(whole)
    }

    /// Encrypts `buffer` in place and returns the tag. Consumes the key: it serves once.
    pub(crate) fn seal(self, associated: &[u8], buffer: &mut [u8]) -> [u8; AEAD_TAG] {
        let (cipher, nonce) = self.parts();
        match cipher.encrypt_inout_detached(&nonce, associated, buffer.into()) {
            Ok(tag) => tag.into(),
            Err(_) => unreachable!("plaintexts are bounded far below the 64 GiB of GCM"),
        }
    }

    /// Decrypts `buffer` in place; `false` (and a buffer of no meaning) where the tag does not fit.
    #[must_use]
    pub(crate) fn open(self, associated: &[u8], buffer: &mut [u8], tag: &[u8; AEAD_TAG]) -> bool {
        let (cipher, nonce) = self.parts();
        let tag = Tag::from(*tag);
        cipher
            .decrypt_inout_detached(&nonce, associated, buffer.into(), &tag)
            .is_ok()
    }

    fn parts(&self) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&self.0[..32]);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&self.0[32..]);
        (Aes256Gcm::new(<&Key<Aes256Gcm>>::from(&*key)), nonce.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let mut text = *b"hello";
        let tag = OneUse::derive(&[1; 16], &[2; 32], b"x").seal(b"ad", &mut text);
        for (salt, label, ad) in [(2, &b"x"[..], &b"ad"[..]), (1, b"y", b"ad"), (1, b"x", b"da")] {
            assert!(!OneUse::derive(&[salt; 16], &[2; 32], label).open(ad, &mut text.clone(), &tag));
        }
        assert!(OneUse::derive(&[1; 16], &[2; 32], b"x").open(b"ad", &mut text, &tag));
        assert_eq!(&text, b"hello");
    }
}
