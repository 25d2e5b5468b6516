//! What the writing task holds: its connection, the clock, and what the commit will announce.

use std::collections::HashMap;
use std::sync::Arc;

use chopar_wire::ids::DeviceId;
use chopar_wire::proto::audit::Record;

use super::bodies::Released;
use super::link::{Fault, Link};
use crate::audit::node::NodeKey;
use crate::clock::Clock;
use crate::nodes::{Here, Note, Others};
use crate::store::{OnStored, Stored};

/// Devices whose last number told is remembered: about 60 bytes each. Beyond it they are forgotten and read from the store.
const KNOWN_MAX: usize = 100_000;

pub(super) struct Books {
    link: Option<Arc<Link>>,
    clock: Clock,
    /// Whose audit log this program writes.
    pub(super) node: Arc<NodeKey>,
    /// What the transaction under way adds to it.
    records: Vec<Record>,
    /// References to shared bodies that it took away.
    released: Released,
    on_stored: OnStored,
    here: Arc<dyn Here>,
    others: Arc<dyn Others>,
    /// The number that this node gave a device last.
    given: HashMap<DeviceId, u64>,
    news: Vec<News>,
}

enum News {
    Stored(Stored),
    /// Asked for again, and still waiting: who stored it first may have died before it woke anybody.
    Waiting(DeviceId),
}

impl Books {
    pub(super) fn new(
        clock: Clock,
        node: Arc<NodeKey>,
        on_stored: OnStored,
        here: Arc<dyn Here>,
        others: Arc<dyn Others>,
    ) -> Self {
        Self {
            link: None,
            clock,
            node,
            records: Vec::new(),
            released: Released::default(),
            on_stored,
            here,
            others,
            given: HashMap::new(),
            news: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(super) fn link(&self) -> Result<Arc<Link>, Fault> {
        self.link.clone().ok_or(Fault::Unreachable)
    }

    /// Takes the connection of the next transaction.
    pub(super) fn turn_to(&mut self, link: &Arc<Link>) {
        self.link = Some(Arc::clone(link));
        self.records.clear();
        self.released.clear();
        self.news.clear();
    }

    /// Adds a record to this node's audit log, in the transaction under way.
    pub(super) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    pub(super) fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// Notes that the transaction under way took references to shared bodies away: numbers of bodies, and how many.
    pub(super) fn release(&mut self, bodies: &[(u64, u64)]) {
        for (body, count) in bodies {
            self.released.add(*body, *count);
        }
    }

    pub(super) fn take_released(&mut self) -> Released {
        std::mem::take(&mut self.released)
    }

    pub(super) fn stored(&mut self, stored: Stored) {
        self.news.push(News::Stored(stored));
    }

    pub(super) fn waiting(&mut self, device: DeviceId) {
        self.news.push(News::Waiting(device));
    }

    /// After the commit. A device's connection here takes an envelope past the store only where no other node gave a number
    /// between this one and the last of ours; else it reads its queue, in which nothing is missing.
    pub(super) fn announce(&mut self) {
        self.link = None;
        if self.given.len() > KNOWN_MAX {
            self.given = HashMap::new();
        }
        for news in std::mem::take(&mut self.news) {
            match news {
                News::Stored(stored) => {
                    let device = stored.device;
                    let before = self.given.insert(device, stored.seq).unwrap_or(0);
                    if before + 1 == stored.seq {
                        (self.on_stored)(stored);
                    } else {
                        self.here.waiting(&device);
                    }
                    self.others.tell(Note::Waiting(device));
                }
                News::Waiting(device) => self.wake(device),
            }
        }
    }

    /// Nobody knows whether the commit took place: whoever it was for looks for themselves.
    pub(super) fn doubt(&mut self) {
        self.link = None;
        for news in std::mem::take(&mut self.news) {
            let (News::Stored(Stored { device, .. }) | News::Waiting(device)) = news;
            self.given.remove(&device);
            self.wake(device);
        }
    }

    /// The transaction was rolled back.
    pub(super) fn forget(&mut self) {
        self.link = None;
        self.news.clear();
    }

    fn wake(&self, device: DeviceId) {
        self.here.waiting(&device);
        self.others.tell(Note::Waiting(device));
    }
}
