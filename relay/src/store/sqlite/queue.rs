//! Queues: submission, acknowledgement, reading, expiry.

use chopar_wire::ids::{DeviceId, EnvelopeId, QueueSeq};
use chopar_wire::limits::{ACKED_ID_MEMORY_MS, QUEUE_BYTES};
use prost::bytes::Bytes;
use rusqlite::Connection;

use super::accounts;
use super::books::Books;
use crate::store::{QueuePage, Stored, Submission, Submitted};

/// Log bytes that a mismatch carries: fits any frame; the rest is fetched.
const MISMATCH_BYTES: usize = 64 * 1024;
/// Rows that one sweep deletes: keeps the writer free for others.
const SWEEP_ROWS: usize = 500;
/// Free pages (4 KiB) above which the file shrinks.
const FREE_PAGES_MAX: i64 = 256;

impl Books {
    pub(super) fn submit(&mut self, submission: &Submission) -> rusqlite::Result<Submitted> {
        let Some(addressee) = self.addressee(submission.account)? else {
            return Ok(Submitted::NoAccount);
        };
        let mut named: Vec<_> = submission.parcels.iter().map(|parcel| parcel.device).collect();
        named.sort_unstable();
        let expected = addressee
            .devices
            .iter()
            .filter(|device| Some(**device) != submission.except);
        if submission.head != Some(addressee.head) || !named.iter().eq(expected) {
            let from = accounts::common_length(&self.db, &submission.account, submission.head)?;
            let page = accounts::log_page(&self.db, &submission.account, from, MISMATCH_BYTES)?;
            return Ok(page.map_or(Submitted::NoAccount, Submitted::Mismatch));
        }

        let mut fresh = Vec::with_capacity(submission.parcels.len());
        for parcel in &submission.parcels {
            // Its owner's contacts cannot know that it is suspended, and are not to be kept from the other devices.
            if addressee.suspended.contains(&parcel.device) {
                continue;
            }
            if self.is_known(&parcel.device, &parcel.id)? {
                continue;
            }
            if self.mailbox(parcel.device)?.bytes + parcel.body.len() as u64 > QUEUE_BYTES {
                return Ok(Submitted::QueueFull);
            }
            fresh.push(parcel);
        }
        let accepted = self.now();
        for parcel in fresh {
            let seq = self.next_seq(parcel.device)?;
            self.db
                .prepare_cached(
                    "INSERT INTO queue (device, seq, id, accepted, expires, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute((
                    parcel.device.as_bytes(),
                    seq,
                    parcel.id.as_bytes(),
                    accepted,
                    accepted + parcel.lifetime,
                    parcel.body.as_ref(),
                ))?;
            let mailbox = self.mailbox(parcel.device)?;
            mailbox.next = seq + 1;
            mailbox.bytes += parcel.body.len() as u64;
            let (device, id, body) = (parcel.device, parcel.id, parcel.body.clone());
            self.announce(Stored {
                device,
                seq,
                id,
                body,
                accepted,
            });
        }
        Ok(Submitted::Accepted(accepted))
    }

    /// Whether an envelope waits or was delivered within memory.
    fn is_known(&self, device: &DeviceId, id: &EnvelopeId) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM queue WHERE device = ?1 AND id = ?2)
                     OR EXISTS (SELECT 1 FROM delivered WHERE device = ?1 AND id = ?2)",
            )?
            .query_row((device.as_bytes(), id.as_bytes()), |row| row.get(0))
    }

    /// `remember: false` gives up the memory of ids, for a store without room for it.
    pub(super) fn acknowledge(
        &mut self,
        device: DeviceId,
        seqs: &[QueueSeq],
        remember: bool,
    ) -> rusqlite::Result<()> {
        let until = self.now() + ACKED_ID_MEMORY_MS;
        let mut freed = 0;
        {
            let mut delete = self.db.prepare_cached(
                "DELETE FROM queue WHERE device = ?1 AND seq = ?2 RETURNING id, length(body)",
            )?;
            let mut keep = self
                .db
                .prepare_cached("INSERT OR IGNORE INTO delivered (until, device, id) VALUES (?1, ?2, ?3)")?;
            for seq in seqs {
                let mut rows = delete.query((device.as_bytes(), seq.0))?;
                let Some(row) = rows.next()? else { continue };
                let id: [u8; EnvelopeId::LEN] = row.get(0)?;
                freed += row.get::<_, u64>(1)?;
                // RETURNING finishes its work at the first step, but only the last one closes the statement.
                while rows.next()?.is_some() {}
                drop(rows);
                if remember {
                    keep.execute((until, device.as_bytes(), id))?;
                }
            }
        }
        self.lighten(&device, freed);
        Ok(())
    }

    /// Deletes a bounded part of what expired; `true`: there is more.
    pub(super) fn sweep(&mut self) -> rusqlite::Result<bool> {
        let now = self.now();
        let expired: Vec<(DeviceId, u64)> = self
            .db
            .prepare_cached(
                "DELETE FROM queue WHERE number IN (SELECT number FROM queue WHERE expires <= ?1 LIMIT ?2)
                 RETURNING device, length(body)",
            )?
            .query_map((now, SWEEP_ROWS), |row| {
                Ok((DeviceId::new(row.get(0)?), row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (device, bytes) in &expired {
            self.lighten(device, *bytes);
        }
        let forgotten = self
            .db
            .prepare_cached(
                "DELETE FROM delivered WHERE number IN
                   (SELECT number FROM (SELECT number, until FROM delivered ORDER BY number LIMIT ?2)
                    WHERE until <= ?1)",
            )?
            .execute((now, SWEEP_ROWS))?;
        self.sweep_invites(now)?;
        let free: i64 = self.db.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        if free > FREE_PAGES_MAX {
            let mut vacuum = self.db.prepare_cached("PRAGMA incremental_vacuum(512)")?;
            let mut rows = vacuum.query([])?;
            while rows.next()?.is_some() {}
        }
        Ok(expired.len() == SWEEP_ROWS || forgotten == SWEEP_ROWS || free > FREE_PAGES_MAX)
    }
}

/// The oldest envelopes after `after`.
pub(super) fn page(
    db: &Connection,
    device: DeviceId,
    after: u64,
    count: usize,
    bytes: usize,
    now: u64,
) -> rusqlite::Result<QueuePage> {
    let mut statement = db.prepare_cached(
        "SELECT seq, id, accepted, body FROM queue WHERE device = ?1 AND seq > ?2 AND expires > ?3 ORDER BY seq",
    )?;
    let mut rows = statement.query((device.as_bytes(), after, now))?;
    let mut page = QueuePage {
        envelopes: Vec::new(),
        more: false,
    };
    let mut held = 0;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(3)?.as_blob()?;
        let fits = page.envelopes.len() < count && held + body.len() <= bytes;
        if !fits && !page.envelopes.is_empty() {
            page.more = true;
            break;
        }
        held += body.len();
        page.envelopes.push(Stored {
            device,
            seq: row.get(0)?,
            id: EnvelopeId::new(row.get(1)?),
            accepted: row.get(2)?,
            body: Bytes::copy_from_slice(body),
        });
    }
    Ok(page)
}
