//! The choice of a language: under Settings, and where somebody has no account yet and may read none of what stands there.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::{Language, NotLoaded};
use crate::state::use_app;
use crate::ui::{choice, focus_when_mounted};

/// The languages, each named in itself.
#[component]
pub(crate) fn Languages() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let current = app.language.get_untracked();
    // Not freed with the page they stand on: what is loaded may come when that is gone.
    let wanted = ArcRwSignal::new(current);
    let failed = ArcRwSignal::new(None::<(Language, NotLoaded)>);
    let all: Vec<_> = Language::ALL
        .into_iter()
        .map(|language| {
            let checked = wanted.clone();
            let (wanted, failed) = (wanted.clone(), failed.clone());
            let choose = move || {
                wanted.set(language);
                failed.set(None);
                let (wanted, failed) = (wanted.clone(), failed.clone());
                spawn_local(async move {
                    let loaded = language.load().await;
                    if wanted.get_untracked() != language {
                        // Another one was chosen in the meantime.
                        return;
                    }
                    if let Err(why) = loaded {
                        wanted.set(current);
                        failed.set(Some((language, why)));
                        return;
                    }
                    language.remember();
                    app.language.set(language);
                    // The page was built anew: the keyboard is put back where it was, and arrow keys go on from there.
                    focus_when_mounted(language.tag());
                });
            };
            choice(
                "language",
                language.name(),
                Some(language.tag()),
                Signal::derive(move || checked.get() == language),
                choose,
            )
        })
        .collect();
    let problem = move || {
        failed.get().map(|(language, why)| {
            let words = match why {
                NotLoaded::Unreachable => texts.settings_language_unreachable(language.name()),
                NotLoaded::Altered => texts.settings_language_altered(language.name()),
            };
            view! { <p class="problem" role="alert">{words}</p> }
        })
    };
    view! {
        <div class="choices" role="radiogroup" aria-label=texts.settings_language()>{all}</div>
        {problem}
    }
}
