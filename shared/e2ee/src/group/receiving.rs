//! The receiving end of an epoch: one device's chain, as a member reads it.

use chopar_identity::Ed25519Public;
use chopar_wire::Timestamp;
use zeroize::Zeroizing;

use super::distribution::Distribution;
use super::epoch::EpochId;
use super::header_key::HeaderKey;
use super::limits::{EPOCH_MESSAGES, SUPERSEDED_MS};
use super::message::Wire;
use crate::ratchet::chain::{ChainKey, MessageKey};
use crate::ratchet::limits::{KEY_LIFETIME_MS, MAX_SKIP, TAGS_AHEAD};
use crate::ratchet::seen::Seen;
use crate::ratchet::skipped::{SkippedKey, SkippedKeys};
use crate::ratchet::tags::TagWindow;
use crate::ratchet::{OpenError, StaleDraft, Tag, TagChanges, TagKind};

/// An epoch of somebody's device. Opening changes nothing: it returns a draft, which [`commit`](Self::commit) applies.
pub struct ReceivingEpoch {
    pub(super) id: EpochId,
    pub(super) chain: ChainKey,
    pub(super) header_key: HeaderKey,
    pub(super) signer: Ed25519Public,
    pub(super) seen: Seen,
    pub(super) skipped: SkippedKeys,
    pub(super) expected: TagWindow,
    /// So many messages it has, once its sender said so.
    pub(super) length: Option<u32>,
    /// When it was closed.
    pub(super) superseded: Option<Timestamp>,
    /// Rises with every change, so that a stale draft is noticed. Not saved.
    pub(super) revision: u64,
}

/// A message that authenticated.
pub struct OpenedMessage {
    /// The (padded) payload.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// What [`ReceivingEpoch::commit`] is to apply, in the transaction that stores the payload.
    pub draft: EpochDraft,
}

/// Never the plaintext.
impl core::fmt::Debug for OpenedMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OpenedMessage({} bytes)", self.plaintext.len())
    }
}

/// The change one opened message makes.
#[must_use = "without a commit the same message opens again"]
pub struct EpochDraft {
    revision: u64,
    now: Timestamp,
    step: Step,
}

impl core::fmt::Debug for EpochDraft {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("EpochDraft(…)")
    }
}

enum Step {
    /// A kept key is used up.
    Skipped(Tag),
    /// The chain goes on.
    Advance {
        chain: ChainKey,
        number: u32,
        skipped: Vec<SkippedKey>,
    },
}

impl ReceivingEpoch {
    /// The epoch that a distribution announces. `id` names whose session it came in.
    pub fn begin(id: EpochId, distribution: &Distribution) -> Self {
        let header_key = HeaderKey::new(distribution.header_key.duplicate());
        let mut seen = Seen::default();
        seen.skip_to(distribution.first);
        let expected = TagWindow::new(distribution.first, TAGS_AHEAD, |n| header_key.tag(n));
        Self {
            id,
            chain: ChainKey(distribution.chain.duplicate()),
            header_key,
            signer: distribution.signing_key,
            seen,
            skipped: SkippedKeys::default(),
            expected,
            length: None,
            superseded: None,
            revision: 0,
        }
    }

    /// What its messages are bound to.
    pub const fn id(&self) -> &EpochId {
        &self.id
    }

    /// Whether another distribution announces this very epoch.
    pub fn is_of(&self, distribution: &Distribution) -> bool {
        self.signer == distribution.signing_key && *self.header_key.secret() == distribution.header_key
    }

    /// Opens one message. Whether it fails or not, the epoch stays as it is until [`commit`](Self::commit). The signature is
    /// verified before a key of the chain is derived.
    ///
    /// # Errors
    /// [`OpenError`] by name; [`OpenError::UnknownTag`] means "not of this epoch".
    pub fn open(&self, message: &[u8], now: Timestamp) -> Result<OpenedMessage, OpenError> {
        let wire = Wire::parse(message)?;
        let kept = self.skipped.find(wire.tag);
        let known = kept
            .map(|kept| kept.number)
            .or_else(|| self.expected.number(wire.tag));
        let number = match (wire.open_header(&self.header_key, &self.id), known) {
            (Some(number), _) if self.header_key.tag(number) == wire.tag => number,
            (None, None) => return Err(OpenError::UnknownTag),
            // A tag that does not fit its own header could only mislead the map of tags.
            _ => return Err(OpenError::Authentication),
        };
        wire.verify(&self.header_key, &self.signer, &self.id, number)?;
        let (key, step) = self.key_of(number, kept, now)?;
        let plaintext = wire.open_content(&key, &self.id, number)?;
        Ok(OpenedMessage {
            plaintext,
            draft: EpochDraft {
                revision: self.revision,
                now,
                step,
            },
        })
    }

    fn key_of(
        &self,
        number: u32,
        kept: Option<&SkippedKey>,
        now: Timestamp,
    ) -> Result<(MessageKey, Step), OpenError> {
        if let Some(kept) = kept {
            if now.ms_since(kept.since) >= KEY_LIFETIME_MS {
                return Err(OpenError::Expired);
            }
            let key = MessageKey(kept.key.0.duplicate());
            return Ok((key, Step::Skipped(kept.tag)));
        }
        let next = self.seen.next();
        if number < next {
            return Err(match self.seen.contains(number) {
                true => OpenError::Duplicate,
                false => OpenError::Expired,
            });
        }
        // Below it no message can skip more keys than one may.
        if number >= EPOCH_MESSAGES {
            return Err(OpenError::CounterExhausted);
        }
        if self.length.is_some_and(|length| number >= length) {
            return Err(OpenError::Expired);
        }
        let mut chain = ChainKey(self.chain.0.duplicate());
        let mut skipped = Vec::with_capacity((number - next) as usize);
        for number in next..number {
            let (key, after) = chain.step();
            skipped.push(SkippedKey {
                tag: self.header_key.tag(number),
                chain: 0,
                number,
                key,
                since: now,
            });
            chain = after;
        }
        let (key, chain) = chain.step();
        let step = Step::Advance {
            chain,
            number,
            skipped,
        };
        Ok((key, step))
    }

    /// Applies a draft and says how the expected tags changed.
    ///
    /// # Errors
    /// [`StaleDraft`] where the epoch changed since; nothing is applied.
    pub fn commit(&mut self, draft: EpochDraft) -> Result<TagChanges, StaleDraft> {
        if draft.revision != self.revision {
            return Err(StaleDraft);
        }
        self.revision += 1;
        let mut changes = TagChanges::default();
        match draft.step {
            Step::Skipped(tag) => {
                if let Some(key) = self.skipped.remove(tag) {
                    self.seen.open(key.number);
                    changes.removed.push(tag);
                }
            }
            Step::Advance {
                chain,
                number,
                skipped,
            } => {
                let kept: Vec<Tag> = skipped.iter().map(|key| key.tag).collect();
                for key in skipped {
                    if self.expected.number(key.tag).is_none() {
                        changes.added.push((key.tag, TagKind::Message));
                    }
                    changes.removed.extend(self.skipped.insert(key));
                }
                self.chain = chain;
                self.seen.open(number);
                let key = &self.header_key;
                let moved = self.expected.advance(number + 1, TAGS_AHEAD, |n| key.tag(n));
                changes.moved(TagKind::Message, moved, &kept);
            }
        }
        changes.removed.extend(self.skipped.expire(draft.now));
        Ok(changes)
    }

    /// Its sender began another and says how many messages this one has. The first word counts.
    pub fn close(&mut self, length: u32, now: Timestamp) {
        self.revision += 1;
        self.length.get_or_insert(length);
        self.superseded.get_or_insert(now);
    }

    /// Its sender began another and does not say how this one ended: that was said where nobody heard it.
    pub fn supersede(&mut self, now: Timestamp) {
        self.revision += 1;
        self.superseded.get_or_insert(now);
    }

    /// Whether its sender has gone on to another epoch.
    pub const fn is_closed(&self) -> bool {
        self.superseded.is_some()
    }

    /// Messages that are known to exist and were not opened.
    pub fn missing(&self) -> usize {
        let behind = self
            .length
            .map_or(0, |length| length.saturating_sub(self.seen.next()));
        self.skipped.len() + behind as usize
    }

    /// Drops keys past their lifetime.
    pub fn expire(&mut self, now: Timestamp) -> TagChanges {
        self.revision += 1;
        TagChanges {
            removed: self.skipped.expire(now),
            added: Vec::new(),
        }
    }

    /// Whether nothing of it can be read any more: superseded longer ago than an envelope lives.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.superseded
            .is_some_and(|at| now.ms_since(at) >= SUPERSEDED_MS)
    }

    /// Every tag by which a message of this epoch is recognised. Afterwards keep the map by the [`TagChanges`] of each commit.
    pub fn expected_tags(&self) -> impl Iterator<Item = Tag> {
        self.expected.iter().chain(self.skipped.iter().map(|key| key.tag))
    }
}

const _: () = assert!(EPOCH_MESSAGES <= MAX_SKIP);
