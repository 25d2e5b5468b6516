//! Stop and ask: what stands in place of the composer while a person must decide, or cannot send at all.

use chopar_engine::view::{Alarm, Conversation, GroupTrouble, GroupView, Setting, Trust};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{App, Asking, Names, random, use_app};
use crate::ui::{Icon, Problem, alarm_text};
use crate::view_model::Place;

/// Why nothing can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// This device was revoked.
    Revoked,
    /// The relay broke a promise.
    Alarm(Alarm),
    /// A verified contact's safety number changed.
    Changed,
    /// The person is blocked here.
    Blocked,
    /// There are two rosters of the group.
    Forked {
        /// Who signed the entries that exclude each other.
        signers: Vec<AccountId>,
    },
    /// This account is not in the group any more.
    Over,
    /// Only admins write in the group, and this account is none.
    AdminsOnly,
}

impl Stop {
    /// What stops the conversation with this row now, tracked.
    pub(crate) fn of_row(app: App, row: &ArcRwSignal<Conversation>) -> Option<Self> {
        let row = row.read();
        let group = row.group.then(|| app.group(row.peer));
        let group = group.as_ref().map(|group| group.read());
        let group = group.as_ref().and_then(|group| group.as_ref());
        Self::of(&row, group, app.is_revoked())
    }

    /// What stops a conversation, if anything; the gravest first.
    fn of(row: &Conversation, group: Option<&GroupView>, revoked: bool) -> Option<Self> {
        if revoked {
            return Some(Self::Revoked);
        }
        if let Some(stop) = group.and_then(Self::of_group) {
            return Some(stop);
        }
        row.alarm
            .map(Self::Alarm)
            .or_else(|| (row.trust == Trust::Changed).then_some(Self::Changed))
            .or_else(|| row.blocked.then_some(Self::Blocked))
    }

    fn of_group(group: &GroupView) -> Option<Self> {
        if let Some(GroupTrouble::Forked { signers }) = &group.trouble {
            let signers = signers.clone();
            return Some(Self::Forked { signers });
        }
        if group.over {
            return Some(Self::Over);
        }
        let admin = group.members.iter().any(|member| member.this && member.admin);
        (group.admins_only && !admin).then_some(Self::AdminsOnly)
    }

    /// Whether it is as people wanted it.
    pub(crate) const fn is_calm(&self) -> bool {
        matches!(self, Self::Blocked | Self::Over | Self::AdminsOnly)
    }
}

/// The bar.
#[component]
pub(crate) fn StopBar(
    /// Whose conversation.
    peer: AccountId,
    /// What people are called in it.
    names: Names,
    /// Why.
    stop: Stop,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let failure = ArcRwSignal::new(None);
    let compare = move || view! { <a class="button primary" href=Place::Person(peer).path()>{texts.stop_compare()}</a> };
    let accept = {
        let failure = failure.clone();
        move |_| {
            let failure = failure.clone();
            spawn_local(async move { failure.set(accept(app, peer).await) });
        }
    };
    let unblock = {
        let failure = failure.clone();
        move |_| {
            let failure = failure.clone();
            spawn_local(async move { failure.set(unblock(app, peer).await) });
        }
    };
    let restart = Restart::new(app, peer);
    move || {
        let name = names.title().get();
        let (title, body, actions) = match &stop {
            Stop::Revoked => (texts.connection_revoked().to_owned(), String::new(), None),
            Stop::Alarm(alarm) => (
                texts.stop_alarm_title(&name),
                [&alarm_text(texts, *alarm, &name), " ", texts.stop_alarm_body()].concat(),
                Some(compare().into_any()),
            ),
            Stop::Blocked => {
                let unblock = unblock.clone();
                let choice = view! { <button type="button" class="button" on:click=unblock>{texts.keep_unblock()}</button> };
                (
                    texts.stop_blocked_title(&name),
                    texts.stop_blocked_body().to_owned(),
                    Some(choice.into_any()),
                )
            }
            Stop::Forked { signers } => {
                let body = if signers.is_empty() {
                    texts.group_forked_body().to_owned()
                } else {
                    texts.group_forked_by(&names.all(signers))
                };
                (
                    texts.group_forked_title().to_owned(),
                    body,
                    Some(restart.button()),
                )
            }
            Stop::Over => (texts.group_over().to_owned(), String::new(), None),
            Stop::AdminsOnly => (texts.group_only_admins().to_owned(), String::new(), None),
            Stop::Changed => {
                let accept = accept.clone();
                let choices = view! {
                    {compare()}
                    <button type="button" class="button" on:click=accept>{texts.stop_accept()}</button>
                };
                (
                    texts.stop_changed_title(&name),
                    texts.stop_changed_body(&name),
                    Some(choices.into_any()),
                )
            }
        };
        let calm = stop.is_calm();
        let icon = match stop {
            Stop::Blocked | Stop::Over => "ban",
            Stop::AdminsOnly => "lock",
            _ => "shield-alert",
        };
        view! {
            <div class="stop" class:calm=calm role="alert" aria-labelledby="stop-title">
                <Icon name=icon class="large"/>
                <div class="stop-text">
                    <h2 id="stop-title">{title}</h2>
                    <p>{body}</p>
                    <Problem failure=failure.clone()/>
                    <Problem failure=restart.asking.failure()/>
                    <div class="actions">{actions}</div>
                </div>
            </div>
        }
    }
}

/// Begins a group anew with the same people.
struct Restart {
    app: App,
    group: AccountId,
    /// The same for every press: pressed twice one group begins.
    wish: [u8; 16],
    asking: Asking,
    opened: Callback<AccountId>,
}

impl Restart {
    fn new(app: App, group: AccountId) -> Self {
        let opened = Callback::new(move |group| app.address.go(Place::Talk(group)));
        Self {
            app,
            group,
            wish: random(),
            asking: Asking::new(),
            opened,
        }
    }

    fn button(&self) -> AnyView {
        let texts = self.app.texts();
        let (app, conversation, wish) = (self.app, self.group, self.wish);
        let (asking, busy, opened) = (self.asking.clone(), self.asking.clone(), self.opened);
        let restart = move |_| {
            asking.ask(app, Intent::RestartGroup { wish, conversation }, move |answer| {
                if let Answer::GroupBegun(group) = answer {
                    opened.try_run(group);
                }
                matches!(answer, Answer::GroupBegun(_) | Answer::Done)
            });
        };
        view! {
            <button type="button" class="button primary" disabled=move || busy.is_busy() on:click=restart>
                {texts.group_restart()}
            </button>
        }
        .into_any()
    }
}

async fn unblock(app: App, conversation: AccountId) -> Option<Failure> {
    let keep = Intent::Keep {
        conversation,
        setting: Setting::Blocked,
        on: false,
    };
    match app.client.ask(keep).await {
        Answer::Done => None,
        Answer::Failed(failure) => Some(failure),
        _ => Some(Failure::Browser),
    }
}

/// Accepts the number that is valid now; the engine refuses if it has changed once more meanwhile.
async fn accept(app: App, peer: AccountId) -> Option<Failure> {
    let digits = match app.client.ask(Intent::Person { peer }).await {
        Answer::Person(person) => person.safety_number,
        Answer::Failed(failure) => return Some(failure),
        _ => return Some(Failure::Browser),
    };
    match app.client.ask(Intent::AcceptSafetyNumber { peer, digits }).await {
        Answer::Done => None,
        Answer::Failed(failure) => Some(failure),
        _ => Some(Failure::Browser),
    }
}
