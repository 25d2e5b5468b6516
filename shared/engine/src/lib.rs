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

#![forbid(unsafe_code)]

pub mod effect;
pub mod event;
pub mod input;
pub mod intent;
pub mod view;

pub use effect::{Batch, Effect, Kind, Record, RecordKey, Step, Token, Write};
pub use event::{Answer, Event, Failure};
pub use input::Input;
pub use intent::{Asked, Intent};
