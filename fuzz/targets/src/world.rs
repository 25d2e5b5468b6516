//! Bytes as a script of two whole clients and a relay: what is said, connections and frames lost, crashes, a relay that
//! stops, delays that change.
//!
//! Whatever the script says: once all is calm again, everything said is shown on the other side exactly once and its
//! sender's tick says so, nothing waits anywhere, and nothing is damaged.

use std::cell::Cell;
use std::rc::Rc;

use chopar_engine::simulator::{Faults, World};
use chopar_engine::{Intent, Kind};
use chopar_wire::{AccountId, MessageId};

/// Acts of one script: a fuzzer learns more from many short days than from few long ones.
const ACTS: usize = 96;
/// What a calm network needs to carry a frame, in milliseconds.
const CALM: Faults = Faults {
    delay_ms: 20,
    drop_ms: 0,
    crash_ms: 0,
    restart_ms: 0,
    twice_percent: 0,
};
/// How long after the script everything may take, in milliseconds: the longest wait of a client is a day of silence before
/// it doubts a session.
const AFTERWARDS_MS: u64 = 26 * 3_600_000;
/// A tick from which on a message is known to be on the other side.
const DELIVERED: u32 = 2;

/// Plays a script. The byte of an act says in its lowest bit to whom it happens; one byte of an argument follows.
pub fn world(bytes: &[u8]) -> bool {
    let mut world = World::new(1, 2, CALM);
    let accounts = [world.onboard(0), world.onboard(1)];
    for person in [0, 1] {
        world.ask(person, 0, conversation(accounts[1 - person], 1 - person));
    }
    // Frames to each of the two that are yet to be lost.
    let losses = [Rc::new(Cell::new(0)), Rc::new(Cell::new(0))];
    let losing = losses.clone();
    world.tamper = Some(Box::new(move |person, _| {
        let left: u8 = losing[person].get();
        losing[person].set(left.saturating_sub(1));
        left == 0
    }));
    // Whether a frame may be lost and the next one come: what was sent then is shown in the order in which it came.
    let mut lossy = false;
    let mut said = [Vec::new(), Vec::new()];
    for act in bytes.chunks_exact(2).take(ACTS) {
        let (person, argument) = (usize::from(act[0] & 1), act[1]);
        match (act[0] >> 1) % 10 {
            0..3 => {
                let number = said[person].len() as u8;
                let text = format!("{number} of {person}");
                said[person].push(text.clone());
                world.ask(person, 0, message(accounts[1 - person], person, number, text));
            }
            3 => world.drop_connection(person),
            4 => world.crash(person),
            5 => world.set_up(argument & 1 == 1),
            6 => {
                losses[person].set(argument % 8);
                lossy |= argument % 8 > 0;
            }
            7 => world.set_faults(Faults {
                delay_ms: 1 + 16 * u64::from(argument),
                twice_percent: u64::from(argument) / 4,
                ..CALM
            }),
            8 => {
                let peer = accounts[1 - person];
                world.ask(person, 0, looked_at(peer, argument));
            }
            _ => world.run_for(u64::from(argument).pow(2)),
        }
    }
    world.tamper = None;
    world.set_faults(CALM);
    world.set_up(true);
    world.run_for(AFTERWARDS_MS);
    for person in [0, 1] {
        all_is_well(
            &world,
            person,
            &accounts[1 - person],
            &said[person],
            &said[1 - person],
            !lossy,
        );
    }
    assert_eq!(world.relay.waiting(), 0, "envelopes wait at the relay");
    said.iter().all(|said| !said.is_empty())
}

pub(crate) fn conversation(peer: AccountId, number: usize) -> Intent {
    Intent::OpenConversation {
        peer,
        handle: format!("person{number}"),
        display_name: format!("Person {number}"),
    }
}

pub(crate) fn message(conversation: AccountId, person: usize, number: u8, text: String) -> Intent {
    Intent::Send {
        conversation,
        id: MessageId::new([person as u8 + 1, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        text,
        reply_to: None,
        forwarded: false,
    }
}

/// Typing or reading.
fn looked_at(conversation: AccountId, argument: u8) -> Intent {
    match argument & 1 {
        0 => Intent::Typing {
            conversation,
            stopped: argument & 2 == 2,
        },
        _ => Intent::MarkRead {
            conversation,
            up_to: u64::MAX,
        },
    }
}

#[allow(clippy::expect_used, reason = "a target fails by panicking")]
fn all_is_well(
    world: &World,
    number: usize,
    peer: &AccountId,
    own: &[String],
    theirs: &[String],
    in_order: bool,
) {
    let person = &world.persons[number];
    let mut shown: Vec<_> = person.theirs(peer).into_iter().map(|(_, text)| text).collect();
    let mut said = theirs.to_vec();
    if !in_order {
        shown.sort();
        said.sort();
    }
    assert_eq!(shown, said, "shown to {number}");
    let states = person.own_states(peer);
    let texts: Vec<_> = states.iter().map(|(text, _)| text).collect();
    assert_eq!(texts, own.iter().collect::<Vec<_>>(), "said by {number}");
    assert!(states.iter().all(|(_, state)| *state >= DELIVERED), "{states:?}");
    let engine = person.engine.as_ref().expect("up at the end");
    assert_eq!(engine.quarantined(), 0, "unopened at {number}");
    assert!(engine.damage().is_empty(), "damaged at {number}");
    let outbox = person.vault.select(|key| key.kind == Kind::Outbox);
    assert!(outbox.is_empty(), "left in the outbox of {number}");
}
