//! One line of a conversation: a bubble with what belongs to it, or a notice.

use std::time::Duration;

use chopar_engine::Intent;
use chopar_engine::view::{Extra, Held, Line, LineBody, Reference, SentState};
use chopar_wire::{AccountId, MessageId};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::files::Shown;
use super::notice::{notice_look, notice_text};
use super::parts::FILES;
use super::quote::Quote;
use super::reactions::Chips;
use crate::i18n::Texts;
use crate::state::{App, Dialog, Names, Row, use_app};
use crate::ui::{Avatar, Icon, Ticks, more, soon};
use crate::view_model::{LineName, in_words, spoken, state_word};

/// How long a finger must rest on a message before its menu opens.
const LONG_PRESS: Duration = Duration::from_millis(500);

/// A line with what stands above it: the day that begins, the unread line.
#[component]
pub(crate) fn LineRow(
    /// Whose conversation.
    peer: AccountId,
    /// What people are called in it.
    names: Names,
    /// The line.
    row: Row,
    /// Opens the menu of the line with this sequence.
    open: Callback<u64>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let sequence = row.sequence;
    let (day_place, unread_place, author_place) = (row.place.clone(), row.place.clone(), row.place.clone());
    let place = row.place;
    let (day_line, label_line, line) = (row.line.clone(), row.line.clone(), row.line);
    let day = move || {
        day_place.read().day.map(|_| {
            let time = day_line.read_untracked().time;
            let name = app.clock().day(time, app.today.get());
            let jump = move |_| app.dialog.set(Some(Dialog::Date(peer, time)));
            view! {
                <h2 class="day">
                    <button type="button" tabindex="-1" aria-label=texts.jump_day(&name) on:click=jump>{name.clone()}</button>
                </h2>
            }
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
    // In a group the first bubble of each says whose it is.
    let author = {
        let (line, place) = (line.clone(), author_place);
        move || {
            let author = line.read_untracked().author;
            author.filter(|_| names.is_group() && place.read().first).map(|author| {
                view! {
                    <span class="author" aria-hidden="true">
                        <Avatar account=author name=Signal::derive(move || names.who(author)) size="small"/>
                        <span class="name">{move || names.who(author)}</span>
                    </span>
                }
            })
        }
    };
    let has_menu = {
        let line = line.clone();
        move || !matches!(line.read_untracked().body, LineBody::Notice(_))
    };
    let on_menu = {
        let has_menu = has_menu.clone();
        move |event: ev::MouseEvent| {
            if has_menu() {
                event.prevent_default();
                open.run(sequence);
            }
        }
    };
    let on_key = {
        let has_menu = has_menu.clone();
        move |event: ev::KeyboardEvent| {
            // A key on a button inside is the button's.
            let here = event.target() == event.current_target();
            if here && matches!(event.key().as_str(), "Enter" | "ContextMenu") && has_menu() {
                event.prevent_default();
                open.run(sequence);
            }
        }
    };
    // Where a long press does not open the browser's own menu it opens nothing by itself.
    let pressed = StoredValue::new(None::<leptos::leptos_dom::helpers::TimeoutHandle>);
    let release = move || {
        if let Some(timer) = pressed.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    };
    on_cleanup(release);
    let on_press = move |event: ev::PointerEvent| {
        release();
        if event.pointer_type() == "touch" && has_menu() {
            let timer = set_timeout_with_handle(
                move || {
                    // The line may be gone meanwhile.
                    let _ = open.try_run(sequence);
                },
                LONG_PRESS,
            );
            pressed.set_value(timer.ok());
        }
    };
    // A finger that moves scrolls.
    let on_move = move |event: ev::PointerEvent| {
        if event.movement_x().abs() + event.movement_y().abs() > 4 {
            release();
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
            aria-label=move || line_name(app, peer, &label_line.read(), names)
            on:contextmenu=on_menu
            on:keydown=on_key
            on:pointerdown=on_press
            on:pointerup=move |_| release()
            on:pointermove=on_move
            on:pointercancel=move |_| release()
        >
            {author}
            {move || inside(app, peer, sequence, &line.read(), names, open)}
        </div>
    }
}

/// The line with this sequence as it stands on the page, if it does.
pub(crate) fn drawn(sequence: u64) -> Option<HtmlElement> {
    let selector = ["[data-sequence='", &sequence.to_string(), "']"].concat();
    let line = document().query_selector(&selector).ok().flatten()?;
    line.dyn_into().ok()
}

/// "sender, text, time, state"; what else there is stands behind the text.
fn line_name(app: App, peer: AccountId, line: &Line, names: Names) -> String {
    let texts = app.texts();
    let time = app.clock().time(line.time);
    let (sender, text, extra, state) = match &line.body {
        LineBody::Own {
            text, state, extra, ..
        } => {
            let state = (!extra.deleted).then(|| state_word(texts, *state));
            (texts.you().to_owned(), text.as_str(), extra, state)
        }
        LineBody::Theirs { text, extra, .. } => {
            let sender = names.who(line.author.unwrap_or(peer));
            (sender, text.as_str(), extra, None)
        }
        LineBody::Notice(notice) => return notice_text(texts, notice, names),
    };
    let mut more: Vec<String> = match extra.deleted {
        true => Vec::new(),
        false => extra.files.iter().map(|file| spoken(texts, file)).collect(),
    };
    let mut text = if extra.deleted { texts.talk_deleted() } else { text };
    // A message of files alone begins with the first of them.
    let first = (text.is_empty() && !more.is_empty()).then(|| more.remove(0));
    if let Some(first) = &first {
        text = first;
    }
    if extra.forwarded {
        more.push(texts.talk_forwarded().to_owned());
    }
    if extra.edited {
        more.push(texts.talk_edited().to_owned());
    }
    more.extend(extra.reactions.iter().map(|r| match r.by.len() {
        1 => r.emoji.clone(),
        count => [&r.emoji, " ", &count.to_string()].concat(),
    }));
    LineName {
        sender: &sender,
        text,
        more: &more,
        time: &time,
        state,
    }
    .join()
}

fn inside(
    app: App,
    peer: AccountId,
    sequence: u64,
    line: &Line,
    names: Names,
    open: Callback<u64>,
) -> AnyView {
    let time = app.clock().time(line.time);
    let full = app.clock().full(line.time);
    match &line.body {
        LineBody::Own {
            id,
            text,
            state,
            held,
            extra,
        } => {
            // What expired was sent, and still was not collected.
            let held = held
                .filter(|held| *state == SentState::Waiting || *held == Held::Expired)
                .filter(|_| !extra.deleted)
                .map(|held| held_row(app, peer, *id, held));
            let ticks = (!extra.deleted).then(|| view! { <Ticks state=*state/> });
            let about = Reference {
                author: app.my_account().unwrap_or(peer),
                id: *id,
            };
            let files = files(peer, about, sequence, extra, *state == SentState::Waiting);
            view! {
                {bubble(app, peer, sequence, text, extra, files, names, open, view! { <span class="meta" title=full>{mark(app, extra)}{time}{ticks}</span> }.into_any())}
                <Chips peer about reactions=extra.reactions.clone() names/>
                {held}
            }
            .into_any()
        }
        LineBody::Theirs { id, text, extra } => {
            let about = Reference {
                author: line.author.unwrap_or(peer),
                id: *id,
            };
            let files = files(peer, about, sequence, extra, false);
            view! {
                {bubble(app, peer, sequence, text, extra, files, names, open, view! { <span class="meta" title=full>{mark(app, extra)}{time}</span> }.into_any())}
                <Chips peer about reactions=extra.reactions.clone() names/>
            }
            .into_any()
        }
        LineBody::Notice(notice) => {
            let (icon, warning) = notice_look(notice);
            let text = notice_text(app.texts(), notice, names);
            view! { <p class="notice" class:warning=warning title=full><Icon name=icon/><span>{text}</span></p> }.into_any()
        }
    }
}

/// "Edited", and the sign of a message that disappears.
fn mark(app: App, extra: &Extra) -> impl IntoView + use<> {
    let texts = app.texts();
    let timer = (extra.lifetime > 0).then(|| {
        view! { <span class="fleeting" title=texts.talk_disappears()><Icon name="timer"/><span class="visually-hidden">{texts.talk_disappears()}</span></span> }
    });
    let edited = extra
        .edited
        .then(|| view! { <span class="edited">{texts.talk_edited()}</span> });
    view! { {timer}{edited} }
}

#[allow(clippy::too_many_arguments, reason = "all of it is what a bubble is made of")]
fn bubble(
    app: App,
    peer: AccountId,
    sequence: u64,
    text: &str,
    extra: &Extra,
    files: Option<AnyView>,
    names: Names,
    open: Callback<u64>,
    meta: AnyView,
) -> impl IntoView + use<> {
    let texts = app.texts();
    if extra.deleted {
        return view! {
            <div class="bubble deleted">
                <span class="text"><Icon name="ban"/>{texts.talk_deleted()}</span>
                {meta}
            </div>
        }
        .into_any();
    }
    let forwarded = extra
        .forwarded
        .then(|| view! { <span class="forwarded"><Icon name="forward"/>{texts.talk_forwarded()}</span> });
    let quote = extra.reply_to.map(|about| view! { <Quote peer about names/> });
    view! {
        <div class="bubble-row">
            <div class="bubble">
                {forwarded}
                {quote}
                {files}
                <span class="text" dir="auto">{text.to_owned()}</span>
                {meta}
            </div>
            {more(texts.menu_title(), move || open.run(sequence))}
        </div>
    }
    .into_any()
}

/// The files of a message, in words until what draws them is loaded.
fn files(peer: AccountId, about: Reference, line: u64, extra: &Extra, unsent: bool) -> Option<AnyView> {
    let files = extra.files.clone();
    let texts = use_app().texts();
    (!files.is_empty() && !extra.deleted).then(|| {
        let words = in_words(texts, "", &files);
        soon(
            &FILES,
            move || view! { <span class="text" dir="auto">{words.clone()}</span> }.into_any(),
            move |part| {
                (part.rows)(Shown {
                    peer,
                    about,
                    line,
                    files: files.clone(),
                    unsent,
                })
            },
        )
    })
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
        Held::QueueFull
            | Held::Expired
            | Held::NoDevice
            | Held::RelayStorage
            | Held::Refused
            | Held::FilesFull
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
        Held::FilesFull => texts.held_files_full(),
        Held::FileTooLarge => texts.held_file_too_large(),
        Held::FileLost => texts.held_file_lost(),
    }
}
