//! The other tabs' workers of this browser profile.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Blob, BroadcastChannel, MessageEvent};
use zeroize::Zeroizing;

use super::Exception;
use super::parcel::Parcel;

/// A BroadcastChannel that carries bytes, and blobs beside them. Reaches every other holder of the same name and origin, never the sender.
pub struct Channel {
    inner: BroadcastChannel,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    /// Joins the channel. What `heard` gives back is said to all others at once, before anything else this worker does. What
    /// is no such message comes from no worker of ours and is not heard.
    pub fn join(
        name: &str,
        heard: impl Fn(&[u8], Vec<Blob>) -> Option<Zeroizing<Vec<u8>>> + 'static,
    ) -> Result<Self, Exception> {
        let inner = BroadcastChannel::new(name)?;
        let speaker = inner.clone();
        let closure = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(Parcel { bytes, blobs }) = Parcel::unpack(event.data())
                && let Some(answer) = heard(&bytes, blobs)
            {
                // Refused only where the channel is closed: nobody waits then.
                let _ = speaker.post_message(&Uint8Array::from(answer.as_slice()));
            }
        });
        inner.set_onmessage(Some(closure.as_ref().unchecked_ref()));
        Ok(Self {
            inner,
            _heard: closure,
        })
    }

    /// Says something to all others.
    pub fn say(&self, bytes: &[u8], blobs: &[Blob]) -> Result<(), Exception> {
        Ok(self.inner.post_message(&Parcel::pack(bytes, blobs))?)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.inner.set_onmessage(None);
        self.inner.close();
    }
}
