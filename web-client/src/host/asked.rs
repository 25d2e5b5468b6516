//! Which intents wait for an answer, and where it belongs.

use chopar_engine::Map;
use std::collections::VecDeque;

use crate::port::ToWorker;

/// Intents of one tab that may wait at once. A person cannot come near it; a broken page shall not fill the memory.
const MAX_ASKING: usize = 1024;

/// What the own tab asked without an answer: intents, and what is about files. They outlive an owner: the next one is asked again, in the same order. An
/// intent that the owner before had carried out without having said so is carried out twice; sending is safe from that
/// because the tab chooses the message's id.
#[derive(Default)]
pub(super) struct Asking {
    waiting: VecDeque<(u64, ToWorker)>,
}

impl Asking {
    /// Remembers an intent; `false` where too many wait already.
    #[must_use]
    pub(super) fn add(&mut self, id: u64, asked: &ToWorker) -> bool {
        let room = self.waiting.len() < MAX_ASKING;
        if room {
            self.waiting.push_back((id, asked.clone()));
        }
        room
    }

    /// Its answer has come; `false` where it was not one of ours.
    pub(super) fn answered(&mut self, id: u64) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(asked, _)| *asked != id);
        self.waiting.len() < before
    }

    /// All of them with their ids, oldest first.
    pub(super) fn all(&self) -> Vec<(u64, ToWorker)> {
        self.waiting.iter().cloned().collect()
    }
}

/// Where an owner's intents came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The owner's own tab.
    Here,
    /// Another tab.
    Elsewhere,
}

/// Intents that an owner's engine has taken and not answered.
#[derive(Default)]
pub(super) struct Taken {
    by_id: Map<u64, From>,
}

impl Taken {
    /// Notes an intent; `false` where it is under way already (a follower asks again when it hears of an owner).
    #[must_use]
    pub(super) fn add(&mut self, id: u64, from: From) -> bool {
        let fresh = !self.by_id.contains_key(&id);
        if fresh {
            self.by_id.insert(id, from);
        }
        fresh
    }

    /// Its answer is there: where it belongs.
    pub(super) fn answered(&mut self, id: u64) -> Option<From> {
        self.by_id.remove(&id)
    }

    /// All of them, taken out.
    pub(super) fn drain(&mut self) -> Map<u64, From> {
        core::mem::take(&mut self.by_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::{Asked, Intent};

    fn asked(id: u64) -> ToWorker {
        let intent = Intent::Snapshot;
        ToWorker::Asked(Asked { id, intent })
    }

    #[test]
    fn what_is_answered_is_not_asked_again_and_the_rest_keeps_its_order() {
        let mut asking = Asking::default();
        for id in [5, 3, 9] {
            assert!(asking.add(id, &asked(id)));
        }
        assert!(asking.answered(3));
        assert!(!asking.answered(3));
        assert!(!asking.answered(4));
        assert_eq!(
            asking.all().into_iter().map(|(id, _)| id).collect::<Vec<_>>(),
            [5, 9]
        );
    }

    #[test]
    fn a_tab_cannot_fill_the_memory() {
        let mut asking = Asking::default();
        assert!((0..MAX_ASKING as u64).all(|id| asking.add(id, &asked(id))));
        assert!(!asking.add(u64::MAX, &asked(u64::MAX)));
    }

    #[test]
    fn an_intent_under_way_is_not_taken_twice() {
        let mut taken = Taken::default();
        assert!(taken.add(1, From::Elsewhere));
        assert!(!taken.add(1, From::Elsewhere));
        assert_eq!(taken.answered(1), Some(From::Elsewhere));
        assert_eq!(taken.answered(1), None);
        assert!(taken.add(1, From::Here));
        assert_eq!(taken.drain().into_iter().collect::<Vec<_>>(), [(1, From::Here)]);
        assert!(taken.drain().is_empty());
    }
}
