//! Devices and keys of an account change: a second device, a revoked one, a replaced account key; trust follows.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop"
)]

mod common;

use chopar_e2ee::recovery::RecoveryKey;
use chopar_engine::simulator::World;
use chopar_engine::view::{Held, LineBody, Notice, Preferences, SentState, Trust};
use chopar_engine::{Answer, Failure, Intent};
use chopar_identity::EntryDraft;
use chopar_wire::AccountId;

use crate::common::{CALM, friends, lines, onboard_with_key, open, people, send, shown, state};

fn has_notice(world: &mut World, person: usize, peer: AccountId, wanted: &Notice) -> bool {
    lines(world, person, peer)
        .iter()
        .any(|line| matches!(&line.body, LineBody::Notice(notice) if notice == wanted))
}

fn person(world: &mut World, asking: usize, peer: AccountId) -> chopar_engine::view::Person {
    match world.ask_now(asking, Intent::Person { peer }) {
        Answer::Person(person) => *person,
        _ => panic!("a person"),
    }
}

/// P-025.
#[test]
fn a_second_device_gets_everything_from_now_on() {
    let (mut world, accounts) = people(41, 3);
    let (bob, alice) = (accounts[0], accounts[1]);
    open(&mut world, 0, 1, alice);
    send(&mut world, 0, alice, 1);
    world.run_for(5_000);
    open(&mut world, 1, 0, bob);
    world.run_for(5_000);
    // Person 2 becomes Alice's second device.
    world.reset(2);
    world.link(2, 1);
    // The next sign-in tells the first device of the second.
    world.drop_connection(1);
    world.run_for(30_000);
    send(&mut world, 0, alice, 2);
    world.run_for(30_000);
    assert_eq!(shown(&world, 1, &bob).len(), 2);
    assert_eq!(shown(&world, 2, &bob), ["message 2"], "nothing from before");
    let added = Notice::DeviceAdded {
        name: "Second".into(),
    };
    assert!(has_notice(&mut world, 0, alice, &added));
    // What one device says the other shows too.
    send(&mut world, 1, bob, 3);
    world.run_for(60_000);
    assert_eq!(
        world.persons[2].own_states(&bob),
        [("message 3".to_owned(), 2)],
        "with the tick it has got by then"
    );
    send(&mut world, 2, bob, 4);
    world.run_for(60_000);
    let texts: Vec<String> = world.persons[1]
        .own_states(&bob)
        .into_iter()
        .map(|(text, _)| text)
        .collect();
    assert_eq!(texts, ["message 3", "message 4"]);
    assert_eq!(shown(&world, 0, &alice), ["message 3", "message 4"]);
    assert_eq!(state(&mut world, 0, alice, 2).0, SentState::Delivered);

    let Answer::Devices(devices) = world.ask_now(1, Intent::Devices) else {
        panic!("devices")
    };
    assert_eq!(devices.len(), 2);
    let second = devices.iter().find(|device| !device.this).unwrap().device;
    assert!(world.ask_now(1, Intent::RevokeDevice { device: second }) == Answer::Done);
    world.run_for(10_000);
    send(&mut world, 0, alice, 5);
    world.run_for(60_000);
    assert_eq!(shown(&world, 1, &bob).len(), 3);
    assert_eq!(shown(&world, 2, &bob).len(), 1, "nothing any more");
    let revoked = Notice::DeviceRevoked {
        name: "Second".into(),
    };
    assert!(has_notice(&mut world, 0, alice, &revoked));
}

/// P-032.
#[test]
fn a_replaced_account_key_stops_a_verified_conversation_until_decided() {
    let mut world = World::new(42, 2, CALM);
    let alice = world.onboard(0);
    let (bob, key) = onboard_with_key(&mut world, 1);
    open(&mut world, 0, 1, bob);
    send(&mut world, 0, bob, 1);
    world.run_for(5_000);
    open(&mut world, 1, 0, alice);
    world.run_for(5_000);

    let seen = person(&mut world, 0, bob);
    assert_eq!(seen.safety_number, person(&mut world, 1, alice).safety_number);
    assert_eq!((seen.safety_number.len(), seen.trust), (60, Trust::Unverified));
    let verify = |digits: &str| Intent::MarkVerified {
        peer: bob,
        digits: digits.to_owned(),
        verified: true,
    };
    assert!(world.ask_now(0, verify(&"1".repeat(60))) == Answer::Failed(Failure::SafetyNumberChanged));
    let theirs = person(&mut world, 1, alice).qr;
    assert!(
        world.ask_now(
            0,
            Intent::CompareQr {
                peer: bob,
                payload: theirs
            }
        ) == Answer::Done
    );
    let junk = Intent::CompareQr {
        peer: bob,
        payload: b"https://example.org".to_vec(),
    };
    assert!(world.ask_now(0, junk) == Answer::Failed(Failure::NotASafetyNumber));
    assert!(world.ask_now(0, verify(&seen.safety_number)) == Answer::Done);
    assert_eq!(world.persons[0].rows[&bob].trust, Trust::Verified);

    let old = RecoveryKey::parse(&key).unwrap().account();
    let new = RecoveryKey::parse(&other_key()).unwrap().account();
    let log = world.relay.log(&bob).clone();
    let draft =
        EntryDraft::replace_account_key(&log, &new.account_key(), &new.recovery_keys(), world.now().0);
    let input = draft.signing_input();
    let entry = draft.finish(&[old.sign(&input), new.sign(&input)]).unwrap();
    world.relay.append(&bob, &entry);
    send(&mut world, 0, bob, 2);
    world.run_for(5_000);
    assert_eq!(world.persons[0].rows[&bob].trust, Trust::Changed);
    assert_eq!(
        state(&mut world, 0, bob, 2),
        (SentState::Waiting, Some(Held::SafetyNumberChanged))
    );
    assert!(has_notice(&mut world, 0, bob, &Notice::SafetyNumberChanged));
    send(&mut world, 1, alice, 3);
    world.run_for(120_000);
    assert_eq!(shown(&world, 0, &bob), ["message 3"], "receiving goes on");
    assert_eq!(shown(&world, 1, &alice), ["message 1"]);

    let stale = Intent::AcceptSafetyNumber {
        peer: bob,
        digits: seen.safety_number.clone(),
    };
    assert!(world.ask_now(0, stale) == Answer::Failed(Failure::SafetyNumberChanged));
    let digits = person(&mut world, 0, bob).safety_number;
    assert_ne!(digits, seen.safety_number);
    assert!(world.ask_now(0, Intent::AcceptSafetyNumber { peer: bob, digits }) == Answer::Done);
    world.run_for(30_000);
    assert_eq!(shown(&world, 1, &alice), ["message 1", "message 2"]);
    assert_eq!(world.persons[0].rows[&bob].trust, Trust::Unverified);
}

/// A recovery key of nobody here: made from fixed bytes by asking a throw-away account for its groups.
fn other_key() -> String {
    onboard_with_key(&mut World::new(4_242, 1, CALM), 0).1
}

/// P-096.
#[test]
fn receipts_can_be_switched_off_and_the_outbox_still_empties() {
    let (mut world, accounts) = friends(43);
    let off = Preferences {
        receipts: false,
        typing: false,
    };
    assert!(world.ask_now(1, Intent::SetPreferences(off)) == Answer::Done);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(30_000);
    assert_eq!(state(&mut world, 0, accounts[1], 1).0, SentState::Sent);
    assert!(
        world.persons[0]
            .vault
            .select(|k| k.kind == chopar_engine::Kind::Outbox)
            .is_empty()
    );
}

/// P-014.
#[test]
fn a_handle_that_moves_is_another_contact() {
    let (mut world, accounts) = friends(44);
    world.tamper = Some(Box::new(|_, body| {
        if let chopar_wire::proto::relay::relay_frame::Body::People(people) = body {
            for person in &mut people.people {
                person.account = vec![7; 32].into();
            }
        }
        true
    }));
    let Answer::People(found) = world.ask_now(
        0,
        Intent::FindPeople {
            query: "person1".into(),
        },
    ) else {
        panic!("people")
    };
    assert!(found[0].was_somebody_else && found[0].account != accounts[1]);
    let moved = Notice::HandleMoved {
        handle: "person1".into(),
    };
    assert!(has_notice(&mut world, 0, accounts[1], &moved));
}

/// P-014.
#[test]
fn a_handle_is_the_directorys_word_not_a_strangers() {
    use chopar_wire::proto::relay::relay_frame::Body;
    let handle = |world: &mut World, peer| match world.ask_now(1, Intent::Person { peer }) {
        Answer::Person(person) => person.handle,
        _ => panic!("a person"),
    };
    for (says, kept) in [("director", ""), ("person0", "person0")] {
        let (mut world, accounts) = people(46, 2);
        // What its relay calls somebody is what they present themselves as.
        world.tamper = Some(Box::new(move |person, body| {
            if person == 0
                && let Body::SignedIn(signed_in) = body
            {
                signed_in.handle = says.into();
            }
            true
        }));
        world.drop_connection(0);
        world.run_for(30_000);
        open(&mut world, 0, 1, accounts[1]);
        send(&mut world, 0, accounts[1], 1);
        world.run_for(5_000);
        assert_eq!(
            handle(&mut world, accounts[0]),
            "",
            "a stranger's word is not shown"
        );
        send(&mut world, 1, accounts[0], 2);
        world.run_for(5_000);
        assert_eq!(handle(&mut world, accounts[0]), kept, "the directory was asked");

        // The search names them as the directory does, and nobody who did not lie.
        let query = String::from("person0");
        let Answer::People(found) = world.ask_now(1, Intent::FindPeople { query }) else {
            panic!("people")
        };
        assert!(found.len() == 1 && !found[0].was_somebody_else);
        assert_eq!(handle(&mut world, accounts[0]), "person0");
    }
}

#[test]
fn what_is_sent_is_no_draft_any_more() {
    let (mut world, accounts) = friends(47);
    let draft = |world: &mut World, text: &str| {
        let save = Intent::SaveDraft {
            conversation: accounts[1],
            text: text.into(),
        };
        assert!(world.ask_now(0, save) == Answer::Done);
    };
    let kept = |world: &World| {
        world.persons[0]
            .vault
            .select(|key| key.kind == chopar_engine::Kind::Draft)
            .len()
    };
    draft(&mut world, "message 1 ");
    assert_eq!(kept(&world), 1);
    send(&mut world, 0, accounts[1], 1);
    assert_eq!(kept(&world), 0, "in the very step that sends");
    draft(&mut world, "the next thought");
    send(&mut world, 0, accounts[1], 2);
    assert_eq!(kept(&world), 1, "another text stays");
}

#[test]
fn typing_is_told_and_passes() {
    use chopar_engine::Event;
    let (mut world, accounts) = friends(45);
    let typing = |stopped| Intent::Typing {
        conversation: accounts[1],
        stopped,
    };
    let told = |world: &World| {
        let is = |event: &&Event| matches!(event, Event::TypingUntil { .. });
        world.persons[1].told.iter().filter(is).count()
    };
    for _ in 0..5 {
        assert!(world.ask_now(0, typing(false)) == Answer::Done);
        world.run_for(100);
    }
    world.run_for(500);
    assert_eq!(told(&world), 1, "at most one in three seconds");
    assert!(world.ask_now(0, typing(true)) == Answer::Done);
    world.run_for(500);
    assert_eq!(told(&world), 2);
}
