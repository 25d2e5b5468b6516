//! A tab without an engine of its own: passes intents to the owner and what the owner tells to the tab.

use chopar_engine::{Answer, Event, Failure};
use web_sys::Blob;

use super::election::{self, Rung};
use super::inbox::Happening;
use super::link::{Heard, Link};
use super::{Locking, Part, Worker};
use crate::platform::Exception;
use crate::platform::locks::Held;
use crate::platform::tab::Tab;
use crate::port::{FatalKind, FromWorker, ToWorker};

/// Why a worker follows no more, and has not become the owner.
pub(super) enum Leave {
    /// It ends, for this reason.
    Fatal(FatalKind),
    /// The lock was locked.
    Locked,
}

impl From<FatalKind> for Leave {
    fn from(kind: FatalKind) -> Self {
        Self::Fatal(kind)
    }
}

impl From<Exception> for Leave {
    fn from(_: Exception) -> Self {
        Self::Fatal(FatalKind::Crashed)
    }
}

/// Follows until the lock is granted, or the owner does not answer any more. `before`: the epoch in which this worker was the owner
/// itself, if it was.
pub(super) async fn run(worker: &mut Worker, before: Option<u64>) -> Result<Held, Leave> {
    worker.part.set(Part::Follows);
    // Wanted while another took over: whoever has the vault now locks it. That nobody was there, the other knows better.
    if worker.locking.take() == Some(Locking::Wanted) {
        worker.say(&Link::LockNow)?;
        return Err(Leave::Locked);
    }
    let mut line = match election::stand(&worker.inbox, &worker.temper).await {
        Ok(Ok(held)) => return Ok(taken_over(held, before)?),
        Ok(Err(line)) => line,
        Err(_) => return Err(FatalKind::BrowserTooOld.into()),
    };
    // The epoch of the owner that was heard of last.
    let mut owner = before;
    worker.say(&Link::Started)?;
    loop {
        match worker.inbox.next().await {
            Happening::Lock(held) => return Ok(taken_over(held?, owner)?),
            Happening::Knock => match line.rung()? {
                Rung::Knock => worker.say(&Link::Knock)?,
                Rung::Wait => {}
                Rung::Take => {
                    worker.temper.stole();
                    // To those who are about to do the same.
                    worker.say(&Link::Alive { epoch: 0, busy_ms: 0 })?;
                    return Ok(taken_over(election::take_by_force().await?, owner)?);
                }
            },
            Happening::Link(Heard::Ours(Link::Alive { epoch, busy_ms })) => {
                // One that was replaced answers too, for as long as it does not know.
                if owner.is_none_or(|known| known <= epoch || epoch == 0) {
                    line.answered(busy_ms, &mut worker.temper);
                }
            }
            Happening::Tab(ToWorker::LockNow) => {
                worker.say(&Link::LockNow)?;
                return Err(Leave::Locked);
            }
            Happening::Link(Heard::Ours(Link::LockNow)) => return Err(Leave::Locked),
            Happening::Broken => return Err(FatalKind::Crashed.into()),
            Happening::Link(Heard::OtherStarted | Heard::OtherOwner) => {
                return Err(FatalKind::VaultNewer.into());
            }
            happening => follow(worker, happening, &mut owner)?,
        }
    }
}

/// What the tab shows was told by an owner that is gone.
fn taken_over(held: Held, owner: Option<u64>) -> Result<Held, Exception> {
    if owner.is_some() {
        Tab::tell(&FromWorker::Restarted)?;
    }
    Ok(held)
}

fn follow(worker: &mut Worker, happening: Happening, owner: &mut Option<u64>) -> Result<(), Exception> {
    match happening {
        Happening::Tab(said) if let Some(id) = said.waits() => {
            if !worker.asking.add(id, &said) {
                return worker.refuse(id);
            }
            worker.pass_on(id, said)
        }
        Happening::Tab(ToWorker::Active) => worker.somebody_here(),
        Happening::Link(Heard::Ours(Link::Passed(ToWorker::Active))) => {
            worker.somebody();
            Ok(())
        }
        Happening::Tab(
            said @ (ToWorker::StartOver | ToWorker::Unlock { .. } | ToWorker::ChangeLock { .. }),
        ) => worker.say(&Link::Passed(said)),
        Happening::Link(Heard::Ours(Link::Key { epoch, key })) => {
            // One that was replaced may have the key of an earlier lock.
            if owner.is_none_or(|known| known <= epoch) {
                worker.key = key;
            }
            Ok(())
        }
        Happening::Link(Heard::Ours(Link::Owner { epoch })) => {
            // One that was replaced and does not know yet.
            if owner.is_some_and(|known| epoch < known) {
                return Ok(());
            }
            if owner.replace(epoch).is_some_and(|before| before != epoch) {
                Tab::tell(&FromWorker::Restarted)?;
            }
            // Whatever an earlier owner, or nobody, has heard.
            for (id, asked) in worker.asking.all() {
                worker.pass_on(id, asked)?;
            }
            Ok(())
        }
        Happening::Link(Heard::Ours(Link::Told { epoch, message })) => {
            // One that was replaced, or that has not come as far. What was erased is erased, whoever did it.
            if owner.is_some_and(|known| epoch < known) && message != FromWorker::Erased {
                return Ok(());
            }
            if let FromWorker::Event(event) = &message
                && let Event::Answered { id, .. } = **event
                && !worker.answered(id)
            {
                // Another tab's answer.
                return Ok(());
            }
            if matches!(message, FromWorker::Locked { .. }) {
                worker.key = None;
            }
            if message == FromWorker::Erased {
                // What was remembered is no more: should this worker be granted the lock first, it makes the new vault.
                worker.canary = None;
                *owner = None;
            }
            Tab::tell(&message)
        }
        Happening::FileHanded(id, blob) if worker.answered(id) => {
            Tab::hand(&FromWorker::FileTaken { id }, blob.as_slice())
        }
        // Nothing of a follower depends on whether it is seen; the rest is an owner's, or another follower's.
        _ => Ok(()),
    }
}

impl Worker {
    /// Answers an intent of the own tab that cannot be taken.
    pub(super) fn refuse(&self, id: u64) -> Result<(), Exception> {
        self.attached.forget(id);
        let answer = Answer::Failed(Failure::Browser);
        Tab::tell(&FromWorker::Event(Box::new(Event::Answered { id, answer })))
    }

    /// What was asked with this id is answered; `false` where the own tab has not asked it.
    pub(super) fn answered(&mut self, id: u64) -> bool {
        self.attached.forget(id);
        self.asking.answered(id)
    }

    /// Passes on what the own tab asks, with the files that came with it.
    fn pass_on(&self, id: u64, asked: ToWorker) -> Result<(), Exception> {
        self.say_with(&Link::Passed(asked), &self.attached.of(id))
    }

    /// Says something to the workers of all other tabs.
    pub(super) fn say(&self, link: &Link) -> Result<(), Exception> {
        self.say_with(link, &[])
    }

    fn say_with(&self, link: &Link, blobs: &[Blob]) -> Result<(), Exception> {
        let bytes = self
            .build
            .encode(link)
            .ok_or_else(|| Exception::named("EncodingError"))?;
        self.channel.say(&bytes, blobs)
    }

    /// Tells the tabs of all other workers something.
    pub(super) fn tell_others(&self, message: FromWorker) -> Result<(), Exception> {
        self.tell_others_with(message, &[])
    }

    /// The same, with files.
    pub(super) fn tell_others_with(&self, message: FromWorker, blobs: &[Blob]) -> Result<(), Exception> {
        let epoch = self.part.get().epoch();
        self.say_with(&Link::Told { epoch, message }, blobs)
    }
}
