//! What expired goes, a bounded part at a time, and the file shrinks behind it.

use chopar_wire::limits::ACKED_ID_MEMORY_MS;

use super::books::Books;
use super::mailbox::places;

/// What expires is looked for by the hour of its end, in milliseconds.
pub(super) const HOUR_MS: u64 = 3_600_000;
/// Rows that one sweep deletes: keeps the writer free for others.
const SWEEP_ROWS: usize = 500;
/// Mailboxes that one sweep looks through.
const SWEEP_MAILBOXES: usize = 8;
/// Free pages (4 KiB) above which the file shrinks.
const FREE_PAGES_MAX: i64 = 256;

impl Books {
    /// Deletes a bounded part of what expired; `true`: there is more.
    pub(super) fn sweep(&mut self) -> rusqlite::Result<bool> {
        let now = self.now();
        let more_expired = self.sweep_queues(now)?;
        // Today's and yesterday's are asked for: whatever was delivered within a day is in one of them.
        let before = (now / ACKED_ID_MEMORY_MS).saturating_sub(1);
        let more_delivered = self.forget_delivered(before, SWEEP_ROWS)?;
        self.sweep_invites(now)?;
        let free: i64 = self.db.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        if free > FREE_PAGES_MAX {
            let mut vacuum = self.db.prepare_cached("PRAGMA incremental_vacuum(512)")?;
            let mut rows = vacuum.query([])?;
            while rows.next()?.is_some() {}
        }
        Ok(more_expired || more_delivered || free > FREE_PAGES_MAX)
    }

    fn sweep_queues(&mut self, now: u64) -> rusqlite::Result<bool> {
        let due: Vec<(u64, u64)> = self
            .db
            .prepare_cached("SELECT hour, mailbox FROM due WHERE hour <= ?1 ORDER BY hour, mailbox LIMIT ?2")?
            .query_map((now / HOUR_MS, SWEEP_MAILBOXES), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mut left = SWEEP_ROWS;
        for (hour, mailbox) in &due {
            let places = places(*mailbox);
            let expired: Vec<Option<i64>> = self
                .db
                .prepare_cached(
                    "DELETE FROM queue WHERE place IN
                       (SELECT place FROM queue WHERE place >= ?1 AND place < ?2 AND expires <= ?3 LIMIT ?4)
                     RETURNING shared",
                )?
                .query_map((places.start, places.end, now, left), |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            left -= expired.len();
            for body in expired.into_iter().flatten() {
                self.release(body, 1);
            }
            self.forget_contents(*mailbox);
            if left == 0 {
                return Ok(true);
            }
            self.db
                .prepare_cached("DELETE FROM due WHERE hour = ?1 AND mailbox = ?2")?
                .execute((hour, mailbox))?;
        }
        Ok(due.len() == SWEEP_MAILBOXES)
    }
}
