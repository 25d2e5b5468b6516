//! What is to be known before requests are decided on: all of it in one journey, behind the locks.

use std::collections::{HashMap, HashSet};

use chopar_identity::group_envelope_id;
use chopar_wire::ids::{AccountId, DeviceId, EnvelopeId};
use chopar_wire::limits::ACKED_ID_MEMORY_MS;
use futures_util::future;
use tokio_postgres::Row;

use super::super::link::{Fault, Link, column, number};
use super::{Request, unless};
use crate::store::Head;

/// In the order of devices, so that two nodes never wait for each other.
pub(super) const LOCK: &str = "SELECT m.device, m.last_seq, m.bytes FROM unnest($1::bytea[]) AS n (device)
     JOIN mailboxes m ON m.device = n.device ORDER BY m.device FOR UPDATE OF m";
/// The same with the devices that accounts have.
const LOCK_ACCOUNTS: &str = "SELECT m.device, m.last_seq, m.bytes FROM (
       SELECT u.device FROM unnest($1::bytea[]) AS u (device)
       UNION SELECT d.device FROM unnest($2::bytea[]) AS a (account)
         JOIN devices d ON d.account = a.account WHERE d.active) n
     JOIN mailboxes m ON m.device = n.device ORDER BY m.device FOR UPDATE OF m";
const ACKNOWLEDGE: &str = "WITH gone AS (
       DELETE FROM queue q USING unnest($1::bytea[], $2::bigint[]) AS n (device, seq)
       WHERE q.device = n.device AND q.seq = n.seq RETURNING q.device, q.id, q.size, q.shared),
     kept AS (INSERT INTO delivered (device, id, until) SELECT device, id, $3 FROM gone WHERE $4 ON CONFLICT DO NOTHING)
     SELECT device, sum(size)::bigint, shared, count(*) FROM gone GROUP BY device, shared";
/// Nothing is taken for a disabled member, as for one that is not there.
const HEADS: &str = "SELECT a.account, a.log_length, a.log_hash FROM unnest($1::bytea[]) AS n (account)
     JOIN accounts a ON a.account = n.account WHERE NOT a.disabled";
const ACTIVE: &str = "SELECT d.account, d.device, d.suspended FROM unnest($1::bytea[]) AS n (account)
     JOIN devices d ON d.account = n.account WHERE d.active";
/// Which of the ids wait (true) or were delivered within memory (false).
const KNOWN: &str = "SELECT n.device, n.id, k.waits FROM unnest($1::bytea[], $2::bytea[]) AS n (device, id),
     LATERAL (SELECT true AS waits FROM queue q WHERE q.device = n.device AND q.id = n.id
              UNION ALL SELECT false FROM delivered d WHERE d.device = n.device AND d.id = n.id) k";
const NUMBERS: &str = "SELECT nextval('body_numbers') FROM generate_series(1, $1::bigint)";

pub(super) const STATEMENTS: [&str; 7] = [LOCK, LOCK_ACCOUNTS, ACKNOWLEDGE, HEADS, ACTIVE, KNOWN, NUMBERS];

/// A device's queue, locked.
#[derive(Clone, Copy)]
pub(super) struct Mailbox {
    pub(super) last_seq: u64,
    pub(super) bytes: u64,
    /// Whether its row is to be written.
    pub(super) changed: bool,
}

/// What the journeys to the database brought.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) mailboxes: HashMap<DeviceId, Mailbox>,
    /// References to shared bodies that acknowledgements took away.
    pub(super) released: Vec<(u64, u64)>,
    pub(super) heads: HashMap<AccountId, Head>,
    /// Active devices, sorted.
    active: HashMap<AccountId, Vec<DeviceId>>,
    /// Those of them that nothing is stored for.
    pub(super) suspended: HashSet<DeviceId>,
    /// Whether it still waits.
    pub(super) known: HashMap<(DeviceId, EnvelopeId), bool>,
    /// Numbers for bodies, one for each group submission.
    pub(super) numbers: Vec<u64>,
}

impl Findings {
    /// Active devices of an account, sorted.
    pub(super) fn active(&self, account: &AccountId) -> &[DeviceId] {
        self.active.get(account).map_or(&[], Vec::as_slice)
    }

    /// Those that something is stored for, but for one.
    pub(super) fn open(
        &self,
        account: &AccountId,
        except: DeviceId,
    ) -> impl Iterator<Item = DeviceId> + use<'_> {
        let open = move |device: &DeviceId| *device != except && !self.suspended.contains(device);
        self.active(account).iter().copied().filter(open)
    }
}

/// What requests ask about.
#[derive(Default)]
struct Questions<'a> {
    /// Named devices, each once.
    devices: Vec<&'a [u8]>,
    /// Accounts whose devices are all meant, each once.
    groups: Vec<&'a [u8]>,
    /// All accounts, each once.
    accounts: Vec<&'a [u8]>,
    ack_devices: Vec<&'a [u8]>,
    ack_seqs: Vec<i64>,
    remember: bool,
    id_devices: Vec<&'a [u8]>,
    ids: Vec<&'a [u8]>,
    bodies: i64,
}

impl<'a> Questions<'a> {
    fn of(requests: &'a [&mut Request]) -> Self {
        let mut all = Self {
            remember: true,
            ..Self::default()
        };
        for request in requests {
            all.take(request);
        }
        all.accounts.extend(&all.groups);
        for list in [&mut all.devices, &mut all.groups, &mut all.accounts] {
            list.sort_unstable();
            list.dedup();
        }
        all
    }

    fn take(&mut self, request: &'a Request) {
        match request {
            Request::Submit { submission, .. } => {
                self.accounts.push(&submission.account.as_bytes()[..]);
                for parcel in &submission.parcels {
                    self.devices.push(&parcel.device.as_bytes()[..]);
                    self.id_devices.push(&parcel.device.as_bytes()[..]);
                    self.ids.push(&parcel.id.as_bytes()[..]);
                }
            }
            Request::SubmitGroup { submission, .. } => {
                let accounts = submission
                    .recipients
                    .iter()
                    .map(|one| &one.account.as_bytes()[..]);
                self.groups.extend(accounts);
                self.bodies += 1;
            }
            Request::Acknowledge {
                device,
                seqs,
                remember,
                ..
            } => {
                self.devices.push(&device.as_bytes()[..]);
                self.remember &= *remember;
                for seq in seqs {
                    self.ack_devices.push(&device.as_bytes()[..]);
                    self.ack_seqs.push(number(seq.0));
                }
            }
        }
    }

    async fn lock(&self, link: &Link) -> Result<Vec<Row>, Fault> {
        if self.groups.is_empty() {
            link.rows(LOCK, &[&self.devices]).await
        } else {
            link.rows(LOCK_ACCOUNTS, &[&self.devices, &self.groups]).await
        }
    }
}

/// Takes the mailboxes of all requests.
pub(super) async fn lock(link: &Link, requests: &[&mut Request]) -> Result<(), Fault> {
    Questions::of(requests).lock(link).await.map(drop)
}

pub(super) async fn find(link: &Link, requests: &[&mut Request], now: u64) -> Result<Findings, Fault> {
    let asked = Questions::of(requests);
    let until = number(now + ACKED_ID_MEMORY_MS);
    // Polled in this order, so sent in this order; each sees what those before it did.
    let (locked, freed, rest, numbers) = future::join4(
        asked.lock(link),
        unless(asked.ack_seqs.is_empty(), async {
            let Questions {
                ack_devices,
                ack_seqs,
                remember,
                ..
            } = &asked;
            link.rows(ACKNOWLEDGE, &[ack_devices, ack_seqs, &until, remember])
                .await
        }),
        unless(asked.accounts.is_empty(), async {
            let (heads, active, known) = future::join3(
                link.rows(HEADS, &[&asked.accounts]),
                link.rows(ACTIVE, &[&asked.accounts]),
                unless(
                    asked.ids.is_empty(),
                    link.rows(KNOWN, &[&asked.id_devices, &asked.ids]),
                ),
            )
            .await;
            Ok((heads?, active?, known?))
        }),
        unless(asked.bodies == 0, link.rows(NUMBERS, &[&asked.bodies])),
    )
    .await;
    let mut findings = Findings::default();
    for row in locked? {
        let mailbox = Mailbox {
            last_seq: column(&row, 1)?,
            bytes: column(&row, 2)?,
            changed: false,
        };
        findings
            .mailboxes
            .insert(DeviceId::new(column(&row, 0)?), mailbox);
    }
    for row in freed?.unwrap_or_default() {
        findings.free(&row)?;
    }
    if let Some((heads, active, known)) = rest? {
        findings.take_accounts(&heads, &active)?;
        findings.take_known(&known.unwrap_or_default())?;
    }
    for row in numbers?.unwrap_or_default() {
        findings.numbers.push(column(&row, 0)?);
    }
    if asked.bodies > 0 {
        findings.ask_for_groups(link, requests).await?;
    }
    Ok(findings)
}

impl Findings {
    fn free(&mut self, row: &Row) -> Result<(), Fault> {
        let bytes: u64 = column(row, 1)?;
        if let Some(mailbox) = self.mailboxes.get_mut(&DeviceId::new(column(row, 0)?)) {
            mailbox.bytes = mailbox.bytes.saturating_sub(bytes);
            mailbox.changed = true;
        }
        if let Some(shared) = column(row, 2)? {
            self.released.push((shared, column(row, 3)?));
        }
        Ok(())
    }

    fn take_accounts(&mut self, heads: &[Row], active: &[Row]) -> Result<(), Fault> {
        for row in heads {
            let head = Head {
                length: column(row, 1)?,
                hash: column(row, 2)?,
            };
            self.heads.insert(AccountId::new(column(row, 0)?), head);
        }
        for row in active {
            let device = DeviceId::new(column(row, 1)?);
            let account = AccountId::new(column(row, 0)?);
            if column(row, 2)? {
                self.suspended.insert(device);
            }
            self.active.entry(account).or_default().push(device);
        }
        for devices in self.active.values_mut() {
            devices.sort_unstable();
        }
        Ok(())
    }

    fn take_known(&mut self, known: &[Row]) -> Result<(), Fault> {
        for row in known {
            let key = (DeviceId::new(column(row, 0)?), EnvelopeId::new(column(row, 1)?));
            let waits: bool = column(row, 2)?;
            *self.known.entry(key).or_insert(false) |= waits;
        }
        Ok(())
    }

    /// The ids of a group's envelopes follow from its devices, so they are asked for once these are known.
    async fn ask_for_groups(&mut self, link: &Link, requests: &[&mut Request]) -> Result<(), Fault> {
        let mut all: Vec<(DeviceId, EnvelopeId)> = Vec::new();
        for request in requests {
            if let Request::SubmitGroup { submission, .. } = &**request {
                let devices = submission
                    .recipients
                    .iter()
                    .flat_map(|one| self.open(&one.account, submission.except));
                all.extend(devices.map(|device| (device, group_envelope_id(&submission.id, &device))));
            }
        }
        let (devices, ids): (Vec<&[u8]>, Vec<&[u8]>) = all
            .iter()
            .map(|(device, id)| (&device.as_bytes()[..], &id.as_bytes()[..]))
            .unzip();
        let known = link.rows(KNOWN, &[&devices, &ids]).await?;
        self.take_known(&known)
    }
}
