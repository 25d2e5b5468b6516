//! TLS of the relay's own: version 1.3 and no other, the hybrid key exchange first, a certificate that can change while
//! connections live.
//!
//! ```text
//!  files ──read, watched──┐
//!                         ├──> Pair ──> Shown ──> each new handshake
//!  own authority ─renewed─┘   (checked)  (one at a time)
//! ```

mod authority;
mod files;
mod names;
mod pair;
mod pem;
mod shown;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::{Ticketer, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) use self::authority::{Authority, AuthorityError};
use self::files::Watched;
pub(crate) use self::pair::{Pair, PairError};
use self::shown::Shown;
use crate::clock::Clock;
use crate::config::TlsFiles;
use crate::origin::Origin;

/// Groups for the key exchange, the hybrid one first: what is recorded today stays closed to a quantum computer of later.
const KEY_EXCHANGES: [&dyn SupportedKxGroup; 4] = [
    kx_group::X25519MLKEM768,
    kx_group::X25519,
    kx_group::SECP256R1,
    kx_group::SECP384R1,
];
/// The one protocol above TLS.
const HTTP_1_1: &[u8] = b"http/1.1";
/// Tickets for a fresh connection's resumption: a page opens one connection again, not several.
const TICKETS: usize = 1;

/// After a renewal that failed, a full disk for example: there are weeks left.
const RENEW_RETRY: Duration = Duration::from_secs(600);

/// Values of the fact [`Fact::Tls`](crate::store::Fact::Tls), beside `no`.
pub(crate) const FROM_FILES: &str = "files";
pub(crate) const FROM_OWN_AUTHORITY: &str = "own";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error(transparent)]
    Pair(#[from] PairError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("TLS cannot be set up: {0}")]
    SetUp(#[from] rustls::Error),
}

/// What leads connections through their handshakes.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    source: Source,
}

/// Where the next certificate comes from.
enum Source {
    Files(Watched),
    Own(Arc<Authority>),
}

impl Tls {
    /// With a certificate and a key from files.
    pub(crate) fn with_files(files: &TlsFiles, origins: &[String], clock: &Clock) -> Result<Self, TlsError> {
        let (watched, pair) = Watched::open(files, seconds(clock))?;
        for origin in origins.iter().filter_map(|origin| Origin::parse(origin)) {
            if !pair.names(&origin.host) {
                tracing::warn!(
                    "the certificate is not for {}: browsers will refuse it there",
                    origin.authority
                );
            }
        }
        Self::new(pair, Source::Files(watched))
    }

    /// With an authority of its own in the data folder.
    pub(crate) fn with_own_authority(
        data: &Path,
        origins: &[String],
        clock: &Clock,
    ) -> Result<Self, TlsError> {
        let (authority, pair) = Authority::open(data, origins, seconds(clock))?;
        Self::new(pair, Source::Own(Arc::new(authority)))
    }

    fn new(pair: Pair, source: Source) -> Result<Self, TlsError> {
        let shown = Arc::new(Shown::new(pair));
        Ok(Self {
            acceptor: acceptor(&shown)?,
            shown,
            source,
        })
    }

    /// Where its certificate comes from, for the commands beside the relay.
    pub(crate) const fn source(&self) -> &'static str {
        match self.source {
            Source::Files(_) => FROM_FILES,
            Source::Own(_) => FROM_OWN_AUTHORITY,
        }
    }

    /// The relay's own authority, where it has one.
    pub(crate) fn authority(&self) -> Option<&Authority> {
        match &self.source {
            Source::Files(_) => None,
            Source::Own(authority) => Some(authority),
        }
    }

    /// One handshake; the caller bounds its time.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Looks after the certificate for as long as it is polled, once in each `every`.
    pub(crate) async fn keep(&self, every: Duration, clock: &Clock) {
        match &self.source {
            Source::Files(watched) => {
                let mut watched = watched.clone();
                loop {
                    tokio::time::sleep(every).await;
                    if let Some(pair) = watched.look(seconds(clock)).await {
                        tracing::info!(until = %pair.until(), "a new certificate is in use");
                        self.shown.change(pair);
                    }
                    self.shown.remind(seconds(clock));
                }
            }
            Source::Own(authority) => loop {
                tokio::time::sleep(every).await;
                let now = seconds(clock);
                if authority.is_due(self.shown.not_after(), now) {
                    self.renew(authority, now).await;
                }
                self.shown.remind(now);
            },
        }
    }

    async fn renew(&self, authority: &Arc<Authority>, now: u64) {
        let authority = Arc::clone(authority);
        match tokio::task::spawn_blocking(move || authority.renew(now)).await {
            Ok(Ok(pair)) => self.shown.change(pair),
            Ok(Err(fault)) => {
                tracing::error!(%fault, "the certificate was not renewed; it is tried again in a while");
                tokio::time::sleep(RENEW_RETRY).await;
            }
            // The runtime is ending.
            Err(_) => {}
        }
    }
}

/// What a relay with these files would show, for whoever looks from outside; `now` in seconds since 1970.
pub(crate) fn in_files(files: &TlsFiles, now: u64) -> Result<Pair, TlsError> {
    Ok(Watched::open(files, now).map(|(_, pair)| pair)?)
}

/// What the authority in a data folder has certified last; `None`: there is no authority.
pub(crate) fn of_own_authority(data: &Path, now: u64) -> Result<Option<Pair>, TlsError> {
    let files = authority::server_files(data);
    files
        .certificate
        .exists()
        .then(|| in_files(&files, now))
        .transpose()
}

/// How a command of this program speaks TLS to a relay: as the relay does, 1.3 and nothing older.
pub(crate) fn client(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// The primitives, with the key exchanges in our order.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: KEY_EXCHANGES.to_vec(),
        ..default_provider()
    }
}

fn acceptor(shown: &Arc<Shown>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::<Shown>::clone(shown));
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    // Nothing is kept for those who may come back: their tickets hold it, sealed under a key that changes.
    config.ticketer = Ticketer::new()?;
    config.send_tls13_tickets = TICKETS;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Seconds since 1970.
fn seconds(clock: &Clock) -> u64 {
    clock.now() / 1000
}
