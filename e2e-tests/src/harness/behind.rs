//! What lies behind a page: its worker, and what the browser keeps for it.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::page::Page;

/// Opens the client's database beside it, as `database`; `done` turns a request into a promise.
const OPEN: &str = "
  const done = (request) => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error); });
  const database = await done(indexedDB.open('chopar'));
";

impl Page {
    /// What the page's worker answers to `expression`; promises are awaited.
    ///
    /// # Errors
    /// When there is none, or it throws.
    pub async fn in_worker(&self, expression: &str) -> Result<Value> {
        self.inner.in_worker_of(&self.session, expression).await
    }

    /// Lets the page's worker stand still for a while, as one in a tab that the browser has frozen: nothing of it runs. Ends when it
    /// runs again. It begins between two transactions of the vault: one that is open would keep everybody else out of the database
    /// for as long, which is why browsers do not freeze a tab that has one.
    ///
    /// # Errors
    /// When the page has no worker.
    pub async fn freeze_worker(&self, how_long: Duration) -> Result<()> {
        let script = format!(
            "(async () => {{{OPEN}
  await new Promise((ok) => {{
    const last = database.transaction([...database.objectStoreNames], 'readwrite');
    last.oncomplete = ok;
    last.objectStore('keys').get('header');
  }});
  database.close();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, {});
}})()",
            how_long.as_millis()
        );
        self.in_worker(&script).await.map(drop)
    }

    /// Looks into the client's database: `expression` may await, and finds the store of keys as `keys`, a function `done` that turns
    /// a request into a promise.
    ///
    /// # Errors
    /// When it throws.
    pub async fn from_vault(&self, expression: &str) -> Result<Value> {
        let script = format!(
            "(async () => {{{OPEN}
  const keys = database.transaction('keys').objectStore('keys');
  try {{ return await ({expression}); }} finally {{ database.close(); }}
}})()"
        );
        self.evaluate(&script).await
    }

    /// Leaves the client's database as a build of next year would: of a version that no build of today opens.
    ///
    /// # Errors
    /// When it is open elsewhere.
    pub async fn write_newer_database(&self) -> Result<()> {
        const NEWER: &str = "new Promise((ok, no) => {
  const request = indexedDB.open('chopar', 99);
  request.onsuccess = () => { request.result.close(); ok(true); };
  request.onerror = () => no(request.error);
})";
        self.evaluate(NEWER).await.map(drop)
    }

    /// Throws away what the browser keeps for `origin`, as it does when the disk is full: kinds as the DevTools protocol calls them,
    /// with commas. The page is left first, as a browser evicts what nobody uses; no other tab of that origin may be open.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn evict(&self, origin: &str, kinds: &str) -> Result<()> {
        self.leave().await?;
        let what = json!({ "origin": origin, "storageTypes": kinds });
        self.call("Storage.clearDataForOrigin", what).await.map(drop)
    }
}
