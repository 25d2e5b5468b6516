//! One Chromium with a profile folder of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::cdp::{Cdp, CdpEvent};
use super::page::Page;
use super::patience::{Patience, eventually};
use super::places::Places;
use super::watch::Watch;

/// What the toolchain page found to work for a headless browser without root's sandbox and without a word to the network.
const FLAGS: [&str; 16] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--remote-debugging-port=0",
];

/// How long a browser may take to write its profile out.
const CLOSES_WITHIN: Duration = Duration::from_secs(20);

/// What the browser calls a dedicated worker.
const WORKER: &str = "worker";

/// Light or dark, as the person's system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How the browser presents the person's machine.
#[derive(Clone, Debug)]
pub struct Look {
    /// Window width in CSS pixels.
    pub width: u32,
    /// Window height in CSS pixels.
    pub height: u32,
    /// The system's theme.
    pub theme: Theme,
    /// `navigator.languages`, for example `en-US` or `uz`.
    pub language: String,
    /// Whether it has a microphone, which hears a beep every second. Who uses it has to allow it first.
    pub microphone: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 1200,
            height: 860,
            theme: Theme::Light,
            language: "en-US".to_owned(),
            microphone: false,
        }
    }
}

/// A running browser. Dropping it kills it; its profile stays.
pub struct Chrome {
    child: tokio::sync::Mutex<Child>,
    profile: PathBuf,
    inner: Arc<Inner>,
}

/// What pages and the event loop share.
pub(crate) struct Inner {
    pub(crate) cdp: Cdp,
    pub(crate) watch: Arc<Watch>,
    pub(crate) look: Mutex<Look>,
    sessions: Mutex<Vec<Attached>>,
    offline: AtomicBool,
    prologue: Mutex<Option<String>>,
}

/// One attached page or worker.
#[derive(Clone, Debug)]
struct Attached {
    session: String,
    /// The session of what it belongs to: of a worker, its page.
    parent: String,
    target: String,
    kind: String,
    ready: bool,
}

impl Chrome {
    /// Starts a browser on `profile` and waits until it answers.
    ///
    /// # Errors
    /// When it does not start within the time a cold start takes.
    pub async fn launch(profile: &Path, look: Look, watch: Arc<Watch>) -> Result<Self> {
        let executable = Places::chrome()?;
        tokio::fs::create_dir_all(profile).await?;
        let port_file = profile.join("DevToolsActivePort");
        if port_file.exists() {
            tokio::fs::remove_file(&port_file).await?;
        }
        let child = Command::new(&executable)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--lang={}", look.language))
            .arg(format!("--accept-lang={}", look.language))
            .arg(format!("--window-size={},{}", look.width, look.height))
            .args(look.microphone.then_some("--use-fake-device-for-media-stream"))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", executable.display()))?;

        let address = eventually("Chromium to open its DevTools port", Patience::LONG, || async {
            let text = tokio::fs::read_to_string(&port_file).await.unwrap_or_default();
            let mut lines = text.lines();
            Ok(match (lines.next(), lines.next()) {
                (Some(port), Some(path)) if path.starts_with('/') => {
                    Some(format!("ws://127.0.0.1:{port}{path}"))
                }
                _ => None,
            })
        })
        .await?;
        let (cdp, events) = Cdp::connect(&address).await?;
        let inner = Arc::new(Inner {
            cdp,
            watch,
            look: Mutex::new(look),
            sessions: Mutex::default(),
            offline: AtomicBool::new(false),
            prologue: Mutex::default(),
        });
        tokio::spawn(attend(Arc::clone(&inner), events));
        inner.cdp.call("", "Target.setAutoAttach", auto_attach()).await?;
        Ok(Self {
            child: tokio::sync::Mutex::new(child),
            profile: profile.to_owned(),
            inner,
        })
    }

    /// The page the browser opened with.
    ///
    /// # Errors
    /// When there is none.
    pub async fn first_page(&self) -> Result<Page> {
        let session = eventually("the browser's first page", Patience::LONG, || async {
            Ok(self.inner.all().into_iter().find(|a| a.kind == "page" && a.ready))
        })
        .await?;
        Page::new(Arc::clone(&self.inner), session.session, session.target).await
    }

    /// A further tab of the same profile.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn new_page(&self) -> Result<Page> {
        let made = self
            .inner
            .cdp
            .call("", "Target.createTarget", json!({ "url": "about:blank" }))
            .await?;
        let target = made["targetId"]
            .as_str()
            .context("a new tab has no id")?
            .to_owned();
        let session = eventually("the new tab", Patience::LONG, || async {
            Ok(self
                .inner
                .all()
                .into_iter()
                .find(|a| a.target == target && a.ready))
        })
        .await?;
        Page::new(Arc::clone(&self.inner), session.session, session.target).await
    }

    /// Takes the network away from every page and worker, or gives it back.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn set_offline(&self, offline: bool) -> Result<()> {
        self.inner.offline.store(offline, Ordering::SeqCst);
        let sessions = self.inner.all();
        ensure!(
            !sessions.is_empty(),
            "nothing is attached whose network could be taken away"
        );
        for attached in sessions {
            self.inner.apply_network(&attached).await?;
        }
        Ok(())
    }

    /// From here on every worker runs `script` before its own first instruction.
    pub fn before_workers(&self, script: &str) {
        *self.inner.prologue() = Some(script.to_owned());
    }

    /// What every worker answers to `expression`.
    ///
    /// # Errors
    /// When a worker is gone, or throws.
    pub async fn in_workers(&self, expression: &str) -> Result<Vec<Value>> {
        let mut answers = Vec::new();
        for worker in self.inner.all().into_iter().filter(|a| a.kind == WORKER) {
            answers.push(self.inner.evaluate(&worker.session, expression).await?);
        }
        Ok(answers)
    }

    /// What this browser has said so far.
    pub fn watch(&self) -> &Arc<Watch> {
        &self.inner.watch
    }

    /// The profile folder.
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// Resident memory of the processes in which its pages and workers run, in bytes.
    ///
    /// # Errors
    /// When the browser, or the system, does not say.
    pub async fn memory(&self) -> Result<u64> {
        let answer = self
            .inner
            .cdp
            .call("", "SystemInfo.getProcessInfo", json!({}))
            .await?;
        let processes = answer["processInfo"].as_array().context("no processes")?;
        let mut bytes = 0;
        for process in processes.iter().filter(|process| process["type"] == "renderer") {
            let status = tokio::fs::read_to_string(format!("/proc/{}/status", process["id"])).await?;
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kib = resident.and_then(|rest| rest.split_whitespace().next());
            bytes += 1_024 * kib.context("no resident memory")?.parse::<u64>()?;
        }
        Ok(bytes)
    }

    /// Closes the browser as a person does, so that it writes its profile out.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn close(&self) -> Result<()> {
        // The connection may close before the answer comes.
        drop(self.inner.cdp.call("", "Browser.close", json!({})).await);
        let mut child = self.child.lock().await;
        match tokio::time::timeout(CLOSES_WITHIN, child.wait()).await {
            Ok(status) => status.map(drop).context("waiting for the browser's end"),
            Err(_) => child
                .kill()
                .await
                .context("the browser did not close and could not be killed"),
        }
    }

    /// Ends the browser without a warning, as a power cut does.
    ///
    /// # Errors
    /// When the process cannot be ended.
    pub async fn kill(&self) -> Result<()> {
        self.child
            .lock()
            .await
            .kill()
            .await
            .context("killing the browser")
    }
}

impl Inner {
    fn all(&self) -> Vec<Attached> {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn edit(&self, edit: impl FnOnce(&mut Vec<Attached>)) {
        edit(&mut self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn prologue(&self) -> MutexGuard<'_, Option<String>> {
        self.prologue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the worker of the page with this session answers to `expression`.
    pub(crate) async fn in_worker_of(&self, page: &str, expression: &str) -> Result<Value> {
        let mut all = self.all().into_iter();
        let worker = all.find(|a| a.kind == WORKER && a.parent == page);
        self.evaluate(&worker.context("the page has no worker")?.session, expression)
            .await
    }

    async fn evaluate(&self, session: &str, expression: &str) -> Result<Value> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.cdp.call(session, "Runtime.evaluate", asked).await?;
        ensure!(
            answer["exceptionDetails"].is_null(),
            "{expression} threw {}",
            answer["exceptionDetails"]
        );
        Ok(answer["result"]["value"].clone())
    }

    async fn apply_network(&self, attached: &Attached) -> Result<()> {
        let offline = self.offline.load(Ordering::SeqCst);
        let conditions =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        match self
            .cdp
            .call(&attached.session, "Network.emulateNetworkConditions", conditions)
            .await
        {
            Ok(_) => Ok(()),
            // A worker may have ended a moment ago; a page that cannot be taken offline is a fault of the test.
            Err(error) if attached.kind == "page" => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Prepares what was attached: everything it says is heard from its first instruction on.
    async fn prepare(&self, attached: &Attached) {
        let session = attached.session.as_str();
        for method in ["Runtime.enable", "Log.enable", "Network.enable", "Audits.enable"] {
            // Not every kind of target knows every domain.
            drop(self.cdp.call(session, method, json!({})).await);
        }
        drop(
            self.cdp
                .call(session, "Target.setAutoAttach", auto_attach())
                .await,
        );
        if self.offline.load(Ordering::SeqCst) {
            drop(self.apply_network(attached).await);
        }
        let prologue = self.prologue().clone().filter(|_| attached.kind == WORKER);
        if let Some(script) = prologue
            && let Err(error) = self.evaluate(session, &script).await
        {
            self.watch.fault(format!("the script before a worker: {error:#}"));
        }
        drop(
            self.cdp
                .call(session, "Runtime.runIfWaitingForDebugger", json!({}))
                .await,
        );
        self.edit(|all| {
            all.iter_mut()
                .filter(|a| a.session == session)
                .for_each(|a| a.ready = true)
        });
    }
}

async fn attend(inner: Arc<Inner>, mut events: mpsc::UnboundedReceiver<CdpEvent>) {
    while let Some(event) = events.recv().await {
        match event.method.as_str() {
            "Target.attachedToTarget" => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let attached = Attached {
                    session: text(&event.params["sessionId"]),
                    parent: event.session,
                    target: text(&event.params["targetInfo"]["targetId"]),
                    kind: text(&event.params["targetInfo"]["type"]),
                    ready: false,
                };
                inner.edit(|all| all.push(attached.clone()));
                let inner = Arc::clone(&inner);
                tokio::spawn(async move { inner.prepare(&attached).await });
            }
            "Target.detachedFromTarget" => {
                let gone = event.params["sessionId"].as_str().unwrap_or_default();
                inner.edit(|all| all.retain(|attached| attached.session != gone));
            }
            _ => inner.watch.note(&event),
        }
    }
}

/// Pages, and within them workers, stop at their first instruction until they are listened to.
fn auto_attach() -> Value {
    json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true })
}
