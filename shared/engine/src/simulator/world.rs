//! Virtual time, the network between persons and relay, and its faults.

use std::collections::BTreeMap;

use chopar_wire::Timestamp;
use chopar_wire::frame;
use chopar_wire::proto::relay::relay_frame::Body;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use super::keys::SoftwareKeys;
use super::person::Person;
use super::relay::{ORIGIN, Relay};
use crate::effect::{Effect, Step};
use crate::engine::Engine;
use crate::event::Answer;
use crate::input::Input;
use crate::intent::{Asked, Intent};

/// When the world begins, in milliseconds since 1970.
const GENESIS: u64 = 1_800_000_000_000;

/// What goes wrong, and how often. Zero: never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The longest delay of a frame one way, in milliseconds. Frames to the relay overtake each other.
    pub delay_ms: u64,
    /// Mean time between losses of one person's connection, in milliseconds.
    pub drop_ms: u64,
    /// Mean time between crashes of one person's engine, in milliseconds.
    pub crash_ms: u64,
    /// Mean time between restarts of the relay, in milliseconds.
    pub restart_ms: u64,
    /// How many in a hundred frames with an envelope are delivered twice.
    pub twice_percent: u64,
}

/// Looks at every frame before it goes to a person, may change it; `false` keeps it back. A hostile relay.
pub type Tamper = Box<dyn FnMut(usize, &mut Body) -> bool>;

/// Looks at every frame a person sends, as the relay gets it.
pub type Tap = Box<dyn FnMut(usize, &[u8])>;

pub(super) enum Happening {
    Start {
        person: usize,
    },
    Crash {
        person: usize,
    },
    Drop {
        person: usize,
    },
    Restart,
    Up,
    Opened {
        person: usize,
        epoch: u64,
        connection: u64,
    },
    Refused {
        person: usize,
        epoch: u64,
    },
    ToRelay {
        connection: u64,
        bytes: Vec<u8>,
    },
    Frame {
        person: usize,
        epoch: u64,
        connection: u64,
        bytes: Vec<u8>,
    },
    Input {
        person: usize,
        epoch: u64,
        input: Input,
    },
    Wake {
        person: usize,
        epoch: u64,
    },
    Ask {
        person: usize,
        id: u64,
        intent: Intent,
    },
}

/// Where in a step an engine crashes.
#[derive(Clone, Copy)]
enum CrashPoint {
    BeforeCommit,
    AfterCommit,
    MidEffects,
}

/// Everybody, the relay, and what is about to happen.
pub struct World {
    /// Everybody.
    pub persons: Vec<Person>,
    /// The relay.
    pub relay: Relay,
    /// A hostile relay, if it is one.
    pub tamper: Option<Tamper>,
    /// Who listens at the relay, if somebody does.
    pub tap: Option<Tap>,
    /// A relay that takes nothing in: frames to it are lost.
    pub deaf: bool,
    /// Steps taken by all engines.
    pub steps: u64,
    /// Connections lost, crashes, restarts of the relay.
    pub mishaps: [u64; 3],
    pub(super) faults: Faults,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: u64,
    pub(super) queue: BTreeMap<(u64, u64), Happening>,
    tie: u64,
    pub(super) connections: BTreeMap<u64, usize>,
    arrivals: BTreeMap<u64, u64>,
    next_connection: u64,
    next_ask: u64,
    pub(super) up: bool,
    /// How often a person was made to say something.
    pub(super) said: u64,
    crashing: BTreeMap<usize, CrashPoint>,
}

impl World {
    /// A relay and so many persons with empty vaults, all started.
    pub fn new(seed: u64, persons: usize, faults: Faults) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let persons = (0..persons)
            .map(|_| Person::new(ChaCha8Rng::seed_from_u64(rng.next_u64())))
            .collect::<Vec<_>>();
        let mut world = Self {
            relay: Relay::default(),
            tamper: None,
            tap: None,
            deaf: false,
            steps: 0,
            mishaps: [0; 3],
            faults: Faults::default(),
            rng,
            now: GENESIS,
            queue: BTreeMap::new(),
            tie: 0,
            connections: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            next_connection: 0,
            next_ask: 0,
            up: true,
            said: 0,
            crashing: BTreeMap::new(),
            persons,
        };
        for person in 0..world.persons.len() {
            world.plan(0, Happening::Start { person });
        }
        world.set_faults(faults);
        world
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        self.queue.retain(|_, h| {
            !matches!(
                h,
                Happening::Crash { .. } | Happening::Drop { .. } | Happening::Restart
            )
        });
        for person in 0..self.persons.len() {
            self.plan_fault(faults.drop_ms, Happening::Drop { person });
            self.plan_fault(faults.crash_ms, Happening::Crash { person });
        }
        self.plan_fault(faults.restart_ms, Happening::Restart);
    }

    /// The moment.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.now)
    }

    /// Evenly below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// Asks something on behalf of a person after a delay; returns the intent's id.
    pub fn ask(&mut self, person: usize, after_ms: u64, intent: Intent) -> u64 {
        self.next_ask += 1;
        let id = self.next_ask;
        self.plan(after_ms, Happening::Ask { person, id, intent });
        id
    }

    /// Asks and runs until the answer is there.
    pub fn ask_now(&mut self, person: usize, intent: Intent) -> Answer {
        let id = self.ask(person, 0, intent);
        assert!(
            self.run_until(120_000, |w| w.persons[person].answers.contains_key(&id)),
            "an intent was not answered"
        );
        self.persons[person].answers[&id].clone()
    }

    /// Runs for so many milliseconds of virtual time.
    pub fn run_for(&mut self, ms: u64) {
        self.run_until(ms, |_| false);
    }

    /// Runs until something holds, at most so many milliseconds; whether it came to hold.
    pub fn run_until(&mut self, ms: u64, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + ms;
        loop {
            if holds(self) {
                return true;
            }
            match self.queue.first_key_value() {
                Some(((at, _), _)) if *at <= end => {
                    let Some(((at, _), happening)) = self.queue.pop_first() else {
                        return false;
                    };
                    self.now = at;
                    self.happen(happening);
                }
                _ => {
                    self.now = end;
                    return holds(self);
                }
            }
        }
    }

    /// Stops a person's engine now; it starts again after a moment.
    pub fn crash(&mut self, person: usize) {
        self.stop(person);
        let after = 1 + self.below(2_000);
        self.plan(after, Happening::Start { person });
    }

    /// Loses a person's connection now.
    pub fn drop_connection(&mut self, person: usize) {
        if let Some(connection) = self.persons[person].connection.take() {
            self.connections.remove(&connection);
            self.relay.disconnected(connection);
            let epoch = self.persons[person].epoch;
            let input = Input::Disconnected { code: 1006 };
            self.plan(0, Happening::Input { person, epoch, input });
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Start { person } => self.start(person),
            Happening::Crash { person } => {
                let point = match self.below(3) {
                    0 => CrashPoint::BeforeCommit,
                    1 => CrashPoint::AfterCommit,
                    _ => CrashPoint::MidEffects,
                };
                self.crashing.insert(person, point);
                self.plan_fault(self.faults.crash_ms, Happening::Crash { person });
            }
            Happening::Drop { person } => {
                self.mishaps[0] += u64::from(self.persons[person].connection.is_some());
                self.drop_connection(person);
                self.plan_fault(self.faults.drop_ms, Happening::Drop { person });
            }
            Happening::Restart => {
                self.mishaps[2] += 1;
                self.up = false;
                for person in 0..self.persons.len() {
                    self.drop_connection(person);
                }
                let down = 1 + self.below(3_000);
                self.plan(down, Happening::Up);
                self.plan_fault(self.faults.restart_ms, Happening::Restart);
            }
            Happening::Up => self.up = true,
            Happening::Opened {
                person,
                epoch,
                connection,
            } => {
                if self.is(person, epoch) {
                    self.connections.insert(connection, person);
                    self.persons[person].connection = Some(connection);
                    self.input(person, Input::Connected);
                    if self.connections.contains_key(&connection) {
                        let out = self.relay.connected(connection, self.now);
                        self.deliver(out);
                    }
                }
            }
            Happening::Refused { person, epoch } => {
                if self.is(person, epoch) {
                    self.input(person, Input::Disconnected { code: 1006 });
                }
            }
            Happening::ToRelay { connection, bytes } => {
                let person = self.connections.get(&connection).copied();
                if let (Some(person), false) = (person, self.deaf) {
                    if let Some(tap) = &mut self.tap {
                        tap(person, &bytes);
                    }
                    let out = self.relay.frame(connection, bytes, self.now);
                    self.deliver(out);
                }
            }
            Happening::Frame {
                person,
                epoch,
                connection,
                bytes,
            } => {
                if self.is(person, epoch) && self.persons[person].connection == Some(connection) {
                    self.input(person, Input::Frame(bytes.into()));
                }
            }
            Happening::Input { person, epoch, input } => {
                if self.is(person, epoch) {
                    self.input(person, input);
                }
            }
            Happening::Wake { person, epoch } => {
                if self.is(person, epoch) && self.persons[person].wake.is_some_and(|at| at.0 <= self.now) {
                    self.persons[person].wake = None;
                    self.input(person, Input::Wake);
                }
            }
            Happening::Ask { person, id, intent } => {
                self.persons[person].unanswered.push_back((id, intent.clone()));
                if self.persons[person].engine.is_some() {
                    self.input(person, Input::Intent(Asked { id, intent }));
                }
            }
        }
    }

    fn start(&mut self, person: usize) {
        let records = self.persons[person].vault.resident();
        let device_keys = self.persons[person].keys.as_ref().map(SoftwareKeys::public);
        let rolled_back = std::mem::take(&mut self.persons[person].rolled_back);
        self.persons[person].engine = Some(Engine::new());
        self.input(
            person,
            Input::Opened {
                records,
                device_keys,
                origin: ORIGIN.to_owned(),
                rolled_back,
            },
        );
        for (id, intent) in self.persons[person].unanswered.clone() {
            self.input(person, Input::Intent(Asked { id, intent }));
        }
    }

    pub(super) fn stop(&mut self, person: usize) {
        if let Some(connection) = self.persons[person].connection.take() {
            self.connections.remove(&connection);
            self.relay.disconnected(connection);
        }
        let person = &mut self.persons[person];
        person.end_life();
        person.epoch += 1;
        person.wake = None;
    }

    pub(super) fn input(&mut self, person: usize, input: Input) {
        let now = Timestamp(self.now);
        let one = &mut self.persons[person];
        let Some(engine) = &mut one.engine else { return };
        let step = engine.handle(input, now, &mut one.rng);
        self.steps += 1;
        match self.crashing.remove(&person) {
            None => {
                self.persons[person].vault.commit(&step.persist);
                self.carry_out(person, step);
            }
            Some(point) => {
                self.mishaps[1] += 1;
                if !matches!(point, CrashPoint::BeforeCommit) {
                    self.persons[person].vault.commit(&step.persist);
                }
                if matches!(point, CrashPoint::MidEffects) {
                    let mut step = step;
                    let kept = self.below(step.then.len() as u64 + 1) as usize;
                    step.then.truncate(kept);
                    self.carry_out(person, step);
                }
                self.crash(person);
            }
        }
    }

    fn carry_out(&mut self, person: usize, step: Step) {
        let epoch = self.persons[person].epoch;
        for effect in step.then {
            let after = match &effect {
                // Answered by nothing.
                Effect::Discard(_) | Effect::Retain { .. } => 0,
                _ => self.below(1 + self.faults.delay_ms / 4),
            };
            let answer = |input| Happening::Input { person, epoch, input };
            match effect {
                Effect::Connect => self.connect(person),
                Effect::Disconnect => {
                    if let Some(connection) = self.persons[person].connection.take() {
                        self.connections.remove(&connection);
                        self.relay.disconnected(connection);
                    }
                }
                Effect::Transmit(bytes) => {
                    if let Some(connection) = self.persons[person].connection {
                        let after = self.below(1 + self.faults.delay_ms);
                        self.plan(after, Happening::ToRelay { connection, bytes });
                    }
                }
                Effect::WakeAt(at) => {
                    self.persons[person].wake = Some(at);
                    self.plan(at.0.saturating_sub(self.now), Happening::Wake { person, epoch });
                }
                Effect::MakeIdentity { token } => {
                    let one = &mut self.persons[person];
                    let keys = SoftwareKeys::random(&mut one.rng);
                    let public = keys.public();
                    one.keys = Some(keys);
                    self.plan(after, answer(Input::IdentityMade { token, keys: public }));
                }
                Effect::Sign { token, inputs } => {
                    let signatures = self.keys(person).sign(&inputs);
                    self.plan(after, answer(Input::Signed { token, signatures }));
                }
                Effect::Agree { token, with } => {
                    let shared = Zeroizing::new(self.keys(person).agree(with));
                    self.plan(after, answer(Input::Agreed { token, shared }));
                }
                Effect::Load {
                    token,
                    conversation,
                    before,
                    limit,
                } => {
                    let records =
                        self.persons[person]
                            .vault
                            .page(conversation.as_bytes(), before, usize::from(limit));
                    self.plan(after, answer(Input::Loaded { token, records }));
                }
                Effect::Read { token, keys } => {
                    let records = self.persons[person].vault.select(|known| keys.contains(known));
                    self.plan(after, answer(Input::Loaded { token, records }));
                }
                Effect::Search {
                    token,
                    query,
                    after: before,
                    limit,
                } => {
                    let found = self.persons[person]
                        .vault
                        .search(&query, before, usize::from(limit));
                    self.plan(after, answer(Input::Found { token, found }));
                }
                Effect::Upload {
                    token,
                    file,
                    offset,
                    length,
                    capability,
                } => {
                    let input = match self.upload(person, &file, offset, length, &capability) {
                        Some(outcome) => Input::Moved { token, outcome },
                        None => Input::Failed { token },
                    };
                    self.plan(after, answer(input));
                }
                Effect::Fetch {
                    token,
                    file,
                    offset,
                    length,
                    capability,
                } => {
                    let outcome = self.fetch(&file, offset, length, &capability);
                    self.plan(after, answer(Input::Moved { token, outcome }));
                }
                Effect::Keep {
                    token,
                    home,
                    offset,
                    bytes,
                    last,
                } => {
                    let input = match self.persons[person].keep(home, offset, &bytes, last) {
                        true => Input::Kept { token },
                        false => Input::Failed { token },
                    };
                    self.plan(after, answer(input));
                }
                Effect::Discard(kept) => self.persons[person].discard(kept),
                Effect::Retain { sealed, lines } => self.persons[person].retain(&sealed, &lines),
                Effect::Tell(event) => self.persons[person].tell(event),
            }
        }
    }

    pub(super) fn keys(&self, person: usize) -> &SoftwareKeys {
        self.persons[person]
            .keys
            .as_ref()
            .expect("identity keys are made first")
    }

    fn connect(&mut self, person: usize) {
        if let Some(old) = self.persons[person].connection.take() {
            self.connections.remove(&old);
            self.relay.disconnected(old);
        }
        let epoch = self.persons[person].epoch;
        let after = 1 + self.below(1 + self.faults.delay_ms);
        if self.up {
            self.next_connection += 1;
            let connection = self.next_connection;
            self.plan(
                after,
                Happening::Opened {
                    person,
                    epoch,
                    connection,
                },
            );
        } else {
            self.plan(after, Happening::Refused { person, epoch });
        }
    }

    fn deliver(&mut self, out: Vec<super::relay::Out>) {
        for (connection, reply_to, body) in out {
            let twice = matches!(body, Body::Deliver(_)) && self.below(100) < self.faults.twice_percent;
            if twice {
                self.send(connection, reply_to, body.clone());
            }
            self.send(connection, reply_to, body);
        }
    }

    /// To a person, in order within one connection.
    pub(super) fn send(&mut self, connection: u64, reply_to: u64, mut body: Body) {
        let Some(person) = self.connections.get(&connection).copied() else {
            return;
        };
        if let Some(mut tamper) = self.tamper.take() {
            let keep = tamper(person, &mut body);
            self.tamper = Some(tamper);
            if !keep {
                return;
            }
        }
        let epoch = self.persons[person].epoch;
        let soonest = self.arrivals.get(&connection).copied().unwrap_or(0);
        let at = (self.now + self.below(1 + self.faults.delay_ms)).max(soonest);
        self.arrivals.insert(connection, at);
        let bytes = frame::relay(reply_to, body);
        self.plan(
            at - self.now,
            Happening::Frame {
                person,
                epoch,
                connection,
                bytes,
            },
        );
    }

    fn is(&self, person: usize, epoch: u64) -> bool {
        self.persons[person].epoch == epoch && self.persons[person].engine.is_some()
    }

    pub(super) fn plan(&mut self, after_ms: u64, happening: Happening) {
        self.tie += 1;
        self.queue.insert((self.now + after_ms, self.tie), happening);
    }

    /// Plans a fault around its mean time, if it is to happen.
    fn plan_fault(&mut self, mean_ms: u64, happening: Happening) {
        if mean_ms > 0 {
            let after = 1 + self.below(2 * mean_ms);
            self.plan(after, happening);
        }
    }
}
