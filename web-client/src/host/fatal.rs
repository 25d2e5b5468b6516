//! How a worker ends: it says why and closes, and with it its lock and its socket.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::platform::tab::Tab;
use crate::port::{FatalKind, FromWorker};
use crate::vault::VaultError;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &JsValue);
}

/// Tells the tab that nothing more will come, and ends the worker. The lock falls to the next tab.
pub(super) fn end(kind: FatalKind) {
    // Where even this cannot be said, the end of the worker is what the tab notices.
    let _ = Tab::tell(&FromWorker::Fatal(kind));
    Tab::end_worker();
}

/// Locks: the tab forgets what it shows, and the keys go with the worker.
pub(super) fn lock() {
    let _ = Tab::tell(&FromWorker::LockedNow);
    Tab::end_worker();
}

/// A panic ends the worker: what is in its memory cannot be trusted any more, and the vault has everything that counts.
/// The place is logged and not the message, which may hold what people wrote.
pub(super) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(|place| format!("engine worker stopped at {place}"));
        console_error(&JsValue::from_str(
            place.as_deref().unwrap_or("engine worker stopped"),
        ));
        end(FatalKind::Crashed);
    }));
}

/// What a person is told when the vault cannot go on.
pub(super) fn kind_of(error: &VaultError) -> FatalKind {
    match error {
        VaultError::Refused(_) => FatalKind::StorageRefused,
        VaultError::Full => FatalKind::StorageFull,
        VaultError::Newer => FatalKind::VaultNewer,
        VaultError::HalfEvicted => FatalKind::HalfEvicted,
        VaultError::Damaged | VaultError::NoIdentity => FatalKind::VaultDamaged,
        VaultError::Crypto(thrown) if thrown.is("NotSupportedError") => FatalKind::BrowserTooOld,
        VaultError::Fenced | VaultError::NoMemory | VaultError::Database(_) | VaultError::Crypto(_) => {
            FatalKind::Crashed
        }
    }
}
