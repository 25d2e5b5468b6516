//! An engine alone: records that no engine wrote, frames that no relay would send, content that no client would.

use std::sync::LazyLock;

use chopar_e2ee::fixture::rng;
use chopar_e2ee::padding::{MAX_CONTENT, pad};
use chopar_e2ee::ratchet::Session;
use chopar_engine::simulator::{Faults, Image, Lone, World};
use chopar_engine::{Answer, Input, Intent, Kind, Record, RecordKey};
use chopar_wire::frame::decode_relay;
use chopar_wire::prost::Message;
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::content::{Payload, Text, payload};
use chopar_wire::{AccountId, MessageId, Timestamp};

/// Parts of one script: bounds the time for one input.
const PARTS: usize = 64;
/// What is said after everything.
const AFTERWARDS: &str = "still there";
/// The number of the intent that every engine must answer, whatever came before.
const ASKED: u64 = 1 << 40;

/// Bob's browser after a conversation, and Alice's session with him.
pub struct Alone {
    /// The browser.
    pub image: Image,
    alice: AccountId,
    session: Vec<u8>,
    now: Timestamp,
}

/// The scene of these targets: always the same.
pub static ALONE: LazyLock<Alone> = LazyLock::new(Alone::new);

impl Alone {
    #[allow(
        clippy::expect_used,
        clippy::new_without_default,
        reason = "made of its own valid parts; a failure is a mistake in the target"
    )]
    fn new() -> Self {
        let mut world = World::new(5, 2, Faults::default());
        let accounts = [world.onboard(0), world.onboard(1)];
        for round in 0..4u8 {
            for from in [0, 1] {
                let peer = accounts[1 - from];
                world.ask(from, 0, crate::world::conversation(peer, 1 - from));
                let text = format!("{round} of {from}");
                world.ask(from, 0, crate::world::message(peer, from, round, text));
                world.run_for(5_000);
            }
        }
        let [alice, bob] = accounts;
        let draft = Intent::SaveDraft {
            conversation: alice,
            text: "not sent".to_owned(),
        };
        assert!(world.ask_now(1, draft) == Answer::Done, "a draft is kept");
        // One line waits: the outbox has a row.
        world.set_up(false);
        world.ask(1, 0, crate::world::message(alice, 1, 99, "waiting".to_owned()));
        world.run_for(5_000);
        let session = world.sending_record(0, 1).expect("they wrote to each other");
        assert_ne!(alice, bob);
        Self {
            image: Image::of(&world, 1),
            alice,
            session: session.to_vec(),
            now: world.now(),
        }
    }

    /// Bob's engine, signed in.
    fn bob(&self) -> Lone {
        let mut bob = Lone::open(&self.image, self.image.records());
        bob.sign_in();
        bob
    }
}

/// Every engine answers, whatever it lived through.
fn still_answers(lone: &mut Lone) {
    let damaged = !lone.engine().damage().is_empty();
    match lone.ask(ASKED, Intent::Snapshot) {
        Some(Answer::Snapshot(_)) => {}
        // An account whose own record cannot be read is named, and nothing is begun over it.
        answer => assert!(answer.is_some() && damaged, "a snapshot is not answered"),
    }
}

/// What a contact's client encrypts: whatever it is, the next message is shown.
#[allow(clippy::expect_used, reason = "a target fails by panicking")]
pub fn payload(bytes: &[u8]) {
    let scene = &*ALONE;
    let mut rng = rng(9);
    let mut alice = Session::from_record(&scene.session).expect("an own record");
    let mut bob = scene.bob();
    let content = match pad(&bytes[..bytes.len().min(MAX_CONTENT)]) {
        Ok(padded) => padded,
        Err(_) => return,
    };
    let message = alice
        .encrypt(&content, scene.now, &mut rng)
        .expect("a session that writes");
    bob.deliver(&message);
    bob.reconnect();
    let text = Payload {
        time: scene.now.0,
        content: Some(payload::Content::Text(Text {
            id: vec![0xee; 16].into(),
            text: AFTERWARDS.to_owned(),
            ..Text::default()
        })),
        ..Payload::default()
    };
    let content = pad(&text.encode_to_vec()).expect("a short text");
    let message = alice
        .encrypt(&content, scene.now, &mut rng)
        .expect("a session that writes");
    bob.deliver(&message);
    let shown = bob.vault.theirs(&scene.alice);
    let id = MessageId::new([0xee; 16]);
    assert!(
        shown.iter().any(|(shown, _)| *shown == id),
        "what came afterwards is not shown"
    );
    still_answers(&mut bob);
}

/// Frames of the relay in a script: which request is answered (the last is 1, 0 none), length u16, a `RelayFrame`. 254 loses
/// the connection and makes a new one, 255 lets so many seconds pass. The engine has something of everything to ask.
pub fn engine_frames(bytes: &[u8]) {
    let scene = &*ALONE;
    let mut bob = scene.bob();
    let stranger = AccountId::new([3; 32]);
    let mut asked = 0;
    let mut ask = |bob: &mut Lone, intent| {
        asked += 1;
        bob.ask(asked, intent);
    };
    ask(&mut bob, crate::world::conversation(stranger, 3));
    ask(
        &mut bob,
        crate::world::message(stranger, 3, 1, "hello".to_owned()),
    );
    ask(
        &mut bob,
        Intent::FindPeople {
            query: "person".to_owned(),
        },
    );
    ask(&mut bob, Intent::Invites);
    ask(
        &mut bob,
        Intent::SetDisplayName {
            display_name: "Bob".to_owned(),
        },
    );
    for (pick, part) in parts(bytes) {
        match pick {
            254 => bob.reconnect(),
            255 => bob.wait(1_000 * part.len() as u64),
            _ => {
                let Ok(frame) = decode_relay(Bytes::copy_from_slice(part)) else {
                    bob.take(Input::Frame(Bytes::copy_from_slice(part)));
                    continue;
                };
                let Some(body) = frame.body else { continue };
                let at = bob.requests.len().checked_sub(usize::from(pick));
                let reply_to = at.and_then(|at| bob.requests.get(at)).copied().unwrap_or(0);
                bob.frame(reply_to, body);
            }
        }
    }
    still_answers(&mut bob);
}

/// Records of a vault in a script: kind, which of the kind's (counted on from those there are: another one), length u16, the
/// value; an empty one is removed. The engine opens what it gets, names what it cannot read, and works.
pub fn engine_records(bytes: &[u8]) {
    let scene = &*ALONE;
    let mut records = scene.image.records();
    for (kind, part) in parts(bytes) {
        let Some((which, value)) = part.split_first() else {
            continue;
        };
        let Some(kind) = Kind::from_number(kind).filter(|kind| kind.resident()) else {
            continue;
        };
        let of_kind: Vec<_> = (0..records.len())
            .filter(|at| records[*at].key.kind == kind)
            .collect();
        match of_kind.get(usize::from(*which)) {
            Some(at) if value.is_empty() => drop(records.remove(*at)),
            Some(at) => records[*at].value = value.to_vec().into(),
            None => records.push(Record {
                key: RecordKey {
                    kind,
                    partition: vec![*which; 32],
                    sequence: u64::from(*which % 4),
                },
                value: value.to_vec().into(),
            }),
        }
    }
    let mut bob = Lone::open(&scene.image, records);
    bob.ask(
        1,
        Intent::Page {
            conversation: scene.alice,
            before: None,
            limit: 100,
        },
    );
    bob.sign_in();
    bob.ask(2, crate::world::message(scene.alice, 1, 77, "written".to_owned()));
    bob.wait(3_600_000);
    bob.wait(40 * 24 * 3_600_000);
    still_answers(&mut bob);
}

/// One byte, length u16, so many bytes; the last may be cut short.
fn parts(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    core::iter::from_fn(move || {
        let ([pick, length @ ..], rest) = bytes.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (part, later) = rest.split_at(length);
        bytes = later;
        Some((*pick, part))
    })
    .take(PARTS)
}
