//! Who waits for an answer of the worker, by the id that was asked with.

use chopar_engine::Map;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

use super::client::random;

/// Those who wait for a `T`.
pub(super) struct Waits<T>(Mutex<Map<u64, oneshot::Sender<T>>>);

impl<T> Default for Waits<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Waits<T> {
    /// One more, under a fresh id. What it waits for comes to nothing when every wait is ended.
    pub(super) fn begin(&self) -> (u64, oneshot::Receiver<T>) {
        let (sender, answer) = oneshot::channel();
        let id = u64::from_le_bytes(random());
        self.all().insert(id, sender);
        (id, answer)
    }

    /// Hands an answer to whoever asked; answers to other tabs have unknown ids.
    pub(super) fn answered(&self, id: u64, answer: T) {
        let sender = self.all().remove(&id);
        if let Some(sender) = sender {
            // The page that asked may be gone by now; then nobody needs the answer.
            let _ = sender.send(answer);
        }
    }

    /// Ends every wait.
    pub(super) fn end(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, Map<u64, oneshot::Sender<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
