//! Reading beside the writer: a few connections of their own, on the runtime's blocking threads.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open::{self, OpenError};
use super::writer::named;
use crate::store::{Answer, StoreError};

/// Connections that read at the same time: more would only compete for the same disk.
const READERS: usize = 4;

pub(super) struct Readers {
    free: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let idle = (0..READERS)
            .map(|_| open::reader(path))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            free: Semaphore::new(READERS),
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
            let _turn = readers.free.acquire().await.map_err(|_| StoreError::Closed)?;
            let place = Arc::clone(&readers);
            let done = tokio::task::spawn_blocking(move || {
                let lock = || place.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let db = lock().pop().ok_or(StoreError::Closed)?;
                let result = read(&db).map_err(|fault| named(&fault));
                lock().push(db);
                result
            });
            done.await
                .map_err(|_| StoreError::Failed("a reader stopped".to_owned()))?
        })
    }

    /// Waits for readers at work and closes their connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.free.acquire_many(READERS as u32).await {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            all.forget();
        }
        self.free.close();
    }
}
