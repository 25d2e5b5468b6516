//! Where the keyboard is.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// Puts the keyboard on the element with this id, if it is there.
pub(crate) fn focus_id(id: &str) {
    if let Some(element) = document()
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
    {
        // An element that cannot take the focus leaves it where it was.
        let _ = element.focus();
    }
}

/// Puts the keyboard on the element with this id once the view being made is on the page.
pub(crate) fn focus_when_mounted(id: &'static str) {
    request_animation_frame(move || focus_id(id));
}

/// Whether a dialog or a menu is over the page: keys are its own then.
pub(crate) fn is_dialog_open() -> bool {
    matches!(document().query_selector("dialog[open]"), Ok(Some(_)))
}

/// Whether the person points with something finer than a finger: only then may a text box take the focus by itself,
/// because on a touch screen that covers half the page with a keyboard.
pub(crate) fn is_fine_pointer() -> bool {
    window()
        .match_media("(pointer: fine)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// Arrow keys, Home and End walk through the elements that match `selector` inside `root`: one tab stop, many places.
/// Returns whether the key was one of them.
pub(crate) fn rove(event: &KeyboardEvent, root: &Element, selector: &str) -> bool {
    let Ok(items) = root.query_selector_all(selector) else {
        return false;
    };
    let count = items.length();
    let active = document().active_element();
    let current = (0..count).find(|&index| {
        let item = items.item(index).and_then(|node| node.dyn_into::<Element>().ok());
        item.is_some() && item == active
    });
    let next = match (event.key().as_str(), current) {
        ("ArrowDown", Some(index)) => (index + 1).min(count.saturating_sub(1)),
        ("ArrowUp", Some(index)) => index.saturating_sub(1),
        ("ArrowDown" | "Home", _) => 0,
        ("ArrowUp" | "End", _) => count.saturating_sub(1),
        _ => return false,
    };
    event.prevent_default();
    if let Some(item) = items
        .item(next)
        .and_then(|node| node.dyn_into::<HtmlElement>().ok())
    {
        for index in 0..count {
            if let Some(other) = items
                .item(index)
                .and_then(|node| node.dyn_into::<HtmlElement>().ok())
            {
                other.set_tab_index(-1);
            }
        }
        item.set_tab_index(0);
        let _ = item.focus();
    }
    true
}
