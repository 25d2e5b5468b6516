//! From the program's start to its first challenge, with a queue that is long.

use std::time::Instant;

use anyhow::Result;

use crate::report::Goal;
use crate::run::Run;
use crate::{link::Link, offline};

/// Mailboxes that the waiting envelopes are spread over.
pub(crate) const RECIPIENTS: usize = 1000;
/// Starts of which the median counts.
const STARTS: usize = 5;

pub(crate) async fn measure(run: &mut Run<'_>) -> Result<()> {
    offline::submit(run, run.options.queued, RECIPIENTS).await?;
    let (mut starts, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let stopped = Instant::now();
        run.server.restart().await?;
        // A challenge says that it serves: where it says so it may not have begun to.
        Link::connect(&run.server).await?;
        starts.push(run.server.begun.elapsed().as_secs_f64() * 1e3);
        answers.push(stopped.elapsed().as_secs_f64() * 1e3);
    }
    starts.sort_by(f64::total_cmp);
    answers.sort_by(f64::total_cmp);
    run.note("start_ms", starts[STARTS / 2], Goal::AtMost(300.0));
    run.note("restart_ms", answers[STARTS / 2], Goal::None);
    Ok(())
}
