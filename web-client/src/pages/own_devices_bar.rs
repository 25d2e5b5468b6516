//! What the person must hear of about their own devices, on every page, until it is over or looked at.

use chopar_engine::Intent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::use_app;
use crate::ui::{Icon, own_alarm_text};
use crate::view_model::Place;

/// An alarm about the own account log, devices that somebody added to it, and those that an administrator suspended; nothing where all
/// is well.
#[component]
pub(crate) fn OwnDevicesBar() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let devices = app.own_devices.clone();
    move || {
        let devices = devices.get();
        let alarm = devices.alarm.map(|alarm| {
            view! { <p><Icon name="shield-alert"/><span>{own_alarm_text(texts, alarm)}</span></p> }
        });
        let new: Vec<_> = devices
            .new
            .iter()
            .map(|device| view! { <p>{texts.own_device_new(&device.name)}</p> })
            .collect();
        let suspended: Vec<_> = devices
            .suspended
            .iter()
            .map(|device| view! { <p>{texts.own_device_suspended(&device.name)}</p> })
            .collect();
        if alarm.is_none() && new.is_empty() && suspended.is_empty() {
            return None;
        }
        let seen = (!new.is_empty()).then(|| {
            let seen = move |_| {
                spawn_local(async move {
                    // If it was not noted, the bar stays and says it again.
                    let _ = app.client.ask(Intent::DevicesSeen).await;
                });
            };
            view! { <button type="button" class="link" on:click=seen>{texts.own_device_seen()}</button> }
        });
        Some(view! {
            <div class="bar" role="alert">
                <div>{alarm}{new}{suspended}</div>
                <a class="link" href=Place::Devices.path()>{texts.chats_devices()}</a>
                {seen}
            </div>
        })
    }
}
