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
//! | [`bundle`] | prekey bundles and their parts |
//! | [`group`] | the id of a group submission in each mailbox |
//! | [`opaque`] | logs of bytes that only their writers can read |
//! | [`sign_in`] | proof of possession towards a relay, by a device or by the account key |
//! | [`name`] | handles, display names, device names |

#![forbid(unsafe_code)]

pub mod bundle;
pub mod device;
pub mod group;
pub mod keys;
pub mod log;
pub mod name;
pub mod opaque;
pub mod sign_in;
pub mod signed;

pub use bundle::{
    BundleBase, BundleError, EcPrekey, OneTimePair, PqPrekey, VerifiedBundle, verify_base, verify_one_time,
};
pub use device::{DeviceKeys, account_id};
pub use group::group_envelope_id;
pub use keys::{Ed25519Public, KemPublic1024, KeyError, X25519Public};
pub use log::{
    AccountLog, Change, Device, EntryDraft, HeadRelation, LogChange, LogError, LogHead, RecoveryKeys, Signer,
};
pub use name::{DeviceName, DisplayName, Handle, HandleError, NameError};
pub use opaque::{OpaqueAppend, OpaqueError, OpaqueHead, append_hash};
pub use sign_in::{RecoverClaim, SignInClaim, SignInError, SignInExpected, verify_recover, verify_sign_in};
pub use signed::{BadSignature, SIGNATURE_LEN, signing_input, verify};

/// The one suite of this version. Another one is refused by name.
pub const SUITE: u32 = 1;
