//! The lock, in Settings: setting, changing and removing it, when it locks itself, locking it now.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::unlock::SECRET_MAX;
use crate::port::{Lock, LockAnswer, LockChange, Secret};
use crate::state::{App, normal_form, use_app};
use crate::ui::{Field, Icon, NoPasskey, ask_passkey, knows_passkeys, lock_answer_text, make_passkey};
use crate::view_model::{Weakness, weakness};

/// Minutes on offer, 0 for never.
const IDLE: [u16; 5] = [0, 1, 5, 15, 60];

/// The one a new lock begins with: long enough to read, short enough for a shared room.
const USUAL_IDLE: u16 = 15;

/// What is typed, and what came of it.
#[derive(Clone, Copy)]
struct Form {
    app: App,
    current: RwSignal<String>,
    new: RwSignal<String>,
    again: RwSignal<String>,
    busy: RwSignal<bool>,
    said: RwSignal<Option<Result<String, String>>>,
}

/// What a button does to the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// Sets the passphrase, new or another; a passkey stays.
    Passphrase,
    /// Adds a passkey; a passphrase stays.
    Passkey,
    /// Takes the passkey away; the passphrase stays.
    NoPasskey,
    /// No lock any more.
    Remove,
}

/// The block.
#[component]
pub(crate) fn LockBlock() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let about = app.about.clone();
    let lock = Memo::new(move |_| about.get().map(|about| about.lock));
    let block = move || {
        let lock = lock.get()?;
        let form = Form {
            app,
            current: RwSignal::new(String::new()),
            new: RwSignal::new(String::new()),
            again: RwSignal::new(String::new()),
            busy: RwSignal::new(false),
            said: RwSignal::new(None),
        };
        Some(view! { <Inside lock form/> })
    };
    view! {
        <section class="block">
            <h2>{texts.lock_title()}</h2>
            {block}
        </section>
    }
}

#[component]
fn Inside(lock: Lock, form: Form) -> impl IntoView {
    let app = form.app;
    let texts = app.texts();
    let set = lock.is_set();
    let opens: Vec<_> = [
        (lock.passphrase, texts.unlock_passphrase()),
        (lock.passkey.is_some(), texts.lock_passkey()),
        (lock.recovery, texts.recovery_label()),
    ]
    .into_iter()
    .filter_map(|(there, name)| there.then_some(name))
    .collect();
    let facts = if set {
        texts.lock_opens(&opens.join(", "))
    } else {
        texts.lock_none().to_owned()
    };
    let (has_passphrase, has_passkey) = (lock.passphrase, lock.passkey.is_some());
    let idle = lock.idle_minutes;
    let lock = StoredValue::new(lock);
    let act = move |deed: Deed| {
        if !form.busy.get_untracked() {
            spawn_local(form.act(lock.get_value(), deed));
        }
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        act(Deed::Passphrase);
    };
    let deed = move |there: bool, deed: Deed, label: &'static str, class: &'static str| {
        there.then(|| {
            view! {
                <button type="button" class=class disabled=move || form.busy.get() on:click=move |_| act(deed)>{label}</button>
            }
        })
    };
    let knows = knows_passkeys();
    let judged = move || {
        let text = form.new.get();
        (!text.is_empty()).then(|| match form.judge(&text) {
            Some(_) => texts.lock_weak(),
            None => texts.lock_strong(),
        })
    };
    let minutes: Vec<_> = IDLE
        .into_iter()
        .map(|minutes| {
            let label = match minutes {
                0 => texts.lock_never().to_owned(),
                some => texts.lock_minutes(u64::from(some)),
            };
            view! { <option value=minutes.to_string() selected={minutes == idle}>{label}</option> }
        })
        .collect();
    let wait = move |event: ev::Event| {
        if let Ok(minutes) = event_target_value(&event).parse() {
            spawn_local(form.wait_for(minutes));
        }
    };
    view! {
        <p>{facts}</p>
        {set.then(|| view! {
            <div class="actions">
                <button type="button" class="button primary" on:click=move |_| app.client.lock_now()>
                    <Icon name="lock"/>{texts.lock_now()}
                </button>
            </div>
            <div class="field">
                <label for="lock-idle">{texts.lock_idle()}</label>
                <select id="lock-idle" class="input" on:change=wait>{minutes}</select>
            </div>
        })}
        <form class="form" on:submit=submit>
            {has_passphrase.then(|| view! {
                <Field id="lock-current" label=texts.lock_current() value=form.current max=SECRET_MAX kind="password"
                    autocomplete="current-password"/>
            })}
            <Field id="lock-new" label={if has_passphrase { texts.lock_new() } else { texts.unlock_passphrase() }} value=form.new
                max=SECRET_MAX kind="password" autocomplete="new-password" hint=texts.lock_hint()/>
            <p class="hint" role="status">{judged}</p>
            <Field id="lock-again" label=texts.lock_again() value=form.again max=SECRET_MAX kind="password"
                autocomplete="new-password"/>
            <div class="actions">
                <button type="submit" class="button" disabled=move || form.busy.get()>
                    {if has_passphrase { texts.lock_change() } else { texts.lock_set() }}
                </button>
                {deed(knows && !has_passkey, Deed::Passkey, texts.lock_add_passkey(), "button")}
                {deed(has_passkey && has_passphrase, Deed::NoPasskey, texts.lock_remove_passkey(), "button")}
                {deed(set, Deed::Remove, texts.lock_remove(), "button danger")}
            </div>
        </form>
        <div role="alert" class="problem-place">
            {move || form.said.get().and_then(Result::err).map(|text| view! { <p class="problem">{text}</p> })}
        </div>
        <p role="status">
            {move || if form.busy.get() {
                Some(texts.lock_busy().to_owned())
            } else {
                form.said.get().and_then(Result::ok)
            }}
        </p>
        <p class="hint">{texts.lock_before()}</p>
    }
}

impl Form {
    /// Why this passphrase is not taken, if it is not.
    fn judge(&self, passphrase: &str) -> Option<Weakness> {
        let me = untrack(|| self.app.me());
        let names: Vec<&str> = me
            .iter()
            .flat_map(|me| me.display_name.split_whitespace().chain([me.handle.as_str()]))
            .collect();
        weakness(passphrase, &names)
    }

    async fn act(self, lock: Lock, deed: Deed) {
        let texts = self.app.texts();
        self.said.set(None);
        if deed == Deed::Passphrase {
            let new = self.new.get_untracked();
            let problem = if self.judge(&new).is_some() {
                Some(texts.lock_weak())
            } else {
                (new != self.again.get_untracked()).then(|| texts.lock_differs())
            };
            if let Some(problem) = problem {
                return self.said.set(Some(Err(problem.to_owned())));
            }
        }
        self.busy.set(true);
        let said = match self.change(&lock, deed).await {
            Err(NoPasskey) => Err(texts.lock_passkey_failed().to_owned()),
            Ok(change) => match self.app.client.change_lock(change).await {
                LockAnswer::Done => Ok(texts.lock_done().to_owned()),
                answer => Err(lock_answer_text(texts, answer).unwrap_or_default()),
            },
        };
        // The block is built anew when the lock has changed; then nobody looks at this form any more.
        for typed in [self.current, self.new, self.again] {
            let _ = typed.try_set(String::new());
        }
        let _ = self.busy.try_set(false);
        match said {
            Ok(text) => self.app.announce(text),
            Err(text) => drop(self.said.try_set(Some(Err(text)))),
        }
    }

    /// The whole lock as it is to be.
    async fn change(&self, lock: &Lock, deed: Deed) -> Result<LockChange, NoPasskey> {
        let typed = |text: RwSignal<String>| Secret::Passphrase(normal_form(&text.get_untracked()));
        let known = match &lock.passkey {
            // Without a passphrase the passkey proves it; with another one it is to stay.
            Some(passkey) if !lock.passphrase || deed == Deed::Passphrase => {
                Some((passkey.clone(), ask_passkey(passkey).await?))
            }
            _ => None,
        };
        let proof = if lock.passphrase {
            Some(typed(self.current))
        } else {
            known.as_ref().map(|(_, secret)| secret.clone())
        };
        let kept = lock.passphrase.then(|| typed(self.current));
        let name = untrack(|| self.app.me()).map(|me| me.handle).unwrap_or_default();
        let (passphrase, passkey) = match deed {
            Deed::Passphrase => (Some(typed(self.new)), known),
            Deed::Passkey => (kept, Some(make_passkey(&name).await?)),
            Deed::NoPasskey => (kept, None),
            Deed::Remove => (None, None),
        };
        Ok(LockChange {
            proof,
            passphrase,
            passkey,
            idle_minutes: if lock.is_set() {
                lock.idle_minutes
            } else {
                USUAL_IDLE
            },
        })
    }

    async fn wait_for(self, minutes: u16) {
        let change = LockChange {
            proof: None,
            passphrase: None,
            passkey: None,
            idle_minutes: minutes,
        };
        let answer = self.app.client.change_lock(change).await;
        let texts = self.app.texts();
        if answer != LockAnswer::Done {
            let _ = self
                .said
                .try_set(Some(Err(lock_answer_text(texts, answer).unwrap_or_default())));
        }
    }
}
