//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};

use super::{assets, headers, health};
use crate::core::Core;
use crate::ws::connect::connect;

/// All paths of the relay. Every answer carries the strict headers.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/v1/connect", get(connect))
        .route("/v1/{*rest}", any(|| async { StatusCode::NOT_FOUND }))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(assets::serve)
        .layer(from_fn_with_state(Arc::clone(&core), headers::strict))
        .with_state(core)
}
