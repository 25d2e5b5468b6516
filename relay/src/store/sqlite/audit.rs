//! The audit log's rows, written in the transaction of what they record.

use chopar_wire::proto::audit::Record;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow};

use super::books::Books;
use crate::audit::chain::{self, CHECKPOINT_EVERY_MS, Row, SIGN_INS_KEPT_MS, Tip};
use crate::audit::node::NodeId;

/// Sign-ins that one call deletes: keeps the writer free for others.
const PRUNE_ROWS: usize = 500;

impl Books {
    /// Adds a record to this node's chain. The end of the chain is read each time: commands beside the relay write to it too.
    pub(super) fn record(&mut self, record: Record) -> rusqlite::Result<()> {
        let node = self.node.id();
        let tip = self
            .db
            .prepare_cached("SELECT number, hash, kept FROM audit_chains WHERE node = ?1")?
            .query_row([node.0], |row| tip(row, 0))
            .optional()?;
        for link in chain::links(&self.node, tip, self.now(), record) {
            self.db
                .prepare_cached(
                    "INSERT INTO audit (node, number, time, kept, hash, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute((
                    node.0,
                    link.row.number,
                    link.time,
                    link.kept,
                    link.row.hash,
                    link.row.record.as_ref(),
                ))?;
            self.db
                .prepare_cached(
                    "INSERT INTO audit_chains (node, number, hash, kept) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (node) DO UPDATE SET number = ?2, hash = ?3, kept = ?4",
                )?
                .execute((node.0, link.tip.number, link.tip.hash, link.tip.kept))?;
        }
        Ok(())
    }

    pub(super) fn prune_audit(&mut self) -> rusqlite::Result<bool> {
        let (node, now) = (self.node.id(), self.now());
        let known: Option<(u64, u64)> = self
            .db
            .prepare_cached("SELECT checkpoint, checked FROM audit_chains WHERE node = ?1")?
            .query_row([node.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((mut until, checked)) = known else {
            return Ok(false);
        };
        if now >= checked.saturating_add(CHECKPOINT_EVERY_MS)
            && let Some((number, hash)) = self.last_old_sign_in(node, now.saturating_sub(SIGN_INS_KEPT_MS))?
        {
            let record = chain::checkpoint(&self.node, number, hash, now);
            self.record(record)?;
            self.db
                .prepare_cached("UPDATE audit_chains SET checkpoint = ?2, checked = ?3 WHERE node = ?1")?
                .execute((node.0, number, now))?;
            until = number;
        }
        let deleted = self
            .db
            .prepare_cached(
                "DELETE FROM audit WHERE node = ?1 AND kept = 0 AND number IN
                   (SELECT number FROM audit WHERE node = ?1 AND kept = 0 AND number <= ?2 ORDER BY number LIMIT ?3)",
            )?
            .execute((node.0, until, PRUNE_ROWS))?;
        Ok(deleted == PRUNE_ROWS)
    }

    fn last_old_sign_in(&self, node: NodeId, before: u64) -> rusqlite::Result<Option<(u64, [u8; 32])>> {
        self.db
            .prepare_cached(
                "SELECT number, hash FROM audit WHERE node = ?1 AND number =
                   (SELECT max(number) FROM audit WHERE node = ?1 AND kept = 0 AND time <= ?2)",
            )?
            .query_row((node.0, before), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }
}

pub(super) fn page(db: &Connection, node: NodeId, after: u64, count: usize) -> rusqlite::Result<Vec<Row>> {
    db.prepare_cached(
        "SELECT number, hash, record FROM audit WHERE node = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    )?
    .query_map((node.0, after, count), |row| {
        Ok(Row {
            number: row.get(0)?,
            hash: row.get(1)?,
            record: row.get::<_, Vec<u8>>(2)?.into(),
        })
    })?
    .collect()
}

pub(super) fn chains(db: &Connection) -> rusqlite::Result<Vec<(NodeId, Tip)>> {
    db.prepare_cached("SELECT node, number, hash, kept FROM audit_chains ORDER BY node")?
        .query_map([], |row| Ok((NodeId(row.get(0)?), tip(row, 1)?)))?
        .collect()
}

fn tip(row: &SqlRow<'_>, first: usize) -> rusqlite::Result<Tip> {
    Ok(Tip {
        number: row.get(first)?,
        hash: row.get(first + 1)?,
        kept: row.get(first + 2)?,
    })
}
