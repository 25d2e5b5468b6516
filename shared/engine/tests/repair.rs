//! What gets lost comes again: a relay that swallows envelopes, sessions one side lost, vaults that went back in time. Nobody
//! meets a message that cannot be opened, and nothing is shown twice.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use chopar_engine::simulator::World;
use chopar_engine::view::{LineBody, Notice, SentState};
use chopar_engine::{Answer, Intent, Kind, Refusal};
use chopar_wire::AccountId;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{ClaimedBundle, Deliver};

use crate::common::{friends, lines, open, people, send, shown, state};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// Replaces what is delivered to a person by something that is no envelope, as long as `lose` says so: the relay deletes it.
fn swallow(world: &mut World, victim: usize, mut lose: impl FnMut() -> bool + 'static) {
    world.tamper = Some(Box::new(move |person, body| {
        if let (true, Body::Deliver(deliver)) = (person == victim, body)
            && lose()
        {
            deliver.body = b"?".to_vec().into();
        }
        true
    }));
}

fn once(world: &mut World, victim: usize) {
    let mut left = 1;
    swallow(world, victim, move || {
        left -= i32::from(left > 0);
        left == 0 && std::mem::replace(&mut left, -1) == 0
    });
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn notices(world: &mut World, person: usize, peer: AccountId, wanted: &Notice) -> usize {
    let is = |body: &LineBody| matches!(body, LineBody::Notice(notice) if notice == wanted);
    lines(world, person, peer)
        .iter()
        .filter(|line| is(&line.body))
        .count()
}

fn outbox(world: &World, person: usize) -> usize {
    world.persons[person]
        .vault
        .select(|k| k.kind == Kind::Outbox)
        .len()
}

fn refused(world: &World, person: usize, refusal: Refusal) -> u64 {
    world.persons[person].engine.as_ref().unwrap().refused(refusal)
}

/// P-098.
#[test]
fn a_gap_is_noticed_and_filled_within_minutes() {
    let (mut world, accounts) = friends(71);
    once(&mut world, 1);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(1_000);
    world.tamper = None;
    assert_eq!(refused(&world, 1, Refusal::Malformed), 1, "swallowed");
    send(&mut world, 0, accounts[1], 2);
    world.run_for(3_000);
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 101", "message 2"]);
    let before = world.sending_session(0, 1);
    world.run_for(180_000);
    assert_eq!(
        shown(&world, 1, &accounts[0]),
        ["message 101", "message 2", "message 1"]
    );
    assert_eq!(notices(&mut world, 1, accounts[0], &Notice::Repaired), 1);
    assert_eq!(state(&mut world, 0, accounts[1], 1), (SentState::Delivered, None));
    assert_eq!(outbox(&world, 0), 0);
    assert_ne!(world.sending_session(0, 1), before, "in a fresh session");
    assert_eq!(world.sending_session(0, 1), world.sending_session(1, 0));
}

/// P-098.
#[test]
fn a_relay_that_swallows_all_the_time_causes_fewer_and_fewer_repairs() {
    let (mut world, accounts) = friends(72);
    let mut count = 0;
    swallow(&mut world, 1, move || {
        count += 1;
        count % 3 == 0
    });
    for number in 1..=60 {
        send(&mut world, 0, accounts[1], number);
        world.run_for(HOUR / 5);
    }
    // Twelve hours: at 0, 1, 3, 7 hours.
    let repairs = notices(&mut world, 1, accounts[0], &Notice::Repaired);
    assert!((2..=5).contains(&repairs), "{repairs} repairs");
    world.tamper = None;
    world.run_for(3 * DAY);
    let mut expected: Vec<String> = (1..=60).map(|n| format!("message {n}")).collect();
    expected.push("message 101".to_owned());
    assert_eq!(sorted(shown(&world, 1, &accounts[0])), sorted(expected));
    assert_eq!(outbox(&world, 0), 0);
}

/// P-098.
#[test]
fn what_nobody_acknowledges_for_a_day_goes_again_in_a_fresh_session() {
    let (mut world, accounts) = friends(73);
    // The last message: nothing comes after it that would show a gap.
    once(&mut world, 1);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(10_000);
    world.tamper = None;
    let before = world.sending_session(0, 1);
    world.run_for(20 * HOUR);
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 1, "a day is waited");
    world.run_for(8 * HOUR);
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 101", "message 1"]);
    assert_eq!(state(&mut world, 0, accounts[1], 1).0, SentState::Delivered);
    assert_ne!(world.sending_session(0, 1), before);
    let settled = world.sending_session(0, 1);
    world.run_for(5 * DAY);
    assert_eq!(world.sending_session(0, 1), settled, "and then it is over");
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 2);
}

#[test]
fn somebody_who_is_away_is_not_buried_in_repetitions() {
    let (mut world, accounts) = friends(74);
    world.switch_off(1);
    for number in 1..=40 {
        send(&mut world, 0, accounts[1], number);
    }
    world.run_for(20 * DAY);
    let waiting = world.relay.waiting();
    assert!(
        (40..=40 + 5 * 8).contains(&waiting),
        "{waiting} envelopes wait for somebody who gives no sign of life"
    );
    world.switch_on(1);
    world.run_for(300_000);
    let expected: Vec<String> = core::iter::once(101)
        .chain(1..=40)
        .map(|n| format!("message {n}"))
        .collect();
    assert_eq!(shown(&world, 1, &accounts[0]), expected);
    assert_eq!((outbox(&world, 0), world.relay.waiting()), (0, 0));
}

#[test]
fn sessions_that_vanished_unnoticed_heal_by_silence_and_the_rest_follows() {
    let (mut world, accounts) = friends(75);
    world.switch_off(1);
    assert!(world.persons[1].vault.lose(|key| key.kind == Kind::Session) > 0);
    for number in 1..=20 {
        send(&mut world, 0, accounts[1], number);
    }
    world.run_for(10_000);
    world.switch_on(1);
    world.run_for(60_000);
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 1);
    assert_eq!(world.persons[1].engine.as_ref().unwrap().quarantined(), 20);
    world.run_for(26 * HOUR);
    let mut expected: Vec<String> = (1..=20).map(|n| format!("message {n}")).collect();
    expected.insert(0, "message 101".to_owned());
    assert_eq!(shown(&world, 1, &accounts[0]), expected, "in their order");
    assert_eq!(outbox(&world, 0), 0);
    world.run_for(8 * DAY);
    assert_eq!(world.persons[1].engine.as_ref().unwrap().quarantined(), 0);
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 21, "once each");
}

#[test]
fn a_vault_known_to_be_rolled_back_sends_in_fresh_sessions_only() {
    let (mut world, accounts) = friends(76);
    let old = world.persons[1].vault.clone();
    for number in 1..=3 {
        send(&mut world, 1, accounts[0], number);
        send(&mut world, 0, accounts[1], 10 + number);
    }
    world.run_for(10_000);
    let stale = world.sending_session(1, 0);
    world.switch_off(1);
    world.persons[1].vault = old;
    world.persons[1].rolled_back = true;
    world.switch_on(1);
    world.run_for(10_000);
    send(&mut world, 1, accounts[0], 4);
    send(&mut world, 0, accounts[1], 14);
    world.run_for(60_000);
    assert!(shown(&world, 0, &accounts[1]).contains(&"message 4".to_owned()));
    assert_ne!(world.sending_session(1, 0), stale);
    assert_eq!(world.sending_session(0, 1), world.sending_session(1, 0));
    world.run_for(2 * DAY);
    assert!(shown(&world, 1, &accounts[0]).contains(&"message 14".to_owned()));
    let mut all = shown(&world, 0, &accounts[1]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), shown(&world, 0, &accounts[1]).len(), "nothing twice");
    assert_eq!((outbox(&world, 0), outbox(&world, 1)), (0, 0));
}

#[test]
fn a_rollback_nobody_knows_of_loses_nothing_either() {
    let (mut world, accounts) = friends(77);
    let old = world.persons[1].vault.clone();
    // A turn and more happen, which the old copy knows nothing of.
    for number in 1..=5 {
        send(&mut world, 0, accounts[1], 10 + number);
        world.run_for(5_000);
        send(&mut world, 1, accounts[0], number);
        world.run_for(5_000);
    }
    world.switch_off(1);
    world.persons[1].vault = old;
    world.switch_on(1);
    world.run_for(10_000);
    send(&mut world, 1, accounts[0], 6);
    send(&mut world, 0, accounts[1], 16);
    world.run_for(3 * DAY);
    assert!(shown(&world, 0, &accounts[1]).contains(&"message 6".to_owned()));
    assert!(shown(&world, 1, &accounts[0]).contains(&"message 16".to_owned()));
    assert_eq!((outbox(&world, 0), outbox(&world, 1)), (0, 0));
}

/// P-053, T-007.
#[test]
fn a_one_time_pair_handed_out_twice_delays_the_second_who_got_it() {
    let (mut world, accounts) = people(78, 3);
    let first = Rc::new(RefCell::new(None::<ClaimedBundle>));
    let twice = first.clone();
    world.tamper = Some(Box::new(move |_, body| {
        if let Body::ClaimedBundle(claimed) = body {
            *claimed = twice.borrow_mut().get_or_insert(claimed.clone()).clone();
        }
        true
    }));
    for person in [0, 2] {
        open(&mut world, person, 1, accounts[1]);
        send(&mut world, person, accounts[1], person as u8 + 1);
        world.run_for(5_000);
    }
    world.tamper = None;
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 1"]);
    assert!(shown(&world, 1, &accounts[2]).is_empty());
    assert_eq!(refused(&world, 1, Refusal::PrekeyGone), 1, "by name");
    world.run_for(26 * HOUR);
    assert_eq!(shown(&world, 1, &accounts[2]), ["message 3"]);
}

/// P-043, T-007.
#[test]
fn a_replayed_handshake_to_the_last_resort_key_is_refused_by_name() {
    let (mut world, accounts) = people(79, 2);
    let kept = Rc::new(RefCell::new(Vec::<Deliver>::new()));
    let keep = kept.clone();
    world.tamper = Some(Box::new(move |person, body| {
        match body {
            Body::ClaimedBundle(claimed) => claimed.bundle.as_mut().unwrap().one_time = None,
            Body::Deliver(deliver) if person == 1 => keep.borrow_mut().push(deliver.clone()),
            _ => {}
        }
        true
    }));
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 1);
    world.run_for(5_000);
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 1"]);
    // The session is gone, and with it the memory of its header; the memory of the key is not.
    world.switch_off(1);
    world.persons[1].vault.lose(|key| key.kind == Kind::Session);
    world.switch_on(1);
    world.run_for(30_000);
    let mut replay = kept.borrow()[0].clone();
    replay.seq = 1_000;
    replay.id = vec![9; 16].into();
    world.inject_to(1, Body::Deliver(replay.clone()));
    world.run_for(1_000);
    assert_eq!(refused(&world, 1, Refusal::HandshakeReplayed), 1);
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 1, "not shown twice");
    // As long as the key lives: a month after its successor came.
    world.run_for(30 * DAY);
    world.inject_to(1, Body::Deliver(replay.clone()));
    world.run_for(1_000);
    assert_eq!(refused(&world, 1, Refusal::HandshakeReplayed), 2);
    world.run_for(15 * DAY);
    world.drop_connection(1);
    world.run_for(2 * HOUR);
    world.inject_to(1, Body::Deliver(replay));
    world.run_for(1_000);
    let gone = refused(&world, 1, Refusal::NotForThisDevice) + refused(&world, 1, Refusal::PrekeyGone);
    assert_eq!(gone, 1, "then the key itself is gone");
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 1);
}

/// P-055.
#[test]
fn what_was_sent_in_a_session_of_months_ago_opens_after_its_successor() {
    let (mut world, accounts) = friends(80);
    world.run_for(60 * DAY);
    // One envelope is held back on its way, for longer than a round of upkeep.
    let kept = Rc::new(RefCell::new(Vec::<Deliver>::new()));
    let keep = kept.clone();
    world.tamper = Some(Box::new(move |person, body| match body {
        Body::Deliver(deliver) if person == 1 => {
            keep.borrow_mut().push(deliver.clone());
            false
        }
        _ => true,
    }));
    send(&mut world, 0, accounts[1], 1);
    world.run_for(1_000);
    world.tamper = None;
    let held = kept.borrow()[0].clone();
    // Meanwhile the session is replaced, though not from this side: the receiver damaged nothing, it was asked anew.
    world.switch_off(0);
    world.persons[0].rolled_back = true;
    world.switch_on(0);
    world.run_for(10_000);
    let old = world.sending_session(1, 0);
    send(&mut world, 0, accounts[1], 2);
    world.run_for(5 * HOUR);
    assert_ne!(world.sending_session(1, 0), old, "superseded");
    let before = shown(&world, 1, &accounts[0]).len();
    if !shown(&world, 1, &accounts[0]).contains(&"message 1".to_owned()) {
        world.inject_to(1, Body::Deliver(held));
        world.run_for(1_000);
        assert_eq!(shown(&world, 1, &accounts[0]).len(), before + 1);
    }
    assert_eq!(world.persons[1].engine.as_ref().unwrap().quarantined(), 0);
    // A month after that it is gone.
    world.run_for(35 * DAY);
    assert_eq!(
        world.persons[1].vault.select(|k| k.kind == Kind::Session).len(),
        1
    );
}

#[test]
fn one_of_two_devices_asks_again_and_the_other_is_left_alone() {
    let (mut world, accounts) = people(81, 3);
    let (bob, alice) = (accounts[0], accounts[1]);
    open(&mut world, 0, 1, alice);
    send(&mut world, 0, alice, 1);
    world.run_for(5_000);
    open(&mut world, 1, 0, bob);
    world.run_for(5_000);
    world.reset(2);
    world.link(2, 1);
    world.drop_connection(1);
    world.run_for(30_000);
    send(&mut world, 1, bob, 100);
    world.run_for(30_000);
    send(&mut world, 0, alice, 2);
    world.run_for(60_000);
    assert_eq!(outbox(&world, 0), 0, "both devices acknowledge");
    // The first device loses its session with Bob; the second gets everything.
    world.switch_off(1);
    world.persons[1].vault.damage(|key| key.kind == Kind::Session);
    for number in 3..=5 {
        send(&mut world, 0, alice, number);
        world.run_for(5_000);
    }
    assert_eq!(shown(&world, 2, &bob).len(), 4);
    world.run_for(2 * DAY);
    world.switch_on(1);
    world.run_for(120_000);
    let expected: Vec<String> = (1..=5).map(|n| format!("message {n}")).collect();
    assert_eq!(sorted(shown(&world, 1, &bob)), expected);
    assert_eq!(
        sorted(shown(&world, 2, &bob)),
        expected[1..].to_vec(),
        "once each"
    );
    assert_eq!(outbox(&world, 0), 0);
}

#[test]
fn copies_for_the_own_other_device_live_until_it_has_them() {
    let (mut world, accounts) = people(82, 3);
    let (bob, alice) = (accounts[0], accounts[1]);
    open(&mut world, 1, 0, bob);
    world.reset(2);
    world.link(2, 1);
    world.drop_connection(1);
    world.run_for(30_000);
    send(&mut world, 1, bob, 1);
    world.run_for(60_000);
    assert_eq!(world.persons[2].own_states(&bob).len(), 1);
    once(&mut world, 2);
    send(&mut world, 1, bob, 2);
    world.run_for(10_000);
    world.tamper = None;
    assert_eq!(world.persons[2].own_states(&bob).len(), 1, "lost on the way");
    assert!(outbox(&world, 1) > 0);
    send(&mut world, 1, bob, 3);
    world.run_for(300_000);
    let mut texts: Vec<String> = world.persons[2]
        .own_states(&bob)
        .into_iter()
        .map(|s| s.0)
        .collect();
    texts.sort();
    assert_eq!(texts, ["message 1", "message 2", "message 3"]);
    open(&mut world, 0, 1, alice);
    world.run_for(60_000);
    assert_eq!(outbox(&world, 1), 0);
}

#[test]
fn whom_one_own_device_accepts_the_other_acknowledges_too() {
    let (mut world, accounts) = people(84, 3);
    let (bob, alice) = (accounts[0], accounts[1]);
    world.reset(2);
    world.link(2, 1);
    world.drop_connection(1);
    world.run_for(30_000);
    open(&mut world, 0, 1, alice);
    send(&mut world, 0, alice, 1);
    world.run_for(60_000);
    assert_eq!(outbox(&world, 0), 1, "a stranger learns nothing");
    // Only looked at, on one device.
    open(&mut world, 1, 0, bob);
    world.run_for(60_000);
    assert_eq!(outbox(&world, 0), 0);
}

#[test]
fn an_old_handshake_that_comes_late_does_not_stand_in_for_a_repair() {
    let (mut world, accounts) = friends(83);
    // Person 1 lost its session; before the repair is through, nothing else may be taken for it.
    world.switch_off(1);
    world.persons[1].vault.damage(|key| key.kind == Kind::Session);
    send(&mut world, 0, accounts[1], 1);
    world.switch_on(1);
    world.run_for(60_000);
    assert_eq!(world.sending_session(0, 1), world.sending_session(1, 0));
    assert!(shown(&world, 1, &accounts[0]).contains(&"message 1".to_owned()));
    let answer = world.ask_now(0, Intent::Snapshot);
    assert!(matches!(answer, Answer::Snapshot(_)));
}

/// P-113, P-291: a device that has all that is to be said gets a filler, and that too only in a fresh session.
#[test]
fn nothing_at_all_is_said_in_a_doubted_session() {
    let (mut world, accounts) = people(85, 3);
    let (bob, alice) = (accounts[0], accounts[1]);
    open(&mut world, 0, 1, alice);
    send(&mut world, 0, alice, 1);
    world.run_for(5_000);
    open(&mut world, 1, 0, bob);
    world.run_for(5_000);
    world.reset(2);
    world.link(2, 1);
    world.drop_connection(1);
    world.run_for(30_000);
    send(&mut world, 1, bob, 100);
    world.run_for(30_000);
    send(&mut world, 0, alice, 2);
    world.run_for(60_000);
    assert_eq!(outbox(&world, 0), 0, "both devices acknowledge");
    // From now on only the first of them does.
    world.switch_off(2);
    send(&mut world, 0, alice, 3);
    world.run_for(60_000);
    assert_eq!(outbox(&world, 0), 1);
    world.switch_off(0);
    world.persons[0].rolled_back = true;
    world.switch_on(0);
    world.run_for(10_000);
    let doubted = world.sending_session(0, 1);
    // After a day of silence the second device's envelope is made again, and the relay wants one for the first too.
    world.run_for(26 * HOUR);
    assert_eq!(outbox(&world, 0), 1);
    assert!(doubted.is_some());
    assert_ne!(world.sending_session(0, 1), doubted);
}

/// P-292.
#[test]
fn a_session_of_a_younger_build_is_left_for_it() {
    let (mut world, accounts) = friends(86);
    world.switch_off(0);
    // The first field of a record is its schema.
    let younger = |value: &mut Vec<u8>| value[1] = 2;
    let session = |key: &chopar_engine::RecordKey| key.kind == Kind::Session;
    assert_eq!(world.persons[0].vault.alter(session, younger), 1);
    let kept = world.persons[0].vault.select(session)[0].value.to_vec();
    for number in 1..=2 {
        world.switch_on(0);
        world.run_for(10_000);
        assert_eq!(world.persons[0].engine.as_ref().unwrap().damage().len(), 1);
        send(&mut world, 0, accounts[1], number);
        world.run_for(60_000);
        assert_eq!(shown(&world, 1, &accounts[0]).len(), 1 + usize::from(number));
        let records = world.persons[0].vault.select(session);
        assert_eq!(records.len(), 2);
        assert_eq!(records.iter().filter(|r| r.value[..] == kept[..]).count(), 1);
        world.switch_off(0);
    }
}

/// P-294.
#[test]
fn repeated_signals_are_no_sign_of_life() {
    let (mut world, accounts) = friends(87);
    let kept = Rc::new(RefCell::new(Vec::<Deliver>::new()));
    let keep = kept.clone();
    world.tamper = Some(Box::new(move |person, body| {
        if let (0, Body::Deliver(deliver)) = (person, body) {
            keep.borrow_mut().push(deliver.clone());
        }
        true
    }));
    // The acknowledgement is a signal.
    send(&mut world, 0, accounts[1], 100);
    world.run_for(20_000);
    world.tamper = None;
    let signal = kept.borrow()[0].clone();
    world.switch_off(1);
    for number in 1..=40 {
        send(&mut world, 0, accounts[1], number);
    }
    for day in 0..20 {
        let repeated = Deliver {
            seq: 1_000 + day,
            id: vec![day as u8; 16].into(),
            ..signal.clone()
        };
        world.inject_to(0, Body::Deliver(repeated));
        world.run_for(DAY);
    }
    let waiting = world.relay.waiting();
    assert!((40..=40 + 5 * 8).contains(&waiting), "{waiting} envelopes wait");
}
/// P-289.
#[test]
fn an_expired_message_behind_a_long_unanswered_chain_means_a_new_session() {
    for (messages, renewed) in [(480, false), (500, true)] {
        let (mut world, accounts) = friends(88);
        world.switch_off(1);
        send(&mut world, 0, accounts[1], 1);
        // Repairs of somebody who is away come after 1, 2, 4, 8, 16 and 32 days.
        world.run_for(17 * DAY);
        for number in 0..messages {
            let intent = Intent::Send {
                conversation: accounts[1],
                id: chopar_wire::MessageId::new((1_000_u128 + number).to_be_bytes()),
                text: "anybody there".to_owned(),
            };
            assert!(world.ask_now(0, intent) == Answer::Done);
        }
        world.run_for(12 * DAY);
        let before = world.sending_session(0, 1);
        world.run_for(2 * DAY);
        send(&mut world, 0, accounts[1], 2);
        world.run_for(60_000);
        assert_eq!(world.sending_session(0, 1) != before, renewed, "{messages}");
    }
}
