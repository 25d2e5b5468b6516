//! Pictures before they are sent: made anew from their pixels, so that nothing else of the file goes along (place, camera, owner,
//! earlier versions), with a small one that is shown before the other is fetched.

use chopar_e2ee::file::limits::{MAX_PIXELS, MAX_SIDE, MAX_THUMBNAIL};
use chopar_e2ee::group::limits::MAX_PICTURE;
use js_sys::Promise;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, CanvasRenderingContext2d, File, HtmlCanvasElement, ImageBitmap};

use crate::platform::{Exception, blobs};
use crate::port::Described;
use crate::state::Attached;
use crate::view_model::{HEAD, MAX_GIF, PictureKind, picture_size, without_remarks};

/// Pixels beyond which a picture is made smaller: what every browser's canvas holds, and a page of A4 at 400 dpi.
const MAX_DRAWN: f64 = 16_777_216.0;
/// How well JPEG and WebP keep what is seen: no difference to the eye.
const QUALITY: f64 = 0.9;
/// Longest sides of the small picture, and how well it is kept, from the best on: the first that has few enough bytes.
const SMALL: [(f64, f64); 6] = [
    (240.0, 0.6),
    (240.0, 0.4),
    (160.0, 0.5),
    (160.0, 0.3),
    (96.0, 0.4),
    (48.0, 0.3),
];

/// Sides of a group's picture, and how well it is kept: 80 pixels are its largest place, twice that where screens are fine.
const GROUP: [(f64, f64); 6] = [
    (192.0, 0.8),
    (192.0, 0.6),
    (160.0, 0.6),
    (128.0, 0.6),
    (96.0, 0.5),
    (64.0, 0.4),
];

/// Why a file is sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPicture {
    /// It is no picture, and does not claim to be one.
    Other,
    /// It is one of too many pixels. It was not decoded.
    TooManyPixels,
    /// It claims to be one, and is none that is made anew here, or the browser cannot decode it.
    Broken,
}

/// Makes a picture anew.
pub(super) async fn picture(file: &File) -> Result<Attached, NoPicture> {
    let (bitmap, kind) = decoded(file).await?;
    let made = made_anew(file, &bitmap, kind).await;
    bitmap.close();
    made.map_err(|_| NoPicture::Broken)
}

/// The middle of a picture, square and small: how a group looks in every list.
pub(crate) async fn group_picture(file: &File) -> Result<Vec<u8>, NoPicture> {
    let (bitmap, _) = decoded(file).await?;
    let made = fit_into(GROUP, MAX_PICTURE, |side| square(&bitmap, side)).await;
    bitmap.close();
    let made = made.map_err(|_| NoPicture::Broken)?;
    if made.is_empty() {
        Err(NoPicture::Broken)
    } else {
        Ok(made)
    }
}

/// What a file shows that claims to be a picture, once its first bytes say that it is one, and of how many pixels.
async fn decoded(file: &File) -> Result<(ImageBitmap, PictureKind), NoPicture> {
    let head = blobs::read(file, 0, HEAD).await.map_err(|_| NoPicture::Broken)?;
    // What it is its first bytes say; the browser goes by the name.
    let Some((kind, width, height)) = picture_size(&head) else {
        let claims = file.type_().starts_with("image/");
        return Err(if claims {
            NoPicture::Broken
        } else {
            NoPicture::Other
        });
    };
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(NoPicture::TooManyPixels);
    }
    let bitmap = bitmap_of(file).await.map_err(|_| NoPicture::Broken)?;
    Ok((bitmap, kind))
}

async fn bitmap_of(file: &File) -> Result<ImageBitmap, Exception> {
    let bitmap = leptos::prelude::window().create_image_bitmap_with_blob(file)?;
    Ok(bitmap.await?.dyn_into()?)
}

async fn made_anew(file: &File, bitmap: &ImageBitmap, kind: PictureKind) -> Result<Attached, Exception> {
    let longest = f64::from(bitmap.width().max(bitmap.height()));
    let small = fit_into(SMALL, MAX_THUMBNAIL, |side| {
        draw(bitmap, (side / longest).min(1.0))
    })
    .await?;
    let whole = match kind {
        PictureKind::Gif => gif(file, (bitmap.width(), bitmap.height())).await,
        PictureKind::Png => whole(bitmap, "image/png").await,
        PictureKind::Webp => whole(bitmap, "image/webp").await,
        PictureKind::Jpeg => whole(bitmap, "image/jpeg").await,
    };
    let (blob, media_type, sides): (Blob, _, _) = whole?;
    let described = Described {
        thumbnail: small,
        sides: Some(sides),
        ..Described::of(&named(&file.name(), media_type), media_type)
    };
    Ok(Attached::new(described, blob))
}

/// A moving picture, of whose file only what draws is kept.
async fn gif(file: &File, sides: (u32, u32)) -> Result<(Blob, &'static str, (u32, u32)), Exception> {
    let broken = || Exception::named("EncodingError");
    if blobs::size(file) > MAX_GIF {
        return Err(broken());
    }
    let bytes = blobs::read(file, 0, MAX_GIF).await?;
    let kept = without_remarks(&bytes).ok_or_else(broken)?;
    Ok((blobs::of_bytes(&kept)?, "image/gif", sides))
}

/// All of it, turned as it is to be seen. Where a browser does not write a kind it writes PNG.
async fn whole(
    bitmap: &ImageBitmap,
    kind: &'static str,
) -> Result<(Blob, &'static str, (u32, u32)), Exception> {
    let (width, height) = (f64::from(bitmap.width()), f64::from(bitmap.height()));
    let scale = (MAX_DRAWN / (width * height)).sqrt().min(1.0);
    let canvas = draw(bitmap, scale)?;
    let blob = encode(&canvas, kind, QUALITY).await?;
    let written = if blob.type_() == kind { kind } else { "image/png" };
    Ok((blob, written, (canvas.width(), canvas.height())))
}

/// A small picture of few enough bytes, of the first of these sides and qualities with which it is; empty where with none.
async fn fit_into(
    choices: [(f64, f64); 6],
    bytes_max: usize,
    drawn: impl Fn(f64) -> Result<HtmlCanvasElement, Exception>,
) -> Result<Vec<u8>, Exception> {
    for (side, quality) in choices {
        let canvas = drawn(side)?;
        let blob = encode(&canvas, "image/webp", quality).await?;
        let blob = match blob.type_().as_str() {
            "image/webp" => blob,
            _ => encode(&canvas, "image/jpeg", quality).await?,
        };
        if blobs::size(&blob) <= bytes_max as u64 {
            return blobs::read(&blob, 0, bytes_max as u64).await;
        }
    }
    Ok(Vec::new())
}

fn draw(bitmap: &ImageBitmap, scale: f64) -> Result<HtmlCanvasElement, Exception> {
    let side = |pixels: u32| (f64::from(pixels) * scale).floor().max(1.0);
    let (width, height) = (side(bitmap.width()), side(bitmap.height()));
    let (canvas, context) = canvas_of(width, height)?;
    context.draw_image_with_image_bitmap_and_dw_and_dh(bitmap, 0.0, 0.0, width, height)?;
    Ok(canvas)
}

/// The largest square in the middle.
fn square(bitmap: &ImageBitmap, side: f64) -> Result<HtmlCanvasElement, Exception> {
    let (width, height) = (f64::from(bitmap.width()), f64::from(bitmap.height()));
    let cut = width.min(height);
    let (left, top) = ((width - cut) / 2.0, (height - cut) / 2.0);
    let (canvas, context) = canvas_of(side, side)?;
    context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
        bitmap, left, top, cut, cut, 0.0, 0.0, side, side,
    )?;
    Ok(canvas)
}

fn canvas_of(width: f64, height: f64) -> Result<(HtmlCanvasElement, CanvasRenderingContext2d), Exception> {
    let canvas: HtmlCanvasElement = leptos::prelude::document()
        .create_element("canvas")?
        .unchecked_into();
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context: CanvasRenderingContext2d = canvas
        .get_context("2d")?
        .ok_or_else(|| Exception::named("InvalidStateError"))?
        .unchecked_into();
    Ok((canvas, context))
}

async fn encode(canvas: &HtmlCanvasElement, kind: &str, quality: f64) -> Result<Blob, Exception> {
    let mut thrown = None;
    let promise = Promise::new(&mut |resolve, _| {
        let done = Closure::once_into_js(move |blob: JsValue| {
            // What is called without a receiver throws nothing.
            let _ = resolve.call1(&JsValue::UNDEFINED, &blob);
        });
        let asked = canvas.to_blob_with_type_and_encoder_options(
            done.unchecked_ref(),
            kind,
            &JsValue::from_f64(quality),
        );
        thrown = asked.err();
    });
    match thrown {
        Some(thrown) => Err(thrown.into()),
        // Null where the canvas is too large for this browser.
        None => Ok(promise.await?.dyn_into()?),
    }
}

/// The name with the end that belongs to the kind.
fn named(name: &str, kind: &str) -> String {
    let ends: &[&str] = match kind {
        "image/jpeg" => &["jpg", "jpeg"],
        "image/webp" => &["webp"],
        "image/gif" => &["gif"],
        _ => &["png"],
    };
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    let fits = ends.iter().any(|one| end.eq_ignore_ascii_case(one));
    match ends.first() {
        Some(first) if !fits => [stem, ".", first].concat(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_as_its_kind_does() {
        assert_eq!(named("Surat.JPEG", "image/jpeg"), "Surat.JPEG");
        assert_eq!(named("surat.webp", "image/png"), "surat.png");
        assert_eq!(named("surat", "image/jpeg"), "surat.jpg");
        assert_eq!(named("a.b.avif", "image/webp"), "a.b.webp");
    }
}
