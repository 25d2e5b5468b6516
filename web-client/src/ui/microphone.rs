//! The microphone, and what records it; on for as long as somebody holds it.

use js_sys::{Array, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    AnalyserNode, AudioContext, Blob, BlobEvent, MediaRecorder, MediaRecorderOptions,
    MediaStreamAudioSourceNode, MediaStreamConstraints, MediaTrackConstraints, RecordingState,
};

use super::stream::{NoStream, Stream};
use crate::platform::Exception;
use crate::view_model::{RecordingKind, level};

/// Bits of a second of sound: a voice is understood with all its colour at this (RFC 6716, section 2.1.1).
const BITS_PER_SECOND: u32 = 32_000;
/// Samples that a level is taken of: 43 milliseconds of the usual 48,000 a second.
const SAMPLES: usize = 2_048;

/// How long a browser may take to write what it has recorded, in milliseconds: everything else of the conversation waits for it.
const WRITING_MS: i32 = 10_000;

/// A microphone that is recorded. Dropping it turns it off, and what was recorded is gone.
pub(crate) struct Microphone {
    kind: RecordingKind,
    recorder: MediaRecorder,
    /// What it says once it has stopped.
    written: Promise,
    ears: Ears,
    /// When it began, on the page's own clock: nobody sets that.
    began: f64,
    stream: Stream,
}

/// Why nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMicrophone {
    /// There is no sound.
    Stream(NoStream),
    /// This browser records none, or none that could be sent.
    Unable,
}

/// What hears how loud it is.
struct Ears {
    context: AudioContext,
    /// Some browsers forget what nobody holds.
    _source: MediaStreamAudioSourceNode,
    analyser: AnalyserNode,
}

impl Microphone {
    /// Asks the browser for a microphone, one channel of it, and begins to record.
    pub(crate) async fn open() -> Result<Self, NoMicrophone> {
        let kind = written().ok_or(NoMicrophone::Unable)?;
        let sound = MediaTrackConstraints::new();
        sound.set_channel_count_i32(1);
        let wanted = MediaStreamConstraints::new();
        wanted.set_audio_media_track_constraints(&sound);
        let stream = Stream::open(&wanted).await.map_err(NoMicrophone::Stream)?;
        Self::around(stream, kind).map_err(|_| NoMicrophone::Stream(NoStream::Busy))
    }

    fn around(stream: Stream, kind: RecordingKind) -> Result<Self, JsValue> {
        let how = MediaRecorderOptions::new();
        how.set_mime_type(kind.wanted());
        how.set_audio_bits_per_second(BITS_PER_SECOND);
        let recorder =
            MediaRecorder::new_with_media_stream_and_media_recorder_options(stream.source(), &how)?;
        let ears = Ears::at(&stream)?;
        // Asked for no pieces, it gives all of it once, when it stops, whatever stops it; it stops without only where it has failed.
        let written = Promise::new(&mut |come, _| {
            recorder.set_ondataavailable(Some(&come));
            recorder.set_onstop(Some(&come));
        });
        recorder.start()?;
        Ok(Self {
            kind,
            recorder,
            written,
            ears,
            began: moment(),
            stream,
        })
    }

    /// What it writes.
    pub(crate) const fn kind(&self) -> RecordingKind {
        self.kind
    }

    /// For how long it has been recorded, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> u32 {
        (moment() - self.began).max(0.0) as u32
    }

    /// How loud it is now, 0 to 128.
    pub(crate) fn level(&self) -> u8 {
        let mut samples = [0; SAMPLES];
        self.ears.analyser.get_byte_time_domain_data(&mut samples);
        level(&samples)
    }

    /// Whether it still is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.recorder.state() == RecordingState::Recording && self.stream.is_on()
    }

    /// Turns the microphone off, and gives what was recorded, also where it has stopped by itself before.
    ///
    /// # Errors
    /// Where the browser could not write it, or not in time.
    pub(crate) async fn finish(self) -> Result<Blob, Exception> {
        let Self {
            recorder,
            written,
            ears,
            stream,
            ..
        } = self;
        if recorder.state() != RecordingState::Inactive {
            recorder.stop()?;
        }
        // Before the browser has written anything, which may take a while.
        drop((ears, stream));
        let too_late = Promise::new(&mut |_, fail| {
            // A browser without this has no page either; then it is waited for as long as it takes.
            let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&fail, WRITING_MS);
        });
        let said: BlobEvent = Promise::race(&Array::of2(&written, &too_late))
            .await?
            .dyn_into()?;
        said.data().ok_or_else(|| Exception::named("NotReadableError"))
    }
}

impl Ears {
    fn at(stream: &Stream) -> Result<Self, JsValue> {
        let context = AudioContext::new()?;
        let source = context.create_media_stream_source(stream.source())?;
        let analyser = context.create_analyser()?;
        analyser.set_fft_size(SAMPLES as u32);
        source.connect_with_audio_node(&analyser)?;
        // Where the person has pressed something long ago it may wait to be told.
        unheeded(context.resume());
        Ok(Self {
            context,
            _source: source,
            analyser,
        })
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        unheeded(self.context.close());
    }
}

/// What comes of it changes nothing: without ears the recording has a flat picture, and one that is closed already stays so.
fn unheeded(promise: Result<Promise, JsValue>) {
    if let Ok(promise) = promise {
        spawn_local(async move {
            let _ = promise.await;
        });
    }
}

/// The first kind that this browser writes.
fn written() -> Option<RecordingKind> {
    let knows = Reflect::has(&window(), &JsValue::from_str("MediaRecorder"));
    RecordingKind::ALL
        .into_iter()
        .find(|kind| knows == Ok(true) && MediaRecorder::is_type_supported(kind.wanted()))
}

/// Milliseconds on the page's own clock.
fn moment() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}
