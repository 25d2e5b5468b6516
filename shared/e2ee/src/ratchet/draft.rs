//! What opening a message would change, and the one place where it does.

use chopar_identity::X25519Public;
use chopar_wire::Timestamp;
use zeroize::Zeroizing;

use super::chain::ChainKey;
use super::errors::StaleDraft;
use super::header_key::{HeaderKey, Tag};
use super::kem_turn::{KemState, SinceExchange};
use super::limits::{NEXT_SIGNAL_TAGS_AHEAD, NEXT_TAGS_AHEAD, RECEIVING_CHAINS};
use super::profile::Profile;
use super::receiving::ReceivingChain;
use super::root::RootKey;
use super::seen::Seen;
use super::session::{CURRENT_WINDOW, Expected, Session};
use super::skipped::SkippedKey;
use super::tags::{TagChanges, TagKind};

/// A message that authenticated.
pub struct Opened {
    /// The (padded) payload.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// What [`Session::commit`] is to apply, in the transaction that stores the payload.
    pub draft: SessionDraft,
}

/// Never the plaintext.
impl core::fmt::Debug for Opened {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Opened({} bytes)", self.plaintext.len())
    }
}

/// The change one opened message or signal makes. It holds the difference, not a copy of the session: an in-order
/// message costs one chain key.
#[must_use = "without a commit the same message opens again"]
pub struct SessionDraft {
    pub(super) revision: u64,
    pub(super) now: Timestamp,
    pub(super) step: Step,
}

impl core::fmt::Debug for SessionDraft {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let step = match self.step {
            Step::Skipped { .. } => "skipped",
            Step::Advance(_) => "advance",
            Step::Turn(_) => "turn",
            Step::Signal { .. } => "signal",
        };
        write!(f, "SessionDraft({step})")
    }
}

pub(super) enum Step {
    /// A kept key is used up.
    Skipped { tag: Tag },
    /// The current chain goes on.
    Advance(Advance),
    /// The peer turned.
    Turn(Box<Turn>),
    /// A signal came: only the windows move.
    Signal { key: SignalOf, counter: u32 },
}

/// The current chain beyond one message.
pub(super) struct Advance {
    pub(super) chain: ChainKey,
    pub(super) number: u32,
    pub(super) skipped: Vec<SkippedKey>,
}

/// A new receiving chain with its first message.
pub(super) struct Turn {
    pub(super) ratchet: X25519Public,
    pub(super) generation: u32,
    pub(super) root: RootKey,
    pub(super) next_header: HeaderKey,
    /// Length the peer's previous chain had.
    pub(super) previous: u32,
    /// What of the previous chain has not come.
    pub(super) tail: Vec<SkippedKey>,
    pub(super) first: Advance,
    pub(super) kem: Option<KemState>,
    /// Whether the root took in a KEM secret.
    pub(super) exchanged: bool,
}

/// Under which header key's signal key a signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalOf {
    Current,
    Next,
    /// A superseded chain, no window.
    Older,
}

impl<P: Profile> Session<P> {
    /// Applies a draft and says how the expected tags changed. Cannot fail halfway.
    ///
    /// # Errors
    /// [`StaleDraft`] where the session changed since; nothing is applied.
    pub fn commit(&mut self, draft: SessionDraft) -> Result<TagChanges, StaleDraft> {
        if draft.revision != self.revision {
            return Err(StaleDraft);
        }
        self.revision += 1;
        self.confirmed = true;
        let mut changes = TagChanges::default();
        if !matches!(draft.step, Step::Signal { .. }) {
            self.since_exchange.messages = self.since_exchange.messages.saturating_add(1);
        }
        match draft.step {
            Step::Skipped { tag } => self.commit_skipped(tag, &mut changes),
            Step::Advance(advance) => self.commit_advance(advance, &mut changes),
            Step::Turn(turn) => self.commit_turn(*turn, draft.now, &mut changes),
            Step::Signal { key, counter } => self.commit_signal(key, counter, &mut changes),
        }
        changes.removed.extend(self.skipped.expire(draft.now));
        Ok(self.oracle_hides(changes))
    }

    fn commit_skipped(&mut self, tag: Tag, changes: &mut TagChanges) {
        if let Some(key) = self.skipped.remove(tag) {
            if let Some(chain) = self.receiving.iter_mut().find(|c| c.generation == key.chain) {
                chain.seen.open(key.number);
            }
            changes.removed.push(tag);
        }
    }

    fn commit_advance(&mut self, advance: Advance, changes: &mut TagChanges) {
        let Advance {
            chain,
            number,
            skipped,
        } = advance;
        let kept: Vec<Tag> = skipped.iter().map(|key| key.tag).collect();
        self.keep(skipped, changes);
        let Some(current) = self.receiving.front_mut() else {
            return;
        };
        current.chain = Some(chain);
        current.seen.open(number);
        if P::FULL {
            let key = &current.header_key;
            let moved = self
                .expected
                .current
                .advance(number + 1, CURRENT_WINDOW.0, |n| key.tag(n));
            changes.moved(TagKind::Message, moved, &kept);
        }
    }

    fn commit_turn(&mut self, turn: Turn, now: Timestamp, changes: &mut TagChanges) {
        let tail: Vec<Tag> = turn.tail.iter().map(|key| key.tag).collect();
        self.keep(turn.tail, changes);
        if let Some(old) = self.receiving.front_mut() {
            old.chain = None;
            old.seen.skip_to(turn.previous);
            old.since = now;
        }
        let header_key = core::mem::replace(&mut self.next_receiving_header, turn.next_header);
        if P::FULL {
            let expected = core::mem::replace(
                &mut self.expected,
                Expected::of_next::<P>(&self.next_receiving_header),
            );
            let gone = expected.current.iter().filter(|tag| !tail.contains(tag));
            changes.removed.extend(gone.chain(expected.signals.iter()));
            let fresh = self.expected.next.iter().map(|tag| (tag, TagKind::Message));
            changes.added.extend(fresh);
            let fresh = self
                .expected
                .next_signals
                .iter()
                .map(|tag| (tag, TagKind::Signal));
            changes.added.extend(fresh);
            (self.expected.current, self.expected.signals) = (expected.next, expected.next_signals);
            let (at, key) = (self.expected.signals.first(), header_key.signals());
            let moved = self
                .expected
                .signals
                .advance(at, CURRENT_WINDOW.1, |n| key.tag(n));
            changes.moved(TagKind::Signal, moved, &[]);
        }
        self.receiving.push_front(ReceivingChain {
            generation: turn.generation,
            ratchet: turn.ratchet,
            header_key,
            chain: None,
            seen: Seen::default(),
            since: now,
        });
        self.receiving.truncate(RECEIVING_CHAINS);
        changes.removed.extend(self.drop_orphans());
        self.root = turn.root;
        self.peer = Some(turn.ratchet);
        self.turn_due = true;
        if let Some(kem) = turn.kem {
            self.kem = kem;
        }
        if turn.exchanged {
            self.since_exchange = SinceExchange { messages: 0, at: now };
        }
        self.commit_advance(turn.first, changes);
    }

    fn commit_signal(&mut self, of: SignalOf, counter: u32, changes: &mut TagChanges) {
        let (window, key, len) = match (of, self.receiving.front()) {
            (SignalOf::Current, Some(chain)) => (
                &mut self.expected.signals,
                chain.header_key.signals(),
                CURRENT_WINDOW.1,
            ),
            (SignalOf::Next, _) => (
                &mut self.expected.next_signals,
                self.next_receiving_header.signals(),
                NEXT_SIGNAL_TAGS_AHEAD,
            ),
            _ => return,
        };
        let moved = window.advance(counter.saturating_add(1), len, |n| key.tag(n));
        changes.moved(TagKind::Signal, moved, &[]);
    }

    /// Keeps skipped keys; tags that were expected already stay so.
    fn keep(&mut self, skipped: Vec<SkippedKey>, changes: &mut TagChanges) {
        for key in skipped {
            let Expected { current, next, .. } = &self.expected;
            if current.number(key.tag).is_none() && next.number(key.tag).is_none() {
                changes.added.push((key.tag, TagKind::Message));
            }
            changes.removed.extend(self.skipped.insert(key));
        }
    }
}

const _: () = assert!(NEXT_TAGS_AHEAD <= CURRENT_WINDOW.0 && NEXT_SIGNAL_TAGS_AHEAD <= CURRENT_WINDOW.1);
