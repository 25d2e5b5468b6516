//! Why envelopes were put away unread, counted by name: for a diagnostic page and for tests. Nothing is ever sent because of
//! one, and nothing of an envelope is kept.

use std::collections::BTreeMap;

/// Why an envelope was put away. Whoever wrote it, or who brought it, is at fault; or it came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Refusal {
    /// Not the shape of an envelope.
    Malformed,
    /// Sealed to a key this device does not have, or altered.
    NotForThisDevice,
    /// The handshake names prekeys that were used up, or replaced long ago.
    PrekeyGone,
    /// This very handshake used the last-resort key before.
    HandshakeReplayed,
    /// The last-resort key has served as often as its memory reaches; a new one is on its way.
    PrekeyExhausted,
    /// The sender's log does not verify, or does not have the device as active.
    SenderUnknown,
    /// The handshake gives no session in which its message opens.
    HandshakeInvalid,
    /// A message of a known session that does not open: altered, or too old.
    MessageRefused,
    /// A group's message, or what was said about a group, that does not open or that its sender has no right to.
    GroupMessageRefused,
    /// An entry of a group's roster that is not valid in its place.
    RosterRefused,
    /// An edit, deletion or reaction that names no message, or says something that cannot be.
    ChangeMalformed,
    /// A reaction that is not one emoji.
    NotAnEmoji,
    /// An edit beyond the time or the number that is allowed.
    EditRefused,
    /// A timer that cannot be set.
    TimerRefused,
}

/// How often each.
#[derive(Default)]
pub(crate) struct Refusals {
    counts: BTreeMap<Refusal, u64>,
}

impl Refusals {
    pub(crate) fn note(&mut self, refusal: Refusal) {
        *self.counts.entry(refusal).or_default() += 1;
    }

    pub(crate) fn count(&self, refusal: Refusal) -> u64 {
        self.counts.get(&refusal).copied().unwrap_or(0)
    }

    /// All that happened, by name.
    #[cfg(feature = "simulator")]
    pub(crate) const fn all(&self) -> &BTreeMap<Refusal, u64> {
        &self.counts
    }
}
