//! The choice of a language: under Settings, and where somebody has no account yet and may read none of what stands there.

use leptos::prelude::*;

use crate::i18n::Language;
use crate::state::use_app;
use crate::ui::{choice, focus_when_mounted};

/// The languages, each named in itself.
#[component]
pub(crate) fn Languages() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let all: Vec<_> = Language::ALL
        .into_iter()
        .map(|language| {
            let checked = app.language.get_untracked() == language;
            let choose = move || {
                language.remember();
                app.language.set(language);
                // The page was built anew: the keyboard is put back where it was, and arrow keys go on from there.
                focus_when_mounted(language.tag());
            };
            choice(
                "language",
                language.name(),
                Some(language.tag()),
                Signal::stored(checked),
                choose,
            )
        })
        .collect();
    view! { <div class="choices" role="radiogroup" aria-label=texts.settings_language()>{all}</div> }
}
