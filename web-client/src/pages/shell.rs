//! Daily use: the list, what is open beside it, and details on demand.

use chopar_wire::AccountId;
use leptos::ev;
use leptos::prelude::*;

use super::attaching::carries_files;
use super::chat_list::ChatList;
use super::find_people::FindPeople;
use super::parts::{DETAILS, FILES, HISTORY, MENUS, OWN, load_quietly};
use super::search_box::focus_search;
use super::shortcuts::Shortcut;
use super::start_over::{StartOver, confirm_start_over};
use super::talk::TalkPage;
use crate::state::{App, Dialog, use_app};
use crate::ui::{Frame, Icon, focus_id, is_dialog_open, is_fine_pointer, later, soon};
use crate::view_model::Place;

/// What stands beside the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Talk(AccountId),
    Page(Place),
}

/// All of daily use.
#[component]
pub(crate) fn Shell() -> impl IntoView {
    let app = use_app();
    let place = Memo::new(move |_| match app.address.place() {
        // It has led here, in another tab or late.
        Place::Recover => Place::Chats,
        place => place,
    });
    let beside = Memo::new(move |_| place.get().peer().map_or(Beside::Page(place.get()), Beside::Talk));
    let details = Memo::new(move |_| match place.get() {
        Place::Person(peer) => Some((peer, is_group(app, peer))),
        _ => None,
    });
    listen_to_keys(app, place);
    move_focus(place);
    keep_title(app, place);
    load_quietly();
    catch_files();

    let texts = app.texts();
    let page = move |title: &str| Frame::Pane {
        title: title.to_owned(),
        back: Place::Chats,
    };
    let class = move || match place.get() {
        Place::Chats => "shell at-list",
        Place::Person(_) => "shell at-details",
        _ => "shell at-main",
    };
    let viewing = app.files.viewing.clone();
    // Back leaves what is looked at, too.
    let looked_at = viewing.clone();
    Effect::new(move |before: Option<Place>| {
        let place = place.get();
        if before.is_some_and(|before| before != place) {
            looked_at.set(None);
        }
        place
    });
    let dialog = app.dialog.clone();
    let close = {
        let dialog = dialog.clone();
        Callback::new(move |()| dialog.set(None))
    };
    view! {
        <div class=class>
            <ChatList place/>
            <main class="main-pane" id="main">
                {move || match beside.get() {
                    Beside::Talk(peer) => view! { <TalkPage peer place/> }.into_any(),
                    Beside::Page(Place::Settings) => later(&OWN, page(texts.settings_title()), |own| (own.settings)()),
                    Beside::Page(Place::History) => {
                        later(&HISTORY, page(texts.history_title()), |history| (history.page)())
                    }
                    Beside::Page(Place::Devices) => later(&OWN, page(texts.chats_devices()), |own| (own.devices)()),
                    Beside::Page(Place::Admin) => later(&OWN, page(texts.admin_title()), |own| (own.admin)()),
                    Beside::Page(Place::Join) => view! { <Already/> }.into_any(),
                    Beside::Page(Place::Chats | Place::Recover) => view! { <Pick/> }.into_any(),
                    Beside::Page(_) => view! { <Missing/> }.into_any(),
                }}
            </main>
            {move || details.get().map(|(peer, group)| later(&DETAILS, Frame::Details { peer }, move |details| {
                if group { (details.group)(peer) } else { (details.person)(peer) }
            }))}
        </div>
        {move || viewing.get().map(|spot| {
            soon(&FILES, || ().into_any(), move |files| (files.viewer)(spot.clone()))
        })}
        {move || dialog.get().map(|dialog| match dialog {
            Dialog::Find => view! { <FindPeople close/> }.into_any(),
            Dialog::Group => {
                let title = texts.group_new().to_owned();
                later(&DETAILS, Frame::Dialog { title, close }, move |details| (details.new_group)(close))
            }
            Dialog::Switch => {
                let title = texts.switch_title().to_owned();
                later(&MENUS, Frame::Dialog { title, close }, move |menus| (menus.switcher)(close))
            }
            Dialog::Keys => {
                let title = texts.keys_title().to_owned();
                later(&MENUS, Frame::Dialog { title, close }, move |menus| (menus.shortcuts)(close))
            }
            Dialog::StartOver => confirm_start_over(close),
        })}
    }
}

/// Known by its conversation, tracked: without one there is nobody's page to show.
fn is_group(app: App, peer: AccountId) -> bool {
    app.chats.order().contains(&peer) && app.chats.row(peer).is_some_and(|row| row.read_untracked().group)
}

/// Files that fall beside a conversation are not opened in place of this page.
fn catch_files() {
    let over = window_event_listener(ev::dragover, |event| {
        if carries_files(&event) {
            event.prevent_default();
        }
    });
    let fallen = window_event_listener(ev::drop, |event| {
        if carries_files(&event) {
            event.prevent_default();
        }
    });
    on_cleanup(move || {
        over.remove();
        fallen.remove();
    });
}

fn listen_to_keys(app: App, place: Memo<Place>) {
    let listener = window_event_listener(ev::keydown, move |event| {
        let Some(shortcut) = Shortcut::of(&event) else {
            return;
        };
        if shortcut != Shortcut::Out {
            event.prevent_default();
        } else if is_dialog_open() || event.default_prevented() {
            // A dialog closes by itself.
            return;
        }
        match shortcut {
            Shortcut::Switch => app.dialog.set(Some(Dialog::Switch)),
            Shortcut::Search if is_dialog_open() || app.chats.order_untracked().is_empty() => {}
            Shortcut::Search => {
                if !focus_search() {
                    // Where there is one pane it is another.
                    app.address.go(Place::Chats);
                    request_animation_frame(|| {
                        request_animation_frame(|| {
                            focus_search();
                        });
                    });
                }
            }
            Shortcut::Keys => app.dialog.set(Some(Dialog::Keys)),
            Shortcut::Out => {
                let here = place.get_untracked();
                if here != Place::Chats {
                    app.address.go(here.out());
                }
            }
            Shortcut::Next | Shortcut::Previous => {
                let order = app.chats.order_untracked();
                let open = place.get_untracked().peer();
                let at = order.iter().position(|peer| Some(*peer) == open);
                let next = match (shortcut, at) {
                    (_, None) => order.first(),
                    (Shortcut::Next, Some(index)) => order.get(index + 1),
                    (_, Some(index)) => index.checked_sub(1).and_then(|index| order.get(index)),
                };
                if let Some(peer) = next {
                    app.address.go(Place::Talk(*peer));
                }
            }
        }
    });
    on_cleanup(move || listener.remove());
}

/// A new screen takes the focus: its title, or the box to write in where that does not call up a keyboard.
fn move_focus(place: Memo<Place>) {
    Effect::new(move |before: Option<Place>| {
        let place = place.get();
        if before.is_some_and(|before| before != place) {
            let id = match place {
                Place::Talk(_) if is_fine_pointer() => "composer",
                Place::Person(_) => "details-title",
                _ => "pane-title",
            };
            request_animation_frame(move || focus_id(id));
        }
        place
    });
}

/// The window's title: what is unread, and where one is.
fn keep_title(app: App, place: Memo<Place>) {
    let texts = app.texts();
    Effect::new(move || {
        let rows: Vec<_> = app
            .chats
            .order()
            .into_iter()
            .filter_map(|peer| app.chats.row(peer))
            .collect();
        let unread: u32 = rows
            .iter()
            .map(|row| row.read())
            .filter(|row| !row.muted)
            .map(|row| row.unread)
            .sum();
        let mut title = if unread > 0 {
            ["(", &unread.to_string(), ") "].concat()
        } else {
            String::new()
        };
        let here = match place.get() {
            Place::Talk(peer) | Place::Person(peer) => app.chats.row(peer).map(|row| row.read().name.clone()),
            Place::Settings => Some(texts.settings_title().to_owned()),
            Place::History => Some(texts.history_title().to_owned()),
            Place::Devices => Some(texts.chats_devices().to_owned()),
            Place::Admin => Some(texts.admin_title().to_owned()),
            Place::Chats | Place::Join | Place::Recover | Place::Missing => None,
        };
        if let Some(here) = here {
            title.push_str(&here);
            title.push_str(" – ");
        }
        title.push_str("Chopar");
        document().set_title(&title);
    });
}

/// Nothing is open: what to do next, and who cannot read along.
#[component]
fn Pick() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let empty = move || app.chats.order().is_empty();
    view! {
        <div class="empty">
            <Icon name="message-circle" class="large"/>
            <h1 id="pane-title" tabindex="-1">
                {move || if empty() { texts.chats_empty_title() } else { texts.chats_pick_title() }}
            </h1>
            {move || empty().then(|| view! { <p>{texts.chats_empty_body()}</p> })}
            <p class="assurance"><Icon name="lock"/><span>{texts.chats_pick_body()}</span></p>
            {move || if empty() {
                view! {
                    <button type="button" class="button primary" on:click=move |_| app.dialog.set(Some(Dialog::Find))>
                        <Icon name="message-square-plus"/>{texts.chats_new()}
                    </button>
                }
                .into_any()
            } else {
                view! {
                    <button type="button" class="button" on:click=move |_| app.dialog.set(Some(Dialog::Switch))>
                        {texts.switch_title()}" "<kbd>"Ctrl K"</kbd>
                    </button>
                }
                .into_any()
            }}
        </div>
    }
}

/// An invite was opened where an account already is.
#[component]
fn Already() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    view! {
        <div class="empty">
            <Icon name="user" class="large"/>
            <h1 id="pane-title" tabindex="-1">{texts.join_already()}</h1>
            <p>{texts.join_already_body()}</p>
            <a class="button primary" href=Place::Chats.path()>{texts.join_to_chats()}</a>
            // Somebody who was invited anew, because the account here is of no use any more.
            {move || app.may_start_over().then(|| view! { <StartOver class="button"/> })}
        </div>
    }
}

#[component]
fn Missing() -> impl IntoView {
    let texts = use_app().texts();
    view! {
        <div class="empty">
            <Icon name="circle-alert" class="large"/>
            <h1 id="pane-title" tabindex="-1">{texts.missing_title()}</h1>
            <p>{texts.missing_body()}</p>
            <a class="button primary" href=Place::Chats.path()>{texts.join_to_chats()}</a>
        </div>
    }
}
