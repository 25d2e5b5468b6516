//! `bench sim`: how fast the engine's simulator delivers. One process, no network, every fault switched on.
//!
//! The same seed is the same world.

use std::time::Instant;

use anyhow::Result;
use chopar_engine::simulator::{Config, run};
use clap::Parser;
use serde_json::json;

/// Messages unless told otherwise: seconds of work, so that start-up does not show.
const MESSAGES: usize = 10_000;
/// The world unless told otherwise.
const SEED: u64 = 1;

/// How fast the engine's simulator delivers.
#[derive(Parser)]
struct Options {
    /// How many messages are written.
    #[arg(long, default_value_t = MESSAGES)]
    messages: usize,
    /// Which world they are written in.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

fn main() -> Result<()> {
    let Options { messages, seed } = Options::parse();
    let began = Instant::now();
    let report = run(Config::standard(seed, messages));
    let seconds = began.elapsed().as_secs_f64();
    let deliveries_per_second = report.deliveries as f64 / seconds;
    let [lost_connections, crashes, relay_restarts] = report.mishaps;
    println!("messages shown once each     {:>12}", report.messages);
    println!("envelopes delivered          {:>12}", report.deliveries);
    println!("inputs handled               {:>12}", report.steps);
    println!("connections lost             {lost_connections:>12}");
    println!("engines crashed              {crashes:>12}");
    println!("relay restarts               {relay_restarts:>12}");
    println!("seconds                      {seconds:>12.1}");
    println!("deliveries per second        {deliveries_per_second:>12.0}");
    println!(
        "{}",
        json!({
            "op": "simulate", "seed": seed, "messages": report.messages, "deliveries": report.deliveries,
            "steps": report.steps, "seconds": seconds, "deliveries_per_second": deliveries_per_second,
        })
    );
    Ok(())
}
