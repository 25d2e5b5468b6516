//! A recording that plays in the page, for as long as it is held.

use js_sys::{Function, Promise};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Blob, HtmlAudioElement, HtmlElement};

use super::Exception;
use super::blobs::ObjectUrl;

/// How long the browser may take to read a recording, in milliseconds. It lies in this browser by then.
const PATIENCE_MS: i32 = 10_000;

/// What plays it. Dropping it silences it, and gives its address back.
pub struct Sound {
    audio: HtmlAudioElement,
    hears: Option<Closure<dyn Fn()>>,
    address: ObjectUrl,
}

impl Sound {
    /// Has the browser read a recording. What it is must have been looked at before: here it is decoded.
    ///
    /// # Errors
    /// Where the browser cannot read it.
    pub async fn load(blob: &Blob) -> Result<Self, Exception> {
        let address = ObjectUrl::of(blob).ok_or_else(|| Exception::named("NotReadableError"))?;
        let sound = Self {
            audio: HtmlAudioElement::new()?,
            hears: None,
            address,
        };
        sound.audio.set_preload("auto");
        sound.audio.set_src(sound.address.as_str());
        sound.audio.load();
        comes(&sound.audio, "loadedmetadata").await?;
        Ok(sound)
    }

    /// Calls `hears` whenever something of it has changed: it plays, rests, has moved on, is over.
    pub fn listen(&mut self, hears: impl Fn() + 'static) {
        let hears = Closure::<dyn Fn()>::new(hears);
        let heard: Option<&Function> = Some(hears.as_ref().unchecked_ref());
        self.audio.set_onplay(heard);
        self.audio.set_onpause(heard);
        self.audio.set_ontimeupdate(heard);
        self.audio.set_onended(heard);
        self.hears = Some(hears);
    }

    /// Plays on.
    ///
    /// # Errors
    /// Where the browser wants the person to press once more (`NotAllowedError`), or cannot play it after all.
    pub async fn play(&self) -> Result<(), Exception> {
        self.audio.play()?.await?;
        Ok(())
    }

    /// Rests where it is.
    pub fn rest(&self) {
        // What does not play rests.
        let _ = self.audio.pause();
    }

    /// Whether it plays.
    pub fn plays(&self) -> bool {
        !self.audio.paused() && !self.audio.ended()
    }

    /// Where it is, in milliseconds.
    pub fn at_ms(&self) -> u32 {
        milliseconds(self.audio.current_time())
    }

    /// How long it lasts, in milliseconds; `None` where the browser does not know.
    pub fn length_ms(&self) -> Option<u32> {
        let length = self.audio.duration();
        (length.is_finite() && length > 0.0).then(|| milliseconds(length))
    }

    /// Goes to a place.
    pub fn go_to(&self, ms: u32) {
        self.audio.set_current_time(f64::from(ms) / 1_000.0);
    }

    /// Plays faster or slower, at the same pitch.
    pub fn set_rate(&self, rate: f64) {
        self.audio.set_playback_rate(rate);
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        for unset in [
            HtmlElement::set_onplay,
            HtmlElement::set_onpause,
            HtmlElement::set_ontimeupdate,
            HtmlElement::set_onended,
        ] {
            unset(&self.audio, None);
        }
        self.rest();
    }
}

/// Waits for an event; fails with an error of the recording, or after [`PATIENCE_MS`]. Events come in turns of their own: none is missed
/// between what causes it and this.
async fn comes(audio: &HtmlAudioElement, event: &str) -> Result<(), Exception> {
    let mut thrown = None;
    let promise = Promise::new(&mut |come, fail| {
        let heard = || {
            audio.add_event_listener_with_callback(event, &come)?;
            audio.add_event_listener_with_callback("error", &fail)?;
            leptos::prelude::window()
                .set_timeout_with_callback_and_timeout_and_arguments_0(&fail, PATIENCE_MS)
        };
        thrown = heard().err();
    });
    match thrown {
        Some(thrown) => Err(thrown.into()),
        None => promise.await.map(drop).map_err(Exception::from),
    }
}

fn milliseconds(seconds: f64) -> u32 {
    // Saturates; what is no number is nothing.
    (seconds * 1_000.0) as u32
}
