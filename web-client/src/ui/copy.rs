//! A button that copies a text, and says so.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::Icon;
use crate::state::{App, use_app};

/// Copies a text, and says in a word what became of it.
pub(crate) async fn copy_text(app: App, text: &str) -> &'static str {
    let texts = app.texts();
    let copied = JsFuture::from(window().navigator().clipboard().write_text(text)).await;
    if copied.is_ok() {
        texts.copied()
    } else {
        texts.copy_failed()
    }
}

/// Copies `text` and confirms it in a word beside the button.
#[component]
pub(crate) fn CopyButton(
    /// The button's name.
    label: &'static str,
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let app = use_app();
    let said = ArcRwSignal::new("");
    let say = said.clone();
    let copy = move |_| {
        let say = say.clone();
        let text = text.get_untracked();
        spawn_local(async move {
            say.set(copy_text(app, &text).await);
        });
    };
    view! {
        <span class="copy">
            <button type="button" class="button" on:click=copy><Icon name="copy"/>{label}</button>
            <span class="copy-said" role="status">{move || said.get()}</span>
        </span>
    }
}
