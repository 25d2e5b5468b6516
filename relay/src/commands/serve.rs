//! `chopar-relay serve`.

use std::io::Write;
#[cfg(any(debug_assertions, feature = "web-from-disk"))]
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use tokio::net::TcpListener;

use crate::settings::flags::{All, Flags};
use crate::{Rates, Relay, WebSource, descriptors};

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags<All>,
    /// Do not limit rates: for benchmarks, never for people.
    #[arg(long)]
    no_rate_limits: bool,
    /// Serve the web client from this folder, not from the program.
    #[cfg(any(debug_assertions, feature = "web-from-disk"))]
    #[arg(long, value_name = "DIR")]
    web_dist: Option<PathBuf>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<()> {
        let choices = super::choices(&self.flags)?;
        super::start_log(choices.log_json);
        let address = choices.listen;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("{address} cannot be listened on"))?;
        let mut config = choices.config();
        config.web = self.web();
        config.caps.connections = descriptors::make_room(config.caps.connections);
        if self.no_rate_limits {
            tracing::warn!("rates are not limited");
            config.rates = Rates::unlimited();
        }
        let at = listener.local_addr()?;
        if !config.speaks_tls_at(at) {
            let by_https = config.origins.iter().any(|origin| origin.starts_with("https://"));
            if !config.behind_proxy && by_https {
                tracing::warn!(
                    "people come by https, so through a proxy, but --behind-proxy is not set: all of them count as one address"
                );
            }
            if config.behind_proxy && config.proxies.is_empty() && !at.ip().is_loopback() {
                tracing::warn!(
                    "other machines reach {}, and none of them is served: plain HTTP is for proxies, and --proxy ADDRESS names none",
                    at.ip()
                );
            }
        }
        let relay = Relay::open(listener, config).await?;
        if let Some((page, fingerprint)) = relay.authority() {
            say(&format!(
                "Its certificate comes from an authority of its own. People install that once, as {page} explains, and \
                 compare the fingerprint that they are shown there with this one:\n  {fingerprint}"
            ));
        }
        let stop = stop_signal().context("signals cannot be caught")?;
        let url = relay.url();
        say(&match relay.owner_invite() {
            Some(link) => format!(
                "Chopar is at {url}\nThere is no owner yet. Open this link to become the owner (it works once):\n  {link}"
            ),
            None => format!("Chopar is at {url}\nThere is an owner; invites are made in the app."),
        });
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

/// Tells whoever started it. They may not listen any more: it serves all the same.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
