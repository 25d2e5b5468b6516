//! The listener of the numbers: apart from people's, so that a firewall can tell the two, and bounded by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::page::page;
use crate::core::Core;

/// Who watches: a few, not a crowd.
const CONNECTIONS_MAX: usize = 16;
/// For one connection, a slow one included; a scrape takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Wait after a failed accept: file descriptors run out and come back.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Answers for as long as it is polled.
pub(crate) async fn run(core: Arc<Core>, listener: TcpListener) {
    let router = Router::new().route("/metrics", get(metrics)).with_state(core);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = listener.accept().await;
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(fault) => {
                tracing::warn!(%fault, "a connection for metrics could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            match tokio::time::timeout(PATIENCE, connection).await {
                Ok(Err(fault)) => tracing::debug!(%fault, "a connection for metrics broke"),
                Err(_) => tracing::debug!("a connection for metrics took too long"),
                Ok(Ok(())) => {}
            }
            drop(place);
        });
    }
}

async fn metrics(State(core): State<Arc<Core>>) -> impl IntoResponse {
    // A store that does not answer leaves its numbers out, not the others.
    let files = core.store.files_kept().await.ok();
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        page(&core, files),
    )
}
