//! The message that another one answers.

use std::time::Duration;

use chopar_engine::view::{Line, LineBody, Reference};
use chopar_engine::{Answer, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use super::line::drawn;
use crate::i18n::Texts;
use crate::state::{App, Names, use_app};
use crate::view_model::in_words;

/// Characters of a quoted text that are shown: two lines of a bubble.
const SHOWN: usize = 160;
/// The class of a line that was just brought into sight.
const FOUND: &str = "found";
/// For how long it has it.
const MARKED: Duration = Duration::from_millis(2_000);

/// A line above a text: who said what. It follows the message it quotes, whatever becomes of that.
#[component]
pub(crate) fn Quote(
    /// Whose conversation.
    peer: AccountId,
    /// Which message.
    about: Reference,
    /// What people are called in it.
    names: Names,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let sender = move || names.who(about.author);
    let text = quoted_text(app, peer, about);
    let me = app.my_account().unwrap_or(peer);
    let label = {
        let text = text.clone();
        move || match about.author == me {
            true => texts.talk_quote_own(&text()),
            false => texts.talk_quote(&sender(), &text()),
        }
    };
    let go = move |_| go_to(app, peer, about);
    view! {
        <button type="button" class="quote" tabindex="-1" aria-label=label on:click=go>
            <span class="quote-sender">{sender}</span>
            <span class="quote-text" dir="auto">{text}</span>
        </button>
    }
}

/// What is shown of a quoted message, which follows it, held or not.
pub(crate) fn quoted_text(
    app: App,
    peer: AccountId,
    about: Reference,
) -> impl Fn() -> String + Clone + Send + 'static {
    let texts = app.texts();
    let talk = app.talk(peer);
    let me = app.my_account().unwrap_or(peer);
    let held = Memo::new(move |_| talk.row_of(&about, me).map(|row| row.sequence));
    // Not among what is held: asked for, and again when something changes there.
    let found = ArcRwSignal::new(None::<Option<Line>>);
    Effect::new({
        let found = found.clone();
        move || {
            if held.get().is_some() {
                return found.set(None);
            }
            app.talk(peer).track_elsewhere();
            let found = found.clone();
            spawn_local(async move { found.set(Some(find(app, peer, about).await)) });
        }
    });
    move || {
        let line = match held.get() {
            Some(_) => app.talk(peer).row_of(&about, me).map(|row| row.line.get()),
            None => match found.get() {
                Some(line) => line,
                None => return String::from("…"),
            },
        };
        quoted(texts, line.as_ref())
    }
}

/// A message that the page may not hold.
async fn find(app: App, conversation: AccountId, message: Reference) -> Option<Line> {
    let asked = Intent::FindMessage {
        conversation,
        message,
    };
    match app.client.ask(asked).await {
        Answer::Message(line) => line.map(|line| *line),
        _ => None,
    }
}

/// Goes to a message further up, with the keyboard. Where it is not there any more nothing happens.
pub(crate) fn go_to(app: App, peer: AccountId, about: Reference) {
    let talk = app.talk(peer);
    let me = app.my_account().unwrap_or(peer);
    spawn_local(async move {
        let sequence = match untrack(|| talk.row_of(&about, me)) {
            Some(row) => Some(row.sequence),
            None => find(app, peer, about).await.map(|line| line.sequence),
        };
        if let Some(sequence) = sequence
            && talk.reach(&app.client, sequence).await
        {
            show_soon(sequence);
        }
    });
}

/// What is shown of a quoted message.
fn quoted(texts: Texts, line: Option<&Line>) -> String {
    match line.map(|line| &line.body) {
        Some(LineBody::Own { text, extra, .. } | LineBody::Theirs { text, extra, .. }) => {
            if extra.deleted {
                texts.talk_deleted().to_owned()
            } else {
                in_words(texts, text, &extra.files).chars().take(SHOWN).collect()
            }
        }
        Some(LineBody::Notice(_)) | None => texts.talk_not_available().to_owned(),
    }
}

/// Brings a line into sight, and the keyboard to it, once it is drawn and whatever else moves the view and the keyboard then has done so.
pub(crate) fn show_soon(sequence: u64) {
    request_animation_frame(move || request_animation_frame(move || show(sequence)));
}

fn show(sequence: u64) {
    if let Some(line) = drawn(sequence) {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Center);
        line.scroll_into_view_with_scroll_into_view_options(&options);
        let _ = line.focus();
        let marked = line.class_list();
        // Where one line is shown twice the mark begins anew.
        let _ = marked.remove_1(FOUND);
        if marked.add_1(FOUND).is_ok() {
            set_timeout(move || drop(marked.remove_1(FOUND)), MARKED);
        }
    }
}
