//! `bench vault`: what somebody with a long history feels. One relay, two browsers; one of them has said everything, as fast as it can,
//! and the other, which is measured, has received, decrypted, kept and indexed it as it does with any message.
//!
//! | figure | from | to | goal |
//! |---|---|---|---|
//! | `start` | navigation, no lock | the list of conversations | none |
//! | `unlock` | Enter behind the passphrase | the same; the passphrase is slow to try by design (P-261) | 500 ms |
//! | `open` | a press on the conversation, all of it read, nothing of it in memory | its last message, painted | 150 ms |
//! | `open_unread` | the same, tens of thousands of messages not read | the line above the first of them, painted | none |
//! | `search_first` | a word typed, the index not yet in memory | the first page of hits, painted | none |
//! | `search` | the next words | the same | 100 ms |
//! | `scroll` | one frame | the next, while a page a second goes by | 50 ms at the 95th percentile |
//! | `turnaround` | a message reaches the worker | the next frame leaves: its acknowledgement, when it is decrypted, kept and indexed, unless another comes between | 5 ms |
//!
//! Goals are for medians unless they say otherwise. Prints a table, memory, then one line of JSON for each figure.

mod measure;
mod profile;
mod report;

use std::sync::Arc;

use anyhow::Result;
use chopar_e2e::harness::Stage;
use clap::Parser;

use crate::report::{Figure, Report};

/// Messages of the profile: years of a busy person.
const MESSAGES: usize = 50_000;

/// What somebody with a long history feels: start, opening, search, scrolling, receiving.
#[derive(Clone, Parser)]
struct Options {
    /// How many messages the profile has. 50,000 take some ten minutes to be said.
    #[arg(long, default_value_t = MESSAGES)]
    messages: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Options { messages } = Options::parse();
    Stage::play("bench-vault", move |stage| play(stage, messages)).await
}

async fn play(stage: Arc<Stage>, messages: usize) -> Result<()> {
    let mut report = Report::new(messages);
    let (sender, reader) = profile::fill(&stage, messages).await?;
    report.memory("after receiving", reader.chrome().memory().await?);

    let times = measure::turnaround(&sender, &reader, messages).await?;
    report.add(Figure::new("turnaround", times).at_most(5.0))?;
    sender.leave().await?;
    report.add(Figure::new("start", measure::start(&reader).await?))?;
    report.memory("after a start", reader.chrome().memory().await?);
    let times = measure::open_unread(&reader, profile::SENDER).await?;
    report.add(Figure::new("open_unread", times))?;
    let last = messages + measure::RECEIVED - 1;
    let times = measure::open(&reader, profile::SENDER, last).await?;
    report.add(Figure::new("open", times).at_most(150.0))?;
    let (first, next) = measure::search(&reader).await?;
    report.add(Figure::new("search_first", first))?;
    report.add(Figure::new("search", next).at_most(100.0))?;
    report.memory("with the index", reader.chrome().memory().await?);
    let (frames, rows) = measure::scroll(&reader, profile::SENDER).await?;
    report.add(Figure::new("scroll", frames).p95_at_most(50.0))?;
    report.rows(rows);
    report.memory("after scrolling", reader.chrome().memory().await?);
    report.add(Figure::new("unlock", measure::unlock(&reader).await?).at_most(500.0))?;
    report.show();
    Ok(())
}
