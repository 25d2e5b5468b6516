//! Reading beside the writer: a few connections of their own, on the runtime's blocking threads.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::open::{self, OpenError};
use super::writer::named;
use crate::store::{Answer, StoreError};

/// Connections that read at the same time: more would only compete for the same disk.
const READERS: usize = 4;

pub(super) struct Readers {
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A connection at work. It goes back however the reading ends, and before its place is another's: whoever asked may be gone long
/// before the answer is there.
struct Lent {
    /// Here until it goes back.
    connection: Option<Connection>,
    from: Arc<Readers>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.from.idle().push(connection);
        }
    }
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let idle = (0..READERS)
            .map(|_| open::reader(path))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            free: Arc::new(Semaphore::new(READERS)),
            idle: Mutex::new(idle),
        })
    }

    pub(super) fn run<T, F>(self: &Arc<Self>, read: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let readers = Arc::clone(self);
        Box::pin(async move {
            let free = Arc::clone(&readers.free);
            let place = free.acquire_owned().await.map_err(|_| StoreError::Closed)?;
            let connection = readers.idle().pop();
            let lent = Lent {
                connection,
                from: readers,
                _place: place,
            };
            let done = tokio::task::spawn_blocking(move || {
                let connection = lent.connection.as_ref().ok_or(StoreError::Closed)?;
                read(connection).map_err(|fault| named(&fault))
            });
            done.await
                .map_err(|_| StoreError::Failed("a reader stopped".to_owned()))?
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for readers at work and closes their connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.free.acquire_many(READERS as u32).await {
            self.idle().clear();
            all.forget();
        }
        self.free.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// People leave while their queues are read: who comes after them waits for a connection, and gets one.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn readers_whose_askers_are_gone_keep_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        drop(open::writer(&path, None).unwrap());
        let readers = Arc::new(Readers::open(&path).unwrap());
        let (begun, begins) = mpsc::channel();
        let mut ends = Vec::new();
        for _ in 0..READERS {
            let begun = begun.clone();
            let (end, ended) = mpsc::channel::<()>();
            ends.push(end);
            let asked = tokio::spawn(readers.run(move |_| {
                begun.send(()).unwrap();
                let _ = ended.recv();
                Ok(())
            }));
            begins.recv_timeout(Duration::from_secs(10)).unwrap();
            asked.abort();
            assert!(asked.await.is_err(), "nobody waits for the answer any more");
        }
        let mut next = readers.run(|db| db.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)));
        let early = tokio::time::timeout(Duration::from_millis(200), &mut next).await;
        assert!(early.is_err(), "all connections are at work: {early:?}");
        drop(ends);
        assert_eq!(next.await, Ok(1));
    }

    /// A reading that panics is a mistake of ours; its connection is not lost with it.
    #[tokio::test]
    async fn a_reading_that_stops_gives_its_connection_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        drop(open::writer(&path, None).unwrap());
        let readers = Arc::new(Readers::open(&path).unwrap());
        for _ in 0..READERS {
            let stopped = readers.run::<(), _>(|_| panic!("on purpose")).await;
            assert!(matches!(stopped, Err(StoreError::Failed(_))));
        }
        assert_eq!(readers.run(|_| Ok(7)).await, Ok(7));
    }
}
