//! Every bound of the conversation between client and relay, with the reason for its value.

/// The version of this contract, sent in the relay's `Challenge`.
pub const PROTOCOL: u32 = 1;

/// A frame, in bytes. Two padded 16 KiB messages in handshake form with a full account log fit; more is a mistake.
pub const MAX_FRAME: usize = 96 * 1024;
/// A `Submit` or `SubmitGroup` frame, in bytes: eight recipient devices at the largest envelope, or one body and a thousand
/// recipients.
pub const MAX_SUBMIT_FRAME: usize = 256 * 1024;
/// One envelope's body, in bytes: a 16 KiB padded payload in handshake form (log, KEM ciphertexts, HPKE) with headroom.
pub const MAX_ENVELOPE_BODY: usize = 32 * 1024;
/// A signal's body, in bytes: typing and the like.
pub const MAX_SIGNAL_BODY: usize = 1024;
/// Active devices of one account: bounds the fan-out of one message.
pub const MAX_DEVICES: usize = 8;
/// Entries of one account log: bounds what a peer must verify.
pub const MAX_LOG_ENTRIES: usize = 256;
/// One encoded account log entry, in bytes: a replacement of an ML-KEM-1024 recovery key with three signatures.
pub const MAX_LOG_ENTRY: usize = 4 * 1024;
/// One-time pairs in a single upload frame (a signed pair is about 1.7 KB).
pub const MAX_ONE_TIME_PER_FRAME: usize = 50;
/// One-time pairs a device keeps at the relay (Signal's figure; 100 pairs are about 170 KB).
pub const ONE_TIME_POOL: usize = 100;
/// Below this the relay sends `OneTimeLow`.
pub const ONE_TIME_LOW: usize = 25;
/// Sequence numbers in one `Ack`.
pub const MAX_ACK: usize = 1000;
/// How long a queued envelope lives at most, in milliseconds: 30 days, the life of old prekeys.
pub const MAX_QUEUE_AGE_MS: u64 = 30 * 24 * 3600 * 1000;
/// How long the relay remembers acknowledged envelope ids for idempotency, in milliseconds.
pub const ACKED_ID_MEMORY_MS: u64 = 24 * 3600 * 1000;
/// Bytes waiting for one device: a month of a busy correspondence in text.
pub const QUEUE_BYTES: u64 = 64 * 1024 * 1024;
/// How long a sign-in challenge is valid, in milliseconds.
pub const CHALLENGE_LIFETIME_MS: u64 = 60_000;
/// Handle length in characters, shortest: one letter is too easy to squat and to mistype.
pub const HANDLE_MIN: usize = 2;
/// Handle length in characters, longest: fits a list row.
pub const HANDLE_MAX: usize = 32;
/// Display name length in characters, longest.
pub const DISPLAY_NAME_MAX: usize = 64;
/// Device name length in characters, longest.
pub const DEVICE_NAME_MAX: usize = 64;
/// People in one answer to `Find`.
pub const FIND_RESULTS: usize = 20;
/// Lifetime of an invite, longest, in seconds: 30 days.
pub const INVITE_MAX_SECONDS: u64 = 30 * 24 * 3600;
/// Uses of an invite, most: a large department's first day.
pub const INVITE_MAX_USES: u32 = 1000;
/// Accounts that one `SubmitGroup` names: the largest group.
pub const MAX_GROUP_RECIPIENTS: usize = 1000;
/// One entry of an opaque log, in bytes: a roster of a thousand members, sealed.
pub const MAX_OPAQUE_ENTRY: usize = 64 * 1024;
/// Entries of one opaque log: a change of the roster every day for eleven years.
pub const MAX_OPAQUE_ENTRIES: u32 = 4096;
/// Bytes of one opaque log: a whole roster of a thousand members two hundred times, with the changes between.
pub const OPAQUE_LOG_BYTES: u64 = 16 * 1024 * 1024;
/// How long a capability for a file is good, in milliseconds: a slow line's time for one part; then it is asked for again.
pub const FILE_GRANT_LIFETIME_MS: u64 = 600_000;
/// The smallest file at a relay, in bytes: one chunk, sealed. Bounds how many files a member's room holds.
pub const MIN_STORED_FILE: u64 = 65_552;
