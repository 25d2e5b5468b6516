//! The groups that are shown, and what people are called in a conversation.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chopar_engine::view::{Conversation, GroupView};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::App;

/// What the engine last said of each group that was shown.
#[derive(Default)]
pub(crate) struct Groups {
    views: Mutex<BTreeMap<AccountId, ArcRwSignal<Option<GroupView>>>>,
    /// The names of people who are no members any more and are still named.
    former: Mutex<BTreeMap<AccountId, ArcRwSignal<String>>>,
}

impl Groups {
    /// The signal of a group, and whether it was made just now.
    fn signal(&self, group: AccountId) -> (ArcRwSignal<Option<GroupView>>, bool) {
        let mut all = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = !all.contains_key(&group);
        let signal = all.entry(group).or_insert_with(|| ArcRwSignal::new(None));
        (signal.clone(), fresh)
    }

    fn shown(&self) -> Vec<AccountId> {
        let all = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        all.keys().copied().collect()
    }
}

impl App {
    /// What is known of a group; asked for where it is not known yet.
    pub(crate) fn group(self, group: AccountId) -> ArcRwSignal<Option<GroupView>> {
        let (signal, fresh) = self.groups.signal(group);
        if fresh {
            self.group_changed(group);
        }
        signal
    }

    /// Asks how a group is now. Why that is not known, if so.
    pub(crate) async fn look_at_group(self, group: AccountId) -> Option<Failure> {
        let view = match self.client.ask(Intent::Group { conversation: group }).await {
            Answer::Group(view) => *view,
            Answer::Failed(failure) => return Some(failure),
            _ => return Some(Failure::Browser),
        };
        let (signal, _) = self.groups.signal(group);
        // A page that says the same is not built again: the keyboard may be on one of its buttons.
        if signal.read_untracked().as_ref() != Some(&view) {
            signal.set(Some(view));
        }
        None
    }

    /// Somebody changed a group: looked at again where it is shown.
    pub(crate) fn group_changed(self, group: AccountId) {
        if self.groups.shown().contains(&group) {
            spawn_local(async move {
                // Where it is not known now the page of the group says so when it is opened.
                let _ = self.look_at_group(group).await;
            });
        }
    }

    /// What somebody is called who said something in the conversation with this row; not tracked.
    pub(crate) fn name_in(self, row: &ArcRwSignal<Conversation>, author: Option<AccountId>) -> String {
        let row = row.read_untracked();
        let group = row.group.then(|| self.group(row.peer));
        let view = group.as_ref().map(|group| group.read_untracked());
        let members = view
            .as_ref()
            .and_then(|view| view.as_ref())
            .map(|view| &view.members);
        let member = members.and_then(|members| members.iter().find(|member| Some(member.account) == author));
        member.map_or_else(|| row.name.clone(), |member| member.name.clone())
    }

    /// The name of somebody who is no member any more, tracked; "Somebody" until it is known.
    fn former(self, account: AccountId) -> String {
        let (signal, fresh) = {
            let mut all = self.groups.former.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = !all.contains_key(&account);
            let nobody = || ArcRwSignal::new(self.texts().group_somebody().to_owned());
            (all.entry(account).or_insert_with(nobody).clone(), fresh)
        };
        if fresh {
            let signal = signal.clone();
            spawn_local(async move {
                let accounts = vec![account];
                if let Answer::Names(names) = self.client.ask(Intent::Names { accounts }).await
                    && let Some((_, name)) = names.into_iter().next()
                {
                    signal.set(name);
                }
            });
        }
        signal.get()
    }

    /// The engine began anew: it may know more of every group.
    pub(crate) fn groups_changed(self) {
        for group in self.groups.shown() {
            self.group_changed(group);
        }
    }
}

/// Whether this account may change a group as it is now.
pub(crate) fn may_change(group: &GroupView) -> bool {
    !group.over && group.trouble.is_none() && group.members.iter().any(|member| member.this && member.admin)
}

/// What people are called in one conversation.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    app: App,
    title: Memo<String>,
    /// The members of a group.
    members: Option<Memo<Option<BTreeMap<AccountId, String>>>>,
}

impl Names {
    /// Of the conversation with this row.
    pub(crate) fn of(app: App, row: &ArcRwSignal<Conversation>) -> Self {
        let (peer, group) = {
            let row = row.read_untracked();
            (row.peer, row.group)
        };
        let row = row.clone();
        let members = group.then(|| {
            let view = app.group(peer);
            Memo::new(move |_| {
                let view = view.read();
                let members = view.as_ref()?.members.iter();
                let named = members.filter(|member| !member.name.is_empty());
                Some(
                    named
                        .map(|member| (member.account, member.name.clone()))
                        .collect(),
                )
            })
        });
        Self {
            app,
            title: Memo::new(move |_| row.read().name.clone()),
            members,
        }
    }

    /// Whether the conversation is a group's.
    pub(crate) const fn is_group(self) -> bool {
        self.members.is_some()
    }

    /// What the conversation is called: the other person, or the group.
    pub(crate) const fn title(self) -> Memo<String> {
        self.title
    }

    /// What somebody in it is called, tracked.
    pub(crate) fn who(self, account: AccountId) -> String {
        let texts = self.app.texts();
        if self.is_me(account) {
            return texts.you().to_owned();
        }
        let Some(members) = self.members else {
            return self.title.get();
        };
        members.with(|members| match members {
            None => "…".to_owned(),
            Some(members) => match members.get(&account) {
                Some(name) => name.clone(),
                None => self.app.former(account),
            },
        })
    }

    /// Several of them, tracked.
    pub(crate) fn all(self, accounts: &[AccountId]) -> String {
        accounts
            .iter()
            .map(|account| self.who(*account))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Whether these are the own account and nobody else.
    pub(crate) fn is_only_me(self, accounts: &[AccountId]) -> bool {
        matches!(accounts, [one] if self.is_me(*one))
    }

    /// Whether it is the own account.
    pub(crate) fn is_me(self, account: AccountId) -> bool {
        self.app.my_account() == Some(account)
    }
}
