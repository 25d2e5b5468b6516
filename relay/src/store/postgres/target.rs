//! Where the database is, and how every connection to it begins.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Socket};

use super::link::PATIENCE;
use super::tls::Tls;

/// How long a connection may take to stand: beyond it whoever waits is told that there is no database.
const CONNECT: Duration = Duration::from_secs(3);

/// What every session says first. A node that stands still in the middle of a transaction loses it, and with it the rows
/// that others wait for, before they give up waiting. Every statement of ours finds its rows by a key: a plan made while a
/// table was empty must not read the whole of it when it is full.
const SETTINGS: &str = "-c idle_in_transaction_session_timeout=4000 -c lock_timeout=8000 -c statement_timeout=15000 \
     -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off \
     -c plan_cache_mode=force_generic_plan -c client_min_messages=warning \
     -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";

/// Where a PostgreSQL database is, as `postgres://…` says it. Holds a password: it prints none.
#[derive(Clone)]
pub struct PostgresUrl {
    config: Box<tokio_postgres::Config>,
    tls: Option<Tls>,
}

/// A text is no address of a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Not of the form that is asked for. What is wrong is not quoted: it may be a password.
    #[error(
        "this is no address of a database; write postgres://user@host/name, or postgres:///name?host=/run/postgresql for a \
         socket on this machine"
    )]
    Malformed,
    /// People's envelopes and the password would travel in the clear.
    #[error(
        "the database is on another machine, and the way to it would not be encrypted: name the authority of its certificate \
         with --database-ca, or say with sslmode=disable in its address that the way is protected otherwise, by a tunnel for \
         example"
    )]
    Exposed,
    /// Nobody could be held to it.
    #[error("{0} holds no certificate of an authority that can be used; it is to be in PEM form")]
    Authority(PathBuf),
}

impl PostgresUrl {
    /// Reads an address. With a file of `authorities` (PEM) the server must show a certificate of one of them; without one the
    /// address must be on this machine, or say that the way is protected otherwise.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str, authorities: Option<&Path>) -> Result<Self, UrlError> {
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(UrlError::Malformed);
        }
        let mut config: tokio_postgres::Config = text.parse().map_err(|_| UrlError::Malformed)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(UrlError::Malformed);
        }
        if let Some(file) = authorities {
            config.ssl_mode(SslMode::Require);
            let tls = Tls::trusting(file).ok_or_else(|| UrlError::Authority(file.to_owned()))?;
            return Ok(Self {
                config: Box::new(config),
                tls: Some(tls),
            });
        }
        let here =
            config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        if !here && config.get_ssl_mode() != SslMode::Disable {
            return Err(UrlError::Exposed);
        }
        config.ssl_mode(SslMode::Disable);
        Ok(Self {
            config: Box::new(config),
            tls: None,
        })
    }

    /// What leads PostgreSQL's own programs to the database, as their options; without the password. Of several servers the
    /// first.
    pub(crate) fn connection_options(&self) -> Vec<(&'static str, String)> {
        let config = &self.config;
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(name)) => Some(name.clone()),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => Some(folder.display().to_string()),
            None => config.get_hostaddrs().first().map(IpAddr::to_string),
        };
        let port = config.get_ports().first().map(u16::to_string);
        let (user, name) = (config.get_user(), config.get_dbname());
        [
            ("--host", host),
            ("--port", port),
            ("--username", user.map(str::to_owned)),
            ("--dbname", name.map(str::to_owned)),
        ]
        .into_iter()
        .filter_map(|(option, value)| Some((option, value?)))
        .collect()
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(…)")
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Why no connection stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// What the server answered, or the system said; neither holds the password.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    #[error("the database does not answer")]
    Silent,
}

impl From<tokio_postgres::Error> for TargetError {
    fn from(fault: tokio_postgres::Error) -> Self {
        let mut said = fault.to_string();
        let mut cause = std::error::Error::source(&fault);
        while let Some(inner) = cause {
            said = format!("{said}: {inner}");
            cause = inner.source();
        }
        Self::Unreachable(said)
    }
}

/// How connections of one use are made.
#[derive(Clone)]
pub(super) struct Target(PostgresUrl);

impl Target {
    /// `role` is shown in `pg_stat_activity`.
    pub(super) fn new(url: &PostgresUrl, role: &str) -> Self {
        Self::with(url, role, SETTINGS.to_owned())
    }

    /// For what is written and counts only once another connection has committed something after it: its commits do not wait
    /// for the disk.
    pub(super) fn lazy(url: &PostgresUrl, role: &str) -> Self {
        Self::with(url, role, format!("{SETTINGS} -c synchronous_commit=off"))
    }

    fn with(url: &PostgresUrl, role: &str, mut options: String) -> Self {
        let mut url = url.clone();
        let config = &mut url.config;
        if let Some(given) = config.get_options() {
            // The person's own settings come last, and win.
            options = format!("{options} {given}");
        }
        config
            .options(options)
            .application_name(format!("chopar-relay {role}"))
            .connect_timeout(CONNECT)
            .tcp_user_timeout(PATIENCE)
            .keepalives_idle(Duration::from_secs(10));
        Self(url)
    }

    pub(super) async fn connect(&self) -> Result<(Client, AbortHandle), TargetError> {
        self.connect_and_hear(|_| {}).await
    }

    /// Connects; `hear` is given what the server says unasked, until the connection ends.
    pub(super) async fn connect_and_hear(
        &self,
        hear: impl FnMut(AsyncMessage) + Send + 'static,
    ) -> Result<(Client, AbortHandle), TargetError> {
        let PostgresUrl { config, tls } = &self.0;
        let connecting = async {
            Ok(match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    (client, tokio::spawn(drive(connection, hear)).abort_handle())
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    (client, tokio::spawn(drive(connection, hear)).abort_handle())
                }
            })
        };
        tokio::time::timeout(CONNECT, connecting)
            .await
            .map_err(|_| TargetError::Silent)?
    }
}

/// Moves a connection's bytes until it ends.
async fn drive<T: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<Socket, T>,
    mut hear: impl FnMut(AsyncMessage),
) {
    while let Some(said) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
        match said {
            Ok(message) => hear(message),
            Err(fault) => {
                let code = fault.code().map_or("none", |code| code.code());
                return tracing::debug!(code, "a connection to the database ended");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_beyond_this_machine_is_protected() {
        let parse = |text: &str| PostgresUrl::parse(text, None).err();
        for good in [
            "postgres://chopar@localhost/chopar",
            "postgresql://chopar:secret@127.0.0.1:5433/chopar",
            "postgres:///chopar?host=/run/postgresql",
            "postgres://chopar@[::1]/chopar",
            "postgres://chopar@db.example.org/chopar?sslmode=disable",
        ] {
            assert_eq!(parse(good), None, "{good}");
        }
        for bad in [
            "",
            "chopar",
            "mysql://a@b/c",
            "host=localhost user=a",
            "postgres://chopar@localhost:notaport/x",
        ] {
            assert_eq!(parse(bad), Some(UrlError::Malformed), "{bad}");
        }
        for exposed in [
            "postgres://chopar@db.example.org/chopar",
            "postgres://chopar@10.0.0.5/chopar?sslmode=prefer",
            "postgres://chopar@db.example.org/chopar?sslmode=require",
            "postgres://chopar@localhost,db.example.org/chopar",
        ] {
            assert_eq!(parse(exposed), Some(UrlError::Exposed), "{exposed}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let remote = || PostgresUrl::parse("postgres://chopar@db.example.org/chopar", Some(&file));
        assert_eq!(remote().err(), Some(UrlError::Authority(file.clone())));
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let digits = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, authority.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{digits}\n-----END CERTIFICATE-----\n");
        std::fs::write(&file, pem).unwrap();
        assert_eq!(remote().unwrap().config.get_ssl_mode(), SslMode::Require);
    }

    /// T-042.
    #[test]
    fn the_password_is_not_printed() {
        let url = PostgresUrl::parse("postgres://chopar:geheim@localhost/chopar", None).unwrap();
        assert!(!format!("{url:?}").contains("geheim"));
    }
}
