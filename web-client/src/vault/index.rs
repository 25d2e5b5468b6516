//! The index of lines at rest: segments sealed like any record, in the store of the lines, under a blinded key of their own kind.
//!
//! It is written in the transaction that writes the lines, so what is on record can be found and what is gone cannot. Where a
//! segment is missing, does not open, or is of another version, the whole of it is built anew from the lines, a few at a time
//! ([`Vault::index_some`]); so is that of a vault from before there was an index. A search meanwhile finds what is there.
//!
//! One thing at a time uses the index: whoever owns the vault commits, searches and builds in turn.

use std::collections::BTreeSet;

use chopar_engine::search::{Change, Index, Mark, Position, Query, indexed};
use chopar_engine::{Found, Kind, RecordKey};
use idb::{KeyRange, ObjectStore, Query as Keyed};
use rand_core::CryptoRng;
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

use super::keys::Keys;
use super::stored_key::{Partition, StoredKey};
use super::{KEYS, LINES, Vault, VaultError, open_record, to_bytes, to_js};

/// Records that are read at once while the index is built: some 20 ms, so that whatever comes meanwhile does not wait long.
const AT_ONCE: u32 = 256;
/// Segments that are read at once.
const BODIES_AT_ONCE: usize = 16;

/// What somebody looks for, as [`chopar_engine::Effect::Search`] asks.
pub struct Wanted {
    /// As typed.
    pub query: String,
    /// Only lines before this one.
    pub after: Option<Position>,
    /// How many lines.
    pub limit: u16,
}

impl Vault {
    /// The rows of lines that have the words. While the index is being built, and where it turns out to be damaged, that is said.
    pub async fn search(&self, wanted: &Wanted) -> Result<Found, VaultError> {
        let keys = self.keys();
        let transaction = self.database.read(&[LINES])?;
        let store = transaction.store(LINES)?;
        let Some(mut index) = self.whole_index(&store, &keys).await? else {
            self.index_damaged.set(true);
            return Ok(Found {
                building: Some(0),
                ..Found::default()
            });
        };
        let mut found = Found {
            building: index.building().map(|_| index.lines()),
            ..Found::default()
        };
        if let Some(query) = Query::parse(&wanted.query) {
            let matches = index.find(&query, wanted.after, wanted.limit.into());
            (found.total, found.last) = (matches.total, matches.last);
            let mut asked = Vec::with_capacity(matches.page.len());
            for position in &matches.page {
                let place = to_js(&StoredKey::of(&keys.blinding, &line_key(position)).0);
                asked.push((place.clone(), store.get(place)?));
            }
            for (place, value) in asked {
                let Some(value) = value.await? else { continue };
                found.lines.extend(open_record(&keys, LINES, &place, &value));
            }
        }
        transaction.finish().await?;
        index.trim();
        self.index.replace(Some(index));
        Ok(found)
    }

    /// Goes on building the index, if it is not whole; says whether there is more to do.
    pub async fn index_some(&self, rng: &mut impl CryptoRng) -> Result<bool, VaultError> {
        let keys = self.keys();
        let own = Partition::of(&keys.blinding, Kind::Index, &[]);
        let transaction = self.fenced(&[KEYS, LINES]).await?;
        let store = transaction.store(LINES)?;
        let known = match self.index_damaged.get() {
            true => None,
            false => self.open_index(&store, &keys).await?,
        };
        let mut index = match known {
            Some(index) => index,
            None => begin_anew(&store, own)?,
        };
        let Some(mark) = index.building() else {
            self.index.replace(Some(index));
            return Ok(false);
        };
        // Of a lock before this one: there, everything lay elsewhere.
        if mark[..16] != own.at(0).0[..16] && mark != [0; 40] {
            index = begin_anew(&store, own)?;
        }
        let read = index
            .building()
            .and_then(|mark| StoredKey::from_bytes(&mark[16..]));
        let (behind, before) = stretch(read.unwrap_or(StoredKey::FIRST), own);
        let lower = to_js(&behind.0);
        let range = Keyed::from(match before {
            Some(before) => KeyRange::bound(&lower, &to_js(&before.0), Some(true), Some(true))?,
            None => KeyRange::lower_bound(&lower, Some(true))?,
        });
        let places = store.get_all_keys(Some(range.clone()), Some(AT_ONCE))?;
        let values = store.get_all(Some(range), Some(AT_ONCE))?;
        let (places, values) = (places.await?, values.await?);
        let mut added = Vec::new();
        for (place, value) in places.iter().zip(&values) {
            if let Ok(record) = open_record(&keys, LINES, place, value) {
                added.extend(indexed(&record).map(Change::Added));
            }
        }
        let last = match places.len() == AT_ONCE as usize {
            true => places.last().and_then(to_bytes),
            false => before.map(|_| own.at(u64::MAX).0.to_vec()),
        };
        index.set_building(last.and_then(|last| Mark::try_from([&own.at(0).0[..16], &last].concat()).ok()));
        let index = self.apply(index, &store, &keys, added, rng).await?;
        transaction.finish().await?;
        self.index_damaged.set(false);
        let more = index.building().is_some();
        self.index.replace(Some(index));
        Ok(more)
    }

    /// Whether lines are on record that the index does not have yet, as far as this vault knows.
    pub fn index_is_building(&self) -> bool {
        self.index
            .borrow()
            .as_ref()
            .is_some_and(|index| index.building().is_some())
    }

    /// Brings the index up to what a transaction writes. It comes back, to be kept once the transaction has ended well.
    pub(super) async fn index_lines(
        &self,
        store: &ObjectStore,
        keys: &Keys,
        changes: Vec<Change>,
        rng: &mut impl CryptoRng,
    ) -> Result<Index, VaultError> {
        let own = Partition::of(&keys.blinding, Kind::Index, &[]);
        let index = match self.open_index(store, keys).await? {
            Some(index) => index,
            None => begin_anew(store, own)?,
        };
        self.apply(index, store, keys, changes, rng).await
    }

    async fn apply(
        &self,
        mut index: Index,
        store: &ObjectStore,
        keys: &Keys,
        changes: Vec<Change>,
        rng: &mut impl CryptoRng,
    ) -> Result<Index, VaultError> {
        let own = Partition::of(&keys.blinding, Kind::Index, &[]);
        loop {
            let missing = index.missing_for(&changes);
            if missing.is_empty() {
                break;
            }
            if !hold(&mut index, missing, store, keys).await? {
                // What is in the lines already comes with the building.
                index = begin_anew(store, own)?;
            }
        }
        for (number, bytes) in index.apply(changes) {
            let at = own.at(number);
            match bytes {
                Some(bytes) => {
                    let sealed = keys
                        .sealer
                        .seal_record(LINES, &at, &segment_key(number), &bytes, rng)
                        .map_err(|_| VaultError::Damaged)?;
                    store.put(&to_js(&sealed), Some(&to_js(&at.0)))?;
                }
                None => {
                    store.delete(to_js(&at.0))?;
                }
            }
        }
        index.trim();
        Ok(index)
    }

    /// The index with all of its segments; `None` where it is not there or damaged.
    async fn whole_index(&self, store: &ObjectStore, keys: &Keys) -> Result<Option<Index>, VaultError> {
        let Some(mut index) = self.open_index(store, keys).await? else {
            return Ok(None);
        };
        let missing = index.missing();
        Ok(hold(&mut index, missing, store, keys).await?.then_some(index))
    }

    /// The index as it was left, or as it is on record; taken out, so that nothing is left of it where something fails.
    async fn open_index(&self, store: &ObjectStore, keys: &Keys) -> Result<Option<Index>, VaultError> {
        if let Some(index) = self.index.take() {
            return Ok(Some(index));
        }
        let own = Partition::of(&keys.blinding, Kind::Index, &[]);
        let tail = store.get(to_js(&own.at(0).0))?;
        let bodies = store.get_all_keys(Some(numbers(own, 1)?), None)?;
        let (tail, bodies) = (tail.await?, bodies.await?);
        let Some(tail) = tail.and_then(|tail| opened(keys, &to_js(&own.at(0).0), &tail)) else {
            return Ok(None);
        };
        let bodies: BTreeSet<u64> = bodies
            .iter()
            .filter_map(|body| Some(StoredKey::from_bytes(&to_bytes(body)?)?.sequence()))
            .collect();
        Ok(Index::open(&tail, bodies).ok())
    }
}

/// What is read next while the index is built: from behind a key up to, or behind, the segments of the index itself. They are large,
/// and there are no lines in them.
fn stretch(read: StoredKey, own: Partition) -> (StoredKey, Option<StoredKey>) {
    let (first, last) = (own.at(0), own.at(u64::MAX));
    match read < first {
        true => (read, Some(first)),
        false => (read.max(last), None),
    }
}

/// Reads segments; `false` where one of them is damaged.
async fn hold(
    index: &mut Index,
    missing: Vec<u64>,
    store: &ObjectStore,
    keys: &Keys,
) -> Result<bool, VaultError> {
    let own = Partition::of(&keys.blinding, Kind::Index, &[]);
    for some in missing.chunks(BODIES_AT_ONCE) {
        let mut asked = Vec::with_capacity(some.len());
        for number in some {
            let place = to_js(&own.at(*number).0);
            asked.push((*number, place.clone(), store.get(place)?));
        }
        let mut whole = true;
        for (number, place, value) in asked {
            let bytes = value.await?.and_then(|value| opened(keys, &place, &value));
            whole &= bytes.is_some_and(|bytes| index.hold(number, &bytes).is_ok());
        }
        if !whole {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Deletes all of it: nothing has been read yet.
fn begin_anew(store: &ObjectStore, own: Partition) -> Result<Index, VaultError> {
    store.delete(numbers(own, 0)?)?;
    Ok(Index::new())
}

/// Keys of the segments from a number on.
fn numbers(own: Partition, first: u64) -> Result<Keyed, VaultError> {
    let (first, last): (JsValue, JsValue) = (to_js(&own.at(first).0), to_js(&own.at(u64::MAX).0));
    Ok(KeyRange::bound(&first, &last, None, None)?.into())
}

fn opened(keys: &Keys, place: &JsValue, value: &JsValue) -> Option<Zeroizing<Vec<u8>>> {
    let record = open_record(keys, LINES, place, value).ok()?;
    (record.key.kind == Kind::Index).then_some(record.value)
}

fn segment_key(number: u64) -> RecordKey {
    RecordKey {
        kind: Kind::Index,
        partition: Vec::new(),
        sequence: number,
    }
}

fn line_key(position: &Position) -> RecordKey {
    RecordKey {
        kind: Kind::Line,
        partition: position.conversation.as_bytes().to_vec(),
        sequence: position.sequence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::keys::DataKey;

    /// P-363: the segments of the index are not among what is read.
    #[test]
    fn what_is_read_while_the_index_is_built_leaves_the_index_out() {
        let blinding = DataKey::from_unwrapped(&[1; 32]).unwrap().blinding_key();
        let own = Partition::of(&blinding, Kind::Index, &[]);
        let key = |byte: u8| StoredKey([byte; 24]);
        assert_eq!(
            stretch(StoredKey::FIRST, own),
            (StoredKey::FIRST, Some(own.at(0)))
        );
        let (mut before, mut after) = (own.at(0), own.at(u64::MAX));
        before.0[15] -= 1;
        after.0[15] += 1;
        assert_eq!(stretch(before, own), (before, Some(own.at(0))));
        for inside in [own.at(0), own.at(7), own.at(u64::MAX)] {
            assert_eq!(stretch(inside, own), (own.at(u64::MAX), None));
        }
        assert_eq!(stretch(after, own), (after, None));
        assert_eq!(stretch(key(0xff), own), (key(0xff), None));
    }
}
