//! What the relay keeps, as one trait: accounts and their logs, prekeys, invites, queues. Opaque bytes throughout.
//!
//! ```text
//!  connection ──> Store::submit ──┐
//!  connection ──> Store::ack ─────┼──> one writer: everything that waits, one transaction, one durable commit
//!  connection ──> Store::claim ───┘        │ then, in the order of the queues,
//!                                          ├──> OnStored: wakes the recipients' connections
//!                                          └──> the answers to those who asked
//! ```
//!
//! Contract of every implementation (checked by `conformance`):
//! - A call takes its place in the order of writes when it is made, not when its answer is awaited; dropping the answer
//!   does not undo it. An answer comes after the durable commit.
//! - Each operation happens whole or not at all.
//! - [`OnStored`] is called after the commit, for one device in rising order of `seq`, before the submitter's answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chopar_wire::ids::{AccountId, DeviceId, EnvelopeId, InviteId, QueueSeq};
use prost::bytes::Bytes;

use self::administration::Administration;
use self::audit::AuditLog;
use crate::audit::record::Actor;

pub(crate) mod administration;
pub(crate) mod audit;
#[cfg(test)]
mod conformance;
mod files;
mod groups;
mod opaque;
pub(crate) mod open;
pub(crate) mod postgres;
pub(crate) mod sqlite;
mod waiting;

pub(crate) use files::{Begun, FileFacts, FileKeys, FileRoom, Files, FilesKept, NewFile, Progress};
pub(crate) use groups::{GroupSubmission, GroupSubmitted, Groups};
pub(crate) use opaque::{OpaqueAppend, OpaqueAppended, OpaqueHead, OpaqueLogs, OpaquePage, OpaquePlace};

/// An answer that comes later; it borrows nothing.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Told of every envelope that became durable.
pub(crate) type OnStored = Arc<dyn Fn(Stored) + Send + Sync>;

/// Why the store did not do what was asked. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// No room: disk full or the configured bound reached.
    #[error("the store is full")]
    Full,
    /// More work waits than the store takes; come back soon.
    #[error("the store is busy")]
    Busy,
    /// The relay is stopping.
    #[error("the store is closed")]
    Closed,
    /// The database is not there, for now.
    #[error("the database cannot be reached")]
    Away,
    /// The database failed; the text is the database's own and holds no user data.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// What the relay keeps.
pub(crate) trait Store:
    Groups + OpaqueLogs + Files + Administration + AuditLog + Send + Sync + 'static
{
    // --- Invites and members
    fn register(&self, new: NewAccount) -> Answer<Registration>;
    fn invite(&self, token: TokenHash) -> Answer<Option<Invite>>;
    fn create_invite(&self, invite: Invite, token: TokenHash, by: Actor) -> Answer<()>;
    /// Makes the invite for the first owner in place of the unused one of an earlier start. `false`: an owner exists,
    /// nothing was made.
    fn replace_first_invite(&self, invite: Invite, token: TokenHash) -> Answer<bool>;
    fn invites(&self) -> Answer<Vec<Invite>>;
    /// `false`: there is no such invite.
    fn revoke_invite(&self, id: InviteId, by: Actor) -> Answer<bool>;
    /// Members in the order of handles, those after `after`.
    fn members(&self, after: String, limit: usize) -> Answer<Vec<Member>>;
    fn find(&self, words: Vec<String>, limit: usize) -> Answer<Vec<Person>>;
    fn set_display_name(&self, account: AccountId, name: String, words: Vec<String>) -> Answer<()>;

    // --- Account logs
    fn sign_in(&self, account: AccountId, device: DeviceId) -> Answer<Option<SignInFacts>>;
    /// Encoded entries from a position on, at most about `bytes`; `None` without such an account.
    fn log(&self, account: AccountId, from: u32, bytes: usize) -> Answer<Option<LogPage>>;
    /// Compare-and-set on the head. Removed devices lose their queue and prekeys in the same transaction.
    fn append_log(&self, append: Append) -> Answer<Appended>;

    // --- Prekeys
    /// `false`: the sequence number does not rise.
    fn publish_bundle(&self, device: DeviceId, sequence: u64, bundle: Bytes) -> Answer<bool>;
    /// The pool's size afterwards; `None`: it would grow beyond its bound, nothing was added. A pair that is there
    /// already counts once.
    fn add_one_time(&self, device: DeviceId, pairs: Vec<(u32, Bytes)>) -> Answer<Option<usize>>;
    fn claim(&self, account: AccountId, device: DeviceId) -> Answer<Claim>;

    // --- Queues
    fn submit(&self, submission: Submission) -> Answer<Submitted>;
    /// Deletes durably what was delivered; unknown numbers are skipped.
    fn acknowledge(&self, device: DeviceId, seqs: Vec<QueueSeq>) -> Answer<()>;
    /// The oldest envelopes after `after`, at most `count` and about `bytes` of them (at least one).
    fn queue(&self, device: DeviceId, after: u64, count: usize, bytes: usize) -> Answer<QueuePage>;

    // --- Upkeep
    /// Deletes a bounded part of what expired; `true`: there is more.
    fn sweep(&self) -> Answer<bool>;
    /// Answers when the writer has durably written something of a message's size: a store without room is not ready.
    fn ready(&self) -> Answer<()>;
    /// Keeps a fact about the running relay for the commands beside it. Nothing is written where it is known.
    fn set_fact(&self, fact: Fact, value: String) -> Answer<()>;
    fn fact(&self, fact: Fact) -> Answer<Option<String>>;
    /// Finishes what was taken on, refuses the rest, closes the database.
    fn close(&self) -> Answer<()>;
}

/// What the commands beside a relay want to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// Where people reach it: the first origin it was last started with.
    Origin,
    /// Whether it was last started behind a proxy: `yes` or `no`.
    BehindProxy,
    /// Whether it last spoke TLS itself, and with whose certificate: `files`, `own` or `no`.
    Tls,
}

impl Fact {
    /// As it is kept.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::BehindProxy => "behind_proxy",
            Self::Tls => "tls",
        }
    }
}

/// SHA-256 of an invite's token: all the relay keeps of it.
pub(crate) type TokenHash = [u8; 32];

/// Who may do what; the numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Member = 1,
    Owner = 2,
    Auditor = 3,
}

impl Role {
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Member),
            2 => Some(Self::Owner),
            3 => Some(Self::Auditor),
            _ => None,
        }
    }
}

/// An invite as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    pub(crate) id: InviteId,
    pub(crate) role: Role,
    pub(crate) uses_left: u32,
    pub(crate) expires: u64,
    pub(crate) created: u64,
}

/// How far a log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: u32,
    pub(crate) hash: [u8; 32],
}

/// A device that a verified log made active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewDevice {
    pub(crate) id: DeviceId,
    pub(crate) keys: DevicePublics,
}

/// A device's public identity keys, raw, as the verified log gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DevicePublics {
    /// Ed25519.
    pub(crate) signing: [u8; 32],
    /// X25519.
    pub(crate) agreement: [u8; 32],
}

/// A log entry that verified, with its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry {
    pub(crate) encoded: Bytes,
    pub(crate) hash: [u8; 32],
}

/// Everything of a registration, verified.
pub(crate) struct NewAccount {
    pub(crate) token: TokenHash,
    pub(crate) account: AccountId,
    pub(crate) handle: String,
    pub(crate) display_name: String,
    pub(crate) words: Vec<String>,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) devices: Vec<NewDevice>,
    /// The first device's bundle: its sequence number and its bytes.
    pub(crate) bundle: (DeviceId, u64, Bytes),
}

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registration {
    Done(Role),
    InviteUnknown,
    InviteExpired,
    InviteUsed,
    HandleTaken,
    AccountExists,
    /// A device of it belongs to an account already.
    DeviceExists,
}

/// What the relay knows of one who wants to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignInFacts {
    pub(crate) keys: DevicePublics,
    /// Whether the device is active in its account's log.
    pub(crate) active: bool,
    pub(crate) disabled: bool,
    /// Whether an administrator suspended this device.
    pub(crate) suspended: bool,
    /// Whether any active device of the account is suspended.
    pub(crate) any_suspended: bool,
    pub(crate) handle: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    pub(crate) head: Head,
    /// 0: none published.
    pub(crate) bundle_sequence: u64,
    pub(crate) one_time_left: usize,
    /// Rises with every sign-in over all nodes; 0 where there is one node.
    pub(crate) connection: u64,
}

/// A member as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) account: AccountId,
    pub(crate) handle: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    pub(crate) joined: u64,
    pub(crate) disabled: bool,
    pub(crate) devices: u32,
}

/// A person as they are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) handle: String,
    pub(crate) display_name: String,
}

/// Part of a log, encoded entries in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPage {
    pub(crate) from: u32,
    pub(crate) entries: Vec<Bytes>,
    pub(crate) head: Head,
}

/// One verified entry to append, and what it does to the devices.
pub(crate) struct Append {
    pub(crate) account: AccountId,
    /// The head it was verified against.
    pub(crate) parent: Head,
    pub(crate) entry: LogEntry,
    pub(crate) added: Vec<NewDevice>,
    pub(crate) removed: Vec<DeviceId>,
}

/// How an append ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    Done,
    /// Somebody else was first.
    Conflict,
    /// An added device belongs to an account already.
    DeviceExists,
}

/// What a claim of a device's prekeys gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Bundle {
        base: Bytes,
        /// Handed out once and never again.
        one_time: Option<Bytes>,
        /// Pairs left in the pool.
        left: usize,
    },
    NoBundle,
    NoDevice,
}

/// One envelope for one device.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) device: DeviceId,
    pub(crate) id: EnvelopeId,
    pub(crate) body: Bytes,
    /// How long it waits at most, in milliseconds.
    pub(crate) lifetime: u64,
}

/// Envelopes for all devices of one account. Who submits is not in it but for the one check that needs it.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) account: AccountId,
    /// The submitter's view of the account's log; `None` matches nothing.
    pub(crate) head: Option<Head>,
    /// The submitting device where it writes to its own account: it gets none.
    pub(crate) except: Option<DeviceId>,
    pub(crate) parcels: Vec<Parcel>,
}

/// How a submission ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// Durable, by the relay's clock at this time. Also the answer for what was stored earlier under the same ids.
    Accepted(u64),
    /// The devices or the head are others; the log from where the submitter's view ends.
    Mismatch(LogPage),
    NoAccount,
    QueueFull,
}

/// A durable envelope, as it is told to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) device: DeviceId,
    pub(crate) seq: u64,
    pub(crate) id: EnvelopeId,
    pub(crate) body: Bytes,
    pub(crate) accepted: u64,
}

/// Part of a queue, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueuePage {
    pub(crate) envelopes: Vec<Stored>,
    /// Whether envelopes follow that did not fit.
    pub(crate) more: bool,
}
