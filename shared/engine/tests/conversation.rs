//! What is done with messages after they were said: on all devices of both people, whatever came first.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use chopar_engine::simulator::{Faults, World};
use chopar_engine::view::Extra;
use chopar_engine::{Answer, Failure, Intent, Kind, RecordKey};
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::{AccountId, MessageId};

use crate::common::{
    CALM, about, delete, done, edit, extra, four_devices, friends, hold, peer_of, react, send, timer, told,
};

const HOUR: u64 = 3_600_000;

fn said(peer: AccountId, number: u8, reply_to: Option<chopar_engine::view::Reference>) -> Intent {
    Intent::Send {
        conversation: peer,
        id: MessageId::new([number; 16]),
        text: format!("message {number}"),
        reply_to,
        forwarded: reply_to.is_none(),
    }
}

/// P-160, P-161, P-162, P-163, P-164: all of it, on all four devices.
#[test]
fn what_one_device_does_all_devices_show() {
    let (mut world, accounts) = four_devices(1_601);
    let [alice, bob] = accounts;
    done(&mut world, 0, said(bob, 1, None));
    done(&mut world, 0, said(bob, 2, None));
    done(&mut world, 0, said(bob, 3, None));
    world.run_for(10_000);
    done(&mut world, 3, said(alice, 4, Some(about(alice, 1))));
    done(&mut world, 3, react(alice, about(alice, 1), "👍"));
    done(&mut world, 1, react(alice, about(alice, 2), "🎉"));
    done(&mut world, 2, edit(bob, 1, "as it was meant"));
    done(&mut world, 0, delete(bob, about(alice, 2), true));
    done(&mut world, 1, delete(alice, about(alice, 3), false));
    world.run_for(60_000);
    done(&mut world, 1, react(alice, about(alice, 1), "❤️"));
    world.run_for(60_000);

    for device in [0, 1, 2, 3] {
        let peer = peer_of(&accounts, device);
        let (text, first) = extra(&mut world, device, peer, 1).unwrap();
        assert_eq!(text, "as it was meant");
        assert!(first.edited && first.forwarded && !first.deleted);
        let reactions: Vec<_> = first
            .reactions
            .iter()
            .map(|r| (r.emoji.as_str(), r.by.as_slice()))
            .collect();
        assert_eq!(reactions, [("❤️", [bob].as_slice())], "one for each person");
        let (text, second) = extra(&mut world, device, peer, 2).unwrap();
        let deleted = Extra {
            deleted: true,
            ..Extra::default()
        };
        assert_eq!((text.as_str(), second), ("", deleted));
        assert_eq!(
            extra(&mut world, device, peer, 3).is_some(),
            device % 2 == 0,
            "deleted for Bob"
        );
        let (_, reply) = extra(&mut world, device, peer, 4).unwrap();
        assert_eq!(reply.reply_to, Some(about(alice, 1)));
    }
    assert_eq!(
        hold(&world, "message 1"),
        [0_usize; 0],
        "edited: nowhere any more"
    );
    assert_eq!(
        hold(&world, "message 2"),
        [0_usize; 0],
        "taken back: nowhere any more"
    );
    assert_eq!(hold(&world, "message 3"), [0, 2]);
    let outbox = world.persons[0]
        .vault
        .select(|key| key.kind == chopar_engine::Kind::Outbox);
    assert!(outbox.is_empty(), "all of it was acknowledged");
}

/// P-161, P-162, P-163: by name, and without a trace.
#[test]
fn what_may_not_be_done_is_refused() {
    let (mut world, accounts) = friends(1_602);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let fails = |world: &mut chopar_engine::simulator::World, intent, failure| {
        let answer = world.ask_now(0, intent);
        assert!(answer == Answer::Failed(failure), "{failure}");
    };
    fails(&mut world, edit(bob, 102, "theirs"), Failure::NotFound);
    fails(
        &mut world,
        delete(bob, about(bob, 102), true),
        Failure::NotAllowed,
    );
    fails(&mut world, edit(bob, 101, ""), Failure::TextLength);
    fails(
        &mut world,
        edit(bob, 101, &"x".repeat(8_001)),
        Failure::TextLength,
    );
    for no_emoji in ["ha", "👍👍", "1", "<b>", " "] {
        fails(
            &mut world,
            react(bob, about(bob, 102), no_emoji),
            Failure::NotAnEmoji,
        );
    }
    fails(&mut world, react(bob, about(bob, 9), "👍"), Failure::NotFound);
    fails(&mut world, timer(bob, 1), Failure::TimerInvalid);
    for number in 1..=100 {
        done(&mut world, 0, edit(bob, 101, &format!("edit {number}")));
    }
    fails(&mut world, edit(bob, 101, "once more"), Failure::TooManyEdits);
    send(&mut world, 0, bob, 1);
    world.run_for(48 * HOUR + 60_000);
    fails(&mut world, edit(bob, 1, "too late"), Failure::EditTooLate);
    assert_eq!(extra(&mut world, 1, alice, 101).unwrap().0, "edit 100");
    done(&mut world, 0, delete(bob, about(alice, 1), true));
    done(&mut world, 0, delete(bob, about(alice, 1), true));
    fails(&mut world, react(bob, about(alice, 1), "👍"), Failure::NotFound);
    fails(&mut world, edit(bob, 1, "back"), Failure::NotFound);
}

/// P-164: an answer to what is not here says so, and one may answer what is long gone.
#[test]
fn an_answer_may_dangle() {
    let (mut world, accounts) = friends(1_603);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let itself = about(alice, 1);
    done(&mut world, 0, said(bob, 1, Some(itself)));
    done(&mut world, 0, said(bob, 2, Some(about(bob, 99))));
    // In a circle: an altered client chooses its ids.
    done(&mut world, 0, said(bob, 3, Some(about(alice, 4))));
    done(&mut world, 0, said(bob, 4, Some(about(alice, 3))));
    world.run_for(5_000);
    let find = |message| Intent::FindMessage {
        conversation: alice,
        message,
    };
    assert!(world.ask_now(1, find(about(bob, 99))) == Answer::Message(None));
    let Answer::Message(Some(line)) = world.ask_now(1, find(itself)) else {
        panic!("a message")
    };
    for (one, other) in [(3, 4), (4, 3)] {
        let shown = extra(&mut world, 1, alice, one).unwrap().1;
        assert_eq!(shown.reply_to, Some(about(alice, other)));
        assert!(matches!(
            world.ask_now(1, find(about(alice, other))),
            Answer::Message(Some(_))
        ));
    }
    done(&mut world, 1, delete(alice, itself, false));
    assert!(world.ask_now(1, find(itself)) == Answer::Message(None));
    let shown = extra(&mut world, 1, alice, 2).unwrap().1;
    assert_eq!(shown.reply_to, Some(about(bob, 99)));
    assert!(line.sequence > 0);
}

/// P-165: kept until its message comes, across a restart.
#[test]
fn what_comes_before_its_message_waits_for_it() {
    let (mut world, accounts) = friends(1_604);
    let [alice, bob] = accounts[..] else { panic!("two") };
    // The first envelope to Bob is held back; what follows overtakes it.
    let mut held = 0;
    world.tamper = Some(Box::new(move |person, body| {
        let first = person == 1 && matches!(body, Body::Deliver(_)) && held == 0;
        held += u32::from(first);
        !first
    }));
    send(&mut world, 0, bob, 1);
    world.run_for(1_000);
    done(&mut world, 0, edit(bob, 1, "overtaken"));
    done(&mut world, 0, react(bob, about(alice, 1), "👍"));
    world.run_for(20_000);
    assert!(extra(&mut world, 1, alice, 1).is_none(), "not here yet");
    let waiting = |world: &chopar_engine::simulator::World| {
        let pending = |key: &chopar_engine::RecordKey| key.kind == chopar_engine::Kind::Pending;
        world.persons[1].vault.select(pending).len()
    };
    assert_eq!(waiting(&world), 2);
    world.tamper = None;
    world.crash(1);
    world.run_for(60_000);
    let (text, shown) = extra(&mut world, 1, alice, 1).expect("delivered again");
    assert_eq!(text, "overtaken");
    assert!(shown.edited && shown.reactions.len() == 1);
    assert_eq!(waiting(&world), 0);
    world.run_for(10_000);
    let outbox = world.persons[0]
        .vault
        .select(|key| key.kind == chopar_engine::Kind::Outbox);
    assert!(outbox.is_empty(), "acknowledged, once it was done");
}

/// P-162: what was never sent is not sent, and what waits to be sent again forgets its text.
#[test]
fn what_is_taken_back_offline_leaves_no_text() {
    let (mut world, accounts) = four_devices(1_605);
    let [alice, bob] = accounts;
    world.set_up(false);
    send(&mut world, 0, bob, 1);
    assert_eq!(hold(&world, "message 1"), [0]);
    done(&mut world, 0, delete(bob, about(alice, 1), true));
    assert_eq!(hold(&world, "message 1"), [0_usize; 0]);
    world.set_up(true);
    world.run_for(60_000);
    world.switch_off(1);
    send(&mut world, 0, bob, 2);
    world.run_for(30_000);
    done(&mut world, 0, delete(bob, about(alice, 2), true));
    world.run_for(30_000);
    world.switch_on(1);
    world.run_for(60_000);
    assert_eq!(hold(&world, "message 2"), [0_usize; 0]);
    let repaired = |line: &chopar_engine::view::Line| {
        line.body == chopar_engine::view::LineBody::Notice(chopar_engine::view::Notice::Repaired)
    };
    assert!(
        !common::lines(&mut world, 1, alice).iter().any(repaired),
        "nothing is missed"
    );
    for device in [0, 1, 2, 3] {
        let peer = peer_of(&accounts, device);
        assert!(extra(&mut world, device, peer, 2).unwrap().1.deleted);
    }
}

/// P-166: offline, crashing, reordered, doubled: all devices come to show the same.
#[test]
fn all_devices_converge_whatever_the_order() {
    let faults = Faults {
        delay_ms: 300,
        drop_ms: 15_000,
        crash_ms: 20_000,
        restart_ms: 60_000,
        twice_percent: 10,
    };
    let seeds = if std::env::var_os("CHOPAR_FULL").is_some() {
        60
    } else {
        6
    };
    for seed in 0..seeds {
        let (mut world, accounts) = four_devices(16_600 + seed);
        world.set_faults(faults);
        let mut at = 0;
        for number in 1..=80_u64 {
            at += world.below(2_000);
            let device = world.below(4) as usize;
            let peer = peer_of(&accounts, device);
            // A device writes messages of its own; it edits those of the other own device too, and speaks of everybody's.
            let own = (device + 2 * world.below(2) as usize) % 4;
            let any = world.below(4) as usize;
            let one = 1 + world.below(8) as u8;
            let of = |device: usize| one + 20 * device as u8;
            let anybodys = about(accounts[any % 2], of(any));
            let intent = match world.below(12) {
                0..=3 => said(peer, of(device), one.is_multiple_of(2).then_some(anybodys)),
                4 | 5 => edit(peer, of(own), &format!("edit {number}")),
                6..=8 => {
                    let emoji = ["👍", "🎉", ""][world.below(3) as usize];
                    react(peer, anybodys, emoji)
                }
                9 => delete(peer, about(accounts[device % 2], of(own)), true),
                10 => timer(peer, [0, 3_600, 86_400][world.below(3) as usize]),
                _ => Intent::MarkRead {
                    conversation: peer,
                    up_to: u64::MAX,
                },
            };
            world.ask(device, at, intent);
        }
        world.run_for(at + 60_000);
        world.set_faults(CALM);
        world.run_for(600_000);
        let first = told(&mut world, 0, &accounts);
        assert!(first.len() > 12, "seed {seed}: little was said");
        for device in [1, 2, 3] {
            assert_eq!(
                told(&mut world, device, &accounts),
                first,
                "seed {seed}, device {device}"
            );
        }
        let timers: Vec<u32> = (0..4)
            .map(|device| world.persons[device].rows[&peer_of(&accounts, device)].timer)
            .collect();
        assert!(
            timers.iter().all(|timer| *timer == timers[0]),
            "seed {seed}: {timers:?}"
        );
    }
}

/// Sequences that pages of a size have, one after the other, the latest first.
fn paged(world: &mut World, conversation: AccountId, limit: u16) -> Vec<u64> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let asked = Intent::Page {
            conversation,
            before,
            limit,
        };
        let Answer::Page { lines, more } = world.ask_now(0, asked) else {
            panic!("a page")
        };
        assert!(lines.len() <= limit.into());
        all.extend(lines.iter().rev().map(|line| line.sequence));
        before = lines.first().map(|line| line.sequence);
        if !more {
            return all;
        }
        assert!(before.is_some(), "whoever goes on needs a line to go on from");
    }
}

/// P-365: a row that this version cannot show does not end the conversation, wherever a page ends.
#[test]
fn a_row_of_unknown_kind_hides_no_other() {
    /// A record without anything that is known: as many bytes of a field as a newer version may have.
    const UNKNOWN: [u8; 4] = [0x7a, 2, 1, 1];
    let (mut world, accounts) = friends(1_615);
    let bob = accounts[1];
    for number in 1..=6 {
        send(&mut world, 0, bob, number);
    }
    world.run_for(5_000);
    // Nothing of them is in memory after a start.
    world.crash(0);
    world.run_for(5_000);
    let whole = paged(&mut world, bob, 100);
    assert!(whole.len() >= 8);
    for unknown in [
        &whole[0..1],
        &whole[1..2],
        &whole[2..3],
        &whole[3..6],
        &whole[whole.len() - 1..],
    ] {
        let kept = world.persons[0].vault.clone();
        let is = |key: &RecordKey| {
            key.kind == Kind::Line && key.partition == bob.as_bytes() && unknown.contains(&key.sequence)
        };
        let altered = world.persons[0]
            .vault
            .alter(is, |value| *value = UNKNOWN.to_vec());
        assert_eq!(altered, unknown.len());
        let left: Vec<u64> = whole
            .iter()
            .copied()
            .filter(|one| !unknown.contains(one))
            .collect();
        for limit in [1, 2, 3, 100] {
            assert_eq!(
                paged(&mut world, bob, limit),
                left,
                "{limit} a page without {unknown:?}"
            );
        }
        world.persons[0].vault = kept;
    }
}
