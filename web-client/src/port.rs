//! What crosses the line between a tab and its engine worker: postcard bytes in a `Uint8Array`, one message each.
//!
//! Both modules come from one build, so the encoding carries no version. A message that does not decode is a fault of
//! that build, and the tab says so ([`FatalKind::Crashed`]).

use chopar_engine::{Asked, Event};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// From a tab to its worker.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first message, once: `localStorage["chopar.canary"]`, which a worker cannot read. A canary without a vault means
    /// that the browser threw half of the storage away ([`FatalKind::HalfEvicted`]), not that the person is new.
    Start {
        /// As the worker gave it in [`FromWorker::Canary`], if there is one.
        canary: Option<String>,
    },
    /// Something a person wants; answered exactly once by [`Event::Answered`] with the same id.
    Asked(Asked),
    /// Whether this tab is being looked at; the first one comes right after the worker was started.
    Visible(bool),
    /// Erase this browser's vault: a person has confirmed it. [`FromWorker::Erased`] follows, in every tab.
    StartOver,
    /// Somebody uses this tab: the time after which it locks itself begins anew.
    Active,
    /// Lock, in every tab. [`FromWorker::LockedNow`] follows.
    LockNow,
    /// Open the lock.
    Unlock(Secret),
    /// Set, change or remove the lock. [`FromWorker::LockChanged`] follows with the same id.
    ChangeLock {
        /// Chosen by the tab: random.
        id: u64,
        /// What.
        change: Box<LockChange>,
    },
}

/// What opens a lock.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub enum Secret {
    /// A passphrase in Unicode's normal form KC, so that every keyboard types the same one.
    Passphrase(String),
    /// What the passkey answers to the slot's salt.
    Passkey([u8; 32]),
    /// The recovery key as typed.
    RecoveryKey(String),
}

/// How the lock is to be from now on, whole: what is not named is gone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockChange {
    /// What opens the lock that is there now; `None` where there is none.
    pub proof: Option<Secret>,
    /// The passphrase; `None` for a lock without one.
    pub passphrase: Option<Secret>,
    /// The passkey and what it answers to its salt.
    pub passkey: Option<(Passkey, Secret)>,
    /// Minutes without anybody after which it locks itself, 0 for never.
    pub idle_minutes: u16,
}

/// A passkey as the browser is asked for it. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// WebAuthn's credential id.
    pub credential: Vec<u8>,
    /// The salt its answer is asked for.
    pub salt: [u8; 32],
}

/// What opens the vault at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// A passphrase.
    pub passphrase: bool,
    /// A passkey.
    pub passkey: Option<Passkey>,
    /// The recovery key.
    pub recovery: bool,
    /// Minutes without anybody after which it locks itself, 0 for never. Not known while it is locked.
    pub idle_minutes: u16,
}

impl Lock {
    /// Whether there is a lock at all.
    pub const fn is_set(&self) -> bool {
        self.passphrase || self.passkey.is_some()
    }
}

/// What came of opening or changing a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockAnswer {
    /// It is done.
    Done,
    /// The secret does not open the lock.
    Wrong,
    /// Too many secrets were wrong: not before so many milliseconds have passed.
    Wait(u64),
    /// It is not possible now: there is no account yet.
    NotNow,
    /// The browser could not do it; nothing has changed.
    Failed,
}

/// From the worker to its tab.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromWorker {
    /// Something to show.
    Event(Box<Event>),
    /// Facts about this browser, once after the start and whenever they change.
    About(AboutDevice),
    /// The engine began anew from the vault (another tab took over): what the tab shows is asked for again. Intents that
    /// were under way are still answered.
    Restarted,
    /// To be kept as `localStorage["chopar.canary"]`, replacing what is there. Holds nothing secret.
    Canary(String),
    /// The vault is locked; sent again after each secret that does not open it.
    Locked {
        /// What opens it.
        lock: Lock,
        /// What came of the last secret, if one was tried.
        last: Option<LockAnswer>,
    },
    /// The lock was locked: the tab forgets everything it shows and is loaded anew.
    LockedNow,
    /// What came of [`ToWorker::ChangeLock`].
    LockChanged {
        /// As it was asked.
        id: u64,
        /// What came of it.
        answer: LockAnswer,
    },
    /// Nothing more will come from this worker, but for [`FromWorker::Erased`] where a person starts over.
    Fatal(FatalKind),
    /// The vault was erased, as a person wished: the canary goes too, and the tab begins as on a first visit.
    Erased,
}

/// What "about this device" says of the ground it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutDevice {
    /// Where the device's identity keys live.
    pub keys: KeyHome,
    /// Whether the browser promised to keep the storage.
    pub persisted: bool,
    /// Records of the vault that do not open. They are kept, and not used.
    pub damaged_records: u32,
    /// What opens the vault.
    pub lock: Lock,
}

/// Where private identity keys live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyHome {
    /// In WebCrypto, not extractable.
    WebCrypto,
    /// In the worker's memory and sealed in the vault, because the browser's WebCrypto lacks the curves.
    Wasm,
}

/// Why the client cannot go on. Each has a text in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FatalKind {
    /// The browser refuses storage (a private window, storage switched off, a policy).
    StorageRefused,
    /// The disk is full, or the browser's share of it.
    StorageFull,
    /// The vault was written by a newer build: reload, or ask the administrator.
    VaultNewer,
    /// The vault cannot be opened: its key is gone, or records do not open under it.
    VaultDamaged,
    /// The browser threw part of this site's storage away, and with it the keys.
    HalfEvicted,
    /// The browser lacks what the engine needs.
    BrowserTooOld,
    /// The worker's files could not be loaded.
    Unreachable,
    /// The worker stopped by a fault of its own.
    Crashed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::Intent;

    #[test]
    fn messages_survive_the_way() {
        let asked = ToWorker::Asked(Asked {
            id: u64::MAX,
            intent: Intent::Snapshot,
        });
        let bytes = postcard::to_allocvec(&asked).unwrap();
        assert!(postcard::from_bytes::<ToWorker>(&bytes).unwrap() == asked);
        let fatal = FromWorker::Fatal(FatalKind::StorageRefused);
        let bytes = postcard::to_allocvec(&fatal).unwrap();
        assert!(postcard::from_bytes::<FromWorker>(&bytes).unwrap() == fatal);
    }
}
