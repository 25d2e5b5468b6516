//! After what time messages disappear: the button beside the composer, and the choice.

use chopar_engine::view::Conversation;
use chopar_engine::{Answer, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;

use crate::state::{Asking, use_app};
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
    /// The other person's name.
    name: Memo<String>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let timer = Memo::new(move |_| row.read().timer);
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
                    let set = Intent::SetTimer {
                        conversation: peer,
                        seconds,
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
                <p>{texts.timer_body(&name.get())}</p>
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
