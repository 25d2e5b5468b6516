//! Messages that disappear: from every device, at their time, whether anybody looks or not.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use chopar_engine::simulator::World;
use chopar_engine::view::{LineBody, Notice};
use chopar_engine::{Event, Intent, Kind, Refusal};
use chopar_wire::proto::content::{Text, Timer, payload};

use crate::common::{done, extra, four_devices, friends, hold, lines, peer_of, send, shown, timer};

/// P-167.
#[test]
fn a_timer_is_a_setting_of_both_and_says_who_set_it() {
    let (mut world, accounts) = four_devices(1_671);
    let [alice, bob] = accounts;
    done(&mut world, 3, timer(alice, 3_600));
    world.run_for(60_000);
    send(&mut world, 0, bob, 1);
    world.run_for(60_000);
    for device in [0, 1, 2, 3] {
        let peer = peer_of(&accounts, device);
        assert_eq!(world.persons[device].rows[&peer].timer, 3_600);
        let notice = LineBody::Notice(Notice::TimerChanged {
            by: bob,
            seconds: 3_600,
        });
        assert_eq!(
            lines(&mut world, device, peer)
                .iter()
                .filter(|l| l.body == notice)
                .count(),
            1
        );
        assert_eq!(extra(&mut world, device, peer, 1).unwrap().1.lifetime, 3_600);
    }
    done(&mut world, 0, timer(bob, 0));
    world.run_for(60_000);
    send(&mut world, 3, alice, 2);
    world.run_for(60_000);
    assert_eq!(extra(&mut world, 2, bob, 2).unwrap().1.lifetime, 0);
}

/// P-168: own ones from the moment they were sent, theirs from the moment they were read on any device.
#[test]
fn messages_disappear_from_all_devices_and_leave_nothing() {
    let (mut world, accounts) = four_devices(1_681);
    let [alice, bob] = accounts;
    done(&mut world, 0, timer(bob, 300));
    world.run_for(60_000);
    send(&mut world, 0, bob, 1);
    world.run_for(100_000);
    assert_eq!(hold(&world, "message 1"), [0, 1, 2, 3]);
    world.run_for(201_000);
    assert_eq!(hold(&world, "message 1"), [1, 3], "nobody has read it there");
    let row = &world.persons[0].rows[&bob];
    assert!(row.last.is_some() && row.last.as_ref().map(|l| l.sequence) != Some(0));
    done(
        &mut world,
        3,
        Intent::MarkRead {
            conversation: alice,
            up_to: u64::MAX,
        },
    );
    world.run_for(60_000);
    assert_eq!(
        world.persons[1].rows[&alice].unread, 0,
        "read on one, read on both"
    );
    world.run_for(200_000);
    assert_eq!(hold(&world, "message 1"), [1, 3]);
    world.run_for(41_000);
    assert_eq!(hold(&world, "message 1"), [0_usize; 0]);
    let gone =
        |event: &Event| matches!(event, Event::LinesGone { conversation, .. } if *conversation == alice);
    assert!(world.persons[1].told.iter().any(gone));
    for device in [0, 1, 2, 3] {
        assert!(extra(&mut world, device, peer_of(&accounts, device), 1).is_none());
        let left = world.persons[device].vault.select(|key| key.kind == Kind::Expiry);
        assert!(left.is_empty(), "nothing keeps time for it any more");
    }
}

/// P-168: a message that nobody has yet was not said yet; its time begins when the relay takes it.
#[test]
fn what_waits_to_be_sent_does_not_disappear() {
    let (mut world, accounts) = friends(1_683);
    let [alice, bob] = accounts[..] else { panic!("two") };
    done(&mut world, 0, timer(bob, 60));
    world.run_for(10_000);
    world.set_up(false);
    send(&mut world, 0, bob, 1);
    world.run_for(3_600_000);
    assert_eq!(hold(&world, "message 1"), [0]);
    assert!(
        extra(&mut world, 0, bob, 1).is_some(),
        "it still waits on the page"
    );
    // Bob is away when it goes out: it disappears where it was written, and still reaches him.
    world.switch_off(1);
    world.set_up(true);
    world.run_for(120_000);
    assert!(extra(&mut world, 0, bob, 1).is_none());
    world.switch_on(1);
    world.run_for(30_000);
    assert!(shown(&world, 1, &alice).contains(&"message 1".to_owned()));
    world.run_for(30_000);
    assert_eq!(
        hold(&world, "message 1"),
        [1],
        "he has it: it waits for nobody any more"
    );
}

/// P-167: nobody can set a timer after which no other can be set, and none is set in silence.
#[test]
fn a_timer_that_comes_with_a_message_is_said_and_can_be_followed() {
    let (mut world, accounts) = friends(1_684);
    let [alice, bob] = accounts[..] else { panic!("two") };
    world.run_for(10_000);
    let said = |number: u32, id: u8| {
        payload::Content::Text(Text {
            id: vec![id; 16].into(),
            text: "salom".to_owned(),
            timer: Some(Timer { seconds: 300, number }),
            ..Text::default()
        })
    };
    let notices = |world: &mut World| {
        let by = alice;
        let notice = LineBody::Notice(Notice::TimerChanged { by, seconds: 300 });
        let lines = lines(world, 1, alice);
        lines.iter().filter(|line| line.body == notice).count()
    };
    world.has_say(0, bob, said(u32::MAX, 71));
    world.run_for(10_000);
    assert_eq!((world.persons[1].rows[&alice].timer, notices(&mut world)), (0, 0));
    assert_eq!(
        world.persons[1]
            .engine
            .as_ref()
            .unwrap()
            .refused(Refusal::TimerRefused),
        1
    );
    for id in [72, 73] {
        world.has_say(0, bob, said(1, id));
        world.run_for(10_000);
        assert_eq!(
            (world.persons[1].rows[&alice].timer, notices(&mut world)),
            (300, 1)
        );
    }
    done(&mut world, 1, timer(alice, 0));
    world.run_for(10_000);
    assert_eq!(world.persons[0].rows[&bob].timer, 0);
}

/// P-168.
#[test]
fn what_fell_due_while_the_browser_was_closed_is_gone_before_anything_is_shown() {
    let (mut world, accounts) = friends(1_682);
    done(&mut world, 0, timer(accounts[1], 60));
    send(&mut world, 0, accounts[1], 1);
    world.run_for(10_000);
    done(
        &mut world,
        1,
        Intent::MarkRead {
            conversation: accounts[0],
            up_to: u64::MAX,
        },
    );
    world.switch_off(0);
    world.switch_off(1);
    world.run_for(120_000);
    assert_eq!(hold(&world, "message 1"), [0, 1]);
    // No relay: each client sees to it by itself.
    world.set_up(false);
    world.switch_on(0);
    world.switch_on(1);
    world.run_for(1);
    assert_eq!(hold(&world, "message 1"), [0_usize; 0]);
    for device in [0, 1] {
        assert!(extra(&mut world, device, accounts[1 - device], 1).is_none());
    }
    world.set_up(true);
    world.run_for(60_000);
}
