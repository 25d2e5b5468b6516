//! Pictures: small ones in a line, one at a time as large as the window.

use chopar_e2ee::file::limits::MAX_THUMBNAIL;
use chopar_engine::Failure;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use web_sys::Blob;

use super::rows::{act, state};
use crate::platform::blobs::{self, Address};
use crate::state::{App, Spot, use_app};
use crate::ui::Modal;
use crate::view_model::{HEAD, PictureKind, picture_size, spoken};

/// Longest side of a picture in a line, in CSS pixels.
const SHOWN: u32 = 320;
/// Longest side of a small picture that came in a message, in pixels: one that says more was made by no client.
const MAX_SMALL: u32 = 512;
/// Pictures up to this many bytes are fetched as soon as their line is shown.
const AT_ONCE: u64 = 4 * 1024 * 1024;

/// What shows a picture, and what it is of.
type Source = ArcRwSignal<Option<SendWrapper<Address>>>;

/// A picture in a line: the small one that came with the message, then the picture itself.
pub(super) fn picture(app: App, spot: Spot, going: bool) -> AnyView {
    let texts = app.texts();
    let (width, height) = fit(spot.file.sides.unwrap_or((SHOWN, SHOWN)));
    let source: Source = ArcRwSignal::new(small(&spot.file.thumbnail));
    if !going && spot.file.size <= AT_ONCE {
        let (source, spot) = (source.clone(), spot.clone());
        spawn_local(async move {
            if let Ok(shown) = load(app, &spot).await {
                source.set(Some(SendWrapper::new(shown)));
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
        view! { <img class="picture" src=address width=width.to_string() height=height.to_string() alt=""/> }
    };
    view! {
        <div class="picture-place">
            <button type="button" class="picture-button" aria-label=label on:click=open>{shown}</button>
            {state(app, &spot, going)}
        </div>
    }
    .into_any()
}

/// The dialog that shows a picture.
pub(crate) fn viewer(spot: Spot) -> AnyView {
    let app = use_app();
    let texts = app.texts();
    let source: Source = ArcRwSignal::new(small(&spot.file.thumbnail));
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
async fn load(app: App, spot: &Spot) -> Result<Address, NotShown> {
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

/// The small picture of a message; none where it is larger than a client makes one.
fn small(bytes: &[u8]) -> Option<SendWrapper<Address>> {
    let (kind, width, height) = picture_size(bytes)?;
    (bytes.len() <= MAX_THUMBNAIL && width <= MAX_SMALL && height <= MAX_SMALL).then_some(())?;
    let blob = blobs::of_bytes(bytes).ok()?;
    typed(&blob, kind).map(SendWrapper::new)
}

/// Its address, as what it is, whatever it was said to be.
fn typed(blob: &Blob, kind: PictureKind) -> Option<Address> {
    let kind = match kind {
        PictureKind::Jpeg => "image/jpeg",
        PictureKind::Png => "image/png",
        PictureKind::Gif => "image/gif",
        PictureKind::Webp => "image/webp",
    };
    let blob = blob.slice_with_f64_and_f64_and_content_type(0.0, blob.size(), kind);
    Address::of(&blob.ok()?).ok()
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
