//! Bounded waiting: every wait has an end and says what it waited for.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// How long a wait may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience(Duration);

impl Patience {
    /// What a person would call "at once": a change within the page.
    pub const SOON: Self = Self(Duration::from_secs(15));
    /// What goes through the relay, reconnects, or starts wasm on a loaded machine.
    pub const LONG: Self = Self(Duration::from_secs(45));

    /// A wait of its own length.
    pub const fn of(duration: Duration) -> Self {
        Self(duration)
    }

    /// The length, multiplied by `CHOPAR_E2E_PATIENCE`.
    pub fn duration(self) -> Duration {
        let factor = std::env::var("CHOPAR_E2E_PATIENCE")
            .ok()
            .and_then(|text| text.parse::<f64>().ok());
        self.0.mul_f64(
            factor
                .filter(|factor| (0.1..=20.0).contains(factor))
                .unwrap_or(1.0),
        )
    }
}

/// How often a condition is looked at. Short enough not to add to what a test measures in seconds.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Asks `condition` until it gives something; `Ok(None)` means "not yet". Errors are remembered and asked again, because a
/// page that is being rebuilt may refuse a node it has just named.
///
/// # Errors
/// When the time is up: what was waited for, and the last error.
pub async fn eventually<T, F, Fut>(what: &str, patience: Patience, mut condition: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let limit = patience.duration();
    let start = Instant::now();
    let mut last = None;
    loop {
        match condition().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => last = Some(error),
        }
        if start.elapsed() > limit {
            let why = last
                .map(|error| format!(" (last error: {error:#})"))
                .unwrap_or_default();
            return Err(anyhow!("waited {limit:?} in vain for {what}{why}"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
