//! The accept loop: caps, timeouts, one HTTP/1.1 connection after another, and the drain at the end.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

use crate::config::Caps;
use crate::core::{Core, stop_of};

/// Largest request head in bytes: a browser's, with room. hyper's own minimum is 8 KiB.
const HEAD_MAX: usize = 16 * 1024;
/// How long a connection may serve pages before it is asked to finish: a slow download of the client takes two minutes
/// on a bad line. A WebSocket is not counted.
const PAGES_FOR: Duration = Duration::from_secs(300);
/// What is not finished so long after being asked is dropped.
const FINISH_IN: Duration = Duration::from_secs(60);
/// Wait after a failed accept: file descriptors run out and come back.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Who is at the other end, and the place taken among the connections, given back when the last copy is dropped.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    _place: Arc<Place>,
}

/// Places for connections, in total and for each address.
pub(crate) struct Places {
    total: Arc<Semaphore>,
    count: usize,
    per_address: usize,
    // Short critical sections without await: a plain mutex.
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

struct Place {
    address: IpAddr,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(caps: &Caps) -> Self {
        let count = caps
            .connections
            .clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self {
            total: Arc::new(Semaphore::new(count)),
            count,
            per_address: caps.per_address,
            addresses: Arc::default(),
        }
    }

    /// A place, unless all are taken. Closed: who finds none is turned away at once, before it costs anything.
    fn take(&self, address: SocketAddr) -> Option<Peer> {
        let permit = Arc::clone(&self.total).try_acquire_owned().ok()?;
        let ip = address.ip();
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let here = addresses.entry(ip).or_insert(0);
        if *here >= self.per_address {
            return None;
        }
        *here += 1;
        let place = Place {
            address: ip,
            addresses: Arc::clone(&self.addresses),
            _permit: permit,
        };
        Some(Peer {
            address,
            _place: Arc::new(place),
        })
    }

    /// Waits until every place was given back.
    pub(crate) async fn empty(&self) {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        if self.total.acquire_many(all).await.is_err() {
            tracing::debug!("the places are closed");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = addresses.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// Accepts until the relay stops.
pub(crate) async fn run(core: &Arc<Core>, listener: TcpListener, router: Router, places: &Places) {
    let mut stopping = core.stopping.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop_of(&mut stopping) => return,
        };
        match accepted {
            Ok((stream, address)) => match places.take(address) {
                Some(peer) => {
                    tokio::spawn(serve(Arc::clone(core), stream, peer, router.clone()));
                }
                None => tracing::debug!("a connection was turned away: no place is free"),
            },
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
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(FINISH_IN, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(fault) = ended {
        tracing::debug!(%fault, "a connection broke");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_bounded_and_come_back() {
        let places = Places::new(&Caps {
            connections: 3,
            per_address: 2,
            ..Caps::default()
        });
        let (a, b) = (
            SocketAddr::from(([127, 0, 0, 1], 1)),
            SocketAddr::from(([127, 0, 0, 2], 1)),
        );
        let first = places.take(a).unwrap();
        let second = places.take(a).unwrap();
        assert!(places.take(a).is_none(), "two for one address");
        let third = places.take(b).unwrap();
        assert!(places.take(b).is_none(), "three in total");
        let copy = first.clone();
        drop(first);
        assert!(places.take(b).is_none(), "a copy holds the place");
        drop(copy);
        assert!(places.take(b).is_some());
        drop((second, third));
        places.empty().await;
        assert!(places.addresses.lock().unwrap().is_empty());
    }
}
