//! Reactions: the chips on the lower edge of a bubble, and the bar to choose one from.

use chopar_engine::Intent;
use chopar_engine::view::{Reactions, Reference};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{App, Names, use_app};

/// What is offered: agreement, thanks, joy, laughter, surprise, sadness.
pub(crate) const OFFERED: [&str; 6] = ["👍", "❤️", "🎉", "😂", "😮", "😢"];

/// Who reacted, and how. Pressing a chip joins in, or takes the own reaction back.
#[component]
pub(crate) fn Chips(
    /// Whose conversation.
    peer: AccountId,
    /// Which message.
    about: Reference,
    /// What people think.
    reactions: Vec<Reactions>,
    /// What people are called in it.
    names: Names,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let me = app.my_account();
    let chips: Vec<_> = reactions
        .into_iter()
        .map(|Reactions { emoji, by }| {
            let own = by.iter().any(|person| Some(*person) == me);
            let who = {
                let by = by.clone();
                move || names.all(&by)
            };
            let label = {
                let (emoji, who) = (emoji.clone(), who.clone());
                move || [&emoji, ": ", &who()].concat()
            };
            let shown = emoji.clone();
            let pressed = if own { "true" } else { "false" };
            let count = (by.len() > 1).then(|| view! { <span class="count">{by.len()}</span> });
            view! {
                <button
                    type="button"
                    class="chip"
                    class:own=own
                    tabindex="-1"
                    aria-label=label
                    aria-pressed=pressed
                    title=who
                    on:click=move |_| react(app, peer, about, if own { String::new() } else { emoji.clone() })
                >
                    <span aria-hidden="true">{shown}</span>{count}
                </button>
            }
        })
        .collect();
    (!chips.is_empty())
        .then(|| view! { <div class="chips" role="group" aria-label=texts.talk_reactions()>{chips}</div> })
}

/// Reacts, or takes the reaction back; the line tells what became of it.
pub(crate) fn react(app: App, conversation: AccountId, message: Reference, emoji: String) {
    spawn_local(async move {
        let _ = app
            .client
            .ask(Intent::React {
                conversation,
                message,
                emoji,
            })
            .await;
    });
}
