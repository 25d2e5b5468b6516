//! The recovery key: shown once, then two groups of it are asked for.

use chopar_engine::{Answer, Intent};
use leptos::ev;
use leptos::prelude::*;

use crate::state::{Asking, use_app};
use crate::ui::{CopyButton, Field, Icon, Problem, focus_when_mounted};
use crate::view_model::Place;

/// Longest text in a box for one group: four characters, and room for spaces around them.
const GROUP_MAX: usize = 12;

/// Shows the key, then asks for two of its groups.
#[component]
pub(crate) fn Recovery(
    /// The groups of the key.
    groups: Vec<String>,
    /// Which are asked for, from 1.
    confirm: [u8; 2],
) -> impl IntoView {
    let app = use_app();
    let saved = RwSignal::new(false);
    // The invite has served: what comes after the key is the list, also when Back is pressed there.
    app.address.replace(Place::Chats);
    let groups = StoredValue::new(groups);
    let step = move || {
        if saved.get() {
            view! { <Confirm confirm saved/> }.into_any()
        } else {
            view! { <Shown groups=groups.get_value() saved/> }.into_any()
        }
    };
    view! { <main class="sheet"><div class="card wide">{step}</div></main> }
}

#[component]
fn Shown(groups: Vec<String>, saved: RwSignal<bool>) -> impl IntoView {
    let texts = use_app().texts();
    let whole = groups.join(" ");
    focus_when_mounted("pane-title");
    // A space between the groups, so that the text of the whole is the key as it is written down.
    let shown: Vec<_> = groups
        .into_iter()
        .map(|group| view! { <span>{group}</span>" " })
        .collect();
    view! {
        <h1 id="pane-title" tabindex="-1">{texts.recovery_title()}</h1>
        <p>{texts.recovery_body()}</p>
        <div class="digits key" role="group" aria-label=texts.recovery_label()>{shown}</div>
        <div class="actions">
            <button type="button" class="button primary" on:click=move |_| saved.set(true)>{texts.recovery_saved()}</button>
            <CopyButton label=texts.recovery_copy() text=Signal::stored(whole)/>
        </div>
    }
}

#[component]
fn Confirm(confirm: [u8; 2], saved: RwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let typed = [RwSignal::new(String::new()), RwSignal::new(String::new())];
    let asking = Asking::new();
    focus_when_mounted("group-first");
    let submit = {
        let asking = asking.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            let groups = confirm
                .into_iter()
                .zip(typed)
                .map(|(number, text)| (number, text.get_untracked()))
                .collect();
            // The phase moves on by an event of its own.
            asking.ask(app, Intent::ConfirmRecoveryKey { groups }, |answer| {
                answer == Answer::Done
            });
        }
    };
    let group = move |index: usize, id| {
        let label = texts.recovery_group(&confirm[index].to_string());
        view! { <Field id label value=typed[index] max=GROUP_MAX class="mono"/> }
    };
    view! {
        <h1 id="pane-title" tabindex="-1">{texts.recovery_confirm_title()}</h1>
        <p>{texts.recovery_confirm_body()}</p>
        <form class="form" on:submit=submit>
            <div class="pair">{group(0, "group-first")}{group(1, "group-second")}</div>
            <Problem failure=asking.failure()/>
            <div class="actions">
                <button type="submit" class="button primary" disabled=move || asking.is_busy()>{texts.continue_()}</button>
                <button type="button" class="button" on:click=move |_| saved.set(false)>
                    <Icon name="eye"/>{texts.recovery_show_again()}
                </button>
            </div>
        </form>
    }
}
