//! What tabs say to an owner beside asking for something.

use wasm_bindgen_futures::spawn_local;

use super::Locking;
use super::inbox::Happening;
use super::link::Link;
use super::machine::Machine;
use super::owner::{Over, Owner};
use crate::platform::{Exception, clock, storage};
use crate::port::{FromWorker, LockAnswer, LockChange, ToWorker};

/// What an owner does apart from everything else: nothing is under way meanwhile.
pub(super) enum Last {
    /// A person has confirmed that the vault is to be erased.
    StartOver,
    /// The lock is to be locked.
    Lock,
    /// The lock is to be another one.
    Relock(u64, Box<LockChange>),
}

impl<M: Machine> Owner<'_, M> {
    /// Without a lock there is nothing to lock.
    pub(super) fn lock_now(&mut self) {
        if self.vault.lock().is_set() {
            self.lock(Locking::Wanted);
        }
    }

    /// Says to a tab that has started who owns; the key of an open lock only after it was seen that this still is the owner.
    pub(super) async fn greet(&mut self) -> Result<(), Over> {
        self.vault.still_owned().await?;
        self.share_key()?;
        self.worker.say(&Link::Owner {
            epoch: self.vault.canary().generation(),
        })?;
        Ok(self.worker.tell_others(FromWorker::About(self.about()))?)
    }

    /// What a tab says beside asking.
    pub(super) fn told(&mut self, said: ToWorker) -> Result<(), Exception> {
        match said {
            ToWorker::Visible(true) => self.ask_whether_persisted(),
            ToWorker::StartOver => self.ask_last(Last::StartOver),
            ToWorker::LockNow => self.lock_now(),
            ToWorker::ChangeLock { id, change } => self.ask_last(Last::Relock(id, change)),
            ToWorker::Active => self.worker.somebody(),
            // It is open: another tab was faster.
            ToWorker::Unlock { id, .. } => {
                let answer = LockAnswer::Done;
                self.tell_all(FromWorker::LockAnswered { id, answer })?;
            }
            ToWorker::Visible(false)
            | ToWorker::Start { .. }
            | ToWorker::Asked(_)
            | ToWorker::SendFiles { .. }
            | ToWorker::TakeFile { .. } => {}
        }
        Ok(())
    }

    /// One thing at a time: the loop comes round before the next is looked at, unless it is locked for want of anybody.
    fn ask_last(&mut self, last: Last) {
        self.asked_last.get_or_insert(last);
    }

    /// As timers, the hour to lock is late when a device sleeps: looked at before whoever wakes it counts as somebody.
    pub(super) fn lock_if_idle(&mut self) {
        if self.idle.is_due(self.worker.used_at, clock::now()) {
            self.lock(Locking::Idle);
        }
    }

    /// Locks once everything before it is done, and before anything that was asked for later.
    fn lock(&mut self, why: Locking) {
        self.worker.locking.get_or_insert(why);
        self.asked_last.get_or_insert(Last::Lock);
    }

    /// A person may have allowed it since; only the tab can ask them.
    fn ask_whether_persisted(&self) {
        let inbox = self.worker.inbox.clone();
        spawn_local(async move { inbox.put(Happening::Persisted(storage::persisted().await)) });
    }
}
