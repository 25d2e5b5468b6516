//! What a person sees: texts, the whole page, pictures.

use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::element::Element;
use super::page::Page;
use super::patience::{Patience, eventually};
use super::seek::Sought;

impl Page {
    /// The visible text of an element.
    ///
    /// # Errors
    /// When there is none.
    pub async fn text(&self, sought: &Sought) -> Result<String> {
        let element = self.find(sought).await?;
        self.text_of(&element).await
    }

    /// The visible text of an element that was found, or the value of a field.
    ///
    /// # Errors
    /// When the page has replaced it.
    pub async fn text_of(&self, element: &Element) -> Result<String> {
        let object = self.resolve(element).await?;
        let text = self
            .call_on(
                &object,
                "function() { return this.value ?? this.innerText ?? this.textContent; }",
                json!([]),
            )
            .await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until one of the elements says `part`.
    ///
    /// # Errors
    /// When none does in time; with what they say instead.
    pub async fn until_says(&self, sought: &Sought, part: &str, patience: Patience) -> Result<()> {
        let what = format!("{sought} to say {part:?}");
        eventually(&what, patience, || async {
            let mut said = Vec::new();
            for element in self.all(sought).await? {
                said.push(self.text_of(&element).await?);
            }
            if said.iter().any(|text| text.contains(part)) {
                return Ok(Some(()));
            }
            bail!("it says {said:?}")
        })
        .await
    }

    /// Waits until an alert says `part`.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn until_alert(&self, part: &str) -> Result<()> {
        self.until_says(&Sought::any(&["alert"]), part, Patience::LONG)
            .await
    }

    /// Waits until `words` stand anywhere on the page.
    ///
    /// # Errors
    /// When they do not in time.
    pub async fn until_shows(&self, words: &str) -> Result<()> {
        eventually(&format!("the page to say {words:?}"), Patience::LONG, || async {
            Ok(self.everything().await?.contains(words).then_some(()))
        })
        .await
    }

    /// The whole visible text of the page.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn everything(&self) -> Result<String> {
        Ok(self
            .evaluate("document.body.innerText")
            .await?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// The accessibility tree as lines of "role: name", for people who read a failure.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn outline(&self) -> Result<String> {
        let all = self.all(&Sought::any(&[])).await?;
        let quiet = ["InlineTextBox", "generic", "none"];
        let lines = all
            .iter()
            .filter(|element| !quiet.contains(&element.role.as_str()));
        Ok(lines
            .map(|element| format!("{}: {}\n", element.role, element.name))
            .collect())
    }

    /// Waits until what was changed is painted.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn until_painted(&self) -> Result<()> {
        let frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))";
        self.evaluate(frames).await.map(drop)
    }

    /// Writes a picture of the window.
    ///
    /// # Errors
    /// When there is no picture or no place for it.
    pub async fn picture(&self, path: &Path) -> Result<()> {
        let answer = self
            .call("Page.captureScreenshot", json!({ "format": "png" }))
            .await?;
        let png = BASE64_STANDARD.decode(answer["data"].as_str().unwrap_or_default())?;
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(path, png)
            .await
            .with_context(|| path.display().to_string())
    }
}
