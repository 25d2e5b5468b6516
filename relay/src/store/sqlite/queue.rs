//! Queues: submission, acknowledgement, reading.

use chopar_wire::ids::{DeviceId, EnvelopeId, QueueSeq};
use chopar_wire::limits::QUEUE_BYTES;
use prost::bytes::Bytes;
use rusqlite::Connection;

use super::accounts;
use super::books::Books;
use super::mailbox::{self, place, places, seq_of};
use super::sweep::HOUR_MS;
use crate::store::{QueuePage, Stored, Submission, Submitted};

/// Log bytes that a mismatch carries: fits any frame; the rest is fetched.
const MISMATCH_BYTES: usize = 64 * 1024;

/// An envelope that is about to wait.
pub(super) struct Letter<'a> {
    pub(super) device: DeviceId,
    pub(super) id: EnvelopeId,
    pub(super) body: &'a Bytes,
    /// The body's number where it is kept apart.
    pub(super) shared: Option<i64>,
    pub(super) accepted: u64,
    /// How long it waits at most, in milliseconds.
    pub(super) lifetime: u64,
}

/// What a mailbox says to an envelope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    There,
    /// It waits or was delivered within memory.
    Known,
    Full,
}

impl Books {
    pub(super) fn submit(&mut self, submission: &Submission) -> rusqlite::Result<Submitted> {
        // Nothing is taken for a disabled member, as for one that is not there.
        let Some(addressee) = self
            .addressee(submission.account)?
            .filter(|known| !known.disabled)
        else {
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
            match self.room(parcel.device, &parcel.id, parcel.body.len())? {
                Room::There => fresh.push(parcel),
                Room::Known => {}
                Room::Full => return Ok(Submitted::QueueFull),
            }
        }
        let accepted = self.now();
        for parcel in fresh {
            self.put(Letter {
                device: parcel.device,
                id: parcel.id,
                body: &parcel.body,
                shared: None,
                accepted,
                lifetime: parcel.lifetime,
            })?;
        }
        Ok(Submitted::Accepted(accepted))
    }

    /// Whether an envelope of a size may be put into a device's mailbox.
    pub(super) fn room(&mut self, device: DeviceId, id: &EnvelopeId, size: usize) -> rusqlite::Result<Room> {
        let (waits, bytes) = self.waits(device, id)?;
        if waits || self.was_delivered(device, id)? {
            return Ok(Room::Known);
        }
        Ok(if bytes + size as u64 > QUEUE_BYTES {
            Room::Full
        } else {
            Room::There
        })
    }

    /// Lets an envelope wait, and announces it.
    pub(super) fn put(&mut self, letter: Letter<'_>) -> rusqlite::Result<()> {
        let Letter {
            device,
            id,
            body,
            shared,
            accepted,
            lifetime,
        } = letter;
        let place = self.next_place(device)?;
        let expires = accepted + lifetime;
        self.note_due(device, expires / HOUR_MS + 1)?;
        let here = shared.is_none().then_some(body.as_ref());
        self.db
            .prepare_cached(
                "INSERT INTO queue (place, id, accepted, expires, shared, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((place, id.as_bytes(), accepted, expires, shared, here))?;
        if let Some(mailbox) = self.mailbox(device)? {
            mailbox.add(id, body.len());
            self.known_waiting += 1;
        }
        self.announce(Stored {
            device,
            seq: seq_of(place),
            id,
            body: body.clone(),
            accepted,
        });
        Ok(())
    }

    /// `remember: false` gives up the memory of ids, for a store without room for it.
    pub(super) fn acknowledge(
        &mut self,
        device: DeviceId,
        seqs: &[QueueSeq],
        remember: bool,
    ) -> rusqlite::Result<()> {
        let Some(number) = self.mailbox_number(device)? else {
            return Ok(());
        };
        let mut taken = Vec::with_capacity(seqs.len());
        for (first, last) in runs(seqs) {
            self.db
                .prepare_cached("DELETE FROM queue WHERE place BETWEEN ?1 AND ?2 RETURNING id, shared")?
                .query_map((place(number, first), place(number, last)), |row| {
                    Ok((EnvelopeId::new(row.get(0)?), row.get::<_, Option<i64>>(1)?))
                })?
                .try_for_each(|row| row.map(|row| taken.push(row)))?;
        }
        if let Some(mailbox) = self.mailbox(device)? {
            taken.iter().for_each(|(id, _)| mailbox.remove(id));
        }
        for body in taken.iter().filter_map(|(_, shared)| *shared) {
            self.release(body, 1);
        }
        if !remember {
            return Ok(());
        }
        let ids: Vec<EnvelopeId> = taken.into_iter().map(|(id, _)| id).collect();
        self.remember(number, &ids)
    }

    /// Deletes everything that waits for a device that is no more, or that nothing is kept for.
    pub(super) fn empty(&mut self, device: DeviceId) -> rusqlite::Result<()> {
        let Some(number) = self.mailbox_number(device)? else {
            return Ok(());
        };
        let places = places(number);
        let shared: Vec<(i64, u64)> = self
            .db
            .prepare_cached(
                "SELECT shared, count(*) FROM queue
                 WHERE place >= ?1 AND place < ?2 AND shared IS NOT NULL GROUP BY shared",
            )?
            .query_map((places.start, places.end), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (body, count) in shared {
            self.release(body, count);
        }
        self.db
            .prepare_cached("DELETE FROM queue WHERE place >= ?1 AND place < ?2")?
            .execute((places.start, places.end))?;
        self.mailboxes.remove(&device);
        Ok(())
    }
}

/// Numbers as ranges of those that follow each other, ends included.
fn runs(seqs: &[QueueSeq]) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for QueueSeq(seq) in seqs {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*seq) => *last = *seq,
            _ => runs.push((*seq, *seq)),
        }
    }
    runs
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
    let mut page = QueuePage {
        envelopes: Vec::new(),
        more: false,
    };
    let Some(number) = mailbox::number(db, &device)? else {
        return Ok(page);
    };
    let mut statement = db.prepare_cached(
        "SELECT place, id, accepted, q.body, b.body FROM queue q LEFT JOIN bodies b ON b.number = q.shared
         WHERE place > ?1 AND place < ?2 AND expires > ?3 ORDER BY place",
    )?;
    let mut rows = statement.query((place(number, after), places(number).end, now))?;
    let mut held = 0;
    while let Some(row) = rows.next()? {
        let body = match row.get_ref(3)?.as_blob_or_null()? {
            Some(here) => here,
            None => row.get_ref(4)?.as_blob()?,
        };
        let fits = page.envelopes.len() < count && held + body.len() <= bytes;
        if !fits && !page.envelopes.is_empty() {
            page.more = true;
            break;
        }
        held += body.len();
        page.envelopes.push(Stored {
            device,
            seq: seq_of(row.get(0)?),
            id: EnvelopeId::new(row.get(1)?),
            accepted: row.get(2)?,
            body: Bytes::copy_from_slice(body),
        });
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_one_range() {
        let of = |seqs: &[u64]| runs(&seqs.iter().copied().map(QueueSeq).collect::<Vec<_>>());
        assert_eq!(of(&[]), []);
        assert_eq!(
            of(&[3, 4, 5, 7, 6, u64::MAX, 0]),
            [(3, 5), (7, 7), (6, 6), (u64::MAX, u64::MAX), (0, 0)]
        );
    }
}
