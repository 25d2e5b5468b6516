//! Reading beside the writer: a few connections, each shared by whoever asks; what is asked together travels together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::link::{Fault, Link, PATIENCE};
use super::target::Target;
use crate::store::{Answer, StoreError};

/// Connections for reading: as many queries run at once in the database. Questions beyond them queue in the connections.
const READERS: usize = 4;
/// For so long after a connection failed the next is not tried: who waited for the first would else each wait as long.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) struct Readers {
    target: Target,
    places: [Mutex<Place>; READERS],
    next: AtomicUsize,
    closed: AtomicBool,
}

#[derive(Default)]
struct Place {
    link: Option<Arc<Link>>,
    failed: Option<Instant>,
}

/// A read in the making; it borrows the connection.
pub(super) type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

impl Readers {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            places: std::array::from_fn(|_| Mutex::default()),
            next: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn run<T, F>(self: &Arc<Self>, read: F) -> Answer<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a Link) -> Reading<'a, T> + Send + 'static,
    {
        let readers = Arc::clone(self);
        Box::pin(async move {
            let link = readers.link().await?;
            match tokio::time::timeout(PATIENCE, read(&link)).await {
                Ok(done) => done.map_err(|fault| fault.named()),
                Err(_) => {
                    readers.forget(&link).await;
                    Err(Fault::Unreachable.named())
                }
            }
        })
    }

    /// A connection that stands, as far as is known.
    async fn link(&self) -> Result<Arc<Link>, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
        // Held while connecting: who comes meanwhile waits for the same connection.
        let mut place = self.places[at].lock().await;
        if let Some(link) = place.link.as_ref().filter(|link| !link.is_lost()) {
            return Ok(Arc::clone(link));
        }
        place.link = None;
        if place.failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(Fault::Unreachable.named());
        }
        match Link::open(&self.target).await {
            Ok(link) => {
                place.failed = None;
                Ok(Arc::clone(place.link.insert(Arc::new(link))))
            }
            Err(fault) => {
                tracing::warn!(%fault, "no connection for reading");
                place.failed = Some(Instant::now());
                Err(Fault::Unreachable.named())
            }
        }
    }

    async fn forget(&self, silent: &Arc<Link>) {
        for place in &self.places {
            let mut place = place.lock().await;
            if place.link.as_ref().is_some_and(|link| Arc::ptr_eq(link, silent)) {
                place.link = None;
            }
        }
    }

    /// Refuses new questions and ends the connections; those under way have theirs until they are answered.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for place in &self.places {
            place.lock().await.link = None;
        }
    }
}
