//! A relay from its opening to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::accept;
use crate::audit::node::NodeKey;
use crate::audit::record;
use crate::config::{Config, Tls};
use crate::core::Core;
use crate::files::capability::Key;
use crate::files::{Vault, bodies, upkeep};
use crate::http::certificate;
use crate::http::health::Readiness;
use crate::http::router::router;
use crate::metrics::{self, Metrics};
use crate::nodes::Here;
use crate::origin::Origin;
use crate::places::Places;
use crate::policy::limits::Limiter;
use crate::store::open::{Listeners, Opened, open};
use crate::store::{Fact, FileKeys, Role, StoreError};
use crate::tls::{self, TlsError};
use crate::token::{self, NoRandomness};
use crate::ws::administration::new_invite;
use crate::ws::registry::Registry;
use crate::ws::standing::{self, Lookout};
use crate::{data, fanout};

/// How long the first owner's invite is good for: the person who installs the relay is at hand.
const FIRST_INVITE_SECONDS: u64 = 7 * 24 * 3600;
/// How long connections may take to hear that the relay stops. With the store's last commit the end comes within 5 s.
const DRAIN: Duration = Duration::from_secs(3);
/// How often what expired is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Between two parts of one sweep: others write in between.
const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// Why a relay did not start or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Plain HTTP beyond this machine would give everybody on the way the client's code to alter.
    #[error(
        "{0} can be reached from other machines, and plain HTTP is for this machine only: leave out --tls off, or put a \
         proxy that speaks TLS in front (--behind-proxy, and --proxy ADDRESS where it is another machine), or listen on 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    /// No browser would name a page's origin so.
    #[error(
        "{0:?} is not where a page can be: write https://name or https://name:port, nothing after it, and names in other \
         scripts in their xn-- form"
    )]
    Origin(String),
    /// A page from there could not reach this relay.
    #[error("{0} is plain HTTP, and this relay speaks TLS: people reach it by https")]
    PlainOrigin(String),
    /// The listener's address says nothing about how it is reached.
    #[error("say with --origin where people reach this relay, for example --origin https://chat.example.org")]
    NoOrigin,
    /// The certificate or its key cannot be used.
    #[error("{0}")]
    Tls(String),
    /// Nobody could watch the relay.
    #[error("{0}, for metrics, cannot be listened on: {1}")]
    Metrics(SocketAddr, std::io::Error),
    /// The data folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    Data(String),
    /// Files cannot be kept where they are to be.
    #[error("the folder of files cannot be used: {0}")]
    Files(std::io::Error),
    /// The database cannot be used; it was left untouched.
    #[error("{0}")]
    Database(String),
    /// The listener has no address.
    #[error("the listener cannot be used: {0}")]
    Listener(#[from] std::io::Error),
    /// The store refused during start or end.
    #[error("the store failed: {0}")]
    Store(String),
}

impl From<StoreError> for ServeError {
    fn from(fault: StoreError) -> Self {
        Self::Store(fault.to_string())
    }
}

impl From<TlsError> for ServeError {
    fn from(fault: TlsError) -> Self {
        Self::Tls(fault.to_string())
    }
}

impl From<NoRandomness> for ServeError {
    fn from(fault: NoRandomness) -> Self {
        Self::Store(fault.to_string())
    }
}

/// A relay that has its database open and serves once it [runs](Relay::run).
pub struct Relay {
    core: Arc<Core>,
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<TcpListener>,
    owner_invite: Option<String>,
    lock: data::Lock,
}

impl Relay {
    /// Opens the data folder and the database. While no owner exists, a fresh invite for one replaces the unused one of
    /// an earlier start.
    ///
    /// # Errors
    /// [`ServeError`]; nothing serves then.
    pub async fn open(listener: TcpListener, config: Config) -> Result<Self, ServeError> {
        let address = listener.local_addr()?;
        let origins = checked_origins(&config, address)?;
        let lock = data::prepare(&config.data).map_err(|fault| ServeError::Data(fault.to_string()))?;
        let tls = match &config.tls {
            Tls::Files(files) => Some(tls::Tls::with_files(files, &origins, &config.clock)?),
            Tls::Own | Tls::Auto if config.speaks_tls_at(address) => Some(tls::Tls::with_own_authority(
                &config.data,
                &origins,
                &config.clock,
            )?),
            Tls::Own | Tls::Auto | Tls::Off => None,
        };
        let metrics = match config.metrics {
            Some(at) => Some(
                TcpListener::bind(at)
                    .await
                    .map_err(|fault| ServeError::Metrics(at, fault))?,
            ),
            None => None,
        };
        let registry = Arc::new(Registry::default());
        let key = NodeKey::of_folder(&config.data).map_err(|fault| ServeError::Data(fault.to_string()))?;
        let node = key.id();
        let listeners = Listeners {
            on_stored: fanout::to_connections(Arc::clone(&registry)),
            here: Arc::clone(&registry) as Arc<dyn Here>,
        };
        let Opened { store, others } = open(
            &config.database,
            &config.data,
            &config.clock,
            Arc::new(key),
            config.database_bytes_max,
            listeners,
        )
        .await
        .map_err(|fault| ServeError::Database(fault.to_string()))?;
        registry.join(others);

        let fresh = FileKeys {
            capabilities: token::random()?,
            home: token::random()?,
        };
        let keys = store.file_keys(fresh).await?;
        let bodies = bodies::Place::of(&config)
            .open(keys.home)
            .map_err(ServeError::Files)?;
        let vault = Vault::new(bodies, Key::new(&keys.capabilities));

        let (invite, token) = new_invite(Role::Owner, 1, FIRST_INVITE_SECONDS, config.clock.now())?;
        let made = store.replace_first_invite(invite, token.hash()).await?;
        let said = |fact| if fact { "yes" } else { "no" };
        for (fact, value) in [
            (Fact::Origin, &*origins[0]),
            (Fact::BehindProxy, said(config.behind_proxy)),
            (Fact::Tls, tls.as_ref().map_or("no", tls::Tls::source)),
        ] {
            // Not a reason to serve nobody: other commands will ask for what they do not find.
            if let Err(fault) = store.set_fact(fact, value.to_owned()).await {
                tracing::warn!(%fault, "what other commands need to know of this relay could not be written");
            }
        }
        if let Err(fault) = store.record(record::started()).await {
            tracing::warn!(%fault, "the start could not be written into the audit log");
        }
        let core = Arc::new(Core {
            places: Places::new(&config, tls.is_some()),
            tls,
            origins,
            hosts: config.hosts_at(address),
            limiter: Limiter::new(config.rates),
            readiness: Readiness::default(),
            lookout: Lookout::default(),
            metrics: Metrics::default(),
            node,
            store,
            vault,
            registry,
            stopping: watch::Sender::new(false),
            config,
        });
        standing::begin(&core).await?;
        let owner_invite = made.then(|| format!("{}/join#{}", core.origins[0], token.text()));
        Ok(Self {
            core,
            listener,
            address,
            metrics,
            owner_invite,
            lock,
        })
    }

    /// Where the relay listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its numbers are served, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }

    /// The address for people: the first origin.
    pub fn url(&self) -> &str {
        &self.core.origins[0]
    }

    /// The one-time link for the first owner; `None` once there is an owner.
    pub fn owner_invite(&self) -> Option<&str> {
        self.owner_invite.as_deref()
    }

    /// Where people find the relay's own certificate authority, and its fingerprint to compare; `None` where it has none.
    pub fn authority(&self) -> Option<(String, String)> {
        let authority = self.core.tls.as_ref()?.authority()?;
        Some((
            format!("{}{}", self.url(), certificate::PAGE),
            authority.fingerprint(),
        ))
    }

    /// Serves until `shutdown` completes, then drains: connections are closed with 1001, what was taken on is committed.
    ///
    /// # Errors
    /// [`ServeError::Store`] where the last commit failed.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        // The lock is held to the end.
        let Self {
            core,
            listener,
            metrics,
            lock: _lock,
            ..
        } = self;
        let sweeper = tokio::spawn(sweep(Arc::clone(&core)));
        let keeper = tokio::spawn(keep_certificate(Arc::clone(&core)));
        let watcher = tokio::spawn(standing::watch(Arc::clone(&core)));
        let tidier = tokio::spawn(upkeep::tidy(Arc::clone(&core)));
        let counting =
            metrics.map(|listener| tokio::spawn(metrics::listener::run(Arc::clone(&core), listener)));
        let accepting = accept::run(&core, listener, router(Arc::clone(&core)));
        let stop = async {
            shutdown.await;
            core.stopping.send_replace(true);
        };
        tokio::join!(accepting, stop);
        tracing::info!(devices = core.registry.count(), "stopping");
        if tokio::time::timeout(DRAIN, core.places.empty()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        sweeper.abort();
        keeper.abort();
        watcher.abort();
        tidier.abort();
        if let Some(counting) = counting {
            counting.abort();
        }
        core.store.close().await?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// The origins, if people can reach a listener at `address` from them without anybody on the way who alters the client.
pub(crate) fn checked_origins(config: &Config, address: SocketAddr) -> Result<Vec<String>, ServeError> {
    let tls = config.speaks_tls_at(address);
    if !tls && !address.ip().is_loopback() && !config.behind_proxy {
        return Err(ServeError::NotLoopback(address));
    }
    if tls && address.ip().is_unspecified() && config.origins.is_empty() {
        return Err(ServeError::NoOrigin);
    }
    let origins = config.origins_at(address);
    for text in &origins {
        match Origin::parse(text) {
            None => return Err(ServeError::Origin(text.clone())),
            Some(origin) if tls && !origin.https => return Err(ServeError::PlainOrigin(text.clone())),
            Some(_) => {}
        }
    }
    Ok(origins)
}

/// Looks after the certificate for as long as the relay runs.
async fn keep_certificate(core: Arc<Core>) {
    if let Some(tls) = &core.tls {
        tls.keep(core.config.certificate_look, &core.config.clock).await;
    }
}

/// Deletes what expired, a bounded part at a time, for as long as the relay runs.
async fn sweep(core: Arc<Core>) {
    let mut due = tokio::time::interval(SWEEP_EVERY);
    loop {
        due.tick().await;
        loop {
            let swept = match core.store.sweep().await {
                Ok(false) => core.store.prune_audit().await,
                other => other,
            };
            let swept = match swept {
                Ok(false) => upkeep::sweep(&core).await.map(|()| false),
                other => other,
            };
            match swept {
                Ok(true) => tokio::time::sleep(SWEEP_PAUSE).await,
                Ok(false) => break,
                Err(fault) => {
                    tracing::warn!(%fault, "what expired could not be deleted; it is tried again");
                    break;
                }
            }
        }
    }
}
