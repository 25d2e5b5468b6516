//! People who exist nowhere but in what they send: keys, a log, a handshake and messages that are all in order. Anybody can make
//! up any number of them.

use chopar_e2ee::device::PeerDevice;
use chopar_e2ee::fixture::Person as Keys;
use chopar_e2ee::handshake::{HandshakeHeader, Initiation};
use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::Session;
use chopar_e2ee::seal::{FirstContact, seal_handshake};
use chopar_identity::{EcPrekey, VerifiedBundle};
use chopar_wire::proto::content::{
    Copy, Deletion, Edit, Introduction, Payload, Reaction, Receipts, ResendRequest, Text, Timer, TimerChange,
    TransportAcks, Typing, payload, receipts,
};
use chopar_wire::proto::identity::{Bundle, LogHead};
use chopar_wire::proto::relay::Deliver;
use prost::Message;
use rand_chacha::rand_core::Rng;

use super::cast::{SETTLE_MS, Who};
use super::expectation::Expectation;
use super::stage::Stage;
use super::step::Step;
use crate::intent::Intent;

/// Between two envelopes of made-up people, in milliseconds: below the rate at which handshakes are opened.
const PACE_MS: u64 = 150;

/// One of them, in a session nobody has answered in.
pub(super) struct MadeUp {
    keys: Keys,
    to: PeerDevice,
    sealing_key: EcPrekey,
    header: HandshakeHeader,
    session: Session,
}

/// Whoever was made up last.
#[derive(Clone, Copy)]
pub struct TheStranger;

/// Whoever was made up last.
pub const STRANGER: TheStranger = TheStranger;

impl TheStranger {
    /// So many are made up, and each writes a line.
    pub fn and_others_write_to(self, to: Who, count: usize) -> Step {
        Step::new(format!("{count} made-up people write to {to}"), move |stage| {
            stage.strangers_write(to, count, false);
        })
    }

    /// The same, and the relay has an account for each: somebody has many invites.
    pub fn and_other_members_write_to(self, to: Who, count: usize) -> Step {
        Step::new(
            format!("{count} members that {to} does not know write to {to}"),
            move |stage| {
                stage.strangers_write(to, count, true);
            },
        )
    }

    /// The last one begins session after session, with a line in each.
    pub fn begins_again(self, to: Who, times: usize) -> Step {
        Step::new(
            format!("the stranger begins {times} sessions with {to}"),
            move |stage| {
                for number in 0..times {
                    let keys = stage.made_up.pop().expect("somebody was made up").keys;
                    let made_up = stage.make_up(keys, to);
                    stage.made_up.push(made_up);
                    stage.stranger_says(to, &text(1_000 + number, "me again"));
                    stage.pass(PACE_MS);
                }
                stage.pass(SETTLE_MS);
            },
        )
    }

    /// The last one becomes somebody the relay knows, and whose conversation is opened.
    pub fn is_opened_by(self, who: Who) -> Step {
        Step::new(format!("{who} opens the stranger's conversation"), move |stage| {
            let log = stage
                .made_up
                .last()
                .expect("somebody was made up")
                .keys
                .log
                .clone();
            let peer = *log.account();
            stage.world.relay.admit(log);
            let intent = Intent::OpenConversation {
                peer,
                handle: String::new(),
                display_name: String::new(),
            };
            stage.world.ask(who.0, 0, intent);
            stage.pass(SETTLE_MS);
        })
    }

    /// The last one sends what is rightly encrypted and makes no sense.
    pub fn sends_nonsense(self, to: Who, count: usize) -> Step {
        Step::new(
            format!("the stranger sends {count} nonsensical payloads to {to}"),
            move |stage| {
                for number in 0..count {
                    let payload = nonsense(number, &mut stage.lies.borrow_mut().rng);
                    stage.stranger_says(to, &payload);
                    stage.pass(10);
                }
                stage.pass(SETTLE_MS);
            },
        )
    }
}

impl Who {
    /// Of all sessions with the stranger's device, which are of one generation, the one whose header has the smallest hash
    /// sends.
    pub fn sends_to_the_stranger_in_the_smallest(self) -> Expectation {
        Expectation::new(
            format!("{self} sends to the stranger in the session of the smallest hash"),
            move |stage| {
                let made_up = stage.made_up.last().expect("somebody was made up");
                let device = made_up.keys.local.device();
                let engine = stage.world.persons[self.0].engine.as_ref();
                let sessions = &engine.ok_or("no engine")?.sessions;
                let hash = |key| sessions.get(&key).map(|live| live.header_hash);
                let sending = sessions.sending(device).and_then(hash);
                let smallest = stage.begun.iter().min().copied();
                if sending.is_some() && sending == smallest {
                    Ok(())
                } else {
                    Err("another one sends".to_owned())
                }
            },
        )
    }
}

impl Stage {
    fn strangers_write(&mut self, to: Who, count: usize, members: bool) {
        for number in 0..count {
            let keys = Keys::random(&mut self.lies.borrow_mut().rng);
            if members {
                self.world.relay.admit(keys.log.clone());
            }
            let made_up = self.make_up(keys, to);
            self.made_up.push(made_up);
            self.stranger_says(to, &text(number, "it is me"));
            self.pass(PACE_MS);
        }
        self.pass(SETTLE_MS);
    }

    fn make_up(&mut self, keys: Keys, to: Who) -> MadeUp {
        let peer = PeerDevice::from_log(&self.log(to), &self.device(to)).expect("an active device");
        let bundle = Bundle {
            one_time: None,
            ..self.bundle(to)
        };
        let bundle = VerifiedBundle::verify(peer.account(), peer.keys(), &bundle).expect("a true bundle");
        let rng = &mut self.lies.borrow_mut().rng;
        let initiation = Initiation::begin(&keys.local, &peer, &bundle, rng).expect("good keys");
        let agreed = keys.agreement.agree(initiation.wanted()).expect("good keys");
        let (secrets, header) = initiation.finish(agreed);
        self.begun.push(header.digest());
        MadeUp {
            keys,
            to: peer,
            sealing_key: bundle.base().sealing_key,
            header,
            session: Session::initiator(secrets, self.world.now()),
        }
    }

    /// In handshake form, as every message before an answer.
    fn stranger_says(&mut self, to: Who, payload: &[u8]) {
        let now = self.world.now();
        let deliver = {
            let mut lies = self.lies.borrow_mut();
            let made_up = self.made_up.last_mut().expect("somebody was made up");
            let padded = pad(payload).expect("short enough");
            let message = made_up
                .session
                .encrypt(&padded, now, &mut lies.rng)
                .expect("a fresh session");
            let content = FirstContact {
                log: &made_up.keys.log,
                device: made_up.keys.local.device(),
                header: &made_up.header,
                message: &message,
            };
            let body = seal_handshake(&made_up.to, &made_up.sealing_key, &content, &mut lies.rng)
                .expect("short enough");
            lies.copy(&Deliver {
                body: body.into(),
                ..Deliver::default()
            })
        };
        self.hand_over(to.0, deliver);
    }
}

fn text(number: usize, text: &str) -> Vec<u8> {
    let text = Text {
        id: (number as u128 + 1).to_be_bytes().to_vec().into(),
        text: text.to_owned(),
        ..Text::default()
    };
    of(payload::Content::Text(text))
}

fn of(content: payload::Content) -> Vec<u8> {
    Payload {
        generation: 1,
        content: Some(content),
        ..Payload::default()
    }
    .encode_to_vec()
}

/// Payloads that are none, or that say what nobody can have said.
fn nonsense(number: usize, rng: &mut impl Rng) -> Vec<u8> {
    let mut noise = vec![0; 64];
    rng.fill_bytes(&mut noise);
    let id = noise[..16].to_vec();
    match number % 17 {
        0 => noise,
        1 => Vec::new(),
        2 => of(payload::Content::Text(Text {
            id: Vec::new().into(),
            text: "no id".to_owned(),
            ..Text::default()
        })),
        3 => of(payload::Content::Text(Text {
            id: id.into(),
            text: String::new(),
            ..Text::default()
        })),
        4 => of(payload::Content::Text(Text {
            id: id.into(),
            text: "x".repeat(8_001),
            ..Text::default()
        })),
        5 => of(payload::Content::Receipts(Receipts {
            kind: receipts::Kind::Read.into(),
            ids: vec![id.into(); 200],
        })),
        6 => of(payload::Content::TransportAcks(TransportAcks {
            ids: vec![noise.into(), id.into()],
            receipts: Vec::new(),
        })),
        7 => of(payload::Content::Copy(Copy {
            peer: noise[..32].to_vec().into(),
            content: None,
        })),
        8 => of(payload::Content::Introduction(Introduction {
            handle: "a\u{202e}b".to_owned(),
            display_name: "\u{7}".repeat(500),
        })),
        9 => of(payload::Content::ResendRequest(ResendRequest {
            ids: vec![id.into()],
        })),
        10 => of(payload::Content::Typing(Typing { stopped: false })),
        11 => of(payload::Content::Edit(Edit {
            id: id.into(),
            text: "of what never was".to_owned(),
            number: 1,
        })),
        12 => of(payload::Content::Edit(Edit {
            id: vec![0; 16].into(),
            text: "for the thousandth time".to_owned(),
            number: 1_000,
        })),
        13 => of(payload::Content::Deletion(Deletion { id: id.into() })),
        14 => of(payload::Content::Reaction(Reaction {
            to: None,
            emoji: "<b>".to_owned(),
            number: u32::MAX,
        })),
        15 => of(payload::Content::TimerChange(TimerChange {
            id: id.into(),
            timer: Some(Timer {
                seconds: 1,
                number: u32::MAX,
            }),
        })),
        _ => Payload {
            own_log: Some(LogHead {
                length: 0,
                hash: noise.into(),
            }),
            time: u64::MAX,
            generation: u32::MAX,
            ..Payload::default()
        }
        .encode_to_vec(),
    }
}
