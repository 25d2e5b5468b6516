//! Probes: alive says the process answers, ready says the store does too.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use crate::core::Core;

/// A store that takes longer than this for nothing is not ready for something.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`.
pub(crate) async fn ready(State(core): State<Arc<Core>>) -> (StatusCode, &'static str) {
    if core.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match tokio::time::timeout(PATIENCE, core.store.ready()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n"),
        Ok(Err(fault)) => {
            tracing::warn!(%fault, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not work\n")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}
