//! What the writer thread holds: the connection, what it knows by heart, and what the commit will announce.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use chopar_wire::ids::{AccountId, DeviceId};
use rusqlite::{Connection, OptionalExtension};

use super::accounts::log_head;
use super::administration::devices;
use crate::audit::node::NodeKey;
use crate::clock::Clock;
use crate::store::{Head, Stored};

/// Sequence numbers reserved at once: one write to the device's row in so many envelopes. After a restart the rest of a
/// reservation is skipped, never reused.
const RESERVATION: u64 = 1024;
/// Mailboxes and accounts known by heart: about 100 bytes each. Beyond it they are looked up again.
const KNOWN_MAX: usize = 100_000;

pub(super) struct Books {
    pub(super) db: Connection,
    clock: Clock,
    /// Whose audit log this program writes.
    pub(super) node: Arc<NodeKey>,
    /// SQLite's count of commits of other programs, as of the last transaction.
    others: i64,
    mailboxes: HashMap<DeviceId, Mailbox>,
    addressees: HashMap<AccountId, Addressee>,
    stored: Vec<Stored>,
}

/// A device's queue as the writer knows it.
pub(super) struct Mailbox {
    pub(super) next: u64,
    reserved: u64,
    pub(super) bytes: u64,
}

/// To whom a submission may go.
#[derive(Clone)]
pub(super) struct Addressee {
    pub(super) head: Head,
    /// Active devices, sorted.
    pub(super) devices: Vec<DeviceId>,
    /// Those of them that nothing is stored for.
    pub(super) suspended: Vec<DeviceId>,
}

impl Books {
    pub(super) fn new(db: Connection, clock: Clock, node: Arc<NodeKey>) -> Self {
        Self {
            db,
            clock,
            node,
            others: 0,
            mailboxes: HashMap::new(),
            addressees: HashMap::new(),
            stored: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        // A command beside the relay may have suspended or removed whom the writer knows by heart.
        let others = self
            .db
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if others != self.others {
            self.others = others;
            self.mailboxes.clear();
            self.addressees.clear();
        }
        Ok(())
    }

    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        self.db.prepare_cached("COMMIT")?.execute([])?;
        if self.mailboxes.len() > KNOWN_MAX {
            self.mailboxes = HashMap::new();
        }
        if self.addressees.len() > KNOWN_MAX {
            self.addressees = HashMap::new();
        }
        Ok(())
    }

    /// Forgets everything since `begin`. What was known by heart may come from the lost transaction, so it goes too.
    pub(super) fn roll_back(&mut self) {
        // A full disk makes SQLite roll back by itself.
        if !self.db.is_autocommit()
            && let Err(fault) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%fault, "a transaction could not be rolled back");
        }
        self.mailboxes.clear();
        self.addressees.clear();
        self.stored.clear();
    }

    pub(super) fn announce(&mut self, stored: Stored) {
        self.stored.push(stored);
    }

    pub(super) fn take_stored(&mut self) -> Vec<Stored> {
        std::mem::take(&mut self.stored)
    }

    /// The queue of an active device.
    pub(super) fn mailbox(&mut self, device: DeviceId) -> rusqlite::Result<&mut Mailbox> {
        match self.mailboxes.entry(device) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let reserved: u64 = self
                    .db
                    .prepare_cached("SELECT seq_reserved FROM devices WHERE device = ?1")?
                    .query_row([device.as_bytes()], |row| row.get(0))?;
                let bytes: u64 = self
                    .db
                    .prepare_cached("SELECT coalesce(sum(length(body)), 0) FROM queue WHERE device = ?1")?
                    .query_row([device.as_bytes()], |row| row.get(0))?;
                Ok(place.insert(Mailbox {
                    next: reserved + 1,
                    reserved,
                    bytes,
                }))
            }
        }
    }

    /// The number for the next envelope of a device: rises, also across restarts.
    pub(super) fn next_seq(&mut self, device: DeviceId) -> rusqlite::Result<u64> {
        let mailbox = self.mailbox(device)?;
        let seq = mailbox.next;
        if seq > mailbox.reserved {
            let reserved = seq + RESERVATION - 1;
            mailbox.reserved = reserved;
            self.db
                .prepare_cached("UPDATE devices SET seq_reserved = ?2 WHERE device = ?1")?
                .execute((device.as_bytes(), reserved))?;
        }
        Ok(seq)
    }

    /// Takes bytes off what is known of a queue.
    pub(super) fn lighten(&mut self, device: &DeviceId, bytes: u64) {
        if let Some(mailbox) = self.mailboxes.get_mut(device) {
            mailbox.bytes = mailbox.bytes.saturating_sub(bytes);
        }
    }

    pub(super) fn forget_mailboxes(&mut self) {
        self.mailboxes.clear();
    }

    pub(super) fn forget_mailbox(&mut self, device: &DeviceId) {
        self.mailboxes.remove(device);
    }

    /// Head and active devices of an account that may be written to.
    pub(super) fn addressee(&mut self, account: AccountId) -> rusqlite::Result<Option<Addressee>> {
        if let Some(known) = self.addressees.get(&account) {
            return Ok(Some(known.clone()));
        }
        let enabled: Option<bool> = self
            .db
            .prepare_cached("SELECT disabled = 0 FROM accounts WHERE account = ?1")?
            .query_row([account.as_bytes()], |row| row.get(0))
            .optional()?;
        // Nothing is taken for a disabled member, as for one that is not there.
        let Some(head) = log_head(&self.db, &account)?.filter(|_| enabled == Some(true)) else {
            return Ok(None);
        };
        let listed = devices(&self.db, &account)?.unwrap_or_default();
        let found = Addressee {
            head,
            devices: listed.iter().map(|listed| listed.device).collect(),
            suspended: listed
                .iter()
                .filter(|listed| listed.suspended)
                .map(|listed| listed.device)
                .collect(),
        };
        self.addressees.insert(account, found.clone());
        Ok(Some(found))
    }

    pub(super) fn forget_addressee(&mut self, account: &AccountId) {
        self.addressees.remove(account);
    }

    /// Leaves a small write-ahead log behind.
    pub(super) fn close(self) {
        if let Err(fault) = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%fault, "the last checkpoint failed; the next start makes up for it");
        }
    }
}
