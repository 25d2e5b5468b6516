//! Stop and ask: what stands in place of the composer while a person must decide, or cannot send at all.

use chopar_engine::view::{Alarm, Conversation, Setting, Trust};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{App, use_app};
use crate::ui::{Icon, Problem, alarm_text};
use crate::view_model::Place;

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// This device was revoked.
    Revoked,
    /// The relay broke a promise.
    Alarm(Alarm),
    /// A verified contact's safety number changed.
    Changed,
    /// The person is blocked here.
    Blocked,
}

impl Stop {
    /// What stops a conversation, if anything; the gravest first.
    pub(crate) fn of(row: &Conversation, revoked: bool) -> Option<Self> {
        if revoked {
            return Some(Self::Revoked);
        }
        row.alarm
            .map(Self::Alarm)
            .or_else(|| (row.trust == Trust::Changed).then_some(Self::Changed))
            .or_else(|| row.blocked.then_some(Self::Blocked))
    }
}

/// The bar.
#[component]
pub(crate) fn StopBar(
    /// Whose conversation.
    peer: AccountId,
    /// Their name.
    name: Memo<String>,
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
    move || {
        let name = name.get();
        let (title, body, actions) = match stop {
            Stop::Revoked => (texts.connection_revoked().to_owned(), String::new(), None),
            Stop::Alarm(alarm) => (
                texts.stop_alarm_title(&name),
                [&alarm_text(texts, alarm, &name), " ", texts.stop_alarm_body()].concat(),
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
        let calm = stop == Stop::Blocked;
        let icon = if calm { "ban" } else { "shield-alert" };
        view! {
            <div class="stop" class:calm=calm role="alert" aria-labelledby="stop-title">
                <Icon name=icon class="large"/>
                <div class="stop-text">
                    <h2 id="stop-title">{title}</h2>
                    <p>{body}</p>
                    <Problem failure=failure.clone()/>
                    <div class="actions">{actions}</div>
                </div>
            </div>
        }
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
