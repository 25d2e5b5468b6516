//! What stands between page and relay and cannot be trusted: a proxy that alters, drops, delays and repeats frames, changes
//! bytes of files, and goes away like a network.
//!
//! The page opens the proxy's address; the relay is told that address as its origin. So the page sees one server, which is
//! as hostile as the test wants.

mod files;
pub mod forge;
mod frames;
mod notebook;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chopar_wire::AccountId;
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::client_frame::Body as Asked;
use chopar_wire::proto::relay::relay_frame::Body as Said;
use chopar_wire::proto::relay::{ClientFrame, Ping, Reason, Refused, RelayFrame};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use self::notebook::Notebook;
pub use self::notebook::Registered;
use crate::harness::{Patience, RelayPort, eventually};

/// How soon a page may ask again for what was refused. A relay gives half a minute; nobody waits that long here.
const RETRY_AFTER_MS: u64 = 1_000;

/// What becomes of a frame of the relay on its way to the page: none, itself, something else, or several.
pub type AlterRelay = Box<dyn FnMut(RelayFrame) -> Vec<RelayFrame> + Send>;
/// The same for a frame of the page on its way to the relay.
pub type AlterClient = Box<dyn FnMut(ClientFrame) -> Vec<ClientFrame> + Send>;

/// A proxy in front of a relay. It lives as long as the test's runtime, so that a failure's pictures still show a served page.
pub struct HostileProxy {
    origin: String,
    relay: RelayPort,
    rules: Arc<Mutex<Rules>>,
    notebook: Arc<Notebook>,
    network: Arc<watch::Sender<Network>>,
}

/// What is done to what passes.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) relay: Option<AlterRelay>,
    pub(crate) client: Option<AlterClient>,
    pub(crate) delay: Duration,
    /// A file whose path ends like this gets one byte changed.
    pub(crate) spoilt: Option<String>,
    /// An entry to be appended over this account's own connection.
    pub(crate) entry: Option<(AccountId, Entry)>,
    /// The relay's answer to it: whether it was taken.
    pub(crate) taken: Option<bool>,
}

/// What every connection of a proxy shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) relay: RelayPort,
    pub(crate) rules: Arc<Mutex<Rules>>,
    pub(crate) notebook: Arc<Notebook>,
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
        let notebook = Arc::new(Notebook::default());
        let (network, up) = watch::channel(Network::default());
        let shared = Shared {
            relay,
            rules: Arc::clone(&rules),
            notebook: Arc::clone(&notebook),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, shared.clone(), up.clone()));
            }
        });
        Ok(Self {
            origin,
            relay,
            rules,
            notebook,
            network: Arc::new(network),
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

    /// From now on what a page asks that `which` picks does not reach the relay, and is answered as a relay would refuse it.
    pub fn refuse(&self, which: fn(&Asked) -> bool, reason: Reason) {
        let refused: Arc<Mutex<HashSet<u64>>> = Arc::default();
        let noted = Arc::clone(&refused);
        self.alter_client(move |mut frame| {
            if frame.body.as_ref().is_some_and(which) {
                lock(&noted).insert(frame.request);
                frame.body = Some(Asked::Ping(Ping {}));
            }
            vec![frame]
        });
        self.alter_relay(move |mut frame| {
            if lock(&refused).remove(&frame.reply_to) {
                frame.body = Some(Said::Refused(Refused {
                    reason: reason.into(),
                    detail: String::new(),
                    retry_after_ms: RETRY_AFTER_MS,
                }));
            }
            vec![frame]
        });
    }

    /// From now on every bundle that is claimed has keys for which the forger could decrypt. Gives their count.
    pub fn swap_bundles(&self) -> Arc<AtomicUsize> {
        let swapped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&swapped);
        self.alter_relay(move |mut frame| {
            if let Some(Said::ClaimedBundle(claimed)) = &mut frame.body
                && let Some(honest) = &claimed.bundle
                && let Ok(forged) = forge::swapped_bundle(honest)
            {
                claimed.bundle = Some(forged);
                count.fetch_add(1, Ordering::SeqCst);
            }
            vec![frame]
        });
        swapped
    }

    /// From now on whoever is found by a handle is another account.
    pub fn move_handles(&self) {
        self.alter_relay(|mut frame| {
            if let Some(Said::People(people)) = &mut frame.body {
                for person in &mut people.people {
                    person.account = Bytes::from_static(&[7; 32]);
                }
            }
            vec![frame]
        });
    }

    /// Every frame waits this long, in both directions.
    pub fn delay(&self, delay: Duration) {
        self.rules().delay = delay;
    }

    /// One byte in the middle of every file whose path ends with `suffix` is changed.
    pub fn spoil(&self, suffix: &str) {
        self.rules().spoilt = Some(suffix.to_owned());
    }

    /// Appends `entry` to the account's log over its own signed-in connection, with its next frame: as a device of the account
    /// would. The page does not hear of it.
    pub fn put_entry(&self, account: AccountId, entry: Entry) {
        let mut rules = self.rules();
        rules.entry = Some((account, entry));
        rules.taken = None;
    }

    /// Waits until the relay has taken the entry of [`HostileProxy::put_entry`].
    ///
    /// # Errors
    /// When it refuses, or nobody passed by to put it.
    pub async fn until_entry_is_put(&self) -> Result<()> {
        let taken = eventually("the relay's answer to an entry", Patience::LONG, || async {
            Ok(self.rules().taken)
        })
        .await?;
        ensure!(taken, "the relay refused the entry");
        Ok(())
    }

    /// Passes everything on as it is.
    pub fn be_honest(&self) {
        *self.rules() = Rules::default();
    }

    /// Closes every connection and takes no new one: the network is gone.
    pub fn cut(&self) {
        self.network.send_modify(|network| {
            network.files = false;
            network.sockets = false;
            network.cuts += 1;
        });
    }

    /// Closes every WebSocket and takes no new one; files are still served.
    pub fn cut_sockets(&self) {
        self.network.send_modify(|network| {
            network.sockets = false;
            network.cuts += 1;
        });
    }

    /// The network is back.
    pub fn mend(&self) {
        self.network.send_modify(|network| {
            network.files = true;
            network.sockets = true;
        });
    }

    /// What a relay learns about who registers: everything public.
    pub fn registered(&self, handle: &str) -> Option<Registered> {
        self.notebook.of(handle)
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        lock(&self.rules)
    }
}

/// Whoever panicked with it has failed the test already.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of the network there is. The cuts are counted, so that none is missed however soon it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    files: bool,
    sockets: bool,
    cuts: u64,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            files: true,
            sockets: true,
            cuts: 0,
        }
    }
}

/// One connection of a page, until one side ends it or the network goes.
async fn pass(stream: TcpStream, shared: Shared, mut network: watch::Receiver<Network>) {
    let before = *network.borrow();
    if !before.files {
        return;
    }
    let Ok(head) = files::peek_head(&stream).await else {
        return;
    };
    let socket = head.to_ascii_lowercase().contains("upgrade: websocket");
    let severed = |now: &Network| {
        let kept = if socket {
            now.sockets && now.cuts == before.cuts
        } else {
            now.files
        };
        !kept
    };
    let work = async {
        if socket {
            frames::pass(stream, shared).await
        } else {
            files::pass(stream, &shared).await
        }
    };
    tokio::select! {
        biased;
        Ok(_) = network.wait_for(severed) => {}
        // Either side may end at any time; the page and the relay say so themselves where it matters.
        outcome = work => drop(outcome),
    }
}
