//! Before a vault that cannot be opened by anybody: half of the storage is gone, or its keys are damaged. Nothing is done to it
//! until a person says so, and never is a new identity made in its place by itself.

use super::Worker;
use super::inbox::Happening;
use super::link::{Heard, Link};
use super::owner::Over;
use crate::platform::locks::Robbed;
use crate::platform::tab::Tab;
use crate::port::{FatalKind, FromWorker, ToWorker};
use crate::vault::{Remains, VaultError};

/// Says why in every tab, and waits until a person starts over.
pub(super) async fn wait(worker: &mut Worker, why: FatalKind, robbed: &Robbed) -> Over {
    match waiting(worker, why, robbed).await {
        Ok(over) | Err(over) => over,
    }
}

async fn waiting(worker: &mut Worker, why: FatalKind, robbed: &Robbed) -> Result<Over, Over> {
    let remains = Remains::look().await?;
    Tab::tell(&FromWorker::Fatal(why))?;
    worker.tell_others(FromWorker::Fatal(why))?;
    loop {
        match worker.inbox.next().await {
            Happening::Tab(ToWorker::StartOver)
            | Happening::Link(Heard::Ours(Link::Passed(ToWorker::StartOver))) => {
                return erase(worker, &remains).await;
            }
            Happening::Link(Heard::Ours(Link::Started)) => worker.tell_others(FromWorker::Fatal(why))?,
            Happening::Link(Heard::OtherStarted) => return Ok(Over::Vault(VaultError::Newer)),
            Happening::Stolen if robbed.is_so() => return Ok(Over::Vault(VaultError::Fenced)),
            Happening::Broken => return Ok(Over::Broken),
            _ => {}
        }
    }
}

/// Erases what is left; a person has confirmed it.
pub(super) async fn erase(worker: &Worker, remains: &Remains) -> Result<Over, Over> {
    remains.erase().await?;
    Tab::tell(&FromWorker::Erased)?;
    worker.tell_others(FromWorker::Erased)?;
    Ok(Over::Erased)
}
