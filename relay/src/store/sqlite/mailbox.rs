//! Mailboxes: the numbers by which queues are keyed, and what the writer knows of each by heart.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use chopar_wire::ids::{DeviceId, EnvelopeId};
use rusqlite::{Connection, OptionalExtension};

use super::books::Books;

/// Bits of a place that hold the sequence number: a million envelopes a second for twelve days, to one device.
const SEQ_BITS: u32 = 40;
/// Sequence numbers reserved at once: one write to the device's row in so many envelopes. After a restart the rest of a
/// reservation is skipped, never reused.
const RESERVATION: u64 = 1024;

/// A device's queue as the writer knows it.
pub(super) struct Mailbox {
    number: u64,
    next: u64,
    reserved: u64,
    /// Read when something is to be put in.
    contents: Option<Contents>,
    /// Hours for which a sweep knows already that something expires here: one for each class of expiry.
    due: [u64; 3],
}

/// What waits, by id, with its size in bytes.
#[derive(Default)]
struct Contents {
    waiting: HashMap<EnvelopeId, u32>,
    bytes: u64,
}

impl Mailbox {
    pub(super) fn known_waiting(&self) -> usize {
        self.contents
            .as_ref()
            .map_or(0, |contents| contents.waiting.len())
    }

    /// Notes what is put in.
    pub(super) fn add(&mut self, id: EnvelopeId, size: usize) {
        if let Some(contents) = &mut self.contents {
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            contents.waiting.insert(id, size);
            contents.bytes += u64::from(size);
        }
    }

    /// Notes what is taken out.
    pub(super) fn remove(&mut self, id: &EnvelopeId) {
        if let Some(contents) = &mut self.contents
            && let Some(size) = contents.waiting.remove(id)
        {
            contents.bytes -= u64::from(size);
        }
    }
}

/// The place of an envelope in the one tree of all queues.
pub(super) fn place(number: u64, seq: u64) -> u64 {
    number << SEQ_BITS | seq
}

/// The sequence number in a place.
pub(super) fn seq_of(place: u64) -> u64 {
    place & ((1 << SEQ_BITS) - 1)
}

/// All places of a mailbox.
pub(super) fn places(number: u64) -> Range<u64> {
    place(number, 0)..place(number + 1, 0)
}

/// The number of a device's mailbox; `None` where there is no such device.
pub(super) fn number(db: &Connection, device: &DeviceId) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached("SELECT mailbox FROM devices WHERE device = ?1")?
        .query_row([device.as_bytes()], |row| row.get(0))
        .optional()
}

impl Books {
    /// The mailbox of a device; `None` where there is no such device.
    pub(super) fn mailbox(&mut self, device: DeviceId) -> rusqlite::Result<Option<&mut Mailbox>> {
        match self.mailboxes.entry(device) {
            Entry::Occupied(known) => Ok(Some(known.into_mut())),
            Entry::Vacant(vacancy) => {
                let found: Option<(u64, u64)> = self
                    .db
                    .prepare_cached("SELECT mailbox, seq_reserved FROM devices WHERE device = ?1")?
                    .query_row([device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                Ok(found.map(|(number, reserved)| {
                    vacancy.insert(Mailbox {
                        number,
                        next: reserved + 1,
                        reserved,
                        contents: None,
                        due: [0; 3],
                    })
                }))
            }
        }
    }

    /// The number of a device's mailbox.
    pub(super) fn mailbox_number(&mut self, device: DeviceId) -> rusqlite::Result<Option<u64>> {
        Ok(self.mailbox(device)?.map(|mailbox| mailbox.number))
    }

    /// The mailbox of a device that is somebody's.
    fn existing_mailbox(&mut self, device: DeviceId) -> rusqlite::Result<&mut Mailbox> {
        self.mailbox(device)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// Whether an envelope waits in a mailbox, and the bytes that wait there.
    pub(super) fn waits(&mut self, device: DeviceId, id: &EnvelopeId) -> rusqlite::Result<(bool, u64)> {
        let known = self.existing_mailbox(device)?;
        if known.contents.is_none() {
            let number = known.number;
            let read = contents(&self.db, number)?;
            self.known_waiting += read.waiting.len();
            self.existing_mailbox(device)?.contents = Some(read);
        }
        let contents = self.existing_mailbox(device)?.contents.as_ref();
        Ok(contents.map_or((false, 0), |contents| {
            (contents.waiting.contains_key(id), contents.bytes)
        }))
    }

    /// A place at the end of a device's queue: its sequence rises, also across restarts.
    pub(super) fn next_place(&mut self, device: DeviceId) -> rusqlite::Result<u64> {
        let mailbox = self.existing_mailbox(device)?;
        let (number, seq) = (mailbox.number, mailbox.next);
        if seq >> SEQ_BITS != 0 {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, i64::MAX));
        }
        mailbox.next += 1;
        if seq > mailbox.reserved {
            let reserved = seq + RESERVATION - 1;
            mailbox.reserved = reserved;
            self.db
                .prepare_cached("UPDATE devices SET seq_reserved = ?2 WHERE device = ?1")?
                .execute((device.as_bytes(), reserved))?;
        }
        Ok(place(number, seq))
    }

    /// Lets a sweep look into a mailbox after an hour (counted since 1970).
    pub(super) fn note_due(&mut self, device: DeviceId, hour: u64) -> rusqlite::Result<()> {
        let mailbox = self.existing_mailbox(device)?;
        if mailbox.due.contains(&hour) {
            return Ok(());
        }
        mailbox.due.rotate_right(1);
        mailbox.due[0] = hour;
        let number = mailbox.number;
        self.db
            .prepare_cached("INSERT OR IGNORE INTO due (hour, mailbox) VALUES (?1, ?2)")?
            .execute((hour, number))
            .map(drop)
    }

    /// What was known of a mailbox's contents is not so any more.
    pub(super) fn forget_contents(&mut self, number: u64) {
        for mailbox in self.mailboxes.values_mut().filter(|known| known.number == number) {
            mailbox.contents = None;
            mailbox.due = [0; 3];
        }
    }
}

fn contents(db: &Connection, number: u64) -> rusqlite::Result<Contents> {
    let mut statement = db.prepare_cached(
        "SELECT id, coalesce(length(body), (SELECT length(b.body) FROM bodies b WHERE b.number = shared))
         FROM queue WHERE place >= ?1 AND place < ?2",
    )?;
    let places = places(number);
    let mut rows = statement.query((places.start, places.end))?;
    let mut contents = Contents::default();
    while let Some(row) = rows.next()? {
        let size: u32 = row.get(1)?;
        contents.waiting.insert(EnvelopeId::new(row.get(0)?), size);
        contents.bytes += u64::from(size);
    }
    Ok(contents)
}
