//! The tab that started this worker.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::MessageEvent;
use zeroize::Zeroizing;

use super::{Exception, scope};
use crate::port::{FromWorker, ToWorker};

/// The line to the own tab.
pub struct Tab {
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Tab {
    /// Begins to listen; `None` stands for a message that does not decode, which only a tab of another build can send.
    pub fn listen(heard: impl Fn(Option<ToWorker>) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let bytes = event
                .data()
                .dyn_into::<Uint8Array>()
                .ok()
                .map(|bytes| Zeroizing::new(bytes.to_vec()));
            heard(bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()));
        });
        scope().set_onmessage(Some(closure.as_ref().unchecked_ref()));
        Self { _heard: closure }
    }

    /// Tells the tab something.
    pub fn tell(message: &FromWorker) -> Result<(), Exception> {
        let bytes = postcard::to_allocvec(message).map_err(|_| Exception::named("EncodingError"))?;
        let bytes = Uint8Array::from(bytes.as_slice());
        let transfer = Array::of1(&bytes.buffer());
        Ok(scope().post_message_with_transfer(&bytes, &transfer)?)
    }

    /// Ends this worker: its lock falls to the next tab, its socket closes. What was told before still arrives.
    pub fn end_worker() {
        scope().close();
    }
}
