//! One tab: navigation, finding by role and name.

use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::chrome::{Inner, Look, Theme};
use super::element::Element;
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

    async fn until_loaded(&self) -> Result<()> {
        eventually("the document to be loaded", Patience::LONG, || async {
            let state = self
                .evaluate("location.href === 'about:blank' ? '' : document.readyState")
                .await?;
            Ok((state == "complete").then_some(()))
        })
        .await
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

    pub(super) async fn resolve(&self, element: &Element) -> Result<String> {
        let answer = self
            .call("DOM.resolveNode", json!({ "backendNodeId": element.backend }))
            .await?;
        Ok(answer["object"]["objectId"]
            .as_str()
            .context("the element is gone")?
            .to_owned())
    }

    pub(super) async fn call_on(&self, object: &str, function: &str, arguments: Value) -> Result<Value> {
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
