//! The account log: the hash-chained, signed record of an account's keys and devices.
//!
//! ```text
//!   position 0        1             2              3
//!   create  <──────  add device <── add device <── revoke device      each names the hash of the one before
//!   account key      account key    a device       account key or
//!                    + the device   + the device   any active device
//! ```
//!
//! Everybody verifies the whole chain from position 0; a relay can withhold entries, never invent them.

mod chain;
mod draft;
mod entry;
mod error;
mod head;
mod rules;
mod state;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use chain::{AccountLog, entry_hash};
pub use draft::EntryDraft;
pub use entry::Signer;
pub use error::LogError;
pub use head::{HeadRelation, LogHead, MalformedHead};
pub use state::{Change, Device, LogChange, RecoveryKeys};
