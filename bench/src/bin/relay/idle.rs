//! What a connection costs that does nothing.

use std::time::Duration;

use anyhow::Result;

use crate::report::Goal;
use crate::run::Run;

/// Buffers of the opening are given back within this.
const REST: Duration = Duration::from_secs(3);

pub(crate) async fn measure(run: &mut Run<'_>) -> Result<()> {
    let options = run.options;
    let tls = run.tls();
    // What registrations left behind would be filled by connections for nothing.
    run.server.restart().await?;
    drop(run.crowd.connect(&run.server, 0..1).await?);
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
