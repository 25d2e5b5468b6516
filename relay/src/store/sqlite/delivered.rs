//! Ids of delivered envelopes, for a day. What was delivered lately is written in the order in which it came and known by heart;
//! when that is much, it goes into the tree in which ids are looked up: sorted, and a part at a time.
//!
//! ```text
//!  acknowledge ──> delivered_lately (at its end) ── much ──> merged in parts ──> delivered (day, mailbox, id)
//!                    by heart: newer ──────────────> older ────────────────────> forgotten
//! ```
//! Ids are random. Put one by one into a large tree, each changes a page of its own, which is written to the log and to the file;
//! sorted, neighbours share their pages.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chopar_wire::ids::{DeviceId, EnvelopeId};
use chopar_wire::limits::ACKED_ID_MEMORY_MS;
use rusqlite::Connection;

use super::books::Books;

/// Ids known by heart from which on they are merged: about 50 bytes each, and as many again while they are. Few in tests, so
/// that every one of them merges.
const LATELY_MAX: usize = if cfg!(test) { 32 } else { 100_000 };
/// Rows of one part of a merge: keeps the writer free for others.
const PART_ROWS: usize = if cfg!(test) { 8 } else { 1_024 };
/// How long a merge that failed is left alone: somebody has to look at the disk.
const RETRY: Duration = Duration::from_secs(60);

/// What was delivered lately, by mailbox and id, with the day (since 1970).
type Days = HashMap<(u64, EnvelopeId), u64>;

/// What the writer knows by heart of deliveries.
#[derive(Default)]
pub(super) struct Lately {
    newer: Days,
    /// What is being merged: the rows up to `up_to`.
    older: Days,
    up_to: i64,
    /// What of it is not in the tree yet, the last first; `None`: it was not sorted yet.
    unmerged: Option<Vec<(u64, u64, EnvelopeId)>>,
    /// Noted in the transaction under way.
    fresh: Vec<(u64, EnvelopeId)>,
    failed: Option<Instant>,
}

impl Lately {
    fn read(db: &Connection) -> rusqlite::Result<Self> {
        let mut statement = db.prepare_cached("SELECT day, mailbox, ids FROM delivered_lately")?;
        let mut rows = statement.query([])?;
        let mut lately = Self::default();
        while let Some(row) = rows.next()? {
            let (day, mailbox): (u64, u64) = (row.get(0)?, row.get(1)?);
            for id in row.get_ref(2)?.as_blob()?.as_chunks().0 {
                lately.newer.insert((mailbox, EnvelopeId::new(*id)), day);
            }
        }
        Ok(lately)
    }

    /// Where the clock was set back, days that are still to come count too.
    fn holds(&self, mailbox: u64, id: &EnvelopeId, today: u64) -> bool {
        let day = |days: &Days| days.get(&(mailbox, *id)).copied();
        day(&self.newer)
            .max(day(&self.older))
            .is_some_and(|day| day + 1 >= today)
    }

    fn is_due(&self) -> bool {
        (self.newer.len() >= LATELY_MAX || !self.older.is_empty())
            && self.failed.is_none_or(|at| at.elapsed() >= RETRY)
    }

    /// The transaction is durable.
    pub(super) fn keep(&mut self) {
        self.fresh.clear();
    }

    /// The transaction was rolled back.
    pub(super) fn take_back(&mut self) {
        for key in self.fresh.drain(..) {
            self.newer.remove(&key);
        }
        self.unmerged = None;
    }
}

impl Books {
    /// Whether an envelope was delivered to a device today or yesterday.
    pub(super) fn was_delivered(&mut self, device: DeviceId, id: &EnvelopeId) -> rusqlite::Result<bool> {
        let Some(mailbox) = self.mailbox_number(device)? else {
            return Ok(false);
        };
        let today = self.now() / ACKED_ID_MEMORY_MS;
        if self.lately()?.holds(mailbox, id, today) {
            return Ok(true);
        }
        let last = self.last_merged()?;
        if last + 1 < today {
            return Ok(false);
        }
        let was: bool = self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM delivered WHERE day = ?1 AND mailbox = ?2 AND id = ?3)
                     OR EXISTS (SELECT 1 FROM delivered WHERE day = ?1 - 1 AND mailbox = ?2 AND id = ?3)",
            )?
            .query_row((today, mailbox, id.as_bytes()), |row| row.get(0))?;
        if was || last <= today {
            return Ok(was);
        }
        // The clock was set back: each day that is still to come is asked for too.
        self.db
            .prepare_cached(
                "WITH RECURSIVE days (day) AS (
                   SELECT min(day) FROM delivered WHERE day > ?1
                   UNION ALL SELECT (SELECT min(day) FROM delivered WHERE day > days.day) FROM days WHERE days.day IS NOT NULL)
                 SELECT EXISTS (SELECT 1 FROM days CROSS JOIN delivered d ON d.day = days.day AND d.mailbox = ?2 AND d.id = ?3)",
            )?
            .query_row((today, mailbox, id.as_bytes()), |row| row.get(0))
    }

    /// Remembers what was delivered to a mailbox.
    pub(super) fn remember(&mut self, mailbox: u64, ids: &[EnvelopeId]) -> rusqlite::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let today = self.now() / ACKED_ID_MEMORY_MS;
        if self.lately()?.newer.len() >= 2 * LATELY_MAX {
            // Merging does not keep up, or fails.
            return ids.iter().try_for_each(|id| self.merge_one(today, mailbox, id));
        }
        let bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        self.db
            .prepare_cached("INSERT INTO delivered_lately (day, mailbox, ids) VALUES (?1, ?2, ?3)")?
            .execute((today, mailbox, bytes))?;
        let lately = self.lately()?;
        for id in ids {
            lately.newer.insert((mailbox, *id), today);
            lately.fresh.push((mailbox, *id));
        }
        Ok(())
    }

    /// Whether a part is to be merged now.
    pub(super) fn has_to_merge(&self) -> bool {
        self.lately.as_ref().is_some_and(Lately::is_due)
    }

    /// Merges a part: first all ids go into the tree, then their rows go.
    pub(super) fn merge(&mut self) -> rusqlite::Result<()> {
        let Some(mut lately) = self.lately.take() else {
            return Ok(());
        };
        let merged = self.merge_part(&mut lately);
        self.lately = Some(lately);
        merged
    }

    /// A merge failed.
    pub(super) fn put_off_merge(&mut self) {
        if let Some(lately) = &mut self.lately {
            lately.failed = Some(Instant::now());
        }
    }

    fn merge_part(&mut self, lately: &mut Lately) -> rusqlite::Result<()> {
        lately.failed = None;
        if lately.older.is_empty() {
            let last = "SELECT coalesce(max(number), 0) FROM delivered_lately";
            lately.up_to = self.db.query_row(last, [], |row| row.get(0))?;
            lately.older = std::mem::take(&mut lately.newer);
        }
        let unmerged = lately.unmerged.get_or_insert_with(|| {
            let mut all: Vec<_> = lately
                .older
                .iter()
                .map(|((mailbox, id), day)| (*day, *mailbox, *id))
                .collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            all
        });
        if !unmerged.is_empty() {
            let rest = unmerged.len().saturating_sub(PART_ROWS);
            return unmerged
                .drain(rest..)
                .rev()
                .try_for_each(|(day, mailbox, id)| self.merge_one(day, mailbox, &id));
        }
        let gone = self
            .db
            .prepare_cached(
                "DELETE FROM delivered_lately WHERE number IN
                   (SELECT number FROM delivered_lately WHERE number <= ?1 ORDER BY number LIMIT ?2)",
            )?
            .execute((lately.up_to, PART_ROWS))?;
        if gone < PART_ROWS {
            lately.older = Days::new();
            lately.unmerged = None;
        }
        Ok(())
    }

    fn merge_one(&mut self, day: u64, mailbox: u64, id: &EnvelopeId) -> rusqlite::Result<()> {
        self.last_merged = self.last_merged.map(|last| last.max(day));
        self.db
            .prepare_cached("INSERT OR IGNORE INTO delivered (day, mailbox, id) VALUES (?1, ?2, ?3)")?
            .execute((day, mailbox, id.as_bytes()))
            .map(drop)
    }

    /// Forgets a bounded part of what was delivered before a day; `true`: there is more. Rows rise with their days but for a
    /// clock that was set back, so only the first ones are looked at.
    pub(super) fn forget_delivered(&mut self, before: u64, rows: usize) -> rusqlite::Result<bool> {
        let merged = self
            .db
            .prepare_cached(
                "DELETE FROM delivered WHERE (day, mailbox, id) IN
                   (SELECT day, mailbox, id FROM delivered WHERE day < ?1 LIMIT ?2)",
            )?
            .execute((before, rows))?;
        let lately = self
            .db
            .prepare_cached(
                "DELETE FROM delivered_lately WHERE number IN
                   (SELECT number FROM delivered_lately WHERE number <
                      coalesce((SELECT number FROM delivered_lately WHERE day >= ?1 ORDER BY number LIMIT 1), ?3)
                    ORDER BY number LIMIT ?2)",
            )?
            .execute((before, rows, i64::MAX))?;
        if lately > 0 {
            self.lately()?.newer.retain(|_, day| *day >= before);
        }
        Ok(merged == rows || lately == rows)
    }

    fn lately(&mut self) -> rusqlite::Result<&mut Lately> {
        match &mut self.lately {
            Some(known) => Ok(known),
            unknown => Ok(unknown.insert(Lately::read(&self.db)?)),
        }
    }

    /// A day after which the tree holds nothing.
    fn last_merged(&mut self) -> rusqlite::Result<u64> {
        if let Some(known) = self.last_merged {
            return Ok(known);
        }
        let last = "SELECT coalesce(max(day), 0) FROM delivered";
        let last = self.db.query_row(last, [], |row| row.get(0))?;
        self.last_merged = Some(last);
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::open;
    use super::*;
    use crate::audit::node::NodeKey;
    use crate::clock::Clock;

    const DEVICE: DeviceId = DeviceId::new([7; 16]);
    const MAILBOX: u64 = 1;

    fn books(folder: &Path) -> Books {
        let db = open::writer(&folder.join("relay.db"), None).unwrap();
        db.execute(
            "INSERT OR IGNORE INTO devices (device, account, signing, agreement, active, mailbox)
             VALUES (?1, x'00', x'00', x'00', 1, ?2)",
            (DEVICE.as_bytes(), MAILBOX),
        )
        .unwrap();
        let key = NodeKey::of_folder(folder).unwrap();
        Books::new(db, Clock::manual(1_800_000_000_000), Arc::new(key))
    }

    fn id(number: u32) -> EnvelopeId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
        EnvelopeId::new(id)
    }

    fn deliver(books: &mut Books, number: u32) {
        books.begin().unwrap();
        books.remember(MAILBOX, &[id(number)]).unwrap();
        books.commit().unwrap();
    }

    fn count(books: &Books, table: &str) -> u32 {
        let sql = format!("SELECT count(*) FROM {table}");
        books.db.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// P-091.
    #[test]
    fn an_id_is_known_before_during_and_after_its_merge() {
        let folder = tempfile::tempdir().unwrap();
        let mut books = books(folder.path());
        let mut parts = 0;
        for number in 0..200 {
            deliver(&mut books, number);
            if books.has_to_merge() {
                books.begin().unwrap();
                books.merge().unwrap();
                // Twice a part is lost: while ids go into the tree, and while their rows go.
                match parts {
                    2 | 9 => books.roll_back(),
                    _ => books.commit().unwrap(),
                }
                parts += 1;
            }
            for known in 0..=number {
                assert!(
                    books.was_delivered(DEVICE, &id(known)).unwrap(),
                    "{known} of {number}"
                );
            }
            assert!(!books.was_delivered(DEVICE, &id(number + 1)).unwrap());
        }
        let merged = count(&books, "delivered");
        assert!(merged >= 2 * LATELY_MAX as u32, "{merged} were merged");
        assert!(count(&books, "delivered_lately") < 200 - LATELY_MAX as u32);
        drop(books);
        let mut books = self::books(folder.path());
        for known in 0..200 {
            assert!(books.was_delivered(DEVICE, &id(known)).unwrap());
        }
    }

    #[test]
    fn what_was_rolled_back_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let mut books = books(folder.path());
        deliver(&mut books, 1);
        books.begin().unwrap();
        books.remember(MAILBOX, &[id(2)]).unwrap();
        books.roll_back();
        assert!(books.was_delivered(DEVICE, &id(1)).unwrap());
        assert!(!books.was_delivered(DEVICE, &id(2)).unwrap());
    }

    /// P-248.
    #[test]
    fn both_memories_are_bounded_and_forget() {
        let folder = tempfile::tempdir().unwrap();
        let mut books = books(folder.path());
        // Nothing is merged: beyond twice the bound ids go into the tree at once.
        for number in 0..3 * LATELY_MAX as u32 {
            deliver(&mut books, number);
        }
        assert_eq!(count(&books, "delivered_lately"), 2 * LATELY_MAX as u32);
        assert_eq!(count(&books, "delivered"), LATELY_MAX as u32);
        let tomorrow = 1_800_000_000_000 / ACKED_ID_MEMORY_MS + 1;
        books.begin().unwrap();
        while books.forget_delivered(tomorrow, 10).unwrap() {}
        books.commit().unwrap();
        assert_eq!(count(&books, "delivered") + count(&books, "delivered_lately"), 0);
        assert!(!books.was_delivered(DEVICE, &id(1)).unwrap());
    }
}
