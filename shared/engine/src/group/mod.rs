//! Groups: the roster as it is followed, epochs of this device and of others, messages to many.
//!
//! ```text
//!   intent ──> entry, signed ──> pending (saved) ──AppendOpaque──> roster ──> Update to every member, in their sessions
//!                                     ^                 |
//!                                     +── re-based ─────+ somebody was first
//!
//!   text ──> row ──> epoch of this roster and these devices ──> Distribution to every member ──> one SubmitGroup
//! ```
//! A group's lines lie in a conversation like anybody's, under the group's id: what is done with messages applies to both.
//!
//! | file | holds |
//! |---|---|
//! | `state` | one group, and all of them |
//! | `following` | the opaque log: fetching, opening, verifying, what a change means |
//! | `acting` | own entries: drafting, signing, appending, re-basing |
//! | `epochs` | the own epoch and whom it is handed to |
//! | `rows`, `sending` | what was said into a group, and how far it has come |
//! | `receiving` | what members' devices say: epochs, updates, requests, messages |
//! | `mending` | what is missing, and what others miss |
//! | `views` | what is shown |
//! | `voice` | who is heard, and with what |

mod acting;
mod epochs;
mod following;
mod mending;
mod receiving;
mod rows;
mod sending;
mod state;
mod views;
mod voice;

pub(crate) use acting::Acting;
pub(crate) use receiving::GroupOpened;
pub(crate) use state::{Group, Groups};
