//! The lock: what is kept here opens with a secret. Nothing of it is on the page.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::languages::Languages;
use super::start_over::{StartOver, StartOverDialog};
use crate::port::{Lock, LockAnswer, Passkey, Secret};
use crate::state::{normal_form, use_app};
use crate::ui::{Field, Icon, NoPasskey, ask_passkey, focus_when_mounted, lock_answer_text};

/// Longest secret, in UTF-16 units: nobody types more, and Argon2id takes any length.
pub(super) const SECRET_MAX: usize = 1024;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Passphrase,
    RecoveryKey,
    Passkey,
}

/// The page.
#[component]
pub(crate) fn Unlock(
    /// What opens it.
    lock: Lock,
    /// What came of the last secret.
    last: Signal<Option<LockAnswer>>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    document().set_title("Chopar");
    let asked = RwSignal::new(if lock.passphrase {
        Asked::Passphrase
    } else {
        Asked::Passkey
    });
    let busy = ArcRwSignal::new(false);
    let failed = ArcRwSignal::new(false);
    // Each answer ends the waiting for it, also the second of the same kind.
    Effect::new({
        let busy = busy.clone();
        move |_| {
            last.track();
            busy.set(false);
        }
    });
    let has_recovery = lock.recovery;
    let has_passphrase = lock.passphrase;
    let passkey = StoredValue::new(lock.passkey);
    let form = {
        let (busy, failed) = (busy.clone(), failed.clone());
        move || match asked.get() {
            Asked::Passkey => passkey.get_value().map(|passkey| {
                view! { <WithPasskey passkey busy=busy.clone() failed=failed.clone()/> }.into_any()
            }),
            Asked::Passphrase => Some(view! { <WithText recovery=false busy=busy.clone()/> }.into_any()),
            Asked::RecoveryKey => Some(view! { <WithText recovery=true busy=busy.clone()/> }.into_any()),
        }
    };
    let other = move |wanted: Asked, there: bool, label: &'static str| {
        move || {
            (there && asked.get() != wanted).then(|| {
                view! { <button type="button" class="link" on:click=move |_| asked.set(wanted)>{label}</button> }
            })
        }
    };
    let said = move || {
        if failed.get() {
            return Some(texts.lock_passkey_failed().to_owned());
        }
        last.get().and_then(|answer| lock_answer_text(texts, answer))
    };
    let waiting = busy.clone();
    view! {
        <main class="sheet">
            <div class="card">
                <Icon name="lock" class="large"/>
                <h1 id="pane-title" tabindex="-1">{texts.unlock_title()}</h1>
                <p>{texts.unlock_body()}</p>
                {form}
                <div role="alert" class="problem-place">
                    {move || said().map(|text| view! { <p class="problem">{text}</p> })}
                </div>
                <p role="status">{move || waiting.get().then(|| texts.unlock_trying())}</p>
                <div class="actions">
                    {other(Asked::Passphrase, has_passphrase, texts.unlock_with_passphrase())}
                    {other(Asked::Passkey, passkey.with_value(Option::is_some), texts.unlock_with_passkey())}
                    {other(Asked::RecoveryKey, has_recovery, texts.unlock_with_recovery())}
                    <StartOver class="link"/>
                </div>
                <Languages/>
            </div>
        </main>
        <StartOverDialog/>
    }
}

#[component]
fn WithText(recovery: bool, busy: ArcRwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let typed = RwSignal::new(String::new());
    focus_when_mounted("unlock-secret");
    let disabled = busy.clone();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let text = typed.get_untracked();
        // Not kept on the page longer than it takes to hand it over.
        typed.set(String::new());
        app.client.unlock(if recovery {
            Secret::RecoveryKey(text)
        } else {
            Secret::Passphrase(normal_form(&text))
        });
    };
    let (label, kind) = if recovery {
        (texts.recovery_label(), "text")
    } else {
        (texts.unlock_passphrase(), "password")
    };
    view! {
        <form class="form" on:submit=submit>
            <Field id="unlock-secret" label value=typed max=SECRET_MAX kind autocomplete="current-password"/>
            <div class="actions">
                <button type="submit" class="button primary" disabled=move || disabled.get()>{texts.unlock_open()}</button>
            </div>
        </form>
    }
}

#[component]
fn WithPasskey(passkey: Passkey, busy: ArcRwSignal<bool>, failed: ArcRwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let disabled = busy.clone();
    let ask = move |_| {
        busy.set(true);
        failed.set(false);
        let (passkey, busy, failed) = (passkey.clone(), busy.clone(), failed.clone());
        spawn_local(async move {
            match ask_passkey(&passkey).await {
                Ok(secret) => app.client.unlock(secret),
                Err(NoPasskey) => {
                    failed.set(true);
                    busy.set(false);
                }
            }
        });
    };
    view! {
        <div class="actions">
            <button type="button" class="button primary" disabled=move || disabled.get() on:click=ask>
                <Icon name="key-round"/>{texts.unlock_open()}
            </button>
        </div>
    }
}
