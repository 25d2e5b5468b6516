//! What stands between page and relay and cannot be trusted: a proxy that alters, drops, delays and repeats frames, changes
//! bytes of files, and goes away like a network.
//!
//! The page opens the proxy's address; the relay is told that address as its origin. So the page sees one server, which is
//! as hostile as the test wants.

mod files;
pub mod forge;
mod frames;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use chopar_wire::proto::relay::{ClientFrame, RelayFrame};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::RelayPort;

/// What becomes of a frame of the relay on its way to the page: none, itself, something else, or several.
pub type AlterRelay = Box<dyn FnMut(RelayFrame) -> Vec<RelayFrame> + Send>;
/// The same for a frame of the page on its way to the relay.
pub type AlterClient = Box<dyn FnMut(ClientFrame) -> Vec<ClientFrame> + Send>;

/// A proxy in front of a relay. Dropping it ends it.
pub struct HostileProxy {
    origin: String,
    relay: RelayPort,
    rules: Arc<Mutex<Rules>>,
    network: Arc<watch::Sender<bool>>,
    task: tokio::task::JoinHandle<()>,
}

/// What is done to what passes.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) relay: Option<AlterRelay>,
    pub(crate) client: Option<AlterClient>,
    pub(crate) delay: Duration,
    /// A file whose path ends like this gets one byte changed.
    pub(crate) spoilt: Option<String>,
}

impl HostileProxy {
    /// Listens in front of the port the relay will have.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(relay: RelayPort) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("no free port for the proxy")?;
        let origin = format!("http://localhost:{}", listener.local_addr()?.port());
        let rules = Arc::new(Mutex::new(Rules::default()));
        let (network, up) = watch::channel(true);
        let upstream = relay.0;
        let shared = Arc::clone(&rules);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if *up.borrow() {
                    tokio::spawn(pass(stream, upstream, Arc::clone(&shared), up.clone()));
                }
            }
        });
        Ok(Self {
            origin,
            relay,
            rules,
            network: Arc::new(network),
            task,
        })
    }

    /// The address people open.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The port behind it.
    pub const fn relay(&self) -> RelayPort {
        self.relay
    }

    /// From now on every frame of the relay goes through `alter`.
    pub fn alter_relay(&self, alter: impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static) {
        self.rules().relay = Some(Box::new(alter));
    }

    /// From now on every frame of a page goes through `alter`.
    pub fn alter_client(&self, alter: impl FnMut(ClientFrame) -> Vec<ClientFrame> + Send + 'static) {
        self.rules().client = Some(Box::new(alter));
    }

    /// Every frame waits this long, in both directions.
    pub fn delay(&self, delay: Duration) {
        self.rules().delay = delay;
    }

    /// One byte in the middle of every file whose path ends with `suffix` is changed.
    pub fn spoil(&self, suffix: &str) {
        self.rules().spoilt = Some(suffix.to_owned());
    }

    /// Passes everything on as it is.
    pub fn be_honest(&self) {
        *self.rules() = Rules::default();
    }

    /// Closes every connection and takes no new one: the network is gone.
    pub fn cut(&self) {
        self.network.send_replace(false);
    }

    /// The network is back.
    pub fn mend(&self) {
        self.network.send_replace(true);
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HostileProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.network.send_replace(false);
    }
}

/// One connection of a page, until one side ends it or the network goes.
async fn pass(stream: TcpStream, upstream: u16, rules: Arc<Mutex<Rules>>, mut up: watch::Receiver<bool>) {
    let work = async {
        let head = files::peek_head(&stream).await?;
        if head.to_ascii_lowercase().contains("upgrade: websocket") {
            frames::pass(stream, upstream, rules).await
        } else {
            files::pass(stream, upstream, &rules).await
        }
    };
    tokio::select! {
        // Either side may end at any time; the page and the relay say so themselves where it matters.
        outcome = work => drop(outcome),
        _ = up.wait_for(|up| !up) => {}
    }
}
