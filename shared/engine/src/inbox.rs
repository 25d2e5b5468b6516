//! Envelopes as the relay delivers them: one after the other, each settled in a commit before it is acknowledged.
//!
//! An envelope is taken further only by this queue. Three things make it wait: an agreement of the identity key (the whole
//! queue waits, a moment), a sender's log that must be fetched (what that sender sent waits aside, the rest goes on), and too
//! many handshakes in one second (they wait aside in their order, the rest goes on).

use std::collections::VecDeque;

use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{Ack, Deliver};
use chopar_wire::{AccountId, EnvelopeId, Timestamp, limits};
use prost::bytes::Bytes;

use crate::context::Context;
use crate::engine::Engine;
use crate::map::Map;
use crate::requests::What;

/// Envelopes held while one waits. A relay that hands over more is disconnected; it keeps them and tries again.
const MAX_WAITING: usize = 4096;
/// Their bytes together: eight times what a relay of this version hands over before it wants acknowledgements.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Senders whose envelopes wait for a log at one time. Only logs beyond 8 KiB are fetched, so these are few; a stranger can
/// claim any number of accounts.
const MAX_PARKED: usize = 64;
/// Handshakes opened in one second: each costs a decapsulation and four agreements, and anybody can cause them.
const OPENINGS_PER_SECOND: usize = 10;

/// One envelope in this device's queue.
#[derive(Clone)]
pub(crate) struct Delivery {
    /// Its place in the relay's queue; `None` for one that was acknowledged long ago (quarantine).
    pub(crate) seq: Option<u64>,
    pub(crate) id: EnvelopeId,
    pub(crate) body: Bytes,
}

/// What became of an envelope.
pub(crate) enum Outcome {
    /// Taken, dropped or put aside for good: acknowledge it.
    Settled,
    /// An agreement is under way.
    Agreeing,
    /// Too many handshakes in this second.
    Later(Timestamp),
    /// This sender's log is needed first.
    Parked(AccountId),
}

/// Envelopes that are not settled.
#[derive(Default)]
pub(crate) struct Inbox {
    queue: VecDeque<Delivery>,
    /// Handshakes beyond the rate, until `later`.
    aside: VecDeque<Delivery>,
    /// Bytes of all that waits.
    bytes: usize,
    parked: Map<AccountId, Vec<Delivery>>,
    agreeing: bool,
    later: Option<Timestamp>,
    openings: VecDeque<Timestamp>,
    settled: Vec<u64>,
}

impl Inbox {
    fn waiting(&self) -> usize {
        let parked: usize = self.parked.values().map(Vec::len).sum();
        self.queue.len() + self.aside.len() + parked
    }

    /// The next to be looked at: what waited aside and may go on now, then what came.
    fn next(&mut self, now: Timestamp) -> Option<(Delivery, bool)> {
        if self.later.is_none_or(|at| at <= now)
            && let Some(delivery) = self.aside.pop_front()
        {
            return Some((delivery, true));
        }
        self.queue.pop_front().map(|delivery| (delivery, false))
    }

    /// It is settled, or somebody else keeps it.
    fn gone(&mut self, delivery: &Delivery) {
        self.bytes = self.bytes.saturating_sub(delivery.body.len());
    }

    /// The relay will deliver again what was not acknowledged.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.aside.clear();
        self.bytes = 0;
        self.parked.clear();
        self.settled.clear();
        self.later = None;
    }

    /// Whether something is under way that a moment will settle. Handshakes that wait aside may be a flood.
    pub(crate) fn busy(&self) -> bool {
        self.agreeing || !self.queue.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.agreeing && self.waiting() == 0
    }

    pub(crate) fn agreed(&mut self) {
        self.agreeing = false;
    }

    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.later.filter(|_| !self.aside.is_empty())
    }

    /// Whether another handshake may be opened now; if not, when.
    pub(crate) fn may_open(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        while self.openings.front().is_some_and(|at| now.ms_since(*at) >= 1000) {
            self.openings.pop_front();
        }
        match self.openings.front() {
            Some(oldest) if self.openings.len() >= OPENINGS_PER_SECOND => Err(oldest.plus_ms(1000)),
            _ => {
                self.openings.push_back(now);
                Ok(())
            }
        }
    }

    pub(crate) fn settle(&mut self, seq: Option<u64>) {
        self.settled.extend(seq);
    }
}

impl Engine {
    pub(crate) fn on_deliver(&mut self, deliver: Deliver, cx: &mut Context<'_>) {
        let Ok(id) = EnvelopeId::try_from(deliver.id.as_ref()) else {
            self.inbox.settle(Some(deliver.seq));
            return;
        };
        let bytes = self.inbox.bytes + deliver.body.len();
        if self.inbox.waiting() >= MAX_WAITING || bytes > MAX_WAITING_BYTES {
            return self.drop_link(cx);
        }
        self.inbox.bytes = bytes;
        self.inbox.queue.push_back(Delivery {
            seq: Some(deliver.seq),
            id,
            body: deliver.body,
        });
    }

    /// Takes envelopes until one has to wait, then acknowledges the settled ones.
    pub(crate) fn pump_inbox(&mut self, cx: &mut Context<'_>) {
        while !self.inbox.agreeing {
            let Some((delivery, waited)) = self.inbox.next(cx.now) else {
                break;
            };
            match self.receive(&delivery, cx) {
                Outcome::Settled => {
                    self.inbox.gone(&delivery);
                    self.inbox.settle(delivery.seq);
                }
                Outcome::Agreeing => {
                    self.inbox.gone(&delivery);
                    self.inbox.agreeing = true;
                }
                Outcome::Later(at) => {
                    self.inbox.later = Some(at);
                    if waited {
                        self.inbox.aside.push_front(delivery);
                    } else {
                        self.inbox.aside.push_back(delivery);
                    }
                }
                Outcome::Parked(account) => self.inbox.parked.entry(account).or_default().push(delivery),
            }
        }
        if self.link.signed_in() {
            for seqs in std::mem::take(&mut self.inbox.settled).chunks(limits::MAX_ACK) {
                self.requests
                    .send(cx, What::Ack, Body::Ack(Ack { seqs: seqs.to_vec() }));
            }
        }
    }

    /// Whether one more sender's envelopes may wait aside for a log.
    pub(crate) fn may_park(&self, account: &AccountId) -> bool {
        self.inbox.parked.len() < MAX_PARKED || self.inbox.parked.contains_key(account)
    }

    /// The log of a sender came: what waited for it goes first, in its order. One that does not verify: nothing of it counts.
    pub(crate) fn release_parked(&mut self, account: &AccountId) {
        if self.log(account).is_none() {
            return self.discard_parked(account);
        }
        for delivery in self
            .inbox
            .parked
            .remove(account)
            .unwrap_or_default()
            .into_iter()
            .rev()
        {
            self.inbox.queue.push_front(delivery);
        }
    }

    /// There is no such sender.
    pub(crate) fn discard_parked(&mut self, account: &AccountId) {
        for delivery in self.inbox.parked.remove(account).unwrap_or_default() {
            self.inbox.gone(&delivery);
            self.inbox.settle(delivery.seq);
        }
        if self
            .contacts
            .get(account)
            .is_some_and(|c| c.log.is_none() && c.next_line == 0 && !c.is_decided())
        {
            self.contacts.remove(account);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::effect::Effect;
    use crate::link::State;

    /// So many envelopes of this length come while an agreement is under way. How many wait, and whether the relay was
    /// disconnected.
    fn hands_over(count: u64, length: usize) -> (usize, bool) {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(10), &mut rng);
        let mut engine = Engine::new();
        engine.link.state = State::SignedIn {
            since: cx.now,
            drained: false,
        };
        engine.inbox.agreeing = true;
        for seq in 1..=count {
            let deliver = Deliver {
                seq,
                id: [&seq.to_be_bytes()[..], &[0; 8]].concat().into(),
                body: vec![2; length].into(),
                accepted: 0,
            };
            engine.on_deliver(deliver, &mut cx);
            engine.pump_inbox(&mut cx);
        }
        let closed = cx
            .step
            .then
            .iter()
            .any(|effect| matches!(effect, Effect::Disconnect));
        assert_eq!(closed, engine.link.is_down());
        (engine.inbox.waiting(), closed)
    }

    /// P-290: 4,096 envelopes or 8 MiB; the next one ends the connection, and the relay keeps what was not acknowledged.
    #[test]
    fn a_relay_that_hands_over_more_is_disconnected() {
        const LARGE: usize = 32 * 1024;
        let most = MAX_WAITING_BYTES / LARGE;
        assert_eq!(hands_over(MAX_WAITING as u64, 10), (MAX_WAITING, false));
        assert!(hands_over(MAX_WAITING as u64 + 1, 10).1);
        assert_eq!(hands_over(most as u64, LARGE), (most, false));
        assert!(hands_over(most as u64 + 1, LARGE).1);
    }

    /// P-296: envelopes of 64 senders wait for a log; whoever waits already may have more.
    #[test]
    fn senders_whose_log_is_awaited_are_bounded() {
        let mut engine = Engine::new();
        let sender = |number: u8| AccountId::new([number; 32]);
        for number in 0..MAX_PARKED as u8 {
            assert!(engine.may_park(&sender(number)));
            engine.inbox.parked.insert(sender(number), Vec::new());
        }
        assert!(!engine.may_park(&sender(200)));
        assert!(engine.may_park(&sender(5)));
        engine.discard_parked(&sender(5));
        assert!(engine.may_park(&sender(200)));
    }
}
