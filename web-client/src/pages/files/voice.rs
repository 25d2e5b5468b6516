//! Voice messages in a line. Nothing of one is fetched before somebody presses "Play".

use chopar_engine::view::FileView;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Blob, Element};

use super::rows::{act, state};
use crate::platform::sound::Sound;
use crate::platform::{Exception, blobs};
use crate::state::{App, Heard, Spot};
use crate::ui::Icon;
use crate::view_model::{
    RECORDING_HEAD, RecordingKind, Speed, bars_before, bars_box, bars_path, length, position, recording_kind,
    spoken, step,
};

/// The main button of a mouse, a finger, or a pen's point, among the buttons that are down.
const PRESSED: u16 = 1;

/// A voice message of a kind that is played here.
pub(super) fn voice(app: App, spot: Spot, kind: RecordingKind, going: bool) -> AnyView {
    let texts = app.texts();
    app.files.row_drawn(&spot);
    on_cleanup({
        let spot = spot.clone();
        move || app.state().files.row_gone(&spot)
    });
    let spot = StoredValue::new(spot);
    // The line may go while something of it is still on its way.
    let mine = move || spot.try_with_value(|spot| app.files.listening_to(spot)).flatten();
    let heard = Memo::new(move |_| mine().map(|one| one.heard.get()));
    let plays = Memo::new(move |_| mine().is_some_and(|one| one.plays.get()));
    let press = move |_| match untrack(mine) {
        Some(one) if one.heard.get_untracked() == Heard::Here => {
            if plays.get_untracked() {
                one.rest();
            } else {
                spawn_local(async move { one.play().await });
            }
        }
        Some(one) if one.heard.get_untracked() == Heard::Comes => {}
        _ => fetch(app, &spot.get_value(), kind),
    };
    let label = move || match plays.get() {
        true => texts.voice_pause(),
        false => texts.voice_play(),
    };
    let icon = move || {
        let name = if plays.get() { "pause" } else { "play" };
        view! { <Icon name/> }
    };
    let said = move || {
        let said = match heard.get() {
            Some(Heard::NotAsSaid) => texts.voice_not_as_said(),
            Some(Heard::Unplayable) => texts.voice_unplayable(),
            Some(Heard::Comes | Heard::Here) | None => return None,
        };
        Some(view! { <span class="file-failed" role="alert">{said}</span> })
    };
    let speed = move || {
        (heard.get() == Some(Heard::Here)).then(|| {
            speed_button(app, move |speed| {
                if let Some(one) = untrack(mine) {
                    one.set_speed(speed);
                }
            })
        })
    };
    let file = spot.with_value(|spot| spot.file.clone());
    let name = spoken(texts, &file);
    let way = spot.with_value(|spot| state(app, spot, going));
    view! {
        <div class="file voice" role="group" aria-label=name>
            <button type="button" class="voice-play" aria-label=label title=label disabled=going on:click=press>{icon}</button>
            <span class="file-text">
                {track(app, file, spot)}
                <span class="voice-foot">{told(app, spot)}{speed}</span>
                {way}
                {said}
            </span>
            {(!going).then(|| act(app, spot.get_value()))}
        </div>
    }
    .into_any()
}

/// Brings it, looks at what it is, and plays it.
fn fetch(app: App, spot: &Spot, kind: RecordingKind) {
    let spot = spot.clone();
    let one = app.files.listen_to(&spot);
    spawn_local(async move {
        // Why it did not come is said where its way is shown.
        let Ok(blob) = spot.obtain(app).await else {
            return app.files.give_up(&one);
        };
        match load(&blob, kind).await {
            Ok(Some(sound)) => one.begin(&app.files, sound).await,
            Ok(None) => one.heard.set(Heard::NotAsSaid),
            Err(_) => one.heard.set(Heard::Unplayable),
        }
    });
}

/// A recording of this kind and no other, ready to be played; `None` where it is another kind of file, which is not decoded.
async fn load(blob: &Blob, kind: RecordingKind) -> Result<Option<Sound>, Exception> {
    let head = blobs::read(blob, 0, RECORDING_HEAD).await?;
    if recording_kind(&head) != Some(kind) {
        return Ok(None);
    }
    let typed = blob.slice_with_f64_and_f64_and_content_type(0.0, blob.size(), kind.media_type())?;
    Sound::load(&typed).await.map(Some)
}

/// Its bars, those that were heard in another colour; a press, a pull or a key goes to a place in it.
fn track(app: App, file: FileView, spot: StoredValue<Spot>) -> impl IntoView {
    let texts = app.texts();
    let mine = move || spot.try_with_value(|spot| app.files.listening_to(spot)).flatten();
    let here = Memo::new(move |_| mine().is_some_and(|one| one.heard.get() == Heard::Here));
    let at = Memo::new(move |_| mine().map_or(0, |one| one.at_ms.get()));
    let claimed = file.duration_ms;
    let lasts = Memo::new(move |_| mine().map_or(claimed, |one| one.length_ms.get()));
    let bars = StoredValue::new(file.waveform);
    let count = bars.with_value(Vec::len);
    let before = Memo::new(move |_| bars_before(count, at.get(), lasts.get()));
    let go = move |ms: u32| {
        if let Some(one) = untrack(mine) {
            one.go_to(ms);
        }
    };
    let go_there = move |event: &ev::MouseEvent| {
        let Some(width) = track_of(event)
            .map(|track| track.client_width())
            .filter(|width| *width > 0)
        else {
            return;
        };
        let share = f64::from(event.offset_x()) / f64::from(width);
        go((share.clamp(0.0, 1.0) * f64::from(lasts.get_untracked())) as u32);
    };
    let on_down = move |event: ev::PointerEvent| {
        // A finger that rests here is no press for the menu of the line.
        event.stop_propagation();
        if let Some(track) = track_of(&event) {
            // Where the browser does not let it be held it is pulled no further than its sides.
            let _ = track.set_pointer_capture(event.pointer_id());
        }
    };
    let on_pull = move |event: ev::PointerEvent| {
        if event.buttons() & PRESSED != 0 {
            go_there(&event);
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let (at, lasts) = (at.get_untracked(), lasts.get_untracked());
        let to = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => at.saturating_add(step(lasts)),
            "ArrowLeft" | "ArrowDown" => at.saturating_sub(step(lasts)),
            "Home" => 0,
            "End" => lasts,
            _ => return,
        };
        if event.alt_key() || event.ctrl_key() || event.meta_key() {
            return;
        }
        // Elsewhere in the log these keys walk through its lines.
        event.prevent_default();
        event.stop_propagation();
        go(to);
    };
    view! {
        <span
            class="voice-track"
            role="slider"
            tabindex="0"
            aria-label=texts.voice_position()
            aria-disabled=move || if here.get() { "false" } else { "true" }
            aria-valuemin="0"
            aria-valuemax=move || seconds(lasts.get())
            aria-valuenow=move || seconds(at.get().min(lasts.get()))
            aria-valuetext=move || texts.voice_at(&position(at.get()), &length(lasts.get()))
            on:click=move |event| go_there(&event)
            on:pointerdown=on_down
            on:pointermove=on_pull
            on:keydown=on_key
        >
            <svg class="bars" viewBox=bars_box(count) preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <path class="bars-all" d=bars.with_value(|bars| bars_path(bars))></path>
                <path class="bars-heard" d=move || bars.with_value(|bars| bars_path(&bars[..before.get().min(count)]))></path>
            </svg>
        </span>
    }
}

fn track_of(event: &ev::MouseEvent) -> Option<Element> {
    event.current_target()?.dyn_into().ok()
}

/// Where one is, and how long it lasts.
fn told(app: App, spot: StoredValue<Spot>) -> impl IntoView {
    let claimed = spot.with_value(|spot| spot.file.duration_ms);
    move || {
        let one = spot.try_with_value(|spot| app.files.listening_to(spot)).flatten();
        let words = match one.filter(|one| one.heard.get() == Heard::Here) {
            Some(one) => [&position(one.at_ms.get()), " / ", &length(one.length_ms.get())].concat(),
            None => length(claimed),
        };
        view! { <span class="voice-time" aria-hidden="true">{words}</span> }
    }
}

/// Changes how fast one listens.
fn speed_button(app: App, changed: impl Fn(Speed) + 'static) -> impl IntoView {
    let texts = app.texts();
    let word = move || app.files.speed.get().word(texts);
    let label = move || texts.voice_speed(&word());
    let press = move |_| {
        let next = app.files.speed.get_untracked().next();
        app.files.speed.set(next);
        changed(next);
    };
    view! {
        <button type="button" class="voice-speed" aria-label=label title=label on:click=press>{word}</button>
    }
}

/// With one decimal, as numbers of attributes are written.
fn seconds(ms: u32) -> String {
    [&(ms / 1_000).to_string(), ".", &(ms / 100 % 10).to_string()].concat()
}
