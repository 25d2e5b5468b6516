//! Public keys as types of their own, with disjoint encodings: no key of one kind can ever stand for one of another.

use ed25519_dalek::VerifyingKey;

/// Bytes that should have been a public key are none. The giver of the key is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not as long as a key of this kind.
    #[error("{kind} must be {expected} bytes, {got} came")]
    WrongLength {
        /// Which kind of key was wanted.
        kind: &'static str,
        /// Its length in bytes.
        expected: usize,
        /// The length that came.
        got: usize,
    },
    /// Not a point of the curve, or a polynomial with a coefficient out of range (FIPS 203, section 7.2).
    #[error("the bytes are not a {0}")]
    NotAKey(&'static str),
    /// A point of small order: whatever is agreed with it is known to everybody.
    #[error("the {0} has low order")]
    LowOrder(&'static str),
    /// One key with two spellings would have two ids.
    #[error("the {0} is not in canonical form")]
    NotCanonical(&'static str),
}

/// An Ed25519 public key of full order: verifies the signatures of an account or a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ed25519Public(VerifyingKey);

impl Ed25519Public {
    /// Length in bytes, without the kind byte.
    pub const LEN: usize = 32;
    const KIND: &str = "Ed25519 public key";

    /// Takes the 32 bytes of RFC 8032, section 5.1.2.
    ///
    /// # Errors
    /// [`KeyError`] where they are no point, a small-order point, or a point in a second spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = exact(Self::KIND, bytes)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotAKey(Self::KIND))?;
        if key.is_weak() {
            return Err(KeyError::LowOrder(Self::KIND));
        }
        // The y coordinate below the sign of x. Where x is zero, and has no sign, the point has low order.
        let mut y = bytes;
        y[31] &= 0x7f;
        if !below_field_prime(&y) {
            return Err(KeyError::NotCanonical(Self::KIND));
        }
        Ok(Self(key))
    }

    /// The raw 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// `0xed ‖ 32`: the form that enters hashes and associated data.
    pub fn enc(&self) -> [u8; 33] {
        prefixed(0xed, self.as_bytes())
    }

    pub(crate) fn verifying(&self) -> &VerifyingKey {
        &self.0
    }
}

/// An X25519 public key, canonical and not of low order. Plain bytes: this crate agrees on nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct X25519Public([u8; 32]);

impl X25519Public {
    /// Length in bytes, without the kind byte.
    pub const LEN: usize = 32;
    const KIND: &str = "X25519 public key";

    /// Takes the 32 bytes of RFC 7748, section 5.
    ///
    /// # Errors
    /// [`KeyError`] for a coordinate that is not below 2^255 - 19 and for the five canonical points of low order
    /// (of the curve and of its twist).
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = exact(Self::KIND, bytes)?;
        if !below_field_prime(&bytes) {
            return Err(KeyError::NotCanonical(Self::KIND));
        }
        if LOW_ORDER_U.contains(&bytes) {
            return Err(KeyError::LowOrder(Self::KIND));
        }
        Ok(Self(bytes))
    }

    /// The raw 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// `0x05 ‖ 32`: the form that enters hashes and associated data.
    pub fn enc(&self) -> [u8; 33] {
        prefixed(0x05, &self.0)
    }
}

/// An ML-KEM-1024 encapsulation key whose coefficients are all in range (FIPS 203, section 7.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KemPublic1024(Box<[u8]>);

impl KemPublic1024 {
    /// Length in bytes, without the kind byte.
    pub const LEN: usize = 1568;
    const KIND: &str = "ML-KEM-1024 encapsulation key";
    /// The part that holds coefficients; the last 32 bytes are a seed.
    const COEFFICIENTS: usize = 1536;
    const Q: u16 = 3329;

    /// Takes the 1568 bytes of FIPS 203.
    ///
    /// # Errors
    /// [`KeyError`] for another length or a coefficient that is not reduced.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != Self::LEN {
            return Err(KeyError::WrongLength {
                kind: Self::KIND,
                expected: Self::LEN,
                got: bytes.len(),
            });
        }
        // Two 12-bit coefficients in three bytes, little-endian.
        let reduced = bytes[..Self::COEFFICIENTS]
            .as_chunks::<3>()
            .0
            .iter()
            .all(|&[a, b, c]| {
                let low = u16::from(a) | (u16::from(b & 0x0f) << 8);
                let high = u16::from(b >> 4) | (u16::from(c) << 4);
                low < Self::Q && high < Self::Q
            });
        if !reduced {
            return Err(KeyError::NotAKey(Self::KIND));
        }
        Ok(Self(bytes.into()))
    }

    /// The raw 1568 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `0x0a ‖ 1568`: the form that enters hashes.
    pub fn enc(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + Self::LEN);
        out.push(0x0a);
        out.extend_from_slice(&self.0);
        out
    }
}

/// u-coordinates of low order in canonical form: 0, 1, two of order eight, and -1.
const LOW_ORDER_U: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
];

/// Whether a little-endian number is below 2^255 - 19.
fn below_field_prime(bytes: &[u8; 32]) -> bool {
    let top = bytes[31];
    if top != 0x7f || bytes[1..31].iter().any(|&b| b != 0xff) {
        return top <= 0x7f;
    }
    bytes[0] < 0xed
}

fn exact(kind: &'static str, bytes: &[u8]) -> Result<[u8; 32], KeyError> {
    bytes.try_into().map_err(|_| KeyError::WrongLength {
        kind,
        expected: 32,
        got: bytes.len(),
    })
}

fn prefixed(kind: u8, key: &[u8; 32]) -> [u8; 33] {
    let mut out = [kind; 33];
    out[1..].copy_from_slice(key);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-007, T-008.
    #[test]
    fn low_order_and_second_spellings_of_x25519_are_refused_by_name() {
        for low in LOW_ORDER_U {
            assert_eq!(
                X25519Public::parse(&low),
                Err(KeyError::LowOrder("X25519 public key"))
            );
            let mut high_bit = low;
            high_bit[31] |= 0x80;
            assert_eq!(
                X25519Public::parse(&high_bit),
                Err(KeyError::NotCanonical("X25519 public key"))
            );
        }
        // p and p + 1 are 0 and 1 in disguise.
        for low_byte in [0xed, 0xee, 0xff] {
            let mut p = LOW_ORDER_U[4];
            p[0] = low_byte;
            assert_eq!(
                X25519Public::parse(&p),
                Err(KeyError::NotCanonical("X25519 public key"))
            );
        }
        let mut just_below = LOW_ORDER_U[4];
        just_below[0] = 0xeb;
        assert!(X25519Public::parse(&just_below).is_ok());
        assert!(X25519Public::parse(&[9; 31]).is_err());
    }

    /// P-003, P-007.
    #[test]
    fn weak_ed25519_keys_are_refused_by_name() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(
            Ed25519Public::parse(&identity),
            Err(KeyError::LowOrder("Ed25519 public key"))
        );
        assert_eq!(
            Ed25519Public::parse(&[0; 32]),
            Err(KeyError::LowOrder("Ed25519 public key"))
        );
        assert_eq!(
            Ed25519Public::parse(&[2; 32]),
            Err(KeyError::NotAKey("Ed25519 public key"))
        );
        // y = p + 3 spells y = 3 a second time where 3 is a point; either way no key comes of it.
        let mut disguised = [0xff; 32];
        disguised[0] = 0xf0;
        disguised[31] = 0x7f;
        assert!(Ed25519Public::parse(&disguised).is_err());
    }

    /// P-007.
    #[test]
    fn kem_coefficients_must_be_reduced() {
        let mut bytes = vec![0; KemPublic1024::LEN];
        assert!(KemPublic1024::parse(&bytes).is_ok());
        bytes[1] = 0x0d; // 0xd00 = 3328
        assert!(KemPublic1024::parse(&bytes).is_ok());
        bytes[0] = 1; // 3329
        assert!(matches!(KemPublic1024::parse(&bytes), Err(KeyError::NotAKey(_))));
        bytes[..2].fill(0);
        bytes[1535] = 0xff;
        assert!(KemPublic1024::parse(&bytes).is_err());
        assert!(matches!(
            KemPublic1024::parse(&bytes[1..]),
            Err(KeyError::WrongLength { got: 1567, .. })
        ));
    }

    /// P-006.
    #[test]
    fn encodings_are_disjoint() {
        let x = X25519Public::parse(&[9; 32]).unwrap().enc();
        let signing = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
        let e = Ed25519Public::parse(signing.verifying_key().as_bytes())
            .unwrap()
            .enc();
        let k = KemPublic1024::parse(&[0; KemPublic1024::LEN]).unwrap().enc();
        assert_eq!((x[0], e[0], k[0]), (0x05, 0xed, 0x0a));
        assert_eq!((x.len(), e.len(), k.len()), (33, 33, 1569));
    }
}
