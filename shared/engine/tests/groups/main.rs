//! Groups of simulated people: what they see of each other, whatever the relay does.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on must stop"
)]

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod churn;
mod deeds;
mod features;
mod hostile;
mod mending;
mod stories;

use chopar_engine::intent::{GroupChange, Invitee};
use chopar_engine::simulator::World;
use chopar_engine::view::{GroupView, Line, LineBody, Notice};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::{AccountId, MessageId};

use crate::common::{lines, open, people};

/// How long everything settles, in milliseconds.
const SETTLE: u64 = 12_000;

/// So many people who know each other, and the group of all of them, made by the first.
fn group(seed: u64, count: usize) -> (World, Vec<AccountId>, AccountId) {
    let (mut world, accounts) = people(seed, count);
    for other in 1..count {
        open(&mut world, 0, other, accounts[other]);
        open(&mut world, other, 0, accounts[0]);
    }
    let conversation = begin(&mut world, 0, 1, accounts[1..].to_vec());
    (world, accounts, conversation)
}

fn begin(world: &mut World, person: usize, wish: u8, members: Vec<AccountId>) -> AccountId {
    let known = groups(world, person);
    let intent = Intent::CreateGroup {
        wish: [wish; 16],
        name: "Hisob-kitob".to_owned(),
        members: members.into_iter().map(Invitee::from).collect(),
    };
    let Answer::GroupBegun(conversation) = world.ask_now(person, intent) else {
        panic!("a group was not made")
    };
    world.run_for(SETTLE);
    assert!(!known.contains(&conversation), "a new conversation");
    assert!(groups(world, person).contains(&conversation));
    conversation
}

fn add(people: Vec<AccountId>) -> GroupChange {
    GroupChange::Add(people.into_iter().map(Invitee::from).collect())
}

fn groups(world: &World, person: usize) -> Vec<AccountId> {
    let rows = world.persons[person].rows.values();
    rows.filter(|row| row.group).map(|row| row.peer).collect()
}

fn change(world: &mut World, person: usize, conversation: AccountId, change: GroupChange) -> Answer {
    let answer = world.ask_now(person, Intent::ChangeGroup { conversation, change });
    world.run_for(SETTLE);
    answer
}

fn view(world: &mut World, person: usize, conversation: AccountId) -> GroupView {
    match world.ask_now(person, Intent::Group { conversation }) {
        Answer::Group(view) => *view,
        Answer::Failed(failure) => panic!("no group: {failure:?}"),
        _ => panic!("a group"),
    }
}

fn say(world: &mut World, person: usize, conversation: AccountId, text: &str) {
    assert!(
        try_say(world, person, conversation, text) == Answer::Done,
        "{text}"
    );
    world.run_for(SETTLE);
}

fn try_say(world: &mut World, person: usize, conversation: AccountId, text: &str) -> Answer {
    let intent = Intent::Send {
        conversation,
        id: id_of(text),
        text: text.to_owned(),
        reply_to: None,
        forwarded: false,
    };
    world.ask_now(person, intent)
}

/// Every text of a story is said once. One that is looked for in what is kept has more than 16 bytes: a shorter one is its id.
fn id_of(text: &str) -> MessageId {
    let mut id = [0u8; 16];
    for (at, byte) in text.bytes().enumerate() {
        id[at % 16] = id[at % 16].wrapping_mul(31).wrapping_add(byte);
    }
    MessageId::new(id)
}

/// What somebody reads in a group, by whom.
fn reads(
    world: &World,
    person: usize,
    conversation: &AccountId,
    accounts: &[AccountId],
) -> Vec<(usize, String)> {
    let said = world.persons[person].said_by_others(conversation);
    said.into_iter()
        .map(|(author, text)| {
            let who = accounts.iter().position(|account| *account == author);
            (who.expect("one of them"), text)
        })
        .collect()
}

fn read_texts(world: &World, person: usize, conversation: &AccountId, accounts: &[AccountId]) -> Vec<String> {
    let said = reads(world, person, conversation, accounts);
    said.into_iter().map(|(_, text)| text).collect()
}

fn is_told(world: &mut World, person: usize, conversation: AccountId, is: impl Fn(&Notice) -> bool) -> bool {
    let told = |line: &Line| matches!(&line.body, LineBody::Notice(notice) if is(notice));
    lines(world, person, conversation).iter().any(told)
}

const NOT_ALLOWED: Answer = Answer::Failed(Failure::NotAllowed);
