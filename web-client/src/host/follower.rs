//! A tab without an engine of its own: passes intents to the owner and what the owner tells to the tab.

use chopar_engine::{Answer, Asked, Event, Failure};

use super::Worker;
use super::election;
use super::inbox::Happening;
use super::link::{Heard, Link};
use crate::platform::Exception;
use crate::platform::locks::Held;
use crate::platform::tab::Tab;
use crate::port::{FatalKind, FromWorker, ToWorker};

/// Follows until the lock is granted.
pub(super) async fn run(worker: &mut Worker) -> Result<Held, FatalKind> {
    match election::stand(&worker.inbox).await {
        Ok(Some(held)) => return Ok(held),
        Ok(None) => {}
        Err(_) => return Err(FatalKind::BrowserTooOld),
    }
    // The epoch of the owner that was heard of last.
    let mut owner = None;
    worker.say(&Link::Started).map_err(|_| FatalKind::Crashed)?;
    loop {
        match worker.inbox.next().await {
            Happening::Lock(Ok(held)) => {
                // What the tab shows was told by an owner that is gone.
                if owner.is_some() {
                    Tab::tell(&FromWorker::Restarted).map_err(|_| FatalKind::Crashed)?;
                }
                return Ok(held);
            }
            Happening::Lock(Err(_)) => return Err(FatalKind::Crashed),
            Happening::Broken => return Err(FatalKind::Crashed),
            Happening::Link(Heard::OtherStarted | Heard::OtherOwner) => return Err(FatalKind::VaultNewer),
            happening => follow(worker, happening, &mut owner).map_err(|_| FatalKind::Crashed)?,
        }
    }
}

fn follow(worker: &mut Worker, happening: Happening, owner: &mut Option<u64>) -> Result<(), Exception> {
    match happening {
        Happening::Tab(ToWorker::Asked(asked)) => {
            if !worker.asking.add(&asked) {
                return refuse(asked.id);
            }
            worker.say(&Link::Asked(asked))
        }
        Happening::Tab(ToWorker::StartOver) => worker.say(&Link::StartOver),
        Happening::Link(Heard::Ours(Link::Owner { epoch })) => {
            if owner.replace(epoch).is_some_and(|before| before != epoch) {
                Tab::tell(&FromWorker::Restarted)?;
            }
            // Whatever an earlier owner, or nobody, has heard.
            for asked in worker.asking.all().cloned().collect::<Vec<Asked>>() {
                worker.say(&Link::Asked(asked))?;
            }
            Ok(())
        }
        Happening::Link(Heard::Ours(Link::Told(message))) => {
            if let FromWorker::Event(event) = &message
                && let Event::Answered { id, .. } = **event
                && !worker.asking.answered(id)
            {
                // Another tab's answer.
                return Ok(());
            }
            if message == FromWorker::Erased {
                // What was remembered is no more: should this worker be granted the lock first, it makes the new vault.
                worker.canary = None;
            }
            Tab::tell(&message)
        }
        // Nothing of a follower depends on whether it is seen; the rest is an owner's, or another follower's.
        _ => Ok(()),
    }
}

/// Answers an intent of the own tab that cannot be taken.
pub(super) fn refuse(id: u64) -> Result<(), Exception> {
    let answer = Answer::Failed(Failure::Browser);
    Tab::tell(&FromWorker::Event(Box::new(Event::Answered { id, answer })))
}

impl Worker {
    /// Says something to the workers of all other tabs.
    pub(super) fn say(&self, link: &Link) -> Result<(), Exception> {
        let bytes = self
            .build
            .encode(link)
            .ok_or_else(|| Exception::named("EncodingError"))?;
        self.channel.say(&bytes)
    }
}
