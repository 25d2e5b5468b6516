//! The head of a pane: the way back where there is one pane, and the title that takes the focus.

use leptos::prelude::*;

use super::Icon;
use crate::state::use_app;
use crate::view_model::Place;

/// Title and Back link of a page.
#[component]
pub(crate) fn PaneHead(
    /// The page's heading.
    #[prop(into)]
    title: Signal<String>,
    /// Where Back leads.
    back: Place,
    /// Unique on the page; the focus goes there when the page is opened.
    #[prop(default = "pane-title")]
    id: &'static str,
) -> impl IntoView {
    let texts = use_app().texts();
    view! {
        <header class="pane-head">
            <a class="icon-button back" href=back.path() aria-label=texts.back()><Icon name="arrow-left"/></a>
            <h1 id=id tabindex="-1">{move || title.get()}</h1>
        </header>
    }
}
