//! The list of conversations: an order of keys, and one signal per row.

use chopar_engine::Map;
use std::sync::{Mutex, PoisonError};

use chopar_engine::view::Conversation;
use chopar_wire::AccountId;
use leptos::prelude::*;

/// The list. Rows change without the list noticing; the list changes only when the order does.
pub(crate) struct Chats {
    order: ArcRwSignal<Vec<AccountId>>,
    archived: ArcRwSignal<usize>,
    rows: Mutex<Map<AccountId, ArcRwSignal<Conversation>>>,
    /// The latest line that each conversation ever had: where it is removed, an older one becomes the last.
    newest: Mutex<Map<AccountId, u64>>,
}

impl Default for Chats {
    fn default() -> Self {
        Self {
            order: ArcRwSignal::new(Vec::new()),
            archived: ArcRwSignal::new(0),
            rows: Mutex::default(),
            newest: Mutex::default(),
        }
    }
}

impl Chats {
    /// How many at the end of the order are archived, tracked.
    pub(crate) fn archived(&self) -> usize {
        self.archived.get()
    }

    /// Peers, pinned ones first, archived ones last, else the latest first; tracked.
    pub(crate) fn order(&self) -> Vec<AccountId> {
        self.order.get()
    }

    /// The same without tracking, for keyboard walks.
    pub(crate) fn order_untracked(&self) -> Vec<AccountId> {
        self.order.get_untracked()
    }

    /// A row. Not tracked: whoever waits for a row to appear tracks [`Self::order`].
    pub(crate) fn row(&self, peer: AccountId) -> Option<ArcRwSignal<Conversation>> {
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&peer)
            .cloned()
    }

    /// Takes a new or changed row. Says whether its last line is one that was not there before.
    pub(crate) fn put(&self, conversation: Conversation) -> bool {
        let peer = conversation.peer;
        let arrived = self.note_newest(&conversation);
        match self.row(peer) {
            Some(row) => {
                if *row.read_untracked() != conversation {
                    row.set(conversation);
                }
            }
            None => {
                let row = ArcRwSignal::new(conversation);
                self.rows
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(peer, row);
            }
        }
        self.sort();
        arrived
    }

    fn note_newest(&self, conversation: &Conversation) -> bool {
        let Some(last) = conversation.last.as_ref().map(|line| line.sequence) else {
            return false;
        };
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = newest.insert(conversation.peer, last);
        if let Some(known) = known.filter(|known| *known > last) {
            newest.insert(conversation.peer, known);
        }
        known.is_none_or(|known| known < last)
    }

    /// Takes a row out.
    pub(crate) fn remove(&self, peer: AccountId) {
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&peer);
        self.sort();
    }

    /// Takes the whole list, as a snapshot brings it.
    pub(crate) fn replace(&self, conversations: Vec<Conversation>) {
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|peer, _| {
                conversations
                    .iter()
                    .any(|conversation| conversation.peer == *peer)
            });
        for conversation in conversations {
            self.put(conversation);
        }
        self.sort();
    }

    /// Holds nothing any more.
    pub(crate) fn forget(&self) {
        self.replace(Vec::new());
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn sort(&self) {
        let mut keys: Vec<_> = {
            let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            let key = |(peer, row): (&AccountId, &ArcRwSignal<Conversation>)| {
                let row = row.read_untracked();
                (!row.archived, row.pinned, row.time, *peer)
            };
            rows.iter().map(key).collect()
        };
        keys.sort_unstable_by(|one, other| other.cmp(one));
        let archived = keys.iter().filter(|(shown, ..)| !shown).count();
        if self.archived.get_untracked() != archived {
            self.archived.set(archived);
        }
        let order: Vec<AccountId> = keys.into_iter().map(|(.., peer)| peer).collect();
        if *self.order.read_untracked() != order {
            self.order.set(order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::view::Trust;
    use chopar_wire::Timestamp;

    fn conversation(id: u8, time: u64) -> Conversation {
        Conversation {
            peer: AccountId::new([id; 32]),
            name: String::new(),
            handle: String::new(),
            last: None,
            time: Timestamp(time),
            unread: 0,
            first_unread: None,
            draft: String::new(),
            trust: Trust::Unverified,
            alarm: None,
            group: false,
            muted: false,
            pinned: false,
            archived: false,
            blocked: false,
            timer: 0,
        }
    }

    #[test]
    fn pinned_ones_come_first_and_archived_ones_last() {
        let chats = Chats::default();
        let with = |id, time, pinned, archived| Conversation {
            pinned,
            archived,
            ..conversation(id, time)
        };
        chats.put(with(1, 40, false, true));
        chats.put(with(2, 30, false, false));
        chats.put(with(3, 10, true, false));
        let order = [3, 2, 1].map(|id| AccountId::new([id; 32]));
        assert_eq!(chats.order_untracked(), order);
        assert_eq!(chats.archived.get_untracked(), 1);
        chats.put(with(1, 50, false, false));
        assert_eq!(chats.archived.get_untracked(), 0);
        assert_eq!(chats.order_untracked()[1], AccountId::new([1; 32]));
    }

    #[test]
    fn the_latest_comes_first_and_a_snapshot_removes_what_is_gone() {
        let chats = Chats::default();
        chats.put(conversation(1, 10));
        chats.put(conversation(2, 20));
        assert_eq!(
            chats.order_untracked(),
            [AccountId::new([2; 32]), AccountId::new([1; 32])]
        );
        chats.put(conversation(1, 30));
        assert_eq!(chats.order_untracked()[0], AccountId::new([1; 32]));
        chats.replace(vec![conversation(2, 20)]);
        assert_eq!(chats.order_untracked(), [AccountId::new([2; 32])]);
        assert!(chats.row(AccountId::new([1; 32])).is_none());
    }
}
