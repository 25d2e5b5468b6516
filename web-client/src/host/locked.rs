//! Before a vault with a lock: the tabs ask for a secret, and every intent waits.

use chopar_engine::Asked;

use super::follower::refuse;
use super::inbox::Happening;
use super::link::{Heard, Link};
use super::lost;
use super::owner::Over;
use super::{Part, Worker};
use crate::platform::clock;
use crate::platform::tab::Tab;
use crate::port::{FromWorker, LockAnswer, Secret, ToWorker};
use crate::vault::{Door, Remains, VaultError};

/// For how long trying a secret may keep this worker from answering, in milliseconds: Argon2id on a slow machine.
pub(super) const COMPUTING_MS: u32 = 15_000;

/// Waits until a secret has opened the door.
pub(super) async fn pass(worker: &mut Worker, door: &mut Door) -> Result<(), Over> {
    let mut last = None;
    tell(worker, door, last)?;
    while door.is_locked() {
        match worker.inbox.next().await {
            Happening::Tab(ToWorker::Unlock(secret))
            | Happening::Link(Heard::Ours(Link::Passed(ToWorker::Unlock(secret)))) => {
                last = Some(try_secret(worker, door, &secret).await?);
                if door.is_locked() {
                    tell(worker, door, last)?;
                }
            }
            // Asked again once there is an owner.
            Happening::Tab(ToWorker::Asked(asked)) => wait(worker, &asked)?,
            Happening::Tab(ToWorker::StartOver)
            | Happening::Link(Heard::Ours(Link::Passed(ToWorker::StartOver))) => {
                let remains = Remains::look().await?;
                return Err(lost::erase(worker, &remains).await?);
            }
            Happening::Link(Heard::Ours(Link::Started)) => {
                worker.tell_others(FromWorker::Locked {
                    lock: door.lock(),
                    last: None,
                })?;
            }
            Happening::Link(Heard::OtherStarted) => return Err(Over::Vault(VaultError::Newer)),
            Happening::Stolen => return Err(Over::Vault(VaultError::Fenced)),
            Happening::Broken => return Err(Over::Broken),
            _ => {}
        }
    }
    Ok(())
}

async fn try_secret(worker: &Worker, door: &mut Door, secret: &Secret) -> Result<LockAnswer, Over> {
    worker.busy(COMPUTING_MS)?;
    let answer = door.try_secret(secret, clock::now()).await?;
    worker.busy(0)?;
    Ok(answer)
}

fn tell(worker: &Worker, door: &Door, last: Option<LockAnswer>) -> Result<(), Over> {
    let message = FromWorker::Locked {
        lock: door.lock(),
        last,
    };
    Tab::tell(&message)?;
    Ok(worker.tell_others(message)?)
}

fn wait(worker: &mut Worker, asked: &Asked) -> Result<(), Over> {
    if worker.asking.add(asked) {
        Ok(())
    } else {
        Ok(refuse(asked.id)?)
    }
}

impl Worker {
    /// Says to those who knock for how long there will be no answer.
    pub(super) fn busy(&self, busy_ms: u32) -> Result<(), crate::platform::Exception> {
        match self.part.get() {
            Part::Follows => Ok(()),
            part => self.say(&Link::Alive {
                epoch: part.epoch(),
                busy_ms,
            }),
        }
    }
}
