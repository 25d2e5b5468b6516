//! What the relay says of people, organisation and invites reaches a page parsed, or not at all.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use chopar_engine::simulator::World;
use chopar_engine::view::{Phase, Role};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{Invite, Members, Person};

use crate::common::{CALM, friends, lines};

/// Answers every request of person 0 that the tampering names with something else.
fn say(world: &mut World, lie: impl Fn(&mut Body) + 'static) {
    world.tamper = Some(Box::new(move |person, body| {
        if person == 0 {
            lie(body);
        }
        true
    }));
}

#[test]
fn a_directory_that_invents_names_shows_the_others() {
    let (mut world, accounts) = friends(71);
    let before = lines(&mut world, 0, accounts[1]).len();
    say(&mut world, |body| {
        if let Body::People(people) = body {
            for (account, handle) in [(1, "evil\u{202e}txt"), (2, "x\u{0}y"), (3, "")] {
                people.people.push(Person {
                    account: vec![account; 32].into(),
                    handle: handle.to_owned(),
                    display_name: "Somebody".to_owned(),
                });
            }
            people.people.push(Person {
                account: vec![4; 32].into(),
                handle: "fine".to_owned(),
                display_name: "Line one\nline two".to_owned(),
            });
        }
    });
    let query = "person1".to_owned();
    let Answer::People(found) = world.ask_now(0, Intent::FindPeople { query }) else {
        panic!("people")
    };
    let handles: Vec<&str> = found.iter().map(|person| person.handle.as_str()).collect();
    assert_eq!(handles, ["person1"]);
    // Nor is it said in a conversation that a handle which is none moved.
    assert_eq!(lines(&mut world, 0, accounts[1]).len(), before);
}

#[test]
fn an_organisation_without_a_name_is_refused_by_name() {
    for name in ["", "  ", "Bank\u{202e}knaB", &"x".repeat(1_000)] {
        let mut world = World::new(72, 1, CALM);
        let name = name.to_owned();
        say(&mut world, move |body| {
            if let Body::InviteStatus(status) = body {
                status.organisation.clone_from(&name);
            }
        });
        let answer = world.ask_now(0, Intent::CheckInvite { token: "open".into() });
        assert!(answer == Answer::Failed(Failure::RelayMisbehaved));
    }
}

#[test]
fn what_is_no_name_leaves_the_own_as_it_was() {
    let (mut world, _) = friends(73);
    say(&mut world, |body| {
        if let Body::SignedIn(signed_in) = body {
            signed_in.handle = "bad handle\u{7}".to_owned();
            signed_in.display_name = "\u{202e}".to_owned();
        }
    });
    world.drop_connection(0);
    world.run_for(60_000);
    let Some(Phase::Ready(me)) = &world.persons[0].phase else {
        panic!("in use")
    };
    assert_eq!(
        (me.handle.as_str(), me.display_name.as_str()),
        ("person0", "Person 0")
    );
    // What is one is taken: names are the relay's to keep.
    say(&mut world, |body| {
        if let Body::SignedIn(signed_in) = body {
            signed_in.display_name = "Another name".to_owned();
        }
    });
    world.drop_connection(0);
    world.run_for(60_000);
    assert!(matches!(&world.persons[0].phase, Some(Phase::Ready(me)) if me.display_name == "Another name"));
}

#[test]
fn invites_and_members_are_held_to_their_form() {
    let (mut world, _) = friends(74);
    // The model of a relay refuses administration: whatever it says is replaced.
    say(&mut world, |body| {
        if matches!(body, Body::Refused(_)) {
            *body = Body::Invite(Invite {
                token: "x\" onclick=\"y".to_owned(),
                ..Invite::default()
            });
        }
    });
    let create = Intent::CreateInvite {
        role: Role::Member,
        uses: 1,
        lifetime_seconds: 60,
    };
    assert!(world.ask_now(0, create) == Answer::Failed(Failure::RelayMisbehaved));
    say(&mut world, |body| {
        if matches!(body, Body::Refused(_)) {
            let member = |account: u8, handle: &str| chopar_wire::proto::relay::Member {
                account: vec![account; 32].into(),
                handle: handle.to_owned(),
                display_name: "Name".to_owned(),
                ..Default::default()
            };
            *body = Body::Members(Members {
                members: vec![
                    member(1, "anvar"),
                    member(2, &"x".repeat(5_000)),
                    member(1, "anvar"),
                ],
                more: false,
            });
        }
    });
    let all = Intent::Members {
        after_handle: String::new(),
    };
    let Answer::Members { members, more } = world.ask_now(0, all) else {
        panic!("members")
    };
    assert_eq!(members.len(), 1);
    assert!(!more);
}
