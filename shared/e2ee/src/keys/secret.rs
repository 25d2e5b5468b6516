//! Thirty-two secret bytes.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Thirty-two secret bytes: a root, chain, header or message key. Compared in constant time.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// Takes the bytes as they are.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws fresh bytes.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The bytes, for a primitive that wants them or for a sealed record.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A second copy, where a draft of a state needs one. Named so that a copy is seen where it is made.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0)
    }
}

impl PartialEq for Secret32 {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret32 {}

impl core::fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret32(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Secret32::new([0xab; 32])), "Secret32(…)");
        assert_eq!(Secret32::new([1; 32]), Secret32::new([1; 32]).duplicate());
        assert_ne!(Secret32::new([1; 32]), Secret32::new([2; 32]));
    }
}
