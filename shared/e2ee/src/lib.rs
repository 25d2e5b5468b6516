//! End-to-end encryption of Chopar: from keys to a message that only its recipient can read.
//!
//! ```text
//!   AccountLog + VerifiedBundle (chopar-identity)
//!            │                                                     first messages
//!            v                                     ┌─> seal: HPKE to the sealing key ─┐
//!   handshake: PQXDH ── HandshakeSecrets ──> ratchet ──── later messages ─────────────┴─> envelope body
//!            ^                                     ^
//!   prekeys (private halves from the vault)        └─ padding of the content
//! ```
//!
//! No I/O, no clock, no randomness of its own: moments and generators are parameters, private identity operations
//! (the two agreements with the X25519 identity key, every signature) happen outside and are handed in.
//!
//! Not here: verification of logs and bundles (`chopar-identity`), what is said inside messages, when to send.
//!
//! | module | holds |
//! |---|---|
//! | [`keys`] | secrets as types: X25519, ML-KEM-1024, 32 secret bytes |
//! | [`device`] | this device, and a peer's as its verified log has it |
//! | [`prekeys`] | private halves of prekeys and their records |
//! | [`handshake`] | PQXDH in two pure stages for each side |
//! | [`ratchet`] | the session: Double Ratchet with header encryption, tags and KEM turns |
//! | [`group`] | rosters of groups, and sender keys: one message for all members |
//! | [`file`] | files in chunks, and what a message says of them |
//! | [`history`] | what was said, in a file that the recovery key opens |
//! | [`seal`] | envelope bodies: session form and HPKE-sealed handshake form |
//! | [`padding`] | sizes that tell little |
//! | [`recovery`] | the recovery key and what is derived from it |
//! | [`safety_number`] | what two people compare |

#![forbid(unsafe_code)]

pub mod device;
pub mod file;
pub mod group;
pub mod handshake;
pub mod history;
pub mod keys;
mod labels;
pub mod padding;
pub mod prekeys;
pub mod ratchet;
pub mod recovery;
pub mod safety_number;
pub mod seal;
mod stream;

#[cfg(any(test, feature = "oracle"))]
pub mod fixture;

/// The one suite of this version. Another one is refused by name, a lower one never accepted in its place.
pub const SUITE: u16 = 1;
