//! How far an own message has come.

use chopar_engine::view::SentState;
use leptos::prelude::*;

use super::Icon;

/// A tick for the eye; the word stands in the name of the message.
#[component]
pub(crate) fn Ticks(
    /// How far.
    state: SentState,
) -> impl IntoView {
    let (name, class) = match state {
        SentState::Waiting => ("clock-3", "ticks"),
        SentState::Sent => ("check", "ticks"),
        SentState::Delivered => ("check-check", "ticks"),
        SentState::Read => ("check-check", "ticks read"),
    };
    view! { <Icon name class/> }
}
