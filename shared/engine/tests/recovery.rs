//! A browser is gone, the recovery key is not: the account comes back as a new device.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop"
)]

mod common;

use chopar_e2ee::recovery::RecoveryKey;
use chopar_engine::simulator::{Faults, World};
use chopar_engine::view::{DeviceView, LineBody, Notice, Phase, Trust};
use chopar_engine::{Answer, Failure, Intent};
use chopar_identity::{AccountLog, EntryDraft, Signer};
use chopar_wire::AccountId;
use chopar_wire::proto::relay::relay_frame::Body;

use crate::common::{CALM, lines, onboard_with_key, open, send, shown};

/// Two people who have talked, and the recovery key of the second.
fn friends_and_key(seed: u64, faults: Faults) -> (World, Vec<AccountId>, String) {
    let mut world = World::new(seed, 2, CALM);
    let alice = world.onboard(0);
    let (bob, key) = onboard_with_key(&mut world, 1);
    open(&mut world, 0, 1, bob);
    send(&mut world, 0, bob, 1);
    world.run_for(5_000);
    open(&mut world, 1, 0, alice);
    send(&mut world, 1, alice, 2);
    world.run_for(10_000);
    world.set_faults(faults);
    (world, vec![alice, bob], key)
}

/// The second person's browser is gone; they are at another one.
fn fresh_browser(world: &mut World) {
    world.reset(1);
    world.switch_on(1);
}

/// A fresh browser is let in, and closed before it hears of it: no answer to a sign-in comes until the test says so.
fn let_in_unawares(world: &mut World, account: AccountId, key: &str) {
    fresh_browser(world);
    world.tamper = Some(Box::new(|_, body| !matches!(body, Body::SignedIn(_))));
    let id = world.ask(1, 0, recover(key));
    world.run_for(3_000);
    assert!(!world.persons[1].answers.contains_key(&id));
    assert_eq!(world.relay.log(&account).active_devices().len(), 2);
    world.forget_asked(1);
    world.crash(1);
}

fn recover(key: &str) -> Intent {
    Intent::Recover {
        key: key.to_owned(),
        device_name: "New browser".to_owned(),
    }
}

fn phase(world: &mut World, person: usize) -> Phase {
    match world.ask_now(person, Intent::Snapshot) {
        Answer::Snapshot(snapshot) => snapshot.phase,
        _ => panic!("a snapshot"),
    }
}

fn trust(world: &mut World, asking: usize, peer: AccountId) -> (String, Trust) {
    match world.ask_now(asking, Intent::Person { peer }) {
        Answer::Person(person) => (person.safety_number, person.trust),
        _ => panic!("a person"),
    }
}

fn devices(world: &mut World, person: usize) -> Vec<DeviceView> {
    match world.ask_now(person, Intent::Devices) {
        Answer::Devices(devices) => devices,
        _ => panic!("devices"),
    }
}

/// P-312, P-313.
#[test]
fn the_account_comes_back_as_a_new_device_and_its_safety_number_stays() {
    let (mut world, accounts, key) = friends_and_key(301, CALM);
    let (alice, bob) = (accounts[0], accounts[1]);
    let (digits, _) = trust(&mut world, 0, bob);
    let verify = Intent::MarkVerified {
        peer: bob,
        digits: digits.clone(),
        verified: true,
    };
    assert!(world.ask_now(0, verify) == Answer::Done);

    fresh_browser(&mut world);
    assert!(phase(&mut world, 1) == Phase::Fresh);
    // As people type: lower case, hyphens.
    assert!(world.ask_now(1, recover(&key.to_lowercase().replace(' ', "-"))) == Answer::Done);
    let Phase::Ready(me) = phase(&mut world, 1) else {
        panic!("ready")
    };
    assert_eq!((me.account, me.handle.as_str()), (bob, "person1"));
    assert_eq!(me.display_name, "Person 1");
    world.run_for(10_000);

    // Alice sees a quiet line, the same number, and no question.
    send(&mut world, 0, bob, 3);
    world.run_for(30_000);
    assert_eq!(trust(&mut world, 0, bob), (digits, Trust::Verified));
    let added = Notice::DeviceAdded {
        name: "New browser".into(),
    };
    assert!(
        lines(&mut world, 0, bob)
            .iter()
            .any(|line| matches!(&line.body, LineBody::Notice(notice) if *notice == added))
    );
    assert_eq!(
        shown(&world, 1, &alice),
        ["message 3"],
        "what is said from now on"
    );
    open(&mut world, 1, 0, alice);
    send(&mut world, 1, alice, 4);
    world.run_for(30_000);
    assert_eq!(shown(&world, 0, &bob), ["message 2", "message 4"]);

    // The lost browser is taken out.
    let all = devices(&mut world, 1);
    assert_eq!(all.len(), 2);
    let lost = all.iter().find(|device| !device.this).unwrap().device;
    assert!(world.ask_now(1, Intent::RevokeDevice { device: lost }) == Answer::Done);
    // At once: the page asks for its list again as soon as it hears that it is done.
    let left = devices(&mut world, 1);
    assert!(left.iter().all(|device| device.device != lost || device.revoked));
    world.run_for(10_000);
    assert_eq!(world.relay.log(&bob).active_devices().len(), 1);
    // A pool of prekeys, as any device has; Alice was handed one pair.
    let device = devices(&mut world, 1).iter().find(|d| d.this).unwrap().device;
    assert_eq!(world.relay.prekeys(&bob, &device), (1, 99));
}

/// P-312: no attempt counts against anybody, and each says what is wrong.
#[test]
fn a_wrong_key_says_so() {
    let (mut world, accounts, key) = friends_and_key(302, CALM);
    fresh_browser(&mut world);
    let fails = |world: &mut World, key: &str, failure| {
        assert!(
            world.ask_now(1, recover(key)) == Answer::Failed(failure),
            "{failure:?}"
        );
    };
    for _ in 0..3 {
        fails(&mut world, "", Failure::RecoveryKeyMistyped);
        fails(&mut world, &key[1..], Failure::RecoveryKeyMistyped);
        // Well formed, and nobody's here.
        let strange = "000G 40R4 0M30 E209 185G R38E 1W81 24GK N2JD";
        fails(&mut world, strange, Failure::RecoveryKeyUnknown);
    }
    world.set_up(false);
    fails(&mut world, &key, Failure::Offline);
    world.set_up(true);
    world.run_for(60_000);
    assert!(world.ask_now(1, recover(&key)) == Answer::Done);
    assert_eq!(world.persons[1].account(), Some(accounts[1]));
    fails(&mut world, &key, Failure::NotNow);
    assert_eq!(world.relay.log(&accounts[1]).active_devices().len(), 2);
}

/// P-312: who began to register, and then finds the recovery key.
#[test]
fn a_begun_registration_gives_way() {
    let (mut world, accounts, key) = friends_and_key(303, CALM);
    fresh_browser(&mut world);
    let form = |handle: &str| Intent::CreateAccount {
        invite: "open".into(),
        handle: handle.into(),
        display_name: "Somebody".into(),
        device_name: "Browser".into(),
    };
    assert!(world.ask_now(1, form("person0")) == Answer::Failed(Failure::HandleTaken));
    assert_ne!(world.persons[1].account(), Some(accounts[1]));
    assert!(world.ask_now(1, recover(&key)) == Answer::Done);
    assert_eq!(world.persons[1].account(), Some(accounts[1]));
    world.crash(1);
    world.run_for(5_000);
    assert!(matches!(phase(&mut world, 1), Phase::Ready(me) if me.account == accounts[1]));
}

/// P-312: the answer is lost and the tab that asked is gone; the next start finds out without the key.
#[test]
fn a_lost_answer_is_found_out_by_signing_in() {
    let (mut world, accounts, key) = friends_and_key(304, CALM);
    let_in_unawares(&mut world, accounts[1], &key);
    world.tamper = None;
    world.run_for(60_000);
    assert!(matches!(phase(&mut world, 1), Phase::Ready(me) if me.account == accounts[1]));
    assert_eq!(world.relay.log(&accounts[1]).active_devices().len(), 2);
}

/// P-312: nothing arrived. The next start is as fresh as the first, for the key and for an invite.
#[test]
fn an_admission_that_never_arrived_leaves_a_fresh_browser() {
    for again in [true, false] {
        let (mut world, accounts, key) = friends_and_key(305, CALM);
        fresh_browser(&mut world);
        // The relay hears nothing from the moment on that it has shown the log.
        let _ = world.ask(1, 0, recover(&key));
        let heard = world.run_until(5_000, |world| world.persons[1].account().is_some());
        assert!(heard, "this device is about to ask");
        world.deaf = true;
        world.run_for(1_000);
        world.forget_asked(1);
        world.crash(1);
        world.deaf = false;
        world.run_for(60_000);
        assert!(phase(&mut world, 1) == Phase::Fresh);
        assert_eq!(world.relay.log(&accounts[1]).active_devices().len(), 1);
        if again {
            assert!(world.ask_now(1, recover(&key)) == Answer::Done);
            assert_eq!(world.persons[1].account(), Some(accounts[1]));
        } else {
            let form = Intent::CreateAccount {
                invite: "open".into(),
                handle: "another".into(),
                display_name: "Another".into(),
                device_name: "Browser".into(),
            };
            assert!(world.ask_now(1, form) == Answer::Done);
            assert_ne!(world.persons[1].account(), Some(accounts[1]));
        }
    }
}

/// P-312.
#[test]
fn recovery_survives_crashes_at_every_step() {
    for seed in 0..30 {
        let faults = Faults {
            delay_ms: 20,
            crash_ms: 400,
            drop_ms: 500,
            ..Faults::default()
        };
        let (mut world, accounts, key) = friends_and_key(3_100 + seed, CALM);
        fresh_browser(&mut world);
        world.set_faults(faults);
        let _ = world.ask(1, 0, recover(&key));
        world.run_for(30_000);
        world.set_faults(CALM);
        world.run_for(60_000);
        if phase(&mut world, 1) == Phase::Fresh {
            // The tab that asked was answered by a failure: the person asks again.
            assert!(world.ask_now(1, recover(&key)) == Answer::Done, "seed {seed}");
        }
        let Phase::Ready(me) = phase(&mut world, 1) else {
            panic!("seed {seed}")
        };
        assert_eq!(me.account, accounts[1]);
        assert_eq!(
            world.relay.log(&accounts[1]).active_devices().len(),
            2,
            "seed {seed}: one device came in, once"
        );
        world.run_for(30_000);
        assert_eq!(world.relay.prekeys(&accounts[1], &me.device), (1, 100));
    }
}

/// P-311, P-312: another device of the account changes the log in the very moment.
#[test]
fn whoever_loses_the_race_for_the_log_reads_it_again() {
    let (mut world, accounts, key) = friends_and_key(306, CALM);
    let bob = accounts[1];
    let entry = world.draft_rename(1, &bob, "Old browser");
    fresh_browser(&mut world);
    let _ = world.ask(1, 0, recover(&key));
    assert!(world.run_until(5_000, |world| world.persons[1].account().is_some()));
    world.relay.append(&bob, &entry);
    world.run_for(60_000);
    assert!(matches!(phase(&mut world, 1), Phase::Ready(me) if me.account == bob));
    let log = world.relay.log(&bob);
    assert_eq!((log.length(), log.active_devices().len()), (4, 2));
}

/// T-025: the relay shows another history to whoever has nothing but the key. What is not signed by it is no log of this account.
#[test]
fn a_relay_cannot_slip_a_log_under_a_recovery_key() {
    let (mut world, accounts, key) = friends_and_key(307, CALM);
    let foreign = world.relay.log(&accounts[0]).entries(0).to_vec();
    let own = world.relay.log(&accounts[1]).entries(0).to_vec();
    fresh_browser(&mut world);
    let mut spliced = own[..1].to_vec();
    spliced.push(foreign[1].clone());
    let mut bent = own.clone();
    let mut body = bent[1].body.to_vec();
    *body.last_mut().unwrap() ^= 1;
    bent[1].body = body.into();
    for lie in [foreign, spliced, bent, Vec::new(), vec![own[1].clone()]] {
        assert!(AccountLog::verify(&accounts[1], &lie).is_err());
        world.tamper = Some(Box::new(move |_, body| {
            if let Body::Log(log) = body {
                let head = log.head.as_mut().unwrap();
                head.length = u32::try_from(lie.len()).unwrap().max(1);
                log.entries = lie.clone();
            }
            true
        }));
        let failed = world.ask_now(1, recover(&key));
        assert!(failed == Answer::Failed(Failure::RelayMisbehaved));
        assert_eq!(world.persons[1].account(), None, "nothing was taken");
    }
    world.tamper = None;
    assert!(world.ask_now(1, recover(&key)) == Answer::Done);
}

/// T-025: a history cut short verifies. An honest log does not take what is signed on it, and nothing comes of it.
#[test]
fn a_log_cut_short_lets_nobody_in() {
    let (mut world, accounts, key) = friends_and_key(308, CALM);
    fresh_browser(&mut world);
    world.tamper = Some(Box::new(|_, body| {
        if let Body::Log(log) = body {
            log.entries.truncate(1);
            log.head.as_mut().unwrap().length = 1;
        }
        true
    }));
    let id = world.ask(1, 0, recover(&key));
    world.run_for(120_000);
    assert!(world.persons[1].answers[&id] == Answer::Failed(Failure::Offline));
    assert_eq!(world.relay.log(&accounts[1]).active_devices().len(), 1);
    world.tamper = None;
    assert!(world.ask_now(1, recover(&key)) == Answer::Done);
}

/// P-312: the device was let in, did not hear of it, and was taken out by another one. The key brings another device.
#[test]
fn a_device_that_was_taken_out_before_it_knew_makes_room_for_another() {
    let (mut world, accounts, key) = friends_and_key(309, CALM);
    let bob = accounts[1];
    let_in_unawares(&mut world, bob, &key);
    let added = world.relay.log(&bob).active_devices().last().unwrap().id;
    let account = RecoveryKey::parse(&key).unwrap().account();
    let by = Signer::AccountKey(account.account_key());
    let draft = EntryDraft::revoke_device(world.relay.log(&bob), &added, by, 1);
    let signature = account.sign(&draft.signing_input());
    world.relay.append(&bob, &draft.finish(&[signature]).unwrap());
    world.tamper = None;
    world.run_for(60_000);
    assert!(phase(&mut world, 1) == Phase::Fresh);
    assert!(world.ask_now(1, recover(&key)) == Answer::Done);
    let Phase::Ready(me) = phase(&mut world, 1) else {
        panic!("ready")
    };
    assert_ne!(me.device, added);
}

/// P-312: while it is not known whether one key let this device in, another is not tried.
#[test]
fn one_key_at_a_time() {
    let (mut world, accounts, key) = friends_and_key(310, CALM);
    let_in_unawares(&mut world, accounts[1], &key);
    world.set_up(false);
    world.run_for(5_000);
    let strange = "000G 40R4 0M30 E209 185G R38E 1W81 24GK N2JD";
    assert!(world.ask_now(1, recover(strange)) == Answer::Failed(Failure::NotNow));
    world.set_up(true);
    world.tamper = None;
    world.run_for(60_000);
    assert!(matches!(phase(&mut world, 1), Phase::Ready(me) if me.account == accounts[1]));
}
