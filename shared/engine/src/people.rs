//! Finding people, opening conversations, accepting them, drafts.

use chopar_e2ee::safety_number::{SafetyNumber, ScanError};
use chopar_identity::{DisplayName, Handle};
use chopar_wire::AccountId;
use chopar_wire::proto::content::{Copy, Payload, payload};
use chopar_wire::proto::relay::People;
use prost::Message;

use crate::claims::{self, Named};
use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::outbox::Until;
use crate::records::SCHEMA;
use crate::records::line::DraftRecord;
use crate::view::{Notice, PersonFound, Trust};

/// A draft in bytes; longer is cut by nobody but refused.
const MAX_DRAFT: usize = 64 * 1024;

impl Engine {
    pub(crate) fn on_people(&mut self, asked: u64, people: &People, cx: &mut Context<'_>) {
        let found: Vec<PersonFound> = claims::people(&people.people)
            .into_iter()
            .filter_map(|person| self.found(person, cx))
            .collect();
        cx.answer(asked, Answer::People(found));
    }

    /// What the directory says about one person. A handle that a contact of another account had is told in that contact's
    /// conversation, once.
    fn found(&mut self, person: Named, cx: &mut Context<'_>) -> Option<PersonFound> {
        let account = person.account;
        if self.own.as_ref().is_some_and(|own| own.account == account) {
            return None;
        }
        let before: Vec<AccountId> = self
            .contacts
            .values()
            .filter(|c| c.account != account && !c.handle.is_empty() && c.handle == person.handle)
            .map(|c| c.account)
            .collect();
        for old in &before {
            let Some(contact) = self.contacts.get_mut(old).filter(|c| !c.handle_moved) else {
                continue;
            };
            contact.handle_moved = true;
            cx.touch(*old);
            self.conversation_notice(
                *old,
                &Notice::HandleMoved {
                    handle: person.handle.clone(),
                },
                cx,
            );
        }
        Some(PersonFound {
            account,
            handle: person.handle,
            display_name: person.display_name,
            was_somebody_else: !before.is_empty(),
        })
    }

    pub(crate) fn open_conversation(
        &mut self,
        asked: u64,
        peer: AccountId,
        handle: &str,
        display_name: &str,
        cx: &mut Context<'_>,
    ) {
        if self.own.as_ref().is_some_and(|own| own.account == peer) {
            return cx.fail(asked, Failure::NotFound);
        }
        if self.groups.of(&peer).is_some() {
            self.accept_contact(peer, cx);
            return match self.contacts.get(&peer).and_then(Contact::row) {
                Some(row) => cx.answer(asked, Answer::Conversation(row)),
                None => cx.fail(asked, Failure::NotFound),
            };
        }
        let contact = self
            .contacts
            .entry(peer)
            .or_insert_with(|| Contact::new(peer, cx.now));
        if let Ok(handle) = Handle::parse(handle) {
            handle.as_str().clone_into(&mut contact.handle);
        }
        if let Ok(name) = DisplayName::parse(display_name)
            && !contact.introduced
        {
            name.as_str().clone_into(&mut contact.display_name);
        }
        cx.touch(peer);
        self.begin_conversation(peer, cx);
        self.accept_contact(peer, cx);
        if self.log(&peer).is_none() {
            self.want_log(peer, cx.now);
        }
        match self.contacts.get(&peer).and_then(Contact::row) {
            Some(row) => cx.answer(asked, Answer::Conversation(row)),
            None => cx.fail(asked, Failure::NotFound),
        }
    }

    /// From now on acknowledgements and receipts go to this person.
    pub(crate) fn accept_contact(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get_mut(&account).filter(|c| !c.accepted) else {
            return;
        };
        contact.accepted = true;
        cx.contacts.insert(account);
        self.schedule_owed(account, cx);
        self.accept_group(&account, cx);
        // The own other devices acknowledge what they get from this person too. A copy without content says just that.
        let copied = Copy {
            peer: account.into(),
            content: None,
        };
        self.tell_own_devices(copied, cx);
    }

    /// Another own device accepted this person; it told the others itself.
    pub(crate) fn accepted_elsewhere(&mut self, account: AccountId, cx: &mut Context<'_>) {
        if let Some(contact) = self.contacts.get_mut(&account).filter(|c| !c.accepted) {
            contact.accepted = true;
            cx.contacts.insert(account);
            self.schedule_owed(account, cx);
            self.accept_group(&account, cx);
        }
    }

    /// Tells the own other devices, if there are any.
    pub(crate) fn tell_own_devices(&mut self, copied: Copy, cx: &mut Context<'_>) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        if self.own_others(&own).next().is_none() {
            return;
        }
        let row = Payload {
            content: Some(payload::Content::Copy(copied)),
            ..Payload::default()
        };
        self.outbox
            .push(own, row.encode_to_vec(), None, Until::Acknowledged, cx);
    }

    pub(crate) fn save_draft(&mut self, asked: u64, account: AccountId, text: String, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get_mut(&account).filter(|c| c.next_line > 0) else {
            return cx.fail(asked, Failure::NotFound);
        };
        if text.len() > MAX_DRAFT {
            return cx.fail(asked, Failure::TextLength);
        }
        if contact.draft != text {
            if text.is_empty() {
                cx.delete::<DraftRecord>(account.as_bytes(), 0);
            } else {
                cx.put(
                    account.as_bytes(),
                    0,
                    &DraftRecord {
                        schema: SCHEMA,
                        text: text.clone(),
                    },
                );
            }
            contact.draft = text;
            cx.rows.insert(account);
        }
        cx.answer(asked, Answer::Done);
    }

    /// `None` while one of the two logs is not known.
    pub(crate) fn safety_number(&self, peer: &AccountId) -> Option<SafetyNumber> {
        let own = self.own.as_ref()?.account;
        let (ours, theirs) = (self.log(&own)?, self.log(peer)?);
        Some(SafetyNumber::new(
            (&own, ours.account_key()),
            (peer, theirs.account_key()),
        ))
    }

    pub(crate) fn compare_qr(&mut self, asked: u64, peer: AccountId, payload: &[u8], cx: &mut Context<'_>) {
        let Some(number) = self.safety_number(&peer) else {
            return cx.fail(asked, Failure::NotFound);
        };
        match number.confirm(payload) {
            Ok(()) => {
                self.decide_trust(peer, Trust::Verified, cx);
                cx.answer(asked, Answer::Done);
            }
            Err(ScanError::NotASafetyNumber | ScanError::Version { .. }) => {
                cx.fail(asked, Failure::NotASafetyNumber);
            }
            Err(_) => cx.fail(asked, Failure::SafetyNumberMismatch),
        }
    }
}
