//! The whole page: what is on the stage, and what listens for as long as the page lives.
#![allow(
    unreachable_pub,
    reason = "Leptos' component macro makes an item public inside what it expands to"
)]

use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::rc::Rc;
use std::time::Duration;

use chopar_engine::view::Phase;
use chopar_wire::Timestamp;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CustomEvent, CustomEventInit, VisibilityState};

use crate::i18n::Language;
use crate::pages::{Fatal, Join, Lost, Recover, Recovery, Shell, Unlock, Welcome};
use crate::port::{FatalKind, FromWorker, Lock};
use crate::state::{App, Client, Stage, Theme, minutes_ahead, now};
use crate::ui::Announcer;
use crate::view_model::{Day, Place};

/// How often it is looked whether a new day has begun.
const DAY_CHECK: Duration = Duration::from_secs(30);

/// How often the engine hears that somebody is there, in milliseconds: often enough for the shortest wait of a lock, a minute.
const ACTIVE_EVERY_MS: u64 = 5_000;

/// Starts the page: the engine first, so that it works while the page is built.
pub fn start() {
    std::panic::set_hook(Box::new(stop_the_page));
    let (Some(place), Some(language), Ok(client)) = (
        document().get_element_by_id("app"),
        Language::declared().filter(|language| language.load_first().is_ok()),
        Client::start(),
    ) else {
        cover("crashed");
        return;
    };
    let app = App::new(client, language, Theme::remembered());
    app.client.listen(move |message, blob| match message {
        FromWorker::FileTaken { id } => app.client.file_taken(id, blob),
        message => app.heard(message),
    });
    app.client.visible(is_visible());
    app.visible.set(is_visible());
    app.state().address.follow();
    watch_visibility(app);
    watch_the_day(app);
    watch_for_somebody(app);
    // Mounting also sets up the executor that `refresh` runs on.
    leptos::mount::mount_to(place.unchecked_into(), move || view! { <Root app/> }).forget();
    app.refresh();
}

/// A panic leaves the page in no known state: it is covered, and can only be loaded again. Messages are with the engine.
fn stop_the_page(info: &PanicHookInfo<'_>) {
    web_sys::console::error_1(&JsValue::from_str(&info.to_string()));
    cover("crashed");
}

/// Has static/boot.js cover the page with one of its texts.
fn cover(key: &str) {
    let init = CustomEventInit::new();
    init.set_detail(&JsValue::from_str(key));
    if let Ok(event) = CustomEvent::new_with_event_init_dict("chopar:fatal", &init) {
        // Nothing prevents this event.
        let _ = window().dispatch_event(&event);
    }
}

fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

fn watch_visibility(app: App) {
    // Lives as long as the page: the handle is let go.
    let _ = window_event_listener_untyped("visibilitychange", move |_| {
        app.client.visible(is_visible());
        app.visible.set(is_visible());
    });
}

fn watch_the_day(app: App) {
    set_interval(
        move || {
            let moment = now();
            let today = Day::of(moment, minutes_ahead(moment));
            if *app.today.read_untracked() != today {
                app.today.set(today);
            }
        },
        DAY_CHECK,
    );
}

/// Tells the engine that somebody is there, so that the lock does not lock itself.
fn watch_for_somebody(app: App) {
    let told = Rc::new(Cell::new(0));
    for kind in ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] {
        let told = told.clone();
        // Lives as long as the page: the handle is let go.
        let _ = window_event_listener_untyped(kind, move |_| {
            let moment = now();
            if moment.ms_since(Timestamp(told.get())) > ACTIVE_EVERY_MS {
                told.set(moment.0);
                app.client.active();
            }
        });
    }
}

#[component]
fn Root(app: App) -> impl IntoView {
    provide_context(app);
    view! {
        <Page/>
        <Announcer/>
    }
}

/// Built anew when the language changes: texts are plain strings, and everything a person did lies in the state.
#[component]
fn Page() -> impl IntoView {
    let app = expect_context::<App>();
    let language = app.language.clone();
    move || {
        language.track();
        view! { <OnStage/> }
    }
}

/// Which screen, without what is on it: a changed name does not rebuild the page.
#[derive(Clone, PartialEq)]
enum Screen {
    Starting,
    Welcome,
    Join,
    Recover,
    Recovery { groups: Vec<String>, confirm: [u8; 2] },
    Shell,
    Unlock(Lock),
    Lost(FatalKind),
    Fatal(FatalKind),
}

#[component]
fn OnStage() -> impl IntoView {
    let app = expect_context::<App>();
    let stage = app.stage.clone();
    let screen = Memo::new(move |_| match &*stage.read() {
        Stage::Starting => Screen::Starting,
        Stage::Locked(lock) => Screen::Unlock(lock.clone()),
        Stage::Fatal(kind @ (FatalKind::HalfEvicted | FatalKind::VaultDamaged)) => Screen::Lost(*kind),
        Stage::Fatal(kind) => Screen::Fatal(*kind),
        Stage::Phase(Phase::Fresh) => match app.address.place() {
            Place::Join => Screen::Join,
            Place::Recover => Screen::Recover,
            _ => Screen::Welcome,
        },
        Stage::Phase(Phase::RecoveryKey { groups, confirm }) => Screen::Recovery {
            groups: groups.clone(),
            confirm: *confirm,
        },
        Stage::Phase(Phase::Ready(_) | Phase::Revoked(_)) => Screen::Shell,
    });
    move || match screen.get() {
        Screen::Starting => view! { <div class="starting" aria-busy="true"></div> }.into_any(),
        Screen::Welcome => view! { <Welcome/> }.into_any(),
        Screen::Join => view! { <Join/> }.into_any(),
        Screen::Recover => view! { <Recover/> }.into_any(),
        Screen::Recovery { groups, confirm } => view! { <Recovery groups confirm/> }.into_any(),
        Screen::Shell => view! { <Shell/> }.into_any(),
        Screen::Unlock(lock) => view! { <Unlock lock/> }.into_any(),
        Screen::Lost(kind) => view! { <Lost kind/> }.into_any(),
        Screen::Fatal(kind) => view! { <Fatal kind/> }.into_any(),
    }
}
