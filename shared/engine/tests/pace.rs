//! What is bounded, put off or left alone, on purpose.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop"
)]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use chopar_e2ee::recovery::RecoveryKey;
use chopar_engine::simulator::World;
use chopar_engine::{Answer, Effect, Event, Input, Intent, Kind};
use chopar_identity::{DeviceName, EntryDraft, Signer};
use chopar_wire::close::CloseCode;
use chopar_wire::frame::decode_client;
use chopar_wire::proto::relay::client_frame::Body as Ask;
use chopar_wire::proto::relay::relay_frame::Body;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::common::{CALM, friends, onboard_with_key, open, people, send, shown};

fn sessions(world: &World, person: usize) -> usize {
    world.persons[person]
        .vault
        .select(|key| key.kind == Kind::Session)
        .len()
}

/// P-056: two dozen strangers write while somebody is away. The handshakes are opened ten in a second, and all of them.
#[test]
fn handshakes_are_opened_ten_in_a_second() {
    const STRANGERS: usize = 25;
    let (mut world, accounts) = people(61, STRANGERS + 1);
    world.switch_off(0);
    for stranger in 1..=STRANGERS {
        open(&mut world, stranger, 0, accounts[0]);
        send(&mut world, stranger, accounts[0], 1);
    }
    world.run_for(5_000);
    world.switch_on(0);
    let mut opened = vec![0];
    while opened.len() < 100 {
        world.run_for(100);
        opened.push(sessions(&world, 0));
    }
    for second in opened.windows(10) {
        assert!(second[9] - second[0] <= 10, "{opened:?}");
    }
    assert_eq!(opened.last(), Some(&STRANGERS));
    for account in &accounts[1..] {
        assert_eq!(shown(&world, 0, account), ["message 1"]);
    }
}

/// Milliseconds between the arrival of a first message whose sender's log is too long to travel, and the fetch of that log.
fn fetched_after(seed: u64) -> u64 {
    let mut world = World::new(seed, 2, CALM);
    let bob = world.onboard(0);
    let (alice, groups) = onboard_with_key(&mut world, 1);
    let account = RecoveryKey::parse(&groups).unwrap().account();
    for number in 0..60 {
        let log = world.relay.log(&alice).clone();
        let device = log.active_devices()[0].id;
        let name = DeviceName::parse(&format!("a device by another name, {number}")).unwrap();
        let by = Signer::AccountKey(account.account_key());
        let draft = EntryDraft::rename_device(&log, &device, &name, by, world.now().0);
        let signature = account.sign(&draft.signing_input());
        world.relay.append(&alice, &draft.finish(&[signature]).unwrap());
    }
    world.drop_connection(1);
    world.run_for(30_000);

    let (came, asked) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let (arrival, fetch) = (came.clone(), asked.clone());
    world.tamper = Some(Box::new(move |person, body| {
        arrival.set(arrival.get() || (person == 0 && matches!(body, Body::Deliver(_))));
        true
    }));
    world.tap = Some(Box::new(move |person, bytes| {
        if let Ok(frame) = decode_client(bytes.to_vec().into())
            && let (0, Some(Ask::FetchLog(log))) = (person, frame.body)
            && log.account.as_ref() == alice.as_bytes()
        {
            fetch.set(true);
        }
    }));
    open(&mut world, 1, 0, bob);
    send(&mut world, 1, bob, 1);
    assert!(world.run_until(10_000, |_| came.get()), "a first message");
    assert!(!asked.get());
    let from = world.now();
    assert!(world.run_until(70_000, |_| asked.get()), "the log is fetched");
    let after = world.now().ms_since(from);
    world.run_for(10_000);
    assert_eq!(shown(&world, 0, &alice), ["message 1"]);
    after
}

/// P-084: the fetch names the account; when it happens tells nothing of which envelope it was for.
#[test]
fn a_long_log_is_fetched_after_a_random_delay() {
    let delays: Vec<u64> = (0..8).map(|seed| fetched_after(620 + seed)).collect();
    let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
    assert!(*most <= 61_000, "{delays:?}");
    assert!(most - least > 15_000, "{delays:?}");
}

/// P-069, P-097: typing is told by the moment it was said: what a relay kept for longer than ten seconds is not told.
#[test]
fn old_typing_is_not_told() {
    let (mut world, accounts) = friends(63);
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keep = kept.clone();
    world.tamper = Some(Box::new(move |_, body| match body {
        Body::DeliverSignal(signal) => {
            keep.borrow_mut().push(signal.clone());
            false
        }
        _ => true,
    }));
    let told = |world: &World| {
        let is = |event: &&Event| matches!(event, Event::TypingUntil { .. });
        world.persons[1].told.iter().filter(is).count()
    };
    for late in [9_000, 11_000] {
        let before = told(&world);
        let typing = Intent::Typing {
            conversation: accounts[1],
            stopped: false,
        };
        assert!(world.ask_now(0, typing) == Answer::Done);
        assert!(world.run_until(2_000, |_| !kept.borrow().is_empty()));
        world.run_for(late);
        let signal = kept.borrow_mut().pop().unwrap();
        let tamper = world.tamper.take();
        world.inject_to(1, Body::DeliverSignal(signal));
        world.run_for(200);
        world.tamper = tamper;
        assert_eq!(
            told(&world) - before,
            usize::from(late < 10_000),
            "after {late} ms"
        );
    }
    let stored = |world: &World| world.persons[1].vault.select(|_| true).len();
    let before = stored(&world);
    world.run_for(60_000);
    assert_eq!(stored(&world), before, "nothing of it is kept");
}

/// P-102: who was replaced by a newer connection stays away; who lost the connection is back within a minute.
#[test]
fn who_was_replaced_does_not_come_back_by_itself() {
    for (code, comes_back) in [(CloseCode::Replaced.code(), false), (1006, true)] {
        let (mut world, _) = friends(64);
        let mut now = world.now();
        let mut rng = ChaCha8Rng::from_seed([64; 32]);
        let engine = world.persons[0].engine.as_mut().unwrap();
        let mut connects = false;
        let mut inputs = vec![Input::Disconnected { code }];
        inputs.resize_with(2_000, || Input::Wake);
        for input in inputs {
            let step = engine.handle(input, now, &mut rng);
            connects |= step.then.iter().any(|effect| matches!(effect, Effect::Connect));
            now = now.plus_ms(60_000);
        }
        assert_eq!(connects, comes_back, "code {code}");
    }
}
