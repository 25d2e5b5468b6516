//! What a relay is told before it starts. Every field has a default that serves one machine.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chopar_wire::limits::MAX_DEVICES;

use crate::clock::Clock;
use crate::policy::limits::Rates;
pub use crate::store::open::Database;
pub use crate::store::postgres::{PostgresUrl, UrlError};

/// How soon a renewed certificate is seen: it is renewed weeks before the end of the one before, and reading two small
/// files costs nothing.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(10);

/// Everything that can be chosen about a relay.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of this relay's own files; made if it is missing. No two relays share one.
    pub data: PathBuf,
    /// Where accounts and queues are kept.
    pub database: Database,
    /// The organisation's name, part of what a device signs at sign-in.
    pub name: String,
    /// Origins (`scheme://host[:port]`) under which clients reach this relay. Empty: localhost and 127.0.0.1 at the
    /// listener's port.
    pub origins: Vec<String>,
    /// A TLS-terminating proxy stands in front: listening beyond loopback by plain HTTP is allowed, who comes from neither
    /// this machine nor one of `proxies` is closed there, and what a proxy on this machine says in `X-Forwarded-For` is
    /// believed.
    pub behind_proxy: bool,
    /// Addresses of proxies on other machines that are served and believed too; behind a proxy only.
    pub proxies: Vec<IpAddr>,
    /// How the relay speaks on its listener.
    pub tls: Tls,
    /// How often the files of a certificate are looked at.
    pub certificate_look: Duration,
    /// Where the web client comes from.
    pub web: WebSource,
    /// Bounds of the accept loop.
    pub caps: Caps,
    /// Token buckets of signed-in accounts and of addresses.
    pub rates: Rates,
    /// Bound of the database file in bytes; reaching it is answered like a full disk.
    pub database_bytes_max: Option<u64>,
    /// Where files are kept, how many and for how long.
    pub files: FileLimits,
    /// Where numbers for whoever watches the relay are served, by plain HTTP; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Where time comes from.
    pub clock: Clock,
}

/// How the relay speaks on its listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP on this machine or behind a proxy, where it is allowed; elsewhere as `Own`.
    Auto,
    /// Plain HTTP, and nothing else.
    Off,
    /// TLS with a certificate from an authority of the relay's own, made at the first start and kept in the data folder.
    Own,
    /// TLS with a certificate from files.
    Files(TlsFiles),
}

/// A certificate and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's own certificate first, then those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Where the relay takes the web client from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebSource {
    /// What was embedded when the relay was built; a page that says how to build it where nothing was.
    Embedded,
    /// A folder, read at every request.
    Folder(PathBuf),
}

/// Bounds of connections before they are signed in, and of their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Connections in total. About 6 KiB each: 10,000 are 60 MiB.
    pub connections: usize,
    /// Connections of one address: an office behind one NAT, not a flood.
    pub per_address: usize,
    /// Connections of one account: each of its eight devices has one, and one more that is being replaced and has not
    /// taken its goodbye yet.
    pub per_account: usize,
    /// Time for the TLS handshake, as for a request head.
    pub tls_handshake: Duration,
    /// Time for a request head: a slow client must not hold a connection.
    pub request_head: Duration,
    /// Time from the WebSocket's opening to the sign-in.
    pub sign_in: Duration,
    /// The same for one that showed a usable invite: a person is choosing a handle.
    pub registration: Duration,
    /// How long a write may stand still before the reader counts as gone; its messages are kept.
    pub slow_reader: Duration,
    /// How long a part of 64 KiB of a file may take on its way up or down. Who is slower makes room for others.
    pub file_part: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: 512,
            per_account: 2 * MAX_DEVICES,
            tls_handshake: Duration::from_secs(10),
            request_head: Duration::from_secs(10),
            sign_in: Duration::from_secs(30),
            registration: Duration::from_secs(15 * 60),
            slow_reader: Duration::from_secs(20),
            // 9 kbit/s.
            file_part: Duration::from_secs(60),
        }
    }
}

/// Where files are kept, how many and for how long. All bytes are those of encrypted files, padded: up to a tenth more than
/// people see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// The folder; several relays may share one. `None`: beside the embedded database, or in PostgreSQL where that is used.
    pub folder: Option<PathBuf>,
    /// The largest file, in bytes.
    pub bytes_max: u64,
    /// All files of one member, in bytes.
    pub bytes_of_member: u64,
    /// All files, in bytes.
    pub bytes_in_total: u64,
    /// How long a file is kept from its last byte on, in milliseconds.
    pub keep_ms: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            folder: None,
            bytes_max: 115_000_000,
            bytes_of_member: 2_000_000_000,
            bytes_in_total: 20_000_000_000,
            keep_ms: 30 * 24 * 3600 * 1000,
        }
    }
}

impl Config {
    /// A relay named "Chopar" that keeps its data in `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database: Database::Embedded,
            name: "Chopar".to_owned(),
            origins: Vec::new(),
            behind_proxy: false,
            proxies: Vec::new(),
            tls: Tls::Auto,
            certificate_look: CERTIFICATE_LOOK,
            web: WebSource::Embedded,
            caps: Caps::default(),
            rates: Rates::default(),
            database_bytes_max: None,
            files: FileLimits::default(),
            metrics: None,
            clock: Clock::system(),
        }
    }

    /// The origins of this relay on a listener at `local`: the configured ones, or the listener's own.
    pub(crate) fn origins_at(&self, local: SocketAddr) -> Vec<String> {
        if !self.origins.is_empty() {
            return self
                .origins
                .iter()
                .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
                .collect();
        }
        let address = local.ip();
        let tls = self.speaks_tls_at(local);
        if tls && !address.is_loopback() && !address.is_unspecified() {
            return vec![format!(
                "https://{}",
                authority(&bracketed(address), local.port(), tls)
            )];
        }
        let scheme = if tls { "https" } else { "http" };
        LOOPBACK_NAMES
            .map(|name| format!("{scheme}://{}", authority(name, local.port(), tls)))
            .to_vec()
    }

    /// What a `Host` header may say: the authorities of the origins, with and without the scheme's own port, and, for a
    /// proxy on this machine, the listener's loopback names.
    pub(crate) fn hosts_at(&self, local: SocketAddr) -> Vec<String> {
        let mut hosts = LOOPBACK_NAMES
            .map(|name| format!("{name}:{}", local.port()))
            .to_vec();
        for origin in self.origins_at(local) {
            if let Some((scheme, authority)) = origin.split_once("://") {
                let port = if scheme == "https" { 443 } else { 80 };
                hosts.push(format!("{authority}:{port}"));
                hosts.push(authority.to_owned());
            }
        }
        hosts
    }

    /// Whether connections to a listener at `local` begin with a TLS handshake.
    pub(crate) fn speaks_tls_at(&self, local: SocketAddr) -> bool {
        match self.tls {
            Tls::Auto => !local.ip().is_loopback() && !self.behind_proxy,
            Tls::Off => false,
            Tls::Own | Tls::Files(_) => true,
        }
    }
}

/// What a listener on this machine is called on this machine.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Host and port as browsers write them: the scheme's own port is left out.
fn authority(host: &str, port: u16, tls: bool) -> String {
    if port == if tls { 443 } else { 80 } {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    }
}

/// An address as a host in an origin.
fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_default_to_the_listener_and_are_normalised() {
        let mut config = Config::new("data");
        assert_eq!(
            config.origins_at(([127, 0, 0, 1], 8080).into())[0],
            "http://localhost:8080"
        );
        config.origins = vec!["https://Chat.Example.org/".to_owned()];
        assert_eq!(
            config.origins_at(([127, 0, 0, 1], 8080).into()),
            ["https://chat.example.org"]
        );
    }

    #[test]
    fn listeners_have_the_names_that_browsers_use() {
        let mut config = Config::new("data");
        let at = |config: &Config, text: &str| config.origins_at(text.parse().unwrap());
        assert_eq!(at(&config, "127.0.0.1:80")[0], "http://localhost");
        config.tls = Tls::Files(TlsFiles {
            certificate: "c".into(),
            key: "k".into(),
        });
        assert_eq!(at(&config, "127.0.0.1:443")[0], "https://localhost");
        assert_eq!(at(&config, "192.168.1.5:443"), ["https://192.168.1.5"]);
        assert_eq!(at(&config, "[2001:db8::5]:8443"), ["https://[2001:db8::5]:8443"]);
        assert!(
            config
                .hosts_at("192.168.1.5:443".parse().unwrap())
                .contains(&"192.168.1.5".to_owned())
        );
    }
}
