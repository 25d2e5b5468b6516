//! What the initiator tells the responder so that both agree.

use chopar_identity::{KeyError, X25519Public};
use sha2::{Digest, Sha256};

use crate::SUITE;
use crate::keys::KemCiphertext1024;

/// The facts of a handshake, the same bytes with every message until the responder answers.
///
/// ```text
///  suite u16 BE ‖ EKa 32 ‖ signed prekey id u32 BE ‖ kind u8 ‖ KEM prekey id u32 BE ‖ KEM ciphertext 1568
/// ```
/// `kind` is 1 for a one-time pair (its X25519 half takes part too), 2 for the last-resort key.
#[derive(Clone, PartialEq, Eq)]
pub struct HandshakeHeader {
    pub(super) ephemeral: X25519Public,
    pub(super) signed_prekey: u32,
    pub(super) kem_prekey: KemPrekeyId,
    pub(super) kem_ciphertext: KemCiphertext1024,
}

/// Which KEM prekey of the responder was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KemPrekeyId {
    /// The one-time pair with this number, both halves of it.
    OneTime(u32),
    /// The last-resort key with this number.
    LastResort(u32),
}

/// Why bytes are no handshake header. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Another length, or an unknown kind of KEM prekey.
    #[error("the handshake header is malformed")]
    Malformed,
    /// A suite this version does not know.
    #[error("the handshake has the unknown suite {0}")]
    UnknownSuite(u16),
    /// The ephemeral key is none.
    #[error("the handshake's ephemeral key is bad: {0}")]
    Ephemeral(#[from] KeyError),
}

impl HandshakeHeader {
    /// Length in bytes.
    pub const LEN: usize = 2 + 32 + 4 + 1 + 4 + KemCiphertext1024::LEN;

    /// Takes the bytes apart.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let malformed = HeaderError::Malformed;
        let (suite, rest) = bytes.split_first_chunk::<2>().ok_or(malformed)?;
        let suite = u16::from_be_bytes(*suite);
        if suite != SUITE {
            return Err(HeaderError::UnknownSuite(suite));
        }
        let (ephemeral, rest) = rest.split_first_chunk::<32>().ok_or(malformed)?;
        let (signed_prekey, rest) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        let (kind, rest) = rest.split_first().ok_or(malformed)?;
        let (id, ciphertext) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        let id = u32::from_be_bytes(*id);
        Ok(Self {
            ephemeral: X25519Public::parse(ephemeral)?,
            signed_prekey: u32::from_be_bytes(*signed_prekey),
            kem_prekey: match kind {
                1 => KemPrekeyId::OneTime(id),
                2 => KemPrekeyId::LastResort(id),
                _ => return Err(malformed),
            },
            kem_ciphertext: KemCiphertext1024::parse(ciphertext).ok_or(malformed)?,
        })
    }

    /// The bytes; every header has one spelling.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, id) = match self.kem_prekey {
            KemPrekeyId::OneTime(id) => (1, id),
            KemPrekeyId::LastResort(id) => (2, id),
        };
        let mut out = Vec::with_capacity(Self::LEN);
        out.extend_from_slice(&SUITE.to_be_bytes());
        out.extend_from_slice(self.ephemeral.as_bytes());
        out.extend_from_slice(&self.signed_prekey.to_be_bytes());
        out.push(kind);
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(self.kem_ciphertext.as_bytes());
        out
    }

    /// SHA-256 of the bytes: knows a repeated header again, and decides between two sessions begun at once (the smaller
    /// one sends).
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// The number of the responder's signed prekey.
    pub fn signed_prekey(&self) -> u32 {
        self.signed_prekey
    }

    /// The KEM prekey of the responder that was used.
    pub fn kem_prekey(&self) -> KemPrekeyId {
        self.kem_prekey
    }

    /// The initiator's ephemeral key.
    pub fn ephemeral(&self) -> &X25519Public {
        &self.ephemeral
    }
}

impl core::fmt::Debug for HandshakeHeader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "HandshakeHeader({}, {:?})",
            self.signed_prekey, self.kem_prekey
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// P-005, T-009.
    #[test]
    fn comes_back_and_refuses_by_name() {
        let header = HandshakeHeader {
            ephemeral: X25519Public::parse(&[9; 32]).unwrap(),
            signed_prekey: 0x0102_0304,
            kem_prekey: KemPrekeyId::LastResort(5),
            kem_ciphertext: KemCiphertext1024::parse(&[7; 1568]).unwrap(),
        };
        let bytes = header.encode();
        assert_eq!(bytes.len(), HandshakeHeader::LEN);
        assert_eq!(HandshakeHeader::parse(&bytes), Ok(header.clone()));
        assert_eq!(header.digest(), HandshakeHeader::parse(&bytes).unwrap().digest());

        for length in 0..bytes.len() {
            assert_eq!(
                HandshakeHeader::parse(&bytes[..length]),
                Err(HeaderError::Malformed)
            );
        }
        let changed = |at: usize, value: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            HandshakeHeader::parse(&bytes)
        };
        assert_eq!(changed(1, 2), Err(HeaderError::UnknownSuite(2)));
        assert_eq!(changed(0, 0xff), Err(HeaderError::UnknownSuite(0xff01)));
        assert_eq!(changed(38, 3), Err(HeaderError::Malformed));
    }

    /// P-007, T-008.
    #[test]
    fn low_order_ephemeral_keys_are_refused_by_name() {
        let mut bytes = vec![0; HandshakeHeader::LEN];
        bytes[1] = 1;
        bytes[38] = 1;
        for (point, fault) in [
            (
                "0000000000000000000000000000000000000000000000000000000000000000",
                "has low order",
            ),
            (
                "0100000000000000000000000000000000000000000000000000000000000000",
                "has low order",
            ),
            (
                "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                "has low order",
            ),
            (
                "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                "has low order",
            ),
            (
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "has low order",
            ),
            (
                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "not in canonical form",
            ),
            (
                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "not in canonical form",
            ),
            (
                "0000000000000000000000000000000000000000000000000000000000000080",
                "not in canonical form",
            ),
        ] {
            bytes[2..34].copy_from_slice(&hex::decode(point).unwrap());
            let refused = HandshakeHeader::parse(&bytes).unwrap_err();
            assert!(refused.to_string().ends_with(fault), "{point}: {refused}");
        }
        bytes[2..34].fill(9);
        assert!(HandshakeHeader::parse(&bytes).is_ok());
    }

    proptest! {
        /// Whatever parses has one spelling, and nothing makes the parser panic.
        #[test]
        fn what_parses_is_spelled_once(
            noise in prop::collection::vec(any::<u8>(), 0..100),
            key in any::<[u8; 32]>(),
            rest in any::<[u8; 9]>(),
        ) {
            prop_assert!(HandshakeHeader::parse(&noise).is_err());
            let mut bytes = vec![7; HandshakeHeader::LEN];
            bytes[..2].copy_from_slice(&[0, 1]);
            bytes[2..34].copy_from_slice(&key);
            bytes[34..43].copy_from_slice(&rest);
            bytes[38] %= 4;
            if let Ok(header) = HandshakeHeader::parse(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }
}
