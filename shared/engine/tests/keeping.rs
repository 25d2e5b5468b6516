//! How a conversation is kept: settings of one account, and people of whom one wants to hear nothing.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use std::cell::Cell;
use std::rc::Rc;

use chopar_engine::simulator::World;
use chopar_engine::view::{SentState, Setting};
use chopar_engine::{Answer, Failure, Refusal};
use chopar_wire::frame::decode_client;
use chopar_wire::proto::content::{Deletion, Edit, Reaction, Reference, Timer, TimerChange, payload};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::{AccountId, MessageId};

use crate::common::{
    done, edit, extra, four_devices, friends, keep, open, people, send, shown, state, text, timer,
};

const SETTINGS: [Setting; 4] = [
    Setting::Muted,
    Setting::Pinned,
    Setting::Archived,
    Setting::Blocked,
];

/// How many frames that go to other people a person sends from now on.
fn frames_to_others(world: &mut World, person: usize) -> Rc<Cell<u32>> {
    let sent = Rc::new(Cell::new(0));
    let count = Rc::clone(&sent);
    world.tap = Some(Box::new(move |from, bytes| {
        let frame = decode_client(bytes.to_vec().into())
            .ok()
            .and_then(|frame| frame.body);
        if from == person && matches!(frame, Some(Body::Submit(_) | Body::SubmitSignal(_))) {
            count.set(count.get() + 1);
        }
    }));
    sent
}

/// P-169.
#[test]
fn settings_are_the_same_on_all_own_devices_and_nobody_else_hears_of_them() {
    let (mut world, accounts) = four_devices(1_691);
    let [alice, bob] = accounts;
    let of = |world: &World, device: usize| {
        let row = &world.persons[device].rows[&bob];
        [row.muted, row.pinned, row.archived, row.blocked]
    };
    for (at, setting) in SETTINGS.into_iter().enumerate().take(3) {
        done(&mut world, [0, 2][at % 2], keep(bob, setting, true));
        world.run_for(30_000);
    }
    assert_eq!(of(&world, 0), [true, true, true, false]);
    assert_eq!(of(&world, 2), of(&world, 0));
    let theirs = &world.persons[1].rows[&alice];
    assert!(!theirs.muted && !theirs.pinned && !theirs.archived);
    // Muted, it stays away; otherwise a message brings it back.
    send(&mut world, 1, alice, 1);
    world.run_for(60_000);
    assert!(of(&world, 0)[2] && of(&world, 2)[2]);
    done(&mut world, 2, keep(bob, Setting::Muted, false));
    world.run_for(30_000);
    send(&mut world, 1, alice, 2);
    world.run_for(60_000);
    assert_eq!(of(&world, 0), [false, true, false, false]);
    assert_eq!(of(&world, 2), of(&world, 0));
    world.crash(0);
    world.run_for(10_000);
    let Answer::Snapshot(snapshot) = world.ask_now(0, chopar_engine::Intent::Snapshot) else {
        panic!("a snapshot")
    };
    assert!(snapshot.conversations.iter().any(|row| row.pinned && !row.muted));
}

/// P-170, T-022.
#[test]
fn nothing_of_a_blocked_person_is_shown_and_they_learn_nothing() {
    let (mut world, accounts) = friends(1_701);
    let [alice, bob] = accounts[..] else { panic!("two") };
    done(&mut world, 1, keep(alice, Setting::Blocked, true));
    world.run_for(10_000);
    let sent = frames_to_others(&mut world, 1);
    send(&mut world, 0, bob, 1);
    done(&mut world, 0, edit(bob, 101, "changed"));
    done(&mut world, 0, timer(bob, 86_400));
    world.run_for(6 * 3_600_000);
    assert_eq!(sent.get(), 0);
    assert_eq!(
        state(&mut world, 0, bob, 1).0,
        SentState::Sent,
        "as with anybody who does not look"
    );
    assert_eq!(shown(&world, 1, &alice), ["message 101"]);
    assert_eq!(world.persons[1].rows[&alice].timer, 0);
    let refused = [text(alice, 9), edit(alice, 102, "x"), timer(alice, 60)];
    for intent in refused {
        assert!(world.ask_now(1, intent) == Answer::Failed(Failure::Blocked));
    }
    assert_eq!(sent.get(), 0);
    // Days later too: silence is no reason to speak to them.
    world.run_for(5 * 24 * 3_600_000);
    world.tap = None;
    done(&mut world, 1, keep(alice, Setting::Blocked, false));
    send(&mut world, 0, bob, 2);
    world.run_for(60_000);
    assert_eq!(
        shown(&world, 1, &alice),
        ["message 101", "message 2"],
        "what was said meanwhile is not shown"
    );
    assert_eq!(state(&mut world, 0, bob, 2).0, SentState::Delivered);
}

/// P-170: what was written before the block and has not left waits until it ends; and what they said during it never counts as
/// delivered, however often it comes.
#[test]
fn what_waits_for_a_blocked_person_waits_until_the_block_ends() {
    let (mut world, accounts) = friends(1_703);
    let [alice, bob] = accounts[..] else { panic!("two") };
    world.run_for(10_000);
    world.set_up(false);
    send(&mut world, 0, bob, 1);
    done(&mut world, 0, keep(bob, Setting::Blocked, true));
    world.set_up(true);
    let sent = frames_to_others(&mut world, 0);
    world.run_for(60_000);
    assert_eq!(sent.get(), 0);
    assert_eq!(shown(&world, 1, &alice), ["message 101"]);
    send(&mut world, 1, alice, 2);
    world.run_for(60_000);
    world.tap = None;
    done(&mut world, 0, keep(bob, Setting::Blocked, false));
    world.run_for(60_000);
    assert_eq!(shown(&world, 1, &alice), ["message 101", "message 1"]);
    // Sent again after days without an acknowledgement.
    world.run_for(5 * 24 * 3_600_000);
    assert_eq!(shown(&world, 0, &bob), ["message 102"]);
    assert_eq!(state(&mut world, 1, alice, 2).0, SentState::Sent);
}

fn named(author: AccountId, number: u8) -> Option<Reference> {
    Some(Reference {
        author: author.into(),
        id: vec![number; 16].into(),
    })
}

/// P-171, T-021: what is malformed, not allowed or about nothing is answered by nothing, not even by an acknowledgement.
#[test]
fn whoever_names_what_is_not_there_learns_nothing() {
    let (mut world, accounts) = friends(1_711);
    let [alice, bob] = accounts[..] else { panic!("two") };
    world.run_for(10_000);
    let id = |number: u8| vec![number; 16].into();
    let emoji = |emoji: &str, to| {
        let (emoji, number) = (emoji.to_owned(), 1);
        payload::Content::Reaction(Reaction { to, emoji, number })
    };
    let edited = |number, id, text: &str| {
        let text = text.to_owned();
        payload::Content::Edit(Edit { id, text, number })
    };
    let probes = [
        emoji("👍", named(alice, 77)),
        emoji("👍", named(bob, 101)),
        emoji("👍", None),
        emoji("not one", named(alice, 101)),
        edited(1, id(77), "of nothing"),
        edited(1, id(102), "of Bob's"),
        edited(0, id(101), "by no number"),
        edited(1_000, id(101), "for the thousandth time"),
        edited(1, vec![1; 3].into(), "of no id"),
        edited(1, id(101), ""),
        payload::Content::Deletion(Deletion { id: id(102) }),
        payload::Content::Deletion(Deletion { id: id(88) }),
        payload::Content::TimerChange(TimerChange {
            id: id(1),
            timer: Some(Timer {
                seconds: 1,
                number: 1,
            }),
        }),
    ];
    let sent = frames_to_others(&mut world, 1);
    for probe in probes {
        world.has_say(0, bob, probe);
        world.run_for(20_000);
    }
    world.run_for(60_000);
    assert_eq!(sent.get(), 0, "not one frame");
    let engine = world.persons[1].engine.as_ref().unwrap();
    assert_eq!(engine.refused(Refusal::NotAnEmoji), 1);
    assert_eq!(engine.refused(Refusal::ChangeMalformed), 3);
    assert_eq!(engine.refused(Refusal::EditRefused), 2);
    assert_eq!(engine.refused(Refusal::TimerRefused), 1);
    let (text, own) = extra(&mut world, 1, alice, 102).unwrap();
    assert!(
        text == "message 102" && !own.edited && !own.deleted,
        "nobody changes another's message"
    );
    assert_eq!(shown(&world, 1, &alice), ["message 101"]);
    // What is in order is acknowledged as any message is.
    world.has_say(0, bob, emoji("👍", named(alice, 101)));
    world.run_for(20_000);
    assert!(sent.get() > 0);
}

/// P-171: a day of silence about what refers to nothing is no reason to begin a new session.
#[test]
fn what_a_device_does_not_have_causes_no_repair() {
    let (mut world, accounts) = friends(1_712);
    let [alice, bob] = accounts[..] else { panic!("two") };
    done(
        &mut world,
        1,
        chopar_engine::Intent::Delete {
            conversation: alice,
            message: common::about(alice, 101),
            everyone: false,
        },
    );
    world.persons[1]
        .vault
        .lose(|key| key.kind == chopar_engine::Kind::Place);
    world.crash(1);
    world.run_for(10_000);
    let session = world.sending_session(0, 1);
    done(&mut world, 0, edit(bob, 101, "for nobody"));
    world.run_for(4 * 24 * 3_600_000);
    assert_eq!(world.sending_session(0, 1), session);
    world.run_for(28 * 24 * 3_600_000);
    let outbox = world.persons[0]
        .vault
        .select(|key| key.kind == chopar_engine::Kind::Outbox);
    assert!(outbox.is_empty(), "and it is not kept for ever");
}

/// P-170: a stranger is blocked without having been answered.
#[test]
fn a_stranger_can_be_blocked() {
    let (mut world, accounts) = people(1_702, 2);
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(10_000);
    let sent = frames_to_others(&mut world, 1);
    done(&mut world, 1, keep(accounts[0], Setting::Blocked, true));
    send(&mut world, 0, accounts[1], 2);
    world.run_for(60_000);
    assert_eq!(sent.get(), 0);
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 1);
    assert!(world.persons[1].theirs(&accounts[0])[0].0 == MessageId::new([1; 16]));
}
