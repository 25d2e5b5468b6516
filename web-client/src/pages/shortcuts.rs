//! Keys that work everywhere, and the list of all keys.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::state::use_app;
use crate::ui::Modal;

/// A key that works everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortcut {
    /// Ctrl/Cmd+K.
    Switch,
    /// Ctrl/Cmd+Shift+F; without Shift it is the browser's own search in the page.
    Search,
    /// Ctrl/Cmd+/.
    Keys,
    /// Esc.
    Out,
    /// Alt+Down.
    Next,
    /// Alt+Up.
    Previous,
}

impl Shortcut {
    /// What a key press asks for. The physical key decides for letters, so that it works on a Cyrillic layout.
    pub(crate) fn of(event: &KeyboardEvent) -> Option<Self> {
        if event.is_composing() {
            return None;
        }
        let control = event.ctrl_key() || event.meta_key();
        match (control, event.alt_key(), event.code().as_str()) {
            (true, false, "KeyK") => Some(Self::Switch),
            (true, false, "KeyF") if event.shift_key() => Some(Self::Search),
            (true, false, "Slash") => Some(Self::Keys),
            (false, false, "Escape") => Some(Self::Out),
            (false, true, "ArrowDown") => Some(Self::Next),
            (false, true, "ArrowUp") => Some(Self::Previous),
            _ => None,
        }
    }
}

/// The list of all keys.
#[component]
pub(crate) fn Shortcuts(
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let texts = use_app().texts();
    let rows = [
        ("Enter", texts.keys_send()),
        ("Shift Enter", texts.keys_newline()),
        ("Ctrl K", texts.keys_switch()),
        ("Ctrl Shift F", texts.keys_search()),
        ("Alt ↑ ↓", texts.keys_next()),
        ("↑ ↓", texts.keys_walk()),
        ("↑", texts.keys_edit()),
        ("Enter ☰", texts.keys_menu()),
        ("Esc", texts.keys_close()),
        ("Ctrl /", texts.keys_help()),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(keys, what)| view! { <div><dt><kbd>{keys}</kbd></dt><dd>{what}</dd></div> })
        .collect();
    view! { <Modal title=texts.keys_title() close><dl class="keys">{rows}</dl></Modal> }
}
