//! Every bound of a group, with the reason for its value (protocol, section "Groups"). What a chain skips and keeps is bounded
//! as in the ratchet.

/// Members of one group: what a relay takes in one submission.
pub const MAX_MEMBERS: usize = 1000;
/// Entries of one roster: as many as an opaque log holds, a change every day for eleven years.
pub const MAX_ENTRIES: u32 = 4096;
/// One signed entry, in bytes: sealed and padded it fits an entry of an opaque log. A thousand members are named in several.
pub const MAX_ENTRY: usize = 48 * 1024;
/// What is sealed into one entry of an opaque log, padded, in bytes: with version, salt and tag it is at most 64 KiB.
pub const MAX_SEALED: usize = 65_488;
/// A group's picture, in bytes: a small image, in every list.
pub const MAX_PICTURE: usize = 16 * 1024;
/// The longest timer of disappearing messages, in seconds: a year.
pub const MAX_TIMER_SECONDS: u32 = 31_536_000;
/// Messages of one epoch; then its sender begins another. What a thief of its keys reads is bounded by this.
pub const EPOCH_MESSAGES: u32 = 1000;
/// How long an epoch lives, in milliseconds: a week, for the same reason.
pub const EPOCH_MS: u64 = 7 * 24 * 3600 * 1000;
/// How long a superseded epoch stays readable, in milliseconds: as long as an envelope can lie in a queue.
pub const SUPERSEDED_MS: u64 = chopar_wire::limits::MAX_QUEUE_AGE_MS;
