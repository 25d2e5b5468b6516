//! One browser without a world: a copy of a person's, to which everything is handed by hand. For what no relay model would
//! ever send, and no vault ever hold: fuzzing and records of other versions.

use std::collections::{BTreeMap, VecDeque};

use chopar_e2ee::seal::session_body;
use chopar_wire::frame;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{Challenge, Deliver, QueueEmpty, Role, SignedIn};
use chopar_wire::{DeviceId, Timestamp, limits};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use zeroize::Zeroizing;

use super::keys::SoftwareKeys;
use super::relay::ORIGIN;
use super::vault::Vault;
use super::world::World;
use crate::effect::{Effect, Record};
use crate::engine::Engine;
use crate::event::{Answer, Event};
use crate::input::Input;
use crate::intent::{Asked, Intent};

/// Inputs of the host that one thing from outside may lead to; more would be an engine that asks in circles.
const MOST: usize = 1_000;
/// Longer than any pause between two connections, in milliseconds.
const PAUSE_MS: u64 = 60_000;
/// Sequences of the first envelope that is handed over.
const FIRST: u64 = 1 << 32;

/// A browser and what its engine said.
#[derive(Clone)]
pub struct Image {
    vault: Vault,
    keys: SoftwareKeys,
    now: u64,
    signed_in: SignedIn,
}

impl Image {
    /// A person's browser as it is, and what a relay says to it when it signs in.
    ///
    /// # Panics
    /// Where the person has no account.
    pub fn of(world: &World, person: usize) -> Self {
        let keys = world.keys(person).stolen();
        let account = world.persons[person].account().expect("an account");
        let device: DeviceId = keys.identity().device_id();
        let (bundle_sequence, left) = world.relay.prekeys(&account, &device);
        Self {
            vault: world.persons[person].vault.clone(),
            keys,
            now: world.now().0,
            signed_in: SignedIn {
                handle: format!("person{person}"),
                display_name: format!("Person {person}"),
                role: Role::Member.into(),
                one_time_left: u32::try_from(left).unwrap_or(u32::MAX),
                bundle_sequence,
                log_head: Some((&world.relay.log(&account).head()).into()),
                relay_time: world.now().0,
            },
        }
    }

    /// Its resident records.
    pub fn records(&self) -> Vec<Record> {
        self.vault.resident()
    }
}

/// One engine at work.
pub struct Lone {
    engine: Engine,
    /// Its vault.
    pub vault: Vault,
    image: Image,
    rng: ChaCha8Rng,
    now: u64,
    /// Ids of the requests it sent, oldest first.
    pub requests: Vec<u64>,
    /// How often it gave its connection up.
    pub gave_up: usize,
    answers: BTreeMap<u64, Answer>,
    delivered: u64,
}

impl Lone {
    /// Opens a browser with these resident records in place of its own.
    pub fn open(image: &Image, records: Vec<Record>) -> Self {
        let mut lone = Self {
            engine: Engine::new(),
            vault: image.vault.clone(),
            image: image.clone(),
            rng: ChaCha8Rng::seed_from_u64(1),
            now: image.now,
            requests: Vec::new(),
            gave_up: 0,
            answers: BTreeMap::new(),
            delivered: FIRST,
        };
        let device_keys = Some(image.keys.public());
        lone.take(Input::Opened {
            records,
            device_keys,
            origin: ORIGIN.to_owned(),
            rolled_back: false,
        });
        lone
    }

    /// The engine, for what it says of itself.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Connects and signs in, with nothing waiting.
    pub fn sign_in(&mut self) {
        self.take(Input::Connected);
        let challenge = Challenge {
            relay_name: "alone".to_owned(),
            nonce: vec![7; 32].into(),
            expires: self.now + limits::CHALLENGE_LIFETIME_MS,
            relay_time: self.now,
            protocol: limits::PROTOCOL,
        };
        let before = self.requests.len();
        self.frame(0, Body::Challenge(challenge));
        if let Some(request) = self.requests.get(before).copied() {
            self.frame(request, Body::SignedIn(self.image.signed_in.clone()));
            self.frame(0, Body::QueueEmpty(QueueEmpty { up_to: 0 }));
        }
    }

    /// Loses the connection, lets the pause pass, and signs in again.
    pub fn reconnect(&mut self) {
        self.take(Input::Disconnected { code: 1006 });
        self.wait(PAUSE_MS);
        self.sign_in();
    }

    /// Hands over a frame of the relay.
    pub fn frame(&mut self, reply_to: u64, body: Body) {
        self.take(Input::Frame(frame::relay(reply_to, body).into()));
    }

    /// Hands over a message of a session in an envelope of its own.
    pub fn deliver(&mut self, message: &[u8]) {
        self.delivered += 1;
        let mut id = vec![0; 16];
        id[..8].copy_from_slice(&self.delivered.to_be_bytes());
        self.frame(
            0,
            Body::Deliver(Deliver {
                seq: self.delivered,
                id: id.into(),
                body: session_body(message).into(),
                accepted: self.now,
            }),
        );
    }

    /// Lets time pass, and wakes the engine.
    pub fn wait(&mut self, ms: u64) {
        self.now = self.now.saturating_add(ms);
        self.take(Input::Wake);
    }

    /// Asks; the answer, where there is one at once.
    pub fn ask(&mut self, id: u64, intent: Intent) -> Option<&Answer> {
        self.take(Input::Intent(Asked { id, intent }));
        self.answer(id)
    }

    /// What was answered so far.
    pub fn answer(&self, id: u64) -> Option<&Answer> {
        self.answers.get(&id)
    }

    /// Takes an input and does what a host does after it.
    ///
    /// # Panics
    /// Where one input keeps the host busy without end.
    pub fn take(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        for _ in 0..MOST {
            let Some(input) = inputs.pop_front() else {
                return;
            };
            let step = self.engine.handle(input, Timestamp(self.now), &mut self.rng);
            self.vault.commit(&step.persist);
            inputs.extend(step.then.into_iter().filter_map(|effect| self.carry_out(effect)));
        }
        panic!("one input led to {MOST} others");
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Sign { token, inputs } => Some(Input::Signed {
                token,
                signatures: self.image.keys.sign(&inputs),
            }),
            Effect::Agree { token, with } => Some(Input::Agreed {
                token,
                shared: Zeroizing::new(self.image.keys.agree(with)),
            }),
            Effect::Load {
                token,
                conversation,
                before,
                limit,
            } => Some(Input::Loaded {
                token,
                records: self
                    .vault
                    .page(conversation.as_bytes(), before, usize::from(limit)),
            }),
            Effect::Search {
                token,
                query,
                after,
                limit,
            } => Some(Input::Found {
                token,
                found: self.vault.search(&query, after, usize::from(limit)),
            }),
            Effect::Read { token, keys } => Some(Input::Loaded {
                token,
                records: self.vault.select(|known| keys.contains(known)),
            }),
            Effect::MakeIdentity { token } | Effect::Upload { token, .. } | Effect::Fetch { token, .. } => {
                Some(Input::Failed { token })
            }
            Effect::Transmit(bytes) => {
                let frame = frame::decode_client(bytes.into()).expect("engines send frames");
                self.requests.push(frame.request);
                None
            }
            Effect::Tell(Event::Answered { id, answer }) => {
                self.answers.insert(id, answer);
                None
            }
            Effect::Disconnect => {
                self.gave_up += 1;
                None
            }
            Effect::Keep { token, .. } => Some(Input::Kept { token }),
            Effect::Discard(_) | Effect::Retain { .. } => None,
            Effect::Tell(_) | Effect::Connect | Effect::WakeAt(_) => None,
        }
    }
}
