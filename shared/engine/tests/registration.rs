//! Onboarding where it does not go smoothly: refused forms, lost answers, crashes, wrong groups.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use chopar_engine::simulator::{Faults, World};
use chopar_engine::view::Phase;
use chopar_engine::{Answer, Failure, Intent, Kind};
use chopar_wire::proto::relay::relay_frame::Body;

use crate::common::CALM;

fn form(invite: &str, handle: &str, name: &str) -> Intent {
    Intent::CreateAccount {
        invite: invite.to_owned(),
        handle: handle.to_owned(),
        display_name: name.to_owned(),
        device_name: "Browser".to_owned(),
    }
}

/// P-011.
#[test]
fn a_refused_form_is_filled_again_with_the_same_identity() {
    let mut world = World::new(21, 2, CALM);
    world.onboard(1);
    for (intent, failure) in [
        (form("open", "x", "X"), Failure::HandleLength),
        (form("open", &"x".repeat(200), "X"), Failure::HandleLength),
        (form("open", "a\u{7}b", "X"), Failure::HandleCharacter),
        (form("open", ".ali", "X"), Failure::HandleEdge),
        (form("open", "ali-", "X"), Failure::HandleEdge),
        (form("open", "aб", "X"), Failure::HandleMixed),
        (form("open", "anvar", ""), Failure::NameInvalid),
        (form("closed", "anvar", "Anvar"), Failure::InviteUnknown),
        (form("open", "person1", "Anvar"), Failure::HandleTaken),
    ] {
        assert!(world.ask_now(0, intent) == Answer::Failed(failure), "{failure:?}");
    }
    let account = world.persons[0].account();
    assert!(account.is_some(), "an identity was prepared");
    assert!(world.ask_now(0, form("open", "Anvar", "Anvar")) == Answer::Done);
    assert_eq!(world.persons[0].account(), account);
    let Some(Phase::RecoveryKey { groups, confirm }) = world.persons[0].phase.clone() else {
        panic!("a recovery key")
    };
    assert_eq!(groups.len(), 9);
    assert!(confirm[0] < confirm[1] && (1..=9).contains(&confirm[0]) && confirm[1] <= 9);
    let wrong = confirm.iter().map(|n| (*n, "0000".to_owned())).collect();
    let answer = world.ask_now(0, Intent::ConfirmRecoveryKey { groups: wrong });
    assert!(answer == Answer::Failed(Failure::WrongGroups));

    // A restart shows the same key again; the confirmation removes it from the vault.
    world.crash(0);
    world.run_for(5_000);
    let Answer::Snapshot(snapshot) = world.ask_now(0, Intent::Snapshot) else {
        panic!("a snapshot")
    };
    assert!(matches!(snapshot.phase, Phase::RecoveryKey { groups: again, .. } if again == groups));
    let size = |world: &World| {
        world.persons[0].vault.select(|k| k.kind == Kind::Account)[0]
            .value
            .len()
    };
    let before = size(&world);
    world.confirm(0);
    assert!(size(&world) + 36 <= before);
    assert!(matches!(&world.persons[0].phase, Some(Phase::Ready(me)) if me.handle == "anvar"));
}

/// A full disk at the relay: the form says so, keeps the identity, and works once there is room.
#[test]
fn a_relay_without_room_refuses_the_form_and_takes_it_later() {
    let mut world = World::new(27, 1, CALM);
    world.relay.full = true;
    let refused = Answer::Failed(Failure::RelayStorage);
    assert!(world.ask_now(0, form("open", "anvar", "Anvar")) == refused);
    let account = world.persons[0].account();
    world.relay.full = false;
    assert!(world.ask_now(0, form("open", "anvar", "Anvar")) == Answer::Done);
    assert_eq!(world.persons[0].account(), account, "the same identity");
}

#[test]
fn an_invite_is_checked_before_there_is_an_account() {
    let mut world = World::new(22, 1, CALM);
    let answer = world.ask_now(0, Intent::CheckInvite { token: "open".into() });
    assert!(matches!(answer, Answer::InviteUsable { .. }));
    for (token, failure) in [("expired", Failure::InviteExpired), ("used", Failure::InviteUsed)] {
        let answer = world.ask_now(0, Intent::CheckInvite { token: token.into() });
        assert!(answer == Answer::Failed(failure), "{token}");
    }
    assert!(world.ask_now(0, Intent::Devices) == Answer::Failed(Failure::NotNow));
}

#[test]
fn a_lost_answer_is_found_out_by_signing_in() {
    let mut world = World::new(23, 1, CALM);
    world.tamper = Some(Box::new(|_, body| !matches!(body, Body::Registered(_))));
    let id = world.ask(0, 0, form("open", "anvar", "Anvar"));
    world.run_for(2_000);
    assert!(!world.persons[0].answers.contains_key(&id));
    // The browser is closed before the answer came; the tab that asked is gone.
    world.tamper = None;
    world.forget_asked(0);
    world.crash(0);
    world.run_for(20_000);
    let Answer::Snapshot(snapshot) = world.ask_now(0, Intent::Snapshot) else {
        panic!("a snapshot")
    };
    assert!(
        matches!(snapshot.phase, Phase::RecoveryKey { .. }),
        "found to be registered"
    );
}

#[test]
fn a_registration_that_never_arrived_is_made_again() {
    let mut world = World::new(24, 1, CALM);
    world.deaf = true;
    let id = world.ask(0, 0, form("open", "anvar", "Anvar"));
    world.run_for(3_000);
    assert!(!world.persons[0].answers.contains_key(&id));
    world.forget_asked(0);
    world.crash(0);
    world.deaf = false;
    world.run_for(60_000);
    let Answer::Snapshot(snapshot) = world.ask_now(0, Intent::Snapshot) else {
        panic!("a snapshot")
    };
    assert!(
        matches!(snapshot.phase, Phase::RecoveryKey { .. }),
        "the same registration again"
    );
}

#[test]
fn onboarding_survives_crashes_at_every_step() {
    for seed in 0..30 {
        let faults = Faults {
            delay_ms: 20,
            crash_ms: 400,
            drop_ms: 500,
            ..Faults::default()
        };
        let mut world = World::new(2_000 + seed, 1, faults);
        let _ = world.ask(0, 0, form("open", "anvar", "Anvar"));
        world.run_for(30_000);
        world.set_faults(CALM);
        world.run_for(60_000);
        let account = world.onboarded(0);
        assert!(account, "seed {seed}");
        world.confirm(0);
        world.run_for(30_000);
        let own = world.persons[0].account();
        let device = own.map(|own| world.relay.log(&own).active_devices()[0].id);
        let (Some(own), Some(device)) = (own, device) else {
            panic!("an account")
        };
        assert_eq!(world.relay.prekeys(&own, &device), (1, 100));
    }
}
