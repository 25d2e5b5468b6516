//! Whether the browser sees a network at all.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::scope;

/// Listens to the worker's `online` and `offline` events until it is dropped.
pub struct Network {
    _changed: [Closure<dyn FnMut()>; 2],
}

impl Network {
    /// Calls `changed` with every change, `true` for online.
    pub fn watch(changed: impl Fn(bool) + Clone + 'static) -> Self {
        let listener = |online: bool| {
            let changed = changed.clone();
            Closure::<dyn FnMut()>::new(move || changed(online))
        };
        let closures = [listener(true), listener(false)];
        scope().set_ononline(Some(closures[0].as_ref().unchecked_ref()));
        scope().set_onoffline(Some(closures[1].as_ref().unchecked_ref()));
        Self { _changed: closures }
    }

    /// What the browser says now.
    pub fn online() -> bool {
        scope().navigator().on_line()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        scope().set_ononline(None);
        scope().set_onoffline(None);
    }
}
