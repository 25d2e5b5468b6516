//! Pictures: small ones in a line, one at a time as large as the window.

use std::sync::atomic::Ordering;

use chopar_e2ee::file::limits::MAX_THUMBNAIL;
use chopar_engine::Failure;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;

use super::rows::{act, row, state};
use crate::platform::blobs::{self, ObjectUrl};
use crate::state::{App, Drawn, PictureUrl, Spot, small_picture, typed, use_app};
use crate::ui::Modal;
use crate::view_model::{HEAD, picture_size, spoken};

/// Longest side of a picture in a line, in CSS pixels.
const SHOWN: u32 = 320;
/// Pictures up to this many bytes are fetched as soon as their line is shown.
const AT_ONCE: u64 = 4 * 1024 * 1024;
/// Pixels of those: what a client makes of a photograph, 64 MB once it is decoded.
const PIXELS_AT_ONCE: u64 = 16_777_216;

/// What shows a picture, and what it is of.
type Source = ArcRwSignal<Option<PictureUrl>>;

/// A picture in a line: the small one that came with the message, then the picture itself.
pub(super) fn picture(app: App, spot: Spot, going: bool) -> AnyView {
    let texts = app.texts();
    let (width, height) = fit(spot.file.sides.unwrap_or((SHOWN, SHOWN)));
    let Drawn {
        source, other, asked, ..
    } = app
        .files
        .drawn(&spot, || small_picture(&spot.file.thumbnail, MAX_THUMBNAIL));
    if !going && is_light(&spot) && !asked.swap(true, Ordering::Relaxed) {
        let (source, other, spot) = (source.clone(), other.clone(), spot.clone());
        spawn_local(async move {
            match load(app, &spot).await {
                Ok(shown) => source.set(Some(SendWrapper::new(shown))),
                Err(NotShown::NotAsSaid) => other.set(true),
                // Asked for again when the line is drawn again.
                Err(NotShown::NotThere) => asked.store(false, Ordering::Relaxed),
            }
        });
    }
    let label = match going {
        true => spoken(texts, &spot.file),
        false => texts.file_view(&spot.file.name),
    };
    let viewing = app.files.viewing.clone();
    let open = {
        let spot = spot.clone();
        move |_| {
            if !going {
                viewing.set(Some(spot.clone()));
            }
        }
    };
    let shown = move || {
        let address = source.read().as_ref().map(|address| address.as_str().to_owned());
        view! {
            <img class="picture" src=address width=width.to_string() height=height.to_string() alt="" decoding="async"/>
        }
    };
    let place = move || {
        if other.get() {
            // What it really is a person may save and see for themselves.
            return view! {
                {row(app, spot.clone(), going)}
                <p class="file-failed">{texts.file_not_as_said()}</p>
            }
            .into_any();
        }
        view! {
            <button
                type="button"
                class="picture-button"
                aria-label=label.clone()
                aria-disabled=if going { "true" } else { "false" }
                on:click=open.clone()
            >
                {shown.clone()}
            </button>
            {state(app, &spot, going)}
        }
        .into_any()
    };
    view! { <div class="picture-place">{place}</div> }.into_any()
}

/// Whether a picture is fetched and drawn without being asked for.
fn is_light(spot: &Spot) -> bool {
    let (width, height) = spot.file.sides.unwrap_or_default();
    spot.file.size <= AT_ONCE && u64::from(width) * u64::from(height) <= PIXELS_AT_ONCE
}

/// The dialog that shows a picture.
pub(crate) fn viewer(spot: Spot) -> AnyView {
    let app = use_app();
    let texts = app.texts();
    let source: Source = ArcRwSignal::new(small_picture(&spot.file.thumbnail, MAX_THUMBNAIL));
    let failed = ArcRwSignal::new(false);
    {
        let (source, failed, spot) = (source.clone(), failed.clone(), spot.clone());
        spawn_local(async move {
            match load(app, &spot).await {
                Ok(shown) => source.set(Some(SendWrapper::new(shown))),
                Err(why) => failed.set(why == NotShown::NotAsSaid),
            }
        });
    }
    let viewing = app.files.viewing.clone();
    let close = Callback::new(move |()| viewing.set(None));
    let (width, height) = spot.file.sides.unwrap_or((SHOWN, SHOWN));
    let name = spot.file.name.clone();
    let shown = move || {
        let address = source.read().as_ref().map(|address| address.as_str().to_owned());
        view! {
            <img class="viewer-picture" src=address width=width.to_string() height=height.to_string() alt=name.clone()/>
        }
    };
    let not_shown = move || {
        failed
            .get()
            .then(|| view! { <p class="problem" role="alert">{texts.file_not_as_said()}</p> })
    };
    view! {
        <Modal title=spot.file.name.clone() class="viewer" close>
            <div class="viewer-stage">{shown}</div>
            {not_shown}
            <div class="viewer-foot">{state(app, &spot, false)}{act(app, spot)}</div>
        </Modal>
    }
    .into_any()
}

/// Why a picture is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NotShown {
    /// It did not come; that is said where its way is shown.
    NotThere,
    /// It is another one than the message says, or none.
    NotAsSaid,
}

impl From<Failure> for NotShown {
    fn from(_: Failure) -> Self {
        Self::NotThere
    }
}

/// The picture itself, held to what its message says before a browser decodes it.
async fn load(app: App, spot: &Spot) -> Result<ObjectUrl, NotShown> {
    let blob = spot.obtain(app).await?;
    let head = blobs::read(&blob, 0, HEAD)
        .await
        .map_err(|_| NotShown::NotThere)?;
    match picture_size(&head) {
        Some((kind, width, height)) if Some((width, height)) == spot.file.sides => {
            typed(&blob, kind).ok_or(NotShown::NotThere)
        }
        _ => Err(NotShown::NotAsSaid),
    }
}

/// Sides in CSS pixels that keep the proportions.
fn fit((width, height): (u32, u32)) -> (u32, u32) {
    let longest = width.max(height).max(1);
    if longest <= SHOWN {
        return (width, height);
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(SHOWN) / u64::from(longest)).max(1) as u32;
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_proportions() {
        assert_eq!(fit((4000, 3000)), (320, 240));
        assert_eq!(fit((100, 50)), (100, 50));
        assert_eq!(fit((32_768, 1)), (320, 1));
    }
}
