//! The safety number: what two people compare to know that nobody sits between them.
//!
//! Over the account ids and the *current* account keys of both, so it changes only when an account key is replaced.

use chopar_identity::Ed25519Public;
use chopar_wire::ids::AccountId;
use chopar_wire::prost::{self, Message};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;

/// Hashes computed for each half: makes a look-alike number 5200 times as dear.
pub const ITERATIONS: u32 = 5200;
/// The version of the QR payload.
pub const QR_VERSION: u32 = 2;
/// A payload is 74 bytes; anything far beyond was never one.
const MAX_QR: usize = 256;

/// The number of two people, from the point of view of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    local: [u8; 32],
    remote: [u8; 32],
}

/// Why a scanned code does not confirm the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Some other code: nothing follows from it.
    #[error("the code is not a safety number")]
    NotASafetyNumber,
    /// The other side's app is older or newer: compare the digits.
    #[error("the code is of version {theirs}, this app knows {QR_VERSION}")]
    Version {
        /// The version that the code names.
        theirs: u32,
    },
    /// A safety number of other people or other keys: a warning, or simply the wrong conversation.
    #[error("the code does not match")]
    Mismatch,
}

/// A count of iterations that nobody should use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("iterations must lie between 2 and 1,000,000")]
pub struct IterationsOutOfRange;

impl SafetyNumber {
    /// The number of this account and a peer's. Takes a few milliseconds: compute it when it is shown.
    pub fn new(local: (&AccountId, &Ed25519Public), remote: (&AccountId, &Ed25519Public)) -> Self {
        let half = |(id, key): (&AccountId, &Ed25519Public)| half(id.as_bytes(), &key.enc(), ITERATIONS);
        Self {
            local: half(local),
            remote: half(remote),
        }
    }

    /// The number over raw ids and encoded keys, as other implementations compute it.
    ///
    /// # Errors
    /// [`IterationsOutOfRange`].
    pub fn from_parts(
        local: (&[u8], &[u8]),
        remote: (&[u8], &[u8]),
        iterations: u32,
    ) -> Result<Self, IterationsOutOfRange> {
        if !(2..=1_000_000).contains(&iterations) {
            return Err(IterationsOutOfRange);
        }
        Ok(Self {
            local: half(local.0, local.1, iterations),
            remote: half(remote.0, remote.1, iterations),
        })
    }

    /// Sixty digits, the same on both sides.
    pub fn digits(&self) -> String {
        let (local, remote) = (digits(&self.local), digits(&self.remote));
        if local <= remote {
            local + &remote
        } else {
            remote + &local
        }
    }

    /// What the QR code holds: version, the own half, the other's half.
    pub fn qr(&self) -> Vec<u8> {
        let half = |half: &[u8; 32]| Some(QrHalf { hash: half.to_vec() });
        Qr {
            version: QR_VERSION,
            local: half(&self.local),
            remote: half(&self.remote),
        }
        .encode_to_vec()
    }

    /// Compares a code scanned from the other person's screen, crosswise and in constant time.
    ///
    /// # Errors
    /// [`ScanError`].
    pub fn confirm(&self, scanned: &[u8]) -> Result<(), ScanError> {
        if scanned.len() > MAX_QR {
            return Err(ScanError::NotASafetyNumber);
        }
        let qr = Qr::decode(scanned).map_err(|_| ScanError::NotASafetyNumber)?;
        if qr.version == 0 {
            return Err(ScanError::NotASafetyNumber);
        }
        if qr.version != QR_VERSION {
            return Err(ScanError::Version { theirs: qr.version });
        }
        let (Some(theirs), Some(ours)) = (qr.local, qr.remote) else {
            return Err(ScanError::NotASafetyNumber);
        };
        let equal = theirs.hash.ct_eq(&self.remote) & ours.hash.ct_eq(&self.local);
        if bool::from(equal) {
            Ok(())
        } else {
            Err(ScanError::Mismatch)
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Qr {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(message, optional, tag = "2")]
    local: Option<QrHalf>,
    #[prost(message, optional, tag = "3")]
    remote: Option<QrHalf>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct QrHalf {
    #[prost(bytes = "vec", tag = "1")]
    hash: Vec<u8>,
}

/// The first 32 bytes of iterated SHA-512: `h0 = SHA-512(0x0000 ‖ key ‖ id ‖ key)`, then `SHA-512(h ‖ key)`.
fn half(id: &[u8], key: &[u8], iterations: u32) -> [u8; 32] {
    let mut hash = Sha512::new()
        .chain_update([0, 0])
        .chain_update(key)
        .chain_update(id)
        .chain_update(key)
        .finalize();
    for _ in 1..iterations {
        hash = Sha512::new().chain_update(hash).chain_update(key).finalize();
    }
    let mut half = [0; 32];
    half.copy_from_slice(&hash[..32]);
    half
}

/// Thirty digits: six big-endian numbers of five bytes, modulo 100,000.
fn digits(half: &[u8; 32]) -> String {
    half[..30]
        .chunks_exact(5)
        .map(|chunk| {
            chunk
                .iter()
                .fold(0u64, |number, byte| number << 8 | u64::from(*byte))
        })
        .map(|number| format!("{:05}", number % 100_000))
        .collect()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    fn vector() -> (SafetyNumber, SafetyNumber) {
        let key = |hex: &str| hex::decode(hex).unwrap();
        let alice_key = key("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868");
        let bob_key = key("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b");
        let alice = (&b"+14152222222"[..], &alice_key[..]);
        let bob = (&b"+14153333333"[..], &bob_key[..]);
        (
            SafetyNumber::from_parts(alice, bob, ITERATIONS).unwrap(),
            SafetyNumber::from_parts(bob, alice, ITERATIONS).unwrap(),
        )
    }

    /// P-030, P-031.
    #[test]
    fn reproduces_the_vector() {
        let (alice, bob) = vector();
        let number = "300354477692869396892869876765458257569162576843440918079131";
        assert_eq!(
            (alice.digits(), bob.digits()),
            (number.to_owned(), number.to_owned())
        );
        assert_eq!(
            hex::encode(alice.qr()),
            "080212220a201e301a0353dce3dbe7684cb8336e85136cdc0ee96219494ada305d62a7bd61df\
             1a220a20d62cbf73a11592015b6b9f1682ac306fea3aaf3885b84d12bca631e9d4fb3a4d"
        );
    }

    /// P-031.
    #[test]
    fn codes_compare_crosswise() {
        let (alice, bob) = vector();
        assert_eq!(alice.confirm(&bob.qr()), Ok(()));
        assert_eq!(bob.confirm(&alice.qr()), Ok(()));
        assert_eq!(
            alice.confirm(&alice.qr()),
            Err(ScanError::Mismatch),
            "one's own code confirms nothing"
        );
        for at in (6..38).chain(42..74) {
            let mut changed = bob.qr();
            changed[at] ^= 1;
            assert_eq!(alice.confirm(&changed), Err(ScanError::Mismatch), "byte {at}");
        }
    }

    #[test]
    fn other_codes_and_versions_are_named() {
        let (alice, bob) = vector();
        let mut old = bob.qr();
        old[1] = 1;
        assert_eq!(alice.confirm(&old), Err(ScanError::Version { theirs: 1 }));
        for other in [&b""[..], b"https://example.org", &[8, 2], &[0xff; 300]] {
            assert_eq!(
                alice.confirm(other),
                Err(ScanError::NotASafetyNumber),
                "{other:?}"
            );
        }
        let parts = (&b"a"[..], &b"b"[..]);
        for iterations in [0, 1, 1_000_001] {
            assert_eq!(
                SafetyNumber::from_parts(parts, parts, iterations),
                Err(IterationsOutOfRange)
            );
        }
    }

    /// P-030, P-032.
    #[test]
    fn the_number_depends_on_ids_and_current_keys() {
        let key = |seed| {
            Ed25519Public::parse(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes()).unwrap()
        };
        let (a, b) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let number = SafetyNumber::new((&a, &key(1)), (&b, &key(2)));
        assert_eq!(
            number.digits(),
            SafetyNumber::new((&b, &key(2)), (&a, &key(1))).digits()
        );
        assert_ne!(
            number.digits(),
            SafetyNumber::new((&a, &key(1)), (&b, &key(3))).digits()
        );
        assert_ne!(
            number.digits(),
            SafetyNumber::new((&a, &key(1)), (&a, &key(2))).digits()
        );
        assert_eq!(number.digits().len(), 60);
    }
}
