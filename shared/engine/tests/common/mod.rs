//! What every story needs: people who know each other.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

use chopar_engine::simulator::{Faults, World};
use chopar_engine::view::{Held, Line, LineBody, SentState};
use chopar_engine::{Answer, Intent};
use chopar_wire::{AccountId, MessageId};

pub const CALM: Faults = Faults {
    delay_ms: 20,
    drop_ms: 0,
    crash_ms: 0,
    restart_ms: 0,
    twice_percent: 0,
};

pub fn people(seed: u64, count: usize) -> (World, Vec<AccountId>) {
    let mut world = World::new(seed, count, CALM);
    let accounts = (0..count).map(|person| world.onboard(person)).collect();
    (world, accounts)
}

/// Two people who have talked both ways.
pub fn friends(seed: u64) -> (World, Vec<AccountId>) {
    let (mut world, accounts) = people(seed, 2);
    open(&mut world, 0, 1, accounts[1]);
    send(&mut world, 0, accounts[1], 101);
    world.run_for(5_000);
    open(&mut world, 1, 0, accounts[0]);
    send(&mut world, 1, accounts[0], 102);
    world.run_for(10_000);
    (world, accounts)
}

pub fn open(world: &mut World, from: usize, to: usize, peer: AccountId) {
    let (handle, display_name) = (format!("person{to}"), format!("Person {to}"));
    let answer = world.ask_now(
        from,
        Intent::OpenConversation {
            peer,
            handle,
            display_name,
        },
    );
    assert!(matches!(answer, Answer::Conversation(_)));
}

pub fn send(world: &mut World, from: usize, peer: AccountId, number: u8) {
    assert!(world.ask_now(from, text(peer, number)) == Answer::Done);
}

pub fn text(peer: AccountId, number: u8) -> Intent {
    Intent::Send {
        conversation: peer,
        id: MessageId::new([number; 16]),
        text: format!("message {number}"),
    }
}

pub fn lines(world: &mut World, person: usize, peer: AccountId) -> Vec<Line> {
    match world.ask_now(
        person,
        Intent::Page {
            conversation: peer,
            before: None,
            limit: 100,
        },
    ) {
        Answer::Page { lines, .. } => lines,
        _ => panic!("a page"),
    }
}

/// The state of an own message, and why it waits.
pub fn state(world: &mut World, person: usize, peer: AccountId, number: u8) -> (SentState, Option<Held>) {
    let own = |line: Line| match line.body {
        LineBody::Own { id, state, held, .. } if id == MessageId::new([number; 16]) => Some((state, held)),
        _ => None,
    };
    lines(world, person, peer)
        .into_iter()
        .find_map(own)
        .expect("an own message")
}

pub fn shown(world: &World, person: usize, peer: &AccountId) -> Vec<String> {
    world.persons[person]
        .theirs(peer)
        .into_iter()
        .map(|(_, text)| text)
        .collect()
}
