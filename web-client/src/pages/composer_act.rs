//! The button beside the box: sends what is there, saves what is edited, or begins to record a voice message; and what stands in the
//! row's place meanwhile.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::files::Recording;
use super::parts::FILES;
use crate::i18n::Texts;
use crate::state::{App, Attached, Attachments, Talk};
use crate::ui::{focus_when_mounted, is_fine_pointer, part_problem, soon};

/// What the button does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Sends what is there.
    Send,
    /// Saves what is edited.
    Save,
    /// There is nothing to send: a voice message is recorded.
    Record,
}

impl Act {
    /// By what the box is for, its text, and the files beside it.
    pub(super) fn of(talk: &Talk, text: &ArcRwSignal<String>) -> Memo<Self> {
        let (composing, text) = (talk.composing(), text.clone());
        let Attachments { files, preparing, .. } = talk.attachments();
        Memo::new(move |_| {
            if composing.read().is_edit() {
                Self::Save
            } else if text.read().trim().is_empty() && files.read().is_empty() && preparing.get() == 0 {
                Self::Record
            } else {
                Self::Send
            }
        })
    }

    /// The button's name.
    pub(super) fn label(self, texts: Texts) -> &'static str {
        match self {
            Self::Save => texts.compose_save(),
            Self::Record => texts.voice_record(),
            Self::Send => texts.talk_send(),
        }
    }

    /// The button's icon.
    pub(super) const fn icon(self) -> &'static str {
        match self {
            Self::Save => "check",
            Self::Record => "mic",
            Self::Send => "send-horizontal",
        }
    }
}

/// Begins to record a voice message, once what does that is loaded.
pub(super) fn record(app: App, talk: &Talk, recording: &ArcRwSignal<bool>) {
    let (problems, recording) = (talk.attachments().problems, recording.clone());
    spawn_local(async move {
        match FILES.load().await {
            Ok(_) => recording.set(true),
            Err(why) => problems.set(vec![part_problem(app.texts(), why).to_owned()]),
        }
    });
}

/// What stands in the row's place while a voice message is recorded. Whatever takes it away ends the recording.
pub(super) fn recorder(
    talk: Arc<Talk>,
    send: Arc<dyn Fn(Attached) + Send + Sync>,
    recording: &ArcRwSignal<bool>,
) -> impl Fn() -> Option<AnyView> + Send + use<> {
    // Where a message is to be edited the box is wanted.
    Effect::new({
        let (composing, recording) = (talk.composing(), recording.clone());
        move || {
            if composing.read().is_edit() {
                recording.set(false);
            }
        }
    });
    let recording = recording.clone();
    move || {
        recording.get().then(|| {
            let recording = recording.clone();
            let close = Callback::new(move |()| {
                recording.set(false);
                // On a touch screen the box would call up a keyboard.
                focus_when_mounted(if is_fine_pointer() {
                    "composer"
                } else {
                    "composer-act"
                });
            });
            let (talk, send) = (Arc::clone(&talk), Arc::clone(&send));
            let wanted = Recording { talk, send, close };
            soon(
                &FILES,
                || ().into_any(),
                move |files| (files.recorder)(wanted.clone()),
            )
        })
    }
}
