//! A conversation is chosen by a few letters: to go there, or to pass a message on.

use chopar_engine::Failure;
use chopar_wire::AccountId;
use leptos::ev;
use leptos::prelude::*;

use crate::state::use_app;
use crate::ui::{Avatar, Modal, Problem, focus_when_mounted, steer};
use crate::view_model::{Place, matches};

/// Entries shown at most: what fits without scrolling.
const MOST: usize = 8;

/// Ctrl/Cmd+K: opens the chosen one.
#[component]
pub(crate) fn Switcher(
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let choose = Callback::new(move |peer| {
        close.run(());
        app.address.go(Place::Talk(peer));
    });
    view! { <ChooseChat title=app.texts().switch_title() choose close failure=ArcRwSignal::new(None)/> }
}

/// A dialog in which a conversation is chosen.
#[component]
pub(crate) fn ChooseChat(
    /// What for.
    title: &'static str,
    /// Called with the one that was chosen.
    choose: Callback<AccountId>,
    /// Closes it.
    close: Callback<()>,
    /// Why the one that was chosen does not do.
    failure: ArcRwSignal<Option<Failure>>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let query = RwSignal::new(String::new());
    let chosen = RwSignal::new(0usize);
    focus_when_mounted("switch");
    let hits = Memo::new(move |_| {
        let query = query.get();
        let hit = |peer: &AccountId| {
            let row = app.chats.row(*peer)?;
            let row = row.read();
            matches(&query, &row.name, &row.handle).then(|| (*peer, row.name.clone(), row.handle.clone()))
        };
        app.chats
            .order()
            .iter()
            .filter_map(hit)
            .take(MOST)
            .collect::<Vec<_>>()
    });
    let on_key = move |event: ev::KeyboardEvent| {
        let hits = hits.read_untracked();
        if let Some(at) = steer(&event, chosen, hits.len()) {
            let peer = hits[at].0;
            drop(hits);
            choose.run(peer);
        }
    };
    let options = move || {
        let options: Vec<_> = hits
            .get()
            .into_iter()
            .enumerate()
            .map(|(index, (peer, name, handle))| {
                // Of a stranger it is not known until the directory bears it out.
                let handle = (!handle.is_empty()).then(|| view! { <span class="handle">{handle}</span> });
                let group = app.chats.row(peer).is_some_and(|row| row.read_untracked().group);
                let picture = group.then(|| app.group_picture(peer));
                let selected = move || if chosen.get() == index { "true" } else { "false" };
                view! {
                    <li id=["hit-", &index.to_string()].concat() class="option" role="option" aria-selected=selected
                        on:click=move |_| choose.run(peer)>
                        <Avatar account=peer name=Signal::stored(name.clone()) size="small" picture/>
                        <span class="option-text"><span class="name">{name}</span>" "{handle}</span>
                    </li>
                }
            })
            .collect();
        if options.is_empty() {
            view! { <p class="muted" role="status">{texts.switch_none()}</p> }.into_any()
        } else {
            view! { <ul class="options" id="hits" role="listbox" aria-label=texts.switch_hits()>{options}</ul> }.into_any()
        }
    };
    view! {
        <Modal title close>
            <div class="field">
                <label for="switch">{texts.switch_label()}</label>
                <input
                    id="switch"
                    class="input"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    aria-controls="hits"
                    aria-activedescendant=move || ["hit-", &chosen.get().to_string()].concat()
                    on:input=move |event| { query.set(event_target_value(&event)); chosen.set(0); }
                    on:keydown=on_key
                />
            </div>
            {options}
            <Problem failure/>
        </Modal>
    }
}
