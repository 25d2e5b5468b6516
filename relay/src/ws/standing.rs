//! Acts of administrators reach those who are connected: a look at the store every second finds what was done here, at
//! another node or by a command beside the relay.
//!
//! ```text
//!  store: standing ──> watch ──> facts of each connected device ──┬─ may not be here: closed (4007)
//!      (a number)                                                 └─ may: the list of own suspended devices
//! ```
//! A device that signs in while something changes is looked at again once it is in the registry: see [`Session::looked`].
//!
//! [`Session::looked`]: super::session::Session

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chopar_wire::close::CloseCode;
use chopar_wire::ids::{AccountId, DeviceId};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::registry::Push;
use super::session::Session;
use crate::audit::record;
use crate::core::Core;
use crate::store::StoreError;

/// How soon an act at another node or beside the relay holds here.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// One record of a device's sign-ins in so many milliseconds: a browser on a train signs in every minute.
const RECORD_EVERY_MS: u64 = 3_600_000;
/// Devices whose last record is known; beyond it all are recorded once more.
const RECORDED_MAX: usize = 100_000;

/// How far this relay has looked, and whose sign-ins it has recorded lately.
#[derive(Default)]
pub(crate) struct Lookout {
    looked: AtomicU64,
    kick: Notify,
    // Short critical sections without await: a plain mutex.
    recorded: Mutex<HashMap<(DeviceId, bool), u64>>,
}

impl Lookout {
    /// The latest change that was acted upon.
    pub(crate) fn looked(&self) -> u64 {
        self.looked.load(Ordering::SeqCst)
    }

    /// Something has just changed: do not wait for the next look.
    pub(crate) fn kick(&self) {
        self.kick.notify_one();
    }

    /// Whether a sign-in is to be recorded now; then it counts as recorded.
    fn is_due(&self, device: DeviceId, admitted: bool, now: u64) -> bool {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (device, admitted);
        if recorded
            .get(&key)
            // A clock that was set back keeps nothing out of the log.
            .is_some_and(|last| (*last..last.saturating_add(RECORD_EVERY_MS)).contains(&now))
        {
            return false;
        }
        if recorded.len() >= RECORDED_MAX {
            recorded.clear();
        }
        recorded.insert(key, now);
        true
    }

    fn forget(&self, device: DeviceId, admitted: bool) {
        self.recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(device, admitted));
    }
}

/// Writes a sign-in, or the refusal of one, into the audit log, durably; at most once an hour for a device. A store that
/// cannot write keeps nobody out: what waits for people is deleted only when they come and take it.
pub(crate) async fn record_sign_in(core: &Core, account: AccountId, device: DeviceId, admitted: bool) {
    if !core.lookout.is_due(device, admitted, core.now()) {
        return;
    }
    if let Err(fault) = core
        .store
        .record(record::sign_in(account, device, admitted))
        .await
    {
        core.lookout.forget(device, admitted);
        tracing::warn!(%fault, "a sign-in could not be written into the audit log");
    }
}

/// Looks for as long as the relay runs.
pub(crate) async fn watch(core: Arc<Core>) {
    let mut due = tokio::time::interval(LOOK_EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pending = Vec::new();
    loop {
        tokio::select! {
            _ = due.tick() => {}
            () = core.lookout.kick.notified() => {}
        }
        if let Err(fault) = look(&core, &mut pending).await {
            tracing::warn!(%fault, "the standing of members could not be read; it is tried again");
        }
    }
}

async fn look(core: &Core, pending: &mut Vec<AccountId>) -> Result<(), StoreError> {
    let standing = core.store.standing(core.lookout.looked()).await?;
    pending.extend(standing.changed);
    // Before anybody is looked for: who is not in the registry yet will find that it moved.
    core.lookout.looked.store(standing.latest, Ordering::SeqCst);
    while let Some(account) = pending.last() {
        settle(core, *account).await?;
        pending.pop();
    }
    Ok(())
}

/// From where the first look goes on: what was done before the start holds for every sign-in.
pub(crate) async fn begin(core: &Core) -> Result<(), StoreError> {
    let standing = core.store.standing(u64::MAX).await?;
    core.lookout.looked.store(standing.latest, Ordering::SeqCst);
    Ok(())
}

/// Holds an account's connections to its standing.
async fn settle(core: &Core, account: AccountId) -> Result<(), StoreError> {
    let suspended = suspended_devices(core, account).await?;
    for device in core.registry.devices_of(&account) {
        let facts = core.store.sign_in(account, device).await?;
        let push = if facts.is_some_and(|facts| facts.active && !facts.disabled && !facts.suspended) {
            Push::Suspended(suspended.clone())
        } else {
            Push::Close(CloseCode::Suspended)
        };
        core.registry.push(&device, push);
    }
    Ok(())
}

/// After a device has taken its place: what changed since its sign-in was judged, and the suspended devices it should hear of.
pub(crate) async fn greet(core: &Core, session: &Session) {
    let outcome = if session.looked != core.lookout.looked() {
        settle(core, session.account).await
    } else if session.any_suspended {
        suspended_devices(core, session.account).await.map(|devices| {
            core.registry.push(&session.device, Push::Suspended(devices));
        })
    } else {
        Ok(())
    };
    if let Err(fault) = outcome {
        tracing::warn!(%fault, "the standing of a member could not be read");
    }
}

async fn suspended_devices(core: &Core, account: AccountId) -> Result<Vec<DeviceId>, StoreError> {
    let devices = core.store.devices(account).await?.unwrap_or_default();
    Ok(devices
        .into_iter()
        .filter(|listed| listed.suspended)
        .map(|listed| listed.device)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-227.
    #[test]
    fn a_devices_sign_ins_are_recorded_once_an_hour() {
        let lookout = Lookout::default();
        let device = DeviceId::new([1; 16]);
        assert!(lookout.is_due(device, true, 0));
        assert!(!lookout.is_due(device, true, RECORD_EVERY_MS - 1));
        assert!(lookout.is_due(device, false, 1), "a refusal is another thing");
        assert!(lookout.is_due(DeviceId::new([2; 16]), true, 1));
        assert!(lookout.is_due(device, true, RECORD_EVERY_MS));
        lookout.forget(device, true);
        assert!(
            lookout.is_due(device, true, RECORD_EVERY_MS),
            "what failed is tried again"
        );
        assert!(
            lookout.is_due(device, true, 5),
            "a clock that was set back is no reason"
        );
        assert!(!lookout.is_due(device, true, 6));
    }
}
