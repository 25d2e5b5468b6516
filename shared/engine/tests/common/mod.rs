//! What every story needs: people who know each other.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

use chopar_engine::simulator::{Faults, World};
use chopar_engine::view::{Extra, Held, Line, LineBody, Notice, Phase, Reference, SentState, Setting};
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

/// Makes an account for a person, and gives its recovery key too.
pub fn onboard_with_key(world: &mut World, person: usize) -> (AccountId, String) {
    let form = Intent::CreateAccount {
        invite: "open".into(),
        handle: format!("person{person}"),
        display_name: format!("Person {person}"),
        device_name: "Browser".into(),
    };
    assert!(world.ask_now(person, form) == Answer::Done);
    let Some(Phase::RecoveryKey { groups, .. }) = world.persons[person].phase.clone() else {
        panic!("a recovery key")
    };
    world.confirm(person);
    (world.persons[person].account().unwrap(), groups.join(" "))
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
        reply_to: None,
        forwarded: false,
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

/// Two people with two devices each, who have talked both ways: Alice at 0 and 2, Bob at 1 and 3.
pub fn four_devices(seed: u64) -> (World, [AccountId; 2]) {
    let mut world = World::new(seed, 4, CALM);
    let accounts = [world.onboard(0), world.onboard(1)];
    for (second, first) in [(2, 0), (3, 1)] {
        world.link(second, first);
        // The next sign-in tells the first device of the second.
        world.drop_connection(first);
    }
    world.run_for(30_000);
    open(&mut world, 0, 1, accounts[1]);
    open(&mut world, 1, 0, accounts[0]);
    world.run_for(10_000);
    send(&mut world, 0, accounts[1], 101);
    world.run_for(60_000);
    send(&mut world, 1, accounts[0], 102);
    world.run_for(60_000);
    (world, accounts)
}

/// Whose conversation a device shows.
pub fn peer_of(accounts: &[AccountId], device: usize) -> AccountId {
    accounts[1 - device % 2]
}

/// Every message and every notice of a timer that a device shows, in one order for all devices, without what differs between
/// them: places, ticks and the moments shown.
pub fn told(world: &mut World, device: usize, accounts: &[AccountId]) -> Vec<String> {
    let (own, peer) = (accounts[device % 2], peer_of(accounts, device));
    let said = |author: AccountId, id: MessageId, text: &str, extra: &Extra| {
        let replies = extra.reply_to.map(|r| (r.author, r.id));
        let Extra {
            forwarded,
            edited,
            deleted,
            reactions,
            lifetime,
            ..
        } = extra;
        format!("{author} {id}: {text:?} {replies:?} {forwarded} {edited} {deleted} {reactions:?} {lifetime}")
    };
    let mut all: Vec<String> = lines(world, device, peer)
        .iter()
        .filter_map(|line| match &line.body {
            LineBody::Own { id, text, extra, .. } => Some(said(own, *id, text, extra)),
            LineBody::Theirs { id, text, extra } => Some(said(peer, *id, text, extra)),
            LineBody::Notice(Notice::TimerChanged { by, seconds }) => {
                Some(format!("timer: {seconds} by {by}"))
            }
            LineBody::Notice(_) => None,
        })
        .collect();
    all.sort();
    all
}

/// What is besides the text about a message that a device shows.
pub fn extra(world: &mut World, device: usize, peer: AccountId, number: u8) -> Option<(String, Extra)> {
    let wanted = MessageId::new([number; 16]);
    lines(world, device, peer)
        .into_iter()
        .find_map(|line| match line.body {
            LineBody::Own { id, text, extra, .. } | LineBody::Theirs { id, text, extra } if id == wanted => {
                Some((text, extra))
            }
            _ => None,
        })
}

pub fn about(author: AccountId, number: u8) -> Reference {
    let id = MessageId::new([number; 16]);
    Reference { author, id }
}

/// Devices whose vault holds a text anywhere.
pub fn hold(world: &World, text: &str) -> Vec<usize> {
    let holds = |device: &usize| {
        let records = world.persons[*device].vault.select(|_| true);
        records.iter().any(|record| {
            let is = |at: &usize| record.value[*at..].starts_with(text.as_bytes());
            // "message 1" is not in "message 101".
            let ends = |at: usize| !record.value.get(at + text.len()).is_some_and(u8::is_ascii_digit);
            (0..record.value.len()).filter(is).any(ends)
        })
    };
    (0..world.persons.len()).filter(holds).collect()
}

/// Asks for something that is done.
pub fn done(world: &mut World, device: usize, intent: Intent) {
    assert!(world.ask_now(device, intent) == Answer::Done);
}

pub fn edit(peer: AccountId, number: u8, text: &str) -> Intent {
    Intent::Edit {
        conversation: peer,
        id: MessageId::new([number; 16]),
        text: text.to_owned(),
    }
}

pub fn react(peer: AccountId, message: Reference, emoji: &str) -> Intent {
    Intent::React {
        conversation: peer,
        message,
        emoji: emoji.to_owned(),
    }
}

pub fn delete(peer: AccountId, message: Reference, everyone: bool) -> Intent {
    Intent::Delete {
        conversation: peer,
        message,
        everyone,
    }
}

pub fn timer(peer: AccountId, seconds: u32) -> Intent {
    Intent::SetTimer {
        conversation: peer,
        seconds,
    }
}

pub fn keep(peer: AccountId, setting: Setting, on: bool) -> Intent {
    Intent::Keep {
        conversation: peer,
        setting,
        on,
    }
}
