//! Envelopes that are about to wait, and how they are written: all of them in the statements of one.

use std::collections::{HashMap, HashSet};

use chopar_wire::ids::{DeviceId, EnvelopeId};
use chopar_wire::limits::QUEUE_BYTES;
use futures_util::future;
use prost::bytes::Bytes;

use super::super::books::Books;
use super::super::link::{Fault, Link, number};
use super::findings::{Findings, Mailbox};
use super::unless;
use crate::store::Stored;

const INSERT: &str = "INSERT INTO queue (device, seq, id, accepted, expires, size, shared, body)
     SELECT n.device, n.seq, n.id, $1, n.expires, n.size, n.shared, n.body
     FROM unnest($2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[])
       AS n (device, seq, id, expires, size, shared, body)";
const KEEP: &str = "WITH fresh AS (
       INSERT INTO bodies (number, body) SELECT n.number, n.body
       FROM unnest($1::bigint[], $3::bytea[]) AS n (number, body))
     INSERT INTO body_references (number, waiting) SELECT n.number, n.waiting
     FROM unnest($1::bigint[], $2::bigint[]) AS n (number, waiting)";
const COUNT: &str = "UPDATE mailboxes m SET last_seq = n.last_seq, bytes = n.bytes
     FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS n (device, last_seq, bytes) WHERE m.device = n.device";

pub(super) const STATEMENTS: [&str; 3] = [INSERT, KEEP, COUNT];

/// What a mailbox says to an envelope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    There,
    /// It waits or was delivered within memory.
    Known,
    Full,
}

impl Findings {
    /// Whether an envelope of a size may be put into a device's mailbox.
    pub(super) fn room(&self, device: DeviceId, id: EnvelopeId, size: usize) -> Result<Room, Fault> {
        if self.known.contains_key(&(device, id)) {
            return Ok(Room::Known);
        }
        // An account that another node gave a device while this one waited for its other mailboxes: the next attempt takes it.
        let mailbox = self.mailboxes.get(&device).ok_or(Fault::Moved)?;
        Ok(if mailbox.bytes + size as u64 > QUEUE_BYTES {
            Room::Full
        } else {
            Room::There
        })
    }
}

/// An envelope that is about to wait.
pub(super) struct Letter {
    pub(super) device: DeviceId,
    pub(super) id: EnvelopeId,
    pub(super) body: Bytes,
    /// The body's number where it is kept apart.
    pub(super) shared: Option<u64>,
    /// How long it waits at most, in milliseconds.
    pub(super) lifetime: u64,
}

struct Addressed {
    seq: u64,
    letter: Letter,
}

/// What requests add to queues.
pub(super) struct Letters {
    /// By the relay's clock: when they were accepted.
    pub(super) accepted: u64,
    fresh: Vec<Addressed>,
    /// Bodies to keep, with how many wait for each.
    shared: Vec<(u64, u64, Bytes)>,
    /// Devices whose owner was sent again what still waits.
    asked_again: HashSet<DeviceId>,
}

impl Letters {
    pub(super) fn new(accepted: u64) -> Self {
        Self {
            accepted,
            fresh: Vec::new(),
            shared: Vec::new(),
            asked_again: HashSet::new(),
        }
    }

    /// Gives an envelope its number; there is room for it.
    pub(super) fn put(&mut self, findings: &mut Findings, letter: Letter) -> Result<(), Fault> {
        let mailbox = findings.mailboxes.get_mut(&letter.device).ok_or(Fault::Moved)?;
        mailbox.last_seq += 1;
        mailbox.bytes += letter.body.len() as u64;
        mailbox.changed = true;
        findings.known.insert((letter.device, letter.id), true);
        let seq = mailbox.last_seq;
        self.fresh.push(Addressed { seq, letter });
        Ok(())
    }

    /// Keeps a body that `waiting` mailboxes reference under a number.
    pub(super) fn keep(&mut self, shared: u64, waiting: usize, body: &Bytes) {
        self.shared.push((shared, waiting as u64, body.clone()));
    }

    /// Notes that a device was sent again what it has or had.
    pub(super) fn again(&mut self, findings: &Findings, device: DeviceId, id: EnvelopeId) {
        if findings.known.get(&(device, id)) == Some(&true) {
            self.asked_again.insert(device);
        }
    }

    /// Notes what the commit will have to tell.
    pub(super) fn announce(&self, books: &mut Books) {
        for Addressed { seq, letter } in &self.fresh {
            books.stored(Stored {
                device: letter.device,
                seq: *seq,
                id: letter.id,
                body: letter.body.clone(),
                accepted: self.accepted,
            });
        }
        for device in &self.asked_again {
            books.waiting(*device);
        }
    }

    /// Writes envelopes, bodies, and what the mailboxes are now; sent when first polled.
    pub(super) async fn write(
        &self,
        link: &Link,
        mailboxes: &HashMap<DeviceId, Mailbox>,
    ) -> Result<(), Fault> {
        let (kept, inserted, counted) =
            future::join3(self.keep_all(link), self.insert(link), count(link, mailboxes)).await;
        kept?;
        inserted?;
        counted
    }

    async fn keep_all(&self, link: &Link) -> Result<(), Fault> {
        let (mut numbers, mut waiting, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        for (shared, many, body) in &self.shared {
            numbers.push(number(*shared));
            waiting.push(number(*many));
            bodies.push(&body[..]);
        }
        unless(numbers.is_empty(), link.run(KEEP, &[&numbers, &waiting, &bodies]))
            .await
            .map(drop)
    }

    async fn insert(&self, link: &Link) -> Result<(), Fault> {
        let (mut devices, mut seqs, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        let (mut expires, mut sizes) = (Vec::new(), Vec::new());
        let (mut shared, mut bodies): (Vec<Option<i64>>, Vec<Option<&[u8]>>) = (Vec::new(), Vec::new());
        for Addressed { seq, letter } in &self.fresh {
            devices.push(&letter.device.as_bytes()[..]);
            seqs.push(number(*seq));
            ids.push(&letter.id.as_bytes()[..]);
            expires.push(number(self.accepted + letter.lifetime));
            sizes.push(number(letter.body.len() as u64));
            shared.push(letter.shared.map(number));
            bodies.push(letter.shared.is_none().then_some(&letter.body[..]));
        }
        let time = number(self.accepted);
        unless(
            seqs.is_empty(),
            link.run(
                INSERT,
                &[&time, &devices, &seqs, &ids, &expires, &sizes, &shared, &bodies],
            ),
        )
        .await
        .map(drop)
    }
}

async fn count(link: &Link, mailboxes: &HashMap<DeviceId, Mailbox>) -> Result<(), Fault> {
    let (mut devices, mut last_seqs, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for (device, mailbox) in mailboxes.iter().filter(|(_, mailbox)| mailbox.changed) {
        devices.push(&device.as_bytes()[..]);
        last_seqs.push(number(mailbox.last_seq));
        bytes.push(number(mailbox.bytes));
    }
    unless(
        devices.is_empty(),
        link.run(COUNT, &[&devices, &last_seqs, &bytes]),
    )
    .await
    .map(drop)
}
