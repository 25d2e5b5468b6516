//! Certificates of all kinds, and clients that look at them with the verifier of real ones.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chopar_relay::{Config, Tls, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// An authority that clients of a test trust.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub root: CertificateDer<'static>,
}

/// A certificate's chain and key, PEM.
pub struct Made {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().der().clone();
        Self {
            issuer: Issuer::new(params, key),
            root,
        }
    }

    /// Its own certificate, PEM.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.root)
    }

    /// A certificate for a name, good for a month.
    pub fn certify(&self, name: &str) -> Made {
        self.certify_at(name, SystemTime::now() - DAY, SystemTime::now() + 30 * DAY)
    }

    /// One that was good until yesterday.
    pub fn expired(&self, name: &str) -> Made {
        self.certify_at(name, SystemTime::now() - 30 * DAY, SystemTime::now() - DAY)
    }

    pub fn certify_at(&self, name: &str, from: SystemTime, until: SystemTime) -> Made {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = OffsetDateTime::from(from);
        params.not_after = OffsetDateTime::from(until);
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        Made {
            chain: pem("CERTIFICATE", leaf.der()),
            key: pem("PRIVATE KEY", key.serialized_der()),
        }
    }
}

impl Made {
    /// Writes both files into a folder, over what was there.
    pub fn write(&self, folder: &Path) -> TlsFiles {
        let files = files(folder);
        std::fs::write(&files.certificate, &self.chain).unwrap();
        std::fs::write(&files.key, &self.key).unwrap();
        files
    }
}

pub fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    }
}

/// A relay that speaks TLS with this certificate and looks for another often.
pub fn with_certificate(config: &mut Config, made: &Made, folder: &Path) {
    config.tls = Tls::Files(made.write(folder));
    config.certificate_look = Duration::from_millis(50);
}

/// A client as browsers are today.
pub fn client(root: &CertificateDer<'static>) -> ClientConfig {
    client_with(&[kx_group::X25519MLKEM768, kx_group::X25519], root)
}

/// A client on a machine whose clock says so much since 1970.
pub fn client_at(clock: Duration, root: &CertificateDer<'static>) -> ClientConfig {
    #[derive(Debug)]
    struct Stopped(Duration);
    impl TimeProvider for Stopped {
        fn current_time(&self) -> Option<UnixTime> {
            Some(UnixTime::since_unix_epoch(self.0))
        }
    }
    let mut config = client(root);
    config.time_provider = Arc::new(Stopped(clock));
    config
}

/// A client that trusts `root` and offers these key exchanges.
pub fn client_with(groups: &[&'static dyn SupportedKxGroup], root: &CertificateDer<'static>) -> ClientConfig {
    let mut provider = default_provider();
    provider.kx_groups = groups.to_vec();
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Each handshake is a whole one.
    config.resumption = Resumption::disabled();
    config
}

/// A handshake with the relay on this port, as whom it should be.
pub async fn connect(
    port: u16,
    name: &'static str,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    handshake(TcpStream::connect(("127.0.0.1", port)).await?, name, config).await
}

/// A handshake over a line that stands.
pub async fn handshake(
    line: TcpStream,
    name: &'static str,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, line).await
}

/// The first thing that a client says.
pub fn hello(config: ClientConfig) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// DER as PEM, in one line as some tools write it.
fn pem(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{digits}\n-----END {label}-----\n")
}
