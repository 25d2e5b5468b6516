//! A button that copies a text, and says so.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::Icon;
use crate::state::use_app;

/// Copies `text` and confirms it in a word beside the button.
#[component]
pub(crate) fn CopyButton(
    /// The button's name.
    label: &'static str,
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let texts = use_app().texts();
    let said = ArcRwSignal::new("");
    let say = said.clone();
    let copy = move |_| {
        let say = say.clone();
        let text = text.get_untracked();
        spawn_local(async move {
            let copied = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            say.set(if copied.is_ok() {
                texts.copied()
            } else {
                texts.copy_failed()
            });
        });
    };
    view! {
        <span class="copy">
            <button type="button" class="button" on:click=copy><Icon name="copy"/>{label}</button>
            <span class="copy-said" role="status">{move || said.get()}</span>
        </span>
    }
}
