//! What a connection costs that does nothing.

use std::time::Duration;

use anyhow::Result;

use crate::crowd::AT_ONCE;
use crate::report::Goal;
use crate::run::Run;

/// Buffers of the opening are given back within this.
const REST: Duration = Duration::from_secs(3);

pub(crate) async fn measure(run: &mut Run<'_>) -> Result<()> {
    let options = run.options;
    let tls = run.tls();
    // What registrations left behind would be filled by connections for nothing.
    run.server.restart().await?;
    // What the store keeps in memory of people has a bound and is no connection's: it is filled before, a few people at a time.
    let most = options.idle.iter().copied().max().unwrap_or(1);
    for first in (0..most).step_by(AT_ONCE) {
        drop(
            run.crowd
                .connect(&run.server, first..most.min(first + AT_ONCE))
                .await?,
        );
    }
    tokio::time::sleep(REST).await;
    let before = run.server.resident_kib()?;
    let mut links = Vec::new();
    for many in &options.idle {
        links.extend(run.crowd.connect(&run.server, links.len()..*many).await?);
        tokio::time::sleep(REST).await;
        let each = (run.server.resident_kib()?.saturating_sub(before)) as f64 / *many as f64;
        let goal = match (many, tls) {
            (5000, false) => Goal::AtMost(6.0),
            (5000, true) => Goal::AtMost(12.0),
            _ => Goal::None,
        };
        run.note(format!("idle_{many}_kib"), each, goal);
    }
    Ok(())
}
