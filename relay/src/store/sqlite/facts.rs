//! Facts about the running relay for the commands beside it, and the write that proves that the store can write.

use rusqlite::{Connection, OptionalExtension};

use super::books::Books;
use crate::store::Fact;

/// Bytes that a probe writes: twice the largest message (P-083), so that a store is found out before it refuses one.
const PROBE_BYTES: usize = 32 * 1024;

impl Books {
    /// Writes only what changed: a relay starts on a full disk too.
    pub(super) fn set_fact(&mut self, fact: Fact, value: &str) -> rusqlite::Result<()> {
        if read(&self.db, fact)?.as_deref() == Some(value) {
            return Ok(());
        }
        self.db
            .execute(
                "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
                (fact.name(), value),
            )
            .map(drop)
    }

    /// Writes a row of two messages' size beside the one before and then deletes that: both have to find room.
    pub(super) fn probe(&mut self) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("INSERT INTO probe (body) VALUES (zeroblob(?1))")?
            .execute([PROBE_BYTES])?;
        let number = self.db.last_insert_rowid();
        self.db
            .prepare_cached("DELETE FROM probe WHERE number <> ?1")?
            .execute([number])
            .map(drop)
    }
}

pub(super) fn read(db: &Connection, fact: Fact) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT value FROM facts WHERE name = ?1")?
        .query_row([fact.name()], |row| row.get(0))
        .optional()
}
