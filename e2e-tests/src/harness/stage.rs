//! Plays one test: keeps what a failure needs, and judges at the end what every run must be free of.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::chrome::Chrome;
use super::page::Page;
use super::places::Places;
use super::relay::Relay;
use super::watch::Watch;

/// What a test runs on.
pub struct Stage {
    name: String,
    places: Places,
    folder: TempDir,
    cast: Mutex<Vec<Role>>,
    profiles: AtomicUsize,
    relay_log: Mutex<Option<PathBuf>>,
    relay: Mutex<Option<Relay>>,
}

/// One person's browser as the stage sees it.
#[derive(Clone)]
struct Role {
    name: String,
    origin: String,
    chrome: Arc<Chrome>,
    page: Page,
    watch: Arc<Watch>,
}

impl Stage {
    /// Plays `play`, and afterwards asks of every browser of the run: no policy violation, no error, no request to another
    /// origin. On failure there are pictures, outlines and the relay's log in `target/e2e-failures/<name>/`.
    ///
    /// # Errors
    /// The play's own, or what was found afterwards.
    pub async fn play<F, Fut>(name: &str, play: F) -> Result<()>
    where
        F: FnOnce(Arc<Self>) -> Fut,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let stage = Arc::new(Self {
            name: name.to_owned(),
            places: Places::find()?,
            folder: tempfile::Builder::new()
                .prefix("chopar-e2e-")
                .tempdir()
                .context("no temporary folder")?,
            cast: Mutex::default(),
            profiles: AtomicUsize::new(0),
            relay_log: Mutex::default(),
            relay: Mutex::default(),
        });
        // A task of its own, so that a failed assertion still leaves its pictures.
        let outcome = match tokio::spawn(play(Arc::clone(&stage))).await {
            Ok(outcome) => outcome,
            Err(panic) => Err(anyhow::anyhow!("{panic}")),
        };
        let outcome = outcome.and_then(|()| stage.clean());
        if let Err(error) = &outcome {
            stage.keep_evidence(&format!("{error:#}")).await;
        }
        stage.end().await;
        outcome.with_context(|| {
            format!(
                "{name} (evidence: {})",
                stage.places.failures.join(name).display()
            )
        })
    }

    /// What is where on this machine.
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// A folder that goes when the test ends.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A profile folder that nobody has used: two people may want one handle.
    pub(crate) fn profile(&self, handle: &str) -> PathBuf {
        let number = self.profiles.fetch_add(1, Ordering::Relaxed);
        self.folder().join(format!("profile-{number}-{handle}"))
    }

    pub(crate) fn enter(&self, name: &str, origin: &str, chrome: &Arc<Chrome>, page: &Page) {
        let role = Role {
            name: name.to_owned(),
            origin: origin.to_owned(),
            chrome: Arc::clone(chrome),
            page: page.clone(),
            watch: Arc::clone(chrome.watch()),
        };
        let mut cast = self.cast();
        // Of somebody who comes back the last browser counts; of one browser every tab.
        cast.retain(|other| other.name != name || Arc::ptr_eq(&other.chrome, chrome));
        cast.push(role);
    }

    pub(crate) fn watch_relay_log(&self, log: &Path) {
        *self.relay_log.lock().unwrap_or_else(PoisonError::into_inner) = Some(log.to_owned());
    }

    /// Keeps a relay running until the end of the stage.
    pub(crate) fn keep(&self, relay: Relay) {
        *self.relay.lock().unwrap_or_else(PoisonError::into_inner) = Some(relay);
    }

    fn cast(&self) -> MutexGuard<'_, Vec<Role>> {
        self.cast.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What no run may have caused, whatever it was about.
    fn clean(&self) -> Result<()> {
        let mut faults = Vec::new();
        for role in self.cast().iter() {
            let name = &role.name;
            faults.extend(
                role.watch
                    .violations()
                    .iter()
                    .map(|line| format!("{name}: policy violation: {line}")),
            );
            faults.extend(
                role.watch
                    .errors()
                    .iter()
                    .map(|line| format!("{name}: error: {line}")),
            );
            let foreign = role.watch.foreign_requests(&role.origin);
            faults.extend(
                foreign
                    .iter()
                    .map(|url| format!("{name}: request to another origin: {url}")),
            );
            if role.watch.requests().is_empty() {
                faults.push(format!("{name}: no request was seen, so nothing was watched"));
            }
        }
        // Tabs of one browser are watched together.
        faults.sort();
        faults.dedup();
        if !faults.is_empty() {
            bail!("the run was not clean:\n{}", faults.join("\n"));
        }
        Ok(())
    }

    async fn keep_evidence(&self, why: &str) {
        let folder = self.places.failures.join(&self.name);
        // Evidence is an aid: its own failures must not hide the one it is about.
        drop(std::fs::remove_dir_all(&folder));
        drop(std::fs::create_dir_all(&folder));
        drop(std::fs::write(folder.join("failure.txt"), why));
        let cast = self.cast().clone();
        for (number, role) in (1..).zip(cast) {
            let file = |ending: &str| folder.join(format!("{number} {}.{ending}", role.name));
            drop(role.page.picture(&file("png")).await);
            let outline = role
                .page
                .outline()
                .await
                .unwrap_or_else(|error| format!("{error:#}"));
            let address = role.page.address().await.unwrap_or_default();
            let said = format!(
                "{address}\n\n{outline}\nviolations: {:#?}\nerrors: {:#?}\nWebSocket messages: {}\n",
                role.watch.violations(),
                role.watch.errors(),
                role.watch.frames().len()
            );
            drop(std::fs::write(file("txt"), said));
        }
        let log = self
            .relay_log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(log) = log {
            drop(std::fs::copy(log, folder.join("relay.log")));
        }
    }

    async fn end(&self) {
        let cast = std::mem::take(&mut *self.cast());
        for role in cast {
            drop(role.chrome.kill().await);
        }
        drop(self.relay.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
