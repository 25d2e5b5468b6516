//! The relay as a process of its own: started, pinned, watched, stopped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::database::Database;
use crate::options::Options;

/// Connections that the relay is told to take, in total and from one address: all of them come from this machine.
pub(crate) const CONNECTIONS: usize = 30_000;
/// Longer than a start takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Child,
    launch: Launch,
    pub(crate) port: u16,
    /// Token of the first owner's invite; `None` once there is an owner.
    pub(crate) owner_token: Option<String>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// When the program was started.
    pub(crate) begun: Instant,
}

/// How it is started, and started again.
#[derive(Clone)]
struct Launch {
    program: PathBuf,
    data: PathBuf,
    database: Option<String>,
    /// The relay's, and this program's.
    cores: (usize, usize),
    speaks_tls: bool,
}

impl Server {
    pub(crate) async fn start(
        options: &Options,
        data: &Path,
        database: &Database,
        speaks_tls: bool,
    ) -> Result<Self> {
        Self::run(Launch {
            program: options.program.clone(),
            data: data.to_owned(),
            database: database.url().map(str::to_owned),
            cores: (options.server_core, options.generator_core),
            speaks_tls,
        })
        .await
    }

    async fn run(launch: Launch) -> Result<Self> {
        let many = CONNECTIONS.to_string();
        let mut command = Command::new(&launch.program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--no-rate-limits", "--data"])
            .arg(&launch.data)
            .args(["--connections", &many, "--connections-per-address", &many])
            .args(["--tls", if launch.speaks_tls { "own" } else { "off" }])
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some(url) = &launch.database {
            command.env("CHOPAR_DATABASE", url);
        }
        // A process starts on the cores of who starts it.
        pin(launch.cores.0)?;
        let begun = Instant::now();
        let spawned = command.spawn();
        pin(launch.cores.1)?;
        let mut child = spawned.with_context(|| format!("{} does not start", launch.program.display()))?;
        let output = child.stdout.take().context("the relay's output")?;
        let reading = read_start(output);
        let (port, owner_token) = tokio::time::timeout(PATIENCE, reading).await??;
        let tls = launch.speaks_tls.then(|| trust(&launch.data)).transpose()?;
        Ok(Self {
            child,
            launch,
            port,
            owner_token,
            tls,
            begun,
        })
    }

    /// Stops it as a service manager would and starts it anew on the same data.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.end().await?;
        *self = Self::run(self.launch.clone()).await?;
        Ok(())
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        self.end().await
    }

    async fn end(&mut self) -> Result<()> {
        kill_process(self.pid()?, Signal::TERM)?;
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        ensure!(status.success(), "the relay ended with {status}");
        Ok(())
    }

    fn pid(&self) -> Result<Pid> {
        let id = self.child.id().context("the relay has ended")?;
        Pid::from_raw(i32::try_from(id)?).context("a process id")
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(self.proc("status")?)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context("VmRSS")?.parse()?)
    }

    /// Processor time so far, user and system.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        processor_time(&self.proc("stat")?)
    }

    fn proc(&self, name: &str) -> Result<PathBuf> {
        let id = self.child.id().context("the relay has ended")?;
        Ok(format!("/proc/{id}/{name}").into())
    }

    pub(crate) fn origin(&self) -> String {
        let scheme = if self.launch.speaks_tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }
}

/// This program's processor time so far, user and system.
pub(crate) fn own_processor_time() -> Result<Duration> {
    processor_time(Path::new("/proc/self/stat"))
}

fn processor_time(stat: &Path) -> Result<Duration> {
    let stat = std::fs::read_to_string(stat)?;
    // The program's name stands in parentheses and may hold anything; user and system time are the 14th and 15th.
    let (_, after) = stat.rsplit_once(')').context("stat")?;
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / clock_ticks_per_second()))
}

/// Where it serves, and the owner's invite where there is none yet.
async fn read_start(output: tokio::process::ChildStdout) -> Result<(u16, Option<String>)> {
    let mut lines = BufReader::new(output).lines();
    let mut port = None;
    while let Some(line) = lines.next_line().await? {
        if let Some((_, after)) = line.split_once("Chopar is at ") {
            port = after.rsplit(':').next().and_then(|port| port.parse().ok());
        }
        let token = line.split_once("/join#").map(|(_, token)| token.to_owned());
        if let Some(port) = port
            && (token.is_some() || line.contains("There is an owner"))
        {
            return Ok((port, token));
        }
    }
    bail!("the relay ended before it said where it is")
}

fn trust(data: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data.join("tls/authority.crt"))?)?;
    Ok(Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    ))
}

/// Binds this thread, and what it starts from here on, to a core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("core {core} cannot be had"))
}

/// As many open files as may be.
pub(crate) fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(fault) = setrlimit(Resource::Nofile, raised) {
        println!("open files stay limited: {fault}");
    }
}
