//! The own devices.

use chopar_engine::view::DeviceView;
use chopar_engine::{Answer, Failure, Intent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{Asking, use_app};
use crate::ui::{Icon, Modal, PaneHead, Problem};
use crate::view_model::Place;

/// One device; with a button to revoke it where that is for the person to do.
#[component]
pub(crate) fn DeviceRow(
    /// The device.
    device: DeviceView,
    /// Called to revoke it.
    #[prop(optional, into)]
    revoke: Option<Callback<DeviceView>>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let icon = if device.name.contains("Android") || device.name.contains("iPhone") {
        "smartphone"
    } else {
        "laptop"
    };
    let id = ["device-", &device.device.to_string()].concat();
    let (own, this, revoked) = (app.own_devices.clone(), device.this, device.revoked);
    let device_id = device.device;
    let state = move || {
        let suspended = own.with(|own| own.suspended.iter().any(|known| known.device == device_id));
        match (revoked, suspended, this) {
            (true, ..) => Some(view! { <span class="tag danger">{texts.device_revoked()}</span> }),
            (_, true, _) => Some(view! { <span class="tag danger">{texts.device_suspended()}</span> }),
            (.., true) => Some(view! { <span class="tag">{texts.device_this()}</span> }),
            _ => None,
        }
        .map(IntoAny::into_any)
    };
    let added = texts.device_added(&app.clock().date(device.added));
    let name = device.name.clone();
    let action = revoke.filter(|_| !device.revoked && !device.this).map(|revoke| {
        let described = id.clone();
        view! {
            <button type="button" class="button danger" aria-describedby=described on:click=move |_| revoke.run(device.clone())>
                {texts.device_revoke()}
            </button>
        }
    });
    view! {
        <li class="row">
            <Icon name=icon/>
            <span class="row-text">
                <span class="name" id=id>{name}</span>{state}
                <span class="muted">{added}</span>
            </span>
            {action}
        </li>
    }
}

/// The page.
#[component]
pub(crate) fn Devices() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let devices: ArcRwSignal<Option<Result<Vec<DeviceView>, Failure>>> = ArcRwSignal::new(None);
    let asked: ArcRwSignal<Option<DeviceView>> = ArcRwSignal::new(None);
    let load = {
        let devices = devices.clone();
        Callback::new(move |()| {
            let devices = devices.clone();
            spawn_local(async move {
                devices.set(Some(match app.client.ask(Intent::Devices).await {
                    Answer::Devices(list) => Ok(list),
                    Answer::Failed(failure) => Err(failure),
                    _ => Err(Failure::Browser),
                }));
            });
        })
    };
    load.run(());
    let revoke = {
        let asked = asked.clone();
        Callback::new(move |device| asked.set(Some(device)))
    };
    let list = move || match devices.get() {
        None => view! { <p class="muted" role="status">{texts.loading()}</p> }.into_any(),
        Some(Err(failure)) => view! {
            <Problem failure=ArcRwSignal::new(Some(failure))/>
            <button type="button" class="button" on:click=move |_| load.run(())>{texts.retry()}</button>
        }
        .into_any(),
        Some(Ok(list)) => {
            let rows: Vec<_> = list
                .into_iter()
                .map(|device| view! { <DeviceRow device revoke=revoke/> })
                .collect();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
    };
    let confirm = {
        let asked = asked.clone();
        move || {
            asked.get().map(|device| {
                let asked = asked.clone();
                let close = Callback::new(move |()| asked.set(None));
                view! { <ConfirmRevoke device close done=load/> }
            })
        }
    };
    view! {
        <PaneHead title=Signal::stored(texts.chats_devices().to_owned()) back=Place::Chats/>
        <div class="page">
            <p class="muted">{texts.device_own_hint()}</p>
            {list}
        </div>
        {confirm}
    }
}

#[component]
fn ConfirmRevoke(device: DeviceView, close: Callback<()>, done: Callback<()>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let asking = Asking::new();
    let (failure, busy) = (asking.failure(), asking.clone());
    let id = device.device;
    let revoke = move |_| {
        asking.ask(app, Intent::RevokeDevice { device: id }, move |answer| {
            let revoked = answer == Answer::Done;
            if revoked {
                close.try_run(());
                done.try_run(());
            }
            revoked
        });
    };
    view! {
        <Modal title=texts.device_revoke_title(&device.name) close>
            <p>{texts.device_revoke_body()}</p>
            <Problem failure/>
            <div class="actions">
                <button type="button" class="button" on:click=move |_| close.run(())>{texts.cancel()}</button>
                <button type="button" class="button danger" disabled=move || busy.is_busy() on:click=revoke>
                    {texts.device_revoke()}
                </button>
            </div>
        </Modal>
    }
}
