//! Public-key facts, verified by client and relay with the same code.
//!
//! ```text
//!  bytes from anywhere                      verified here                       used by
//!  Entry, Entry, …            ->            AccountLog  ── active devices ──>   who gets messages, who may sign in
//!  Bundle                     ->            VerifiedBundle                      a handshake with that device
//!  Signed(SignInBody)         ->            SignedIn                            a connection at the relay
//! ```
//!
//! What is signed travels as the exact bytes that were signed; nothing is encoded again to verify it. The types named
//! `Verified…` and [`AccountLog`] can only be made by verifying.
//!
//! Not here: secrets (signers get [`signing_input`] and sign elsewhere), key agreement, storage, clock.
//!
//! | module | holds |
//! |---|---|
//! | [`keys`] | public keys as types, low-order points refused |
//! | [`signed`] | what a signature covers, strict verification |
//! | [`device`] | account and device ids from keys |
//! | [`log`] | the account log: hash-chained entries, drafts, forks |

#![forbid(unsafe_code)]

pub mod device;
pub mod keys;
pub mod signed;

pub use device::{DeviceKeys, account_id};
pub use keys::{Ed25519Public, KemPublic1024, KeyError, X25519Public};
pub use signed::{BadSignature, signing_input, verify};
