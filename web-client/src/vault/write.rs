//! Writing: seal everything, then one transaction.

use std::collections::BTreeMap;

use chopar_engine::input::DeviceKeysPublic;
use chopar_engine::search::changes;
use chopar_engine::{Batch, RecordKey, Write};
use rand_core::CryptoRng;
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

use super::files::clear as clear_files;
use super::identity::Identity;
use super::stored_key::StoredKey;
use super::{IDENTITY, KEYS, LINES, ROLLED_BACK, STORES, Vault, VaultError, header_in, store_of, to_js};
use crate::platform::idb::Transaction;

impl Vault {
    /// Makes a batch durable, all of it or nothing of it, and with it what the index says of its lines.
    pub async fn commit(&self, batch: Batch, rng: &mut impl CryptoRng) -> Result<(), VaultError> {
        let keys = self.keys();
        let mut puts = Vec::new();
        let mut deletes = Vec::new();
        // Before what is written twice is reduced to what it comes to: that a line was deleted matters to the index.
        let lines = changes(batch.writes.iter());
        for (key, value) in last_writes(batch) {
            let store = store_of(key.kind);
            let at = StoredKey::of(&keys.blinding, &key);
            match value {
                Some(value) => {
                    let sealed = keys
                        .sealer
                        .seal_record(store, &at, &key, &value, rng)
                        .map_err(|_| VaultError::Damaged)?;
                    puts.push((store, to_js(&at.0), to_js(&sealed)));
                }
                None => deletes.push((store, to_js(&at.0))),
            }
        }
        let transaction = self.fenced(STORES).await?;
        for (store, at, sealed) in &puts {
            transaction.store(store)?.put(sealed, Some(at))?;
        }
        for (store, at) in deletes {
            transaction.store(store)?.delete(at)?;
        }
        let mut index = None;
        if !lines.is_empty() {
            let store = transaction.store(LINES)?;
            index = Some(self.index_lines(&store, &keys, lines, rng).await?);
        }
        if self.rolled_back.get() {
            transaction.store(KEYS)?.delete(JsValue::from_str(ROLLED_BACK))?;
        }
        transaction.finish().await?;
        if index.is_some() {
            self.index.replace(index);
        }
        self.rolled_back.set(false);
        Ok(())
    }

    /// Whether this owner still is the owner; [`VaultError::Fenced`] if not.
    pub async fn still_owned(&self) -> Result<(), VaultError> {
        let transaction = self.database.read(&[KEYS])?;
        let header = header_in(&transaction).await?;
        transaction.finish().await?;
        if self.is_own(header) {
            Ok(())
        } else {
            Err(VaultError::Fenced)
        }
    }

    /// Makes device identity keys and stores them wrapped. They replace what was there.
    pub async fn make_identity(&self, rng: &mut impl CryptoRng) -> Result<DeviceKeysPublic, VaultError> {
        let keys = self.keys();
        let (identity, stored) = Identity::make(&self.crypto, &keys.wrapping, rng).await?;
        let sealed = keys
            .sealer
            .seal(KEYS, IDENTITY.as_bytes(), &stored, rng)
            .map_err(|_| VaultError::Damaged)?;
        let transaction = self.fenced(&[KEYS]).await?;
        transaction
            .store(KEYS)?
            .put(&to_js(&sealed), Some(&IDENTITY.into()))?;
        transaction.finish().await?;
        let public = identity.public();
        self.identity.replace(Some(identity));
        Ok(public)
    }

    /// Erases everything the vault holds, the keys included, all of it or nothing of it. Whoever still writes through this
    /// vault, or an older one, is fenced from then on; the next opening makes a new vault. Files go right after it: without the vault
    /// nothing opens them, and what an interruption leaves of them goes at the next start.
    pub async fn erase(&self) -> Result<(), VaultError> {
        clear(self.fenced(STORES).await?).await?;
        let _ = clear_files().await;
        Ok(())
    }

    /// A transaction that writes and has seen that this owner still is the owner.
    pub(super) async fn fenced(&self, stores: &[&str]) -> Result<Transaction, VaultError> {
        let transaction = self.database.write(stores)?;
        let header = header_in(&transaction).await?;
        if self.is_own(header) {
            Ok(transaction)
        } else {
            Err(VaultError::Fenced)
        }
    }

    fn is_own(&self, header: Option<Vec<u8>>) -> bool {
        header.is_some_and(|header| header == self.header.to_bytes())
    }
}

/// Empties every store, in a transaction over all of them.
pub(super) async fn clear(transaction: Transaction) -> Result<(), VaultError> {
    for store in STORES {
        transaction.store(store)?.clear()?;
    }
    transaction.finish().await?;
    Ok(())
}

/// What is left of a batch when later writes to a key have replaced earlier ones; `None` deletes.
fn last_writes(batch: Batch) -> BTreeMap<RecordKey, Option<Zeroizing<Vec<u8>>>> {
    let mut last = BTreeMap::new();
    for write in batch.writes {
        match write {
            Write::Put(record) => last.insert(record.key, Some(record.value)),
            Write::Delete(key) => last.insert(key, None),
        };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::{Kind, Record};

    fn key(sequence: u64) -> RecordKey {
        RecordKey {
            kind: Kind::Draft,
            partition: vec![1],
            sequence,
        }
    }

    fn put(sequence: u64, value: &[u8]) -> Write {
        Write::Put(Record {
            key: key(sequence),
            value: Zeroizing::new(value.to_vec()),
        })
    }

    #[test]
    fn the_last_write_to_a_key_wins() {
        let writes = vec![
            put(1, b"a"),
            Write::Delete(key(2)),
            put(1, b"b"),
            put(2, b"c"),
            put(3, b"d"),
            Write::Delete(key(3)),
        ];
        let last = last_writes(Batch { writes });
        assert_eq!(last.len(), 3);
        assert_eq!(
            last[&key(1)].as_ref().map(|value| value.to_vec()),
            Some(b"b".to_vec())
        );
        assert_eq!(
            last[&key(2)].as_ref().map(|value| value.to_vec()),
            Some(b"c".to_vec())
        );
        assert!(last[&key(3)].is_none());
    }
}
