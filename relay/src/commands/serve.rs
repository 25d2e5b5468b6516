//! `chopar-relay serve`.

use std::net::IpAddr;
#[cfg(any(debug_assertions, feature = "web-from-disk"))]
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use chopar_identity::{DisplayName, NameError};
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;

use super::{Certificate, DataFolder, Listening};
use crate::{Config, Rates, Relay, Tls, WebSource, descriptors};

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    data: DataFolder,
    #[command(flatten)]
    listening: Listening,
    /// Whether the relay speaks TLS itself: `auto` does where other machines reach it, `own` always with a certificate
    /// authority of its own, `off` never.
    #[arg(long, env = "CHOPAR_TLS", value_enum, default_value_t = TlsChoice::Auto, value_name = "WHEN")]
    tls: TlsChoice,
    #[command(flatten)]
    certificate: Certificate,
    /// Where people reach this relay, as a browser shows it; may be given several times.
    #[arg(
        long = "origin",
        env = "CHOPAR_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    origins: Vec<String>,
    /// The organisation's name, shown with invites and signed at sign-in.
    #[arg(long, env = "CHOPAR_NAME", default_value = "Chopar", value_parser = organisation)]
    name: String,
    /// A proxy speaks TLS to the world and plain HTTP to this relay. What one on this machine says in X-Forwarded-For
    /// is believed, and listening beyond this machine is allowed.
    #[arg(long, env = "CHOPAR_BEHIND_PROXY")]
    behind_proxy: bool,
    /// Address of a proxy on another machine whose X-Forwarded-For is believed too; may be given several times.
    #[arg(
        long = "proxy",
        env = "CHOPAR_PROXY",
        value_delimiter = ',',
        value_name = "ADDRESS",
        requires = "behind_proxy"
    )]
    proxies: Vec<IpAddr>,
    /// Bound of the database file in the data folder, in bytes.
    #[arg(long, env = "CHOPAR_DATABASE_BYTES_MAX", value_name = "BYTES")]
    database_bytes_max: Option<u64>,
    /// Connections of one address at once.
    #[arg(long, env = "CHOPAR_CONNECTIONS_PER_ADDRESS", value_name = "COUNT")]
    connections_per_address: Option<usize>,
    /// Connections in total.
    #[arg(long, env = "CHOPAR_CONNECTIONS", value_name = "COUNT")]
    connections: Option<usize>,
    /// Do not limit rates: for benchmarks, never for people.
    #[arg(long)]
    no_rate_limits: bool,
    /// Serve the web client from this folder, not from the program.
    #[cfg(any(debug_assertions, feature = "web-from-disk"))]
    #[arg(long, value_name = "DIR")]
    web_dist: Option<PathBuf>,
    /// Log as JSON lines.
    #[arg(long, env = "CHOPAR_LOG_JSON")]
    pub(super) log_json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TlsChoice {
    Auto,
    Own,
    Off,
}

impl Serve {
    pub(super) async fn run(self) -> Result<()> {
        let address = self.listening.address;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("{address} cannot be listened on"))?;
        let web = self.web();
        let database = self.data.database()?;
        let mut config = Config::new(self.data.path);
        config.database = database;
        config.tls = match (self.certificate.files(), self.tls) {
            (None, TlsChoice::Auto) => Tls::Auto,
            (None, TlsChoice::Own) => Tls::Own,
            (None, TlsChoice::Off) => Tls::Off,
            (Some(files), TlsChoice::Auto) => Tls::Files(files),
            (Some(_), TlsChoice::Own | TlsChoice::Off) => {
                bail!("a certificate is given, and --tls says not to use it: leave one of them out")
            }
        };
        config.name = self.name;
        config.origins = self.origins;
        config.behind_proxy = self.behind_proxy;
        config.proxies = self.proxies;
        config.database_bytes_max = self.database_bytes_max;
        config.web = web;
        config.caps.connections = descriptors::make_room(self.connections.unwrap_or(config.caps.connections));
        config.caps.per_address = self.connections_per_address.unwrap_or(config.caps.per_address);
        if self.no_rate_limits {
            tracing::warn!("rates are not limited");
            config.rates = Rates::unlimited();
        }
        if !config.behind_proxy
            && !config.speaks_tls_at(listener.local_addr()?)
            && config.origins.iter().any(|origin| origin.starts_with("https://"))
        {
            tracing::warn!(
                "people come by https, so through a proxy, but --behind-proxy is not set: all of them count as one address"
            );
        }
        let relay = Relay::open(listener, config).await?;
        if let Some((page, fingerprint)) = relay.authority() {
            println!(
                "Its certificate comes from an authority of its own. People install that once, as {page} explains, and \
                 compare the fingerprint that they are shown there with this one:\n  {fingerprint}"
            );
        }
        let stop = stop_signal().context("signals cannot be caught")?;
        match relay.owner_invite() {
            Some(link) => println!(
                "Chopar is at {}\nThere is no owner yet. Open this link to become the owner (it works once):\n  {link}",
                relay.url()
            ),
            None => println!(
                "Chopar is at {}\nThere is an owner; invites are made in the app.",
                relay.url()
            ),
        }
        tracing::info!("serving");
        relay.run(stop).await?;
        Ok(())
    }

    #[cfg(any(debug_assertions, feature = "web-from-disk"))]
    fn web(&self) -> WebSource {
        self.web_dist
            .clone()
            .map_or(WebSource::Embedded, WebSource::Folder)
    }

    #[cfg(not(any(debug_assertions, feature = "web-from-disk")))]
    fn web(&self) -> WebSource {
        WebSource::Embedded
    }
}

/// An organisation's name follows the rules for a person's, because it stands in the same places; clients refuse another.
fn organisation(name: &str) -> Result<String, NameError> {
    DisplayName::parse(name).map(|name| name.as_str().to_owned())
}

/// Ctrl-C or, from a service manager, SIGTERM. Caught from here on, awaited later.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_named_as_a_person_may_be() {
        assert_eq!(
            organisation(" Oʻzbekiston banki ").as_deref(),
            Ok("Oʻzbekiston banki")
        );
        for bad in ["", "  ", "Bank\u{202e}knaB", "two\nlines", &"x".repeat(65)] {
            assert!(organisation(bad).is_err(), "{bad:?}");
        }
    }
}
