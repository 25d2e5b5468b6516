//! The accept loop: caps, timeouts, TLS where it is spoken, one HTTP/1.1 request after another, and the drain at the end.
//!
//! ```text
//!  accept ── place? ── TLS handshake ── request head ── WebSocket ── sign-in ── frames
//!            at once       10 s            10 s                        30 s     a writer that stands still: 20 s
//! ```
//! Each stage has a time of its own, so that a connection that dribbles holds its place for a bounded time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;

use crate::core::{Core, stop_of};
use crate::places::Peer;
use crate::read_ahead::ReadAhead;
use crate::tls::Tls;

/// Largest request head in bytes: a browser's, with room. hyper's own minimum is 8 KiB.
const HEAD_MAX: usize = 16 * 1024;
/// How long a connection may serve pages before it is asked to finish: a slow download of the client takes two minutes
/// on a bad line. A WebSocket is not counted.
const PAGES_FOR: Duration = Duration::from_secs(300);
/// What is not finished so long after being asked is dropped.
const FINISH_IN: Duration = Duration::from_secs(60);
/// Wait after a failed accept: file descriptors run out and come back.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Accepts until the relay stops.
pub(crate) async fn run(core: &Arc<Core>, listener: TcpListener, router: Router) {
    let mut stopping = core.stopping.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop_of(&mut stopping) => return,
        };
        match accepted {
            Ok((stream, address)) => {
                if let Some(peer) = core.places.take(address.ip()).await {
                    tokio::spawn(serve(Arc::clone(core), stream, peer, router.clone()));
                }
            }
            Err(fault) => {
                tracing::warn!(%fault, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn serve(core: Arc<Core>, stream: TcpStream, peer: Peer, router: Router) {
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%fault, "small frames will wait for company");
    }
    match &core.tls {
        None => requests(&core, ReadAhead::new(stream), peer, router).await,
        // Apart: a connection without TLS need not hold room for it.
        Some(tls) => Box::pin(secured(&core, tls, stream, peer, router)).await,
    }
}

async fn secured(core: &Core, tls: &Tls, stream: TcpStream, peer: Peer, router: Router) {
    let mut stopping = core.stopping.subscribe();
    let handshake = tokio::select! {
        handshake = tokio::time::timeout(core.config.caps.tls_handshake, tls.accept(stream)) => handshake,
        () = stop_of(&mut stopping) => return,
        () = peer.told_to_go() => return,
    };
    match handshake {
        Ok(Ok(stream)) => requests(core, stream, peer, router).await,
        // Whoever speaks something else was told so by an alert.
        Ok(Err(fault)) => tracing::debug!(%fault, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// One request after another, until the connection ends or becomes a WebSocket.
async fn requests<S>(core: &Core, stream: S, peer: Peer, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stranger = peer.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(core.config.caps.request_head)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut stopping = core.stopping.subscribe();
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop_of(&mut stopping) => None,
        () = tokio::time::sleep(PAGES_FOR) => None,
        () = stranger.told_to_go() => return,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = tokio::time::sleep(FINISH_IN) => return,
                () = stranger.told_to_go() => return,
            }
        }
    };
    if let Err(fault) = ended {
        tracing::debug!(%fault, "a connection broke");
    }
}
