//! Groups: a roster that only its admins can change, and sender keys that every change of it renews.
//!
//! ```text
//!   Roster (signed, hash-chained) ── head ──> EpochId { group, account, device, head, generation }
//!      ^ sealed under LogKey                     │
//!      │ in the relay's opaque log               v
//!   entries of admins' devices      SendingEpoch ── Distribution, in pairwise sessions ──> ReceivingEpoch
//!                                        └───────── message, once for all mailboxes ─────────────┘
//! ```
//! A message is bound to the roster its sender knew: whoever was shown another roster finds it out with the first message.
//!
//! Not here: who sends what when, account logs (they are handed in), storage, clock, randomness.
//!
//! | module | holds |
//! |---|---|
//! | [`roster`] | entries, who may do what, the verified chain, forks |
//! | `log_key` | sealing of entries in the opaque log, its write key |
//! | `epoch` | what a message is bound to |
//! | `sending`, `receiving` | the two ends of an epoch |
//! | `distribution` | an epoch on its way to a member |
//! | `message`, `header_key` | bytes on the wire, tags |
//! | `record` | both ends at rest |
//! | [`limits`] | every bound with its reason |

mod distribution;
mod epoch;
mod header_key;
mod labels;
pub mod limits;
mod log_key;
mod message;
mod receiving;
mod record;
pub mod roster;
mod sending;
#[cfg(test)]
mod tests;

pub use distribution::{Closed, Distribution, MalformedDistribution};
pub use epoch::EpochId;
pub use log_key::{LogKey, OpenedEntry, SealError};
pub use receiving::{EpochDraft, OpenedMessage, ReceivingEpoch};
pub use roster::RosterHead;
pub use sending::SendingEpoch;
