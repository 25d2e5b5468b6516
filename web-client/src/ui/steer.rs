//! The keyboard in a box above a list of options.

use leptos::ev;
use leptos::prelude::*;

/// Up and down walk through `count` options; `Enter` gives the one that was chosen.
pub(crate) fn steer(event: &ev::KeyboardEvent, chosen: RwSignal<usize>, count: usize) -> Option<usize> {
    let at = chosen.get_untracked();
    let taken = match event.key().as_str() {
        "ArrowDown" => {
            chosen.set((at + 1).min(count.saturating_sub(1)));
            None
        }
        "ArrowUp" => {
            chosen.set(at.saturating_sub(1));
            None
        }
        "Enter" => Some(at).filter(|at| *at < count),
        _ => return None,
    };
    event.prevent_default();
    taken
}
