//! The key under which a record lies in IndexedDB: blinded, and ordered within its partition.

use chopar_engine::{Kind, RecordKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::keys::BlindingKey;

/// Bytes of the blinded part. 2^64 partitions are needed before two are likely to share it; they would mix visibly,
/// because the sealed record names its kind and partition.
const BLINDED: usize = 16;

/// `HMAC-SHA256(blinding key, kind ‖ partition)[..16] ‖ sequence u64 BE`: IndexedDB orders binary keys byte by byte, so
/// one partition is one range in the order of its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StoredKey(pub(super) [u8; BLINDED + 8]);

impl StoredKey {
    /// Not greater than any.
    pub(super) const FIRST: Self = Self([0; BLINDED + 8]);

    /// The stored key of a record.
    pub(super) fn of(blinding: &BlindingKey, key: &RecordKey) -> Self {
        Partition::of(blinding, key.kind, &key.partition).at(key.sequence)
    }

    /// Reads it back from the database; `None` if it has another length.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The record's place within its partition.
    pub(super) fn sequence(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[BLINDED..]);
        u64::from_be_bytes(bytes)
    }
}

/// All records of one kind and partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition([u8; BLINDED]);

impl Partition {
    /// Blinds a kind and partition. The kind has a fixed length, so no two pairs are the same input.
    pub(super) fn of(blinding: &BlindingKey, kind: Kind, partition: &[u8]) -> Self {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&blinding.0) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(&[kind as u8]);
        mac.update(partition);
        let mut out = [0; BLINDED];
        out.copy_from_slice(&mac.finalize().into_bytes()[..BLINDED]);
        Self(out)
    }

    /// The stored key at a sequence.
    pub(super) fn at(self, sequence: u64) -> StoredKey {
        let mut out = [0; BLINDED + 8];
        out[..BLINDED].copy_from_slice(&self.0);
        out[BLINDED..].copy_from_slice(&sequence.to_be_bytes());
        StoredKey(out)
    }

    /// First and last key, both inclusive, of the rows below `before` (of all rows without it); `None` where there can
    /// be none.
    pub(super) fn below(self, before: Option<u64>) -> Option<(StoredKey, StoredKey)> {
        let last = match before {
            None => u64::MAX,
            Some(before) => before.checked_sub(1)?,
        };
        Some((self.at(0), self.at(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::keys::DataKey;

    fn blinding(seed: u8) -> BlindingKey {
        DataKey::from_unwrapped(&[seed; 32]).unwrap().blinding_key()
    }

    /// P-111.
    #[test]
    fn keys_of_one_partition_rise_with_the_sequence() {
        let partition = Partition::of(&blinding(1), Kind::Line, b"someone");
        let sequences = [0, 1, 255, 256, 1 << 40, u64::MAX];
        let keys = sequences.map(|sequence| partition.at(sequence));
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|key| key.sequence()), sequences);
        assert_eq!(StoredKey::from_bytes(&keys[3].0), Some(keys[3]));
        assert_eq!(StoredKey::from_bytes(&keys[3].0[1..]), None);
    }

    /// P-111.
    #[test]
    fn kind_partition_and_data_key_all_matter() {
        let key = Partition::of(&blinding(1), Kind::Line, b"someone");
        assert_ne!(key, Partition::of(&blinding(1), Kind::Delivery, b"someone"));
        assert_ne!(key, Partition::of(&blinding(1), Kind::Line, b"someone else"));
        assert_ne!(key, Partition::of(&blinding(2), Kind::Line, b"someone"));
    }

    /// P-111, T-014.
    #[test]
    fn nothing_readable_is_left_in_a_key() {
        let key = StoredKey::of(
            &blinding(1),
            &RecordKey {
                kind: Kind::Contact,
                partition: b"karima-karima-ka".to_vec(),
                sequence: 0,
            },
        );
        assert!(
            !key.0
                .windows(4)
                .any(|window| b"karima-karima-ka".windows(4).any(|part| part == window))
        );
    }

    #[test]
    fn ranges_end_before_the_bound_and_never_leave_the_partition() {
        let partition = Partition::of(&blinding(1), Kind::Line, b"someone");
        assert_eq!(partition.below(Some(0)), None);
        assert_eq!(partition.below(Some(1)), Some((partition.at(0), partition.at(0))));
        assert_eq!(
            partition.below(Some(900)),
            Some((partition.at(0), partition.at(899)))
        );
        assert_eq!(
            partition.below(None),
            Some((partition.at(0), partition.at(u64::MAX)))
        );
    }
}
