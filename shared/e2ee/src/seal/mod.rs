//! Envelope bodies: what the relay stores, and who it is from hidden inside.
//!
//! ```text
//!  session form     02 ‖ message of the ratchet
//!  handshake form   01 ‖ sealing key id u32 BE ‖ HPKE enc 32 ‖ HPKE ciphertext
//!                        inside, padded: sender account, device, log (or only its head), handshake header, message
//! ```
//!
//! HPKE is RFC 9180 base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. It hides the sender from the
//! relay and is classical; the message inside has its own, post-quantum protection.

mod body;
mod first;
mod handshake_form;

#[cfg(test)]
mod tests;

pub use body::{EnvelopeBody, EnvelopeError, session_body};
pub use first::{FirstContact, MAX_CARRIED_LOG, SenderLog, Unsealed};
pub use handshake_form::{SealError, SealedHandshake, UnsealError, seal_handshake};
