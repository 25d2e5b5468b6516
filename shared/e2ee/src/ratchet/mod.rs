//! The Double Ratchet (revision 3) with header encryption, recognition tags and amortised KEM turns: one session
//! between this device and one device of a peer.
//!
//! ```text
//!  HandshakeSecrets ──> Session ── encrypt ──────────────> message      save the record, then send
//!                          │  ▲
//!         message ── open ─┘  └─ commit ── SessionDraft    one transaction with the payload
//!                       │
//!                       └─> Opened { plaintext, draft }    a failure changes nothing
//!
//!  expected_tags, TagChanges ──> the engine's map: tag -> session, so finding it is one look-up
//! ```
//!
//! Not here: which session of several sends, repair, acknowledgements, padding, storage, clock, randomness.
//!
//! | file | holds |
//! |---|---|
//! | `session` | the state, how it begins, what it tells |
//! | `encrypt`, `open`, `draft` | the three acts |
//! | `signal` | what is said without advancing |
//! | `root`, `chain`, `receiving` | key derivations and chains |
//! | `kem_turn` | the ML-KEM-768 exchange, behind one type |
//! | `message`, `header`, `header_key` | bytes on the wire, tags |
//! | `skipped`, `seen`, `tags` | overtaken keys, replay memory, windows of tags |
//! | `record` | the session at rest |
//! | `profile` | what the oracle profile leaves out |
//! | `primitives` | what only the ratchet calls, for published vectors |
//! | [`limits`] | every bound with its reason |

pub(crate) mod aead;
pub(crate) mod chain;
mod draft;
mod encrypt;
mod errors;
mod header;
mod header_key;
pub(crate) mod kdf;
mod kem_turn;
pub(crate) mod labels;
pub mod limits;
mod message;
mod open;
#[cfg(feature = "oracle")]
pub mod primitives;
mod profile;
mod receiving;
mod record;
mod root;
pub(crate) mod seen;
mod session;
mod signal;
pub(crate) mod skipped;
pub(crate) mod tags;
#[cfg(test)]
mod tests;

pub use draft::{Opened, SessionDraft};
pub use errors::{EncryptError, OpenError, RecordError, StaleDraft};
pub use header_key::Tag;
#[cfg(feature = "oracle")]
pub use profile::Oracle;
pub use profile::{Profile, Suite1};
pub use session::{Session, SessionId};
pub use signal::OpenedSignal;
pub use tags::{TagChanges, TagKind};
