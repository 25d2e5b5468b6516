//! What is typed to set, change or remove the lock, and what is asked of the engine with it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::port::{Lock, LockAnswer, LockChange, Secret};
use crate::state::{App, normal_form};
use crate::ui::{Attempt, NoPasskey, ask_passkey, make_passkey, renew_passkey};
use crate::view_model::{Weakness, weakness};

/// What is typed, and what came of it. Outlives a change of the lock, after which the block is built anew.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) app: App,
    pub(super) current: RwSignal<String>,
    pub(super) new: RwSignal<String>,
    pub(super) again: RwSignal<String>,
    /// Whether the recovery key is to prove that the lock may be changed: the passphrase is forgotten, or the passkey lost.
    pub(super) by_recovery: RwSignal<bool>,
    pub(super) recovery: RwSignal<String>,
    /// Whether the lock was changed just now.
    pub(super) done: RwSignal<bool>,
    pub(super) attempt: Attempt,
}

/// What was typed when a button was pressed. A browser may ask for a passkey for minutes, in which the fields change or the page is left.
struct Typed {
    current: String,
    new: String,
    again: String,
    /// The recovery key, where it is the proof.
    recovery: Option<String>,
    name: String,
}

/// What a button does to the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Sets the passphrase, new or another; a passkey stays, unless the recovery key is the proof.
    Passphrase,
    /// Adds a passkey; a passphrase stays.
    Passkey,
    /// Takes the passkey away; the passphrase stays.
    NoPasskey,
    /// No lock any more.
    Remove,
}

impl Form {
    /// Nothing is typed yet.
    pub(super) fn new(app: App) -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            app,
            current: empty(),
            new: empty(),
            again: empty(),
            by_recovery: RwSignal::new(false),
            recovery: empty(),
            done: RwSignal::new(false),
            attempt: Attempt::new(app.texts()),
        }
    }

    /// Why this passphrase is not taken, if it is not.
    pub(super) fn judge(&self, passphrase: &str) -> Option<Weakness> {
        let me = untrack(|| self.app.me());
        let names: Vec<&str> = me
            .iter()
            .flat_map(|me| me.display_name.split_whitespace().chain([me.handle.as_str()]))
            .collect();
        weakness(&normal_form(passphrase), &names)
    }

    /// Does it, and says what came of it.
    pub(super) fn act(&self, lock: Lock, deed: Deed) {
        if self.attempt.begin() {
            self.done.set(false);
            let typed = self.typed(&lock);
            let form = self.clone();
            spawn_local(async move { form.acting(lock, deed, typed).await });
        }
    }

    fn typed(&self, lock: &Lock) -> Typed {
        let by_recovery = self.by_recovery.get_untracked() || is_left_alone(lock);
        Typed {
            current: self.current.get_untracked(),
            new: self.new.get_untracked(),
            again: self.again.get_untracked(),
            recovery: by_recovery.then(|| self.recovery.get_untracked()),
            name: untrack(|| self.app.me()).map(|me| me.handle).unwrap_or_default(),
        }
    }

    async fn acting(self, lock: Lock, deed: Deed, typed: Typed) {
        let texts = self.app.texts();
        if deed == Deed::Passphrase {
            if self.judge(&typed.new).is_some() {
                return self.attempt.failed(texts.lock_weak());
            }
            if typed.new != typed.again {
                return self.attempt.failed(texts.lock_differs());
            }
        }
        let Ok(change) = typed.change(&lock, deed).await else {
            return self.attempt.failed(texts.lock_passkey_failed());
        };
        let answer = self.app.client.change_lock(change).await;
        // The page may have been left meanwhile: then there is nothing typed any more.
        for typed in [self.current, self.new, self.again, self.recovery] {
            let _ = typed.try_set(String::new());
        }
        if answer == LockAnswer::Done {
            let _ = self.by_recovery.try_set(false);
            let _ = self.done.try_set(true);
            self.app.announce(texts.lock_done().to_owned());
        }
        self.attempt.answered(answer);
    }

    /// Has the lock wait for another time.
    pub(super) fn wait_for(&self, minutes: u16) {
        let form = self.clone();
        let change = LockChange {
            proof: None,
            passphrase: None,
            passkey: None,
            idle_minutes: minutes,
        };
        spawn_local(async move {
            let answer = form.app.client.change_lock(change).await;
            form.attempt.answered(answer);
        });
    }
}

impl Typed {
    /// The whole lock as it is to be.
    async fn change(&self, lock: &Lock, deed: Deed) -> Result<LockChange, NoPasskey> {
        let passphrase = |text: &str| Secret::Passphrase(normal_form(text));
        let mut change = LockChange {
            proof: None,
            passphrase: None,
            passkey: None,
            idle_minutes: if lock.is_set() {
                lock.idle_minutes
            } else {
                Lock::USUAL_IDLE
            },
        };
        if let Some(recovery) = &self.recovery {
            // What cannot be asked for cannot be kept: a new passphrase, or passkey, replaces the lock whole.
            change.proof = lock.is_set().then(|| Secret::RecoveryKey(recovery.clone()));
            match deed {
                Deed::Passphrase => change.passphrase = Some(passphrase(&self.new)),
                Deed::Passkey => change.passkey = Some(make_passkey(&self.name).await?),
                Deed::NoPasskey | Deed::Remove => {}
            }
            return Ok(change);
        }
        if lock.passphrase {
            change.proof = Some(passphrase(&self.current));
        }
        match (deed, &lock.passkey) {
            // With another data key the passkey's slot is made anew, for which it is asked.
            (Deed::Passphrase, Some(passkey)) => {
                let (old, new) = renew_passkey(passkey).await?;
                change.proof.get_or_insert(old);
                change.passkey = Some(new);
            }
            (Deed::Remove, Some(passkey)) if !lock.passphrase => {
                change.proof = Some(ask_passkey(passkey).await?);
            }
            (Deed::Passkey, _) => change.passkey = Some(make_passkey(&self.name).await?),
            _ => {}
        }
        match deed {
            Deed::Passphrase => change.passphrase = Some(passphrase(&self.new)),
            Deed::Passkey | Deed::NoPasskey => {
                change.passphrase = lock.passphrase.then(|| passphrase(&self.current));
            }
            Deed::Remove => {}
        }
        Ok(change)
    }
}

/// Whether only the recovery key is left of a lock: the other slots are damaged.
pub(super) const fn is_left_alone(lock: &Lock) -> bool {
    lock.recovery && !lock.passphrase && lock.passkey.is_none()
}
