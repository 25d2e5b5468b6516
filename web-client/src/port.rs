//! What crosses the line between a tab and its engine worker: postcard bytes in a `Uint8Array`, one message each.
//!
//! Both modules come from one build, so the encoding carries no version. A message that does not decode is a fault of
//! that build, and the tab says so ([`FatalKind::Crashed`]).

use chopar_engine::{Asked, Event};
use serde::{Deserialize, Serialize};

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
    /// Nothing more will come from this worker, but for [`FromWorker::Erased`] where a person starts over.
    Fatal(FatalKind),
    /// The vault was erased, as a person wished: the canary goes too, and the tab begins as on a first visit.
    Erased,
}

/// What "about this device" says of the ground it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutDevice {
    /// Where the device's identity keys live.
    pub keys: KeyHome,
    /// Whether the browser promised to keep the storage.
    pub persisted: bool,
    /// Records of the vault that do not open. They are kept, and not used.
    pub damaged_records: u32,
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
