//! Before a vault with a lock: the tabs ask for a secret, and every intent waits.

use rand_core::Rng;

use super::busy::COMPUTING_MS;
use super::inbox::Happening;
use super::link::{Heard, Link};
use super::lost;
use super::owner::Over;
use super::{Part, Worker};
use crate::platform::Exception;
use crate::platform::clock;
use crate::platform::locks::Robbed;
use crate::platform::random::system_random;
use crate::platform::tab::Tab;
use crate::port::{FromWorker, LockAnswer, Secret, ToWorker};
use crate::vault::{Door, Remains, VaultError};

/// Waits until a secret has opened the door.
pub(super) async fn pass(worker: &mut Worker, door: &mut Door, robbed: &Robbed) -> Result<(), Over> {
    let asks = FromWorker::Locked {
        lock: door.lock(),
        door: system_random().next_u64(),
    };
    // As it is now: what another owner makes of it later is not what a person had erased.
    let remains = Remains::look().await?;
    Tab::tell(&asks)?;
    tell_others(worker, door, &asks)?;
    while door.is_locked() {
        match worker.inbox.next().await {
            Happening::Tab(ToWorker::Unlock { id, secret })
            | Happening::Link(Heard::Ours(Link::Passed(ToWorker::Unlock { id, secret }))) => {
                let answer = try_secret(worker, door, &secret).await?;
                let message = FromWorker::LockAnswered { id, answer };
                Tab::tell(&message)?;
                tell_others(worker, door, &message)?;
            }
            // Asked again once there is an owner.
            Happening::Tab(said) if let Some(id) = said.waits() => wait(worker, id, &said)?,
            Happening::Tab(ToWorker::StartOver)
            | Happening::Link(Heard::Ours(Link::Passed(ToWorker::StartOver))) => {
                return Err(lost::erase(worker, &remains).await?);
            }
            Happening::Link(Heard::Ours(Link::Started)) => tell_others(worker, door, &asks)?,
            Happening::Link(Heard::OtherStarted) => return Err(Over::Vault(VaultError::Newer)),
            Happening::Stolen if robbed.is_so() => return Err(Over::Vault(VaultError::Fenced)),
            Happening::Broken => return Err(Over::Broken),
            _ => {}
        }
    }
    // Whoever knows the secret is somebody.
    Ok(worker.somebody_here()?)
}

async fn try_secret(worker: &Worker, door: &mut Door, secret: &Secret) -> Result<LockAnswer, Over> {
    worker.busy(COMPUTING_MS)?;
    let answer = door.try_secret(secret, clock::now()).await;
    worker.busy(0)?;
    Ok(answer?)
}

/// With the epoch that this worker stands before: tabs that know of a later owner do not hear it.
fn tell_others(worker: &Worker, door: &Door, message: &FromWorker) -> Result<(), Exception> {
    worker.say(&Link::Told {
        epoch: door.epoch(),
        message: message.clone(),
    })
}

fn wait(worker: &mut Worker, id: u64, asked: &ToWorker) -> Result<(), Over> {
    if worker.asking.add(id, asked) {
        Ok(())
    } else {
        Ok(worker.refuse(id)?)
    }
}

impl Worker {
    /// Says to those who knock, now and until it is over, for how long there will be no answer.
    pub(super) fn busy(&self, busy_ms: u32) -> Result<(), Exception> {
        self.busy.set(clock::now(), busy_ms);
        match self.part.get() {
            Part::Follows => Ok(()),
            part => self.say(&Link::Alive {
                epoch: part.epoch(),
                busy_ms,
            }),
        }
    }

    /// Somebody uses a tab.
    pub(super) fn somebody(&mut self) {
        self.used_at = clock::now();
    }

    /// Somebody uses this tab. The others hear of it, in case they take over.
    pub(super) fn somebody_here(&mut self) -> Result<(), Exception> {
        self.somebody();
        self.say(&Link::Passed(ToWorker::Active))
    }
}
