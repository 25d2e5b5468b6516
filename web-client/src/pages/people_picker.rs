//! Several people are chosen: from the conversations there are, and from the directory.

use chopar_engine::intent::Invitee;
use chopar_wire::AccountId;
use leptos::ev;
use leptos::prelude::*;

use crate::state::{App, Directory, Found, use_app};
use crate::ui::{Avatar, Icon, Problem, focus_when_mounted, steer};
use crate::view_model::matches;

/// People offered from the conversations at most: what fits without much scrolling.
const MOST: usize = 8;

/// Who was chosen, and a box to find more.
#[component]
pub(crate) fn PeoplePicker(
    /// Who was chosen.
    chosen: RwSignal<Vec<Invitee>>,
    /// Who is not offered: who is in the group already.
    #[prop(optional)]
    without: Vec<AccountId>,
    /// Whether the keyboard begins here.
    #[prop(optional)]
    first: bool,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let query = RwSignal::new(String::new());
    let at = RwSignal::new(0usize);
    let directory = Directory::new(app);
    let found = directory.found();
    if first {
        focus_when_mounted("pick-people");
    }
    let offered = {
        let found = found.clone();
        Memo::new(move |_| offers(app, &query.read(), &found.read(), &without))
    };
    Effect::new(move || {
        offered.with(|_| ());
        at.set(0);
    });
    let toggle = move |person: Invitee| {
        chosen.update(|chosen| {
            let before = chosen.len();
            chosen.retain(|known| known.account != person.account);
            if chosen.len() == before {
                chosen.push(person);
            }
        });
    };
    let on_input = move |event| {
        let text = event_target_value(&event);
        query.set(text.clone());
        directory.ask(text);
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let offers = offered.read_untracked();
        if let Some(index) = steer(&event, at, offers.len()) {
            let person = offers[index].clone();
            drop(offers);
            toggle(person);
        }
    };
    let failed = {
        let found = found.clone();
        move || match &*found.read() {
            Found::Failed(failure) => Some(view! { <Problem failure=ArcRwSignal::new(Some(*failure))/> }),
            _ => None,
        }
    };
    let nobody = move || {
        let text = query.read();
        let asked = matches!(&*found.read(), Found::People { query, .. } if *query == *text);
        (asked && offered.read().is_empty())
            .then(|| view! { <p class="muted" role="status">{texts.find_none(&text)}</p> })
    };
    let option = move |(index, person): (usize, Invitee)| {
        let account = person.account;
        let name = person.display_name.clone();
        let taken = Memo::new(move |_| chosen.read().iter().any(|known| known.account == account));
        let handle = person.handle.clone();
        let handle = (!handle.is_empty()).then(|| view! { <span class="handle">{handle}</span> });
        view! {
            <li
                id=option_id(index)
                class="option"
                class:at=move || at.get() == index
                role="option"
                aria-selected=move || if taken.get() { "true" } else { "false" }
                on:click=move |_| toggle(person.clone())
            >
                <Avatar account name=Signal::stored(name.clone()) size="small"/>
                <span class="option-text"><span class="name">{name}</span>" "{handle}</span>
                {move || taken.get().then(|| view! { <Icon name="check"/> })}
            </li>
        }
    };
    let chip = move |person: Invitee| {
        let name = person.display_name.clone();
        view! {
            <li class="picked">
                <Avatar account=person.account name=Signal::stored(name.clone()) size="small"/>
                <span class="name">{name.clone()}</span>
                <button type="button" class="icon-button" aria-label=texts.group_take_out(&name) on:click=move |_| toggle(person.clone())>
                    <Icon name="x"/>
                </button>
            </li>
        }
    };
    view! {
        {move || (!chosen.read().is_empty()).then(|| view! {
            <ul class="picks" role="list" aria-label=texts.group_chosen()>
                {chosen.get().into_iter().map(chip).collect::<Vec<_>>()}
            </ul>
        })}
        <div class="field">
            <label for="pick-people">{texts.find_label()}</label>
            <input
                id="pick-people"
                class="input"
                type="text"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-controls="pickable"
                aria-activedescendant=move || (!offered.read().is_empty()).then(|| option_id(at.get()))
                on:input=on_input
                on:keydown=on_key
            />
        </div>
        <ul class="options" id="pickable" role="listbox" aria-multiselectable="true" aria-label=texts.find_results()>
            {move || offered.get().into_iter().enumerate().map(option).collect::<Vec<_>>()}
        </ul>
        {nobody}
        {failed}
    }
}

fn option_id(index: usize) -> String {
    ["pick-", &index.to_string()].concat()
}

/// Whom to offer: who one talks with already comes first, under the names they gave themselves.
fn offers(app: App, query: &str, found: &Found, without: &[AccountId]) -> Vec<Invitee> {
    let mut offers: Vec<Invitee> = Vec::new();
    for peer in app.chats.order() {
        let Some(row) = app.chats.row(peer) else { continue };
        let row = row.read_untracked();
        let fits = !row.group && !row.blocked && !without.contains(&peer);
        if fits && matches(query, &row.name, &row.handle) {
            offers.push(Invitee {
                account: peer,
                handle: row.handle.clone(),
                display_name: row.name.clone(),
            });
        }
        if offers.len() == MOST {
            break;
        }
    }
    if let Found::People { query: asked, people } = found
        && asked == query
    {
        let me = app.my_account();
        for person in people {
            if let Some(known) = offers.iter_mut().find(|known| known.account == person.account) {
                // Of a stranger who wrote first the handle is not known until the directory says it.
                if known.handle.is_empty() {
                    known.handle.clone_from(&person.handle);
                }
                continue;
            }
            if Some(person.account) == me || without.contains(&person.account) {
                continue;
            }
            offers.push(Invitee {
                account: person.account,
                handle: person.handle.clone(),
                display_name: person.display_name.clone(),
            });
        }
    }
    offers
}
