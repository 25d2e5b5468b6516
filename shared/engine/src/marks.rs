//! Lines about which something is still open: own ones until they are read, theirs until they are seen.
//!
//! Lines themselves are not in memory. Marks are what receipts, unread counts and idempotent sending need of them, stored in
//! blocks of [`BLOCK`] sequences, so that a tick rewrites a small record.

use std::collections::HashMap;

use chopar_wire::{AccountId, MessageId, Timestamp};

use crate::context::Context;
use crate::line::{Progress, held_from, held_number, state_from, state_number};
use crate::map::Map;
use crate::records::contact::{MARKS, MarkRecord, MarksRecord};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::set::Set;

/// Sequences in one record: about 2 KB.
const BLOCK: u64 = 64;
/// Marks of one conversation, at most: a peer without receipts leaves all own lines open. The oldest go first, and with them
/// only their ticks.
const MAX: usize = 4096;

/// What is open about one line.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) id: MessageId,
    pub(crate) time: Timestamp,
    pub(crate) whose: Whose,
    /// Whose message it is, where that is not the person of the conversation: in a group.
    pub(crate) author: Option<AccountId>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Whose {
    Theirs,
    Own(Progress),
}

/// The marks of one conversation.
#[derive(Default)]
pub(crate) struct Marks {
    by_line: Map<u64, Mark>,
    own: HashMap<MessageId, u64>,
    unread: Set<u64>,
    theirs: HashMap<MessageId, u64>,
    dirty: Set<u64>,
}

impl Marks {
    pub(crate) fn load(&mut self, value: &[u8]) -> Result<(), RecordError> {
        for mark in MarksRecord::read(value)?.marks {
            let id = MessageId::try_from(mark.id.as_slice()).map_err(|_| MarksRecord::bad("id"))?;
            let whose = match mark.state.checked_sub(1) {
                None => Whose::Theirs,
                Some(state) => Whose::Own(Progress {
                    state: state_from(state),
                    held: held_from(mark.held),
                }),
            };
            self.index(
                mark.sequence,
                Mark {
                    id,
                    time: Timestamp(mark.time),
                    whose,
                    author: AccountId::try_from(mark.author.as_slice()).ok(),
                },
            );
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, line: u64, mark: Mark) {
        self.index(line, mark);
        self.dirty.insert(line / BLOCK);
        while self.by_line.len() > MAX {
            let Some(oldest) = self.by_line.keys().next().copied() else {
                break;
            };
            self.remove(oldest);
        }
    }

    pub(crate) fn remove(&mut self, line: u64) {
        if let Some(mark) = self.by_line.remove(&line) {
            let of_whose = match mark.whose {
                Whose::Theirs => &mut self.theirs,
                Whose::Own(_) => &mut self.own,
            };
            // Two people may give their messages one id.
            if of_whose.get(&mark.id) == Some(&line) {
                of_whose.remove(&mark.id);
            }
            self.unread.remove(&line);
            self.dirty.insert(line / BLOCK);
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        let blocks = self.by_line.keys().map(|line| line / BLOCK);
        self.dirty.extend(blocks);
        self.by_line.clear();
        self.own.clear();
        self.theirs.clear();
        self.unread.clear();
    }

    /// The line of an own message that is still open.
    pub(crate) fn own_line(&self, id: &MessageId) -> Option<u64> {
        self.own.get(id).copied()
    }

    pub(crate) fn progress(&self, line: u64) -> Option<Progress> {
        match self.by_line.get(&line)?.whose {
            Whose::Own(progress) => Some(progress),
            Whose::Theirs => None,
        }
    }

    /// Sets how far an own line has come. Returns whether that changed anything.
    pub(crate) fn set(&mut self, line: u64, progress: Progress) -> bool {
        let Some(mark) = self.by_line.get_mut(&line) else {
            return false;
        };
        if mark.whose == Whose::Own(progress) {
            return false;
        }
        mark.whose = Whose::Own(progress);
        self.dirty.insert(line / BLOCK);
        true
    }

    pub(crate) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// The line of a message of theirs that is unread; of several with one id, in a group, the latest.
    pub(crate) fn unread_line(&self, id: &MessageId) -> Option<u64> {
        self.theirs.get(id).copied()
    }

    pub(crate) fn first_unread(&self) -> Option<u64> {
        self.unread.first().copied()
    }

    /// Takes their lines up to and including `up_to` as seen; returns the messages, with their authors in a group.
    pub(crate) fn read(&mut self, up_to: u64) -> Vec<(MessageId, Option<AccountId>)> {
        let lines: Vec<u64> = self.unread.range(..=up_to).copied().collect();
        let ids = lines
            .iter()
            .filter_map(|line| self.by_line.get(line).map(|mark| (mark.id, mark.author)))
            .collect();
        for line in lines {
            self.remove(line);
        }
        ids
    }

    /// Takes one of their lines as seen; whether it was not before.
    pub(crate) fn saw(&mut self, line: u64) -> bool {
        let unseen = self.unread.contains(&line);
        if unseen {
            self.remove(line);
        }
        unseen
    }

    /// Forgets own lines made before `before` whose ticks will not move any more. Returns whether there were any.
    pub(crate) fn forget(&mut self, before: Timestamp) -> bool {
        let old: Vec<u64> = self
            .by_line
            .iter()
            .take_while(|(_, mark)| mark.time < before)
            .filter(|(_, mark)| matches!(mark.whose, Whose::Own(p) if p.held.is_none()))
            .map(|(line, _)| *line)
            .collect();
        let any = !old.is_empty();
        for line in old {
            self.remove(line);
        }
        any
    }

    /// Writes the blocks that changed.
    pub(crate) fn save(&mut self, account: &AccountId, cx: &mut Context<'_>) {
        for block in std::mem::take(&mut self.dirty) {
            let range = block * BLOCK..(block + 1) * BLOCK;
            let marks: Vec<MarkRecord> = self
                .by_line
                .range(range)
                .map(|(line, mark)| record(*line, mark))
                .collect();
            if marks.is_empty() {
                cx.delete::<MarksRecord>(account.as_bytes(), MARKS + block);
            } else {
                cx.put(
                    account.as_bytes(),
                    MARKS + block,
                    &MarksRecord {
                        schema: SCHEMA,
                        marks,
                    },
                );
            }
        }
    }

    fn index(&mut self, line: u64, mark: Mark) {
        match mark.whose {
            Whose::Theirs => {
                self.unread.insert(line);
                self.theirs.insert(mark.id, line);
            }
            Whose::Own(_) => {
                self.own.insert(mark.id, line);
            }
        }
        self.by_line.insert(line, mark);
    }
}

fn record(sequence: u64, mark: &Mark) -> MarkRecord {
    let (state, held) = match mark.whose {
        Whose::Theirs => (0, 0),
        Whose::Own(progress) => (1 + state_number(progress.state), held_number(progress.held)),
    };
    MarkRecord {
        sequence,
        id: mark.id.as_bytes().to_vec(),
        state,
        time: mark.time.0,
        held,
        author: mark.author.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::effect::Write;
    use crate::view::SentState;

    fn id(n: u64) -> MessageId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        MessageId::new(bytes)
    }

    #[test]
    fn blocks_hold_what_is_open_and_vanish_with_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(0), &mut rng);
        let account = AccountId::new([1; 32]);
        let mut marks = Marks::default();
        for line in 1..=100 {
            let whose = if line % 2 == 0 {
                Whose::Theirs
            } else {
                Whose::Own(Progress::WAITING)
            };
            marks.insert(
                line,
                Mark {
                    id: id(line),
                    time: Timestamp(line),
                    whose,
                    author: None,
                },
            );
        }
        assert_eq!((marks.unread(), marks.first_unread()), (50, Some(2)));
        marks.save(&account, &mut cx);
        assert_eq!(cx.step.persist.writes.len(), 2);

        let mut loaded = Marks::default();
        for write in &cx.step.persist.writes {
            let Write::Put(record) = write else {
                panic!("both blocks hold something")
            };
            loaded.load(&record.value).unwrap();
        }
        assert_eq!(loaded.unread(), 50);
        assert_eq!(loaded.own_line(&id(99)), Some(99));
        assert_eq!(
            (loaded.unread_line(&id(98)), loaded.unread_line(&id(99))),
            (Some(98), None)
        );
        assert!(loaded.set(
            99,
            Progress {
                state: SentState::Sent,
                held: None
            }
        ));
        assert!(!loaded.set(
            99,
            Progress {
                state: SentState::Sent,
                held: None
            }
        ));

        assert_eq!(loaded.read(4), vec![(id(2), None), (id(4), None)]);
        assert_eq!(loaded.unread_line(&id(4)), None);
        assert!(loaded.saw(6) && loaded.unread_line(&id(6)).is_none());
        assert_eq!(loaded.read(1000).len(), 47);
        assert!(loaded.forget(Timestamp(1000)) && !loaded.forget(Timestamp(1000)));
        cx.step.persist.writes.clear();
        loaded.save(&account, &mut cx);
        assert!(
            cx.step
                .persist
                .writes
                .iter()
                .all(|w| matches!(w, Write::Delete(_)))
        );
    }

    #[test]
    fn the_number_of_marks_is_bounded() {
        let mut marks = Marks::default();
        for line in 1..=MAX as u64 + 10 {
            marks.insert(
                line,
                Mark {
                    id: id(line),
                    time: Timestamp(0),
                    whose: Whose::Theirs,
                    author: None,
                },
            );
        }
        assert_eq!((marks.unread(), marks.first_unread()), (MAX, Some(11)));
        assert_eq!(
            (marks.unread_line(&id(10)), marks.unread_line(&id(11))),
            (None, Some(11))
        );
    }
}
