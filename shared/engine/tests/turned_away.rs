//! A relay that does not let a device in: the reason is said, the attempts are rare, nothing is deleted.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use std::cell::Cell;
use std::rc::Rc;

use chopar_engine::simulator::{Relay, World};
use chopar_engine::view::{ConnectionState, Phase, SentState, Stopped};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{Reason, Refused};

use crate::common::{friends, lines, send, shown, state};

const HOUR: u64 = 3_600_000;

fn connection(world: &mut World, person: usize) -> ConnectionState {
    match world.ask_now(person, Intent::Snapshot) {
        Answer::Snapshot(snapshot) => snapshot.connection,
        _ => panic!("a snapshot"),
    }
}

fn stopped(world: &mut World, person: usize) -> Option<Stopped> {
    match connection(world, person) {
        ConnectionState::Offline { stopped, .. } => stopped,
        _ => None,
    }
}

/// Counts the challenges a person gets: one for each connection.
fn count_attempts(world: &mut World, of: usize) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    world.tamper = Some(Box::new(move |person, body| {
        if person == of && matches!(body, Body::Challenge(_)) {
            counted.set(counted.get() + 1);
        }
        true
    }));
    count
}

/// P-104.
#[test]
fn a_relay_that_lost_its_database_is_said_and_asked_rarely() {
    let (mut world, accounts) = friends(51);
    let kept = world.relay.clone();
    let attempts = count_attempts(&mut world, 0);
    world.relay = Relay::default();
    world.drop_connection(0);
    world.run_for(60_000);
    assert_eq!(stopped(&mut world, 0), Some(Stopped::Unknown));
    send(&mut world, 0, accounts[1], 1);
    let before = attempts.get();
    assert_eq!(before, 1, "one attempt is enough to know");
    world.run_for(2 * HOUR);
    let tried = attempts.get() - before;
    assert!((4..=16).contains(&tried), "{tried} attempts in two hours");
    assert_eq!(stopped(&mut world, 0), Some(Stopped::Unknown));

    // What is here stays readable, and what needs the relay says so at once.
    assert!(matches!(&world.persons[0].phase, Some(Phase::Ready(_))));
    assert_eq!(shown(&world, 0, &accounts[1]), ["message 102"]);
    assert!(lines(&mut world, 0, accounts[1]).len() >= 3);
    assert_eq!(state(&mut world, 0, accounts[1], 1), (SentState::Waiting, None));
    let find = Intent::FindPeople {
        query: "person1".into(),
    };
    assert!(world.ask_now(0, find) == Answer::Failed(Failure::Offline));

    // Somebody asks for an attempt: it is made, and answered the same.
    let before = attempts.get();
    assert!(world.ask_now(0, Intent::ConnectNow) == Answer::Done);
    world.run_for(5_000);
    assert_eq!(attempts.get(), before + 1);
    assert_eq!(stopped(&mut world, 0), Some(Stopped::Unknown));

    // The backup is restored: the next attempt finds it, and what waited goes out.
    world.relay = kept;
    world.drop_connection(1);
    world.run_for(HOUR);
    assert_eq!(connection(&mut world, 0), ConnectionState::Online);
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 101", "message 1"]);
}

/// P-104, T-018.
#[test]
fn a_restart_asks_again_and_deletes_nothing() {
    let (mut world, accounts) = friends(52);
    world.relay = Relay::default();
    world.crash(0);
    world.run_for(60_000);
    assert_eq!(stopped(&mut world, 0), Some(Stopped::Unknown));
    assert!(lines(&mut world, 0, accounts[1]).len() >= 2);
}

/// P-104.
#[test]
fn a_suspended_member_is_told_and_let_in_again_later() {
    let (mut world, accounts) = friends(53);
    let suspended = Rc::new(Cell::new(true));
    let is = suspended.clone();
    world.tamper = Some(Box::new(move |person, body| {
        if person == 0 && is.get() && matches!(body, Body::SignedIn(_)) {
            *body = Body::Refused(Refused {
                reason: Reason::NotAllowed.into(),
                ..Refused::default()
            });
        }
        true
    }));
    world.drop_connection(0);
    world.run_for(60_000);
    assert_eq!(stopped(&mut world, 0), Some(Stopped::Suspended));
    send(&mut world, 0, accounts[1], 1);
    suspended.set(false);
    world.run_for(HOUR);
    assert_eq!(stopped(&mut world, 0), None);
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 101", "message 1"]);
}

#[test]
fn a_revoked_device_still_is_for_good() {
    let (mut world, _) = friends(54);
    world.tamper = Some(Box::new(|person, body| {
        if person == 0 && matches!(body, Body::SignedIn(_)) {
            *body = Body::Refused(Refused {
                reason: Reason::DeviceRevoked.into(),
                ..Refused::default()
            });
        }
        true
    }));
    world.drop_connection(0);
    world.run_for(60_000);
    world.tamper = None;
    world.run_for(2 * HOUR);
    assert!(matches!(&world.persons[0].phase, Some(Phase::Revoked(_))));
}
