//! Whatever comes, in whatever order: an engine never panics, and answers every intent exactly once.

mod common;

use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::Session;
use chopar_engine::input::DeviceKeysPublic;
use chopar_engine::intent::Asked;
use chopar_engine::simulator::{Image, Lone, World};
use chopar_engine::view::{Preferences, Reference, Role, Setting};
use chopar_engine::{Answer, Effect, Engine, Event, Input, Intent, Kind, Record, RecordKey, Token};
use chopar_wire::ids::InviteId;
use chopar_wire::prost::Message;
use chopar_wire::proto::content::{Payload, Text, payload};
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{Pong, RelayFrame};
use chopar_wire::{AccountId, DeviceId, MessageId, Timestamp, limits};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use crate::common::friends;

fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    rng.next_u64() % bound
}

fn bytes(rng: &mut ChaCha8Rng, most: u64) -> Vec<u8> {
    let mut bytes = vec![0; below(rng, most + 1) as usize];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn any_intent(rng: &mut ChaCha8Rng) -> Intent {
    let peer = AccountId::new([below(rng, 3) as u8; 32]);
    let id = MessageId::new([below(rng, 9) as u8; 16]);
    let text = "x".repeat(below(rng, 9_000) as usize);
    let message = Reference { author: peer, id };
    let conversation = peer;
    match below(rng, 32) {
        0 => Intent::Snapshot,
        1 => Intent::CheckInvite { token: text },
        2 => Intent::CreateAccount {
            invite: "open".into(),
            handle: "anvar".into(),
            display_name: "Anvar".into(),
            device_name: "Browser".into(),
        },
        3 => Intent::ConfirmRecoveryKey {
            groups: vec![(below(rng, 255) as u8, text)],
        },
        4 => Intent::FindPeople { query: text },
        5 | 6 => Intent::OpenConversation {
            peer,
            handle: "someone".into(),
            display_name: text,
        },
        7 => Intent::Page {
            conversation: peer,
            before: Some(rng.next_u64()),
            limit: below(rng, 65_536) as u16,
        },
        8 | 9 => Intent::Send {
            conversation: peer,
            id,
            text,
            reply_to: (below(rng, 2) == 0).then_some(Reference { author: peer, id }),
            forwarded: below(rng, 2) == 0,
        },
        10 => Intent::Retry {
            conversation: peer,
            id,
        },
        11 => Intent::MarkRead {
            conversation: peer,
            up_to: rng.next_u64(),
        },
        12 => Intent::Typing {
            conversation: peer,
            stopped: below(rng, 2) == 0,
        },
        13 => Intent::SaveDraft {
            conversation: peer,
            text,
        },
        14 => Intent::Person { peer },
        15 => Intent::MarkVerified {
            peer,
            digits: text,
            verified: below(rng, 2) == 0,
        },
        16 => Intent::AcceptSafetyNumber { peer, digits: text },
        17 => Intent::CompareQr {
            peer,
            payload: bytes(rng, 300),
        },
        18 => Intent::Devices,
        19 => Intent::RevokeDevice {
            device: DeviceId::new([1; 16]),
        },
        20 => Intent::SetPreferences(Preferences {
            receipts: below(rng, 2) == 0,
            typing: true,
        }),
        21 => Intent::CreateInvite {
            role: Role::Owner,
            uses: 1,
            lifetime_seconds: 1,
        },
        22 => Intent::RevokeInvite {
            invite: InviteId::new([1; 16]),
        },
        23 => Intent::Edit {
            conversation,
            id,
            text,
        },
        24 | 25 => Intent::Delete {
            conversation,
            message,
            everyone: below(rng, 2) == 0,
        },
        26 => Intent::React {
            conversation,
            message,
            emoji: ["", "👍", "ha"][below(rng, 3) as usize].into(),
        },
        27 => Intent::FindMessage {
            conversation,
            message,
        },
        28 => Intent::SetTimer {
            conversation,
            seconds: [0, 1, 5, u32::MAX][below(rng, 4) as usize],
        },
        29 | 30 => Intent::Keep {
            conversation,
            setting: [
                Setting::Muted,
                Setting::Pinned,
                Setting::Archived,
                Setting::Blocked,
            ][below(rng, 4) as usize],
            on: below(rng, 2) == 0,
        },
        _ => Intent::ConnectNow,
    }
}

fn any_input(rng: &mut ChaCha8Rng, asked: &mut u64) -> Input {
    let token = Token(below(rng, 12));
    match below(rng, 14) {
        0 => Input::Connected,
        1 => Input::Disconnected {
            code: [1000, 1001, 1006, 4001, 4003, 4005][below(rng, 6) as usize],
        },
        2 => Input::Network {
            online: below(rng, 2) == 0,
        },
        3 => Input::Wake,
        4 => {
            let keys = DeviceKeysPublic {
                signing: [below(rng, 255) as u8; 32],
                agreement: [9; 32],
            };
            Input::IdentityMade { token, keys }
        }
        5 => Input::Signed {
            token,
            signatures: vec![[7; 64]; below(rng, 4) as usize],
        },
        6 => Input::Agreed {
            token,
            shared: Zeroizing::new([below(rng, 2) as u8; 32]),
        },
        7 => Input::Failed { token },
        8 => Input::Loaded {
            token,
            records: any_records(rng),
        },
        9 | 10 => Input::Frame(bytes(rng, 200).into()),
        _ => {
            *asked += 1;
            Input::Intent(Asked {
                id: *asked,
                intent: any_intent(rng),
            })
        }
    }
}

fn any_records(rng: &mut ChaCha8Rng) -> Vec<Record> {
    (0..below(rng, 20))
        .filter_map(|_| {
            let kind = Kind::from_number(below(rng, 12) as u8)?;
            let key = RecordKey {
                kind,
                partition: bytes(rng, 33),
                sequence: below(rng, 4),
            };
            Some(Record {
                key,
                value: Zeroizing::new(bytes(rng, 60)),
            })
        })
        .collect()
}

#[test]
fn inputs_in_any_order_do_no_harm() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut engine = Engine::new();
        let mut now = Timestamp(1_800_000_000_000);
        let (mut asked, mut answered) = (0, Vec::new());
        let open = |rng: &mut ChaCha8Rng| {
            let records = if below(rng, 4) == 0 {
                any_records(rng)
            } else {
                Vec::new()
            };
            Input::Opened {
                records,
                device_keys: None,
                origin: "https://x".into(),
                rolled_back: below(rng, 8) == 0,
            }
        };
        for step in 0..400 {
            let input = if step == 5 {
                open(&mut rng)
            } else {
                any_input(&mut rng, &mut asked)
            };
            now = now.plus_ms(below(&mut rng, 3_000));
            let step = engine.handle(input, now, &mut rng);
            for effect in step.then {
                if let Effect::Tell(Event::Answered { id, .. }) = effect {
                    answered.push(id);
                }
            }
        }
        // The rest: give up waiting.
        for _ in 0..10 {
            now = now.plus_ms(60_000);
            let step = engine.handle(Input::Wake, now, &mut rng);
            for effect in step.then {
                if let Effect::Tell(Event::Answered { id, .. }) = effect {
                    answered.push(id);
                }
            }
        }
        let count = answered.len();
        answered.sort_unstable();
        answered.dedup();
        assert_eq!(answered.len(), count, "seed {seed}: an intent was answered twice");
        // Pages wait for the vault, which nobody plays here.
        assert!(
            answered.len() as u64 <= asked && answered.len() as u64 * 10 > asked * 8,
            "seed {seed}"
        );
    }
}

#[test]
fn a_relay_that_talks_nonsense_is_survived() {
    for seed in 0..10 {
        let (mut world, accounts) = friends(5_000 + seed);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        world.tamper = Some(Box::new(move |_, body| {
            if below(&mut rng, 3) > 0 {
                return true;
            }
            let frame = RelayFrame {
                reply_to: 0,
                body: Some(body.clone()),
            };
            let mut bytes = frame.encode_to_vec();
            let at = below(&mut rng, bytes.len() as u64) as usize;
            bytes[at] ^= 1 << below(&mut rng, 8);
            if let Ok(RelayFrame {
                body: Some(other), ..
            }) = RelayFrame::decode(bytes.as_slice())
            {
                *body = other;
            }
            true
        }));
        for number in 1..=10 {
            let _ = world.ask(0, u64::from(number) * 500, common::text(accounts[1], number));
            let _ = world.ask(1, u64::from(number) * 500, common::text(accounts[0], 20 + number));
        }
        world.run_for(600_000);
        // A relay that comes to its senses. What it altered is as good as withheld and stays "sent"; whatever is said from now on
        // arrives, in both directions.
        world.tamper = None;
        for person in [0, 1] {
            world.drop_connection(person);
        }
        for number in 41..=45 {
            let _ = world.ask(0, u64::from(number) * 500, common::text(accounts[1], number));
            let _ = world.ask(1, u64::from(number) * 500, common::text(accounts[0], 20 + number));
        }
        world.run_for(24 * 3_600_000);
        for (to, from, numbers) in [(1, 0, 41..=45), (0, 1, 61..=65)] {
            let mut shown = common::shown(&world, to, &accounts[from]);
            let before = shown.len();
            shown.sort();
            shown.dedup();
            assert_eq!(shown.len(), before, "seed {seed}: nothing twice");
            for number in numbers {
                let text = format!("message {number}");
                let state = common::state(&mut world, from, accounts[to], number);
                assert!(
                    shown.contains(&text),
                    "seed {seed}: {text} of {shown:?}: {state:?}"
                );
            }
        }
    }
}

/// Bob's browser after a conversation, signed in.
fn alone(world: &World) -> Lone {
    let image = Image::of(world, 1);
    let mut bob = Lone::open(&image, image.records());
    bob.sign_in();
    bob
}

/// A frame of a kind that only a later relay knows: field 900, empty, as an answer to this request (0: to nothing).
fn of_a_later_kind(reply_to: u64) -> Vec<u8> {
    let mut bytes = RelayFrame { reply_to, body: None }.encode_to_vec();
    bytes.extend([0xa2, 0x38, 0]);
    bytes
}

/// P-001: what a client does not know is skipped; where it asked, it was answered.
#[test]
fn a_frame_of_a_later_kind_is_skipped_or_an_answer_that_says_nothing() {
    let (world, _) = friends(5_100);
    let mut bob = alone(&world);
    bob.take(Input::Frame(of_a_later_kind(0).into()));
    assert_eq!(bob.gave_up, 0, "the connection stays");
    assert!(matches!(bob.ask(1, Intent::Snapshot), Some(Answer::Snapshot(_))));

    let query = "person".to_owned();
    assert!(
        bob.ask(2, Intent::FindPeople { query }).is_none(),
        "it is asked of the relay"
    );
    let request = *bob.requests.last().unwrap();
    bob.take(Input::Frame(of_a_later_kind(request).into()));
    assert!(
        matches!(bob.answer(2), Some(Answer::Failed(_))),
        "the person hears that it failed"
    );
    assert_eq!(bob.gave_up, 0, "the connection stays");
}

/// P-001: what is no frame, or larger than any, costs the connection and nothing else.
#[test]
fn what_is_no_frame_costs_the_connection_and_nothing_else() {
    let (world, accounts) = friends(5_200);
    let mut alice = Session::from_record(&world.sending_record(0, 1).unwrap()).unwrap();
    let mut bob = alone(&world);
    let too_large = RelayFrame {
        reply_to: 0,
        body: Some(Body::Pong(Pong {})),
    };
    let mut too_large = too_large.encode_to_vec();
    too_large.resize(limits::MAX_SUBMIT_FRAME + 1, 0);
    for (number, bad) in [(1_u8, vec![0xff; 3]), (2, too_large)] {
        bob.take(Input::Frame(bad.into()));
        assert_eq!(bob.gave_up, usize::from(number), "the connection is given up");
        bob.reconnect();
        let id = MessageId::new([number; 16]);
        let said = Payload {
            time: world.now().0,
            content: Some(payload::Content::Text(Text {
                id: id.into(),
                text: "said afterwards".to_owned(),
                ..Text::default()
            })),
            ..Payload::default()
        };
        let padded = pad(&said.encode_to_vec()).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(number));
        bob.deliver(&alice.encrypt(&padded, world.now(), &mut rng).unwrap());
        let shown = bob.vault.theirs(&accounts[0]);
        assert!(
            shown.iter().any(|(shown, _)| *shown == id),
            "what came after it is shown"
        );
    }
}

#[test]
fn damaged_records_are_named_and_the_rest_is_kept() {
    for kind in [
        Kind::Contact,
        Kind::Outbox,
        Kind::Seen,
        Kind::Quarantine,
        Kind::Prekey,
        Kind::Draft,
        Kind::Account,
    ] {
        let (mut world, accounts) = friends(6_000 + kind as u64);
        world.switch_off(0);
        let damaged = world.persons[0].vault.damage(|key| key.kind == kind);
        world.switch_on(0);
        world.run_for(60_000);
        let named = world.persons[0]
            .engine
            .as_ref()
            .map(|engine| engine.damage().len());
        assert_eq!(named, Some(damaged), "{kind:?}");
        let _ = accounts;
    }
}
