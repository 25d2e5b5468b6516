//! Logs that the relay cannot read.

use chopar_wire::ids::OpaqueLogId;
use prost::bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::books::Books;
use crate::store::{OpaqueAppend, OpaqueAppended, OpaqueHead, OpaquePage, OpaquePlace};

impl Books {
    pub(super) fn append_opaque(&mut self, append: &OpaqueAppend) -> rusqlite::Result<OpaqueAppended> {
        let held = match append.follow(reach(&self.db, &append.log)?) {
            Ok(held) => held,
            Err(refused) => return Ok(refused),
        };
        let head = &append.head;
        self.db
            .prepare_cached(
                "INSERT INTO opaque_logs (log, length, bytes, hash, write_key) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (log) DO UPDATE SET length = ?2, bytes = ?3, hash = ?4, write_key = ?5",
            )?
            .execute((
                append.log.as_bytes(),
                head.length,
                held,
                head.hash,
                head.write_key,
            ))?;
        self.db
            .prepare_cached(
                "INSERT INTO opaque_appends (log, position, hash, signed) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((
                append.log.as_bytes(),
                head.length - 1,
                head.hash,
                append.signed.as_ref(),
            ))?;
        Ok(OpaqueAppended::Done)
    }
}

pub(super) fn head(db: &Connection, log: &OpaqueLogId) -> rusqlite::Result<Option<OpaqueHead>> {
    Ok(reach(db, log)?.map(|(head, _)| head))
}

pub(super) fn page(
    db: &Connection,
    log: &OpaqueLogId,
    from: OpaquePlace,
    bytes: usize,
) -> rusqlite::Result<Option<OpaquePage>> {
    let Some(OpaqueHead { length, .. }) = head(db, log)? else {
        return Ok(None);
    };
    let from = match from {
        OpaquePlace::Position(position) => position,
        OpaquePlace::After(None) => 0,
        OpaquePlace::After(Some(hash)) => position_after(db, log, &hash)?,
    };
    let mut statement = db.prepare_cached(
        "SELECT signed FROM opaque_appends WHERE log = ?1 AND position >= ?2 AND position < ?3 ORDER BY position",
    )?;
    let mut rows = statement.query((log.as_bytes(), from, length))?;
    let mut appends = Vec::new();
    let mut held = 0;
    while let Some(row) = rows.next()? {
        let signed = row.get_ref(0)?.as_blob()?;
        held += signed.len();
        if held > bytes && !appends.is_empty() {
            break;
        }
        appends.push(Bytes::copy_from_slice(signed));
    }
    Ok(Some(OpaquePage {
        from,
        appends,
        length,
    }))
}

/// Where what follows an append stands; 0 where the log holds no such append. The log is bounded, and this is asked by who
/// lost a race: no index is kept for it.
fn position_after(db: &Connection, log: &OpaqueLogId, hash: &[u8; 32]) -> rusqlite::Result<u32> {
    let found: Option<u32> = db
        .prepare_cached(
            "SELECT position + 1 FROM opaque_appends WHERE log = ?1 AND hash = ?2 ORDER BY position DESC",
        )?
        .query_row((log.as_bytes(), hash), |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// A log's head and the bytes it holds.
fn reach(db: &Connection, log: &OpaqueLogId) -> rusqlite::Result<Option<(OpaqueHead, u64)>> {
    db.prepare_cached("SELECT length, hash, write_key, bytes FROM opaque_logs WHERE log = ?1")?
        .query_row([log.as_bytes()], |row| {
            let head = OpaqueHead {
                length: row.get(0)?,
                hash: row.get(1)?,
                write_key: row.get(2)?,
            };
            Ok((head, row.get(3)?))
        })
        .optional()
}
