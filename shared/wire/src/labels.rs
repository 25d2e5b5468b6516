//! Domain separation: `Chopar v1 <role>`, one role per use, never shared between two purposes.
//!
//! A signature is Ed25519 over `label || 0x00 || body`. Labels of key derivation live beside their one use in
//! `chopar-e2ee`; they follow the same pattern and a test there checks that no two are equal.

/// An entry of an account log, by every signer of it.
pub const LOG_ENTRY: &str = "Chopar v1 log-entry";
/// Hash of an account log entry (the parent of the next).
pub const LOG_HASH: &str = "Chopar v1 log-hash";
/// Derivation of a device id from its two identity keys.
pub const DEVICE_ID: &str = "Chopar v1 device-id";
/// The base of a prekey bundle, by the device.
pub const BUNDLE: &str = "Chopar v1 bundle";
/// One one-time prekey pair, by the device.
pub const ONE_TIME: &str = "Chopar v1 one-time-prekey";
/// Proof of possession at sign-in, by the device.
pub const SIGN_IN: &str = "Chopar v1 sign-in";
/// Proof of the account key where no device is left, by the account key.
pub const RECOVER: &str = "Chopar v1 recover";
/// Hash of a record of an audit log (the link of the next).
pub const AUDIT: &str = "Chopar v1 audit";
/// Name of an audit log's chain, from its key.
pub const AUDIT_NODE: &str = "Chopar v1 audit-node";
/// Up to where an audit log's sign-ins were deleted, by the chain's key.
pub const AUDIT_CHECKPOINT: &str = "Chopar v1 audit-checkpoint";
/// An entry of a group's roster, by the device that acts.
pub const GROUP_ENTRY: &str = "Chopar v1 group-entry";
/// Hash of an entry of a group's roster (the parent of the next; of the first one, the group's id).
pub const GROUP_HASH: &str = "Chopar v1 group-hash";
/// A message of a group, by the signing key of its sender's epoch.
pub const GROUP_MESSAGE: &str = "Chopar v1 group-message";
/// Whose a history file is, by the device that writes it.
pub const HISTORY_FILE: &str = "Chopar v1 history-file";
/// A relay's capability for a file, by the relay's own key (HMAC-SHA256).
pub const FILE_CAPABILITY: &str = "Chopar v1 file-capability";
/// An append to an opaque log, by the log's write key.
pub const OPAQUE_APPEND: &str = "Chopar v1 opaque-append";
/// Hash of an append to an opaque log (the parent of the next).
pub const OPAQUE_HASH: &str = "Chopar v1 opaque-hash";
/// Derivation of an envelope's id in one mailbox from the id of a group submission.
pub const GROUP_ENVELOPE: &str = "Chopar v1 group-envelope";
