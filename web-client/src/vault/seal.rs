//! Sealing and opening one record.
//!
//! ```text
//! at rest    salt 16 ‖ AES-256-GCM( kind u8 ‖ partition length u16 BE ‖ partition ‖ value ) ‖ tag 16
//! AAD        store name ‖ 0x00 ‖ stored key ‖ schema version u32 BE
//! ```
//! The associated data nails a record to its place: moved to another key or store, or carried over from another schema,
//! it does not open.

use aes_gcm::AeadInOut;
use chopar_engine::{Kind, Record, RecordKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::header::SCHEMA;
use super::keys::{DataKey, SALT, SealingRoot};
use super::stored_key::StoredKey;

/// The record does not open: altered, moved, cut short, or sealed under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of the vault does not open")]
pub struct Damaged;

/// Seals and opens under one data key.
pub(super) struct Sealer(SealingRoot);

impl Sealer {
    pub(super) fn new(key: &DataKey) -> Self {
        Self(key.sealing_root())
    }

    /// Seals a record for its place.
    pub(super) fn seal_record(
        &self,
        store: &str,
        at: &StoredKey,
        key: &RecordKey,
        value: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, Damaged> {
        let partition = u16::try_from(key.partition.len()).map_err(|_| Damaged)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(3 + key.partition.len() + value.len()));
        plain.push(key.kind as u8);
        plain.extend_from_slice(&partition.to_be_bytes());
        plain.extend_from_slice(&key.partition);
        plain.extend_from_slice(value);
        self.seal(store, &at.0, &plain, rng)
    }

    /// Opens a record found at a place.
    pub(super) fn open_record(&self, store: &str, at: &StoredKey, sealed: &[u8]) -> Result<Record, Damaged> {
        let plain = self.open(store, &at.0, sealed)?;
        let (&kind, rest) = plain.split_first().ok_or(Damaged)?;
        let kind = Kind::from_number(kind).ok_or(Damaged)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Damaged)?;
        let (partition, value) = rest
            .split_at_checked(u16::from_be_bytes(*length).into())
            .ok_or(Damaged)?;
        Ok(Record {
            key: RecordKey {
                kind,
                partition: partition.to_vec(),
                sequence: at.sequence(),
            },
            value: Zeroizing::new(value.to_vec()),
        })
    }

    /// Seals bytes for a place.
    pub(super) fn seal(
        &self,
        store: &str,
        at: &[u8],
        plain: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, Damaged> {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let (cipher, nonce) = self.0.record_cipher(&salt);
        let mut sealed = Vec::with_capacity(SALT + plain.len() + 16);
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(plain);
        let aad = associated_data(store, at);
        let tag = cipher
            .encrypt_inout_detached(&nonce, &aad, (&mut sealed[SALT..]).into())
            .map_err(|_| Damaged)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens bytes found at a place.
    pub(super) fn open(&self, store: &str, at: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let (salt, rest) = sealed.split_first_chunk::<SALT>().ok_or(Damaged)?;
        let (body, tag) = rest.split_last_chunk::<16>().ok_or(Damaged)?;
        let (cipher, nonce) = self.0.record_cipher(salt);
        let mut plain = Zeroizing::new(body.to_vec());
        let aad = associated_data(store, at);
        cipher
            .decrypt_inout_detached(&nonce, &aad, plain.as_mut_slice().into(), &(*tag).into())
            .map_err(|_| Damaged)?;
        Ok(plain)
    }
}

fn associated_data(store: &str, at: &[u8]) -> Vec<u8> {
    [store.as_bytes(), &[0], at, &SCHEMA.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    struct Fixture {
        sealer: Sealer,
        at: StoredKey,
        key: RecordKey,
        rng: ChaCha20Rng,
    }

    fn fixture() -> Fixture {
        let data_key = DataKey::from_unwrapped(&[3; 32]).unwrap();
        let key = RecordKey {
            kind: Kind::Line,
            partition: b"partition".to_vec(),
            sequence: 41,
        };
        Fixture {
            sealer: Sealer::new(&data_key),
            at: StoredKey::of(&data_key.blinding_key(), &key),
            key,
            rng: ChaCha20Rng::seed_from_u64(1),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let Fixture {
            sealer,
            at,
            key,
            mut rng,
        } = fixture();
        for value in [&b""[..], b"value", &[9; 70_000]] {
            let sealed = sealer.seal_record("lines", &at, &key, value, &mut rng).unwrap();
            let record = sealer.open_record("lines", &at, &sealed).unwrap();
            assert_eq!(record.key, key);
            assert_eq!(*record.value, value);
        }
    }

    /// P-110, T-014.
    #[test]
    fn neither_value_nor_partition_is_readable_and_no_two_writes_are_alike() {
        let Fixture {
            sealer,
            at,
            key,
            mut rng,
        } = fixture();
        let one = sealer
            .seal_record("lines", &at, &key, b"good evening", &mut rng)
            .unwrap();
        let two = sealer
            .seal_record("lines", &at, &key, b"good evening", &mut rng)
            .unwrap();
        assert_ne!(one[..SALT], two[..SALT]);
        assert_ne!(one[SALT..], two[SALT..]);
        for marker in [&b"good"[..], b"part"] {
            assert!(!one.windows(4).any(|window| window == marker));
        }
    }

    /// P-110.
    #[test]
    fn a_record_opens_only_in_its_own_place() {
        let Fixture {
            sealer,
            at,
            key,
            mut rng,
        } = fixture();
        let sealed = sealer
            .seal_record("lines", &at, &key, b"value", &mut rng)
            .unwrap();
        assert!(sealer.open_record("resident", &at, &sealed).is_err());
        let mut elsewhere = at;
        elsewhere.0[23] ^= 1;
        assert!(sealer.open_record("lines", &elsewhere, &sealed).is_err());
        let other = Sealer::new(&DataKey::from_unwrapped(&[4; 32]).unwrap());
        assert!(other.open_record("lines", &at, &sealed).is_err());
    }

    /// P-110, T-010.
    #[test]
    fn every_altered_byte_and_every_cut_is_noticed() {
        let Fixture {
            sealer,
            at,
            key,
            mut rng,
        } = fixture();
        let sealed = sealer
            .seal_record("lines", &at, &key, b"value", &mut rng)
            .unwrap();
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 0x40;
            assert!(sealer.open_record("lines", &at, &altered).is_err());
            assert!(sealer.open_record("lines", &at, &sealed[..index]).is_err());
        }
    }
}
