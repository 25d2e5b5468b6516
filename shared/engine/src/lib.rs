//! The client as a sans-I/O state machine: [`Input`] in, [`Step`] out. No clock, no randomness of its own, no sockets.
//!
//! ```text
//!            Intent (a person)        frame (the relay)       answer (WebCrypto, vault)
//!                  \                        |                        /
//!                   +-------------->  Engine::handle  <-------------+
//!                                          |
//!                              Step { persist, then }
//!                                          |
//!        the host commits `persist` durably, and only then carries out `then`, in order
//!                                          |
//!             Effect::Transmit   Effect::Sign   Effect::Tell(Event)   ...
//! ```
//!
//! That a frame can leave only in `then` is the whole of "persist before transmit": there is no other way to send.
//! A host that cannot commit drops the engine and starts a new one from the vault.
//!
//! Not here: cryptography (`chopar-e2ee`), the meaning of public keys (`chopar-identity`), any I/O.
//!
//! | module | holds |
//! |---|---|
//! | [`input`] | everything that can happen to a client |
//! | [`effect`] | everything a host must do, and the batch it must commit first |
//! | [`intent`] | what a person asks for |
//! | [`event`] | what a person is told: answers and changes |
//! | [`view`] | conversations, lines, people as they are shown |
//! | [`engine`] | the dispatcher; what it dispatches to: |
//! | `onboarding`, `sign_in`, `own`, `own_devices` | from an invite to an account; the account and its devices |
//! | `link`, `backoff`, `requests`, `asks`, `answers` | the connection, what is asked over it, what comes back |
//! | `outbox`, `sending`, `opening`, `sessions`, `encrypting`, `submitted` | from a text to envelopes the relay has |
//! | `inbox`, `receiving`, `accepting`, `quarantine`, `content` | from an envelope to what was said |
//! | `contact`, `people`, `handles`, `claims`, `trust`, `log_sync`, `repair` | persons, what is claimed of them, their logs, alarms, safety numbers |
//! | `group` | rosters, epochs, messages to many |
//! | `conversation`, `line`, `line_cache`, `marks`, `receipts`, `typing`, `seen` | lines, ticks, unread, duplicates |
//! | `change`, `changing`, `emoji`, `removing` | edits, deletions, reactions: the rules, and what they do to lines and texts |
//! | `places`, `seeking`, `pending` | finding the message that is named; what waits for one that has not arrived |
//! | `files` | files of messages, up to the relay and down from it |
//! | [`search`] | what was said, found on the device: folding, the index, the intent |
//! | [`history`] | what was said, into a file that the recovery key opens, and out of it |
//! | `timer`, `expiring`, `settings` | messages that disappear; mute, pin, archive, block |
//! | [`refusals`] | what was put away unread, by name |
//! | `prekeys`, `prekey_upkeep`, `tokens`, `context`, `records`, `map` | own prekeys; private operations under way; one step; what is stored; a map for all of it |
//! | `simulator` | (feature) many engines, a relay model, every fault, seeded |

#![forbid(unsafe_code)]

mod accepting;
mod answers;
mod asks;
mod backoff;
mod change;
mod changing;
mod claims;
mod contact;
mod content;
mod context;
mod conversation;
pub mod effect;
mod emoji;
mod encrypting;
pub mod engine;
pub mod event;
mod expiring;
mod files;
#[cfg(test)]
mod fixture;
mod group;
mod handles;
mod heads;
pub mod history;
mod inbox;
pub mod input;
pub mod intent;
mod line;
mod line_cache;
mod link;
mod log_sync;
mod map;
mod marks;
mod onboarding;
mod opening;
mod outbox;
mod own;
mod own_devices;
mod pending;
mod people;
mod places;
mod prekey_upkeep;
mod prekeys;
mod quarantine;
mod receipts;
mod receiving;
mod records;
mod recovering;
pub mod refusals;
mod removing;
mod repair;
mod requests;
pub mod search;
mod seeking;
mod seen;
mod sending;
mod sessions;
mod set;
mod settings;
mod sign_in;
#[cfg(feature = "simulator")]
pub mod simulator;
mod strangers;
mod submitted;
mod timer;
mod tokens;
mod trust;
mod typing;
pub mod view;

pub use change::EDIT_MS;
pub use effect::{Batch, Effect, FileHome, Kept, Kind, Record, RecordKey, Step, Token, Write};
pub use engine::Engine;
pub use event::{Answer, Event, Failure};
pub use files::{MAX_FILES, MAX_FILES_BYTES};
pub use history::{HistoryMark, Imported};
pub use input::{Found, Input, Moved};
pub use intent::{Asked, Intent, SealedFile};
pub use map::Map;
pub use records::RecordError;
pub use refusals::Refusal;
pub use set::Set;
