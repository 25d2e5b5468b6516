//! People and groups: what a history file says of them, and how it is joined with what is known here. What is known here wins.

use chopar_identity::AccountLog;
use chopar_wire::{AccountId, GroupId, Timestamp};
use prost::Message;

use super::FIRST_LINE;
use super::records::{GroupHistory, HistoryRecord, Holds, PersonHistory};
use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::group::Group;
use crate::records::contact::{ContactRecord, TimerRecord};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::settings::Settings;
use crate::timer::Timer;
use crate::trust::{trust_from, trust_number};
use crate::view::Trust;

impl Engine {
    /// A person or a group as the file has them.
    pub(super) fn exported_party(&self, account: &AccountId) -> Option<Vec<u8>> {
        let contact = self.contacts.get(account)?;
        let (id, state) = (account.as_bytes().to_vec(), Some(exported(contact)));
        let group = self.groups.of(account).and_then(|id| self.groups.get(&id));
        let holds = match group {
            Some(group) => Holds::Group(GroupHistory {
                conversation: id,
                state,
                group: Some(group.exported()),
            }),
            None => Holds::Person(PersonHistory {
                account: id,
                state,
                log: contact
                    .log
                    .as_ref()
                    .map(|log| log.entries(0).to_vec())
                    .unwrap_or_default(),
            }),
        };
        let record = HistoryRecord { holds: Some(holds) };
        Some(record.encode_to_vec())
    }

    pub(super) fn take_person(
        &mut self,
        person: PersonHistory,
        cx: &mut Context<'_>,
    ) -> Result<(), RecordError> {
        let bad = ContactRecord::bad;
        let account = AccountId::try_from(person.account.as_slice()).map_err(|_| bad("account"))?;
        let state = person.state.ok_or(bad("state"))?;
        let trust = trust_from(state.trust).ok_or(bad("trust"))?;
        // The own log is read from the relay, and a group is no person.
        if self.is_own(&account) || self.groups.of(&account).is_some() {
            return Ok(());
        }
        self.take_state(account, state, cx)?;
        if person.log.is_empty() {
            return Ok(());
        }
        let Ok(then) = AccountLog::verify(&account, &person.log) else {
            return Err(bad("log"));
        };
        if self.take_carried(account, &person.log, cx) {
            self.take_trust(account, trust, &then, cx);
        }
        Ok(())
    }

    /// A mark that a safety number was compared holds for the key of then. Where it is another one by now, a person decides.
    fn take_trust(&mut self, account: AccountId, trust: Trust, then: &AccountLog, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let same = contact
            .log
            .as_ref()
            .is_some_and(|log| log.account_key() == then.account_key());
        if contact.trust == Trust::Unverified && trust != Trust::Unverified {
            contact.trust = if same { trust } else { Trust::Changed };
            cx.touch(account);
            self.refresh_held(account, cx);
        }
    }

    pub(super) fn take_group(
        &mut self,
        group: GroupHistory,
        cx: &mut Context<'_>,
    ) -> Result<(), RecordError> {
        let bad = ContactRecord::bad;
        let conversation = AccountId::try_from(group.conversation.as_slice()).map_err(|_| bad("group"))?;
        let id = GroupId::new(*conversation.as_bytes());
        let state = group.state.ok_or(bad("state"))?;
        let person = self.contacts.get(&conversation).is_some_and(|c| !c.group);
        if person || self.is_own(&conversation) {
            return Err(bad("group"));
        }
        if self.groups.get(&id).is_none() {
            let record = group.group.ok_or(bad("group"))?;
            let mut new = Group::imported(id, &record)?;
            new.since = cx.now;
            new.want(cx.now);
            self.groups.all.insert(id, new);
            self.groups.touch(&id);
        }
        self.take_state(conversation, state, cx)?;
        if let Some(contact) = self.contacts.get_mut(&conversation) {
            contact.group = true;
        }
        self.groups.refresh_fellows();
        Ok(())
    }

    fn take_state(
        &mut self,
        account: AccountId,
        state: ContactRecord,
        cx: &mut Context<'_>,
    ) -> Result<(), RecordError> {
        if state.schema != SCHEMA {
            return Err(ContactRecord::of_version(state.schema));
        }
        let contact = self
            .contacts
            .entry(account)
            .or_insert_with(|| Contact::new(account, Timestamp(state.time)));
        if contact.display_name.is_empty() {
            contact.display_name = state.display_name;
            contact.introduced = state.introduced;
        }
        contact.settings.merge(Settings::from_records(&state.settings));
        if let Some(timer) = state.timer {
            contact.timer = contact.timer.max(Timer {
                number: timer.number,
                seconds: timer.seconds,
            });
        }
        if contact.next_line == 0 && state.next_line > 0 {
            contact.next_line = FIRST_LINE;
        }
        cx.touch(account);
        // The relay's claim of then: the directory is asked whether it still is.
        self.presented_handle(account, &state.handle, cx);
        if state.accepted {
            self.accepted_elsewhere(account, cx);
        }
        Ok(())
    }
}

/// Without what is owed and known between devices: another device begins anew there.
fn exported(contact: &Contact) -> ContactRecord {
    ContactRecord {
        schema: SCHEMA,
        handle: contact.handle.clone(),
        display_name: contact.display_name.clone(),
        introduced: contact.introduced,
        trust: trust_number(contact.trust),
        accepted: contact.accepted,
        next_line: u64::from(contact.next_line > 0),
        time: contact.time.0,
        settings: contact.settings.records(),
        timer: (contact.timer.number > 0).then_some(TimerRecord {
            seconds: contact.timer.seconds,
            number: contact.timer.number,
        }),
        ..ContactRecord::default()
    }
}
