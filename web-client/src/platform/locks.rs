//! Web Locks, bound by hand: `web-sys` has them behind a global compiler flag only.

use js_sys::{Function, Promise};
use tokio::sync::oneshot;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use super::{Exception, scope};

#[wasm_bindgen]
extern "C" {
    type LockNavigator;
    type LockManager;
    type LockOptions;

    #[wasm_bindgen(method, getter)]
    fn locks(this: &LockNavigator) -> Option<LockManager>;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &LockOptions,
        granted: &Function,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, setter, js_name = ifAvailable)]
    fn set_if_available(this: &LockOptions, value: bool);
}

/// An exclusive lock. Dropping it, or the end of the worker, gives it to the next in line.
pub struct Held {
    release: Function,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Resolving a promise does not throw.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// Takes the lock if nobody has it.
pub async fn try_hold(name: &str) -> Result<Option<Held>, Exception> {
    request(name, true).await
}

/// Waits for the lock for as long as it takes.
pub async fn hold(name: &str) -> Result<Held, Exception> {
    request(name, false)
        .await?
        .ok_or_else(|| Exception::named("AbortError"))
}

async fn request(name: &str, if_available: bool) -> Result<Option<Held>, Exception> {
    let navigator: LockNavigator = scope().navigator().unchecked_into();
    let manager = navigator
        .locks()
        .ok_or_else(|| Exception::named("NotSupportedError"))?;
    let options: LockOptions = js_sys::Object::new().unchecked_into();
    options.set_if_available(if_available);
    let (answer, answered) = oneshot::channel();
    // The lock is held until the promise that this callback returns is resolved.
    let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        if lock.is_null() {
            let _ = answer.send(None);
            return JsValue::UNDEFINED;
        }
        let mut release = None;
        let until = Promise::new(&mut |resolve, _reject| release = Some(resolve));
        // Where nobody waits any more, dropping `Held` gives the lock back.
        let _ = answer.send(release.map(|release| Held { release }));
        until.into()
    });
    let ended = manager.request(name, &options, granted.unchecked_ref())?;
    // Rejects when another tab steals the lock. The epoch in the vault stops this one, so there is nothing to do here.
    spawn_local(async move {
        let _ = ended.await;
    });
    answered.await.map_err(|_| Exception::named("AbortError"))
}
