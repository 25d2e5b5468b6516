//! Who is connected, and a small inbox for each of them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chopar_wire::close::CloseCode;
use chopar_wire::ids::{AccountId, DeviceId};
use prost::bytes::Bytes;
use tokio::sync::Notify;

use crate::store::Stored;

/// Something for one connection.
#[derive(Debug)]
pub(crate) enum Push {
    /// An envelope that became durable.
    Stored(Stored),
    /// A signal's body.
    Signal(Bytes),
    /// One-time pairs left after a claim.
    OneTimeLow(usize),
    /// Own devices that an administrator suspended.
    Suspended(Vec<DeviceId>),
    /// Say this and go.
    Close(CloseCode),
}

/// What came in since the last look.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) pushes: VecDeque<Push>,
    /// Envelopes were left out: they are in the store.
    pub(crate) lagging: bool,
}

/// A connection's inbox. Empty it holds no heap memory: most connections are idle.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    // Short critical sections without await: a plain mutex.
    inbox: Mutex<Inbox>,
    wake: Notify,
}

/// Pushes that wait for one connection: the delivery window. What is beyond it is read from the store.
const INBOX_MAX: usize = 256;

impl Slot {
    fn push(&self, push: Push) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        match push {
            // A close is the last word: what else waits is in the store or of no account.
            Push::Close(_) => inbox.pushes.push_front(push),
            _ if inbox.pushes.len() < INBOX_MAX => inbox.pushes.push_back(push),
            Push::Stored(_) => inbox.lagging = true,
            // A list that is lost comes again at the next sign-in.
            Push::Signal(_) | Push::OneTimeLow(_) | Push::Suspended(_) => {}
        }
        drop(inbox);
        self.wake.notify_one();
    }

    /// Waits until something came and takes all of it.
    pub(crate) async fn take(&self) -> Inbox {
        loop {
            let inbox = std::mem::take(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner));
            if inbox.lagging || !inbox.pushes.is_empty() {
                return inbox;
            }
            self.wake.notified().await;
        }
    }
}

/// All signed-in devices.
#[derive(Default)]
pub(crate) struct Registry {
    present: RwLock<HashMap<DeviceId, Present>>,
    serial: AtomicU64,
    /// Connections of each account, those included that were told to go and have not gone.
    accounts: Mutex<HashMap<AccountId, usize>>,
}

struct Present {
    account: AccountId,
    serial: u64,
    slot: Arc<Slot>,
}

/// A place in the registry; leaving it is dropping it.
pub(crate) struct Seat {
    registry: Arc<Registry>,
    account: AccountId,
    device: DeviceId,
    serial: u64,
    pub(crate) slot: Arc<Slot>,
}

impl Registry {
    /// Takes the device's place; an older connection of it is told to go. `None`: the account has as many as `max`.
    pub(crate) fn enter(self: &Arc<Self>, account: AccountId, device: DeviceId, max: usize) -> Option<Seat> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let here = accounts.get(&account).copied().unwrap_or(0);
        if here >= max {
            return None;
        }
        accounts.insert(account, here + 1);
        drop(accounts);
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::new(Slot::default());
        let newcomer = Present {
            account,
            serial,
            slot: Arc::clone(&slot),
        };
        let older = self
            .present
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(device, newcomer);
        if let Some(older) = older {
            older.slot.push(Push::Close(CloseCode::Replaced));
        }
        Some(Seat {
            registry: Arc::clone(self),
            account,
            device,
            serial,
            slot,
        })
    }

    /// Hands something to a device if it is here.
    pub(crate) fn push(&self, device: &DeviceId, push: Push) {
        if let Some(present) = self
            .present
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(device)
        {
            present.slot.push(push);
        }
    }

    /// Hands a signal to a device if it is here and belongs to the account.
    pub(crate) fn signal(&self, account: &AccountId, device: &DeviceId, body: Bytes) {
        if let Some(present) = self
            .present
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(device)
            && present.account == *account
        {
            present.slot.push(Push::Signal(body));
        }
    }

    /// The connected devices of an account. Looks at everybody: for what happens rarely.
    pub(crate) fn devices_of(&self, account: &AccountId) -> Vec<DeviceId> {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = present.iter().filter(|(_, here)| here.account == *account);
        theirs.map(|(device, _)| *device).collect()
    }

    /// Signed-in devices.
    pub(crate) fn count(&self) -> usize {
        self.present.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut present = self
            .registry
            .present
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // A newer connection of the same device keeps its place.
        if present
            .get(&self.device)
            .is_some_and(|here| here.serial == self.serial)
        {
            present.remove(&self.device);
        }
        drop(present);
        let mut accounts = self
            .registry
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = accounts.get_mut(&self.account) {
            *here -= 1;
            if *here == 0 {
                accounts.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chopar_wire::ids::EnvelopeId;

    use super::*;

    fn stored(seq: u64) -> Push {
        let (device, id) = (DeviceId::new([1; 16]), EnvelopeId::new([2; 16]));
        Push::Stored(Stored {
            device,
            seq,
            id,
            body: Bytes::new(),
            accepted: 0,
        })
    }

    #[tokio::test]
    async fn the_newer_connection_keeps_the_place() {
        let registry = Arc::new(Registry::default());
        let (account, device) = (AccountId::new([9; 32]), DeviceId::new([1; 16]));
        let old = registry.enter(account, device, 2).unwrap();
        let new = registry.enter(account, device, 2).unwrap();
        assert!(
            registry.enter(account, device, 2).is_none(),
            "one that was told to go counts until it has gone"
        );
        assert!(matches!(
            old.slot.take().await.pushes[0],
            Push::Close(CloseCode::Replaced)
        ));
        drop(old);
        registry.push(&device, stored(1));
        assert!(matches!(new.slot.take().await.pushes[0], Push::Stored(_)));
        let other = DeviceId::new([2; 16]);
        let another = registry.enter(account, other, 2).unwrap();
        drop((new, another));
        assert_eq!(registry.count(), 0);
        assert!(registry.accounts.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_full_inbox_sends_its_reader_to_the_store() {
        let registry = Arc::new(Registry::default());
        let device = DeviceId::new([1; 16]);
        let seat = registry.enter(AccountId::new([9; 32]), device, 1).unwrap();
        for seq in 0..=INBOX_MAX as u64 {
            registry.push(&device, stored(seq));
        }
        let inbox = seat.slot.take().await;
        assert_eq!((inbox.pushes.len(), inbox.lagging), (INBOX_MAX, true));
    }

    #[tokio::test]
    async fn signals_need_the_right_account() {
        let registry = Arc::new(Registry::default());
        let (account, device) = (AccountId::new([9; 32]), DeviceId::new([1; 16]));
        let seat = registry.enter(account, device, 1).unwrap();
        registry.signal(&AccountId::new([8; 32]), &device, Bytes::from_static(b"no"));
        registry.signal(&account, &device, Bytes::from_static(b"yes"));
        let inbox = seat.slot.take().await;
        assert!(matches!(&inbox.pushes[0], Push::Signal(body) if &body[..] == b"yes"));
        assert_eq!(inbox.pushes.len(), 1);
    }
}
