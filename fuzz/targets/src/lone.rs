//! An engine alone: records that no engine wrote, frames that no relay would send, content that no client would.

use std::sync::LazyLock;

use chopar_e2ee::fixture::rng;
use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::Session;
use chopar_engine::intent::{GroupChange, Invitee};
use chopar_engine::simulator::{Faults, Image, Lone, World};
use chopar_engine::{Answer, Input, Intent, Kind, Record, RecordKey};
use chopar_wire::frame::decode_relay;
use chopar_wire::prost::Message;
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::content::{Payload, Text, payload};
use chopar_wire::proto::group::Update;
use chopar_wire::proto::relay::OpaqueLog;
use chopar_wire::{AccountId, MessageId, Timestamp};
use rand_core::CryptoRng;

/// Parts of one script: bounds the time for one input.
const PARTS: usize = 64;
/// What the group is called in what Bob does not know yet.
const RENAMED: &str = "Renamed";
/// What is said after everything.
const AFTERWARDS: &str = "still there";
/// The number of the intent that every engine must answer, whatever came before.
const ASKED: u64 = 1 << 40;

/// Bob's browser after a conversation and some talk in a group of both, and Alice's session with him.
pub struct Alone {
    /// The browser.
    pub image: Image,
    alice: AccountId,
    /// The group's conversation.
    pub group: AccountId,
    /// What Alice says of the group when it is renamed, which Bob does not know.
    pub update: Update,
    /// The same, as the relay shows it.
    pub log: OpaqueLog,
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
        let group = begin_group(&mut world, bob);
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
        let (image, now) = (Image::of(&world, 1), world.now());
        // What comes after that is not in the image.
        world.switch_off(1);
        world.set_up(true);
        world.run_for(60_000);
        let change = GroupChange::Name(RENAMED.to_owned());
        let conversation = group;
        assert!(world.ask_now(0, Intent::ChangeGroup { conversation, change }) == Answer::Done);
        let update = world.group_update(0, group);
        let log = world.group_log(0, group, update.from);
        Self {
            image,
            alice,
            group,
            update,
            log,
            session: session.to_vec(),
            now,
        }
    }

    /// Alice's session with Bob.
    #[allow(clippy::expect_used, reason = "a target fails by panicking")]
    fn alice(&self) -> Session {
        Session::from_record(&self.session).expect("an own record")
    }

    /// What Alice encrypts for Bob; `None` where it is too long to be padded.
    #[allow(clippy::expect_used, reason = "a target fails by panicking")]
    fn says(&self, alice: &mut Session, payload: &[u8], rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        let content = pad(payload).ok()?;
        let message = alice.encrypt(&content, self.now, rng);
        Some(message.expect("a session that writes"))
    }

    /// Bob's engine, signed in.
    fn bob(&self) -> Lone {
        let mut bob = Lone::open(&self.image, self.image.records());
        bob.sign_in();
        bob
    }
}

/// Alice begins a group with Bob, an admin too, and both write into it.
fn begin_group(world: &mut World, bob: AccountId) -> AccountId {
    let intent = Intent::CreateGroup {
        wish: [1; 16],
        name: "Fuzz".to_owned(),
        members: vec![Invitee::from(bob)],
    };
    let Answer::GroupBegun(conversation) = world.ask_now(0, intent) else {
        unreachable!("Alice may begin a group")
    };
    world.run_for(20_000);
    let change = GroupChange::Role {
        account: bob,
        admin: true,
    };
    assert!(world.ask_now(0, Intent::ChangeGroup { conversation, change }) == Answer::Done);
    world.run_for(20_000);
    for from in [0, 1] {
        let text = format!("{from} in the group");
        world.ask(from, 0, crate::world::message(conversation, from, 50, text));
        world.run_for(20_000);
    }
    conversation
}

/// What the group is called where Bob sees it.
fn group_name(bob: &mut Lone, asked: u64) -> Option<String> {
    let conversation = ALONE.group;
    match bob.ask(asked, Intent::Group { conversation }) {
        Some(Answer::Group(view)) => Some(view.name.clone()),
        _ => None,
    }
}

/// Ids of what Bob has taken, as his vault has them.
fn seen(bob: &Lone) -> Vec<Vec<u8>> {
    let records = bob.vault.select(|key| key.kind == Kind::Seen);
    records.iter().map(|record| record.value.to_vec()).collect()
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
pub fn payload(bytes: &[u8]) -> bool {
    let scene = &*ALONE;
    let mut rng = rng(9);
    let mut alice = scene.alice();
    let mut bob = scene.bob();
    let Some(message) = scene.says(&mut alice, bytes, &mut rng) else {
        return false;
    };
    let before = seen(&bob);
    bob.deliver(&message);
    let taken = seen(&bob) != before;
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
    let message = scene.says(&mut alice, &text.encode_to_vec(), &mut rng);
    bob.deliver(&message.expect("a short text"));
    let shown = bob.vault.theirs(&scene.alice);
    let id = MessageId::new([0xee; 16]);
    assert!(
        shown.iter().any(|(shown, _)| *shown == id),
        "what came afterwards is not shown"
    );
    still_answers(&mut bob);
    taken
}

/// Frames of the relay in a script: which request is answered (the last is 1, 0 none), length u16, a `RelayFrame`. 253 is a payload
/// of Alice's in her session, 254 loses the connection and makes a new one, 255 lets so many seconds pass. The engine has something
/// of everything to ask. What comes to something renames the group.
pub fn engine_frames(bytes: &[u8]) -> bool {
    let scene = &*ALONE;
    let mut rng = rng(10);
    let mut alice = scene.alice();
    let mut bob = scene.bob();
    let stranger = AccountId::new([3; 32]);
    let mut asked = 0;
    let mut ask = |bob: &mut Lone, intent| {
        asked += 1;
        bob.ask(asked, intent);
    };
    let conversation = scene.group;
    let change = GroupChange::AdminsOnly(true);
    ask(&mut bob, Intent::ChangeGroup { conversation, change });
    ask(
        &mut bob,
        crate::world::message(conversation, 1, 60, "to all".to_owned()),
    );
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
            253 => {
                if let Some(message) = scene.says(&mut alice, part, &mut rng) {
                    bob.deliver(&message);
                }
            }
            254 => bob.reconnect(),
            255 => bob.wait(1_000 * part.len() as u64),
            _ => {
                let Ok(mut frame) = decode_relay(Bytes::copy_from_slice(part)) else {
                    bob.take(Input::Frame(Bytes::copy_from_slice(part)));
                    continue;
                };
                // One without a body too: the engine is to do without.
                let at = bob.requests.len().checked_sub(usize::from(pick));
                frame.reply_to = at.and_then(|at| bob.requests.get(at)).copied().unwrap_or(0);
                bob.take(Input::Frame(frame.encode_to_vec().into()));
            }
        }
    }
    let renamed = group_name(&mut bob, ASKED - 1).is_some_and(|name| name == RENAMED);
    still_answers(&mut bob);
    renamed
}

/// Records of a vault in a script: kind, which of the kind's (counted on from those there are: another one), length u16, the
/// value; an empty one is removed. The engine opens what it gets, names what it cannot read, and works.
pub fn engine_records(bytes: &[u8]) -> bool {
    let scene = &*ALONE;
    let mut records = scene.image.records();
    let mut replaced = false;
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
            Some(at) => {
                records[*at].value = value.to_vec().into();
                replaced = true;
            }
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
    let read = replaced && bob.engine().damage().is_empty();
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
    read
}

/// All that Bob's history has, record by record.
pub fn exported() -> Vec<Vec<u8>> {
    let mut bob = Lone::open(&ALONE.image, ALONE.image.records());
    let (mut all, mut after) = (Vec::new(), None);
    for asked in 1.. {
        let answer = bob.ask(asked, Intent::ExportHistory { after });
        let Some(Answer::HistoryPart { records, next }) = answer else {
            unreachable!("an account that is in order has a history")
        };
        all.extend(records.iter().cloned());
        after = *next;
        if after.is_none() {
            break;
        }
    }
    all
}

/// A record of a history file, whoever wrote it, after all that Bob's history has: what is taken of it can be read when the vault is
/// opened again, and nothing of what was there is lost.
pub fn history_record(bytes: &[u8]) -> bool {
    let scene = &*ALONE;
    let mut bob = scene.bob();
    let before = bob.vault.theirs(&scene.alice);
    let records = vec![bytes.to_vec()];
    let answer = bob.ask(1, Intent::ImportHistory { records });
    let Some(Answer::HistoryTaken(imported)) = answer else {
        unreachable!("an import of one record is answered")
    };
    let taken = imported.left == 0;
    bob.wait(60_000);
    let after = bob.vault.theirs(&scene.alice);
    assert!(before.iter().all(|line| after.contains(line)), "a line is lost");
    still_answers(&mut bob);
    let again = Lone::open(&scene.image, bob.vault.resident());
    assert!(again.engine().damage().is_empty(), "the vault is damaged");
    taken
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
