//! ML-KEM-1024 (FIPS 203) of the handshake and the recovery seal.

use chopar_identity::KemPublic1024;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Secret32;
use super::ml_kem::handshakes::{self, Pair};

/// The private half of an ML-KEM-1024 pair, kept as its seed `d ‖ z`: 64 bytes instead of 3168.
#[derive(ZeroizeOnDrop)]
pub struct KemSecret1024(Zeroizing<[u8; 64]>);

impl KemSecret1024 {
    /// Draws a fresh pair.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut seed = Zeroizing::new([0; 64]);
        rng.fill_bytes(seed.as_mut());
        Self(seed)
    }

    /// The pair that `d ‖ z` makes (FIPS 203, algorithm 16).
    pub fn from_seed(mut seed: [u8; 64]) -> Self {
        let secret = Self(Zeroizing::new(seed));
        seed.zeroize();
        secret
    }

    /// The seed, for a sealed record.
    pub fn seed(&self) -> &[u8; 64] {
        &self.0
    }

    /// The public half. Costs a key generation: keep it where it is wanted often.
    pub fn public(&self) -> KemPublic1024 {
        public(&Pair::from_seed(&self.0))
    }

    /// The secret that was encapsulated. A ciphertext made for another key yields an unrelated secret, not an error
    /// (implicit rejection): only the authentication of what is sealed with it tells.
    pub fn decapsulate(&self, ciphertext: &KemCiphertext1024) -> Secret32 {
        Pair::from_seed(&self.0).decapsulate(&ciphertext.0)
    }

    /// [`decapsulate`](Self::decapsulate) and [`public`](Self::public) for the price of one key generation.
    pub fn decapsulate_with_public(&self, ciphertext: &KemCiphertext1024) -> (Secret32, KemPublic1024) {
        let pair = Pair::from_seed(&self.0);
        (pair.decapsulate(&ciphertext.0), public(&pair))
    }
}

impl core::fmt::Debug for KemSecret1024 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("KemSecret1024(…)")
    }
}

/// An ML-KEM-1024 ciphertext: 1568 bytes, any of which is acceptable (FIPS 203, section 7.3).
#[derive(Clone, PartialEq, Eq)]
pub struct KemCiphertext1024(Box<[u8; Self::LEN]>);

impl KemCiphertext1024 {
    /// Length in bytes.
    pub const LEN: usize = handshakes::CIPHERTEXT;

    /// Takes the bytes; `None` for another length.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        <[u8; Self::LEN]>::try_from(bytes)
            .ok()
            .map(|bytes| Self(Box::new(bytes)))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }
}

/// Encapsulates a fresh secret to `key`.
pub fn encapsulate(
    key: &KemPublic1024,
    rng: &mut (impl CryptoRng + ?Sized),
) -> (KemCiphertext1024, Secret32) {
    let mut m = [0; 32];
    rng.fill_bytes(&mut m);
    let made = encapsulate_message(key, &m);
    m.zeroize();
    made
}

/// Encapsulates with a given message `m`, for known answers only: a message used twice betrays the secret.
#[cfg(any(test, feature = "oracle"))]
pub fn encapsulate_with(key: &KemPublic1024, m: &[u8; 32]) -> (KemCiphertext1024, Secret32) {
    encapsulate_message(key, m)
}

fn encapsulate_message(key: &KemPublic1024, m: &[u8; 32]) -> (KemCiphertext1024, Secret32) {
    let Ok(key) = key.as_bytes().try_into() else {
        unreachable!("KemPublic1024 has the length")
    };
    let (ciphertext, secret) = handshakes::encapsulate(key, m);
    (KemCiphertext1024(Box::new(ciphertext)), secret)
}

fn public(pair: &Pair) -> KemPublic1024 {
    match KemPublic1024::parse(pair.key()) {
        Ok(public) => public,
        Err(_) => unreachable!("key generation reduces every coefficient"),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// Known answer of OpenSSL 4 and kyber-py: d = 06×32, z = 07×32, m = 08×32.
    #[test]
    fn reproduces_the_known_answer() {
        let mut seed = [6; 64];
        seed[32..].fill(7);
        let secret = KemSecret1024::from_seed(seed);
        let (ciphertext, shared) = encapsulate_with(&secret.public(), &[8; 32]);
        assert_eq!(
            hex::encode(Sha256::digest(secret.public().as_bytes())),
            "5b4f1353bfe21613d2050fa0eddb78c3e3bceabf902da4ffe9fb849fbdc1a477"
        );
        assert_eq!(
            hex::encode(Sha256::digest(ciphertext.as_bytes())),
            "584fbddfaeb8fb291f8ef868e3edd2645198f9c62718160e3b01fb5eed1ecd02"
        );
        assert_eq!(
            hex::encode(shared.as_bytes()),
            "e8dc30cc65e8013e71dc6e45512c11757db51ee7643f486eb5949ae6c58ee16f"
        );
        assert_eq!(secret.decapsulate(&ciphertext), shared);
    }

    #[test]
    fn a_foreign_ciphertext_yields_another_secret() {
        let (ciphertext, shared) = encapsulate_with(&KemSecret1024::from_seed([1; 64]).public(), &[2; 32]);
        assert_ne!(KemSecret1024::from_seed([3; 64]).decapsulate(&ciphertext), shared);
        assert!(KemCiphertext1024::parse(&ciphertext.as_bytes()[1..]).is_none());
        assert!(KemCiphertext1024::parse(ciphertext.as_bytes()) == Some(ciphertext));
    }
}
