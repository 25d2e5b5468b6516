//! Icons from the one sprite.

use std::sync::OnceLock;

use leptos::prelude::*;

/// A silent icon; whatever holds it has a name in words.
#[component]
pub(crate) fn Icon(
    /// Its id in static/icons.svg.
    name: &'static str,
    /// Further classes.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let address = [sprite(), "#", name].concat();
    view! {
        <svg class=["icon ", class].concat() aria-hidden="true" focusable="false">
            <use href=address></use>
        </svg>
    }
}

/// Where the sprite lies; the page says it once.
fn sprite() -> &'static str {
    static SPRITE: OnceLock<String> = OnceLock::new();
    SPRITE.get_or_init(|| {
        let meta = document()
            .query_selector("meta[name='chopar-icons']")
            .ok()
            .flatten();
        meta.and_then(|meta| meta.get_attribute("content"))
            .unwrap_or_default()
    })
}
