//! A file as a blob, from this browser or from the relay; and saving it.

use std::time::Duration;

use chopar_engine::{Answer, Failure, FileHome, Intent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Blob, HtmlAnchorElement};

use crate::platform::blobs::ObjectUrl;
use crate::state::{App, Spot, Way};

/// How long a saved file's address stays: browsers begin to save at once, and some ask the person first.
const SAVING: Duration = Duration::from_secs(120);
/// What every file is saved as: nothing here is ever opened as what it claims to be.
const ANY: &str = "application/octet-stream";

/// What a page does with a file of a message.
impl Spot {
    fn home(&self) -> FileHome {
        FileHome {
            conversation: self.peer,
            line: self.line,
            file: self.file.mark,
        }
    }

    /// The file: as it is kept here, else it is fetched. How that goes, and why it failed, is shown wherever the file is.
    pub(super) async fn obtain(&self, app: App) -> Result<Blob, Failure> {
        if let Some(blob) = self.kept(app).await {
            return Ok(blob);
        }
        let way = app.files.way(self.file.mark);
        way.set(Way::Comes(0));
        let asked = Intent::FetchFile {
            conversation: self.peer,
            message: self.about,
            file: self.file.mark,
        };
        let failure = match app.client.ask(asked).await {
            Answer::Done => match self.kept(app).await {
                Some(blob) => {
                    way.set(Way::Rests);
                    return Ok(blob);
                }
                None => Failure::Browser,
            },
            Answer::Failed(failure) => failure,
            _ => Failure::Browser,
        };
        way.set(match failure {
            Failure::Stopped => Way::Rests,
            other => Way::Failed(other),
        });
        Err(failure)
    }

    async fn kept(&self, app: App) -> Option<Blob> {
        let blob = app.client.take_file(self.home()).await;
        blob.filter(|blob| blob.size() as u64 == self.file.size)
    }

    /// Saves it under its name.
    pub(super) fn save(&self, app: App) {
        let spot = self.clone();
        spawn_local(async move {
            // Why it is not there is shown beside it.
            if let Ok(blob) = spot.obtain(app).await
                && save(&blob, &spot.file.name).is_none()
            {
                app.files.way(spot.file.mark).set(Way::Failed(Failure::Browser));
            }
        });
    }

    /// Stops fetching it. What becomes of it is told to whoever waits.
    pub(super) fn stop(&self, app: App) {
        let (conversation, file) = (self.peer, self.file.mark);
        spawn_local(async move {
            let _ = app.client.ask(Intent::StopFetch { conversation, file }).await;
        });
    }
}

/// Has the browser save a blob; `None` where it could not be asked to.
pub(in crate::pages) fn save(blob: &Blob, name: &str) -> Option<()> {
    let any = blob
        .slice_with_f64_and_f64_and_content_type(0.0, blob.size(), ANY)
        .ok()?;
    let address = ObjectUrl::of(&any)?;
    let link: HtmlAnchorElement = document().create_element("a").ok()?.dyn_into().ok()?;
    link.set_href(address.as_str());
    link.set_download(name);
    link.click();
    set_timeout(move || drop(address), SAVING);
    Some(())
}
