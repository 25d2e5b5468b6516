//! In the composer's place while a voice message is being recorded: how long, how loud, "Cancel" and "Send voice message".
//!
//! ```text
//!  opening ──► on ──► a file of the next message: on its way at once where "Send" was pressed, else above the box, and why
//!     │         └───► cancelled: nothing of it stays
//!     └─────────────► over, with words: refused, no microphone
//! ```
//! Whatever ends it turns the microphone off at once: it belongs to this view's owner.

use std::sync::Arc;
use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::Texts;
use crate::platform::blobs;
use crate::port::Described;
use crate::state::{App, Attached, Attachments, Talk, use_app};
use crate::ui::{Icon, Microphone, NoMicrophone, NoStream, focus_when_mounted};
use crate::view_model::{
    BARS, LEVEL_EVERY_MS, LONGEST_MS, Levels, MAX_RECORDING, bars_box, bars_path, position,
};

/// How often somebody who speaks counts as somebody who uses the page, in seconds: a lock does not lock itself meanwhile.
const ACTIVE_EVERY: u32 = 10;

/// Before so many milliseconds nobody has said anything that could be sent.
const SHORTEST_MS: u32 = 700;

/// A voice message that is to be recorded.
#[derive(Clone)]
pub(crate) struct Recording {
    /// For which conversation.
    pub(crate) talk: Arc<Talk>,
    /// Sends it, which is a file of the next message by then; also where the conversation is not shown any more.
    pub(crate) send: Arc<dyn Fn(Attached) + Send + Sync>,
    /// Gives the composer its place back.
    pub(crate) close: Callback<()>,
}

/// What is being recorded.
struct Take {
    microphone: Microphone,
    levels: Levels,
}

/// Why there is no file of what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotKept {
    /// The browser has recorded nothing.
    Silent,
    /// It could not write what it has recorded, or wrote what is no recording of the kind it was asked for.
    Unwritten,
}

/// The parts of one recorder. Copies are handles of the same.
#[derive(Clone, Copy)]
struct Recorder {
    app: App,
    recording: StoredValue<Recording>,
    take: StoredValue<Option<Take>, LocalStorage>,
    /// Whether it is recorded; before that the browser may be asking the person.
    on: RwSignal<bool>,
    elapsed: RwSignal<u32>,
    picture: RwSignal<String>,
}

/// Begins to record, and shows it.
pub(crate) fn recorder(recording: Recording) -> AnyView {
    let app = use_app();
    recording.talk.attachments().problems.set(Vec::new());
    // It would be heard in the recording.
    app.files.hush();
    let recorder = Recorder {
        app,
        recording: StoredValue::new(recording),
        take: StoredValue::new_local(None),
        on: RwSignal::new(false),
        elapsed: RwSignal::new(0),
        picture: RwSignal::new(String::new()),
    };
    spawn_local(recorder.open());
    let ticking = set_interval_with_handle(
        move || recorder.look(),
        Duration::from_millis(u64::from(LEVEL_EVERY_MS)),
    );
    // A page that is out of view may not be asked again soon.
    Effect::new(move || {
        if !app.visible.get() {
            recorder.look();
        }
    });
    on_cleanup(move || {
        if let Ok(ticking) = ticking {
            ticking.clear();
        }
        recorder.end(Some(app.texts().voice_left()));
    });
    focus_when_mounted("voice-send");
    recorder.view()
}

impl Recorder {
    fn view(self) -> AnyView {
        let texts = self.app.texts();
        let Self {
            on, elapsed, picture, ..
        } = self;
        let on_key = move |event: ev::KeyboardEvent| {
            // Enter on a button inside is the button's.
            let here = event.target() == event.current_target();
            match event.key().as_str() {
                "Escape" => self.cancel(),
                "Enter" if here => self.send(),
                _ => return,
            }
            event.prevent_default();
        };
        let time = move || position(elapsed.get() * 1_000);
        let words = move || match on.get() {
            false => view! { <span>{texts.voice_opening()}</span> }.into_any(),
            // Seen by the sign, the time and the bars.
            true => view! { <span class="visually-hidden">{texts.voice_began()}</span> }.into_any(),
        };
        let level = move || {
            on.get().then(|| view! {
                <svg class="bars" viewBox=bars_box(BARS) preserveAspectRatio="none" aria-hidden="true" focusable="false">
                    <path class="bars-heard" d=move || picture.get()></path>
                </svg>
            })
        };
        view! {
            <div class="recorder" role="group" tabindex="-1" aria-label=texts.voice_recorder() on:keydown=on_key>
                <button type="button" class="icon-button" aria-label=texts.cancel() title=texts.cancel() on:click=move |_| self.cancel()>
                    <Icon name="x"/>
                </button>
                <span class="recorder-sign" class:on=move || on.get() aria-hidden="true"></span>
                <span class="recorder-time" role="timer" aria-label=texts.voice_recorded()>{time}</span>
                <span class="recorder-middle">
                    <span role="status">{words}</span>
                    {level}
                </span>
                <button
                    type="button"
                    id="voice-send"
                    class="send"
                    aria-label=texts.voice_send()
                    title=texts.voice_send()
                    aria-disabled=move || if on.get() { "false" } else { "true" }
                    on:click=move |_| self.send()
                >
                    <Icon name="send-horizontal"/>
                </button>
            </div>
        }
        .into_any()
    }

    async fn open(self) {
        match Microphone::open().await {
            Ok(microphone) => {
                let take = Take {
                    microphone,
                    levels: Levels::default(),
                };
                // Where the person has left while the browser was asking it is handed back, and dropped.
                if self.take.try_set_value(Some(take)).is_none() {
                    self.on.set(true);
                }
            }
            Err(why) => {
                // Nobody is told who has left.
                if let Some(Recording { talk, close, .. }) = self.recording.try_get_value() {
                    let why = no_microphone(self.app.texts(), why).to_owned();
                    talk.attachments().problems.set(vec![why]);
                    close.run(());
                }
            }
        }
    }

    /// Looks at what is recorded: how long, how loud, whether it still may be.
    fn look(self) {
        let looked = self.take.try_update_value(|take| {
            take.as_mut().map(|take| {
                let ms = take.microphone.elapsed_ms();
                take.levels.note(ms, take.microphone.level());
                (ms, take.microphone.is_on(), bars_path(&take.levels.latest()))
            })
        });
        let Some((ms, on, picture)) = looked.flatten() else {
            return;
        };
        let texts = self.app.texts();
        if !on {
            return self.stop(texts.voice_lost());
        }
        if !self.app.visible.get_untracked() {
            return self.stop(texts.voice_left());
        }
        if ms >= LONGEST_MS {
            return self.stop(texts.voice_full());
        }
        self.picture.set(picture);
        let seconds = ms / 1_000;
        if self.elapsed.get_untracked() != seconds {
            self.elapsed.set(seconds);
            if seconds.is_multiple_of(ACTIVE_EVERY) {
                self.app.client.active();
            }
        }
    }

    fn send(self) {
        // A double click, or a key that is held, on the button that began it was not meant for the one in its place.
        let recorded = |take: &Option<Take>| take.as_ref().map_or(0, |take| take.microphone.elapsed_ms());
        if self.take.with_value(recorded) >= SHORTEST_MS && self.end(None) {
            self.close();
        }
    }

    fn stop(self, why: &'static str) {
        if self.end(Some(why)) {
            self.close();
        }
    }

    fn cancel(self) {
        drop(self.take.try_update_value(Option::take));
        self.close();
    }

    fn close(self) {
        self.recording.with_value(|recording| recording.close.run(()));
    }

    /// What was recorded becomes a file of the next message. It stays there, and that is said, where somebody or something else than "Send"
    /// has ended it. Whether anything was recorded.
    fn end(self, why: Option<&'static str>) -> bool {
        let Some(take) = self.take.try_update_value(Option::take).flatten() else {
            return false;
        };
        let (texts, Recording { talk, send, .. }) = (self.app.texts(), self.recording.get_value());
        let Attachments {
            files,
            preparing,
            problems,
            ..
        } = talk.attachments();
        // From now on: nothing goes without it.
        preparing.update(|count| *count += 1);
        spawn_local(async move {
            let note = take.file().await;
            preparing.update(|count| *count -= 1);
            let note = match note {
                Ok(note) => note,
                Err(why) => {
                    let why = match why {
                        NotKept::Silent => texts.voice_nothing(),
                        NotKept::Unwritten => texts.voice_unwritten(),
                    };
                    return problems.update(|all| all.push(why.to_owned()));
                }
            };
            files.update(|all| all.push(note.clone()));
            match why {
                Some(why) => problems.update(|all| all.push(why.to_owned())),
                None => send(note),
            }
        });
        true
    }
}

impl Take {
    /// Turns the microphone off, and makes what was recorded a file of a message.
    async fn file(self) -> Result<Attached, NotKept> {
        let Self {
            microphone,
            mut levels,
        } = self;
        let (kind, length) = (microphone.kind(), microphone.elapsed_ms().clamp(1, LONGEST_MS));
        levels.note(length, microphone.level());
        let unwritten = |_| NotKept::Unwritten;
        let written = microphone.finish().await.map_err(unwritten)?;
        match blobs::size(&written) {
            0 => return Err(NotKept::Silent),
            1..=MAX_RECORDING => {}
            _ => return Err(NotKept::Unwritten),
        }
        let written = blobs::read(&written, 0, MAX_RECORDING).await.map_err(unwritten)?;
        let sound = kind.only_sound(written).ok_or(NotKept::Unwritten)?;
        let blob = blobs::of_bytes(&sound).map_err(unwritten)?;
        let described = Described {
            duration_ms: length,
            waveform: levels.bars(),
            ..Described::of(kind.file_name(), kind.media_type())
        };
        Ok(Attached::new(described, blob))
    }
}

/// Why nothing is recorded, and what to do.
fn no_microphone(texts: Texts, why: NoMicrophone) -> &'static str {
    match why {
        NoMicrophone::Unable => texts.voice_unable(),
        NoMicrophone::Stream(NoStream::Refused) => texts.voice_refused(),
        NoMicrophone::Stream(NoStream::Missing) => texts.voice_missing(),
        NoMicrophone::Stream(NoStream::Busy) => texts.voice_busy(),
    }
}
