//! A conversation: head, log, composer.

use chopar_engine::view::{Conversation, GroupView, Trust};
use chopar_wire::AccountId;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Node;

use super::attaching::{carries_files, choose, files_of};
use super::composer::Composer;
use super::connection::Connection;
use super::parts::{MENUS, StopOf};
use super::stop_bar::Stop;
use super::timeline::Timeline;
use crate::i18n::Texts;
use crate::state::{Names, now, use_app};
use crate::ui::{Avatar, Icon, focus_when_mounted, is_fine_pointer, soon};
use crate::view_model::Place;

/// The conversation with a person, once the list has it.
#[component]
pub(crate) fn TalkPage(
    /// Whose.
    peer: AccountId,
    /// Where the person is: the head says whether details are open.
    place: Memo<Place>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    // Tracked, so that the page opens as soon as the list has the row.
    let known = Memo::new(move |_| app.chats.order().contains(&peer));
    move || match known.get().then(|| app.chats.row(peer)).flatten() {
        Some(row) => view! { <Talk peer row place/> }.into_any(),
        None => view! {
            <div class="empty">
                <Icon name="message-circle" class="large"/>
                <h1 id="pane-title" tabindex="-1">{texts.talk_missing_title()}</h1>
                <p>{texts.talk_missing_body()}</p>
                <a class="button primary" href=Place::Chats.path()>{texts.join_to_chats()}</a>
            </div>
        }
        .into_any(),
    }
}

#[component]
fn Talk(peer: AccountId, row: ArcRwSignal<Conversation>, place: Memo<Place>) -> impl IntoView {
    let app = use_app();
    let talk = app.talk(peer);
    let names = Names::of(app, &row);
    let stop = {
        let row = row.clone();
        Memo::new(move |_| Stop::of_row(app, &row))
    };
    if is_fine_pointer() && stop.get_untracked().is_none() {
        focus_when_mounted("composer");
    }
    let texts = app.texts();
    let foot = {
        let (row, talk) = (row.clone(), talk.clone());
        move || match stop.get() {
            Some(stop) => {
                let of = StopOf { peer, names, stop };
                // Why may come late; that there is something may not.
                let calm = of.stop.is_calm();
                let meanwhile = move || {
                    (!calm)
                        .then(|| view! { <p class="stop" role="alert">{texts.chats_attention()}</p> })
                        .into_any()
                };
                soon(&MENUS, meanwhile, move |menus| (menus.stop)(of.clone()))
            }
            None => view! { <Composer peer row=row.clone() talk=talk.clone() names/> }.into_any(),
        }
    };
    let dropping = ArcRwSignal::new(false);
    let (over, left, dropped, shown) = (dropping.clone(), dropping.clone(), dropping.clone(), dropping);
    let takes = {
        let composing = talk.composing();
        // Files are no part of an edit.
        move || stop.get_untracked().is_none() && !composing.read_untracked().is_edit()
    };
    let takes_dropped = takes.clone();
    let on_over = move |event: ev::DragEvent| {
        if takes() && carries_files(&event) {
            event.prevent_default();
            over.set(true);
        }
    };
    let on_leave = move |event: ev::DragEvent| {
        // From one thing inside to another it has not left.
        let place = event
            .current_target()
            .and_then(|place| place.dyn_into::<Node>().ok());
        let to = event.related_target().and_then(|to| to.dyn_into::<Node>().ok());
        if !place.is_some_and(|place| to.is_some_and(|to| place.contains(Some(&to)))) {
            left.set(false);
        }
    };
    let on_drop = {
        let talk = talk.clone();
        move |event: ev::DragEvent| {
            dropped.set(false);
            if takes_dropped() && carries_files(&event) {
                event.prevent_default();
                choose(app, &talk, files_of(event.data_transfer()));
            }
        }
    };
    let hint = move || {
        shown
            .get()
            .then(|| view! { <p class="drop-hint" aria-hidden="true">{texts.file_drop()}</p> })
    };
    view! {
        <section class="talk" on:dragover=on_over on:dragleave=on_leave on:drop=on_drop>
            {hint}
            <Head peer names row=row.clone() place/>
            <Timeline peer row talk names/>
            {foot}
        </section>
    }
}

/// Back, and the button named by the peer that opens their page.
#[component]
fn Head(peer: AccountId, names: Names, row: ArcRwSignal<Conversation>, place: Memo<Place>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let name = names.title();
    let group = names.is_group().then(|| app.group(peer));
    let picture = names.is_group().then(|| app.group_picture(peer));
    let typing_until = app.talk(peer).typing_until();
    let open = move || matches!(place.get(), Place::Person(_));
    let toggle = move |_| {
        let to = if matches!(place.get_untracked(), Place::Person(_)) {
            Place::Talk(peer)
        } else {
            Place::Person(peer)
        };
        app.address.go(to);
    };
    let trust = Memo::new(move |_| {
        let row = row.read();
        (row.trust, row.alarm.is_some())
    });
    let below = move || {
        if typing_until.get() > now() {
            return view! { <span class="typing">{texts.talk_typing(&name.read())}</span> }.into_any();
        }
        if let Some(group) = &group {
            return group
                .read()
                .as_ref()
                .map(|group| members_word(texts, group))
                .into_any();
        }
        let (class, icon, word) = match trust.get() {
            (_, true) => ("trust changed", "shield-alert", texts.chats_attention()),
            (Trust::Verified, false) => ("trust verified", "shield-check", texts.talk_verified()),
            (Trust::Changed, false) => ("trust changed", "shield-alert", texts.talk_changed()),
            (Trust::Unverified, false) => ("trust", "shield", texts.talk_unverified()),
        };
        view! { <span class=class><Icon name=icon/>{word}</span> }.into_any()
    };
    view! {
        <header class="talk-head">
            <a class="icon-button back" href=Place::Chats.path() aria-label=texts.back()><Icon name="arrow-left"/></a>
            <h1 class="visually-hidden" id="pane-title" tabindex="-1">{move || name.get()}</h1>
            <button
                type="button"
                class="peer"
                aria-label=move || name.get()
                aria-describedby="peer-below"
                aria-expanded=move || if open() { "true" } else { "false" }
                on:click=toggle
            >
                <Avatar account=peer name=name picture/>
                <span class="peer-text">
                    <span class="name">{move || name.get()}</span>
                    <span class="below" id="peer-below">{below}</span>
                </span>
            </button>
            <Connection/>
        </header>
    }
}

/// How many are in a group, and whether somebody needs a decision.
fn members_word(texts: Texts, group: &GroupView) -> impl IntoView + use<> {
    let troubled = group.trouble.is_some()
        || group
            .members
            .iter()
            .any(|member| member.alarm.is_some() || member.trust == Trust::Changed);
    let (class, icon, word) = if troubled {
        (
            "trust changed",
            "shield-alert",
            texts.chats_attention().to_owned(),
        )
    } else {
        ("trust", "users", texts.group_members(group.members.len() as u64))
    };
    view! { <span class=class><Icon name=icon/>{word}</span> }
}
