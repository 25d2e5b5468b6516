//! What one input leads to, while it is being collected: the batch, the effects, and the clock and randomness of this step.

use chopar_wire::{AccountId, Timestamp};
use rand_core::CryptoRng;

use crate::effect::{Effect, RecordKey, Step, Write};
use crate::event::{Answer, Event, Failure};
use crate::map::Map;
use crate::records::Stored;
use crate::set::Set;
use crate::view::Line;

/// The surroundings of one [`crate::Engine::handle`]. Changes that several causes may touch in one step (a contact's record, a
/// conversation's row, lines) are noted here and written or told once, at its end.
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a mut dyn CryptoRng,
    pub(crate) step: Step,
    /// Contacts whose state record must be written.
    pub(crate) contacts: Set<AccountId>,
    /// Conversations whose row must be told.
    pub(crate) rows: Set<AccountId>,
    /// Lines to be told, by conversation and sequence.
    pub(crate) lines: Map<AccountId, Map<u64, Line>>,
    /// Lines to be told as gone, by conversation.
    pub(crate) gone: Map<AccountId, Set<u64>>,
    /// Whether the account's record must be written.
    pub(crate) account: bool,
    /// Whether what there is to know about the own devices must be told.
    pub(crate) own_devices: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn new(now: Timestamp, rng: &'a mut dyn CryptoRng) -> Self {
        Self {
            now,
            rng,
            step: Step::default(),
            contacts: Set::new(),
            rows: Set::new(),
            lines: Map::new(),
            gone: Map::new(),
            account: false,
            own_devices: false,
        }
    }

    pub(crate) fn put<T: Stored>(&mut self, partition: &[u8], sequence: u64, value: &T) {
        self.step
            .persist
            .writes
            .push(Write::Put(value.record(partition, sequence)));
    }

    pub(crate) fn delete<T: Stored>(&mut self, partition: &[u8], sequence: u64) {
        let key = RecordKey {
            kind: T::KIND,
            partition: partition.to_vec(),
            sequence,
        };
        self.step.persist.writes.push(Write::Delete(key));
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.step.then.push(effect);
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.step.then.push(Effect::Tell(event));
    }

    pub(crate) fn answer(&mut self, id: u64, answer: Answer) {
        self.tell(Event::Answered { id, answer });
    }

    pub(crate) fn fail(&mut self, id: u64, failure: Failure) {
        self.answer(id, Answer::Failed(failure));
    }

    /// The contact changed in a way its row in the list shows too.
    pub(crate) fn touch(&mut self, account: AccountId) {
        self.contacts.insert(account);
        self.rows.insert(account);
    }

    /// Nothing is written or told of this contact any more.
    pub(crate) fn forget(&mut self, account: AccountId) {
        self.contacts.remove(&account);
        self.rows.remove(&account);
        self.lines.remove(&account);
    }

    pub(crate) fn line(&mut self, conversation: AccountId, line: Line) {
        self.lines
            .entry(conversation)
            .or_default()
            .insert(line.sequence, line);
    }

    /// The line is gone: of what was to be told of it in this step only that remains.
    pub(crate) fn gone(&mut self, conversation: AccountId, sequence: u64) {
        if let Some(lines) = self.lines.get_mut(&conversation) {
            lines.remove(&sequence);
        }
        self.gone.entry(conversation).or_default().insert(sequence);
    }

    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// Evenly from 0 up to, not including, `bound` (0 where the bound is 0). The bias of the remainder is below 2^-32.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64().checked_rem(bound).unwrap_or(0)
    }
}
