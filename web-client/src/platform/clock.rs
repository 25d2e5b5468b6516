//! Now, and one alarm.

use std::cell::Cell;

use chopar_wire::Timestamp;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::{Exception, scope};

/// `setTimeout` takes an i32 of milliseconds; what lies further away rings early and is armed again by its owner.
const LONGEST_MS: u64 = i32::MAX as u64;

/// The device's clock.
pub fn now() -> Timestamp {
    Timestamp(js_sys::Date::now() as u64)
}

/// One alarm; setting it replaces the moment before, dropping it stops it.
pub struct Alarm {
    ring: Closure<dyn FnMut()>,
    armed: Cell<Option<i32>>,
}

impl Alarm {
    /// An alarm that calls this, not armed yet.
    pub fn new(ring: impl FnMut() + 'static) -> Self {
        Self {
            ring: Closure::new(ring),
            armed: Cell::new(None),
        }
    }

    /// Rings at `at`, never later than timers do, possibly earlier: whoever is woken compares with the clock.
    pub fn set(&self, at: Timestamp) -> Result<(), Exception> {
        self.clear();
        let wait = at.ms_since(now()).min(LONGEST_MS) as i32;
        let id = scope().set_timeout_with_callback_and_timeout_and_arguments_0(
            self.ring.as_ref().unchecked_ref(),
            wait,
        )?;
        self.armed.set(Some(id));
        Ok(())
    }

    fn clear(&self) {
        if let Some(id) = self.armed.take() {
            scope().clear_timeout_with_handle(id);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clear();
    }
}
