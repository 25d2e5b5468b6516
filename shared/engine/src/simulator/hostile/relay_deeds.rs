//! What the relay does to people.

use core::fmt;

use chopar_wire::proto::relay::OneTimeLow;
use chopar_wire::proto::relay::relay_frame::Body;

use super::cast::{SETTLE_MS, Who};
use super::log_answers::LogAnswer;
use super::log_lies::LogLie;
use super::prekey_lies::PrekeyLie;
use super::stage::Stage;
use super::step::Step;

/// The relay, as a character.
#[derive(Clone, Copy)]
pub struct TheRelay;

/// The one relay.
pub const RELAY: TheRelay = TheRelay;

/// What becomes of every envelope for a person from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeLie {
    /// It is kept back; the queue keeps it.
    Kept,
    /// It is held until it is let go.
    Held,
    /// It comes twice, the second time under another id.
    Twice,
    /// One bit of it is flipped.
    Altered,
    /// A copy with one bit flipped comes first, under the same id and place.
    AlteredFirst,
    /// Its end is cut off.
    CutShort,
    /// Somebody else gets it.
    GivenTo(Who),
}

/// In which order what was held is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As it came.
    AsItCame,
    /// The last first.
    Reversed,
    /// By lot.
    ByLot,
}

impl fmt::Display for EnvelopeLie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("keeps back"),
            Self::Held => f.write_str("holds"),
            Self::Twice => f.write_str("doubles"),
            Self::Altered => f.write_str("alters"),
            Self::AlteredFirst => f.write_str("sends an altered copy ahead of"),
            Self::CutShort => f.write_str("cuts short"),
            Self::GivenTo(other) => write!(f, "gives to {other}"),
        }
    }
}

impl TheRelay {
    /// From now on this happens to every envelope for a person.
    pub fn treats(self, person: Who, lie: EnvelopeLie) -> Step {
        Step::new(format!("the relay {lie} what is for {person}"), move |stage| {
            stage.lies.borrow_mut().envelopes.insert(person.0, lie);
        })
    }

    /// Lets go what it held for a person, and holds no more.
    pub fn lets_go(self, person: Who, order: Order) -> Step {
        Step::new(
            format!("the relay lets go what it held for {person}, {order:?}"),
            move |stage| {
                stage.lies.borrow_mut().envelopes.remove(&person.0);
                stage.let_go(person, order);
                stage.pass(SETTLE_MS);
            },
        )
    }

    /// Loses what waits for a person, after having said that it has it.
    pub fn loses_the_queue_of(self, person: Who) -> Step {
        Step::new(format!("the relay loses what waits for {person}"), move |stage| {
            stage.lose_queue(person);
        })
    }

    /// Hands everything over again that ever was for a person, by lot: under its own id, and under a new one.
    pub fn replays_everything_to(self, person: Who) -> Step {
        Step::new(
            format!("the relay replays everything to {person}"),
            move |stage| {
                stage.replay(person, person);
                stage.pass(SETTLE_MS);
            },
        )
    }

    /// Hands everything over to somebody that ever was for another.
    pub fn gives_everything_of(self, person: Who, to: Who) -> Step {
        Step::new(
            format!("the relay gives everything that was for {person} to {to}"),
            move |stage| {
                stage.replay(person, to);
                stage.pass(SETTLE_MS);
            },
        )
    }

    /// Floods a person with envelopes of noise: session form and handshake form in turns.
    pub fn floods(self, person: Who, envelopes: usize) -> Step {
        Step::new(
            format!("the relay floods {person} with {envelopes} envelopes of noise"),
            move |stage| {
                for number in 0..envelopes {
                    stage.noise(person, number);
                    if number % 100 == 99 {
                        stage.pass(1_000);
                    }
                }
                stage.pass(SETTLE_MS);
            },
        )
    }

    /// From now on hands out something else for a person's bundle.
    pub fn hands_out(self, whose: Who, lie: PrekeyLie) -> Step {
        Step::new(format!("the relay hands out {lie} for {whose}"), move |stage| {
            let told = lie.about(whose, stage);
            let device = stage.device(whose);
            stage.lies.borrow_mut().bundles.insert(device, told);
        })
    }

    /// Claims every one-time pair of a person in somebody's name.
    pub fn drains_the_pool_of(self, person: Who) -> Step {
        Step::new(
            format!("the relay gives away every one-time pair of {person}"),
            move |stage| {
                let (account, device) = (stage.account(person), stage.device(person));
                let known = stage.world.relay.accounts.get_mut(&account).expect("an account");
                known.one_time.entry(device).or_default().clear();
            },
        )
    }

    /// From now on shows somebody another log of a person.
    pub fn shows(self, viewer: Who, whose: Who, lie: LogLie) -> Step {
        Step::new(
            format!("the relay shows {viewer} {whose}'s log {lie}"),
            move |stage| {
                stage.show(viewer, whose, lie);
            },
        )
    }

    /// From now on answers somebody so who asks for a person's log.
    pub fn answers_for_the_log(self, asking: Who, whose: Who, answer: LogAnswer) -> Step {
        Step::new(
            format!("the relay answers {asking}, who asks for {whose}'s log, with {answer}"),
            move |stage| {
                let answering = answer.about(whose, stage);
                stage.lies.borrow_mut().answers.push((asking.0, answering));
            },
        )
    }

    /// From now on says, whenever a person signs in, that it has this bundle of theirs.
    pub fn says_it_has_bundle(self, whose: Who, sequence: u64) -> Step {
        Step::new(
            format!("the relay says it has bundle {sequence} of {whose}"),
            move |stage| {
                stage.lies.borrow_mut().sequences.insert(whose.0, sequence);
            },
        )
    }

    /// Says again and again, a second apart, that a person's one-time pairs are used up.
    pub fn wants_pairs_of(self, person: Who, times: usize) -> Step {
        Step::new(
            format!("the relay asks {person} for one-time pairs {times} times"),
            move |stage| {
                for _ in 0..times {
                    let body = Body::OneTimeLow(OneTimeLow { left: 0 });
                    stage.world.inject_to(person.0, body);
                    stage.pass(1_000);
                }
            },
        )
    }

    /// Keeps a copy of its database.
    pub fn remembers(self, name: &'static str) -> Step {
        Step::new(
            format!("the relay keeps a copy of its database, {name:?}"),
            move |stage| {
                stage.databases.insert(name, stage.world.relay.clone());
            },
        )
    }

    /// Goes back to a copy of its database; all connections are lost.
    pub fn restores(self, name: &'static str) -> Step {
        Step::new(
            format!("the relay restores its database of {name:?}"),
            move |stage| {
                let old = stage.databases[name].clone();
                stage.world.relay.restore(old);
                for person in 0..stage.accounts.len() {
                    stage.world.drop_connection(person);
                }
                stage.pass(2 * SETTLE_MS);
            },
        )
    }

    /// Tells the truth from now on. What it held is let go.
    pub fn is_honest(self) -> Step {
        Step::new("the relay is honest".to_owned(), |stage| {
            stage.be_honest();
            stage.pass(SETTLE_MS);
        })
    }
}

impl Stage {
    pub(super) fn be_honest(&mut self) {
        self.world.relay.views.clear();
        {
            let mut lies = self.lies.borrow_mut();
            lies.envelopes.clear();
            lies.bundles.clear();
            lies.answers.clear();
            lies.sequences.clear();
        }
        for person in 0..self.accounts.len() {
            self.let_go(Who(person), Order::AsItCame);
        }
    }

    pub(super) fn let_go(&mut self, person: Who, order: Order) {
        let mut released: Vec<_> = {
            let mut lies = self.lies.borrow_mut();
            let held = std::mem::take(&mut lies.held);
            let (theirs, others) = held.into_iter().partition(|(for_whom, _)| *for_whom == person.0);
            lies.held = others;
            theirs
        };
        match order {
            Order::AsItCame => {}
            Order::Reversed => released.reverse(),
            Order::ByLot => self.lies.borrow_mut().shuffle(&mut released),
        }
        for (person, deliver) in released {
            self.hand_over(person, deliver);
        }
    }

    pub(super) fn lose_queue(&mut self, person: Who) {
        let device = self.device(person);
        if let Some(queue) = self.world.relay.queues.get_mut(&device) {
            queue.waiting.clear();
        }
    }

    pub(super) fn replay(&mut self, person: Who, to: Who) {
        let mut seen: Vec<_> = self.lies.borrow().seen.clone();
        seen.retain(|(for_whom, _)| *for_whom == person.0);
        let copies: Vec<_> = seen
            .iter()
            .map(|(_, deliver)| (0, self.lies.borrow_mut().copy(deliver)))
            .collect();
        seen.extend(copies);
        self.lies.borrow_mut().shuffle(&mut seen);
        for (_, deliver) in seen {
            self.hand_over(to.0, deliver);
        }
    }

    pub(super) fn show(&mut self, viewer: Who, whose: Who, lie: LogLie) {
        let entries = lie.entries(whose, self);
        let key = (self.account(viewer), self.account(whose));
        self.world.relay.views.insert(key, entries);
    }

    pub(super) fn noise(&mut self, person: Who, number: usize) {
        use chopar_wire::proto::relay::Deliver;
        use rand_chacha::rand_core::Rng;
        let deliver = {
            let mut lies = self.lies.borrow_mut();
            let mut body = vec![0; 400 + 10 * (number % 100)];
            lies.rng.fill_bytes(&mut body);
            // Handshake form names a sealing key; the first one of a device has the number 1.
            body[0] = if number.is_multiple_of(2) { 2 } else { 1 };
            body[1..5].copy_from_slice(&1u32.to_be_bytes());
            lies.copy(&Deliver {
                body: body.into(),
                ..Deliver::default()
            })
        };
        self.hand_over(person.0, deliver);
    }
}
