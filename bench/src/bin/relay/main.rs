//! `bench relay`: what one relay process carries. Real connections, signed in by real keys, 1 KiB payloads.
//!
//! ```text
//!  core 0: chopar-relay serve (its store on the folder given)      core 1: this program
//!    ^  loopback, WebSocket, plain or TLS                              │ link: one connection
//!    └──────────────────────────────────────────────────────────────── ┘ crowd: many people
//! ```
//! | module | holds |
//! |---|---|
//! | `server` | the relay as a process: pinned, its memory and processor time |
//! | `database`, `disk` | PostgreSQL on the relay's core; how long the disk takes |
//! | `crowd`, `link` | people with keys, and their connections |
//! | `idle`, `pairs`, `offline`, `fanout`, `arrivals`, `start` | one measurement each |
//! | `options`, `run` | what is measured; one relay with its people |
//! | `report` | table, goals, lines of JSON |
//!
//! Every rate comes with the relay's own processor time for each message: it says what the core would carry where the
//! generator, which has the other one, is the slower of the two, and it is hardly disturbed by what else runs.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

mod arrivals;
mod crowd;
mod database;
mod disk;
mod fanout;
mod idle;
mod link;
mod offline;
mod options;
mod pairs;
#[path = "../../../../relay/tests/common/people.rs"]
#[allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared with the relay's tests"
)]
mod people;
#[path = "../../../../relay/tests/common/postgres.rs"]
mod postgres;
mod report;
mod run;
mod server;
mod start;

use anyhow::{Context, Result};
use clap::Parser;

use crate::crowd::Crowd;
use crate::database::Database;
use crate::options::Options;
use crate::report::{Goal, Report, quantile};
use crate::run::Run;
use crate::server::{Server, pin};

fn main() -> Result<()> {
    let options = Options::parse();
    server::raise_open_files();
    // Threads inherit it, so it comes before there are any.
    pin(options.generator_core)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(measure(&options))
}

async fn measure(options: &Options) -> Result<()> {
    println!("{options}");
    let mut report = Report::default();
    let runs = options
        .store
        .iter()
        .flat_map(|store| options.transports().into_iter().map(|tls| (*store, tls)));
    for (store, tls) in runs {
        let folder = options.fresh_folder()?;
        let waits = disk::waits(folder.path())?;
        let database = Database::start(options, store)?;
        let server = Server::start(options, folder.path(), &database, tls).await?;
        let crowd = Crowd::register(&server, options.people())
            .await
            .context("registering people")?;
        let mut run = Run {
            options,
            store,
            server,
            crowd,
            report: &mut report,
        };
        // Beside which every latency is to be read.
        run.note("disk_wait_p50_ms", quantile(&waits, 0.5)?, Goal::None);
        run.note("disk_wait_p99_ms", quantile(&waits, 0.99)?, Goal::None);
        for figure in &options.figures {
            figure.measure(&mut run).await?;
        }
        run.server.stop().await?;
    }
    report.show();
    Ok(())
}
