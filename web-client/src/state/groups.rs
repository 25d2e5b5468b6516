//! The groups that are shown, and what people are called in a conversation.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chopar_engine::view::{Conversation, GroupView};
use chopar_engine::{Answer, Failure, Intent, Map};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::App;

/// What the engine last said of each group that was shown.
#[derive(Default)]
pub(crate) struct Groups {
    views: Mutex<Map<AccountId, ArcRwSignal<Option<GroupView>>>>,
    /// The names of people who are named where their group is not at hand, or who are no members any more.
    named: Mutex<Map<AccountId, ArcRwSignal<Option<String>>>>,
    /// Whose name is asked for.
    asked: Mutex<chopar_engine::Set<AccountId>>,
}

impl Groups {
    /// The signal of a group, and whether it was made just now.
    fn signal(&self, group: AccountId) -> (ArcRwSignal<Option<GroupView>>, bool) {
        let mut all = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = !all.contains_key(&group);
        let signal = all.entry(group).or_insert_with(|| ArcRwSignal::new(None));
        (signal.clone(), fresh)
    }

    fn named(&self, account: AccountId) -> ArcRwSignal<Option<String>> {
        let mut all = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(account)
            .or_insert_with(|| ArcRwSignal::new(None))
            .clone()
    }

    fn asked(&self) -> MutexGuard<'_, chopar_engine::Set<AccountId>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds nothing any more.
    pub(super) fn forget(&self) {
        let views = std::mem::take(&mut *self.views.lock().unwrap_or_else(PoisonError::into_inner));
        for view in views.into_values() {
            view.set(None);
        }
        let named = std::mem::take(&mut *self.named.lock().unwrap_or_else(PoisonError::into_inner));
        for name in named.into_values() {
            name.set(None);
        }
        self.asked().clear();
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
        self.picture_changed(group);
        if self.groups.shown().contains(&group) {
            spawn_local(async move {
                // Where it is not known now the page of the group says so when it is opened.
                let _ = self.look_at_group(group).await;
            });
        }
    }

    /// The name of one person, without all who are in a group with them; tracked, and asked for while it is not known. "Somebody"
    /// until then.
    fn name_of(self, account: AccountId) -> String {
        let signal = self.groups.named(account);
        if signal.read_untracked().is_none() && self.groups.asked().insert(account) {
            spawn_local(async move {
                self.learn_name(account).await;
                self.groups.asked().remove(&account);
            });
        }
        signal
            .get()
            .unwrap_or_else(|| self.texts().group_somebody().to_owned())
    }

    /// Asks what somebody is called now.
    pub(crate) async fn learn_name(self, account: AccountId) -> Option<String> {
        let accounts = vec![account];
        let Answer::Names(names) = self.client.ask(Intent::Names { accounts }).await else {
            return None;
        };
        let name = names.into_iter().next().map(|(_, name)| name);
        let known = self.groups.named(account);
        if name.is_some() && *known.read_untracked() != name {
            known.set(name.clone());
        }
        name
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
    whose: Whose,
}

/// Who is named in a conversation.
#[derive(Clone, Copy)]
enum Whose {
    /// The other person, who is its title.
    Person,
    /// The members of a group, all of whom are at hand.
    Members(Memo<Option<Map<AccountId, String>>>),
    /// Those of a group who are named, each asked for by itself.
    Few,
}

impl Names {
    /// Of the conversation with this row.
    pub(crate) fn of(app: App, row: &ArcRwSignal<Conversation>) -> Self {
        let (peer, group) = {
            let row = row.read_untracked();
            (row.peer, row.group)
        };
        let members = |view: ArcRwSignal<Option<GroupView>>| {
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
        };
        let whose = match group {
            true => Whose::Members(members(app.group(peer))),
            false => Whose::Person,
        };
        Self::with(app, row, whose)
    }

    /// For a row of the list, which names two or three people: a thousand members are not asked for to show it.
    pub(crate) fn few(app: App, row: &ArcRwSignal<Conversation>) -> Self {
        let group = row.read_untracked().group;
        Self::with(app, row, if group { Whose::Few } else { Whose::Person })
    }

    fn with(app: App, row: &ArcRwSignal<Conversation>, whose: Whose) -> Self {
        let row = row.clone();
        let title = Memo::new(move |_| row.read().name.clone());
        Self { app, title, whose }
    }

    /// Whether the conversation is a group's.
    pub(crate) const fn is_group(self) -> bool {
        !matches!(self.whose, Whose::Person)
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
        match self.whose {
            Whose::Person => self.title.get(),
            Whose::Few => self.app.name_of(account),
            Whose::Members(members) => members.with(|members| match members {
                None => "…".to_owned(),
                Some(members) => match members.get(&account) {
                    Some(name) => name.clone(),
                    None => self.app.name_of(account),
                },
            }),
        }
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
