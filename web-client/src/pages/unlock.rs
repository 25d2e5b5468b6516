//! The lock: what is kept here opens with a secret. Nothing of it is on the page.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::languages::Languages;
use super::start_over::{StartOver, StartOverDialog};
use crate::port::{Lock, Passkey, Secret};
use crate::state::{App, normal_form, use_app};
use crate::ui::{Attempt, AttemptSaid, Field, Icon, NoPasskey, ask_passkey, focus_when_mounted};

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
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    document().set_title("Chopar");
    let asked = RwSignal::new(if lock.passphrase {
        Asked::Passphrase
    } else if lock.passkey.is_some() {
        Asked::Passkey
    } else {
        Asked::RecoveryKey
    });
    let attempt = Attempt::new(texts);
    let Lock {
        passphrase: has_passphrase,
        recovery: has_recovery,
        passkey,
        ..
    } = lock;
    let has_passkey = passkey.is_some();
    let passkey = StoredValue::new(passkey);
    let form = {
        let attempt = attempt.clone();
        move || {
            let attempt = attempt.clone();
            match asked.get() {
                Asked::Passkey => passkey
                    .get_value()
                    .map(|passkey| view! { <WithPasskey passkey attempt/> }.into_any()),
                Asked::Passphrase => Some(view! { <WithText recovery=false attempt/> }.into_any()),
                Asked::RecoveryKey => Some(view! { <WithText recovery=true attempt/> }.into_any()),
            }
        }
    };
    let other = |wanted: Asked, there: bool, label: &'static str| {
        let attempt = attempt.clone();
        move || {
            let attempt = attempt.clone();
            let choose = move |_| {
                attempt.forget();
                asked.set(wanted);
            };
            (there && asked.get() != wanted)
                .then(|| view! { <button type="button" class="link" on:click=choose>{label}</button> })
        }
    };
    let (with_passphrase, with_passkey, with_recovery) = (
        other(Asked::Passphrase, has_passphrase, texts.unlock_with_passphrase()),
        other(Asked::Passkey, has_passkey, texts.unlock_with_passkey()),
        other(Asked::RecoveryKey, has_recovery, texts.unlock_with_recovery()),
    );
    let trying = attempt.clone();
    view! {
        <main class="sheet">
            <div class="card">
                <Icon name="lock" class="large"/>
                <h1 id="pane-title" tabindex="-1">{texts.unlock_title()}</h1>
                <p>{texts.unlock_body()}</p>
                {form}
                <AttemptSaid attempt/>
                <p role="status">{move || trying.is_busy().then(|| texts.unlock_trying())}</p>
                <div class="actions">
                    {with_passphrase}
                    {with_passkey}
                    {with_recovery}
                    <StartOver class="link"/>
                </div>
                <Languages/>
            </div>
        </main>
        <StartOverDialog/>
    }
}

/// Hands a secret over, and says what came of it.
async fn open(app: App, attempt: Attempt, secret: Secret) {
    attempt.answered(app.client.unlock(secret).await);
}

#[component]
fn WithText(recovery: bool, attempt: Attempt) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let typed = RwSignal::new(String::new());
    focus_when_mounted("unlock-secret");
    let closed = attempt.clone();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if !attempt.begin() {
            return;
        }
        let text = typed.get_untracked();
        // Not kept on the page longer than it takes to hand it over.
        typed.set(String::new());
        let secret = if recovery {
            Secret::RecoveryKey(text)
        } else {
            Secret::Passphrase(normal_form(&text))
        };
        spawn_local(open(app, attempt.clone(), secret));
    };
    // A recovery key is on paper and nowhere else: no browser is to keep it.
    let (label, kind, autocomplete) = if recovery {
        (texts.recovery_label(), "text", "off")
    } else {
        (texts.unlock_passphrase(), "password", "current-password")
    };
    view! {
        <form class="form" on:submit=submit>
            <Field id="unlock-secret" label value=typed max=SECRET_MAX kind autocomplete/>
            <div class="actions">
                <button type="submit" class="button primary" disabled=move || closed.is_closed()>{texts.unlock_open()}</button>
            </div>
        </form>
    }
}

#[component]
fn WithPasskey(passkey: Passkey, attempt: Attempt) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let closed = attempt.clone();
    let ask = move |_| {
        if !attempt.begin() {
            return;
        }
        let (passkey, attempt) = (passkey.clone(), attempt.clone());
        spawn_local(async move {
            match ask_passkey(&passkey).await {
                Ok(secret) => open(app, attempt, secret).await,
                Err(NoPasskey) => attempt.failed(texts.unlock_passkey_failed()),
            }
        });
    };
    view! {
        <div class="actions">
            <button type="button" class="button primary" disabled=move || closed.is_closed() on:click=ask>
                <Icon name="key-round"/>{texts.unlock_open()}
            </button>
        </div>
    }
}
