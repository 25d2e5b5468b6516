//! Web Locks, bound by hand: `web-sys` has them behind a global compiler flag only.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Promise};
use tokio::sync::oneshot;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};

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

    #[wasm_bindgen(method, setter)]
    fn set_steal(this: &LockOptions, value: bool);

    #[wasm_bindgen(method, setter)]
    fn set_signal(this: &LockOptions, value: &AbortSignal);
}

/// An exclusive lock. Dropping it, or the end of the worker, gives it to the next in line.
pub struct Held {
    release: Function,
    stolen: Option<oneshot::Receiver<()>>,
    robbed: Robbed,
}

/// Whether a lock was taken by force from who held it.
#[derive(Clone, Debug, Default)]
pub struct Robbed(Rc<Cell<bool>>);

impl Robbed {
    /// Whether it was.
    pub fn is_so(&self) -> bool {
        self.0.get()
    }
}

impl Held {
    /// What shows whether somebody else has taken the lock by force, for as long as one likes.
    pub fn robbed(&self) -> Robbed {
        self.robbed.clone()
    }

    /// Waits until somebody else has taken the lock by force; for ever where it is given back in good order. Heard once.
    pub fn stolen(&mut self) -> impl Future<Output = ()> + use<> {
        let stolen = self.stolen.take();
        async move {
            let heard = match stolen {
                Some(stolen) => stolen.await.is_ok(),
                None => false,
            };
            if !heard {
                std::future::pending().await
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Resolving a promise does not throw.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// A place in the line for a lock. Dropping it leaves the line.
pub struct Place(AbortController);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the lock if nobody has it.
pub async fn try_hold(name: &str) -> Result<Option<Held>, Exception> {
    let options = options();
    options.set_if_available(true);
    request(name, &options).await
}

/// Takes the lock whoever has it. Whoever had it hears of it ([`Held::stolen`]) as soon as it runs again.
pub async fn steal(name: &str) -> Result<Held, Exception> {
    let options = options();
    options.set_steal(true);
    request(name, &options)
        .await?
        .ok_or_else(|| Exception::named("AbortError"))
}

/// Gets in line for the lock, for as long as the place is kept.
pub fn queue(
    name: &'static str,
    granted: impl FnOnce(Result<Held, Exception>) + 'static,
) -> Result<Place, Exception> {
    let place = Place(AbortController::new()?);
    let options = options();
    options.set_signal(&place.0.signal());
    spawn_local(async move {
        match request(name, &options).await {
            Ok(Some(held)) => granted(Ok(held)),
            Ok(None) => {}
            Err(thrown) if thrown.is("AbortError") => {}
            Err(thrown) => granted(Err(thrown)),
        }
    });
    Ok(place)
}

fn options() -> LockOptions {
    js_sys::Object::new().unchecked_into()
}

async fn request(name: &str, options: &LockOptions) -> Result<Option<Held>, Exception> {
    let navigator: LockNavigator = scope().navigator().unchecked_into();
    let manager = navigator
        .locks()
        .ok_or_else(|| Exception::named("NotSupportedError"))?;
    let (answer, answered) = oneshot::channel();
    let answer = Rc::new(RefCell::new(Some(answer)));
    let (rob, stolen) = oneshot::channel();
    let robbed = Robbed::default();
    let (first, seen) = (answer.clone(), robbed.clone());
    // The lock is held until the promise that this callback returns is resolved.
    let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let Some(answer) = first.take() else {
            return JsValue::UNDEFINED;
        };
        if lock.is_null() {
            let _ = answer.send(Ok(None));
            return JsValue::UNDEFINED;
        }
        let mut release = None;
        let until = Promise::new(&mut |resolve, _reject| release = Some(resolve));
        // Where nobody waits any more, dropping `Held` gives the lock back.
        let _ = answer.send(Ok(release.map(|release| Held {
            release,
            stolen: Some(stolen),
            robbed: seen,
        })));
        until.into()
    });
    let ended = manager.request(name, options, granted.unchecked_ref())?;
    // Rejects when the place in line is given up, and when another tab steals the lock.
    spawn_local(async move {
        if let Err(thrown) = ended.await {
            match answer.take() {
                Some(answer) => drop(answer.send(Err(Exception::from(thrown)))),
                None => {
                    robbed.0.set(true);
                    // Nobody may wait for it any more.
                    let _ = rob.send(());
                }
            }
        }
    });
    answered
        .await
        .unwrap_or_else(|_| Err(Exception::named("AbortError")))
}
