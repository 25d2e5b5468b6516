//! Reading what the engine does not hold: rows of one conversation, and single records.

use chopar_engine::{Kind, Record, RecordKey};
use chopar_wire::AccountId;
use idb::{CursorDirection, KeyRange, ObjectStore, Query};
use wasm_bindgen::JsValue;

use super::stored_key::{Partition, StoredKey};
use super::{LINES, Vault, VaultError, open_record, to_bytes, to_js};

/// Rows found, and how many there were that do not open.
pub struct Page {
    /// Lines, then the delivery rows of the same sequences; each ascending.
    pub records: Vec<Record>,
    /// Rows that do not open. They are left where they are.
    pub damaged: u32,
}

impl Vault {
    /// The `limit` newest lines of a conversation with a sequence below `before` (from the end without it), and the
    /// delivery rows of the same sequences.
    pub async fn page(
        &self,
        conversation: &AccountId,
        before: Option<u64>,
        limit: u16,
    ) -> Result<Page, VaultError> {
        let mut page = Page {
            records: Vec::new(),
            damaged: 0,
        };
        let own = self.keys();
        let lines = Partition::of(&own.blinding, Kind::Line, conversation.as_bytes());
        let deliveries = Partition::of(&own.blinding, Kind::Delivery, conversation.as_bytes());
        let transaction = self.database.read(&[LINES])?;
        let store = transaction.store(LINES)?;
        let (mut wanted, mut before) = (limit, before);
        while let Some((first, last)) = lines.below(before).filter(|_| wanted > 0)
            && let Some(first) = oldest_of_newest(&store, first, last, wanted).await?
        {
            let damaged = page.damaged;
            let rows = [
                (first, last),
                (deliveries.at(first.sequence()), deliveries.at(last.sequence())),
            ];
            for (first, last) in rows {
                let keys = store.get_all_keys(Some(range(first, last)?), None)?;
                let values = store.get_all(Some(range(first, last)?), None)?;
                for (key, value) in keys.await?.iter().zip(&values.await?) {
                    match open_record(&own, LINES, key, value) {
                        Ok(record) => page.records.push(record),
                        Err(_) => page.damaged += 1,
                    }
                }
            }
            if page.damaged == damaged {
                break;
            }
            // A line that does not open takes no other's place: a page that is too short is taken for the beginning.
            let opened = page.records.iter().filter(|record| record.key.kind == Kind::Line);
            wanted = limit.saturating_sub(u16::try_from(opened.count()).unwrap_or(u16::MAX));
            before = Some(first.sequence());
        }
        let order = |record: &Record| (record.key.kind != Kind::Line, record.key.sequence);
        page.records.sort_by_key(order);
        transaction.finish().await?;
        Ok(page)
    }
}

impl Vault {
    /// One record that is not resident; none in the page where there is none.
    pub async fn one(&self, key: &RecordKey) -> Result<Page, VaultError> {
        let own = self.keys();
        let at = to_js(&StoredKey::of(&own.blinding, key).0);
        let transaction = self.database.read(&[LINES])?;
        let value = transaction.store(LINES)?.get(at.clone())?.await?;
        transaction.finish().await?;
        let record = value.map(|value| open_record(&own, LINES, &at, &value));
        Ok(Page {
            damaged: u32::from(matches!(record, Some(Err(_)))),
            records: record.and_then(Result::ok).into_iter().collect(),
        })
    }
}

/// The key with which the `limit` newest rows of a range begin. `getAll` counts from the old end and sequences have gaps,
/// so a cursor steps back from the new end: two requests, whatever the limit.
async fn oldest_of_newest(
    store: &ObjectStore,
    first: StoredKey,
    last: StoredKey,
    limit: u16,
) -> Result<Option<StoredKey>, VaultError> {
    let query = range(first, last)?;
    let Some(cursor) = store
        .open_key_cursor(Some(query), Some(CursorDirection::Prev))?
        .await?
    else {
        return Ok(None);
    };
    if limit == 1 {
        return Ok(to_bytes(&cursor.key()?).and_then(|key| StoredKey::from_bytes(&key)));
    }
    match cursor.advance(u32::from(limit) - 1)?.await? {
        Some(cursor) => Ok(to_bytes(&cursor.key()?).and_then(|key| StoredKey::from_bytes(&key))),
        None => Ok(Some(first)),
    }
}

fn range(first: StoredKey, last: StoredKey) -> Result<Query, VaultError> {
    let (first, last): (JsValue, JsValue) = (to_js(&first.0), to_js(&last.0));
    Ok(KeyRange::bound(&first, &last, None, None)?.into())
}
