//! The camera, on for as long as somebody holds it.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    CanvasRenderingContext2d, ContextAttributes2d, HtmlCanvasElement, HtmlVideoElement,
    MediaStreamConstraints, MediaTrackConstraints,
};

use super::stream::{NoStream, Stream};
use crate::view_model::Picture;

/// Longest side of a picture in pixels: enough for a code that fills a third of it, and read within a frame's time.
const LONGEST_SIDE: f64 = 720.0;
/// What is asked of the camera; it gives the nearest it can.
const IDEAL_WIDTH: i32 = 1280;

/// A camera that is on. Dropping it turns it off.
pub(crate) struct Camera {
    stream: Stream,
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
}

impl Camera {
    /// Asks the browser for the camera that looks away from the person; where there is none such, for any.
    pub(crate) async fn open() -> Result<Self, NoStream> {
        let video = MediaTrackConstraints::new();
        video.set_facing_mode(&JsValue::from_str("environment"));
        video.set_width_i32(IDEAL_WIDTH);
        let wanted = MediaStreamConstraints::new();
        wanted.set_video_media_track_constraints(&video);
        Self::around(Stream::open(&wanted).await?).map_err(|_| NoStream::Busy)
    }

    fn around(stream: Stream) -> Result<Self, JsValue> {
        let canvas: HtmlCanvasElement = leptos::prelude::document()
            .create_element("canvas")?
            .unchecked_into();
        // Every picture is read back: it had better not go to the graphics card first.
        let readable = ContextAttributes2d::new();
        readable.set_will_read_frequently(true);
        let context = canvas
            .get_context_with_context_options("2d", &readable)?
            .ok_or(JsValue::NULL)?
            .unchecked_into();
        Ok(Self {
            stream,
            canvas,
            context,
        })
    }

    /// Shows the person what the camera sees.
    pub(crate) fn show_in(&self, video: &HtmlVideoElement) {
        // The attribute is not enough for a video that gets a stream later.
        video.set_muted(true);
        video.set_src_object(Some(self.stream.source()));
    }

    /// Whether it still gives pictures: it may be unplugged, or forbidden meanwhile.
    pub(crate) fn is_on(&self) -> bool {
        self.stream.is_on()
    }

    /// What `video` shows now; `None` before the first frame.
    pub(crate) fn picture(&self, video: &HtmlVideoElement) -> Option<Picture> {
        let (width, height) = (f64::from(video.video_width()), f64::from(video.video_height()));
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let scale = (LONGEST_SIDE / width.max(height)).min(1.0);
        let (width, height) = ((width * scale).ceil(), (height * scale).ceil());
        // Setting a size empties the canvas, also where it is the same.
        if f64::from(self.canvas.width()) != width || f64::from(self.canvas.height()) != height {
            self.canvas.set_width(width as u32);
            self.canvas.set_height(height as u32);
        }
        self.context
            .draw_image_with_html_video_element_and_dw_and_dh(video, 0.0, 0.0, width, height)
            .ok()?;
        let data = self.context.get_image_data(0.0, 0.0, width, height).ok()?;
        Some(Picture {
            width: data.width() as usize,
            rgba: data.data().0,
        })
    }
}
