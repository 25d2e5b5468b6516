//! What was done with messages that have not arrived: kept, bounded, and applied when they come.
//!
//! Nothing is acknowledged for it before that: whoever names messages that do not exist learns nothing, not even that this
//! device is switched on.

use chopar_wire::{AccountId, EnvelopeId, MessageId, Timestamp, limits};

use crate::change::{Change, Deed};
use crate::context::Context;
use crate::map::Map;
use crate::places::Spot;
use crate::records::pending::PendingRecord;
use crate::records::{RecordError, SCHEMA, Stored};
use crate::view::Reference;

/// Changes kept for one conversation; more push out the oldest of whoever has most of them. A message and what is done with it are
/// minutes apart, not hundreds of messages.
const MAX_IN_ONE: usize = 256;
/// Changes kept in all conversations together: strangers can begin any number of them.
const MAX_IN_ALL: usize = 2_048;
/// How long each is kept, in milliseconds: as long as a message can lie in a queue.
const KEEP_MS: u64 = limits::MAX_QUEUE_AGE_MS;

/// One change that waits.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) about: Reference,
    pub(crate) change: Change,
    /// What is acknowledged to who did it, once it is applied.
    pub(crate) envelope: Option<EnvelopeId>,
    pub(crate) came: Timestamp,
}

/// Conversation and number.
type Key = (AccountId, u64);

/// All that wait.
#[derive(Default)]
pub(crate) struct Pending {
    waiting: Map<Key, Waiting>,
    next: u64,
}

impl Pending {
    pub(crate) fn load(&mut self, partition: &[u8], number: u64, value: &[u8]) -> Result<(), RecordError> {
        let record = PendingRecord::read(value)?;
        let account = |bytes: &[u8]| AccountId::try_from(bytes).map_err(|_| PendingRecord::bad("account"));
        let envelope = match record.envelope.as_slice() {
            [] => None,
            id => Some(EnvelopeId::try_from(id).map_err(|_| PendingRecord::bad("envelope"))?),
        };
        let (number_of, text) = (record.number, record.text);
        let deed = match record.kind {
            1 => Deed::Edit {
                number: number_of,
                text,
            },
            2 => Deed::Delete,
            3 => Deed::React {
                number: number_of,
                emoji: text,
            },
            4 => Deed::Hide,
            5 => Deed::Read,
            _ => return Err(PendingRecord::bad("kind")),
        };
        let waiting = Waiting {
            about: Reference {
                author: account(&record.author)?,
                id: MessageId::try_from(record.id.as_slice()).map_err(|_| PendingRecord::bad("id"))?,
            },
            change: Change {
                by: account(&record.by)?,
                time: Timestamp(record.time),
                deed,
            },
            envelope,
            came: Timestamp(record.came),
        };
        self.next = self.next.max(number + 1);
        self.waiting.insert((account(partition)?, number), waiting);
        Ok(())
    }

    /// Keeps a change. The same one that comes again (in another envelope) takes the place of the first.
    pub(crate) fn keep(&mut self, conversation: AccountId, waiting: Waiting, cx: &mut Context<'_>) {
        let by = waiting.change.by;
        let same = self
            .of(&conversation)
            .find(|(_, known)| known.about == waiting.about && known.change == waiting.change);
        let number = match same {
            Some((number, _)) => number,
            None => self.next,
        };
        self.next = self.next.max(number + 1);
        cx.put(conversation.as_bytes(), number, &record(&waiting));
        self.waiting.insert((conversation, number), waiting);
        let key = |(number, waiting): (u64, &Waiting)| ((conversation, number), waiting.change.by);
        let in_one: Vec<_> = self.of(&conversation).map(key).collect();
        if in_one.len() > MAX_IN_ONE {
            self.make_room(in_one, &by, cx);
        }
        if self.waiting.len() > MAX_IN_ALL {
            let all = self.waiting.iter();
            let all = all.map(|(key, waiting)| (*key, waiting.change.by)).collect();
            self.make_room(all, &by, cx);
        }
    }

    /// Drops the oldest change of whoever has most of these: nobody pushes out what somebody did who has fewer. Of two who have as
    /// many it is the newcomer's.
    fn make_room(&mut self, among: Vec<(Key, AccountId)>, newcomer: &AccountId, cx: &mut Context<'_>) {
        let mut of: Map<AccountId, (usize, Key)> = Map::new();
        for (key, by) in among {
            let (count, oldest) = of.entry(by).or_insert((0, key));
            *count += 1;
            // Numbers rise over all conversations.
            if key.1 < oldest.1 {
                *oldest = key;
            }
        }
        let most = of.iter().max_by_key(|(by, (count, _))| (*count, *by == newcomer));
        if let Some((conversation, number)) = most.map(|(_, (_, oldest))| *oldest) {
            self.remove(conversation, number, cx);
        }
    }

    /// Numbers of what waits for a message, in the order in which it came.
    pub(crate) fn about(&self, spot: &Spot) -> Vec<u64> {
        self.of(&spot.conversation)
            .filter(|(_, waiting)| waiting.about == spot.about)
            .map(|(number, _)| number)
            .collect()
    }

    /// What waits of one person in one conversation is not wanted any more.
    pub(crate) fn drop_of(&mut self, conversation: AccountId, by: &AccountId, cx: &mut Context<'_>) {
        self.drop_where(conversation, |waiting| waiting.change.by == *by, cx);
    }

    /// Nothing that waits in one conversation is wanted any more.
    pub(crate) fn drop_all(&mut self, conversation: AccountId, cx: &mut Context<'_>) {
        self.drop_where(conversation, |_| true, cx);
    }

    fn drop_where(
        &mut self,
        conversation: AccountId,
        unwanted: impl Fn(&Waiting) -> bool,
        cx: &mut Context<'_>,
    ) {
        let of: Vec<u64> = self
            .of(&conversation)
            .filter(|(_, waiting)| unwanted(waiting))
            .map(|(number, _)| number)
            .collect();
        for number in of {
            self.remove(conversation, number, cx);
        }
    }

    pub(crate) fn remove(
        &mut self,
        conversation: AccountId,
        number: u64,
        cx: &mut Context<'_>,
    ) -> Option<Waiting> {
        let waiting = self.waiting.remove(&(conversation, number))?;
        cx.delete::<PendingRecord>(conversation.as_bytes(), number);
        Some(waiting)
    }

    /// Every message that something waits for.
    pub(crate) fn spots(&self) -> Vec<Spot> {
        let mut spots: Vec<Spot> = self
            .waiting
            .iter()
            .map(|((conversation, _), waiting)| Spot {
                conversation: *conversation,
                about: waiting.about,
            })
            .collect();
        spots.sort_unstable();
        spots.dedup();
        spots
    }

    /// Drops what waits for too long.
    pub(crate) fn forget_old(&mut self, cx: &mut Context<'_>) {
        let old: Vec<Key> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| cx.now.ms_since(waiting.came) > KEEP_MS)
            .map(|(key, _)| *key)
            .collect();
        for (conversation, number) in old {
            self.remove(conversation, number, cx);
        }
    }

    fn of(&self, conversation: &AccountId) -> impl Iterator<Item = (u64, &Waiting)> {
        self.waiting
            .range((*conversation, 0)..=(*conversation, u64::MAX))
            .map(|((_, number), waiting)| (*number, waiting))
    }
}

fn record(waiting: &Waiting) -> PendingRecord {
    let (kind, number, text) = match &waiting.change.deed {
        Deed::Edit { number, text } => (1, *number, text.clone()),
        Deed::Delete => (2, 0, String::new()),
        Deed::React { number, emoji } => (3, *number, emoji.clone()),
        Deed::Hide => (4, 0, String::new()),
        Deed::Read => (5, 0, String::new()),
    };
    PendingRecord {
        schema: SCHEMA,
        author: waiting.about.author.as_bytes().to_vec(),
        id: waiting.about.id.as_bytes().to_vec(),
        by: waiting.change.by.as_bytes().to_vec(),
        time: waiting.change.time.0,
        kind,
        number,
        text,
        envelope: waiting
            .envelope
            .map(|id| id.as_bytes().to_vec())
            .unwrap_or_default(),
        came: waiting.came.0,
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::effect::Write;

    fn waiting(message: u16, deed: Deed) -> Waiting {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&message.to_be_bytes());
        Waiting {
            about: Reference {
                author: AccountId::new([1; 32]),
                id: MessageId::new(id),
            },
            change: Change {
                by: AccountId::new([2; 32]),
                time: Timestamp(7),
                deed,
            },
            envelope: Some(EnvelopeId::new([3; 16])),
            came: Timestamp(9),
        }
    }

    /// P-165.
    #[test]
    fn what_waits_is_bounded_and_comes_back_from_records() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(10), &mut rng);
        let mut pending = Pending::default();
        let conversation = AccountId::new([9; 32]);
        let deeds = [
            Deed::Edit {
                number: 3,
                text: "text".into(),
            },
            Deed::Delete,
            Deed::React {
                number: 4,
                emoji: "👍".into(),
            },
            Deed::Hide,
            Deed::Read,
        ];
        for deed in deeds.clone() {
            pending.keep(conversation, waiting(0, deed.clone()), &mut cx);
            pending.keep(conversation, waiting(0, deed), &mut cx);
        }
        let mut loaded = Pending::default();
        for write in &cx.step.persist.writes {
            let Write::Put(record) = write else { continue };
            let RecordKey {
                partition, sequence, ..
            } = &record.key;
            loaded.load(partition, *sequence, &record.value).unwrap();
        }
        let spot = Spot {
            conversation,
            about: waiting(0, Deed::Hide).about,
        };
        let found: Vec<Deed> = loaded
            .about(&spot)
            .into_iter()
            .map(|number| {
                loaded
                    .waiting
                    .get(&(conversation, number))
                    .unwrap()
                    .change
                    .deed
                    .clone()
            })
            .collect();
        assert_eq!(found, deeds, "each once, in order");
        for message in 1..=1_000 {
            pending.keep(conversation, waiting(message, Deed::Delete), &mut cx);
        }
        assert_eq!(pending.waiting.len(), MAX_IN_ONE);
        for other in 10..100 {
            for message in 1..=100 {
                pending.keep(
                    AccountId::new([other; 32]),
                    waiting(message, Deed::Delete),
                    &mut cx,
                );
            }
        }
        assert_eq!(pending.waiting.len(), MAX_IN_ALL);
        cx.now = Timestamp(10 + KEEP_MS);
        pending.forget_old(&mut cx);
        assert!(pending.waiting.is_empty() && pending.spots().is_empty());
    }

    /// P-351, T-135.
    #[test]
    fn nobody_crowds_out_what_others_did() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(10), &mut rng);
        let mut pending = Pending::default();
        let by = |person: u8, message: u16| {
            let mut waiting = waiting(message, Deed::Delete);
            waiting.change.by = AccountId::new([person; 32]);
            waiting
        };
        let of = |pending: &Pending, person: u8| {
            let is = |waiting: &&Waiting| waiting.change.by == AccountId::new([person; 32]);
            pending.waiting.values().filter(is).count()
        };
        let talk = |number: u8| AccountId::new([number; 32]);
        for message in 0..5 {
            pending.keep(talk(9), by(1, message), &mut cx);
        }
        for message in 0..1_000 {
            pending.keep(talk(9), by(2, message), &mut cx);
        }
        assert_eq!(pending.waiting.len(), MAX_IN_ONE);
        assert_eq!((of(&pending, 1), of(&pending, 2)), (5, MAX_IN_ONE - 5));
        let newest = pending.of(&talk(9)).last().map(|(_, waiting)| waiting.about);
        assert_eq!(newest, Some(by(2, 999).about), "of the flood the newest stay");
        // A third one finds room, and takes it from who floods.
        for message in 0..100 {
            pending.keep(talk(9), by(3, message), &mut cx);
        }
        assert_eq!((of(&pending, 1), of(&pending, 3)), (5, 100));
        // The same over all conversations: the one who fills many loses by it.
        for conversation in 10..100 {
            for message in 0..200 {
                pending.keep(talk(conversation), by(2, message), &mut cx);
            }
        }
        assert_eq!(pending.waiting.len(), MAX_IN_ALL);
        assert_eq!((of(&pending, 1), of(&pending, 3)), (5, 100));
        // Two who have as many: who comes last makes room.
        let mut pending = Pending::default();
        pending.keep(talk(9), by(3, 0), &mut cx);
        for message in 0..128 {
            pending.keep(talk(9), by(2, message), &mut cx);
        }
        for message in 0..300 {
            pending.keep(talk(9), by(1, message), &mut cx);
        }
        assert_eq!([1, 2, 3].map(|person| of(&pending, person)), [127, 128, 1]);
    }

    use crate::effect::RecordKey;
}
