//! One tab: navigation, finding by role and name, trusted mouse and keyboard events, pictures.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::chrome::{Inner, Look, Theme};
use super::element::Element;
use super::keyboard::Key;
use super::patience::{Patience, eventually};
use super::seek::{Name, Sought};

/// A tab of one browser.
#[derive(Clone)]
pub struct Page {
    pub(super) inner: Arc<Inner>,
    pub(super) session: String,
    target: String,
}

impl Page {
    pub(crate) async fn new(inner: Arc<Inner>, session: String, target: String) -> Result<Self> {
        let page = Self {
            inner,
            session,
            target,
        };
        page.call("Page.enable", json!({})).await?;
        // A person looks at the tab they use: focus and visibility are as in a window in front.
        page.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true }))
            .await?;
        let look = page
            .inner
            .look
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        page.set_look(&look).await?;
        Ok(page)
    }

    /// Changes window size and theme; the language is the browser's.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn set_look(&self, look: &Look) -> Result<()> {
        let size = json!({
            "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", size).await?;
        let theme = match look.theme {
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": theme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]});
        self.call("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// Opens `url` and waits until the document is there.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn open(&self, url: &str) -> Result<()> {
        // A change of the fragment alone navigates within the document: an empty page in between makes it a fresh visit.
        self.leave().await?;
        let answer = self.call("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        self.until_loaded().await
    }

    /// Leaves for an empty page; the tab stays.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn leave(&self) -> Result<()> {
        self.call("Page.navigate", json!({ "url": "about:blank" }))
            .await
            .map(drop)
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn reload(&self) -> Result<()> {
        self.evaluate("window.__before_reload = true").await?;
        self.call("Page.reload", json!({})).await?;
        eventually("the reload", Patience::LONG, || async {
            Ok((self.evaluate("window.__before_reload === undefined").await? == true).then_some(()))
        })
        .await?;
        self.until_loaded().await
    }

    /// Gives the page a passkey device of its own that says yes to everything and knows WebAuthn's PRF extension.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn have_passkeys(&self) -> Result<()> {
        self.call("WebAuthn.enable", json!({})).await?;
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "hasPrf": true, "automaticPresenceSimulation": true,
        });
        self.call("WebAuthn.addVirtualAuthenticator", json!({ "options": options }))
            .await
            .map(drop)
    }

    /// Closes the tab.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn close(self) -> Result<()> {
        self.inner
            .cdp
            .call("", "Target.closeTarget", json!({ "targetId": self.target }))
            .await?;
        Ok(())
    }

    /// Where the page is.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn address(&self) -> Result<String> {
        Ok(self
            .evaluate("location.href")
            .await?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Evaluates JavaScript from outside the page's own policy; promises are awaited.
    ///
    /// # Errors
    /// When it throws.
    pub async fn evaluate(&self, expression: &str) -> Result<Value> {
        let ask = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.call("Runtime.evaluate", ask).await?;
        thrown(&answer)?;
        Ok(answer["result"]["value"].clone())
    }

    /// Everything that fits now, in the order of the document.
    ///
    /// # Errors
    /// When the page does not answer (it may be between two documents).
    pub async fn all(&self, sought: &Sought) -> Result<Vec<Element>> {
        let scope = match &sought.within {
            None => json!({ "objectId": self.object("document").await? }),
            Some(outer) => match Box::pin(self.all(outer)).await?.first() {
                Some(outer) => json!({ "backendNodeId": outer.backend }),
                None => return Ok(Vec::new()),
            },
        };
        let mut found = Vec::new();
        let roles: &[&str] = if sought.roles.is_empty() {
            &[""]
        } else {
            sought.roles
        };
        for role in roles {
            let mut query = scope.clone();
            if !role.is_empty() {
                query["role"] = (*role).into();
            }
            if let Name::Is(name) = &sought.name {
                query["accessibleName"] = name.as_str().into();
            }
            let answer = self.call("Accessibility.queryAXTree", query).await?;
            let nodes = answer["nodes"].as_array().into_iter().flatten();
            found.extend(
                nodes
                    .filter_map(Element::read)
                    .filter(|element| sought.accepts(&element.role, &element.name, element.is_editable())),
            );
        }
        Ok(found)
    }

    /// The first that fits, as soon as there is one.
    ///
    /// # Errors
    /// When none appears in time.
    pub async fn find(&self, sought: &Sought) -> Result<Element> {
        self.find_within(sought, Patience::SOON).await
    }

    /// As [`Page::find`], with a patience of its own.
    ///
    /// # Errors
    /// When none appears in time.
    pub async fn find_within(&self, sought: &Sought, patience: Patience) -> Result<Element> {
        eventually(&sought.to_string(), patience, || async {
            Ok(self.all(sought).await?.into_iter().next())
        })
        .await
    }

    /// Whether something fits now.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn has(&self, sought: &Sought) -> Result<bool> {
        Ok(!self.all(sought).await?.is_empty())
    }

    /// Waits until nothing fits any more.
    ///
    /// # Errors
    /// When it stays.
    pub async fn until_gone(&self, sought: &Sought) -> Result<()> {
        self.until_gone_within(sought, Patience::SOON).await
    }

    /// As [`Self::until_gone`], with another patience.
    ///
    /// # Errors
    /// When it stays.
    pub async fn until_gone_within(&self, sought: &Sought, patience: Patience) -> Result<()> {
        let what = format!("the end of {sought}");
        eventually(&what, patience, || async {
            Ok((!self.has(sought).await?).then_some(()))
        })
        .await
    }

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

    async fn until_loaded(&self) -> Result<()> {
        eventually("the document to be loaded", Patience::LONG, || async {
            let state = self
                .evaluate("location.href === 'about:blank' ? '' : document.readyState")
                .await?;
            Ok((state == "complete").then_some(()))
        })
        .await
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

    async fn object(&self, expression: &str) -> Result<String> {
        let answer = self
            .call("Runtime.evaluate", json!({ "expression": expression }))
            .await?;
        thrown(&answer)?;
        Ok(answer["result"]["objectId"]
            .as_str()
            .context("no object")?
            .to_owned())
    }

    async fn resolve(&self, element: &Element) -> Result<String> {
        let answer = self
            .call("DOM.resolveNode", json!({ "backendNodeId": element.backend }))
            .await?;
        Ok(answer["object"]["objectId"]
            .as_str()
            .context("the element is gone")?
            .to_owned())
    }

    async fn call_on(&self, object: &str, function: &str, arguments: Value) -> Result<Value> {
        let ask = json!({
            "objectId": object, "functionDeclaration": function, "arguments": arguments,
            "returnByValue": true, "awaitPromise": true, "userGesture": true,
        });
        let answer = self.call("Runtime.callFunctionOn", ask).await?;
        thrown(&answer)?;
        Ok(answer["result"]["value"].clone())
    }

    /// A DevTools call of this tab.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
        self.inner.cdp.call(&self.session, method, params).await
    }
}

fn thrown(answer: &Value) -> Result<()> {
    let details = &answer["exceptionDetails"];
    if details.is_null() {
        return Ok(());
    }
    let text = details["exception"]["description"]
        .as_str()
        .or(details["text"].as_str())
        .unwrap_or("an exception");
    bail!("the page threw: {text}")
}
