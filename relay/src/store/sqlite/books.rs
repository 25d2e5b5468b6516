//! What the writer thread holds: the connection, what it knows by heart, and what the commit will announce.

use std::collections::HashMap;
use std::sync::Arc;

use chopar_wire::ids::{AccountId, DeviceId};
use rusqlite::{Connection, OptionalExtension};

use super::administration::devices;
use super::checkpoints::{self, Checkpoints};
use super::delivered::Lately;
use super::mailbox::Mailbox;
use crate::audit::node::NodeKey;
use crate::clock::Clock;
use crate::store::{Head, Stored};

/// Mailboxes and accounts known by heart: about 150 bytes each. Beyond it they are looked up again.
const KNOWN_MAX: usize = 100_000;
/// Waiting envelopes known by heart, over all mailboxes: about 40 bytes each.
const KNOWN_WAITING_MAX: usize = 2_000_000;

pub(super) struct Books {
    pub(super) db: Connection,
    clock: Clock,
    /// Whose audit log this program writes.
    pub(super) node: Arc<NodeKey>,
    /// SQLite's count of commits of other programs, as of the last transaction.
    others: i64,
    pub(super) mailboxes: HashMap<DeviceId, Mailbox>,
    /// At least as many envelopes as the mailboxes know.
    pub(super) known_waiting: usize,
    addressees: HashMap<AccountId, Arc<Addressee>>,
    /// What was delivered lately; read when it is asked for.
    pub(super) lately: Option<Lately>,
    /// The tree of delivered ids holds none of a later day (since 1970); read when it is asked for.
    pub(super) last_merged: Option<u64>,
    /// References to shared bodies that this transaction took away, by the body's number.
    pub(super) released: HashMap<i64, u64>,
    stored: Vec<Stored>,
}

/// To whom a submission may go.
pub(super) struct Addressee {
    pub(super) head: Head,
    pub(super) disabled: bool,
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
            known_waiting: 0,
            addressees: HashMap::new(),
            lately: None,
            last_merged: None,
            released: HashMap::new(),
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
        self.settle_released()?;
        self.db.prepare_cached("COMMIT")?.execute([])?;
        if let Some(lately) = &mut self.lately {
            lately.keep();
        }
        if self.known_waiting > KNOWN_WAITING_MAX {
            // Never counted down: now it is known how many there are.
            self.known_waiting = self.mailboxes.values().map(Mailbox::known_waiting).sum();
        }
        if self.mailboxes.len() > KNOWN_MAX || self.known_waiting > KNOWN_WAITING_MAX {
            self.mailboxes = HashMap::new();
            self.known_waiting = 0;
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
        self.released.clear();
        self.stored.clear();
        if let Some(lately) = &mut self.lately {
            lately.take_back();
        }
    }

    /// Where the disk is full nothing is committed any more, and so nothing watches the log: what of it fits into the file goes there, and
    /// the log begins anew in its place.
    pub(super) fn make_room(&self) {
        if let Err(fault) = checkpoints::passive(&self.db) {
            tracing::warn!(%fault, "the log could not be copied on a full disk");
        }
    }

    pub(super) fn announce(&mut self, stored: Stored) {
        self.stored.push(stored);
    }

    pub(super) fn take_stored(&mut self) -> Vec<Stored> {
        std::mem::take(&mut self.stored)
    }

    /// Head, standing and active devices of an account.
    pub(super) fn addressee(&mut self, account: AccountId) -> rusqlite::Result<Option<Arc<Addressee>>> {
        if let Some(known) = self.addressees.get(&account) {
            return Ok(Some(Arc::clone(known)));
        }
        let found = self
            .db
            .prepare_cached("SELECT log_length, log_hash, disabled FROM accounts WHERE account = ?1")?
            .query_row([account.as_bytes()], |row| {
                let (length, hash) = (row.get(0)?, row.get(1)?);
                Ok((Head { length, hash }, row.get(2)?))
            })
            .optional()?;
        let Some((head, disabled)) = found else {
            return Ok(None);
        };
        let listed = devices(&self.db, &account)?.unwrap_or_default();
        let found = Arc::new(Addressee {
            head,
            disabled,
            devices: listed.iter().map(|listed| listed.device).collect(),
            suspended: listed
                .iter()
                .filter(|listed| listed.suspended)
                .map(|listed| listed.device)
                .collect(),
        });
        self.addressees.insert(account, Arc::clone(&found));
        Ok(Some(found))
    }

    pub(super) fn forget_addressee(&mut self, account: &AccountId) {
        self.addressees.remove(account);
    }

    /// Leaves a small write-ahead log behind.
    pub(super) fn close(mut self, checkpoints: Checkpoints) {
        checkpoints.end(&mut self.db);
        if let Err(fault) = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%fault, "the last checkpoint failed; the next start makes up for it");
        }
    }
}
