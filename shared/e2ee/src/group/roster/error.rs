//! Why entries were not accepted. Nothing changed.

use chopar_wire::ids::AccountId;

/// Why a roster, or an extension of one, was refused. Unless a variant says otherwise, who signed or served it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// A roster has at least its `create` entry.
    #[error("the roster is empty")]
    Empty,
    /// More entries than a roster may have.
    #[error("the roster has more than {limit} entries")]
    TooLong {
        /// The bound.
        limit: u32,
    },
    /// An entry longer than any may be.
    #[error("entry {position} is too large")]
    EntryTooLarge {
        /// Where it stands.
        position: u32,
    },
    /// Not an encoded entry, or a field of the wrong size or value.
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
    /// The entry belongs to another group.
    #[error("entry {position} belongs to another group")]
    OtherGroup {
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
    #[error("entry {position} creates a group in the wrong place")]
    MisplacedCreate {
        /// Where it stands.
        position: u32,
    },
    /// The signer's account log is not known here as far as the entry needs it: fetch it and try again. Nobody is at fault.
    #[error("entry {position} is signed by an account whose log is not known so far")]
    LogMissing {
        /// Where it stands.
        position: u32,
        /// Whose log.
        account: AccountId,
    },
    /// The account log that the signer names is not the one known here.
    #[error("entry {position} names another log of its signer")]
    OtherLog {
        /// Where it stands.
        position: u32,
        /// Whose log.
        account: AccountId,
    },
    /// The signer names an older account log than an entry before: a device that was revoked since would come back.
    #[error("entry {position} names an older log of its signer than an entry before it")]
    OlderLog {
        /// Where it stands.
        position: u32,
    },
    /// The device was not active in the signer's log.
    #[error("entry {position} is signed by a device that is not active")]
    NotActive {
        /// Where it stands.
        position: u32,
    },
    /// The signature does not verify.
    #[error("entry {position} has a signature that does not verify")]
    BadSignature {
        /// Where it stands.
        position: u32,
    },
    /// Who signed is not in the group.
    #[error("entry {position} is signed by somebody who is not in the group")]
    NotAMember {
        /// Where it stands.
        position: u32,
    },
    /// Who signed may not do this.
    #[error("entry {position} is signed by somebody who may not do this")]
    NotAnAdmin {
        /// Where it stands.
        position: u32,
    },
    /// More members than a group may have.
    #[error("entry {position} makes a group of {got}, {limit} is the limit")]
    TooManyMembers {
        /// Where it stands.
        position: u32,
        /// How many there would be.
        got: usize,
        /// The bound.
        limit: usize,
    },
    /// It names somebody twice.
    #[error("entry {position} names somebody twice")]
    NamedTwice {
        /// Where it stands.
        position: u32,
    },
    /// It adds somebody who is in the group.
    #[error("entry {position} adds somebody who is in the group")]
    AlreadyAMember {
        /// Where it stands.
        position: u32,
    },
    /// It names somebody who is not in the group.
    #[error("entry {position} names somebody who is not in the group")]
    NoSuchMember {
        /// Where it stands.
        position: u32,
    },
    /// The group would have members and nobody to change it.
    #[error("entry {position} takes the last admin away")]
    LastAdmin {
        /// Where it stands.
        position: u32,
    },
    /// Who signs removes themselves: that is `leave`.
    #[error("entry {position} removes its own signer")]
    RemovesSigner {
        /// Where it stands.
        position: u32,
    },
    /// It changes nothing.
    #[error("entry {position} changes nothing")]
    NoChange {
        /// Where it stands.
        position: u32,
    },
    /// The name of the group is not one, or there is none.
    #[error("entry {position} gives the group an unusable name")]
    BadName {
        /// Where it stands.
        position: u32,
    },
    /// The picture is larger than one may be.
    #[error("entry {position} has a picture that is too large")]
    PictureTooLarge {
        /// Where it stands.
        position: u32,
    },
    /// The timer is longer than one may be.
    #[error("entry {position} has a timer that is too long")]
    TimerTooLong {
        /// Where it stands.
        position: u32,
    },
    /// It is sealed under another version of the log key than its place wants.
    #[error("entry {position} is of the wrong version of the log key")]
    WrongKey {
        /// Where it stands.
        position: u32,
    },
    /// Two valid entries follow the same one: admins' devices signed two histories. The group stops.
    #[error("the roster forks at entry {position}")]
    Fork {
        /// The first position where the two differ.
        position: u32,
        /// Who signed the entry known here.
        known: AccountId,
        /// Who signed the other one.
        rival: AccountId,
    },
}
