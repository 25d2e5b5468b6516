//! Who is connected, and a small inbox for each of them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use chopar_wire::close::CloseCode;
use chopar_wire::ids::{AccountId, DeviceId};
use prost::bytes::Bytes;
use tokio::sync::Notify;

use crate::nodes::{Here, Note, Others};
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
            // They are read with what was left out before them: taken now they would overtake it.
            Push::Stored(_) if inbox.lagging => {}
            _ if inbox.pushes.len() < INBOX_MAX => inbox.pushes.push_back(push),
            Push::Stored(_) => inbox.lagging = true,
            // A list that is lost comes again at the next sign-in.
            Push::Signal(_) | Push::OneTimeLow(_) | Push::Suspended(_) => {}
        }
        drop(inbox);
        self.wake.notify_one();
    }

    /// Something became durable that was not pushed.
    fn lag(&self) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).lagging = true;
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

/// All signed-in devices of this node, and the way to those of the others.
#[derive(Default)]
pub(crate) struct Registry {
    present: RwLock<HashMap<DeviceId, Present>>,
    others: OnceLock<Arc<dyn Others>>,
    serial: AtomicU64,
    /// Connections of each account, those included that were told to go and have not gone.
    accounts: Mutex<HashMap<AccountId, usize>>,
}

struct Present {
    account: AccountId,
    serial: u64,
    /// Its number over all nodes.
    connection: u64,
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
    /// Names the way to the other nodes, once.
    pub(crate) fn join(&self, others: Arc<dyn Others>) {
        if self.others.set(others).is_err() {
            tracing::error!("this node has joined the others already");
        }
    }

    /// Takes the device's place; an older connection of it is told to go, here and elsewhere. `None`: the account has as
    /// many as `max`.
    pub(crate) fn enter(
        self: &Arc<Self>,
        account: AccountId,
        device: DeviceId,
        connection: u64,
        max: usize,
    ) -> Option<Seat> {
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
            connection,
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
        self.tell(Note::Entered { device, connection });
        Some(Seat {
            registry: Arc::clone(self),
            account,
            device,
            serial,
            slot,
        })
    }

    /// Hands something to a device if it is connected, here or, but for envelopes, elsewhere: of those the store tells.
    pub(crate) fn push(&self, device: &DeviceId, push: Push) {
        let device = *device;
        // A device that is told to go may have left here and entered elsewhere in this moment.
        let note = match &push {
            Push::Close(code) => Some(Note::Close { device, code: *code }),
            Push::OneTimeLow(left) => Some(Note::OneTimeLow {
                device,
                left: u16::try_from(*left).unwrap_or(u16::MAX),
            }),
            // A list of suspended devices is everybody's own to read: every node looks.
            Push::Stored(_) | Push::Signal(_) | Push::Suspended(_) => None,
        };
        let everywhere = matches!(push, Push::Close(_));
        let was_here = self.push_here(&device, push, None);
        if let Some(note) = note.filter(|_| everywhere || !was_here) {
            self.tell(note);
        }
    }

    /// Hands a signal to a device if it is connected and belongs to the account.
    pub(crate) fn signal(&self, account: &AccountId, device: &DeviceId, body: Bytes) {
        if !self.push_here(device, Push::Signal(body.clone()), Some(account)) {
            let (account, device) = (*account, *device);
            self.tell(Note::Signal {
                account,
                device,
                body,
            });
        }
    }

    /// Whether the device is here; it is given the push if it belongs to `owner`, where one is named.
    fn push_here(&self, device: &DeviceId, push: Push, owner: Option<&AccountId>) -> bool {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
        let Some(here) = present.get(device) else {
            return false;
        };
        if owner.is_none_or(|owner| here.account == *owner) {
            here.slot.push(push);
        }
        true
    }

    fn tell(&self, note: Note) {
        if let Some(others) = self.others.get() {
            others.tell(note);
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

impl Here for Registry {
    fn waiting(&self, device: &DeviceId) {
        if let Some(here) = self
            .present
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(device)
        {
            here.slot.lag();
        }
    }

    fn hear(&self, note: Note) {
        match note {
            Note::Waiting(device) => self.waiting(&device),
            Note::Entered { device, connection } => {
                let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(older) = present.get(&device).filter(|here| here.connection < connection) {
                    older.slot.push(Push::Close(CloseCode::Replaced));
                }
            }
            Note::Close { device, code } => drop(self.push_here(&device, Push::Close(code), None)),
            Note::OneTimeLow { device, left } => {
                self.push_here(&device, Push::OneTimeLow(usize::from(left)), None);
            }
            Note::Signal {
                account,
                device,
                body,
            } => {
                self.push_here(&device, Push::Signal(body), Some(&account));
            }
            Note::WhoIsThere => {}
        }
    }

    fn devices(&self) -> Vec<(DeviceId, u64)> {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
        present
            .iter()
            .map(|(device, here)| (*device, here.connection))
            .collect()
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
        let old = registry.enter(account, device, 0, 2).unwrap();
        let new = registry.enter(account, device, 0, 2).unwrap();
        assert!(
            registry.enter(account, device, 0, 2).is_none(),
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
        let another = registry.enter(account, other, 0, 2).unwrap();
        drop((new, another));
        assert_eq!(registry.count(), 0);
        assert!(registry.accounts.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_full_inbox_sends_its_reader_to_the_store() {
        let registry = Arc::new(Registry::default());
        let device = DeviceId::new([1; 16]);
        let seat = registry.enter(AccountId::new([9; 32]), device, 0, 1).unwrap();
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
        let seat = registry.enter(account, device, 0, 1).unwrap();
        registry.signal(&AccountId::new([8; 32]), &device, Bytes::from_static(b"no"));
        registry.signal(&account, &device, Bytes::from_static(b"yes"));
        let inbox = seat.slot.take().await;
        assert!(matches!(&inbox.pushes[0], Push::Signal(body) if &body[..] == b"yes"));
        assert_eq!(inbox.pushes.len(), 1);
    }

    #[tokio::test]
    async fn what_was_left_out_is_not_overtaken() {
        let registry = Arc::new(Registry::default());
        let device = DeviceId::new([1; 16]);
        let seat = registry.enter(AccountId::new([9; 32]), device, 0, 1).unwrap();
        registry.push(&device, stored(1));
        registry.waiting(&device);
        registry.push(&device, stored(3));
        let inbox = seat.slot.take().await;
        assert_eq!((inbox.pushes.len(), inbox.lagging), (1, true));
        registry.push(&device, stored(4));
        let inbox = seat.slot.take().await;
        assert_eq!((inbox.pushes.len(), inbox.lagging), (1, false));
    }

    #[derive(Default)]
    struct Told(Mutex<Vec<Note>>);

    impl Others for Told {
        fn tell(&self, note: Note) {
            self.0.lock().unwrap().push(note);
        }
    }

    /// P-200.
    #[tokio::test]
    async fn of_two_nodes_the_later_connection_stays() {
        let (account, device) = (AccountId::new([9; 32]), DeviceId::new([1; 16]));
        let nodes = [(); 2].map(|()| (Arc::new(Registry::default()), Arc::new(Told::default())));
        for (registry, told) in &nodes {
            registry.join(Arc::clone(told) as Arc<dyn Others>);
        }
        let older = nodes[0].0.enter(account, device, 7, 1).unwrap();
        let newer = nodes[1].0.enter(account, device, 8, 1).unwrap();
        // Both hear of the other, in whatever order.
        for (from, to) in [(0, 1), (1, 0)] {
            for note in nodes[from].1.0.lock().unwrap().drain(..) {
                nodes[to].0.hear(note);
            }
        }
        assert!(matches!(
            older.slot.take().await.pushes[0],
            Push::Close(CloseCode::Replaced)
        ));
        nodes[1].0.push(&device, stored(1));
        let inbox = newer.slot.take().await;
        assert!(inbox.pushes.len() == 1 && matches!(inbox.pushes[0], Push::Stored(_)));
    }

    #[tokio::test]
    async fn what_is_for_elsewhere_goes_there() {
        let registry = Arc::new(Registry::default());
        let told = Arc::new(Told::default());
        registry.join(Arc::clone(&told) as Arc<dyn Others>);
        let (account, here, away) = (
            AccountId::new([9; 32]),
            DeviceId::new([1; 16]),
            DeviceId::new([2; 16]),
        );
        let _seat = registry.enter(account, here, 1, 1).unwrap();
        told.0.lock().unwrap().clear();
        for device in [here, away] {
            registry.push(&device, stored(1));
            registry.push(&device, Push::OneTimeLow(3));
            registry.signal(&account, &device, Bytes::from_static(b"typing"));
            registry.push(&device, Push::Close(CloseCode::Revoked));
        }
        let code = CloseCode::Revoked;
        let expected = [
            Note::Close { device: here, code },
            Note::OneTimeLow {
                device: away,
                left: 3,
            },
            Note::Signal {
                account,
                device: away,
                body: Bytes::from_static(b"typing"),
            },
            Note::Close { device: away, code },
        ];
        assert_eq!(*told.0.lock().unwrap(), expected);
    }
}
