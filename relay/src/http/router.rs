//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};

use super::{assets, certificate, headers, health};
use crate::core::Core;
use crate::files::{download, upload};
use crate::ws::connect::connect;

/// All paths of the relay. Every answer carries the strict headers.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let mut router = Router::new();
    if core.tls.as_ref().is_some_and(|tls| tls.authority().is_some()) {
        router = router
            .route(certificate::PAGE, get(certificate::page))
            .route(certificate::FILE, get(certificate::file));
    }
    router
        .route("/v1/connect", get(connect))
        .route("/v1/files/{id}", get(download::get).patch(upload::patch))
        .route("/v1/{*rest}", any(|| async { StatusCode::NOT_FOUND }))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(assets::serve)
        .layer(from_fn_with_state(Arc::clone(&core), headers::strict))
        .with_state(core)
}
