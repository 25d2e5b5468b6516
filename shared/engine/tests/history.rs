//! What was said goes into a file, and comes back from it on another device of the account.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop"
)]

mod common;

use chopar_e2ee::fixture::rng;
use chopar_e2ee::history::{HistoryHeader, HistoryOpener, HistorySealer};
use chopar_e2ee::recovery::{AccountSecrets, RecoveryKey};
use chopar_engine::intent::Invitee;
use chopar_engine::simulator::World;
use chopar_engine::view::{LineBody, SentState, Setting, Trust};
use chopar_engine::{Answer, Failure, Imported, Intent, Kind};
use chopar_wire::{AccountId, MessageId};

use crate::common::{
    CALM, about, delete, done, edit, extra, keep, lines, onboard_with_key, open, react, send, timer,
};

/// Two people who have talked, and the recovery key of the second.
fn friends_and_key(seed: u64) -> (World, [AccountId; 2], String) {
    let mut world = World::new(seed, 3, CALM);
    let alice = world.onboard(0);
    let (bob, key) = onboard_with_key(&mut world, 1);
    open(&mut world, 0, 1, bob);
    send(&mut world, 0, bob, 1);
    world.run_for(5_000);
    open(&mut world, 1, 0, alice);
    send(&mut world, 1, alice, 2);
    world.run_for(10_000);
    (world, [alice, bob], key)
}

fn secrets(key: &str) -> AccountSecrets {
    RecoveryKey::parse(key).unwrap().account()
}

/// All parts of an export.
fn parts(world: &mut World, person: usize) -> Vec<Vec<u8>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        match world.ask_now(person, Intent::ExportHistory { after }) {
            Answer::HistoryPart { records, next } => {
                all.extend(records);
                after = next;
            }
            _ => panic!("a part"),
        }
        if after.is_none() {
            return all;
        }
    }
}

fn signed(world: &mut World, person: usize, header: [u8; 32]) -> Vec<u8> {
    match world.ask_now(person, Intent::SignHistory { header }) {
        Answer::HistorySigned(record) => record,
        _ => panic!("a signature"),
    }
}

fn export(world: &mut World, person: usize, key: &str) -> Vec<u8> {
    let keys = secrets(key).recovery_keys();
    let Answer::HistoryBegun { recovery, lines } = world.ask_now(person, Intent::BeginHistory) else {
        panic!("what it is sealed to")
    };
    assert_eq!(
        recovery,
        [&keys.x25519.as_bytes()[..], keys.kem.as_bytes()].concat()
    );
    let mut sealer = HistorySealer::new(&keys, &mut rng(1)).unwrap();
    let mut file = sealer.header().to_bytes();
    let first = signed(world, person, sealer.header().digest());
    file.extend(sealer.put(&first).unwrap());
    let parts = parts(world, person);
    assert!(parts.len() as u64 <= lines + 10);
    for record in parts {
        file.extend(sealer.put(&record).unwrap());
    }
    file.extend(sealer.finish());
    file
}

/// The header's digest, and the records.
fn records(file: &[u8], key: &str) -> ([u8; 32], Vec<Vec<u8>>) {
    let header = HistoryHeader::parse(file).unwrap();
    let mut opener = HistoryOpener::new(&header, &secrets(key)).unwrap();
    let chunks = HistoryOpener::chunks(file.len() as u64).unwrap();
    let mut records = Vec::new();
    for (number, chunk) in (1..).zip(file[HistoryHeader::LEN..].chunks(HistoryOpener::STORED)) {
        opener.take(chunk, number == chunks).unwrap();
        while let Some(record) = opener.record().unwrap() {
            records.push(record.to_vec());
        }
    }
    opener.finish().unwrap();
    (header.digest(), records)
}

fn import_records(world: &mut World, person: usize, records: &[Vec<u8>]) -> Imported {
    let mut sum = Imported::default();
    for batch in records.chunks(7) {
        let records = batch.to_vec();
        match world.ask_now(person, Intent::ImportHistory { records }) {
            Answer::HistoryTaken(imported) => {
                sum.added += imported.added;
                sum.known += imported.known;
                sum.left += imported.left;
            }
            _ => panic!("what became of it"),
        }
    }
    sum
}

fn import(world: &mut World, person: usize, file: &[u8], key: &str) -> Imported {
    let (header, records) = records(file, key);
    let first = records[0].clone();
    let answer = world.ask_now(person, Intent::ReadHistory { header, first });
    assert!(matches!(answer, Answer::HistoryOf { .. }));
    import_records(world, person, &records[1..])
}

/// The browser is gone, and the account comes back in another one.
fn recover(world: &mut World, key: &str) {
    world.reset(1);
    world.switch_on(1);
    let intent = Intent::Recover {
        key: key.to_owned(),
        device_name: "New browser".to_owned(),
    };
    assert!(world.ask_now(1, intent) == Answer::Done);
    world.run_for(10_000);
}

/// Messages of a conversation, in order: whose, and what.
fn said(world: &mut World, person: usize, peer: AccountId) -> Vec<(bool, String)> {
    lines(world, person, peer)
        .into_iter()
        .filter_map(|line| match line.body {
            LineBody::Own { text, .. } => Some((true, text)),
            LineBody::Theirs { text, .. } => Some((false, text)),
            LineBody::Notice(_) => None,
        })
        .collect()
}

fn trust(world: &mut World, person: usize, peer: AccountId) -> (String, Trust) {
    match world.ask_now(person, Intent::Person { peer }) {
        Answer::Person(person) => (person.safety_number, person.trust),
        _ => panic!("a person"),
    }
}

/// What an import writes.
fn stored(world: &World, person: usize) -> Vec<(Vec<u8>, u64, Vec<u8>)> {
    let vault = &world.persons[person].vault;
    vault
        .select(|key| {
            matches!(
                key.kind,
                Kind::Line | Kind::Delivery | Kind::Place | Kind::Contact | Kind::Group
            )
        })
        .into_iter()
        .map(|record| (record.key.partition, record.key.sequence, record.value.to_vec()))
        .collect()
}

fn found(world: &mut World, person: usize, query: &str) -> u32 {
    let intent = Intent::Search {
        query: query.to_owned(),
        after: None,
        limit: 10,
    };
    match world.ask_now(person, intent) {
        Answer::Found { total, .. } => total,
        _ => panic!("hits"),
    }
}

/// P-373, P-375, P-376.
#[test]
fn what_was_said_comes_back_with_all_that_was_done_with_it() {
    let (mut world, [alice, bob], key) = friends_and_key(3_701);
    for number in 3..=40 {
        let (from, peer) = if number % 3 == 0 { (0, bob) } else { (1, alice) };
        send(&mut world, from, peer, number);
        world.run_for(3_000);
    }
    done(&mut world, 1, edit(alice, 2, "mended"));
    done(&mut world, 1, react(alice, about(alice, 1), "👍"));
    done(&mut world, 0, delete(bob, about(alice, 3), true));
    done(&mut world, 1, delete(alice, about(alice, 6), false));
    done(&mut world, 1, keep(alice, Setting::Pinned, true));
    let (digits, _) = trust(&mut world, 1, alice);
    let verify = Intent::MarkVerified {
        peer: alice,
        digits: digits.clone(),
        verified: true,
    };
    done(&mut world, 1, verify);
    world.run_for(20_000);
    let before = said(&mut world, 1, alice);
    let changed = [1, 2].map(|number| extra(&mut world, 1, alice, number).unwrap());
    let file = export(&mut world, 1, &key);

    recover(&mut world, &key);
    // Something was said before the file is there.
    send(&mut world, 0, bob, 50);
    world.run_for(10_000);
    assert_eq!(trust(&mut world, 1, alice).1, Trust::Unverified);
    let imported = import(&mut world, 1, &file, &key);
    assert_eq!((imported.added as usize, imported.left), (before.len(), 0));
    let mut expected = before.clone();
    expected.push((false, "message 50".to_owned()));
    assert_eq!(said(&mut world, 1, alice), expected);
    for (number, expected) in [1, 2].into_iter().zip(changed) {
        assert!(extra(&mut world, 1, alice, number).unwrap() == expected);
    }
    assert_eq!(trust(&mut world, 1, alice), (digits, Trust::Verified));
    assert!(world.persons[1].rows[&alice].pinned);
    assert_eq!(world.persons[1].rows[&alice].unread, 1);
    assert_eq!(found(&mut world, 1, "mended"), 1);
    // Nothing of it is sent again, and both go on.
    send(&mut world, 1, alice, 51);
    world.run_for(60_000);
    assert!(
        said(&mut world, 0, bob)
            .ends_with(&[(true, "message 50".to_owned()), (false, "message 51".to_owned())])
    );
    assert!(extra(&mut world, 0, bob, 6).is_some());
    // What is done with an imported message is done with it.
    done(&mut world, 0, react(bob, about(bob, 4), "👋"));
    world.run_for(10_000);
    assert_eq!(extra(&mut world, 1, alice, 4).unwrap().1.reactions.len(), 1);
}

/// P-376.
#[test]
fn the_same_file_twice_changes_nothing_and_what_is_here_wins() {
    let (mut world, [alice, _], key) = friends_and_key(3_702);
    let file = export(&mut world, 1, &key);
    // On the device that wrote it, which went on since.
    done(&mut world, 1, edit(alice, 2, "later"));
    done(&mut world, 1, delete(alice, about(alice, 1), false));
    world.run_for(10_000);
    let before = stored(&world, 1);
    let imported = import(&mut world, 1, &file, &key);
    assert_eq!((imported.added, imported.known, imported.left), (0, 2, 0));
    assert!(stored(&world, 1) == before);
    assert_eq!(said(&mut world, 1, alice), [(true, "later".to_owned())]);

    recover(&mut world, &key);
    let first = import(&mut world, 1, &file, &key);
    assert_eq!((first.added, first.known), (2, 0));
    let once = stored(&world, 1);
    let again = import(&mut world, 1, &file, &key);
    assert_eq!((again.added, again.known, again.left), (0, 2, 0));
    assert!(stored(&world, 1) == once);
}

/// P-376.
#[test]
fn an_import_that_is_interrupted_goes_on_when_the_file_is_read_again() {
    let (mut world, [alice, bob], key) = friends_and_key(3_703);
    for number in 3..=30 {
        let (from, peer) = if number % 2 == 0 { (0, bob) } else { (1, alice) };
        send(&mut world, from, peer, number);
        world.run_for(3_000);
    }
    let before = said(&mut world, 1, alice);
    let file = export(&mut world, 1, &key);
    recover(&mut world, &key);
    let (_, records) = records(&file, &key);
    for (upto, crashed) in [(9, true), (20, true), (records.len(), false)] {
        import_records(&mut world, 1, &records[1..upto]);
        if crashed {
            world.crash(1);
            world.run_for(10_000);
        }
    }
    assert_eq!(said(&mut world, 1, alice), before);
    // And after a restart as well.
    world.crash(1);
    world.run_for(10_000);
    assert_eq!(said(&mut world, 1, alice), before);
    send(&mut world, 0, bob, 60);
    world.run_for(10_000);
    assert_eq!(said(&mut world, 1, alice).len(), before.len() + 1);
}

/// P-375.
#[test]
fn what_disappears_and_what_was_not_said_is_not_exported() {
    let (mut world, [alice, _], key) = friends_and_key(3_704);
    done(&mut world, 1, timer(alice, 3_600));
    send(&mut world, 1, alice, 77);
    world.run_for(10_000);
    done(&mut world, 1, timer(alice, 0));
    world.run_for(10_000);
    world.set_up(false);
    send(&mut world, 1, alice, 88);
    world.run_for(5_000);
    assert_eq!(said(&mut world, 1, alice).len(), 4);
    let all: Vec<u8> = parts(&mut world, 1).concat();
    let holds = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("message 1") && holds("message 2"));
    assert!(!holds("message 77") && !holds("message 88"));
    world.set_up(true);
    world.run_for(30_000);
    let file = export(&mut world, 1, &key);
    let (_, records) = records(&file, &key);
    assert!(records.concat().windows(10).any(|window| window == b"message 88"));
}

/// P-374.
#[test]
fn a_file_that_no_device_of_the_account_wrote_is_named() {
    let (mut world, [alice, _], key) = friends_and_key(3_705);
    let (mallory, _) = onboard_with_key(&mut world, 2);
    let keys = secrets(&key).recovery_keys();
    // Sealing needs nothing secret.
    let header = HistorySealer::new(&keys, &mut rng(4)).unwrap().header().digest();
    let read =
        |world: &mut World, header, first| match world.ask_now(1, Intent::ReadHistory { header, first }) {
            Answer::Failed(failure) => Some(failure),
            _ => None,
        };
    let theirs = signed(&mut world, 2, header);
    assert_eq!(read(&mut world, header, theirs), Some(Failure::HistoryOfOther));
    let own = signed(&mut world, 1, header);
    assert_eq!(read(&mut world, header, own.clone()), None);
    // The beginning of another file, altered bytes, something else.
    assert_eq!(
        read(&mut world, [7; 32], own.clone()),
        Some(Failure::HistoryForged)
    );
    for at in 0..own.len() {
        let mut altered = own.clone();
        altered[at] ^= 1;
        assert!(read(&mut world, header, altered).is_some(), "byte {at}");
    }
    let line = parts(&mut world, 1).pop().unwrap();
    assert_eq!(read(&mut world, header, line), Some(Failure::HistoryForged));
    assert_ne!(alice, mallory);
}

/// P-374.
#[test]
fn a_file_says_which_device_wrote_it_and_that_it_was_removed_since() {
    let (mut world, _, key) = friends_and_key(3_706);
    let file = export(&mut world, 1, &key);
    recover(&mut world, &key);
    let (header, records) = records(&file, &key);
    let read = |world: &mut World| {
        let first = records[0].clone();
        match world.ask_now(1, Intent::ReadHistory { header, first }) {
            Answer::HistoryOf { device, revoked, .. } => (device, revoked),
            _ => panic!("whose it is"),
        }
    };
    assert_eq!(read(&mut world), ("Browser".to_owned(), false));
    let Answer::Devices(devices) = world.ask_now(1, Intent::Devices) else {
        panic!("devices")
    };
    let lost = devices.iter().find(|device| device.name == "Browser").unwrap();
    done(&mut world, 1, Intent::RevokeDevice { device: lost.device });
    world.run_for(10_000);
    assert_eq!(read(&mut world), ("Browser".to_owned(), true));
}

/// P-377.
#[test]
fn a_group_comes_back_with_what_was_said_and_goes_on() {
    let (mut world, [_, bob], key) = friends_and_key(3_707);
    let begin = Intent::CreateGroup {
        wish: [1; 16],
        name: "Hisob".to_owned(),
        members: vec![Invitee::from(bob)],
    };
    let Answer::GroupBegun(group) = world.ask_now(0, begin) else {
        panic!("a group")
    };
    world.run_for(30_000);
    for (from, number) in [(0, 10), (1, 11), (0, 12)] {
        send(&mut world, from, group, number);
        world.run_for(20_000);
    }
    let before = said(&mut world, 1, group);
    assert_eq!(before.len(), 3);
    let file = export(&mut world, 1, &key);
    recover(&mut world, &key);
    let imported = import(&mut world, 1, &file, &key);
    assert_eq!((imported.added, imported.left), (5, 0));
    world.run_for(30_000);
    assert_eq!(said(&mut world, 1, group), before);
    assert!(world.persons[1].rows[&group].group);
    assert_eq!(world.persons[1].rows[&group].name, "Hisob");
    // What was changed before is told by nobody again.
    assert_eq!(lines(&mut world, 1, group).len(), 3);
    send(&mut world, 1, group, 13);
    world.run_for(60_000);
    send(&mut world, 0, group, 14);
    world.run_for(60_000);
    for person in [0, 1] {
        let texts: Vec<_> = said(&mut world, person, group)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        let expected = [10, 11, 12, 13, 14].map(|number| format!("message {number}"));
        assert_eq!(texts, expected, "{person}");
    }
    // A day later it still is.
    world.run_for(48 * 3_600_000);
    assert_eq!(said(&mut world, 1, group).len(), 5);
}

/// P-376: records that nobody's export has.
#[test]
fn what_cannot_be_used_is_counted_and_changes_nothing() {
    let (mut world, [alice, _], key) = friends_and_key(3_708);
    let mut records = parts(&mut world, 1);
    recover(&mut world, &key);
    // Lines before the people they belong to, bytes that are nothing, an empty record.
    records.reverse();
    let before = stored(&world, 1);
    let answer = world.ask_now(
        1,
        Intent::ImportHistory {
            records: vec![vec![0xff; 40], Vec::new(), records[0].clone()],
        },
    );
    let Answer::HistoryTaken(imported) = answer else {
        panic!("what became of it")
    };
    assert_eq!((imported.added, imported.left), (0, 3));
    assert!(stored(&world, 1) == before);
    let many = vec![Vec::new(); 501];
    let answer = world.ask_now(1, Intent::ImportHistory { records: many });
    assert!(answer == Answer::Failed(Failure::Browser));
    // Own messages of the file are shown as they were.
    records.reverse();
    import_records(&mut world, 1, &records);
    let own = |line: chopar_engine::view::Line| match line.body {
        LineBody::Own { id, state, .. } if id == MessageId::new([2; 16]) => Some(state),
        _ => None,
    };
    let state = lines(&mut world, 1, alice).into_iter().find_map(own);
    assert!(state >= Some(SentState::Sent));
}
