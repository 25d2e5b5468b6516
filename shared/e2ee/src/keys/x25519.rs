//! X25519 (RFC 7748) with the check that the other side contributed.

use chopar_identity::X25519Public;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The agreement came out as zero: the other key had low order, the result is known to everybody. The peer is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key agreement is not contributory: the other key has low order")]
pub struct NonContributory;

/// The private half of an X25519 pair.
pub struct X25519Secret(x25519_dalek::StaticSecret);

impl X25519Secret {
    /// Draws a fresh pair.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self(x25519_dalek::StaticSecret::random_from_rng(rng))
    }

    /// Takes 32 private bytes; clamping happens in use (RFC 7748, section 5).
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let secret = Self(bytes.into());
        bytes.zeroize();
        secret
    }

    /// The private bytes, for a sealed record.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    pub fn public(&self) -> X25519Public {
        let public = x25519_dalek::PublicKey::from(&self.0);
        // A clamped scalar is a multiple of eight below the order and the base point has prime order: the product is a
        // canonical point of full order, which `parse` always accepts.
        match X25519Public::parse(public.as_bytes()) {
            Ok(public) => public,
            Err(_) => unreachable!("a clamped multiple of the base point is a key"),
        }
    }

    /// Agrees with the other side's public key.
    ///
    /// # Errors
    /// [`NonContributory`] where the result is all zero.
    pub fn agree(&self, their: &X25519Public) -> Result<Agreed, NonContributory> {
        let shared = self
            .0
            .diffie_hellman(&x25519_dalek::PublicKey::from(*their.as_bytes()));
        Agreed::new(shared.as_bytes())
    }

    /// A second copy, where a draft of a state needs one. Named so that a copy is seen where it is made.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

// What it is made of wipes itself.
impl ZeroizeOnDrop for X25519Secret {}
const _: fn() = || {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<x25519_dalek::StaticSecret>();
};

impl core::fmt::Debug for X25519Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("X25519Secret(…)")
    }
}

/// The outcome of a contributory X25519 agreement, wherever it was computed (here or by WebCrypto).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Agreed([u8; 32]);

impl Agreed {
    /// Takes the raw output of the function.
    ///
    /// # Errors
    /// [`NonContributory`] where it is all zero.
    pub fn new(bytes: &[u8; 32]) -> Result<Self, NonContributory> {
        if bool::from(bytes.ct_eq(&[0; 32])) {
            return Err(NonContributory);
        }
        Ok(Self(*bytes))
    }

    /// The bytes, for a key derivation and nothing else.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for Agreed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Agreed(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748, section 6.1.
    #[test]
    fn agrees_as_the_specification_says() {
        let bytes = |hex: &str| <[u8; 32]>::try_from(hex::decode(hex).unwrap()).unwrap();
        let alice = X25519Secret::from_bytes(bytes(
            "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        ));
        let bob = X25519Secret::from_bytes(bytes(
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        ));
        let shared = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(alice.agree(&bob.public()).unwrap().as_bytes(), &shared);
        assert_eq!(bob.agree(&alice.public()).unwrap().as_bytes(), &shared);
    }

    /// Even past the parser's list, a zero outcome is caught: the raw function with each known point.
    /// P-007, T-008.
    #[test]
    fn low_order_points_agree_on_nothing() {
        let secret = x25519_dalek::StaticSecret::from([0x42; 32]);
        for point in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ] {
            let bytes = <[u8; 32]>::try_from(hex::decode(point).unwrap()).unwrap();
            let raw = secret
                .diffie_hellman(&x25519_dalek::PublicKey::from(bytes))
                .to_bytes();
            assert_eq!(Agreed::new(&raw).unwrap_err(), NonContributory, "{point}");
            assert!(X25519Public::parse(&bytes).is_err(), "{point}");
        }
    }
}
