//! TLS of the relay's own: version 1.3 and no other, the hybrid key exchange first, a certificate that can change while
//! connections live.
//!
//! ```text
//!  files ──read, watched──┐
//!                         ├──> Pair ──> Shown ──> each new handshake
//!  own authority ─renewed─┘   (checked)  (one at a time)
//! ```

mod files;
mod pair;
mod shown;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::TLS13;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::files::Watched;
use self::pair::PairError;
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

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error(transparent)]
    Pair(#[from] PairError),
    #[error("TLS cannot be set up: {0}")]
    SetUp(#[from] rustls::Error),
}

/// What leads connections through their handshakes.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    files: Watched,
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
        let shown = Arc::new(Shown::new(pair));
        Ok(Self {
            acceptor: acceptor(&shown)?,
            shown,
            files: watched,
        })
    }

    /// One handshake; the caller bounds its time.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Looks after the certificate for as long as it is polled, once in each `every`.
    pub(crate) async fn keep(&self, every: Duration, clock: &Clock) {
        let mut files = self.files.clone();
        loop {
            tokio::time::sleep(every).await;
            if let Some(pair) = files.look(seconds(clock)).await {
                tracing::info!(until = %pair.until(), "a new certificate is in use");
                self.shown.change(pair);
            }
            self.shown.remind(seconds(clock));
        }
    }
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
