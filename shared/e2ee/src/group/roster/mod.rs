//! The roster: the hash-chained, signed record of who is in a group and what they may do.
//!
//! ```text
//!   position 0        1             2              3
//!   create  <──────  add    <──── set role <──── remove       each names the hash of the one before
//!   the creator's    an admin's    an admin's     an admin's device      (leave: the member's own)
//!   device           device        device
//! ```
//! Everybody verifies the whole chain from position 0, against the account logs of those who signed. Whether an entry is valid
//! depends on nothing else, so all members come to the same roster, or to a fork that names who signed it.

mod act;
mod chain;
mod draft;
mod entry;
mod error;
mod head;
mod rules;
mod state;

pub use act::{Act, NewMember, Role, SettingsChange};
pub use chain::{Logs, Roster};
pub use draft::{EntryDraft, Signer};
pub use error::RosterError;
pub use head::{MalformedHead, RosterHead, RosterRelation, entry_hash};
pub use state::{Change, Member, RosterChange, Settings};
