//! The microphone as people allow it, and what becomes of it.

use anyhow::Result;
use serde_json::json;

use super::page::Page;

impl Page {
    /// What the browser answers for the person when a page wants the microphone.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn answer_for_microphone(&self, allowed: bool) -> Result<()> {
        let setting = if allowed { "granted" } else { "denied" };
        let permission = json!({ "permission": { "name": "microphone" }, "setting": setting });
        self.call("Browser.setPermission", permission).await.map(drop)
    }

    /// From now on, and until the page is loaded again, [`Self::is_listening`] knows.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn watch_microphone(&self) -> Result<()> {
        let watch = "(() => {
            const devices = navigator.mediaDevices;
            const ask = devices.getUserMedia.bind(devices);
            window.heardBy = [];
            devices.getUserMedia = async (wanted) => {
                const stream = await ask(wanted);
                window.heardBy.push(...stream.getTracks());
                return stream;
            };
        })()";
        self.evaluate(watch).await.map(drop)
    }

    /// Whether a microphone that the page was given is on.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn is_listening(&self) -> Result<bool> {
        let on = "window.heardBy.some((track) => track.readyState === 'live')";
        Ok(self.evaluate(on).await? == true)
    }
}
