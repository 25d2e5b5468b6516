//! The world of a scenario: three people who do not know each other yet, a relay, and what is kept to check by.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use chopar_identity::AccountLog;
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::client_frame::Body as Ask;
use chopar_wire::{AccountId, DeviceId, MessageId, frame};

use super::cast::{SETTLE_MS, Who};
use super::lies::Lies;
use super::made_up::MadeUp;
use crate::event::Answer;
use crate::intent::Intent;
use crate::simulator::{Faults, Relay, World};
use crate::view::Phase;

/// How many people a scenario has.
pub(super) const PEOPLE: usize = 3;
/// The longest way of a frame, in milliseconds.
const DELAY_MS: u64 = 20;
/// How often what the relay made itself is sent on while it lies, in milliseconds.
const SLICE_MS: u64 = 200;
/// A text shorter than this could be in a ciphertext by chance.
const SHORTEST: usize = 5;

/// Everything a scenario plays with.
pub struct Stage {
    /// The people, the relay, the time.
    pub world: World,
    pub(super) accounts: Vec<AccountId>,
    /// Whose account each browser belongs to: its own person's, until it is linked to another.
    pub(super) owners: Vec<Who>,
    /// Recovery keys, as they were shown.
    pub(super) recovery: Vec<String>,
    pub(super) lies: Rc<RefCell<Lies>>,
    pub(super) heard: Rc<RefCell<Heard>>,
    pub(super) said: Vec<Said>,
    pub(super) other_history: BTreeMap<Who, Vec<Entry>>,
    /// The relay's database as it was, by name.
    pub(super) databases: BTreeMap<&'static str, Relay>,
    /// People who exist nowhere but in what they send.
    pub(super) made_up: Vec<MadeUp>,
    /// Hashes of the handshake headers they made.
    pub(super) begun: Vec<[u8; 32]>,
    noted: BTreeMap<Who, Noted>,
}

/// Something that was said, and to whom.
pub(super) struct Said {
    pub(super) from: Who,
    pub(super) to: Who,
    pub(super) id: MessageId,
    pub(super) text: String,
}

/// What the relay hears.
#[derive(Default)]
pub(super) struct Heard {
    texts: Vec<String>,
    /// The first text that came to the relay readable.
    pub(super) plain: Option<String>,
    /// Submissions, envelopes and signals alike, by person.
    submitted: BTreeMap<usize, usize>,
    /// Logs asked for, by person.
    logs: BTreeMap<usize, usize>,
}

/// How things stood.
struct Noted {
    sessions: Vec<Vec<u8>>,
    submitted: usize,
    logs: usize,
}

impl Stage {
    /// Three people with accounts.
    pub(super) fn new(seed: u64) -> Self {
        let calm = Faults {
            delay_ms: DELAY_MS,
            ..Faults::default()
        };
        let mut world = World::new(seed, PEOPLE, calm);
        let (accounts, recovery) = (0..PEOPLE).map(|person| settle(&mut world, person)).unzip();
        let lies = Rc::new(RefCell::new(Lies::new(seed)));
        let liar = lies.clone();
        world.tamper = Some(Box::new(move |person, body| {
            liar.borrow_mut().on_frame(person, body)
        }));
        let heard = Rc::new(RefCell::new(Heard::default()));
        let ear = heard.clone();
        world.tap = Some(Box::new(move |person, bytes| {
            ear.borrow_mut().listen(person, bytes)
        }));
        let mut stage = Self {
            world,
            accounts,
            owners: (0..PEOPLE).map(Who).collect(),
            recovery,
            lies,
            heard,
            said: Vec::new(),
            other_history: BTreeMap::new(),
            databases: BTreeMap::new(),
            made_up: Vec::new(),
            begun: Vec::new(),
            noted: BTreeMap::new(),
        };
        stage.pass(SETTLE_MS);
        stage
    }

    /// Lets time pass. What the relay makes itself is sent on now and then.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.world.now().0 + ms;
        loop {
            let made = self.lies.borrow_mut().made();
            for (person, deliver) in made {
                self.hand_over(person, deliver);
            }
            let left = end.saturating_sub(self.world.now().0);
            if left == 0 {
                return;
            }
            let slice = if self.lies.borrow().is_lying() {
                SLICE_MS
            } else {
                left
            };
            self.world.run_for(slice.min(left));
        }
    }

    /// Hands an envelope over that the relay did not get this way. Where nobody is connected it is lost.
    pub(super) fn hand_over(&mut self, person: usize, deliver: chopar_wire::proto::relay::Deliver) {
        if self.world.connection(person).is_some() {
            self.lies.borrow_mut().aside = true;
            let body = chopar_wire::proto::relay::relay_frame::Body::Deliver(deliver);
            self.world.inject_to(person, body);
            self.lies.borrow_mut().aside = false;
        }
    }

    pub(super) fn account(&self, who: Who) -> AccountId {
        self.accounts[who.0]
    }

    /// The first active device of a person.
    pub(super) fn device(&self, who: Who) -> DeviceId {
        self.log(who).active_devices()[0].id
    }

    /// The true log of a person.
    pub(super) fn log(&self, who: Who) -> AccountLog {
        self.world.relay.log(&self.account(who)).clone()
    }

    pub(super) fn open(&mut self, who: Who, peer: Who) {
        let intent = Intent::OpenConversation {
            peer: self.account(peer),
            handle: format!("person{}", peer.0),
            display_name: format!("Person {}", peer.0),
        };
        self.world.ask(who.0, 0, intent);
    }

    pub(super) fn say(&mut self, from: Who, to: Who, text: String) {
        assert!(
            text.len() >= SHORTEST,
            "{text:?} is too short to be told from chance"
        );
        self.heard.borrow_mut().texts.push(text.clone());
        self.open(from, to);
        let number = self.said.len() as u128 + 1;
        let id = MessageId::new(number.to_be_bytes());
        let intent = Intent::Send {
            conversation: self.account(to),
            id,
            text: text.clone(),
            reply_to: None,
            forwarded: false,
        };
        self.world.ask(from.0, 0, intent);
        self.said.push(Said { from, to, id, text });
    }

    pub(super) fn reconnect(&mut self, who: Who) {
        self.world.drop_connection(who.0);
        self.pass(2 * SETTLE_MS);
    }

    /// The sessions of a person as they would be stored this moment, byte for byte.
    pub(super) fn sessions(&self, who: Who) -> Vec<Vec<u8>> {
        let engine = self.world.persons[who.0].engine.as_ref();
        let sessions = engine.map(|engine| &engine.sessions);
        let record = |live: &crate::sessions::Live| live.session.to_record().to_vec();
        sessions.map_or_else(Vec::new, |sessions| {
            let keys = sessions.newest_first();
            keys.iter()
                .filter_map(|key| sessions.get(key))
                .map(record)
                .collect()
        })
    }

    pub(super) fn note(&mut self, who: Who) {
        let noted = Noted {
            sessions: self.sessions(who),
            submitted: self.submitted(who),
            logs: self.logs(who),
        };
        self.noted.insert(who, noted);
    }

    /// Whether the sessions are what they were, and how much was submitted since.
    pub(super) fn since_noted(&self, who: Who) -> (bool, usize) {
        let noted = &self.noted[&who];
        (
            noted.sessions == self.sessions(who),
            self.submitted(who) - noted.submitted,
        )
    }

    /// How many logs were asked for since noted.
    pub(super) fn logs_since_noted(&self, who: Who) -> usize {
        self.logs(who) - self.noted[&who].logs
    }

    fn logs(&self, who: Who) -> usize {
        self.heard.borrow().logs.get(&who.0).copied().unwrap_or(0)
    }

    fn submitted(&self, who: Who) -> usize {
        self.heard.borrow().submitted.get(&who.0).copied().unwrap_or(0)
    }
}

impl Heard {
    fn listen(&mut self, person: usize, bytes: &[u8]) {
        let holds = |text: &&String| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if self.plain.is_none() {
            self.plain = self.texts.iter().find(holds).cloned();
        }
        let frame = frame::decode_client(bytes.to_vec().into()).expect("engines send frames");
        match frame.body {
            Some(Ask::Submit(_) | Ask::SubmitSignal(_)) => *self.submitted.entry(person).or_default() += 1,
            Some(Ask::FetchLog(_)) => *self.logs.entry(person).or_default() += 1,
            _ => {}
        }
    }
}

/// Makes an account; returns it and its recovery key.
fn settle(world: &mut World, person: usize) -> (AccountId, String) {
    let intent = Intent::CreateAccount {
        invite: crate::simulator::relay::INVITE.to_owned(),
        handle: format!("person{person}"),
        display_name: format!("Person {person}"),
        device_name: "Browser".to_owned(),
    };
    assert!(
        world.ask_now(person, intent) == Answer::Done,
        "an account was not made"
    );
    let Some(Phase::RecoveryKey { groups, .. }) = &world.persons[person].phase else {
        panic!("the recovery key is shown")
    };
    let recovery = groups.concat();
    world.confirm(person);
    let account = world.persons[person].account().expect("an account");
    (account, recovery)
}
