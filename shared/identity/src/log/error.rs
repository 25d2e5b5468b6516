//! Why entries were not accepted. Nothing changed.

use crate::keys::KeyError;

/// Why an account log, or an extension of one, was refused. Whoever served the entries is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A log has at least its `create` entry.
    #[error("the log is empty")]
    Empty,
    /// More entries than a log may have.
    #[error("the log has more than {limit} entries")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// An entry longer than any may be.
    #[error("entry {position} is too large")]
    EntryTooLarge {
        /// Where it stands.
        position: u32,
    },
    /// Not an encoded entry, or a field of the wrong size.
    #[error("entry {position} is malformed")]
    Malformed {
        /// Where it stands.
        position: u32,
    },
    /// A suite this version does not know.
    #[error("entry {position} has the unknown suite {suite}")]
    UnknownSuite {
        /// Where it stands.
        position: u32,
        /// The suite it names.
        suite: u32,
    },
    /// A kind of entry this version does not know.
    #[error("entry {position} is of an unknown kind")]
    UnknownAct {
        /// Where it stands.
        position: u32,
    },
    /// The entry belongs to another account.
    #[error("entry {position} belongs to another account")]
    OtherAccount {
        /// Where it stands.
        position: u32,
    },
    /// Entries are missing or out of order.
    #[error("entry {expected} was expected, entry {got} came")]
    Gap {
        /// The position that would have been next.
        expected: u32,
        /// The position that came.
        got: u32,
    },
    /// The entry does not name the hash of the one before.
    #[error("entry {position} does not follow from the one before")]
    WrongParent {
        /// Where it stands.
        position: u32,
    },
    /// `create` stands at position 0 and nowhere else.
    #[error("entry {position} creates an account in the wrong place")]
    MisplacedCreate {
        /// Where it stands.
        position: u32,
    },
    /// A public key in the entry is none.
    #[error("entry {position}: {fault}")]
    Key {
        /// Where it stands.
        position: u32,
        /// What is wrong with it.
        fault: KeyError,
    },
    /// The signatures are not exactly those of whom the act requires.
    #[error("entry {position} is not signed by whom it must be")]
    WrongSigners {
        /// Where it stands.
        position: u32,
    },
    /// A signature does not verify.
    #[error("entry {position} has a signature that does not verify")]
    BadSignature {
        /// Where it stands.
        position: u32,
    },
    /// More active devices than an account may have.
    #[error("entry {position} adds one device too many")]
    TooManyDevices {
        /// Where it stands.
        position: u32,
    },
    /// The device is in the log already; one that was revoked never comes back.
    #[error("entry {position} adds a device that is or was in the log")]
    DeviceKnown {
        /// Where it stands.
        position: u32,
    },
    /// The act names a device that is not active.
    #[error("entry {position} names a device that is not active")]
    NoSuchDevice {
        /// Where it stands.
        position: u32,
    },
    /// The name of the device is not one.
    #[error("entry {position} gives a device an unusable name")]
    BadName {
        /// Where it stands.
        position: u32,
    },
    /// An account key that the account has or had.
    #[error("entry {position} replaces the account key by one already used")]
    KeyReused {
        /// Where it stands.
        position: u32,
    },
    /// A fork can only be resolved in favour of the chain that says so.
    #[error("entry {position} resolves a fork in favour of another chain")]
    WrongResolution {
        /// Where it stands.
        position: u32,
    },
    /// Two valid entries follow the same one: the account's keys signed two histories. An alarm; sending stops.
    #[error("the log forks at entry {position}")]
    Fork {
        /// The first position where the two differ.
        position: u32,
    },
    /// A log shorter than what was known already: an alarm.
    #[error("the log was rolled back from {known} entries to {got}")]
    Rollback {
        /// Entries known before.
        known: u32,
        /// Entries that came.
        got: u32,
    },
    /// The other chain has no `resolve fork` by an account key this side can follow.
    #[error("the fork is not resolved by the account key")]
    NotResolved,
    /// A draft was finished with another number of signatures than it wants.
    #[error("{expected} signatures were wanted, {got} came")]
    SignatureCount {
        /// Signatures the draft wants.
        expected: usize,
        /// Signatures that came.
        got: usize,
    },
}
