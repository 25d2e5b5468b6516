//! One line of a conversation: a bubble, or a notice.

use chopar_engine::Intent;
use chopar_engine::view::{Held, Line, LineBody, SentState};
use chopar_wire::{AccountId, MessageId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::notice::{notice_look, notice_text};
use crate::i18n::Texts;
use crate::state::{App, Row, use_app};
use crate::ui::{Icon, Ticks};
use crate::view_model::{LineName, state_word};

/// A line with what stands above it: the day that begins, the unread line.
#[component]
pub(crate) fn LineRow(
    /// Whose conversation.
    peer: AccountId,
    /// Their name.
    name: Memo<String>,
    /// The line.
    row: Row,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let sequence = row.sequence;
    let (day_place, unread_place, place) = (row.place.clone(), row.place.clone(), row.place);
    let (day_line, label_line, line) = (row.line.clone(), row.line.clone(), row.line);
    let day = move || {
        day_place.read().day.map(|_| {
            let name = app.clock().day(day_line.read_untracked().time, app.today.get());
            view! { <h2 class="day"><span>{name}</span></h2> }
        })
    };
    let unread = move || {
        unread_place.read().unread_above.then(|| view! {
            <div class="unread-line" role="separator" aria-label=texts.talk_unread_line()><span>{texts.talk_unread_line()}</span></div>
        })
    };
    let class = {
        let line = line.clone();
        move || {
            let place = place.read();
            let side = match line.read().body {
                LineBody::Own { .. } => "line own",
                LineBody::Theirs { .. } => "line theirs",
                LineBody::Notice(_) => "line middle",
            };
            [
                side,
                if place.first { " first" } else { "" },
                if place.last { " last" } else { "" },
            ]
            .concat()
        }
    };
    view! {
        {day}
        {unread}
        <div
            role="article"
            class=class
            tabindex="-1"
            data-sequence=sequence.to_string()
            aria-label=move || line_name(app, &label_line.read(), &name.read())
        >
            {move || inside(app, peer, &line.read(), name)}
        </div>
    }
}

/// "sender, text, time, state".
fn line_name(app: App, line: &Line, peer_name: &str) -> String {
    let texts = app.texts();
    let time = app.clock().time(line.time);
    let (sender, text, state) = match &line.body {
        LineBody::Own { text, state, .. } => (texts.you(), text.as_str(), Some(state_word(texts, *state))),
        LineBody::Theirs { text, .. } => (peer_name, text.as_str(), None),
        LineBody::Notice(notice) => return notice_text(texts, notice, peer_name),
    };
    LineName {
        sender,
        text,
        time: &time,
        state,
    }
    .join()
}

fn inside(app: App, peer: AccountId, line: &Line, name: Memo<String>) -> AnyView {
    let time = app.clock().time(line.time);
    let full = app.clock().full(line.time);
    match &line.body {
        LineBody::Own {
            id,
            text,
            state,
            held,
        } => {
            // What expired was sent, and still was not collected.
            let held = held
                .filter(|held| *state == SentState::Waiting || *held == Held::Expired)
                .map(|held| held_row(app, peer, *id, held));
            view! {
                <div class="bubble">
                    <span class="text" dir="auto">{text.clone()}</span>
                    <span class="meta" title=full>{time}<Ticks state=*state/></span>
                </div>
                {held}
            }
            .into_any()
        }
        LineBody::Theirs { text, .. } => view! {
            <div class="bubble">
                <span class="text" dir="auto">{text.clone()}</span>
                <span class="meta" title=full>{time}</span>
            </div>
        }
        .into_any(),
        LineBody::Notice(notice) => {
            let (icon, warning) = notice_look(notice);
            let text = notice_text(app.texts(), notice, &name.get());
            view! { <p class="notice" class:warning=warning title=full><Icon name=icon/><span>{text}</span></p> }.into_any()
        }
    }
}

/// Why a message waits for a person, and the retry where that helps.
fn held_row(app: App, peer: AccountId, id: MessageId, held: Held) -> impl IntoView + use<> {
    let texts = app.texts();
    let retry = move |_| {
        spawn_local(async move {
            // What became of it is told by the line itself.
            let _ = app
                .client
                .ask(Intent::Retry {
                    conversation: peer,
                    id,
                })
                .await;
        });
    };
    let retriable = matches!(
        held,
        Held::QueueFull | Held::Expired | Held::NoDevice | Held::RelayStorage | Held::Refused
    );
    view! {
        <p class="held">
            <Icon name="circle-alert"/>
            <span>{held_text(texts, held)}</span>
            {retriable.then(|| view! { <button type="button" class="link" on:click=retry>{texts.retry()}</button> })}
        </p>
    }
}

fn held_text(texts: Texts, held: Held) -> &'static str {
    match held {
        Held::SafetyNumberChanged => texts.held_safety_number(),
        Held::Alarm => texts.held_alarm(),
        Held::QueueFull => texts.held_queue_full(),
        Held::Expired => texts.held_expired(),
        Held::NoDevice => texts.held_no_device(),
        Held::NoSuchAccount => texts.held_no_account(),
        Held::RelayStorage => texts.held_relay_storage(),
        Held::Refused => texts.held_refused(),
    }
}
