//! The lock, in Settings: setting, changing and removing it, when it locks itself, locking it now.

use leptos::ev;
use leptos::prelude::*;

use super::lock_form::{Deed, Form, is_left_alone};
use super::unlock::SECRET_MAX;
use crate::port::Lock;
use crate::state::use_app;
use crate::ui::{AttemptSaid, Field, Icon, knows_passkeys};

/// Minutes on offer, 0 for never.
const IDLE: [u16; 5] = [0, 1, 5, 15, 60];

/// The block.
#[component]
pub(crate) fn LockBlock() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let about = app.about.clone();
    let idle = {
        let about = about.clone();
        Memo::new(move |_| about.read().as_ref().map_or(0, |about| about.lock.idle_minutes))
    };
    // Without the minutes: to wait for another time is no reason to take away what is being typed.
    let lock = Memo::new(move |_| {
        about.read().as_ref().map(|about| Lock {
            idle_minutes: 0,
            ..about.lock.clone()
        })
    });
    let form = Form::new(app);
    let block = {
        let form = form.clone();
        move || {
            let lock = lock.get()?;
            Some(view! { <Inside lock idle form=form.clone()/> })
        }
    };
    let (busy, done) = (form.attempt.clone(), form.done);
    let status = move || {
        if busy.is_busy() {
            Some(texts.lock_busy())
        } else {
            done.get().then(|| texts.lock_done())
        }
    };
    view! {
        <section class="block">
            <h2>{texts.lock_title()}</h2>
            {block}
            <AttemptSaid attempt=form.attempt/>
            <p role="status">{status}</p>
            <p class="hint">{texts.lock_before()}</p>
        </section>
    }
}

#[component]
fn Inside(lock: Lock, idle: Memo<u16>, form: Form) -> impl IntoView {
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
    let waits = set.then(|| view! { <Waits idle form=form.clone()/> });
    view! {
        <p>{facts}</p>
        {waits}
        <Change lock idle form/>
    }
}

/// Locking it now, and when it locks itself.
#[component]
fn Waits(idle: Memo<u16>, form: Form) -> impl IntoView {
    let app = form.app;
    let texts = app.texts();
    let minutes: Vec<_> = IDLE
        .into_iter()
        .map(|minutes| {
            let label = match minutes {
                0 => texts.lock_never().to_owned(),
                some => texts.lock_minutes(u64::from(some)),
            };
            view! { <option value=minutes.to_string() prop:selected=move || idle.get() == minutes>{label}</option> }
        })
        .collect();
    let wait = move |event: ev::Event| {
        if let Ok(minutes) = event_target_value(&event).parse() {
            form.wait_for(minutes);
        }
    };
    view! {
        <div class="actions">
            <button type="button" class="button primary" on:click=move |_| app.client.lock_now()>
                <Icon name="lock"/>{texts.lock_now()}
            </button>
        </div>
        <div class="field">
            <label for="lock-idle">{texts.lock_idle()}</label>
            <select id="lock-idle" class="input" on:change=wait>{minutes}</select>
        </div>
    }
}

/// The secrets, and what is to become of the lock.
#[component]
fn Change(lock: Lock, idle: Memo<u16>, form: Form) -> impl IntoView {
    let texts = form.app.texts();
    let (set, has_passphrase, has_passkey) = (lock.is_set(), lock.passphrase, lock.passkey.is_some());
    let (alone, by_recovery) = (is_left_alone(&lock), form.by_recovery);
    let with_recovery = move || alone || by_recovery.get();
    let act = {
        let (form, lock) = (form.clone(), StoredValue::new(lock));
        move |deed: Deed| {
            let idle_minutes = idle.get_untracked();
            form.act(
                Lock {
                    idle_minutes,
                    ..lock.get_value()
                },
                deed,
            );
        }
    };
    let submit = {
        let act = act.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            act(Deed::Passphrase);
        }
    };
    let deed = |there: Signal<bool>, deed: Deed, label: &'static str, class: &'static str| {
        let (act, attempt) = (act.clone(), form.attempt.clone());
        move || {
            let (act, closed) = (act.clone(), attempt.clone());
            there.get().then(|| {
                view! {
                    <button type="button" class=class disabled=move || closed.is_closed() on:click=move |_| act(deed)>{label}</button>
                }
            })
        }
    };
    let knows = knows_passkeys();
    let add = deed(
        Signal::derive(move || knows && (!has_passkey || with_recovery())),
        Deed::Passkey,
        texts.lock_add_passkey(),
        "button",
    );
    let no_passkey = deed(
        Signal::derive(move || has_passkey && has_passphrase && !with_recovery()),
        Deed::NoPasskey,
        texts.lock_remove_passkey(),
        "button",
    );
    let remove = deed(
        Signal::derive(move || set),
        Deed::Remove,
        texts.lock_remove(),
        "button danger",
    );
    let judged = {
        let form = form.clone();
        move || {
            let text = form.new.get();
            (!text.is_empty()).then(|| match form.judge(&text) {
                Some(_) => texts.lock_weak(),
                None => texts.lock_strong(),
            })
        }
    };
    let (current, recovery) = (form.current, form.recovery);
    let proof = move || {
        if with_recovery() {
            Some(
                view! {
                    <Field id="lock-recovery" label=texts.recovery_label() value=recovery max=SECRET_MAX
                        hint=texts.lock_replaces()/>
                }
                .into_any(),
            )
        } else if has_passphrase {
            Some(view! {
                <Field id="lock-current" label=texts.lock_current() value=current max=SECRET_MAX kind="password"
                    autocomplete="current-password"/>
            }
            .into_any())
        } else {
            None
        }
    };
    let attempt = form.attempt.clone();
    let other_way = (set && !alone).then(|| {
        let usual = if has_passphrase {
            texts.unlock_with_passphrase()
        } else {
            texts.unlock_with_passkey()
        };
        let toggle = move |_| {
            attempt.forget();
            by_recovery.update(|by| *by = !*by);
        };
        view! {
            <button type="button" class="link" on:click=toggle>
                {move || if by_recovery.get() { usual } else { texts.unlock_with_recovery() }}
            </button>
        }
    });
    let closed = form.attempt.clone();
    view! {
        <form class="form" on:submit=submit>
            {proof}
            {other_way}
            <Field id="lock-new" label={if has_passphrase { texts.lock_new() } else { texts.unlock_passphrase() }} value=form.new
                max=SECRET_MAX kind="password" autocomplete="new-password" hint=texts.lock_hint()/>
            <p class="hint" role="status">{judged}</p>
            <Field id="lock-again" label=texts.lock_again() value=form.again max=SECRET_MAX kind="password"
                autocomplete="new-password"/>
            <div class="actions">
                <button type="submit" class="button" disabled=move || closed.is_closed()>
                    {if has_passphrase { texts.lock_change() } else { texts.lock_set() }}
                </button>
                {add}
                {no_passkey}
                {remove}
            </div>
        </form>
    }
}
