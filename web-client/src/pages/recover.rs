//! The account comes back with the recovery key: this browser becomes a new device of it.

use chopar_engine::{Answer, Failure, Intent};
use leptos::ev;
use leptos::prelude::*;

use super::languages::Languages;
use super::unlock::SECRET_MAX;
use crate::state::{Asking, use_app};
use crate::ui::{Field, Icon, Problem, focus_when_mounted};
use crate::view_model::{Place, browser_name};

/// Asks for the key. What is typed stays until it was the right one: nobody types thirty-six characters twice for one wrong.
#[component]
pub(crate) fn Recover() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let typed = RwSignal::new(String::new());
    let asking = Asking::new();
    focus_when_mounted("recover-key");
    let submit = {
        let asking = asking.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            let intent = Intent::Recover {
                key: typed.get_untracked(),
                device_name: browser_name(&window().navigator().user_agent().unwrap_or_default()),
            };
            // The phase moves on by an event of its own; what was typed goes with this page.
            asking.ask(app, intent, move |answer| {
                let done = answer == Answer::Done;
                if done {
                    // Where a file brings back what was said.
                    app.address.replace(Place::History);
                }
                done
            });
        }
    };
    let failure = asking.failure();
    let wrong = {
        let failure = failure.clone();
        Signal::derive(move || {
            matches!(
                failure.get(),
                Some(Failure::RecoveryKeyMistyped | Failure::RecoveryKeyUnknown)
            )
        })
    };
    let (waiting, idle) = (asking.clone(), asking.clone());
    // What was asked of the relay is not taken back by going elsewhere.
    let leave = move || {
        (!idle.is_busy()).then(|| view! { <a class="button" href=Place::Chats.path()>{texts.cancel()}</a> })
    };
    view! {
        <main class="sheet">
            <div class="card">
                <Icon name="key-round" class="large"/>
                <h1 id="pane-title" tabindex="-1">{texts.recover_title()}</h1>
                <p>{texts.recover_body()}</p>
                <form class="form" on:submit=submit>
                    <Field
                        id="recover-key"
                        label=texts.recovery_label()
                        hint=texts.recover_hint()
                        value=typed
                        max=SECRET_MAX
                        class="mono"
                        wrong
                    />
                    <Problem failure/>
                    <div class="actions">
                        <button type="submit" class="button primary" disabled=move || asking.is_busy()>
                            {texts.recover_act()}
                        </button>
                        {leave}
                        <span role="status">{move || waiting.is_busy().then(|| texts.recover_acting())}</span>
                    </div>
                </form>
                <p class="assurance"><Icon name="info"/><span>{texts.recover_history()}</span></p>
                <Languages/>
            </div>
        </main>
    }
}
