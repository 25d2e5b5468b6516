//! Settings: profile, language, appearance, privacy, about this device.

use chopar_engine::view::Preferences;
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::limits::DISPLAY_NAME_MAX;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::languages::Languages;
use super::lock_block::LockBlock;
use crate::port::KeyHome;
use crate::state::{App, Asking, Dialog, Theme, use_app};
use crate::ui::{Avatar, Field, Icon, PaneHead, Problem, choice};
use crate::view_model::Place;

/// The page.
#[component]
pub(crate) fn Settings() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    view! {
        <PaneHead title=Signal::stored(texts.settings_title().to_owned()) back=Place::Chats/>
        <div class="page">
            <Profile/>
            <section class="block">
                <h2>{texts.settings_language()}</h2>
                <Languages/>
            </section>
            <section class="block">
                <h2>{texts.settings_appearance()}</h2>
                <Appearance/>
            </section>
            <section class="block">
                <h2>{texts.settings_privacy()}</h2>
                <Privacy/>
            </section>
            <LockBlock/>
            <section class="block">
                <h2>{texts.history_title()}</h2>
                <p>{texts.history_hint()}</p>
                <a class="button" href=Place::History.path()><Icon name="archive"/>{texts.history_open()}</a>
            </section>
            <About/>
        </div>
    }
}

#[component]
fn Profile() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let Some(me) = untrack(|| app.me()) else {
        return ().into_any();
    };
    let name = RwSignal::new(me.display_name.clone());
    let asking = Asking::new();
    let failure = asking.failure();
    let saved = ArcRwSignal::new(false);
    let submit = {
        let saved = saved.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            let saved = saved.clone();
            let display_name = name.get_untracked();
            saved.set(false);
            asking.ask(app, Intent::SetDisplayName { display_name }, move |answer| {
                saved.set(answer == Answer::Done);
                answer == Answer::Done
            });
        }
    };
    view! {
        <section class="block">
            <h2>{texts.settings_profile()}</h2>
            <div class="profile">
                <Avatar account=me.account name=name size="large"/>
                <form class="form" on:submit=submit>
                    <Field id="own-name" label=texts.join_display_name() value=name max={2 * DISPLAY_NAME_MAX} autocomplete="name"/>
                    <p class="muted">{texts.join_handle()}": "<span class="handle">{me.handle}</span></p>
                    <Problem failure/>
                    <div class="actions">
                        <button type="submit" class="button">{texts.settings_save()}</button>
                        <span role="status">{move || saved.get().then(|| texts.settings_saved())}</span>
                    </div>
                </form>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Appearance() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let theme = app.theme.clone();
    let all: Vec<_> = [
        (Theme::System, texts.settings_system()),
        (Theme::Light, texts.settings_light()),
        (Theme::Dark, texts.settings_dark()),
    ]
    .into_iter()
    .map(|(value, label)| {
        let (shown, set) = (theme.clone(), theme.clone());
        let choose = move || {
            value.choose();
            set.set(value);
        };
        choice(
            "theme",
            label,
            None,
            Signal::derive(move || shown.get() == value),
            choose,
        )
    })
    .collect();
    view! { <div class="choices" role="radiogroup" aria-label=texts.settings_appearance()>{all}</div> }
}

#[component]
fn Privacy() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let failure = ArcRwSignal::new(None);
    let receipts = {
        let failure = failure.clone();
        move |on| set_preferences(app, failure.clone(), move |preferences| preferences.receipts = on)
    };
    let typing = {
        let failure = failure.clone();
        move |on| set_preferences(app, failure.clone(), move |preferences| preferences.typing = on)
    };
    let (one, other) = (app.preferences.clone(), app.preferences.clone());
    view! {
        {switch("receipts", texts.settings_receipts(), texts.settings_receipts_hint(), Signal::derive(move || one.get().receipts), receipts)}
        {switch("typing", texts.settings_typing(), texts.settings_typing_hint(), Signal::derive(move || other.get().typing), typing)}
        <Problem failure/>
    }
}

fn switch(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    on: Signal<bool>,
    set: impl Fn(bool) + 'static,
) -> impl IntoView {
    let hint_id = [id, "-hint"].concat();
    view! {
        <div class="switch-row">
            <input
                id=id
                type="checkbox"
                role="switch"
                class="switch"
                aria-describedby=hint_id.clone()
                prop:checked=move || on.get()
                on:change=move |event| set(event_target_checked(&event))
            />
            <div><label for=id>{label}</label><p class="hint" id=hint_id>{hint}</p></div>
        </div>
    }
}

/// Shows the change at once, and takes it back if the engine refuses.
fn set_preferences(app: App, failure: ArcRwSignal<Option<Failure>>, change: impl FnOnce(&mut Preferences)) {
    let before = app.preferences.get_untracked();
    let mut after = before;
    change(&mut after);
    app.preferences.set(after);
    spawn_local(async move {
        let refused = match app.client.ask(Intent::SetPreferences(after)).await {
            Answer::Done => None,
            Answer::Failed(reason) => Some(reason),
            _ => Some(Failure::Browser),
        };
        if refused.is_some() {
            app.preferences.set(before);
        }
        failure.set(refused);
    });
}

#[component]
fn About() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let about = app.about.clone();
    let build = document()
        .query_selector("meta[name='chopar-build']")
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute("content"))
        .unwrap_or_default();
    let facts = move || {
        about.get().map(|about| {
            let keys = match about.keys {
                KeyHome::WebCrypto => texts.settings_keys_webcrypto(),
                KeyHome::Wasm => texts.settings_keys_wasm(),
            };
            let kept = if about.persisted {
                texts.settings_persisted()
            } else {
                texts.settings_not_persisted()
            };
            let damaged = (about.damaged_records > 0).then(|| {
                let text = texts.settings_damaged(u64::from(about.damaged_records));
                view! { <li><Icon name="triangle-alert"/><span>{text}</span></li> }
            });
            view! {
                <li><Icon name="key-round"/><span>{keys}</span></li>
                <li><Icon name="archive"/><span>{kept}</span></li>
                {damaged}
            }
        })
    };
    view! {
        <section class="block">
            <h2>{texts.settings_about()}</h2>
            <ul class="facts" role="list">
                {facts}
                <li><Icon name="lock"/><span>{texts.settings_encrypted()}</span></li>
                <li><Icon name="info"/><span>{texts.settings_build()}" "<code class="build">{build}</code></span></li>
            </ul>
            <button type="button" class="button" on:click=move |_| app.dialog.set(Some(Dialog::Keys))>
                <Icon name="keyboard"/>{texts.settings_keyboard()}
            </button>
        </section>
    }
}
