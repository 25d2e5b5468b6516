//! People who have written and whom nobody here has answered or looked at: anybody can make up any number of accounts, so what
//! is kept of them is bounded, and whom one speaks with comes first everywhere.
//!
//! Nobody loses anything by it for good: a stranger gets no acknowledgement, so what is dropped here is sent again after a day.

use std::collections::HashSet;

use chopar_wire::{AccountId, DeviceId};

use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::event::Event;
use crate::history::FIRST_LINE;
use crate::places::Spot;
use crate::records::contact::{ContactRecord, LOG, LogRecord, STATE};
use crate::records::line::{DeliveryRecord, LineRecord};
use crate::seen::SeenId;
use crate::view::{Held, Reference};

/// Strangers kept: more conversations than anybody leaves unopened. Their sessions are 3,000 at most, with eight devices each.
const MAX_STRANGERS: usize = 128;
/// Sessions with one device of a stranger that stay readable besides the sending one.
const MAX_OLDER_OF_STRANGER: usize = 2;

impl Engine {
    /// Makes room after a stranger's device began a session: the oldest go, those first of whom the relay says that they do
    /// not exist.
    pub(crate) fn bound_strangers(&mut self, newcomer: AccountId, device: DeviceId, cx: &mut Context<'_>) {
        if self.speaks_to(&newcomer) {
            return;
        }
        self.sessions.keep_newest(&device, MAX_OLDER_OF_STRANGER, cx);
        if self.has_to_do_with(&newcomer) {
            return;
        }
        let mut strangers: Vec<_> = self
            .contacts
            .values()
            .filter(|c| c.log.is_some() && c.account != newcomer && !self.has_to_do_with(&c.account))
            .map(|c| (c.unreachable != Some(Held::NoSuchAccount), c.time, c.account))
            .collect();
        let surplus = (strangers.len() + 1).saturating_sub(MAX_STRANGERS);
        strangers.sort_unstable();
        for (_, _, account) in strangers.into_iter().take(surplus) {
            self.forget_person(account, cx);
        }
    }

    /// Whether this is no stranger: somebody one speaks with, or of whom one decided something. Whoever is blocked stays known,
    /// with all that was said; else others could push the block out.
    fn has_to_do_with(&self, account: &AccountId) -> bool {
        self.speaks_to(account) || self.contacts.get(account).is_some_and(Contact::is_decided)
    }

    /// As if they had never been heard of.
    pub(crate) fn forget_person(&mut self, account: AccountId, cx: &mut Context<'_>) {
        for key in self.sessions.of_account(&account, |_| true) {
            self.sessions.remove(key, cx);
        }
        let Some(mut contact) = self.contacts.remove(&account) else {
            return;
        };
        self.logs_wanted.remove(&account);
        self.typing_until.remove(&account);
        for key in self.outbox.of(&account) {
            self.outbox.remove(key, cx);
        }
        // Of a stranger's lines none was looked at, so their marks name every message. What comes again is news.
        let mut taken = HashSet::new();
        for (id, author) in contact.marks.read(u64::MAX) {
            let author = author.unwrap_or(account);
            taken.insert(SeenId::message(&author, &id));
            let about = Reference { author, id };
            let conversation = account;
            self.places.remove(Spot { conversation, about }, cx);
        }
        self.seen.forget(&taken);
        self.pending.drop_all(account, cx);
        contact.marks.clear();
        contact.marks.save(&account, cx);
        cx.delete::<ContactRecord>(account.as_bytes(), STATE);
        cx.delete::<LogRecord>(account.as_bytes(), LOG);
        // Those of before there was room below begin with 1.
        let first = if contact.next_line < FIRST_LINE {
            1
        } else {
            FIRST_LINE
        };
        for line in first..contact.next_line {
            self.lines.remove((account, line));
            self.expiring.remove(account, line, cx);
            cx.delete::<LineRecord>(account.as_bytes(), line);
            cx.delete::<DeliveryRecord>(account.as_bytes(), line);
        }
        cx.forget(account);
        if contact.next_line > 0 {
            cx.tell(Event::ConversationGone(account));
        }
    }
}
