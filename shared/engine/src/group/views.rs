//! What is shown of groups.

use chopar_wire::{AccountId, MessageId};

use super::epochs::left_out;
use super::state::RosterAlarm;
use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::view::{GroupMember, GroupTrouble, GroupView, MemberState};

impl Engine {
    /// From now on acknowledgements and receipts go to a group's members.
    pub(crate) fn accept_group(&mut self, conversation: &AccountId, cx: &mut Context<'_>) {
        let Some(id) = self.groups.of(conversation) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&id).filter(|group| !group.accepted) else {
            return;
        };
        group.accepted = true;
        self.groups.touch(&id);
        self.groups.refresh_fellows();
        for account in self.groups.fellows.clone() {
            self.schedule_owed(account, cx);
        }
    }

    /// A group's page.
    pub(crate) fn show_group(&mut self, asked: u64, conversation: AccountId, cx: &mut Context<'_>) {
        match self.group_view(&conversation) {
            Some(view) => cx.answer(asked, Answer::Group(Box::new(view))),
            None => cx.fail(asked, Failure::NotFound),
        }
    }

    /// A group's picture.
    pub(crate) fn show_group_picture(&self, asked: u64, conversation: &AccountId, cx: &mut Context<'_>) {
        let group = self.groups.of(conversation).and_then(|id| self.groups.get(&id));
        match group.and_then(|group| group.roster.as_ref()) {
            Some(roster) => cx.answer(asked, Answer::GroupPicture(roster.settings().picture.clone())),
            None => cx.fail(asked, Failure::NotFound),
        }
    }

    /// What people are called, also those who are no members any more: in their own words, else in those of who let them into a
    /// group.
    pub(crate) fn names(&self, accounts: &[AccountId]) -> Vec<(AccountId, String)> {
        let known = accounts.iter().filter_map(|account| {
            let own = self.contacts.get(account).map(|contact| &contact.display_name);
            let rosters = self.groups.all.values().filter_map(|group| group.roster.as_ref());
            let mut added = rosters.filter_map(|roster| Some(&roster.member(account)?.display_name));
            let own = own.filter(|name| !name.is_empty());
            let name = own.or_else(|| added.find(|name| !name.is_empty()))?;
            Some((*account, name.clone()))
        });
        known.collect()
    }

    fn group_view(&self, conversation: &AccountId) -> Option<GroupView> {
        let group = self.groups.get(&self.groups.of(conversation)?)?;
        let roster = group.roster.as_ref()?;
        let own = self.own.as_ref()?;
        let members = roster.members().map(|(account, member)| {
            let this = *account == own.account;
            let contact = self.contacts.get(account);
            let (name, handle) = match contact {
                _ if this => (own.display_name.as_str(), own.handle.as_str()),
                Some(contact) => (contact.display_name.as_str(), contact.handle.as_str()),
                None => ("", ""),
            };
            // Their own words come before those of who added them.
            let or = |own: &str, added: &str| if own.is_empty() { added } else { own }.to_owned();
            let trouble = contact.filter(|_| !this);
            GroupMember {
                account: *account,
                name: or(name, &member.display_name),
                handle: or(handle, &member.handle),
                admin: roster.is_admin(account),
                this,
                trust: contact.map_or(crate::view::Trust::Unverified, |c| c.trust),
                alarm: contact.and_then(|c| c.alarm),
                left_out: trouble.is_some_and(|c| left_out(c.alarm, c.trust, c.unreachable)),
            }
        });
        let settings = roster.settings();
        Some(GroupView {
            conversation: *conversation,
            name: settings.name.as_str().to_owned(),
            picture: settings.picture.clone(),
            admins_only: settings.admins_only,
            timer_seconds: settings.timer_seconds,
            members: members.collect(),
            over: group.over,
            trouble: match &group.alarm {
                None => None,
                Some(RosterAlarm::Withheld) => Some(GroupTrouble::Withheld),
                Some(RosterAlarm::Forked(signers)) => Some(GroupTrouble::Forked {
                    signers: signers.clone(),
                }),
            },
        })
    }

    /// Who has an own message, and who has read it.
    pub(crate) fn message_states(
        &mut self,
        asked: u64,
        conversation: AccountId,
        message: MessageId,
        cx: &mut Context<'_>,
    ) {
        let own = self.own.as_ref().map(|own| own.account);
        let row = self.groups.of(&conversation).and_then(|_| {
            let (group, number) = self.groups.row_of(&message)?;
            self.groups.row(&group, number)
        });
        let Some(row) = row else {
            return cx.fail(asked, Failure::NotFound);
        };
        let others = row.to.iter().filter(|to| Some(to.account) != own);
        let states = others
            .map(|to| MemberState {
                account: to.account,
                state: to.state,
            })
            .collect();
        cx.answer(asked, Answer::MessageStates(states));
    }
}
