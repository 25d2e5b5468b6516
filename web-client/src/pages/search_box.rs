//! The box "Search" above the list of conversations. What it finds stands below it, in the list's place (`search.rs`).

use std::time::Duration;

use chopar_engine::Intent;
use chopar_engine::search::MAX_QUERY_CHARS;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::parts::SEARCH;
use crate::state::use_app;
use crate::ui::{Icon, focus_id};

/// The box's id.
const BOX: &str = "search";
/// The id of the list of what was found.
pub(super) const FOUND: &str = "search-found";
/// Below this the box is not warmed up again.
const WARM: Duration = Duration::from_millis(150);

/// The box.
#[component]
pub(crate) fn SearchBox(
    /// What stands in it.
    query: RwSignal<String>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let leave = move || {
        query.set(String::new());
        focus_id(BOX);
    };
    // Whoever comes here is about to look for something: the index is read meanwhile, and the list for it loaded.
    let warm = move |_| {
        set_timeout(
            move || {
                spawn_local(async move {
                    let nothing = Intent::Search {
                        query: String::new(),
                        after: None,
                        limit: 1,
                    };
                    // What fails here is said where something is looked for.
                    let _ = app.client.ask(nothing).await;
                    let _ = SEARCH.load().await;
                });
            },
            WARM,
        );
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let used = match event.key().as_str() {
            "Escape" => {
                let left = !query.read_untracked().is_empty();
                query.set(String::new());
                left
            }
            "ArrowDown" => with_first(|hit| drop(hit.focus())),
            // Not what was found by other words.
            "Enter" if event.is_composing() || !is_found_by(&query.read_untracked()) => true,
            "Enter" => with_first(HtmlElement::click),
            _ => false,
        };
        if used {
            event.prevent_default();
        }
    };
    view! {
        <div class="search-box" role="search">
            <Icon name="search"/>
            <input
                id=BOX
                class="input"
                type="text"
                aria-label=texts.switch_label()
                placeholder=texts.switch_label()
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                enterkeyhint="search"
                maxlength=MAX_QUERY_CHARS.to_string()
                aria-controls=FOUND
                prop:value=move || query.get()
                on:input=move |event| query.set(event_target_value(&event))
                on:keydown=on_key
                on:focus=warm
            />
            {move || (!query.read().is_empty()).then(|| view! {
                <button type="button" class="icon-button" aria-label=texts.search_clear() title=texts.search_clear() on:click=move |_| leave()>
                    <Icon name="x"/>
                </button>
            })}
        </div>
    }
}

/// Whether what stands in the list was found by these words.
fn is_found_by(query: &str) -> bool {
    let found = document().get_element_by_id(FOUND);
    found
        .and_then(|found| found.get_attribute("data-query"))
        .as_deref()
        == Some(query)
}

/// Does something with the first that was found; `false` where nothing was.
fn with_first(act: impl Fn(&HtmlElement)) -> bool {
    let first = document().get_element_by_id(FOUND);
    let first = first.and_then(|found| found.query_selector("a").ok().flatten());
    let first = first.and_then(|first| first.dyn_into::<HtmlElement>().ok());
    first.as_ref().map(act).is_some()
}

/// Puts the keyboard into the box, and chooses what stands there; `false` where it cannot be seen.
pub(crate) fn focus_search() -> bool {
    focus_id(BOX);
    let active = document().active_element().filter(|active| active.id() == BOX);
    active
        .and_then(|active| active.dyn_into::<web_sys::HtmlInputElement>().ok())
        .map(|input| input.select())
        .is_some()
}
