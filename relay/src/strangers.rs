//! Connections that have not said who they are. Where all places are taken, the one that has said nothing for longest makes
//! room for who comes: signing in takes a moment, and only who wants to hold a place for its own sake is there long.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// All strangers, by the order in which they came.
#[derive(Default)]
pub(crate) struct Strangers {
    next: AtomicU64,
    // Short critical sections without await: a plain mutex.
    here: Mutex<BTreeMap<u64, Arc<Notify>>>,
}

/// One connection among the strangers, until it is known or gone.
pub(crate) struct Stranger {
    number: u64,
    leave: Arc<Notify>,
    all: Arc<Strangers>,
}

impl Strangers {
    pub(crate) fn enter(self: &Arc<Self>) -> Stranger {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let leave = Arc::new(Notify::new());
        self.lock().insert(number, Arc::clone(&leave));
        Stranger {
            number,
            leave,
            all: Arc::clone(self),
        }
    }

    /// Tells the one who is here longest to go. `false`: there is none.
    pub(crate) fn send_one_away(&self) -> bool {
        let oldest = self.lock().pop_first();
        if let Some((_, leave)) = &oldest {
            leave.notify_one();
        }
        oldest.is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Notify>>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stranger {
    /// Nobody sends this one away any more.
    pub(crate) fn is_known(&self) {
        self.all.lock().remove(&self.number);
    }

    /// Completes when this one has to go; safe to drop and to call again.
    pub(crate) async fn told_to_go(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn goes(stranger: &Stranger) -> bool {
        tokio::time::timeout(Duration::from_millis(20), stranger.told_to_go())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn the_oldest_stranger_goes_and_who_is_known_stays() {
        let strangers = Arc::new(Strangers::default());
        let [known, first, second] = [strangers.enter(), strangers.enter(), strangers.enter()];
        drop(strangers.enter());
        known.is_known();
        assert!(strangers.send_one_away());
        assert!(goes(&first).await);
        assert!(strangers.send_one_away());
        assert!(goes(&second).await);
        assert!(!strangers.send_one_away(), "nobody is left");
        assert!(!goes(&known).await);
        drop((known, first, second));
        assert!(strangers.lock().is_empty());
    }
}
