//! What a camera or a microphone gives: on for as long as somebody holds it.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack, MediaStreamTrackState};

use crate::platform::Exception;

/// A device that is on. Dropping it turns the device off.
pub(super) struct Stream(MediaStream);

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoStream {
    /// The person, the browser or the administrator of the machine does not permit it.
    Refused,
    /// There is no such device.
    Missing,
    /// It is there and does not start, or has stopped.
    Busy,
}

impl Stream {
    /// Asks the browser for a device, and it the person.
    pub(super) async fn open(wanted: &MediaStreamConstraints) -> Result<Self, NoStream> {
        asked(wanted)
            .await
            .map(Self)
            .map_err(|thrown| NoStream::of(&Exception::from(thrown)))
    }

    /// What plays it.
    pub(super) const fn source(&self) -> &MediaStream {
        &self.0
    }

    /// Whether it still gives anything: the device may be unplugged, or forbidden meanwhile.
    pub(super) fn is_on(&self) -> bool {
        self.tracks()
            .any(|track| track.ready_state() == MediaStreamTrackState::Live)
    }

    fn tracks(&self) -> impl Iterator<Item = MediaStreamTrack> {
        Array::from(&self.0.get_tracks())
            .into_iter()
            .filter_map(|track| track.dyn_into().ok())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        for track in self.tracks() {
            track.stop();
        }
    }
}

impl NoStream {
    fn of(thrown: &Exception) -> Self {
        if thrown.is("NotAllowedError") || thrown.is("SecurityError") {
            Self::Refused
        } else if thrown.is("NotReadableError") || thrown.is("AbortError") {
            Self::Busy
        } else {
            // NotFoundError, OverconstrainedError; a TypeError where the browser knows no devices at all.
            Self::Missing
        }
    }
}

async fn asked(wanted: &MediaStreamConstraints) -> Result<MediaStream, JsValue> {
    let devices = leptos::prelude::window().navigator().media_devices()?;
    let stream = JsFuture::from(devices.get_user_media_with_constraints(wanted)?).await?;
    stream.dyn_into()
}
