//! Submissions and acknowledgements, many in the statements of one.
//!
//! ```text
//!   one journey ─> BEGIN · lock the mailboxes · delete what is acknowledged · read heads, devices, known ids
//!   here           who may be written to, what is new, which number it gets
//!   one journey ─> insert · new counts of the mailboxes · COMMIT
//! ```
//! In one part acknowledgements come first: one that stands behind a submission only makes room earlier. The locks make
//! what is read after them the truth until the commit, whatever other nodes do.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chopar_wire::ids::{AccountId, DeviceId, EnvelopeId, QueueSeq};
use chopar_wire::limits::{ACKED_ID_MEMORY_MS, QUEUE_BYTES};
use futures_util::future;
use tokio::sync::oneshot;

use super::accounts;
use super::books::Books;
use super::link::{Fault, Link, column, number};
use crate::store::{Head, StoreError, Stored, Submission, Submitted};

/// Log bytes that a mismatch carries: fits any frame; the rest is fetched.
const MISMATCH_BYTES: usize = 64 * 1024;

/// In the order of devices, so that two nodes never wait for each other.
const LOCK: &str = "SELECT m.device, m.last_seq, m.bytes FROM unnest($1::bytea[]) AS n (device)
     JOIN mailboxes m ON m.device = n.device ORDER BY m.device FOR UPDATE OF m";
const ACKNOWLEDGE: &str = "WITH gone AS (
       DELETE FROM queue q USING unnest($1::bytea[], $2::bigint[]) AS n (device, seq)
       WHERE q.device = n.device AND q.seq = n.seq RETURNING q.device, q.id, octet_length(q.body)::bigint AS bytes),
     kept AS (INSERT INTO delivered (device, id, until) SELECT device, id, $3 FROM gone WHERE $4 ON CONFLICT DO NOTHING)
     SELECT device, sum(bytes)::bigint FROM gone GROUP BY device";
/// Nothing is taken for a disabled member, as for one that is not there.
const HEADS: &str = "SELECT a.account, a.log_length, a.log_hash FROM unnest($1::bytea[]) AS n (account)
     JOIN accounts a ON a.account = n.account WHERE NOT a.disabled";
const ACTIVE: &str = "SELECT d.account, d.device, d.suspended FROM unnest($1::bytea[]) AS n (account)
     JOIN devices d ON d.account = n.account WHERE d.active";
/// Which of the ids wait (true) or were delivered within memory (false).
const KNOWN: &str = "SELECT n.device, n.id, k.waits FROM unnest($1::bytea[], $2::bytea[]) AS n (device, id),
     LATERAL (SELECT true AS waits FROM queue q WHERE q.device = n.device AND q.id = n.id
              UNION ALL SELECT false FROM delivered d WHERE d.device = n.device AND d.id = n.id) k";
const INSERT: &str = "INSERT INTO queue (device, seq, id, accepted, expires, body)
     SELECT n.device, n.seq, n.id, $1, n.expires, n.body
     FROM unnest($2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[]) AS n (device, seq, id, expires, body)";
const COUNT: &str = "UPDATE mailboxes m SET last_seq = n.last_seq, bytes = n.bytes
     FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS n (device, last_seq, bytes) WHERE m.device = n.device";

/// What is sent without waiting for the answer before.
pub(super) const STATEMENTS: [&str; 7] = [LOCK, ACKNOWLEDGE, HEADS, ACTIVE, KNOWN, INSERT, COUNT];

/// A wish that is done together with others.
pub(super) enum Request {
    Submit {
        submission: Submission,
        outcome: Option<Submitted>,
        reply: oneshot::Sender<Result<Submitted, StoreError>>,
    },
    Acknowledge {
        device: DeviceId,
        seqs: Vec<QueueSeq>,
        /// `false` gives up the memory of ids, for a store without room for it.
        remember: bool,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
}

impl Request {
    /// Whoever asked may be gone; what was done stays done.
    pub(super) fn answer(self, done: Result<(), StoreError>) {
        match self {
            Self::Submit { outcome, reply, .. } => {
                drop(reply.send(done.and_then(|()| outcome.ok_or(StoreError::Closed))));
            }
            Self::Acknowledge { reply, .. } => drop(reply.send(done)),
        }
    }
}

/// A device's queue, locked.
#[derive(Clone, Copy)]
struct Mailbox {
    last_seq: u64,
    bytes: u64,
}

/// What one journey to the database brought.
#[derive(Default)]
struct Findings {
    mailboxes: HashMap<DeviceId, Mailbox>,
    heads: HashMap<AccountId, Head>,
    /// Active devices, sorted.
    active: HashMap<AccountId, Vec<DeviceId>>,
    /// Those of them that nothing is stored for.
    suspended: HashSet<DeviceId>,
    /// Whether it still waits.
    known: HashMap<(DeviceId, EnvelopeId), bool>,
}

/// Columns of envelopes to insert.
#[derive(Default)]
struct Fresh<'a> {
    devices: Vec<&'a [u8]>,
    seqs: Vec<i64>,
    ids: Vec<&'a [u8]>,
    expires: Vec<i64>,
    bodies: Vec<&'a [u8]>,
}

/// Takes the mailboxes of all requests.
pub(super) async fn lock(books: &Books, requests: &[&mut Request]) -> Result<(), Fault> {
    let devices = devices(requests);
    let devices: Vec<&[u8]> = devices.iter().map(|device| &device.as_bytes()[..]).collect();
    let link = books.link()?;
    take(&link, &devices).await
}

/// Takes mailboxes until the commit.
pub(super) async fn take(link: &Link, devices: &[&[u8]]) -> Result<(), Fault> {
    link.rows(LOCK, &[&devices]).await.map(drop)
}

/// A whole transaction of requests.
pub(super) async fn alone(books: &mut Books, requests: &mut [&mut Request]) -> Result<(), Fault> {
    let link = books.link()?;
    let (begun, done) = future::join(link.script("BEGIN"), find(&link, requests, books.now())).await;
    begun?;
    let findings = done?;
    decide(books, &link, requests, findings, true).await
}

/// Requests in a transaction that goes on.
pub(super) async fn part(books: &mut Books, requests: &mut [&mut Request]) -> Result<(), Fault> {
    let link = books.link()?;
    let findings = find(&link, requests, books.now()).await?;
    decide(books, &link, requests, findings, false).await
}

/// The devices that are written to, each once, in order.
fn devices(requests: &[&mut Request]) -> Vec<DeviceId> {
    let mut devices: Vec<DeviceId> = Vec::with_capacity(requests.len());
    for request in requests {
        match request {
            Request::Submit { submission, .. } => {
                devices.extend(submission.parcels.iter().map(|parcel| parcel.device));
            }
            Request::Acknowledge { device, .. } => devices.push(*device),
        }
    }
    devices.sort_unstable();
    devices.dedup();
    devices
}

async fn find(link: &Link, requests: &[&mut Request], now: u64) -> Result<Findings, Fault> {
    let devices = devices(requests);
    let devices: Vec<&[u8]> = devices.iter().map(|device| &device.as_bytes()[..]).collect();
    let (mut ack_devices, mut ack_seqs, mut remember) = (Vec::new(), Vec::new(), true);
    let (mut accounts, mut id_devices, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for request in requests {
        match request {
            Request::Submit { submission, .. } => {
                accounts.push(&submission.account.as_bytes()[..]);
                for parcel in &submission.parcels {
                    id_devices.push(&parcel.device.as_bytes()[..]);
                    ids.push(&parcel.id.as_bytes()[..]);
                }
            }
            Request::Acknowledge {
                device,
                seqs,
                remember: wish,
                ..
            } => {
                remember &= *wish;
                for seq in seqs {
                    ack_devices.push(&device.as_bytes()[..]);
                    ack_seqs.push(number(seq.0));
                }
            }
        }
    }
    accounts.sort_unstable();
    accounts.dedup();
    let until = number(now + ACKED_ID_MEMORY_MS);
    let submits = !accounts.is_empty();
    // Polled in this order, so sent in this order; each sees what those before it did.
    let (locked, freed, rest) = future::join3(
        link.rows(LOCK, &[&devices]),
        unless(ack_seqs.is_empty(), async {
            link.rows(ACKNOWLEDGE, &[&ack_devices, &ack_seqs, &until, &remember])
                .await
        }),
        unless(!submits, async {
            let (heads, active, known) = future::join3(
                link.rows(HEADS, &[&accounts]),
                link.rows(ACTIVE, &[&accounts]),
                link.rows(KNOWN, &[&id_devices, &ids]),
            )
            .await;
            Ok((heads?, active?, known?))
        }),
    )
    .await;
    let mut findings = Findings::default();
    for row in locked? {
        let mailbox = Mailbox {
            last_seq: column(&row, 1)?,
            bytes: column(&row, 2)?,
        };
        findings
            .mailboxes
            .insert(DeviceId::new(column(&row, 0)?), mailbox);
    }
    for row in freed?.unwrap_or_default() {
        let bytes: u64 = column(&row, 1)?;
        if let Some(mailbox) = findings.mailboxes.get_mut(&DeviceId::new(column(&row, 0)?)) {
            mailbox.bytes = mailbox.bytes.saturating_sub(bytes);
        }
    }
    if let Some((heads, active, known)) = rest? {
        for row in heads {
            let head = Head {
                length: column(&row, 1)?,
                hash: column(&row, 2)?,
            };
            findings.heads.insert(AccountId::new(column(&row, 0)?), head);
        }
        for row in active {
            let device = DeviceId::new(column(&row, 1)?);
            let account = AccountId::new(column(&row, 0)?);
            if column(&row, 2)? {
                findings.suspended.insert(device);
            }
            findings.active.entry(account).or_default().push(device);
        }
        for devices in findings.active.values_mut() {
            devices.sort_unstable();
        }
        for row in known {
            let key = (DeviceId::new(column(&row, 0)?), EnvelopeId::new(column(&row, 1)?));
            let waits: bool = column(&row, 2)?;
            *findings.known.entry(key).or_insert(false) |= waits;
        }
    }
    Ok(findings)
}

async fn unless<T>(skipped: bool, work: impl Future<Output = Result<T, Fault>>) -> Result<Option<T>, Fault> {
    if skipped { Ok(None) } else { work.await.map(Some) }
}

async fn decide(
    books: &mut Books,
    link: &Arc<Link>,
    requests: &mut [&mut Request],
    mut findings: Findings,
    commit: bool,
) -> Result<(), Fault> {
    let accepted = books.now();
    let mut fresh = Fresh::default();
    let mut news = Vec::new();
    let mut asked_again = HashSet::new();
    for request in requests.iter_mut() {
        let Request::Submit {
            submission, outcome, ..
        } = &mut **request
        else {
            continue;
        };
        *outcome = Some(match refusal(link, submission, &findings).await? {
            Some(refused) => refused,
            None => {
                for parcel in &submission.parcels {
                    // Its owner's contacts cannot know that it is suspended, and are not to be kept from the other devices.
                    if findings.suspended.contains(&parcel.device) {
                        continue;
                    }
                    let key = (parcel.device, parcel.id);
                    match findings.known.insert(key, true) {
                        Some(true) => drop(asked_again.insert(parcel.device)),
                        Some(false) => drop(findings.known.insert(key, false)),
                        None => {
                            let mailbox = findings
                                .mailboxes
                                .get_mut(&parcel.device)
                                .ok_or(Fault::Data("an active device has no mailbox"))?;
                            mailbox.last_seq += 1;
                            mailbox.bytes += parcel.body.len() as u64;
                            fresh.devices.push(&parcel.device.as_bytes()[..]);
                            fresh.seqs.push(number(mailbox.last_seq));
                            fresh.ids.push(&parcel.id.as_bytes()[..]);
                            fresh.expires.push(number(accepted + parcel.lifetime));
                            fresh.bodies.push(&parcel.body[..]);
                            news.push(Stored {
                                device: parcel.device,
                                seq: mailbox.last_seq,
                                id: parcel.id,
                                body: parcel.body.clone(),
                                accepted,
                            });
                        }
                    }
                }
                Submitted::Accepted(accepted)
            }
        });
    }
    let (mut devices, mut last_seqs, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for (device, mailbox) in &findings.mailboxes {
        devices.push(&device.as_bytes()[..]);
        last_seqs.push(number(mailbox.last_seq));
        bytes.push(number(mailbox.bytes));
    }
    // What is told belongs to the commit, so it is noted before anything of it can have taken place.
    news.into_iter().for_each(|stored| books.stored(stored));
    asked_again.into_iter().for_each(|device| books.waiting(device));
    let time = number(accepted);
    let (inserted, counted, committed) = future::join3(
        unless(fresh.seqs.is_empty(), async {
            let Fresh {
                devices,
                seqs,
                ids,
                expires,
                bodies,
            } = &fresh;
            link.run(INSERT, &[&time, devices, seqs, ids, expires, bodies])
                .await
        }),
        unless(devices.is_empty(), async {
            link.run(COUNT, &[&devices, &last_seqs, &bytes]).await
        }),
        unless(!commit, link.script("COMMIT")),
    )
    .await;
    inserted?;
    counted?;
    committed.map(drop)
}

/// Why a submission is not accepted; `None`: it is. Nothing of one that is refused is stored.
async fn refusal(
    link: &Link,
    submission: &Submission,
    findings: &Findings,
) -> Result<Option<Submitted>, Fault> {
    let Some(head) = findings.heads.get(&submission.account) else {
        return Ok(Some(Submitted::NoAccount));
    };
    let mut named: Vec<_> = submission.parcels.iter().map(|parcel| parcel.device).collect();
    named.sort_unstable();
    let active = findings
        .active
        .get(&submission.account)
        .map_or(&[][..], Vec::as_slice);
    let expected = active.iter().filter(|device| Some(**device) != submission.except);
    if submission.head != Some(*head) || !named.iter().eq(expected) {
        let from = accounts::common_length(link, &submission.account, submission.head).await?;
        let page = accounts::log_page(link, &submission.account, from, MISMATCH_BYTES).await?;
        return Ok(Some(page.map_or(Submitted::NoAccount, Submitted::Mismatch)));
    }
    let full = submission.parcels.iter().any(|parcel| {
        let is_new = !findings.known.contains_key(&(parcel.device, parcel.id));
        let waits = findings
            .mailboxes
            .get(&parcel.device)
            .map_or(0, |mailbox| mailbox.bytes);
        is_new
            && !findings.suspended.contains(&parcel.device)
            && waits + parcel.body.len() as u64 > QUEUE_BYTES
    });
    Ok(full.then_some(Submitted::QueueFull))
}
