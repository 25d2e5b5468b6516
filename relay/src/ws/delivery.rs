//! What a device gets and in which order: first its whole queue, then what comes, never more in flight than a window.
//!
//! ```text
//!          page read, more to come / window shut, pushes left out
//!            ┌───────────────┐
//!            v               │
//!   start ─ Behind ─ queue read to its end: QueueEmpty ─> Live ─ push in order: Deliver
//!            ^                                             │
//!            └──────── window shut or inbox lagging ───────┘
//! ```
//! A push is only a shortcut past the store; what is not taken as a push is read from the queue, by its number. A number
//! that is known may have left the store before it was read (it expired): a page that reaches the queue's end settles
//! every number known before it was asked for, whether it holds them or not.

use std::collections::BTreeMap;

use chopar_wire::proto::relay::{self, QueueEmpty, relay_frame::Body};

use crate::store::{QueuePage, Stored};

/// Envelopes in flight at most: with 1 KiB each, a window of 256 KiB at a round trip of 10 ms is 25 MiB/s.
const WINDOW_COUNT: usize = 256;
/// Bytes in flight at most.
const WINDOW_BYTES: usize = 1024 * 1024;

#[derive(Default)]
pub(crate) struct Delivery {
    /// Everything up to this number was handed over on this connection or had left the store before.
    cursor: u64,
    /// Handed over and not acknowledged.
    flying: BTreeMap<u64, usize>,
    flying_bytes: usize,
    live: bool,
    reading: bool,
    /// The highest number known to have been in the store.
    known: u64,
    /// What `known` was when the page under way was asked for.
    known_before_read: u64,
    /// Something was left out whose number is not known.
    lagging: bool,
}

/// A page to be read from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) after: u64,
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

impl Delivery {
    /// Whether a page is to be read now.
    pub(crate) fn is_due(&self) -> bool {
        !self.live && !self.reading && self.flying.len() < WINDOW_COUNT && self.flying_bytes < WINDOW_BYTES
    }

    /// The page to read next, if one is to be read now.
    pub(crate) fn wanted(&mut self) -> Option<Wanted> {
        if !self.is_due() {
            return None;
        }
        let count = WINDOW_COUNT.saturating_sub(self.flying.len());
        let bytes = WINDOW_BYTES.saturating_sub(self.flying_bytes);
        self.reading = true;
        self.lagging = false;
        self.known_before_read = self.known;
        Some(Wanted {
            after: self.cursor,
            count,
            bytes,
        })
    }

    /// Takes a page that was read.
    pub(crate) fn page(&mut self, page: QueuePage, mut out: impl FnMut(Body)) {
        self.reading = false;
        for stored in page.envelopes {
            self.hand_over(stored, &mut out);
        }
        if page.more {
            return;
        }
        // Read to its end. Without this step a number that is gone would be asked for without end.
        self.cursor = self.cursor.max(self.known_before_read);
        if self.known <= self.cursor && !self.lagging {
            self.live = true;
            out(Body::QueueEmpty(QueueEmpty { up_to: self.cursor }));
        }
    }

    /// Takes an envelope that has just become durable.
    pub(crate) fn push(&mut self, stored: Stored, out: impl FnMut(Body)) {
        if stored.seq <= self.cursor {
            return;
        }
        let shut = self.flying.len() >= WINDOW_COUNT || self.flying_bytes >= WINDOW_BYTES;
        if self.live && !shut {
            self.hand_over(stored, out);
        } else {
            self.live = false;
            self.known = self.known.max(stored.seq);
        }
    }

    /// The inbox left envelopes out.
    pub(crate) fn lag(&mut self) {
        self.live = false;
        self.lagging = true;
    }

    /// Takes an acknowledgement. Numbers that are not in flight change nothing here; those never handed over are taken
    /// out, lest somebody deletes what they have not got. A number acknowledged before stays in: that attempt may have
    /// failed.
    pub(crate) fn acknowledge(&mut self, seqs: &mut Vec<u64>) {
        seqs.retain(|seq| *seq <= self.cursor);
        for seq in seqs {
            if let Some(bytes) = self.flying.remove(seq) {
                self.flying_bytes -= bytes;
            }
        }
    }

    fn hand_over(&mut self, stored: Stored, mut out: impl FnMut(Body)) {
        if stored.seq <= self.cursor {
            return;
        }
        self.cursor = stored.seq;
        self.flying.insert(stored.seq, stored.body.len());
        self.flying_bytes += stored.body.len();
        out(Body::Deliver(relay::Deliver {
            seq: stored.seq,
            id: stored.id.into(),
            body: stored.body,
            accepted: stored.accepted,
        }));
    }
}

#[cfg(test)]
mod tests {
    use chopar_wire::ids::{DeviceId, EnvelopeId};
    use prost::bytes::Bytes;

    use super::*;

    fn stored(seq: u64, size: usize) -> Stored {
        let body = Bytes::from(vec![0; size]);
        Stored {
            device: DeviceId::new([0; 16]),
            seq,
            id: EnvelopeId::new([0; 16]),
            body,
            accepted: 0,
        }
    }

    fn page(seqs: impl IntoIterator<Item = u64>, more: bool) -> QueuePage {
        QueuePage {
            envelopes: seqs.into_iter().map(|seq| stored(seq, 10)).collect(),
            more,
        }
    }

    /// Deliveries as their numbers, an empty queue as 0.
    fn told(act: impl FnOnce(&mut dyn FnMut(Body))) -> Vec<u64> {
        let mut all = Vec::new();
        act(&mut |body| match body {
            Body::Deliver(deliver) => all.push(deliver.seq),
            Body::QueueEmpty(_) => all.push(0),
            _ => unreachable!(),
        });
        all
    }

    #[test]
    fn the_queue_first_then_pushes() {
        let mut delivery = Delivery::default();
        assert_eq!(delivery.wanted().unwrap().after, 0);
        assert_eq!(delivery.wanted(), None, "one page at a time");
        assert_eq!(told(|out| delivery.page(page([3, 4], true), out)), [3, 4]);
        assert_eq!(delivery.wanted().unwrap().after, 4);
        assert_eq!(told(|out| delivery.page(page([], false), out)), [0]);
        assert_eq!(told(|out| delivery.push(stored(5, 10), out)), [5]);
        assert!(
            told(|out| delivery.push(stored(5, 10), out)).is_empty(),
            "nothing twice on one connection"
        );
        assert_eq!(delivery.wanted(), None);
    }

    #[test]
    fn what_became_durable_during_a_read_is_not_missed() {
        let mut delivery = Delivery::default();
        delivery.wanted().unwrap();
        assert!(told(|out| delivery.push(stored(7, 10), out)).is_empty());
        assert!(
            told(|out| delivery.page(page([], false), out)).is_empty(),
            "not yet empty"
        );
        assert_eq!(delivery.wanted().unwrap().after, 0);
        assert_eq!(told(|out| delivery.page(page([7], false), out)), [7, 0]);

        delivery.lag();
        delivery.wanted().unwrap();
        delivery.lag();
        assert!(told(|out| delivery.page(page([], false), out)).is_empty());
        assert!(delivery.wanted().is_some());
    }

    #[test]
    fn a_shut_window_waits_for_acknowledgements() {
        let mut delivery = Delivery::default();
        let first = delivery.wanted().unwrap();
        assert_eq!((first.count, first.bytes), (WINDOW_COUNT, WINDOW_BYTES));
        told(|out| delivery.page(page(1..=WINDOW_COUNT as u64, false), out));
        assert!(told(|out| delivery.push(stored(1000, 10), out)).is_empty());
        assert_eq!(delivery.wanted(), None);
        let mut seqs = vec![1, 1, 99_999];
        delivery.acknowledge(&mut seqs);
        assert_eq!(seqs, [1, 1], "what was never handed over is not deleted");
        let next = delivery.wanted().unwrap();
        assert_eq!((next.after, next.count), (WINDOW_COUNT as u64, 1));
        assert_eq!(told(|out| delivery.page(page([1000], false), out)), [1000, 0]);
    }

    #[test]
    fn a_number_that_left_the_store_is_not_asked_for_again() {
        let mut delivery = Delivery::default();
        delivery.wanted().unwrap();
        told(|out| delivery.page(page(1..=WINDOW_COUNT as u64, false), out));
        // The window is shut when 257 comes; it expires before there is room for it.
        assert!(told(|out| delivery.push(stored(257, 10), out)).is_empty());
        delivery.acknowledge(&mut (1..=256).collect());
        assert_eq!(delivery.wanted().unwrap().after, 256);
        assert_eq!(told(|out| delivery.page(page([], false), out)), [0]);
        assert_eq!(delivery.wanted(), None, "at rest");
        assert_eq!(told(|out| delivery.push(stored(258, 10), out)), [258]);
    }

    #[test]
    fn bytes_shut_the_window_too() {
        let mut delivery = Delivery::default();
        delivery.wanted().unwrap();
        told(|out| delivery.page(page([], false), out));
        told(|out| delivery.push(stored(1, WINDOW_BYTES), out));
        assert!(told(|out| delivery.push(stored(2, 1), out)).is_empty());
        assert_eq!(delivery.wanted(), None);
        delivery.acknowledge(&mut vec![1]);
        assert!(delivery.wanted().is_some());
    }
}
