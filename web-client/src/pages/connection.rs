//! The connection to the relay, in three words.

use chopar_engine::Intent;
use chopar_engine::view::{ConnectionState, Stopped};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::start_over::StartOver;
use crate::state::{load_anew, use_app};

/// The word, always on the screen. Its text is exactly the word.
#[component]
pub(crate) fn Connection() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let connection = app.connection.clone();
    let word = {
        let connection = connection.clone();
        move || match connection.get() {
            ConnectionState::Online => texts.connection_online(),
            ConnectionState::Connecting => texts.connection_connecting(),
            ConnectionState::Offline { .. } => texts.connection_offline(),
        }
    };
    let class = move || match connection.get() {
        ConnectionState::Online => "connection online",
        ConnectionState::Connecting => "connection connecting",
        ConnectionState::Offline { .. } => "connection offline",
    };
    view! { <span class=class role="status" aria-label=texts.connection_label()>{word}</span> }
}

/// What being offline means, and what can be done; nothing while online.
#[component]
pub(crate) fn ConnectionBar() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let connection = app.connection.clone();
    move || {
        let ConnectionState::Offline { .. } = connection.get() else {
            return None;
        };
        let stopped = app.stopped();
        let said = match stopped {
            None => texts.connection_offline_hint(),
            Some(Stopped::Replaced) => texts.connection_replaced(),
            Some(Stopped::Revoked) => texts.connection_revoked(),
            Some(Stopped::Outdated) => texts.connection_outdated(),
            Some(Stopped::Unknown) => texts.connection_unknown(),
            Some(Stopped::Suspended) => texts.connection_suspended(),
        };
        let now = move |_| {
            spawn_local(async move {
                // Whether it helped is what the connection says next.
                let _ = app.client.ask(Intent::ConnectNow).await;
            });
        };
        let action = match stopped {
            Some(Stopped::Revoked) => None,
            Some(Stopped::Outdated) => Some(
                view! { <button type="button" class="link" on:click=|_| load_anew()>{texts.reload()}</button> }
                    .into_any(),
            ),
            _ => Some(
                view! { <button type="button" class="link" on:click=now>{texts.connection_now()}</button> }
                    .into_any(),
            ),
        };
        let start_over = app.may_start_over().then(|| view! { <StartOver class="link"/> });
        Some(view! { <div class="bar"><span>{said}</span>{action}{start_over}</div> })
    }
}
