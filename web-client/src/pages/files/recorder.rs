//! In the composer's place while a voice message is being recorded: how long, how loud, "Cancel" and "Send voice message".
//!
//! ```text
//!  Opening ──► On ──► Ending ──► sent
//!     │         ├──► Full ────────►┘      fifteen minutes: what there is waits for "Send" or "Cancel"
//!     └─────────┴──► over, with words     refused, no microphone, lost
//! ```
//! Whatever ends it, and whoever leaves the conversation, turns the microphone off: it belongs to this view's owner.

use std::sync::Arc;
use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::Texts;
use crate::port::Described;
use crate::state::{App, Attached, Talk, use_app};
use crate::ui::{Icon, Microphone, NoMicrophone, NoStream, focus_when_mounted};
use crate::view_model::{BARS, LEVEL_EVERY_MS, LONGEST_MS, Levels, bars_box, bars_path, position};

/// How often somebody who speaks counts as somebody who uses the page, in seconds: a lock does not lock itself meanwhile.
const ACTIVE_EVERY: u32 = 10;

/// A voice message that is to be recorded.
#[derive(Clone)]
pub(crate) struct Recording {
    /// For which conversation.
    pub(crate) talk: Arc<Talk>,
    /// Sends it; also where the conversation is not shown any more.
    pub(crate) send: Arc<dyn Fn(Attached) + Send + Sync>,
    /// Gives the composer its place back.
    pub(crate) close: Callback<()>,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The browser may be asking the person.
    Opening,
    /// It is recorded.
    On,
    /// No more is recorded: it is as long as it may be.
    Full,
    /// "Send" was pressed.
    Ending,
}

/// What is being recorded.
struct Take {
    microphone: Microphone,
    levels: Levels,
}

/// The parts of one recorder. Copies are handles of the same.
#[derive(Clone, Copy)]
struct Recorder {
    app: App,
    recording: StoredValue<Recording>,
    stage: RwSignal<Stage>,
    take: StoredValue<Option<Take>, LocalStorage>,
    /// What was recorded, once it is full.
    kept: StoredValue<Option<Attached>>,
    elapsed: RwSignal<u32>,
    picture: RwSignal<String>,
}

/// Begins to record, and shows it.
pub(crate) fn recorder(recording: Recording) -> AnyView {
    let app = use_app();
    recording.talk.attachments().problem.set(None);
    let recorder = Recorder {
        app,
        recording: StoredValue::new(recording),
        stage: RwSignal::new(Stage::Opening),
        take: StoredValue::new_local(None),
        kept: StoredValue::new(None),
        elapsed: RwSignal::new(0),
        picture: RwSignal::new(String::new()),
    };
    spawn_local(recorder.open());
    let ticking = set_interval_with_handle(
        move || recorder.look(),
        Duration::from_millis(u64::from(LEVEL_EVERY_MS)),
    );
    on_cleanup(move || {
        if let Ok(ticking) = ticking {
            ticking.clear();
        }
    });
    focus_when_mounted("voice-send");
    recorder.view()
}

impl Recorder {
    fn view(self) -> AnyView {
        let texts = self.app.texts();
        let Self {
            stage,
            elapsed,
            picture,
            ..
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
        let words = move || match stage.get() {
            Stage::Opening => view! { <span>{texts.voice_opening()}</span> }.into_any(),
            // Seen by the sign, the time and the bars.
            Stage::On => view! { <span class="visually-hidden">{texts.voice_began()}</span> }.into_any(),
            Stage::Full => view! { <span>{texts.voice_full()}</span> }.into_any(),
            Stage::Ending => view! { <span>{texts.file_preparing()}</span> }.into_any(),
        };
        let level = move || {
            (stage.get() == Stage::On).then(|| view! {
                <svg class="bars" viewBox=bars_box(BARS) preserveAspectRatio="none" aria-hidden="true" focusable="false">
                    <path class="bars-heard" d=move || picture.get()></path>
                </svg>
            })
        };
        let can_send = move || matches!(stage.get(), Stage::On | Stage::Full);
        view! {
            <div class="recorder" role="group" tabindex="-1" aria-label=texts.voice_recorder() on:keydown=on_key>
                <button type="button" class="icon-button" aria-label=texts.cancel() title=texts.cancel() on:click=move |_| self.cancel()>
                    <Icon name="x"/>
                </button>
                <span class="recorder-sign" class:on=move || stage.get() == Stage::On aria-hidden="true"></span>
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
                    aria-disabled=move || if can_send() { "false" } else { "true" }
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
                    self.stage.set(Stage::On);
                }
            }
            Err(why) => self.end_with(no_microphone(self.app.texts(), why)),
        }
    }

    /// Looks at what is recorded: how long, how loud, whether it still is.
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
        if !on {
            // What was recorded until then nobody has decided to send.
            return self.end_with(self.app.texts().voice_lost());
        }
        self.picture.set(picture);
        let seconds = ms.min(LONGEST_MS) / 1_000;
        if self.elapsed.get_untracked() != seconds {
            self.elapsed.set(seconds);
            if seconds.is_multiple_of(ACTIVE_EVERY) {
                self.app.client.active();
            }
        }
        if ms >= LONGEST_MS {
            self.fill();
        }
    }

    /// It is as long as it may be: the microphone goes off, what there is stays.
    fn fill(self) {
        let Some(take) = self.take.try_update_value(Option::take).flatten() else {
            return;
        };
        self.stage.set(Stage::Ending);
        spawn_local(async move {
            match take.file().await {
                // The person may have left meanwhile.
                Some(file) => {
                    if self.kept.try_set_value(Some(file)).is_none() {
                        self.stage.set(Stage::Full);
                    }
                }
                None => self.end_with(self.app.texts().voice_lost()),
            }
        });
    }

    fn send(self) {
        let Recording { send, close, .. } = self.recording.get_value();
        if let Some(file) = self.kept.try_update_value(Option::take).flatten() {
            send(file);
            return close.run(());
        }
        let Some(take) = self.take.try_update_value(Option::take).flatten() else {
            return;
        };
        self.stage.set(Stage::Ending);
        spawn_local(async move {
            match take.file().await {
                // It was to be sent, and is, wherever the person is by now.
                Some(file) => {
                    send(file);
                    close.try_run(());
                }
                None => self.end_with(self.app.texts().voice_lost()),
            }
        });
    }

    fn cancel(self) {
        self.recording.with_value(|recording| recording.close.run(()));
    }

    /// It is over, for this reason; nothing is kept.
    fn end_with(self, why: &'static str) {
        // Nobody is told who has left.
        let Some(Recording { talk, close, .. }) = self.recording.try_get_value() else {
            return;
        };
        talk.attachments().problem.set(Some(why.to_owned()));
        close.try_run(());
    }
}

impl Take {
    /// Ends it, and makes what was recorded a file of a message. `None` where there is nothing.
    async fn file(self) -> Option<Attached> {
        let Self {
            microphone,
            mut levels,
        } = self;
        let (kind, length) = (microphone.kind(), microphone.elapsed_ms().clamp(1, LONGEST_MS));
        levels.note(length, microphone.level());
        let blob = microphone.finish().await.ok()?;
        let described = Described {
            duration_ms: length,
            waveform: levels.bars(),
            ..Described::of(kind.file_name(), kind.media_type())
        };
        (blob.size() > 0.0).then(|| Attached::new(described, blob))
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
