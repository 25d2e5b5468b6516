//! Files of messages: said once the relay has them, fetched when somebody wants one, through breaks, crashes and lies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use chopar_engine::simulator::{Faults, World};
use chopar_engine::view::{FileView, Held, LineBody, Reference, SentState, ShownAs};
use chopar_engine::{Answer, Failure, Intent, SealedFile};
use chopar_wire::{AccountId, FileId, MessageId};
use common::{CALM, four_devices, friends, lines, open, state};

/// More than two requests take, and no whole number of chunks.
const LARGE: usize = 2_500_000;

fn content(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|at| ((at * 31) >> 4) as u8 ^ seed).collect()
}

fn send(peer: AccountId, number: u8, text: &str, files: Vec<SealedFile>) -> Intent {
    Intent::SendFiles {
        conversation: peer,
        id: MessageId::new([number; 16]),
        text: text.to_owned(),
        reply_to: None,
        files,
    }
}

fn fetch(conversation: AccountId, author: AccountId, number: u8, file: FileId) -> Intent {
    let id = MessageId::new([number; 16]);
    Intent::FetchFile {
        conversation,
        message: Reference { author, id },
        file,
    }
}

/// The files that a device shows of a message, with its text; `None` where the message is not there.
fn shown(world: &mut World, device: usize, peer: AccountId, number: u8) -> Option<(String, Vec<FileView>)> {
    let wanted = MessageId::new([number; 16]);
    lines(world, device, peer)
        .into_iter()
        .find_map(|line| match line.body {
            LineBody::Own { id, text, extra, .. } | LineBody::Theirs { id, text, extra } if id == wanted => {
                Some((text, extra.files))
            }
            _ => None,
        })
}

fn uploads(world: &World, person: usize) -> usize {
    let records = world.persons[person]
        .vault
        .select(|key| key.kind == chopar_engine::Kind::Upload);
    records.len()
}

/// P-340, P-342.
#[test]
fn a_message_is_said_when_its_files_are_there_and_whoever_has_it_fetches_them() {
    let (mut world, [alice, bob]) = four_devices(2_001);
    let (photo, large) = (content(300, 1), content(LARGE, 2));
    let (first, said_first) = world.seal(0, &photo, "surat.jpg", "image/jpeg");
    let (second, said_second) = world.seal(0, &large, "../../hisobot.pdf", "application/pdf");
    let send = send(bob, 1, "mana", vec![said_first, said_second]);
    assert!(world.ask_now(0, send.clone()) == Answer::Done);
    assert!(
        world.ask_now(0, send) == Answer::Done,
        "the same twice is said once"
    );
    assert_eq!(state(&mut world, 0, bob, 1), (SentState::Waiting, None));
    world.run_for(60_000);
    assert_eq!(state(&mut world, 0, bob, 1).0, SentState::Delivered);
    assert_eq!(uploads(&world, 0), 0);
    assert!(world.persons[0].sealed.is_empty(), "it is at the relay");
    for device in 0..4 {
        let peer = if device % 2 == 0 { bob } else { alice };
        let (text, files) = shown(&mut world, device, peer, 1).unwrap();
        assert_eq!((text.as_str(), files.len()), ("mana", 2));
        let [photo_view, large_view] = &files[..] else {
            panic!("two")
        };
        assert_eq!((photo_view.id, large_view.id), (first, second));
        assert_eq!((photo_view.size, large_view.size), (300, LARGE as u64));
        assert_eq!(large_view.name, "_.._hisobot.pdf");
        assert_eq!(photo_view.shown_as, ShownAs::File, "no sides were said");
        assert!(
            world.persons[device].fetched.is_empty(),
            "nothing is fetched until wanted"
        );
        for (file, content) in [(first, &photo), (second, &large)] {
            assert!(world.ask_now(device, fetch(peer, alice, 1, file)) == Answer::Done);
            assert!(
                world.persons[device].fetched[&file] == *content,
                "device {device}"
            );
        }
    }
    let unknown = fetch(bob, alice, 1, FileId::new([9; 16]));
    assert!(world.ask_now(0, unknown) == Answer::Failed(Failure::NotFound));
}

/// P-341.
#[test]
fn an_upload_survives_breaks_crashes_and_restarts_and_is_said_once() {
    for seed in 0..6 {
        let (mut world, accounts) = friends(2_100 + seed);
        let [alice, bob] = accounts[..] else { panic!("two") };
        world.set_faults(Faults {
            delay_ms: 300,
            drop_ms: 4_000,
            crash_ms: 3_000,
            restart_ms: 20_000,
            twice_percent: 20,
        });
        let mut sent = Vec::new();
        for number in 1..=4u8 {
            let content = content(LARGE / 2 + usize::from(number), number);
            let (file, sealed) = world.seal(0, &content, "a.bin", "");
            world.ask(0, 0, send(bob, number, "", vec![sealed]));
            sent.push((number, file, content));
            world.run_for(2_000);
        }
        world.run_for(240_000);
        world.set_faults(CALM);
        let all = |world: &World| (0..2).all(|person| uploads(world, person) == 0);
        assert!(
            world.run_until(3_600_000, all),
            "seed {seed}: an upload waits for ever"
        );
        world.run_for(120_000);
        for (number, file, content) in sent {
            let of = MessageId::new([number; 16]);
            let theirs = world.persons[1].theirs(&alice);
            let times = theirs.iter().filter(|(id, _)| *id == of).count();
            assert_eq!(times, 1, "seed {seed}, message {number}");
            assert!(world.ask_now(1, fetch(alice, alice, number, file)) == Answer::Done);
            assert!(
                world.persons[1].fetched[&file] == content,
                "seed {seed}, message {number}"
            );
        }
    }
}

/// P-343, T-125.
#[test]
fn a_relay_that_alters_a_file_is_found_out_and_nothing_is_kept() {
    let (mut world, accounts) = friends(2_201);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let content = content(LARGE, 5);
    let (file, sealed) = world.seal(0, &content, "a.bin", "");
    let (other, sealed_other) = world.seal(0, &content, "b.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![sealed, sealed_other])) == Answer::Done);
    world.run_for(60_000);
    let right = world.relay.file_mut(&file).unwrap().clone();
    let foreign = world.relay.file_mut(&other).unwrap().clone();
    let chunk = 65_552;
    let lies: [(&str, Vec<u8>); 5] = [
        ("altered", {
            let mut bytes = right.clone();
            bytes[chunk * 20] ^= 1;
            bytes
        }),
        (
            "moved",
            [&right[chunk..2 * chunk], &right[..chunk], &right[2 * chunk..]].concat(),
        ),
        ("foreign", [&right[..chunk], &foreign[chunk..]].concat()),
        ("another file", foreign.clone()),
        ("cut off", right[..chunk * 3 + 7].to_vec()),
    ];
    for (lie, bytes) in lies {
        *world.relay.file_mut(&file).unwrap() = bytes;
        let id = world.ask(1, 0, fetch(alice, alice, 1, file));
        let answered = |world: &World| world.persons[1].answers.contains_key(&id);
        assert!(world.run_until(3_600_000, answered), "{lie}");
        let answer = &world.persons[1].answers[&id];
        assert!(*answer == Answer::Failed(Failure::RelayMisbehaved), "{lie}");
        assert!(world.persons[1].fetched.is_empty(), "{lie}: nothing is kept");
    }
    *world.relay.file_mut(&file).unwrap() = right;
    assert!(world.ask_now(1, fetch(alice, alice, 1, file)) == Answer::Done);
    assert!(world.persons[1].fetched[&file] == content);
}

/// P-341.
#[test]
fn without_room_at_the_relay_a_message_waits_says_why_and_goes_by_itself() {
    let (mut world, accounts) = friends(2_301);
    let [alice, bob] = accounts[..] else { panic!("two") };
    world.relay.files_full = true;
    let (_, sealed) = world.seal(0, b"hello", "a.txt", "text/plain");
    assert!(world.ask_now(0, send(bob, 1, "", vec![sealed])) == Answer::Done);
    world.run_for(10_000);
    assert_eq!(
        state(&mut world, 0, bob, 1),
        (SentState::Waiting, Some(Held::RelayStorage))
    );
    // What is written meanwhile does not wait behind it.
    assert!(world.ask_now(0, common::text(bob, 2)) == Answer::Done);
    world.run_for(10_000);
    assert!(shown(&mut world, 1, alice, 2).is_some());
    assert!(shown(&mut world, 1, alice, 1).is_none());
    world.relay.files_full = false;
    world.run_for(1_200_000);
    assert!(shown(&mut world, 1, alice, 1).is_some());
    assert!(state(&mut world, 0, bob, 1).0 >= SentState::Sent);
}

/// P-341.
#[test]
fn a_message_that_is_taken_back_before_it_is_said_leaves_nothing() {
    let (mut world, accounts) = friends(2_401);
    let [alice, bob] = accounts[..] else { panic!("two") };
    world.relay.files_full = true;
    let (file, sealed) = world.seal(0, &content(1000, 7), "a.txt", "");
    assert!(world.ask_now(0, send(bob, 1, "maxfiy", vec![sealed])) == Answer::Done);
    world.run_for(5_000);
    let take_back = Intent::Delete {
        conversation: bob,
        message: Reference {
            author: alice,
            id: MessageId::new([1; 16]),
        },
        everyone: true,
    };
    assert!(world.ask_now(0, take_back) == Answer::Done);
    world.relay.files_full = false;
    world.run_for(1_200_000);
    assert_eq!(uploads(&world, 0), 0);
    assert!(!world.persons[0].sealed.contains_key(&file));
    assert!(world.relay.whole_files().is_empty());
    let theirs = shown(&mut world, 1, alice, 1);
    assert!(theirs.is_none_or(|(text, files)| text.is_empty() && files.is_empty()));
}

/// P-341: a host that lost the sealed file says so; the message waits for a person.
#[test]
fn a_sealed_file_that_is_gone_holds_its_message() {
    let (mut world, accounts) = friends(2_501);
    let bob = accounts[1];
    let (file, sealed) = world.seal(0, &content(1000, 8), "a.txt", "");
    let lost = world.persons[0].sealed.remove(&file).unwrap();
    assert!(world.ask_now(0, send(bob, 1, "", vec![sealed])) == Answer::Done);
    world.run_for(10_000);
    assert_eq!(
        state(&mut world, 0, bob, 1),
        (SentState::Waiting, Some(Held::Refused))
    );
    world.persons[0].sealed.insert(file, lost);
    let retry = Intent::Retry {
        conversation: bob,
        id: MessageId::new([1; 16]),
    };
    assert!(world.ask_now(0, retry) == Answer::Done);
    world.run_for(30_000);
    assert_eq!(state(&mut world, 0, bob, 1).0, SentState::Delivered);
}

/// P-340.
#[test]
fn files_beyond_their_bounds_are_not_sent_and_not_taken() {
    let (mut world, accounts) = friends(2_601);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let many: Vec<SealedFile> = (0..11).map(|_| world.seal(0, b"x", "a.txt", "").1).collect();
    for (files, what) in [
        (many.clone(), "eleven"),
        (Vec::new(), "none"),
        (vec![SealedFile(vec![0xff; 9])], "no file"),
        (vec![SealedFile(Vec::new())], "an empty description"),
    ] {
        let failed = world.ask_now(0, send(bob, 1, "text", files));
        assert!(failed == Answer::Failed(Failure::Browser), "{what}");
    }
    // A client that says it all the same is not heard.
    use chopar_wire::prost::Message;
    use chopar_wire::proto::content::{File, Text, payload};
    let text = |id: u8, files: Vec<File>| {
        payload::Content::Text(Text {
            id: vec![id; 16].into(),
            text: "hello".to_owned(),
            files,
            ..Text::default()
        })
    };
    let many: Vec<File> = many
        .iter()
        .map(|file| File::decode(file.0.as_slice()).unwrap())
        .collect();
    open(&mut world, 0, 1, bob);
    world.has_say(0, bob, text(2, many.clone()));
    world.has_say(0, bob, text(3, vec![File::default()]));
    world.has_say(0, bob, text(4, many[..10].to_vec()));
    world.run_for(60_000);
    assert!(shown(&mut world, 1, alice, 2).is_none());
    assert!(shown(&mut world, 1, alice, 3).is_none());
    assert_eq!(shown(&mut world, 1, alice, 4).unwrap().1.len(), 10);
}
