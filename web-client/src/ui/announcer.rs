//! The polite live region: arrivals are said there once, apart from the log, which is silent.

use leptos::prelude::*;

use crate::state::use_app;

/// Says what [`crate::state::State::announce`] was given last.
#[component]
pub(crate) fn Announcer() -> impl IntoView {
    let announcement = use_app().announcement.clone();
    view! { <div class="visually-hidden" aria-live="polite" aria-atomic="true">{move || announcement.get()}</div> }
}
