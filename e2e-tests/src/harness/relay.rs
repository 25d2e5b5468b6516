//! The real relay as a process: started, killed without a warning, started again on the same port and data.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::{Child, Command};

use super::patience::{Patience, eventually};
use super::places::Places;

/// A port on 127.0.0.1 set aside for a relay, so that something can be put in front of it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayPort(pub u16);

impl RelayPort {
    /// A port nobody listens on now. Between this look and the bind somebody could take it; on a test machine nobody does.
    ///
    /// # Errors
    /// When there is none.
    pub fn free() -> Result<Self> {
        Ok(Self(
            TcpListener::bind("127.0.0.1:0")
                .context("no free port")?
                .local_addr()?
                .port(),
        ))
    }
}

/// How a relay is to be run; the same plan starts it again after its end.
#[derive(Clone, Debug)]
pub struct RelayPlan {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Its data folder.
    pub data: PathBuf,
    /// Where its output goes: one file over all its lives.
    pub log: PathBuf,
    /// The origins under which pages reach it; empty: its own.
    pub origins: Vec<String>,
    /// Whether people may do everything as fast as they can: where what they do is the matter, and not how the relay bears it.
    pub unlimited: bool,
    /// The executable.
    pub executable: PathBuf,
}

/// A running relay. Dropping it kills it.
pub struct Relay {
    plan: RelayPlan,
    child: Child,
}

impl RelayPlan {
    /// A plan for a relay with all its files in `folder`, on a port that is free now.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn new(places: &Places, folder: &Path) -> Result<Self> {
        Ok(Self {
            port: RelayPort::free()?.0,
            data: folder.join("relay-data"),
            log: folder.join("relay.log"),
            origins: Vec::new(),
            unlimited: false,
            executable: places.relay.clone(),
        })
    }

    /// The address people open.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

impl Relay {
    /// Starts a relay and waits until it answers.
    ///
    /// # Errors
    /// With its own last words when it does not.
    pub async fn start(plan: RelayPlan) -> Result<Self> {
        tokio::fs::create_dir_all(&plan.data).await?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&plan.log)?;
        let mut command = Command::new(&plan.executable);
        command
            .arg("serve")
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", plan.port))
            .arg("--data")
            .arg(&plan.data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .env("RUST_LOG", "debug")
            .kill_on_drop(true);
        if plan.unlimited {
            command.arg("--no-rate-limits");
        }
        for origin in &plan.origins {
            command.arg("--origin").arg(origin);
        }
        let child = command
            .spawn()
            .with_context(|| format!("{} does not start", plan.executable.display()))?;
        let mut relay = Self { plan, child };
        relay.until_ready().await?;
        Ok(relay)
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.plan.port
    }

    /// The plan it runs by.
    pub const fn plan(&self) -> &RelayPlan {
        &self.plan
    }

    /// `kill -9`, and no goodbye to anybody.
    ///
    /// # Errors
    /// When the process cannot be ended.
    pub async fn kill(mut self) -> Result<RelayPlan> {
        self.child.kill().await.context("killing the relay")?;
        Ok(self.plan)
    }

    /// Everything it has printed, over all its lives.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub async fn printed(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&tokio::fs::read(&self.plan.log).await?).into_owned())
    }

    /// The one-time owner invite link it printed, as a path with fragment: `/join#…`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn owner_invite(&self) -> Result<String> {
        eventually(
            "the relay to print the owner's invite link",
            Patience::SOON,
            || async {
                let printed = self.printed().await?;
                Ok(printed.find("/join#").map(|at| {
                    let end = |c: char| !(c.is_ascii_alphanumeric() || "-_#/".contains(c));
                    printed[at..].split(end).next().unwrap_or_default().to_owned()
                }))
            },
        )
        .await
    }

    async fn until_ready(&mut self) -> Result<()> {
        let address = format!("127.0.0.1:{}", self.plan.port);
        let start = std::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let printed = self.printed().await?;
                let last: Vec<&str> = printed.lines().rev().take(20).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                anyhow::bail!("the relay ended at once ({status}):\n{}", last.join("\n"));
            }
            if tokio::net::TcpStream::connect(&address).await.is_ok() {
                return Ok(());
            }
            ensure!(
                start.elapsed() < Patience::LONG.duration(),
                "the relay does not listen on {address}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}
