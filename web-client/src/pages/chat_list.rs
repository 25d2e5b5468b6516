//! The list of conversations, with the connection above it and the ways to the other pages below.

use chopar_engine::view::{Conversation, LineBody, Trust};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::{ev, html};

use super::connection::{Connection, ConnectionBar};
use super::keeping::signs;
use super::notice::notice_text;
use super::own_devices_bar::OwnDevicesBar;
use super::parts::{MENUS, SEARCH};
use super::search_box::SearchBox;
use crate::state::{App, Dialog, Names, use_app};
use crate::ui::{Avatar, Frame, Icon, Ticks, later, more, rove};
use crate::view_model::{Place, in_words};

/// The left pane.
#[component]
pub(crate) fn ChatList(
    /// What is open.
    place: Memo<Place>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let list = NodeRef::<html::Ul>::new();
    let on_key = move |event: ev::KeyboardEvent| {
        if let Some(list) = list.get_untracked()
            && !event.alt_key()
        {
            rove(&event, &list, "a");
        }
    };
    // Archived ones stand at the end, behind a button.
    let all = RwSignal::new(false);
    let shown = Memo::new(move |_| {
        let mut order = app.chats.order();
        if !all.get() {
            order.truncate(order.len().saturating_sub(app.chats.archived()));
        }
        order
    });
    // Where Tab leads: to the open conversation, else to the first.
    let entry = Memo::new(move |_| {
        let (shown, open) = (shown.read(), place.get().peer());
        let open = open.filter(|open| shown.contains(open));
        open.or(shown.first().copied())
    });
    let query = RwSignal::new(String::new());
    let any = Memo::new(move |_| !app.chats.order().is_empty());
    let searching = Memo::new(move |_| !query.read().trim().is_empty());
    let keeping = RwSignal::new(None::<AccountId>);
    let options = Callback::new(move |peer| keeping.set(Some(peer)));
    view! {
        <section class="list-pane" aria-label=texts.chats_title()>
            <header class="list-head">
                <Icon name="chopar" class="mark"/>
                <span class="brand">"Chopar"</span>
                <Connection/>
                <button
                    type="button"
                    class="icon-button"
                    aria-label=texts.group_new()
                    title=texts.group_new()
                    on:click=move |_| app.dialog.set(Some(Dialog::Group))
                >
                    <Icon name="users"/>
                </button>
                <button type="button" class="button primary new-chat" on:click=move |_| app.dialog.set(Some(Dialog::Find))>
                    <Icon name="message-square-plus"/>{texts.chats_new()}
                </button>
            </header>
            <ConnectionBar/>
            <OwnDevicesBar/>
            {move || any.get().then(|| view! { <SearchBox query/> })}
            {move || searching.get().then(|| later(&SEARCH, Frame::Inside, move |search| (search.results)(query)))}
            <ul
                class="chats"
                role="list"
                aria-label=texts.chats_list()
                hidden=move || searching.get()
                node_ref=list
                on:keydown=on_key
            >
                <For each=move || shown.get() key=|peer| *peer let:peer>
                    <ChatRow peer place options entry/>
                </For>
                {move || (app.chats.archived() > 0).then(|| view! {
                    <li class="archive-row">
                        <button
                            type="button"
                            class="archive"
                            aria-expanded=move || if all.get() { "true" } else { "false" }
                            on:click=move |_| all.update(|all| *all = !*all)
                        >
                            <Icon name="archive"/>{move || texts.chats_archived(app.chats.archived() as u64)}
                        </button>
                    </li>
                })}
            </ul>
            {move || keeping.get().and_then(|peer| Some((peer, app.chats.row(peer)?))).map(|(peer, row)| {
                let (title, close) = (row.read_untracked().name.clone(), Callback::new(move |()| keeping.set(None)));
                later(&MENUS, Frame::Dialog { title, close }, move |menus| (menus.keeping)(peer, row.clone(), close))
            })}
            {move || app.chats.order().is_empty().then(|| view! {
                <div class="list-empty">
                    <p>{texts.chats_empty_body()}</p>
                    <p class="assurance"><Icon name="lock"/><span>{texts.chats_pick_body()}</span></p>
                </div>
            })}
            <Ways place/>
        </section>
    }
}

#[component]
fn ChatRow(
    peer: AccountId,
    place: Memo<Place>,
    options: Callback<AccountId>,
    entry: Memo<Option<AccountId>>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let Some(row) = app.chats.row(peer) else {
        return ().into_any();
    };
    let names = Names::few(app, &row);
    let name = names.title();
    let picture = names.is_group().then(|| app.group_picture(peer));
    let open = Memo::new(move |_| place.get().peer() == Some(peer));
    let said = ["said-", &peer.to_string()[..16]].concat();
    let described = said.clone();
    let on_menu = move |event: ev::MouseEvent| {
        event.prevent_default();
        options.run(peer);
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "ContextMenu" || (event.shift_key() && event.key() == "F10") {
            event.prevent_default();
            options.run(peer);
        }
    };
    view! {
        <li class="chat-item" aria-label=move || name.get() on:contextmenu=on_menu on:keydown=on_key>
            <a
                class="chat-row"
                class:open=move || open.get()
                href=Place::Talk(peer).path()
                aria-label=move || name.get()
                aria-describedby=described
                aria-current=move || open.get().then_some("page")
                tabindex=move || if entry.get() == Some(peer) { "0" } else { "-1" }
            >
                <Avatar account=peer name=name picture/>
                <span class="chat-row-text" id=said>{move || row_text(app, &row.read(), names, open.get())}</span>
            </a>
            {more(texts.chats_options(), move || options.run(peer))}
        </li>
    }
    .into_any()
}

/// Two lines: name and time, then the last line and what is unread. The draft of the open conversation stands in its box.
fn row_text(app: App, row: &Conversation, names: Names, open: bool) -> impl IntoView + use<> {
    let texts = app.texts();
    let moment = row.last.as_ref().map_or(row.time, |last| last.time);
    let time = app.clock().brief(moment, app.today.get());
    let shield = match (row.alarm, row.trust) {
        (Some(_), _) | (_, Trust::Changed) => Some(
            view! {
                <span class="attention" title=texts.chats_attention()>
                    <Icon name="shield-alert"/><span class="visually-hidden">{texts.chats_attention()}</span>
                </span>
            }
            .into_any(),
        ),
        (None, Trust::Verified) => Some(
            view! {
                <span class="verified" title=texts.talk_verified()>
                    <Icon name="shield-check"/><span class="visually-hidden">{texts.talk_verified()}</span>
                </span>
            }
            .into_any(),
        ),
        (None, Trust::Unverified) => None,
    };
    let (class, last, state) = if row.draft.is_empty() || open {
        match row.last.as_ref().map(|last| &last.body) {
            Some(LineBody::Own { extra, .. } | LineBody::Theirs { extra, .. }) if extra.deleted => {
                ("last", texts.talk_deleted().to_owned(), None)
            }
            Some(LineBody::Own {
                text, state, extra, ..
            }) => {
                let said = in_words(texts, text, &extra.files);
                ("last", texts.chats_own(&said), Some(*state))
            }
            Some(LineBody::Theirs { text, extra, .. }) => {
                let text = &in_words(texts, text, &extra.files);
                let author = row.last.as_ref().and_then(|last| last.author);
                let said = match author.filter(|_| names.is_group()) {
                    Some(author) => texts.talk_arrived(&names.who(author), text),
                    None => text.clone(),
                };
                ("last", said, None)
            }
            Some(LineBody::Notice(notice)) => ("last", notice_text(texts, notice, names), None),
            None => ("last", String::new(), None),
        }
    } else {
        ("last draft", texts.chats_draft(&row.draft), None)
    };
    let unread = (row.unread > 0).then(|| {
        view! {
            <span class="badge" class:quiet=row.muted>
                <span aria-hidden="true">{row.unread.min(999)}</span>
                <span class="visually-hidden">{texts.chats_unread(u64::from(row.unread))}</span>
            </span>
        }
    });
    view! {
        <span class="line-one"><span class="name">{row.name.clone()}</span>{shield}<span class="time">{time}</span></span>
        <span class="line-two">{state.map(|state| view! { <Ticks state/> })}<span class=class>{last}</span>{signs(app, row)}{unread}</span>
    }
}

/// Links to the other pages.
#[component]
fn Ways(place: Memo<Place>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let way = move |to: Place, icon: &'static str, label: &'static str| {
        view! {
            <a class="way" href=to.path() aria-current=move || (place.get() == to).then_some("page")>
                <Icon name=icon/><span>{label}</span>
            </a>
        }
    };
    let owner = Memo::new(move |_| app.is_owner());
    view! {
        <nav class="ways" aria-label=texts.chats_menu()>
            {way(Place::Settings, "settings", texts.chats_settings())}
            {way(Place::Devices, "laptop", texts.chats_devices())}
            {move || owner.get().then(|| way(Place::Admin, "users", texts.chats_admin()))}
        </nav>
    }
}
