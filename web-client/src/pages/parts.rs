//! The pages that nobody needs before the first use. Each function here is the entry of a part of the module that is loaded when a page of
//! it is shown for the first time (docs/adr/0022): what only they reach is no longer in the first load. What they return are the pages,
//! to be drawn at once whenever they are wanted again.
//!
//! A part is one file, not one a page: on a slow line every file waits for its own answer.

use std::time::Duration;

use chopar_engine::Failure;
use chopar_engine::view::{Conversation, Person};
use chopar_wire::{AccountId, MessageId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::admin::Admin;
use super::devices::Devices;
use super::files::{Chosen, Shown, attach, chips, rows, viewer};
use super::group::GroupPage;
use super::history::HistoryPage;
use super::keeping::KeepingDialog;
use super::message_menu::MessageMenu;
use super::new_group::NewGroup;
use super::person::PersonPage;
use super::receivers::Receivers;
use super::scan::ScanCode;
use super::search::Results;
use super::settings::Settings;
use super::shortcuts::Shortcuts;
use super::start_over::ConfirmStartOver;
use super::stop_bar::{Stop, StopBar};
use super::switcher::{ChooseChat, Switcher};
use super::timer::TimerDialog;
use crate::state::{Attachments, Names, Row, Spot};
use crate::ui::Part;

/// Everything about oneself, and administration.
pub(super) static OWN: Part<Own> = Part::new("own", || Box::pin(own()));
/// Everything about somebody else, and about groups.
pub(super) static DETAILS: Part<Details> = Part::new("details", || Box::pin(details()));
/// What opens over the conversations, or stands in the composer's place: menus, choices, questions, shortcuts.
pub(super) static MENUS: Part<Menus> = Part::new("menus", || Box::pin(menus()));
/// Files in messages: what shows them, prepares them and brings them.
pub(super) static FILES: Part<FilesPart> = Part::new("files", || Box::pin(files()));
/// What a search finds.
pub(super) static SEARCH: Part<Search> = Part::new("search", || Box::pin(search()));
/// History in files: written, and read.
pub(super) static HISTORY: Part<History> = Part::new("history", || Box::pin(history()));
/// The camera, and what reads a code in its pictures.
pub(super) static SCAN: Part<Scan> = Part::new("scan", || Box::pin(scan()));

/// Long after the first use could begin.
const QUIETLY_AFTER: Duration = Duration::from_secs(10);

/// Loads all parts once daily use is under way, so that a page which is open for days needs nothing that its server, newer by then or out of
/// reach, does not have.
pub(super) fn load_quietly() {
    set_timeout(
        || {
            spawn_local(async {
                // Who wants a page that has failed here is told why, and has it tried again.
                let _ = MENUS.load().await;
                let _ = OWN.load().await;
                let _ = DETAILS.load().await;
                let _ = FILES.load().await;
                let _ = SEARCH.load().await;
                let _ = HISTORY.load().await;
                let _ = SCAN.load().await;
            });
        },
        QUIETLY_AFTER,
    );
}

/// The pages of [`OWN`].
#[derive(Clone, Copy)]
pub(super) struct Own {
    pub(super) settings: fn() -> AnyView,
    pub(super) devices: fn() -> AnyView,
    pub(super) admin: fn() -> AnyView,
}

/// The pages and dialogs of [`DETAILS`].
#[derive(Clone, Copy)]
pub(super) struct Details {
    pub(super) person: fn(AccountId) -> AnyView,
    pub(super) group: fn(AccountId) -> AnyView,
    pub(super) new_group: fn(Callback<()>) -> AnyView,
    pub(super) receivers: fn(AccountId, MessageId, Names, Callback<()>) -> AnyView,
}

/// Why what was chosen does not do.
type Refused = ArcRwSignal<Option<Failure>>;

/// The menus, bars and dialogs of [`MENUS`].
#[derive(Clone, Copy)]
pub(super) struct Menus {
    pub(super) message: fn(MessageMenuOf) -> AnyView,
    pub(super) choose: fn(&'static str, Callback<AccountId>, Callback<()>, Refused) -> AnyView,
    pub(super) switcher: fn(Callback<()>) -> AnyView,
    pub(super) shortcuts: fn(Callback<()>) -> AnyView,
    pub(super) timer: fn(AccountId, u32, Names, Callback<()>) -> AnyView,
    pub(super) keeping: fn(AccountId, ArcRwSignal<Conversation>, Callback<()>) -> AnyView,
    pub(super) stop: fn(StopOf) -> AnyView,
    pub(super) start_over: fn(Callback<()>) -> AnyView,
}

/// Why nothing can be written, and where.
#[derive(Clone)]
pub(super) struct StopOf {
    pub(super) peer: AccountId,
    pub(super) names: Names,
    pub(super) stop: Stop,
}

/// Which message, and what its menu leads to.
#[derive(Clone)]
pub(super) struct MessageMenuOf {
    pub(super) peer: AccountId,
    pub(super) row: Row,
    pub(super) close: Callback<()>,
    pub(super) forward: Callback<String>,
    pub(super) receivers: Callback<MessageId>,
}

/// What [`FILES`] shows and does.
#[derive(Clone, Copy)]
pub(super) struct FilesPart {
    pub(super) rows: fn(Shown) -> AnyView,
    pub(super) chips: fn(Attachments) -> AnyView,
    pub(super) attach: fn(Chosen),
    pub(super) viewer: fn(Spot) -> AnyView,
}

/// The list of [`SEARCH`].
#[derive(Clone, Copy)]
pub(super) struct Search {
    pub(super) results: fn(RwSignal<String>) -> AnyView,
}

/// The page of [`HISTORY`].
#[derive(Clone, Copy)]
pub(super) struct History {
    pub(super) page: fn() -> AnyView,
}

/// The dialog of [`SCAN`].
#[derive(Clone, Copy)]
pub(super) struct Scan {
    pub(super) scan: fn(Person, Callback<()>) -> AnyView,
}

#[wasm_split(own, fallible)]
fn own() -> Result<Own, SplitLoaderError> {
    Ok(Own {
        settings: || view! { <Settings/> }.into_any(),
        devices: || view! { <Devices/> }.into_any(),
        admin: || view! { <Admin/> }.into_any(),
    })
}

#[wasm_split(details, fallible)]
fn details() -> Result<Details, SplitLoaderError> {
    Ok(Details {
        person: |peer| view! { <PersonPage peer/> }.into_any(),
        group: |peer| view! { <GroupPage peer/> }.into_any(),
        new_group: |close| view! { <NewGroup close/> }.into_any(),
        receivers: |peer, id, names, close| view! { <Receivers peer id names close/> }.into_any(),
    })
}

#[wasm_split(menus, fallible)]
fn menus() -> Result<Menus, SplitLoaderError> {
    Ok(Menus {
        message: |of| {
            let MessageMenuOf {
                peer,
                row,
                close,
                forward,
                receivers,
            } = of;
            view! { <MessageMenu peer row close forward receivers/> }.into_any()
        },
        choose: |title, choose, close, failure| view! { <ChooseChat title choose close failure/> }.into_any(),
        switcher: |close| view! { <Switcher close/> }.into_any(),
        shortcuts: |close| view! { <Shortcuts close/> }.into_any(),
        timer: |peer, now, names, close| view! { <TimerDialog peer now names close/> }.into_any(),
        keeping: |peer, row, close| view! { <KeepingDialog peer row close/> }.into_any(),
        stop: |StopOf { peer, names, stop }| view! { <StopBar peer names stop/> }.into_any(),
        start_over: |close| view! { <ConfirmStartOver close/> }.into_any(),
    })
}

#[wasm_split(files, fallible)]
fn files() -> Result<FilesPart, SplitLoaderError> {
    Ok(FilesPart {
        rows,
        chips,
        attach,
        viewer,
    })
}

#[wasm_split(search, fallible)]
fn search() -> Result<Search, SplitLoaderError> {
    Ok(Search {
        results: |query| view! { <Results query/> }.into_any(),
    })
}

#[wasm_split(history, fallible)]
fn history() -> Result<History, SplitLoaderError> {
    Ok(History {
        page: || view! { <HistoryPage/> }.into_any(),
    })
}

#[wasm_split(scan, fallible)]
fn scan() -> Result<Scan, SplitLoaderError> {
    Ok(Scan {
        scan: |person, close| view! { <ScanCode person close/> }.into_any(),
    })
}
