//! Messages and envelopes already taken: what comes twice is shown once.
//!
//! The ratchet refuses a replay inside a session; this refuses the same message in another envelope (sent again after a
//! repair) and an envelope the relay hands over again because the acknowledgement was lost.

use std::collections::HashSet;

use chopar_wire::{AccountId, EnvelopeId, MessageId};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::map::Map;
use crate::records::seen::SeenRecord;
use crate::records::{RecordError, SCHEMA, Stored};
use crate::set::Set;

/// Ids in one record: 2 KB, rewritten with each message.
const BLOCK: usize = 128;
/// Blocks kept: 32,768 ids, a month of five hundred messages a day with their envelopes.
const BLOCKS: usize = 256;

/// An id in the form in which it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeenId([u8; 16]);

impl SeenId {
    /// A message counts together with its sender: nobody can make another's message look seen.
    pub(crate) fn message(sender: &AccountId, id: &MessageId) -> Self {
        Self::digest(b"message", &[sender.as_bytes(), id.as_bytes()])
    }

    /// A message that was said during a block: it is never shown, and nobody hears that it arrived.
    pub(crate) fn unshown(sender: &AccountId, id: &MessageId) -> Self {
        Self::digest(b"unshown", &[sender.as_bytes(), id.as_bytes()])
    }

    pub(crate) fn envelope(id: &EnvelopeId) -> Self {
        Self::digest(b"envelope", &[id.as_bytes()])
    }

    fn digest(kind: &[u8], parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new().chain_update(kind);
        for part in parts {
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

/// The newest ids, oldest blocks first out.
#[derive(Default)]
pub(crate) struct Seen {
    ids: HashSet<SeenId>,
    blocks: Map<u64, Vec<SeenId>>,
    dirty: Set<u64>,
}

impl Seen {
    pub(crate) fn load(&mut self, sequence: u64, value: &[u8]) -> Result<(), RecordError> {
        let record = SeenRecord::read(value)?;
        let (ids, rest) = record.ids.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(SeenRecord::bad("ids"));
        }
        self.ids.extend(ids.iter().copied().map(SeenId));
        self.blocks
            .insert(sequence, ids.iter().copied().map(SeenId).collect());
        Ok(())
    }

    pub(crate) fn contains(&self, id: &SeenId) -> bool {
        self.ids.contains(id)
    }

    pub(crate) fn insert(&mut self, id: SeenId) {
        if !self.ids.insert(id) {
            return;
        }
        let newest = match self.blocks.last_key_value() {
            Some((sequence, block)) if block.len() < BLOCK => *sequence,
            Some((sequence, _)) => sequence + 1,
            None => 0,
        };
        self.blocks.entry(newest).or_default().push(id);
        self.dirty.insert(newest);
    }

    /// Forgets ids: what they name was dropped, and is taken when it comes again.
    pub(crate) fn forget(&mut self, gone: &HashSet<SeenId>) {
        for (sequence, block) in self.blocks.iter_mut() {
            let before = block.len();
            block.retain(|id| !gone.contains(id));
            if block.len() != before {
                self.dirty.insert(*sequence);
            }
        }
        self.ids.retain(|id| !gone.contains(id));
    }

    /// Writes the blocks that changed, drops those beyond the bound.
    pub(crate) fn save(&mut self, cx: &mut Context<'_>) {
        while self.blocks.len() > BLOCKS {
            let Some((sequence, block)) = self.blocks.pop_first() else {
                break;
            };
            for id in block {
                self.ids.remove(&id);
            }
            self.dirty.remove(&sequence);
            cx.delete::<SeenRecord>(&[], sequence);
        }
        for sequence in std::mem::take(&mut self.dirty) {
            if let Some(block) = self.blocks.get(&sequence) {
                let ids = block.iter().flat_map(|id| id.0).collect();
                cx.put(&[], sequence, &SeenRecord { schema: SCHEMA, ids });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chopar_wire::Timestamp;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::effect::Write;

    fn id(n: u32) -> SeenId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        SeenId::envelope(&EnvelopeId::new(bytes))
    }

    #[test]
    fn the_newest_are_kept_and_come_back_from_records() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(0), &mut rng);
        let mut seen = Seen::default();
        let total = (BLOCK * BLOCKS + 1) as u32;
        for n in 0..total {
            seen.insert(id(n));
        }
        seen.save(&mut cx);
        assert!(!seen.contains(&id(0)) && !seen.contains(&id(127)));
        assert!(seen.contains(&id(128)) && seen.contains(&id(total - 1)));

        let mut loaded = Seen::default();
        for write in &cx.step.persist.writes {
            if let Write::Put(record) = write {
                loaded.load(record.key.sequence, &record.value).unwrap();
            }
        }
        assert!(loaded.contains(&id(128)) && !loaded.contains(&id(5)));
        loaded.insert(id(total));
        assert_eq!(loaded.dirty.len(), 1, "appended to the last block");
    }

    /// P-286.
    #[test]
    fn what_is_forgotten_does_not_come_back_from_records() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(0), &mut rng);
        let mut seen = Seen::default();
        (0..300).for_each(|n| seen.insert(id(n)));
        seen.save(&mut cx);
        seen.forget(&HashSet::from([id(5), id(299), id(777)]));
        assert_eq!(seen.dirty.len(), 2, "only blocks that held one of them");
        seen.save(&mut cx);
        let mut loaded = Seen::default();
        for write in &cx.step.persist.writes {
            if let Write::Put(record) = write {
                // A later record takes the place of the one before.
                loaded.blocks.remove(&record.key.sequence);
                loaded.load(record.key.sequence, &record.value).unwrap();
            }
        }
        let kept: usize = loaded.blocks.values().map(Vec::len).sum();
        assert_eq!(kept, 298);
        assert!(!seen.contains(&id(5)) && !seen.contains(&id(299)) && seen.contains(&id(6)));
    }

    #[test]
    fn a_message_is_seen_from_its_sender_only() {
        let id = MessageId::new([1; 16]);
        let one = SeenId::message(&AccountId::new([1; 32]), &id);
        assert_ne!(one, SeenId::message(&AccountId::new([2; 32]), &id));
        assert_ne!(one, SeenId::envelope(&EnvelopeId::new([1; 16])));
    }
}
