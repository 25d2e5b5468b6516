//! The button with three dots: what else can be done with the thing it stands beside. By keyboard that opens on the thing itself.

use leptos::prelude::*;

use super::Icon;

/// The button, named by what it opens.
pub(crate) fn more(label: &'static str, open: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button more"
            tabindex="-1"
            aria-label=label
            title=label
            aria-haspopup="dialog"
            on:click=move |_| open()
        >
            <Icon name="ellipsis"/>
        </button>
    }
}
