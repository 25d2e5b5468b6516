//! A relay that lies: each lie is refused, named, and sends nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on must stop"
)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use chopar_engine::simulator::World;
use chopar_engine::view::{Alarm, Held, Line, LineBody, Notice, SentState};
use chopar_wire::AccountId;
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::Deliver;
use chopar_wire::proto::relay::relay_frame::Body;

use crate::common::{lines, open, people, send};

fn alarm(world: &World, person: usize, peer: &AccountId) -> Option<Alarm> {
    world.persons[person].rows[peer].alarm
}

fn last_line(world: &mut World, person: usize, peer: AccountId) -> LineBody {
    lines(world, person, peer).pop().expect("a line").body
}

fn held(world: &mut World, person: usize, peer: AccountId) -> Option<Held> {
    let waits = |line: Line| match line.body {
        LineBody::Own {
            state: SentState::Waiting,
            held,
            ..
        } => Some(held),
        _ => None,
    };
    lines(world, person, peer).into_iter().rev().find_map(waits)?
}

#[test]
fn a_swapped_bundle_is_refused_and_a_valid_one_mends_it() {
    let (mut world, accounts) = people(11, 3);
    let hostile = Rc::new(RefCell::new(None::<chopar_wire::proto::identity::Bundle>));
    // First the bundle of person 2 is stolen, then it is handed out for person 1.
    open(&mut world, 0, 2, accounts[2]);
    let stolen = hostile.clone();
    world.tamper = Some(Box::new(move |_, body| {
        if let Body::ClaimedBundle(claimed) = body {
            *stolen.borrow_mut() = claimed.bundle.clone();
        }
        true
    }));
    send(&mut world, 0, accounts[2], 1);
    world.run_for(5_000);
    assert!(hostile.borrow().is_some());
    let swapped = hostile.clone();
    world.tamper = Some(Box::new(move |_, body| {
        if let Body::ClaimedBundle(claimed) = body {
            claimed.bundle = swapped.borrow().clone();
        }
        true
    }));
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 2);
    world.run_for(5_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::BundleForged));
    assert!(
        last_line(&mut world, 0, accounts[1]) == LineBody::Notice(Notice::AlarmRaised(Alarm::BundleForged))
    );
    assert_eq!(held(&mut world, 0, accounts[1]), Some(Held::Alarm));
    world.run_for(300_000);
    assert!(world.persons[1].theirs(&accounts[0]).is_empty());

    world.tamper = None;
    world.run_for(3_600_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), None);
    assert_eq!(world.persons[1].theirs(&accounts[0]).len(), 1);
}

#[test]
fn an_altered_signature_on_a_bundle_is_refused() {
    let (mut world, accounts) = people(12, 2);
    world.tamper = Some(Box::new(|_, body| {
        if let Body::ClaimedBundle(claimed) = body
            && let Some(one_time) = claimed.bundle.as_mut().and_then(|b| b.one_time.as_mut())
        {
            let mut signature = one_time.signature.to_vec();
            signature[5] ^= 1;
            one_time.signature = signature.into();
        }
        true
    }));
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(10_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::BundleForged));
    assert!(world.persons[1].theirs(&accounts[0]).is_empty());
}

/// An entry that a relay could make up: the shape of the last one, a byte of its body changed.
fn ghost(entry: &Entry, position: u32) -> Entry {
    use chopar_wire::prost::Message;
    let mut body = chopar_wire::proto::identity::EntryBody::decode(entry.body.clone()).unwrap();
    body.position = position;
    let mut ghost = entry.clone();
    ghost.body = body.encode_to_vec().into();
    ghost
}

#[test]
fn a_ghost_device_is_refused_and_named() {
    let (mut world, accounts) = people(13, 2);
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(5_000);
    let entries = world.relay.log(&accounts[1]).entries(0).to_vec();
    let victim = accounts[1];
    // The relay answers the next submission with a device of its own making.
    world.tamper = Some(Box::new(move |person, body| {
        if person == 0 && matches!(body, Body::Accepted(_)) {
            *body = Body::DeviceMismatch(chopar_wire::proto::relay::DeviceMismatch {
                account: victim.into(),
                entries: vec![ghost(&entries[1], 2)],
                from: 2,
            });
        }
        true
    }));
    send(&mut world, 0, accounts[1], 2);
    world.run_for(3_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::LogForged));
    assert_eq!(held(&mut world, 0, accounts[1]), Some(Held::Alarm));
    world.tamper = None;
    world.run_for(300_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), None);
    assert_eq!(
        world.persons[1].theirs(&accounts[0]).len(),
        2,
        "the same envelope again, shown once"
    );
}

#[test]
fn a_rolled_back_log_stops_sending() {
    let (mut world, accounts) = people(14, 3);
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(5_000);
    let short = world.relay.log(&accounts[1]).entries(0)[..1].to_vec();
    let victim = accounts[1];
    world.tamper = Some(Box::new(move |person, body| {
        if person == 0 && matches!(body, Body::Accepted(_)) {
            *body = Body::DeviceMismatch(chopar_wire::proto::relay::DeviceMismatch {
                account: victim.into(),
                entries: short.clone(),
                from: 0,
            });
        }
        true
    }));
    send(&mut world, 0, accounts[1], 2);
    world.run_for(3_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::LogRolledBack));
    world.tamper = None;
    world.run_for(3_600_000);
    assert_eq!(
        alarm(&world, 0, &accounts[1]),
        Some(Alarm::LogRolledBack),
        "only its owner resolves it"
    );
    // Receiving goes on, and warns.
    open(&mut world, 1, 0, accounts[0]);
    send(&mut world, 1, accounts[0], 3);
    world.run_for(5_000);
    assert_eq!(world.persons[0].theirs(&accounts[1]).len(), 1);
}

#[test]
fn replayed_and_re_addressed_envelopes_do_nothing() {
    let (mut world, accounts) = people(15, 3);
    open(&mut world, 0, 1, accounts[1]);
    let kept = Rc::new(RefCell::new(Vec::<Deliver>::new()));
    let keep = kept.clone();
    world.tamper = Some(Box::new(move |person, body| {
        if let (1, Body::Deliver(deliver)) = (person, body) {
            keep.borrow_mut().push(deliver.clone());
        }
        true
    }));
    for number in 1..=3 {
        send(&mut world, 0, accounts[1], number);
    }
    world.run_for(5_000);
    // In handshake form so far; once answered, in session form.
    open(&mut world, 1, 0, accounts[0]);
    send(&mut world, 1, accounts[0], 9);
    world.run_for(10_000);
    send(&mut world, 0, accounts[1], 4);
    world.run_for(10_000);
    assert_eq!(world.persons[1].theirs(&accounts[0]).len(), 4);
    let deliveries = kept.borrow().clone();
    assert!(deliveries.len() >= 4);
    let before: Vec<usize> = (0..3)
        .map(|p| world.persons[p].vault.select(|_| true).len())
        .collect();
    for (number, mut deliver) in deliveries.into_iter().enumerate() {
        // Again under its own id, under a new one, and to a device it was not made for.
        world.inject_to(1, Body::Deliver(deliver.clone()));
        deliver.seq = 1_000 + number as u64;
        deliver.id = vec![number as u8; 16].into();
        world.inject_to(1, Body::Deliver(deliver.clone()));
        world.inject_to(2, Body::Deliver(deliver));
    }
    world.run_for(10_000);
    assert_eq!(world.persons[1].theirs(&accounts[0]).len(), 4);
    assert!(world.persons[2].rows.is_empty());
    let quarantined = world.persons[2].engine.as_ref().unwrap().quarantined();
    assert!(
        quarantined > 0,
        "what is in session form may belong to a session to come"
    );
    let after = world.persons[2].vault.select(|_| true).len();
    assert_eq!(
        after,
        before[2] + quarantined,
        "nothing else is stored, nothing is sent"
    );
    world.run_for(8 * 24 * 3_600_000);
    assert_eq!(
        world.persons[2].engine.as_ref().unwrap().quarantined(),
        0,
        "not for ever"
    );
}

#[test]
fn a_head_that_contradicts_is_a_fork() {
    // Two accounts of the relay's making cannot share an id; but a log's owner can sign two histories.
    let (mut world, accounts) = people(16, 2);
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(5_000);
    let other = world.fork(1);
    // One history reaches person 0 the honest way.
    send(&mut world, 0, accounts[1], 7);
    world.run_for(5_000);
    let victim = accounts[1];
    world.tamper = Some(Box::new(move |person, body| {
        if person == 0 && matches!(body, Body::Accepted(_)) {
            *body = Body::DeviceMismatch(chopar_wire::proto::relay::DeviceMismatch {
                account: victim.into(),
                entries: other.clone(),
                from: 0,
            });
        }
        true
    }));
    send(&mut world, 0, accounts[1], 2);
    world.run_for(3_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::LogForked));
    assert_eq!(held(&mut world, 0, accounts[1]), Some(Held::Alarm));
    world.tamper = None;
    world.run_for(3_600_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::LogForked));
}
