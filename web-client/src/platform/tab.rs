//! The tab that started this worker.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Blob, MessageEvent};

use super::parcel::Parcel;
use super::{Exception, scope};
use crate::port::{FromWorker, ToWorker};

/// The line to the own tab.
pub struct Tab {
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Tab {
    /// Begins to listen, also to the blobs beside a message; `None` stands for a message that does not decode, which only a tab of
    /// another build can send.
    pub fn listen(heard: impl Fn(Option<(ToWorker, Vec<Blob>)>) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            heard(
                Parcel::unpack(event.data())
                    .and_then(|Parcel { bytes, blobs }| Some((postcard::from_bytes(&bytes).ok()?, blobs))),
            );
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

    /// Tells it something with blobs beside it.
    pub fn hand(message: &FromWorker, blobs: &[Blob]) -> Result<(), Exception> {
        let bytes = postcard::to_allocvec(message).map_err(|_| Exception::named("EncodingError"))?;
        Ok(scope().post_message(&Parcel::pack(&bytes, blobs))?)
    }

    /// Ends this worker: its lock falls to the next tab, its socket closes. What was told before still arrives.
    pub fn end_worker() {
        scope().close();
    }
}
