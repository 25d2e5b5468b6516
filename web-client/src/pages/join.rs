//! An invite link was opened: what it is good for, and the form behind it.

use chopar_engine::view::Role;
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::limits::{DISPLAY_NAME_MAX, HANDLE_MAX};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::languages::Languages;
use crate::state::{Asking, use_app};
use crate::ui::{Field, Icon, Problem, failure_text, focus_when_mounted, is_fine_pointer, role_text};
use crate::view_model::{Place, browser_name};

#[derive(Clone, PartialEq, Eq)]
enum Invite {
    Checking,
    Usable { role: Role, organisation: String },
    Unusable(Failure),
}

/// The invite's token; taken out of the address bar, so that it is neither bookmarked nor shown over a shoulder.
fn take_token() -> String {
    let location = window().location();
    let token = location
        .hash()
        .unwrap_or_default()
        .trim_start_matches('#')
        .to_owned();
    if !token.is_empty() {
        // sessionStorage keeps it for a reload before the account exists; it dies with the tab.
        remember(Some(&token));
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some("/join"));
        }
        return token;
    }
    window()
        .session_storage()
        .ok()
        .flatten()
        .and_then(|storage| storage.get_item(TOKEN).ok().flatten())
        .unwrap_or_default()
}

const TOKEN: &str = "chopar.invite";

fn remember(token: Option<&str>) {
    let Some(storage) = window().session_storage().ok().flatten() else {
        return;
    };
    let _ = match token {
        Some(token) => storage.set_item(TOKEN, token),
        None => storage.remove_item(TOKEN),
    };
}

/// Checks the invite, then asks for handle and name.
#[component]
pub(crate) fn Join() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let token = StoredValue::new(take_token());
    let invite = ArcRwSignal::new(Invite::Checking);
    let check = {
        let invite = invite.clone();
        move || {
            let invite = invite.clone();
            let token = token.get_value();
            invite.set(Invite::Checking);
            spawn_local(async move {
                invite.set(match app.client.ask(Intent::CheckInvite { token }).await {
                    Answer::InviteUsable { role, organisation } => Invite::Usable { role, organisation },
                    Answer::Failed(failure) => Invite::Unusable(failure),
                    _ => Invite::Unusable(Failure::Browser),
                });
            });
        }
    };
    check();
    let stage = move || match invite.get() {
        Invite::Checking => view! { <p class="waiting" role="status">{texts.join_checking()}</p> }.into_any(),
        Invite::Usable { role, organisation } => {
            view! { <JoinForm token=token.get_value() role organisation/> }.into_any()
        }
        Invite::Unusable(failure) => {
            let check = check.clone();
            view! {
                <div role="alert">
                    <h1 id="pane-title" tabindex="-1">{texts.join_unusable()}</h1>
                    <p>{failure_text(texts, failure)}</p>
                </div>
                <div class="actions">
                    <button type="button" class="button primary" on:click=move |_| check()>{texts.retry()}</button>
                    <a class="button" href=Place::Recover.path()><Icon name="key-round"/>{texts.recover_open()}</a>
                </div>
            }
            .into_any()
        }
    };
    view! { <main class="sheet"><div class="card">{stage}<Languages/></div></main> }
}

#[component]
fn JoinForm(token: String, role: Role, organisation: String) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let handle = RwSignal::new(String::new());
    let name = RwSignal::new(String::new());
    let asking = Asking::new();
    if is_fine_pointer() {
        focus_when_mounted("join-handle");
    }
    let submit = {
        let asking = asking.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            let intent = Intent::CreateAccount {
                invite: token.clone(),
                handle: handle.get_untracked(),
                display_name: name.get_untracked(),
                device_name: browser_name(&window().navigator().user_agent().unwrap_or_default()),
            };
            asking.ask(app, intent, |answer| {
                let done = answer == Answer::Done;
                // The phase moves on by an event of its own.
                if done {
                    remember(None);
                }
                done
            });
        }
    };
    let wrong_handle = wrong(&asking, |failure| {
        matches!(
            failure,
            Failure::HandleLength
                | Failure::HandleCharacter
                | Failure::HandleEdge
                | Failure::HandleMixed
                | Failure::HandleTaken
        )
    });
    let wrong_name = wrong(&asking, |failure| failure == Failure::NameInvalid);
    let (failure, waiting) = (asking.failure(), asking.clone());
    view! {
        <h1 id="pane-title" tabindex="-1">{texts.join_title(&organisation)}</h1>
        <p class="muted">{texts.join_role(role_text(texts, role))}</p>
        <form class="form" on:submit=submit>
            <Field
                id="join-handle"
                label=texts.join_handle()
                hint=texts.join_handle_hint()
                value=handle
                max={2 * HANDLE_MAX}
                autocomplete="username"
                wrong=wrong_handle
            />
            <Field
                id="join-name"
                label=texts.join_display_name()
                hint=texts.join_display_name_hint()
                value=name
                max={2 * DISPLAY_NAME_MAX}
                autocomplete="name"
                wrong=wrong_name
            />
            <Problem failure/>
            <div class="actions">
                <button type="submit" class="button primary" disabled=move || asking.is_busy()>{texts.join_create()}</button>
                <span role="status">{move || waiting.is_busy().then(|| texts.join_creating())}</span>
            </div>
        </form>
        <p class="assurance"><Icon name="key-round"/><span>{texts.join_privacy()}</span></p>
        <p><a class="link" href=Place::Recover.path()>{texts.recover_open()}</a></p>
    }
}

/// Whether the last attempt failed for one of these reasons.
fn wrong(asking: &Asking, reason: impl Fn(Failure) -> bool + Send + Sync + 'static) -> Signal<bool> {
    let failure = asking.failure();
    Signal::derive(move || failure.get().is_some_and(&reason))
}
