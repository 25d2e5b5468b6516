//! What a person's hands do: trusted mouse and keyboard events.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::element::Element;
use super::keyboard::Key;
use super::page::Page;
use super::patience::{Patience, eventually};
use super::seek::Sought;

impl Page {
    /// Waits for an enabled element and clicks its middle, as a mouse does.
    ///
    /// # Errors
    /// When there is none, or something lies over it.
    pub async fn click(&self, sought: &Sought) -> Result<()> {
        let what = format!("{sought} to be clickable");
        eventually(&what, Patience::SOON, || async {
            let Some(element) = self.all(sought).await?.into_iter().find(Element::is_enabled) else {
                return Ok(None);
            };
            self.click_element(&element).await.map(Some)
        })
        .await
    }

    /// Clicks the middle of an element.
    ///
    /// # Errors
    /// When it has no area, or something else lies over its middle.
    pub async fn click_element(&self, element: &Element) -> Result<()> {
        self.press_on(element, "left", 1).await
    }

    /// Clicks the middle of an element with the other button, as one does for a menu.
    ///
    /// # Errors
    /// As [`Self::click_element`].
    pub async fn click_for_menu(&self, element: &Element) -> Result<()> {
        self.press_on(element, "right", 2).await
    }

    async fn press_on(&self, element: &Element, button: &str, pressed: u32) -> Result<()> {
        let place = self.middle(element).await?;
        let mouse = |kind: &str, buttons: u32| json!({ "type": kind, "x": place["x"], "y": place["y"], "button": button, "buttons": buttons, "clickCount": 1 });
        self.call(
            "Input.dispatchMouseEvent",
            json!({ "type": "mouseMoved", "x": place["x"], "y": place["y"] }),
        )
        .await?;
        self.call("Input.dispatchMouseEvent", mouse("mousePressed", pressed))
            .await?;
        self.call("Input.dispatchMouseEvent", mouse("mouseReleased", 0))
            .await?;
        Ok(())
    }

    /// Where a hand meets an element: its middle, with nothing else over it.
    pub(super) async fn middle(&self, element: &Element) -> Result<Value> {
        let object = self.resolve(element).await?;
        let place = self
            .call_on(
                &object,
                "function() {
                    this.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
                    const box = this.getBoundingClientRect();
                    const x = box.left + box.width / 2, y = box.top + box.height / 2;
                    const hit = document.elementFromPoint(x, y);
                    const ok = box.width > 0 && hit && (this.contains(hit) || hit.contains(this) || hit.closest('label')?.control === this);
                    return { x, y, ok, hit: hit ? hit.outerHTML.slice(0, 120) : 'nothing' };
                }",
                json!([]),
            )
            .await?;
        if place["ok"] != true {
            bail!(
                "{} {:?} is covered by {}",
                element.role,
                element.name,
                place["hit"]
            );
        }
        Ok(place)
    }

    /// Empties a text box and types `text` into it.
    ///
    /// # Errors
    /// When there is none, or it does not take the text.
    pub async fn fill(&self, sought: &Sought, text: &str) -> Result<()> {
        let what = format!("{sought} to take a text");
        eventually(&what, Patience::SOON, || async {
            let Some(element) = self.all(sought).await?.into_iter().find(Element::is_enabled) else {
                return Ok(None);
            };
            let object = self.resolve(&element).await?;
            self.call_on(
                &object,
                "function() { this.focus(); this.select?.(); }",
                json!([]),
            )
            .await?;
            if text.is_empty() {
                self.press_code("Delete", "Delete", 46, "").await?;
            } else {
                self.insert(text).await?;
            }
            let value = self
                .call_on(
                    &object,
                    "function() { return this.value ?? this.textContent; }",
                    json!([]),
                )
                .await?;
            Ok((value.as_str() == Some(text)).then_some(()))
        })
        .await
    }

    /// Types into whatever has the focus.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn insert(&self, text: &str) -> Result<()> {
        self.call("Input.insertText", json!({ "text": text })).await?;
        Ok(())
    }

    /// Presses and releases a key.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn press(&self, key: Key) -> Result<()> {
        let (name, code, number, text) = key.facts();
        self.press_code(name, code, number, text).await
    }

    /// Presses a key while Control is held: shortcuts of the page, named by `KeyboardEvent.key` and `.code`.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn press_with_control(&self, key: &str, code: &str) -> Result<()> {
        const CONTROL: u32 = 2;
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": code, "modifiers": CONTROL });
            self.call("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    async fn press_code(&self, key: &str, code: &str, number: u32, text: &str) -> Result<()> {
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let mut event = json!({ "type": down, "key": key, "code": code, "windowsVirtualKeyCode": number });
        if !text.is_empty() {
            event["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", event).await?;
        let up = json!({ "type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": number });
        self.call("Input.dispatchKeyEvent", up).await?;
        Ok(())
    }
}
