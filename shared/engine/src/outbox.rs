//! What is to be said and is not settled: one row for each thing said to one account, with the exact envelopes once made.
//!
//! ```text
//!   queued ── encrypted for every device, saved ──> submitted ── Accepted ──> at the relay ── every device acknowledged ──> gone
//!     ^                                                 ^    |                    |
//!     |                                                 +----+  connection lost:  |
//!     |                                              the same envelopes again     |
//!     +──────── a device lost it (repair): a new envelope in another session ─────+
//! ```
//! Rows to one account go out one after the other, each after the one before was accepted. More at a time would be faster by
//! round trips, but a refusal in the middle (a limit that has a token again one frame later, a disk that has room again) would
//! let the later ones pass, and a queue's order is the conversation's.

use std::collections::HashMap;

use chopar_wire::proto::content::Payload;
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, Timestamp};
use prost::Message;

use crate::context::Context;
use crate::map::Map;
use crate::records::outbox::{OutboxRecord, TargetRecord};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::set::Set;

/// Names a row. Rows of one account are ordered by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey {
    pub(crate) account: AccountId,
    pub(crate) number: u64,
}

/// One thing said to one account.
pub(crate) struct Row {
    /// An encoded `Payload` with its content only.
    pub(crate) payload: Vec<u8>,
    /// The line it is, in the recipient's conversation.
    pub(crate) message: Option<(u64, MessageId)>,
    /// When it is settled.
    pub(crate) until: Until,
    pub(crate) created: Timestamp,
    /// When the relay accepted the envelopes it has now.
    pub(crate) accepted: Option<Timestamp>,
    /// When the relay accepted any for the first time: what expiry counts from.
    pub(crate) first_accepted: Option<Timestamp>,
    pub(crate) expired: bool,
    pub(crate) targets: Vec<Target>,
    /// Submitted on the present connection, not answered.
    pub(crate) in_flight: bool,
    /// Numbers the submissions of this engine's life: an answer to one before the envelopes changed is not about them.
    pub(crate) submission: u32,
    /// Not before this moment (a refusal, a limit).
    pub(crate) not_before: Timestamp,
    /// Refusals in a row, for the backoff.
    pub(crate) refusals: u32,
}

/// When a row is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// When the relay has it: control, which is said again if need be.
    Accepted,
    /// When every device acknowledged it inside the encryption.
    Acknowledged,
    /// As before. But a device without the message that it refers to never acknowledges it: its silence says nothing.
    Referring,
}

/// The envelope for one device.
pub(crate) struct Target {
    pub(crate) device: DeviceId,
    pub(crate) envelope: EnvelopeId,
    /// The session it was encrypted in, by the hash of its handshake header; `None`: not known. It is never encrypted again in
    /// that one.
    pub(crate) session: Option<[u8; 32]>,
    /// Emptied when the relay has it.
    pub(crate) body: Vec<u8>,
    pub(crate) acked: bool,
}

impl Row {
    /// What it says; `None` where a record was written by a version that says other things.
    pub(crate) fn said(&self) -> Option<Payload> {
        Payload::decode(self.payload.as_slice()).ok()
    }

    /// Whether everything that will ever come back for it has come.
    pub(crate) fn settled(&self) -> bool {
        match self.until {
            Until::Acknowledged | Until::Referring => {
                !self.targets.is_empty() && self.targets.iter().all(|t| t.acked)
            }
            Until::Accepted => self.accepted.is_some(),
        }
    }

    /// The envelope for a device, while it is not acknowledged.
    pub(crate) fn open_target(&self, device: &DeviceId) -> Option<&Target> {
        self.targets.iter().find(|t| t.device == *device && !t.acked)
    }
}

/// All rows.
#[derive(Default)]
pub(crate) struct Outbox {
    rows: Map<RowKey, Row>,
    /// Rows the relay has not accepted, by account: what the sending loop looks at.
    queued: Map<AccountId, Set<u64>>,
    by_envelope: HashMap<EnvelopeId, RowKey>,
    next: u64,
}

impl Outbox {
    pub(crate) fn load(&mut self, partition: &[u8], number: u64, value: &[u8]) -> Result<(), RecordError> {
        let record = OutboxRecord::read(value)?;
        let account = AccountId::try_from(partition).map_err(|_| OutboxRecord::bad("account"))?;
        let message = match record.line {
            0 => None,
            line => {
                let id = MessageId::try_from(record.message.as_slice())
                    .map_err(|_| OutboxRecord::bad("message"))?;
                Some((line, id))
            }
        };
        let time = |ms: u64| (ms != 0).then_some(Timestamp(ms));
        let row = Row {
            payload: record.payload,
            message,
            until: match (message.is_some() || record.lasting, record.referring) {
                (_, true) => Until::Referring,
                (true, false) => Until::Acknowledged,
                (false, false) => Until::Accepted,
            },
            created: Timestamp(record.created),
            accepted: time(record.accepted),
            first_accepted: time(record.first_accepted).or(time(record.accepted)),
            expired: record.expired,
            targets: record.targets.into_iter().map(target).collect::<Result<_, _>>()?,
            in_flight: false,
            submission: 0,
            not_before: Timestamp(0),
            refusals: 0,
        };
        self.next = self.next.max(number + 1);
        self.index(RowKey { account, number }, row);
        Ok(())
    }

    /// Adds a row at the end of the account's queue.
    pub(crate) fn push(
        &mut self,
        account: AccountId,
        payload: Vec<u8>,
        message: Option<(u64, MessageId)>,
        until: Until,
        cx: &mut Context<'_>,
    ) -> RowKey {
        let key = RowKey {
            account,
            number: self.next,
        };
        self.next += 1;
        let row = Row {
            payload,
            message,
            until,
            created: cx.now,
            accepted: None,
            first_accepted: None,
            expired: false,
            targets: Vec::new(),
            in_flight: false,
            submission: 0,
            not_before: Timestamp(0),
            refusals: 0,
        };
        self.index(key, row);
        self.save(key, cx);
        key
    }

    pub(crate) fn get(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &RowKey) -> Option<&mut Row> {
        self.rows.get_mut(key)
    }

    /// All rows, by account and number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&RowKey, &Row)> {
        self.rows.iter()
    }

    /// The row that goes out next to each account.
    pub(crate) fn fronts(&self) -> Vec<RowKey> {
        self.queued
            .iter()
            .filter_map(|(account, numbers)| {
                Some(RowKey {
                    account: *account,
                    number: *numbers.first()?,
                })
            })
            .collect()
    }

    /// Rows to an account that the relay has not accepted.
    pub(crate) fn queued(&self, account: &AccountId) -> Vec<RowKey> {
        let numbers = self.queued.get(account).into_iter().flatten();
        numbers
            .map(|number| RowKey {
                account: *account,
                number: *number,
            })
            .collect()
    }

    /// All rows to an account.
    pub(crate) fn of(&self, account: &AccountId) -> Vec<RowKey> {
        let first = RowKey {
            account: *account,
            number: 0,
        };
        let last = RowKey {
            account: *account,
            number: u64::MAX,
        };
        self.rows.range(first..=last).map(|(key, _)| *key).collect()
    }

    /// Rows that the relay accepted for the first time before a moment, and that are not said to have expired.
    pub(crate) fn first_accepted_before(&self, before: Timestamp) -> Vec<RowKey> {
        let is = |row: &Row| !row.expired && row.first_accepted.is_some_and(|at| at < before);
        self.rows
            .iter()
            .filter(|(_, row)| is(row))
            .map(|(key, _)| *key)
            .collect()
    }

    pub(crate) fn by_envelope(&self, id: &EnvelopeId) -> Option<RowKey> {
        self.by_envelope.get(id).copied()
    }

    pub(crate) fn in_flight(&self) -> usize {
        let front = |key: RowKey| self.rows.get(&key).is_some_and(|row| row.in_flight);
        self.fronts().into_iter().filter(|key| front(*key)).count()
    }

    /// Nothing is in flight any more: the connection is gone.
    pub(crate) fn grounded(&mut self) {
        for row in self.rows.values_mut() {
            row.in_flight = false;
        }
    }

    /// Writes a row as it is, and files it by what it waits for.
    pub(crate) fn save(&mut self, key: RowKey, cx: &mut Context<'_>) {
        let Some(row) = self.rows.get(&key) else { return };
        cx.put(key.account.as_bytes(), key.number, &record(row));
        self.file(key);
    }

    pub(crate) fn remove(&mut self, key: RowKey, cx: &mut Context<'_>) -> Option<Row> {
        let row = self.rows.remove(&key)?;
        for target in &row.targets {
            self.by_envelope.remove(&target.envelope);
        }
        self.unqueue(key);
        cx.delete::<OutboxRecord>(key.account.as_bytes(), key.number);
        Some(row)
    }

    pub(crate) fn add_target(&mut self, key: RowKey, target: Target) {
        if let Some(row) = self.rows.get_mut(&key) {
            self.by_envelope.insert(target.envelope, key);
            row.targets.push(target);
        }
    }

    /// Gives up the envelope for a device, so that another is made, in the session that sends then. Returns whether there was
    /// one that is not acknowledged. A row that expired waits for a person instead.
    pub(crate) fn make_again(&mut self, key: RowKey, device: &DeviceId, cx: &mut Context<'_>) -> bool {
        let open = |row: &Row| !row.expired && row.open_target(device).is_some();
        if !self.rows.get(&key).is_some_and(open) {
            return false;
        }
        self.drop_targets(key, |target| target.device == *device);
        if let Some(row) = self.rows.get_mut(&key) {
            row.accepted = None;
            row.in_flight = false;
            row.not_before = cx.now;
        }
        self.save(key, cx);
        true
    }

    /// Removes the envelopes for which `gone` holds. Returns whether there were any.
    pub(crate) fn drop_targets(&mut self, key: RowKey, gone: impl Fn(&Target) -> bool) -> bool {
        let Some(row) = self.rows.get_mut(&key) else {
            return false;
        };
        let before = row.targets.len();
        for target in row.targets.iter().filter(|t| gone(t)) {
            self.by_envelope.remove(&target.envelope);
        }
        row.targets.retain(|t| !gone(t));
        row.targets.len() != before
    }

    /// The next moment at which a queued row may go that waits for it.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let fronts = self.fronts().into_iter().filter_map(|key| self.rows.get(&key));
        fronts.map(|row| row.not_before).filter(|at| *at > now).min()
    }

    fn index(&mut self, key: RowKey, row: Row) {
        for target in &row.targets {
            self.by_envelope.insert(target.envelope, key);
        }
        self.rows.insert(key, row);
        self.file(key);
    }

    fn file(&mut self, key: RowKey) {
        match self.rows.get(&key) {
            Some(row) if row.accepted.is_none() && !row.expired => {
                self.queued.entry(key.account).or_default().insert(key.number);
            }
            _ => self.unqueue(key),
        }
    }

    fn unqueue(&mut self, key: RowKey) {
        if let Some(numbers) = self.queued.get_mut(&key.account) {
            numbers.remove(&key.number);
            if numbers.is_empty() {
                self.queued.remove(&key.account);
            }
        }
    }
}

fn target(record: TargetRecord) -> Result<Target, RecordError> {
    let session = match record.session.as_slice() {
        [] => None,
        hash => Some(hash.try_into().map_err(|_| OutboxRecord::bad("session"))?),
    };
    Ok(Target {
        session,
        device: DeviceId::try_from(record.device.as_slice()).map_err(|_| OutboxRecord::bad("device"))?,
        envelope: EnvelopeId::try_from(record.envelope.as_slice())
            .map_err(|_| OutboxRecord::bad("envelope"))?,
        body: record.body,
        acked: record.acked,
    })
}

fn record(row: &Row) -> OutboxRecord {
    let target = |t: &Target| TargetRecord {
        device: t.device.as_bytes().to_vec(),
        envelope: t.envelope.as_bytes().to_vec(),
        body: t.body.clone(),
        acked: t.acked,
        session: t.session.map(|hash| hash.to_vec()).unwrap_or_default(),
    };
    OutboxRecord {
        schema: SCHEMA,
        payload: row.payload.clone(),
        line: row.message.map_or(0, |(line, _)| line),
        message: row
            .message
            .map(|(_, id)| id.as_bytes().to_vec())
            .unwrap_or_default(),
        created: row.created.0,
        accepted: row.accepted.map_or(0, |at| at.0),
        expired: row.expired,
        targets: row.targets.iter().map(target).collect(),
        first_accepted: row.first_accepted.map_or(0, |at| at.0),
        lasting: row.until != Until::Accepted,
        referring: row.until == Until::Referring,
    }
}
