//! Many engines against a relay model in one thread, seeded: connections drop, answers are delayed and reordered, the relay
//! restarts and delivers again, engines crash before, after and in the middle of a step. Same seed, same result.
//!
//! ```text
//!   World ── events in virtual time ──> Person { Engine, vault, software keys } ── frames ──> Relay
//!                                             ^                                                 |
//!                                             +──────────── frames, each after a delay ─────────+
//! ```
//! Not for a product build: the feature `simulator` switches it on for tests and the bench crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test machinery: a broken invariant must stop it"
)]

pub mod hostile;
mod keys;
mod lone;
mod person;
mod relay;
mod relay_files;
mod relay_groups;
mod relay_recovery;
mod run;
mod scenes;
mod vault;
mod world;

pub use keys::SoftwareKeys;
pub use lone::{Image, Lone};
pub use person::Person;
pub use relay::Relay;
pub use relay_files::Sealed;
pub use run::{Config, Report, run};
pub use vault::Vault;
pub use world::{Faults, Tamper, Tap, World};
