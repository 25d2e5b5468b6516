//! What is measured, and how much of it.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use tempfile::TempDir;

use crate::run::Run;
use crate::{arrivals, fanout, idle, offline, pairs, start};

/// What one relay process carries.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// What to measure; everything unless told otherwise.
    #[arg(value_enum, default_values_t = Figure::ALL)]
    pub(crate) figures: Vec<Figure>,
    /// The relay's program, built for release.
    #[arg(long, env = "CHOPAR_RELAY_BIN")]
    pub(crate) program: PathBuf,
    /// Where data folders are made: the disk that is measured. A folder in memory makes every commit free.
    #[arg(long, default_value = "target")]
    pub(crate) folder: PathBuf,
    /// What keeps the relay's data. PostgreSQL is started for the run, on the relay's core and the folder given.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Store::ALL)]
    pub(crate) store: Vec<Store>,
    /// Without TLS, with it, or both.
    #[arg(long, value_enum, default_value_t = Transport::Both)]
    pub(crate) transport: Transport,
    /// Idle connections whose memory is measured, each more than the one before.
    #[arg(long, value_delimiter = ',', default_value = "1000,5000,10000")]
    pub(crate) idle: Vec<usize>,
    /// Pairs of people.
    #[arg(long, default_value_t = 50)]
    pub(crate) pairs: usize,
    /// Messages of one sender that wait for their answer.
    #[arg(long, default_value_t = 32)]
    pub(crate) window: usize,
    /// Seconds of each measurement of pairs.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Messages that are submitted while nobody is there.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) offline: usize,
    /// People of the fan-outs.
    #[arg(long, value_delimiter = ',', default_value = "200,1000")]
    pub(crate) fanout: Vec<usize>,
    /// People who come at once.
    #[arg(long, default_value_t = 5000)]
    pub(crate) storm: usize,
    /// Envelopes that wait when the relay starts.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) queued: usize,
    /// The relay's core.
    #[arg(long, default_value_t = 0)]
    pub(crate) server_core: usize,
    /// This program's core.
    #[arg(long, default_value_t = 1)]
    pub(crate) generator_core: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Plain,
    Tls,
    Both,
}

/// What keeps a relay's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Figure {
    /// Memory of idle connections.
    Idle,
    /// One to one, everybody there.
    Pairs,
    /// One to one, nobody there, then everybody.
    Offline,
    /// One to many.
    Fanout,
    /// Sign-ins and the storm after a network failure.
    Arrivals,
    /// From the program's start to its first challenge.
    Start,
}

impl Figure {
    const ALL: [Self; 6] = [
        Self::Idle,
        Self::Pairs,
        Self::Offline,
        Self::Fanout,
        Self::Arrivals,
        Self::Start,
    ];

    pub(crate) async fn measure(self, run: &mut Run<'_>) -> Result<()> {
        match self {
            Self::Idle => idle::measure(run).await,
            Self::Pairs => pairs::measure(run).await,
            Self::Offline => offline::measure(run).await,
            Self::Fanout => fanout::measure(run).await,
            Self::Arrivals => arrivals::measure(run).await,
            Self::Start => start::measure(run).await,
        }
    }
}

impl Options {
    /// Whether each run speaks TLS.
    pub(crate) fn transports(&self) -> Vec<bool> {
        match self.transport {
            Transport::Plain => vec![false],
            Transport::Tls => vec![true],
            Transport::Both => vec![false, true],
        }
    }

    /// People that the measurements chosen need.
    pub(crate) fn people(&self) -> usize {
        let most = |counts: &[usize]| counts.iter().copied().max().unwrap_or(0);
        let needed = |figure: &Figure| match figure {
            Figure::Idle => most(&self.idle),
            Figure::Pairs | Figure::Offline => 2 * self.pairs,
            Figure::Fanout => most(&self.fanout) + 1,
            Figure::Arrivals => self.storm,
            Figure::Start => start::RECIPIENTS + self.pairs,
        };
        self.figures.iter().map(needed).max().unwrap_or(0)
    }

    pub(crate) fn fresh_folder(&self) -> Result<TempDir> {
        std::fs::create_dir_all(&self.folder)?;
        Ok(tempfile::Builder::new()
            .prefix("bench-relay-")
            .tempdir_in(&self.folder)?)
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "relay on core {}, generator on core {}, data on {}; {} pairs, window {}, payloads of {} bytes; caps raised to {} \
             connections in total and of one address, rates not limited",
            self.server_core,
            self.generator_core,
            self.folder.display(),
            self.pairs,
            self.window,
            crate::link::PAYLOAD,
            crate::server::CONNECTIONS,
        )
    }
}
