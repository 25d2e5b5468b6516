//! Files as people bring them and save them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::page::Page;
use super::patience::{Patience, eventually};
use super::person::Person;
use super::seek::{Sought, button};

impl Page {
    /// Chooses files as in the dialog that "Attach files" opens.
    ///
    /// # Errors
    /// When the page asks for none.
    pub async fn choose_files(&self, files: &[PathBuf]) -> Result<()> {
        self.choose_in("form", files).await
    }

    /// Chooses a picture as in the dialog that "Choose a picture" opens, beside a conversation.
    ///
    /// # Errors
    /// When the page asks for none.
    pub async fn choose_picture(&self, file: &Path) -> Result<()> {
        self.choose_in("aside", &[file.to_owned()]).await
    }

    async fn choose_in(&self, place: &str, files: &[PathBuf]) -> Result<()> {
        let input = format!("document.querySelector('{place} input[type=file]')");
        let input = json!({ "expression": input });
        let object = eventually("a place for files", Patience::SOON, || async {
            let found = self.call("Runtime.evaluate", input.clone()).await?;
            Ok(found["result"]["objectId"].as_str().map(str::to_owned))
        })
        .await?;
        let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        let chosen = json!({ "files": files, "objectId": object });
        self.call("DOM.setFileInputFiles", chosen).await.map(drop)
    }

    /// Drags files from a folder over an element, and lets them fall.
    ///
    /// # Errors
    /// When the element is not there, or covered.
    pub async fn drop_files(&self, onto: &Sought, files: &[PathBuf]) -> Result<()> {
        let element = self.find(onto).await?;
        let place = self.middle(&element).await?;
        let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({ "items": [], "files": files, "dragOperationsMask": 1 });
            let event = json!({ "type": kind, "x": place["x"], "y": place["y"], "data": data });
            self.call("Input.dispatchDragEvent", event).await?;
        }
        Ok(())
    }

    /// Pastes a picture of these sides into whatever has the focus, as after copying one: it has a name that the browser gave.
    ///
    /// # Errors
    /// When the browser makes none.
    pub async fn paste_picture(&self, (width, height): (u32, u32)) -> Result<()> {
        let pasted = format!(
            "(async () => {{
                const canvas = new OffscreenCanvas({width}, {height});
                canvas.getContext('2d').fillRect(0, 0, {width}, {height});
                const picture = await canvas.convertToBlob({{ type: 'image/png' }});
                const data = new DataTransfer();
                data.items.add(new File([picture], 'image.png', {{ type: 'image/png' }}));
                const paste = new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }});
                return document.activeElement.dispatchEvent(paste);
            }})()"
        );
        let untouched = self.evaluate(&pasted).await?;
        ensure!(untouched == false, "the page did not take what was pasted");
        Ok(())
    }

    /// From now on files are saved into this folder, without asking.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn save_into(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let how = json!({ "behavior": "allow", "downloadPath": folder });
        self.call("Browser.setDownloadBehavior", how).await.map(drop)
    }

    /// Waits until a file of this name is saved, and gives its bytes.
    ///
    /// # Errors
    /// When it is not.
    pub async fn saved(&self, folder: &Path, name: &str) -> Result<Vec<u8>> {
        let what = format!("{name} to be saved");
        eventually(&what, Patience::LONG, || async {
            // Until all of it is there it has another name.
            Ok(std::fs::read(folder.join(name)).ok())
        })
        .await
    }

    /// A photograph of these sides as a browser writes it, with `remark` where cameras write theirs.
    ///
    /// # Errors
    /// When the browser makes none.
    pub async fn photograph(&self, (width, height): (u32, u32), remark: &str) -> Result<Vec<u8>> {
        let drawn = format!(
            "(() => {{
                const canvas = document.createElement('canvas');
                canvas.width = {width}; canvas.height = {height};
                const draw = canvas.getContext('2d');
                const sky = draw.createLinearGradient(0, 0, 0, {height});
                sky.addColorStop(0, '#1d4e9e'); sky.addColorStop(0.6, '#7ba7f5'); sky.addColorStop(1, '#faf8f4');
                draw.fillStyle = sky; draw.fillRect(0, 0, {width}, {height});
                draw.fillStyle = '#a8482c';
                for (let at = 0; at < 5; at++) draw.fillRect({width} * (0.1 + at * 0.17), {height} * (0.45 + (at % 2) * 0.1), {width} * 0.12, {height});
                return canvas.toDataURL('image/jpeg', 0.95).split(',')[1];
            }})()"
        );
        let encoded = self.evaluate(&drawn).await?;
        let mut picture = BASE64_STANDARD.decode(encoded.as_str().context("no picture")?)?;
        ensure!(picture.starts_with(&[0xff, 0xd8]), "not a JPEG");
        let exif = [b"Exif\0\0", remark.as_bytes()].concat();
        let mut segment = vec![0xff, 0xe1];
        segment.extend(u16::try_from(exif.len() + 2)?.to_be_bytes());
        segment.extend(exif);
        picture.splice(2..2, segment);
        Ok(picture)
    }
}

impl Person {
    /// Chooses files for the next message with "Attach files".
    ///
    /// # Errors
    /// When no conversation is open that takes them.
    pub async fn attach(&self, files: &[PathBuf]) -> Result<()> {
        self.page().find(&button("Attach files")).await?;
        self.page().choose_files(files).await
    }

    /// Saves a file of the open conversation into `folder`, which [`Page::save_into`] named, and gives its bytes.
    ///
    /// # Errors
    /// When there is no such file, or it does not come.
    pub async fn save(&self, folder: &Path, name: &str) -> Result<Vec<u8>> {
        self.page().click(&button(&format!("Save {name}"))).await?;
        self.page().saved(folder, name).await
    }
}

/// Bytes of all files in a folder and below.
///
/// # Errors
/// When a folder cannot be read.
pub fn bytes_below(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)?.flatten() {
        // What goes while one looks does not count.
        let Ok(facts) = entry.metadata() else { continue };
        bytes += if facts.is_dir() {
            bytes_below(&entry.path())?
        } else {
            facts.len()
        };
    }
    Ok(bytes)
}
