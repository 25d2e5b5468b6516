//! The files of a line: name, size and kind, how far they are on their way, and what can be done with them.

use chopar_engine::view::{FileView, Reference, ShownAs};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::picture::picture;
use super::voice::voice;
use crate::state::{App, Spot, Way, use_app};
use crate::ui::{Icon, failure_text};
use crate::view_model::{MAX_RECORDING, RecordingKind, facts, spoken};

/// Files of a message that are to be shown.
pub(crate) struct Shown {
    /// Whose conversation.
    pub(crate) peer: AccountId,
    /// Which message.
    pub(crate) about: Reference,
    /// The sequence of its line.
    pub(crate) line: u64,
    /// The files.
    pub(crate) files: Vec<FileView>,
    /// Whether they still have to be uploaded.
    pub(crate) unsent: bool,
}

/// Draws them.
pub(crate) fn rows(shown: Shown) -> AnyView {
    let app = use_app();
    let Shown {
        peer,
        about,
        line,
        files,
        unsent: going,
    } = shown;
    let one = |file: FileView| {
        let spot = Spot {
            peer,
            about,
            line,
            file,
        };
        match spot.file.shown_as {
            ShownAs::Picture => picture(app, spot, going),
            ShownAs::VoiceNote => match RecordingKind::named(&spot.file.media_type) {
                Some(kind) if spot.file.size <= MAX_RECORDING => voice(app, spot, kind, going),
                _ => row(app, spot, going),
            },
            ShownAs::File => row(app, spot, going),
        }
    };
    let rows: Vec<_> = files.into_iter().map(one).collect();
    let cancel = going.then(|| {
        view! {
            <button type="button" class="link file-cancel" on:click=move |_| take_back(app, peer, about)>
                {app.texts().file_upload_cancel()}
            </button>
        }
    });
    view! { <div class="files">{rows}{cancel}</div> }.into_any()
}

/// A file that is not drawn.
pub(super) fn row(app: App, spot: Spot, going: bool) -> AnyView {
    let texts = app.texts();
    let name = spot.file.name.clone();
    let described = facts(texts, &name, spot.file.size);
    let label = spoken(texts, &spot.file);
    view! {
        <div class="file" role="group" aria-label=label>
            <span class="file-icon"><Icon name="file"/></span>
            <span class="file-text">
                <span class="file-name" dir="auto">{name}</span>
                <span class="file-facts">{described}</span>
                {state(app, &spot, going)}
            </span>
            {(!going).then(|| act(app, spot))}
        </div>
    }
    .into_any()
}

/// Saving, or stopping what fetches it.
pub(super) fn act(app: App, spot: Spot) -> impl IntoView {
    let texts = app.texts();
    let way = app.files.way(spot.file.mark);
    let moves = Memo::new(move |_| matches!(way.get(), Way::Comes(_)));
    let name = spot.file.name.clone();
    let label = move || match moves.get() {
        true => texts.file_loading_stop(&name),
        false => texts.file_save(&name),
    };
    let title = label.clone();
    let on_click = move |_| match moves.get_untracked() {
        true => spot.stop(app),
        false => spot.save(app),
    };
    view! {
        <button type="button" class="icon-button file-act" aria-label=label title=title on:click=on_click>
            {move || if moves.get() { view! { <Icon name="x"/> } } else { view! { <Icon name="download"/> } }}
        </button>
    }
}

/// How far it is on its way, or why it did not come.
pub(super) fn state(app: App, spot: &Spot, going: bool) -> impl IntoView + use<> {
    let texts = app.texts();
    let way = app.files.way(spot.file.mark);
    let size = spot.file.size;
    move || {
        let percent = match (going, way.get()) {
            (true, Way::Rises { done, of }) => share(done, of),
            (true, _) => {
                return view! { <span class="file-way">{texts.file_upload_waits()}</span> }.into_any();
            }
            (false, Way::Comes(done)) => share(done, size),
            (false, Way::Failed(Failure::NotFound)) => return failed(texts.file_not_there().to_owned()),
            (false, Way::Failed(failure)) => return failed(failure_text(texts, failure)),
            (false, Way::Rests | Way::Rises { .. }) => return ().into_any(),
        };
        let word = percent.to_string();
        let words = if going {
            texts.file_uploading(&word)
        } else {
            texts.file_loading(&word)
        };
        let named = words.clone();
        view! {
            <progress class="file-progress" max="100" value=word aria-label=named></progress>
            <span class="file-way">{words}</span>
        }
        .into_any()
    }
}

fn failed(why: String) -> AnyView {
    view! { <span class="file-failed" role="alert">{why}</span> }.into_any()
}

/// In hundredths, all of them only where nothing is left.
fn share(done: u64, of: u64) -> u64 {
    match of {
        0 => 100,
        of => (u128::from(done.min(of)) * 100 / u128::from(of)) as u64,
    }
}

/// The message is not sent any more, and its line goes.
fn take_back(app: App, conversation: AccountId, message: Reference) {
    spawn_local(async move {
        let delete = |everyone| {
            app.client.ask(Intent::Delete {
                conversation,
                message,
                everyone,
            })
        };
        // Where it cannot be taken back any more, or was sent meanwhile, the line stays and shows what is.
        if delete(true).await == Answer::Done {
            let _ = delete(false).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_whole_only_at_the_end() {
        assert_eq!(share(0, 0), 100);
        assert_eq!(share(0, 7), 0);
        assert_eq!(share(999, 1000), 99);
        assert_eq!(share(1000, 1000), 100);
        assert_eq!(share(u64::MAX, 1 << 40), 100);
    }
}
