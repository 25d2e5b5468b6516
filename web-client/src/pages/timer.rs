//! After what time messages disappear: the button beside the composer, and the choice.

use chopar_engine::intent::GroupChange;
use chopar_engine::view::Conversation;
use chopar_engine::{Answer, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;

use crate::state::{Asking, Names, may_change, use_app};
use crate::ui::{Icon, Modal, Problem, choice};
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
    let asking = Asking::new();
    let failure = asking.failure();
    let body = move || {
        let choices: Vec<_> = OFFERED
            .into_iter()
            .map(|seconds| {
                let label = match seconds {
                    0 => texts.timer_off().to_owned(),
                    seconds => texts.timer_after(&span(texts, seconds)),
                };
                let asking = asking.clone();
                let choose = move || {
                    let set = if names.is_group() {
                        Intent::ChangeGroup {
                            conversation: peer,
                            change: GroupChange::Timer(seconds),
                        }
                    } else {
                        Intent::SetTimer {
                            conversation: peer,
                            seconds,
                        }
                    };
                    asking.ask(app, set, move |answer| {
                        let done = answer == Answer::Done;
                        if done {
                            open.set(false);
                        }
                        done
                    });
                };
                choice(
                    "timer",
                    label,
                    None,
                    Signal::derive(move || timer.get() == seconds),
                    choose,
                )
            })
            .collect();
        view! {
            <Modal title=texts.timer_title() close>
                <p>{if names.is_group() { texts.timer_body_group().to_owned() } else { texts.timer_body(&names.title().get()) }}</p>
                <div class="choices" role="radiogroup" aria-label=texts.timer_title()>{choices}</div>
                <Problem failure=failure.clone()/>
            </Modal>
        }
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
        {move || open.get().then(body.clone())}
    }
}
