//! Probes: alive says the process answers, ready says the store takes a message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::Mutex;

use crate::core::Core;

/// A store that takes longer than this for a small write is not ready for something.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long one answer serves all who ask: everybody may, and each real probe is a write.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The last probe's time and outcome.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, bool)>>);

/// `GET /healthz`.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`.
pub(crate) async fn ready(State(core): State<Arc<Core>>) -> (StatusCode, &'static str) {
    if core.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match tokio::time::timeout(PATIENCE, probe(&core)).await {
        Ok(true) => (StatusCode::OK, "ready\n"),
        Ok(false) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot write\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}

/// Whether the store has just written something, or had a moment ago. One at a time: who waits shares the answer.
async fn probe(core: &Core) -> bool {
    let mut last = core.readiness.0.lock().await;
    if let Some((at, ready)) = *last
        && at.elapsed() < GOOD_FOR
    {
        return ready;
    }
    let written = core.store.ready().await;
    if let Err(fault) = &written {
        tracing::warn!(%fault, "not ready");
    }
    *last = Some((Instant::now(), written.is_ok()));
    written.is_ok()
}
