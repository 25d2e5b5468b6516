//! How files come to the next message: chosen with the button, dropped, or pasted.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};
use send_wrapper::SendWrapper;
use web_sys::{DataTransfer, File, FileList};

use super::files::Chosen;
use super::parts::FILES;
use crate::state::{App, Attachments, Talk};
use crate::ui::{Icon, focus_id, part_problem};

/// The button that lets a person choose files.
pub(super) fn attach_button(app: App, talk: Arc<Talk>) -> impl IntoView {
    let texts = app.texts();
    let input = NodeRef::<html::Input>::new();
    let open = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let on_change = move |_| {
        let Some(input) = input.get_untracked() else {
            return;
        };
        choose(app, &talk, listed(input.files()));
        // So that the same file can be chosen once more.
        input.set_value("");
        focus_id("composer");
    };
    view! {
        <input type="file" multiple class="visually-hidden" tabindex="-1" aria-hidden="true" node_ref=input on:change=on_change/>
        <button type="button" class="icon-button" aria-label=texts.file_attach() title=texts.file_attach() on:click=open>
            <Icon name="paperclip"/>
        </button>
    }
}

/// Makes files those of the next message.
pub(super) fn choose(app: App, talk: &Arc<Talk>, files: Vec<File>) {
    if files.is_empty() {
        return;
    }
    let (talk, files) = (Arc::clone(talk), SendWrapper::new(files));
    let Attachments {
        preparing, problems, ..
    } = talk.attachments();
    // From now on: nothing goes without them while the part is on its way.
    preparing.update(|count| *count += 1);
    spawn_local(async move {
        let texts = app.texts();
        match FILES.load().await {
            // Counts for itself.
            Ok(part) => (part.attach)(Chosen { talk, files, texts }),
            Err(why) => problems.set(vec![part_problem(texts, why).to_owned()]),
        }
        preparing.update(|count| *count -= 1);
    });
}

/// The files that are pasted. What spreadsheets and word processors copy is a text, and a picture of it besides.
pub(super) fn pasted(data: Option<DataTransfer>) -> Vec<File> {
    let written = |data: &DataTransfer| {
        let types = data.types();
        types.includes(&"text/plain".into(), 0) && types.includes(&"text/html".into(), 0)
    };
    files_of(data.filter(|data| !written(data)))
}

/// The files that are dropped.
pub(super) fn files_of(data: Option<DataTransfer>) -> Vec<File> {
    listed(data.and_then(|data| data.files()))
}

fn listed(files: Option<FileList>) -> Vec<File> {
    let files = files.into_iter();
    files
        .flat_map(|list| (0..list.length()).filter_map(move |at| list.get(at)))
        .collect()
}

/// Whether what is dragged is files and not a text.
pub(super) fn carries_files(event: &ev::DragEvent) -> bool {
    event
        .data_transfer()
        .is_some_and(|data| data.types().includes(&"Files".into(), 0))
}
