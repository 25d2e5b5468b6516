//! After what time messages disappear: the button beside the composer, and the choice.

use chopar_engine::Intent;
use chopar_engine::intent::GroupChange;
use chopar_engine::view::Conversation;
use chopar_wire::AccountId;
use leptos::prelude::*;

use super::parts::MENUS;
use crate::state::{Asking, Names, may_change, use_app};
use crate::ui::{Frame, Icon, Modal, Problem, choice, later};
use crate::view_model::span;

/// What is offered, in seconds; never first.
const OFFERED: [u32; 7] = [0, 30, 300, 3_600, 24 * 3_600, 7 * 24 * 3_600, 28 * 24 * 3_600];

/// The button "Disappearing messages"; where a timer is set it says which.
#[component]
pub(crate) fn TimerButton(
    /// Whose conversation.
    peer: AccountId,
    /// Its row.
    row: ArcRwSignal<Conversation>,
    /// What people are called in it.
    names: Names,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    // A group's is in its list of members, and for its admins to set.
    let group = names.is_group().then(|| app.group(peer));
    let settable = {
        let group = group.clone();
        move || {
            group
                .as_ref()
                .is_none_or(|group| group.read().as_ref().is_some_and(may_change))
        }
    };
    let timer = Memo::new(move |_| match &group {
        Some(group) => group.read().as_ref().map_or(0, |group| group.timer_seconds),
        None => row.read().timer,
    });
    let open = RwSignal::new(false);
    let close = Callback::new(move |()| open.set(false));
    let title = move || match timer.get() {
        0 => texts.timer_title().to_owned(),
        seconds => texts.timer_is(&span(texts, seconds)),
    };
    let body = move || {
        open.get().then(|| {
            let (title, now) = (texts.timer_title().to_owned(), timer.get_untracked());
            later(&MENUS, Frame::Dialog { title, close }, move |menus| {
                (menus.timer)(peer, now, names, close)
            })
        })
    };
    view! {
        <button
            type="button"
            class="icon-button timer-button"
            class:set=move || timer.get() != 0
            disabled=move || !settable()
            aria-label=texts.timer_title()
            aria-description=title
            title=title
            on:click=move |_| open.set(true)
        >
            <Icon name="timer"/>
        </button>
        {body}
    }
}

/// The choice. It is made with a button of its own: whoever goes through the list with the arrow keys sets nothing by that.
#[component]
pub(crate) fn TimerDialog(
    /// Whose conversation.
    peer: AccountId,
    /// What is set, in seconds.
    now: u32,
    /// What people are called in it.
    names: Names,
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let chosen = RwSignal::new(now);
    let choices: Vec<_> = OFFERED
        .into_iter()
        .map(|seconds| {
            let label = match seconds {
                0 => texts.timer_off().to_owned(),
                seconds => texts.timer_after(&span(texts, seconds)),
            };
            let checked = Signal::derive(move || chosen.get() == seconds);
            choice("timer", label, None, checked, move || chosen.set(seconds))
        })
        .collect();
    let asking = Asking::new();
    let (failure, busy) = (asking.failure(), asking.clone());
    let save = move |_| {
        let (conversation, seconds) = (peer, chosen.get_untracked());
        let set = if names.is_group() {
            let change = GroupChange::Timer(seconds);
            Intent::ChangeGroup { conversation, change }
        } else {
            Intent::SetTimer {
                conversation,
                seconds,
            }
        };
        asking.ask_and_close(app, set, close);
    };
    let body = if names.is_group() {
        texts.timer_body_group().to_owned()
    } else {
        texts.timer_body(&names.title().get_untracked())
    };
    view! {
        <Modal title=texts.timer_title() close>
            <p>{body}</p>
            <div class="choices" role="radiogroup" aria-label=texts.timer_title()>{choices}</div>
            <Problem failure/>
            <div class="actions">
                <button type="button" class="button primary" disabled=move || busy.is_busy() on:click=save>
                    {texts.settings_save()}
                </button>
            </div>
        </Modal>
    }
}
