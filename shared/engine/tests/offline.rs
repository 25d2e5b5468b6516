//! Absence: offline sending, dead sockets, weeks away, damaged sessions, two who begin at once.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use chopar_engine::Kind;
use chopar_engine::view::{ConnectionState, Held, LineBody, Notice, SentState};
use chopar_engine::{Answer, Intent};
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{Reason, Refused};

use crate::common::{friends, lines, open, people, send, shown, state, text};

const DAY: u64 = 24 * 3_600_000;

#[test]
fn what_is_written_offline_goes_out_on_reconnect() {
    let (mut world, accounts) = friends(31);
    world.set_up(false);
    for number in 1..=20 {
        send(&mut world, 0, accounts[1], number);
    }
    assert_eq!(state(&mut world, 0, accounts[1], 20), (SentState::Waiting, None));
    let Answer::Snapshot(snapshot) = world.ask_now(0, Intent::Snapshot) else {
        panic!("a snapshot")
    };
    assert!(matches!(
        snapshot.connection,
        ConnectionState::Offline { .. } | ConnectionState::Connecting
    ));
    world.crash(0);
    world.run_for(120_000);
    world.set_up(true);
    world.run_for(60_000);
    let expected: Vec<String> = core::iter::once(101)
        .chain(1..=20)
        .map(|n| format!("message {n}"))
        .collect();
    assert_eq!(shown(&world, 1, &accounts[0]), expected);
    assert_eq!(state(&mut world, 0, accounts[1], 20).0, SentState::Delivered);
}

#[test]
fn a_socket_that_says_nothing_any_more_is_given_up() {
    let (mut world, accounts) = friends(32);
    let connection = world.connection(0);
    world.tamper = Some(Box::new(|person, _| person != 0));
    world.run_for(40_000);
    assert_ne!(world.connection(0), connection, "silence for 35 s");
    world.tamper = None;
    world.run_for(90_000);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(5_000);
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 2);
}

/// P-040, P-043.
#[test]
fn three_weeks_away_and_prekeys_replaced_meanwhile() {
    let (mut world, accounts) = people(33, 3);
    open(&mut world, 0, 1, accounts[1]);
    world.switch_off(1);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(21 * DAY);
    assert_eq!(state(&mut world, 0, accounts[1], 1), (SentState::Sent, None));
    world.switch_on(1);
    world.run_for(60_000);
    assert_eq!(
        shown(&world, 1, &accounts[0]).len(),
        1,
        "sealed to the key of three weeks ago"
    );
    let device = world.relay.log(&accounts[1]).active_devices()[0].id;
    assert_eq!(
        world.relay.prekeys(&accounts[1], &device),
        (2, 100),
        "replaced at once, the pool full again"
    );
    open(&mut world, 2, 1, accounts[1]);
    send(&mut world, 2, accounts[1], 2);
    world.run_for(10_000);
    assert_eq!(shown(&world, 1, &accounts[2]).len(), 1);
    world.run_for(40 * DAY);
    let bundles = world.persons[1]
        .vault
        .select(|k| k.kind == Kind::Prekey && k.partition == b"bundles")
        .len();
    assert!(
        (5..=7).contains(&bundles),
        "{bundles} bundles: those of the last 30 days"
    );
}

/// P-043, P-095.
#[test]
fn what_lay_too_long_is_said_and_sent_again() {
    let (mut world, accounts) = people(34, 2);
    open(&mut world, 0, 1, accounts[1]);
    world.switch_off(1);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(31 * DAY);
    assert_eq!(
        state(&mut world, 0, accounts[1], 1),
        (SentState::Sent, Some(Held::Expired))
    );
    world.switch_on(1);
    world.run_for(60_000);
    let id = chopar_wire::MessageId::new([1; 16]);
    assert!(
        world.ask_now(
            0,
            Intent::Retry {
                conversation: accounts[1],
                id
            }
        ) == Answer::Done
    );
    world.run_for(60_000);
    assert_eq!(
        shown(&world, 1, &accounts[0]),
        ["message 1"],
        "once, though both envelopes came"
    );
    assert_eq!(state(&mut world, 0, accounts[1], 1).1, None);
}

/// P-098.
#[test]
fn a_damaged_session_of_the_receiver_is_replaced_and_nothing_is_lost() {
    let (mut world, accounts) = friends(35);
    world.switch_off(1);
    assert!(world.persons[1].vault.damage(|key| key.kind == Kind::Session) > 0);
    for number in 1..=3 {
        send(&mut world, 0, accounts[1], number);
    }
    world.run_for(10_000);
    world.switch_on(1);
    world.run_for(60_000);
    let mut all = shown(&world, 1, &accounts[0]);
    all.sort();
    assert_eq!(all, ["message 1", "message 101", "message 2", "message 3"]);
    let repaired = |line: &chopar_engine::view::Line| line.body == LineBody::Notice(Notice::Repaired);
    assert!(lines(&mut world, 1, accounts[0]).iter().any(repaired));
    assert_eq!(state(&mut world, 0, accounts[1], 3).0, SentState::Delivered);
    assert_eq!(
        world.persons[1].engine.as_ref().map(|e| e.damage().len()),
        Some(1)
    );
}

/// P-098.
#[test]
fn a_damaged_session_of_the_sender_is_replaced() {
    let (mut world, accounts) = friends(36);
    world.switch_off(0);
    world.persons[0].vault.damage(|key| key.kind == Kind::Session);
    send(&mut world, 1, accounts[0], 1);
    world.run_for(5_000);
    world.switch_on(0);
    world.run_for(10_000);
    send(&mut world, 0, accounts[1], 2);
    world.run_for(30_000);
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 101", "message 2"]);
    assert_eq!(shown(&world, 0, &accounts[1]), ["message 102", "message 1"]);
}

/// P-055.
#[test]
fn two_who_begin_at_once_come_to_one_session() {
    for seed in 0..20 {
        let (mut world, accounts) = people(3_700 + seed, 2);
        open(&mut world, 0, 1, accounts[1]);
        open(&mut world, 1, 0, accounts[0]);
        for number in 1..=3 {
            let _ = world.ask(0, 0, text(accounts[1], number));
            let _ = world.ask(1, 0, text(accounts[0], 10 + number));
        }
        world.run_for(20_000);
        for number in 4..=6 {
            let _ = world.ask(0, 0, text(accounts[1], number));
            let _ = world.ask(1, 0, text(accounts[0], 10 + number));
        }
        world.run_for(20_000);
        assert_eq!(shown(&world, 1, &accounts[0]).len(), 6, "seed {seed}");
        assert_eq!(shown(&world, 0, &accounts[1]).len(), 6, "seed {seed}");
        assert_eq!(
            world.sending_session(0, 1),
            world.sending_session(1, 0),
            "seed {seed}: both agree"
        );
    }
}

#[test]
fn somebody_the_relay_does_not_know_is_not_asked_for_in_a_loop() {
    let (mut world, _) = people(39, 1);
    let nobody = chopar_wire::AccountId::new([5; 32]);
    open(&mut world, 0, 1, nobody);
    send(&mut world, 0, nobody, 1);
    world.run_for(5_000);
    assert_eq!(
        state(&mut world, 0, nobody, 1),
        (SentState::Waiting, Some(Held::NoSuchAccount))
    );
    let before = world.steps;
    world.run_for(3_600_000);
    let steps = world.steps - before;
    assert!(
        steps < 600,
        "{steps} steps in an idle hour: keep-alive and a few fetches"
    );
}

#[test]
fn a_full_queue_is_said_and_tried_again() {
    let (mut world, accounts) = friends(38);
    world.tamper = Some(Box::new(|person, body| {
        if person == 0 && matches!(body, Body::Accepted(_)) {
            let reason = Reason::QueueFull.into();
            *body = Body::Refused(Refused {
                reason,
                detail: String::new(),
                retry_after_ms: 5_000,
            });
        }
        true
    }));
    send(&mut world, 0, accounts[1], 1);
    world.run_for(2_000);
    assert_eq!(
        state(&mut world, 0, accounts[1], 1),
        (SentState::Waiting, Some(Held::QueueFull))
    );
    world.tamper = None;
    world.run_for(60_000);
    assert_eq!(state(&mut world, 0, accounts[1], 1), (SentState::Delivered, None));
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 2, "once");
}
