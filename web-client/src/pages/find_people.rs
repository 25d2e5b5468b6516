//! "New chat": find a person, open the conversation.

use chopar_engine::view::PersonFound;
use chopar_engine::{Answer, Failure, Intent};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{Directory, Found, use_app};
use crate::ui::{Avatar, Icon, Modal, Problem, focus_when_mounted, steer};
use crate::view_model::Place;

/// The dialog.
#[component]
pub(crate) fn FindPeople(
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let directory = Directory::new(app);
    let found = directory.found();
    let chosen = RwSignal::new(0usize);
    let doubt: ArcRwSignal<Option<PersonFound>> = ArcRwSignal::new(None);
    let failure = ArcRwSignal::new(None);
    focus_when_mounted("find-people");
    Effect::new({
        let found = found.clone();
        move || {
            found.track();
            chosen.set(0);
        }
    });
    let open = {
        let failure = failure.clone();
        Callback::new(move |person: PersonFound| {
            let failure = failure.clone();
            spawn_local(async move {
                let PersonFound {
                    account,
                    handle,
                    display_name,
                    ..
                } = person;
                match app
                    .client
                    .ask(Intent::OpenConversation {
                        peer: account,
                        handle,
                        display_name,
                    })
                    .await
                {
                    Answer::Conversation(conversation) => {
                        let peer = conversation.peer;
                        app.chats.put(conversation);
                        // Who has closed the dialog meanwhile wants to stay where they are.
                        if close.try_run(()).is_some() {
                            app.address.go(Place::Talk(peer));
                        }
                    }
                    Answer::Failed(reason) => failure.set(Some(reason)),
                    _ => failure.set(Some(Failure::Browser)),
                }
            });
        })
    };
    let choose = {
        let doubt = doubt.clone();
        Callback::new(move |person: PersonFound| {
            if person.was_somebody_else {
                doubt.set(Some(person))
            } else {
                open.run(person)
            }
        })
    };
    let on_input = move |event| directory.ask(event_target_value(&event));
    let on_key = {
        let found = found.clone();
        move |event: ev::KeyboardEvent| {
            if let Found::People { people, .. } = found.get_untracked()
                && let Some(at) = steer(&event, chosen, people.len())
                && let Some(person) = people.get(at)
            {
                choose.run(person.clone());
            }
        }
    };
    let active = {
        let found = found.clone();
        move || {
            matches!(found.get(), Found::People { people, .. } if !people.is_empty())
                .then(|| option_id(chosen.get()))
        }
    };
    let results = move || match found.get() {
        Found::Nothing => view! { <p class="muted" role="status">{texts.find_hint()}</p> }.into_any(),
        Found::Failed(reason) => view! { <Problem failure=ArcRwSignal::new(Some(reason))/> }.into_any(),
        Found::People { query, people } if people.is_empty() => {
            view! { <p class="muted" role="status">{texts.find_none(&query)}</p> }.into_any()
        }
        Found::People { people, .. } => {
            let options: Vec<_> = people
                .into_iter()
                .enumerate()
                .map(|(index, person)| view! { <Option_ index person chosen choose/> })
                .collect();
            view! { <ul class="options" id="found" role="listbox" aria-label=texts.find_results()>{options}</ul> }.into_any()
        }
    };
    let body = {
        let results = StoredValue::new_local(results);
        let on_input = StoredValue::new_local(on_input);
        let on_key = StoredValue::new_local(on_key);
        let active = StoredValue::new_local(active);
        move || match doubt.get() {
            Some(person) => {
                let doubt = doubt.clone();
                view! { <Doubt person open back=Callback::new(move |()| doubt.set(None))/> }.into_any()
            }
            None => view! {
                <div class="field">
                    <label for="find-people">{texts.find_label()}</label>
                    <input
                        id="find-people"
                        class="input"
                        type="text"
                        autocomplete="off"
                        autocapitalize="off"
                        spellcheck="false"
                        aria-controls="found"
                        aria-activedescendant=move || active.with_value(|active| active())
                        on:input=move |event| on_input.with_value(|on_input| on_input(event))
                        on:keydown=move |event| on_key.with_value(|on_key| on_key(event))
                    />
                </div>
                {move || results.with_value(|results| results())}
            }
            .into_any(),
        }
    };
    view! {
        <Modal title=texts.find_title() close>
            {body}
            <Problem failure/>
        </Modal>
    }
}

fn option_id(index: usize) -> String {
    ["found-", &index.to_string()].concat()
}

/// A person found, named by display name and handle.
#[component]
fn Option_(
    index: usize,
    person: PersonFound,
    chosen: RwSignal<usize>,
    choose: Callback<PersonFound>,
) -> impl IntoView {
    let texts = use_app().texts();
    let account = person.account;
    let name = person.display_name.clone();
    let handle = person.handle.clone();
    let moved = person.was_somebody_else;
    let selected = move || if chosen.get() == index { "true" } else { "false" };
    view! {
        <li id=option_id(index) class="option" role="option" aria-selected=selected on:click=move |_| choose.run(person.clone())>
            <Avatar account name=Signal::stored(name.clone())/>
            <span class="option-text">
                <span class="name">{name}</span>" "<span class="handle">{handle}</span>
                {moved.then(|| view! { <span class="moved"><Icon name="triangle-alert"/>{texts.find_moved_mark()}</span> })}
            </span>
        </li>
    }
}

/// The handle names another account than before: stop and ask.
#[component]
fn Doubt(person: PersonFound, open: Callback<PersonFound>, back: Callback<()>) -> impl IntoView {
    let texts = use_app().texts();
    focus_when_mounted("doubt-back");
    let body = texts.find_moved_body(&person.handle);
    view! {
        <div class="doubt" role="alert">
            <h3><Icon name="shield-alert"/>{texts.find_moved_title()}</h3>
            <p>{body}</p>
        </div>
        <div class="actions">
            <button id="doubt-back" type="button" class="button primary" on:click=move |_| back.run(())>{texts.cancel()}</button>
            <button type="button" class="button danger" on:click=move |_| open.run(person.clone())>{texts.find_moved_go()}</button>
        </div>
    }
}
