//! Files of messages: said once the relay has them, fetched when somebody wants one, through breaks, crashes and lies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use chopar_engine::simulator::{Faults, Sealed, World};
use chopar_engine::view::{FileView, Held, LineBody, Reference, SentState, ShownAs};
use chopar_engine::{Answer, Failure, Intent, SealedFile};
use chopar_wire::{AccountId, FileMark, MessageId};
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

fn fetch(conversation: AccountId, author: AccountId, number: u8, file: FileMark) -> Intent {
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
    let one = world.seal(0, &photo, "surat.jpg", "image/jpeg");
    let other = world.seal(0, &large, "../../hisobot.pdf", "application/pdf");
    let (first, second) = (one.mark, other.mark);
    let send = send(bob, 1, "mana", vec![one.said, other.said]);
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
        assert_eq!((photo_view.mark, large_view.mark), (first, second));
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
                world.persons[device].fetched(&file) == Some(content),
                "device {device}"
            );
        }
    }
    let unknown = fetch(bob, alice, 1, FileMark::new([9; 32]));
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
            let Sealed { mark, said, .. } = world.seal(0, &content, "a.bin", "");
            world.ask(0, 0, send(bob, number, "", vec![said]));
            sent.push((number, mark, content));
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
                world.persons[1].fetched(&file) == Some(&content),
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
    let Sealed { file, mark, said } = world.seal(0, &content, "a.bin", "");
    let other = world.seal(0, &content, "b.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![said, other.said])) == Answer::Done);
    world.run_for(60_000);
    let other = other.file;
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
        // Nobody can tell it from a sender who uploads such a file; a relay that gives nothing is another matter.
        let failure = match lie {
            "cut off" => Failure::RelayMisbehaved,
            _ => Failure::FileDamaged,
        };
        *world.relay.file_mut(&file).unwrap() = bytes;
        let id = world.ask(1, 0, fetch(alice, alice, 1, mark));
        let answered = |world: &World| world.persons[1].answers.contains_key(&id);
        assert!(world.run_until(3_600_000, answered), "{lie}");
        let answer = &world.persons[1].answers[&id];
        assert!(*answer == Answer::Failed(failure), "{lie}");
        assert!(world.persons[1].fetched.is_empty(), "{lie}: nothing is kept");
    }
    *world.relay.file_mut(&file).unwrap() = right;
    assert!(world.ask_now(1, fetch(alice, alice, 1, mark)) == Answer::Done);
    assert!(world.persons[1].fetched(&mark) == Some(&content));
}

/// P-341.
#[test]
fn without_room_at_the_relay_a_message_waits_says_why_and_goes_by_itself() {
    let (mut world, accounts) = friends(2_301);
    let [alice, bob] = accounts[..] else { panic!("two") };
    world.relay.files_full = true;
    let sealed = world.seal(0, b"hello", "a.txt", "text/plain");
    assert!(world.ask_now(0, send(bob, 1, "", vec![sealed.said])) == Answer::Done);
    world.run_for(10_000);
    assert_eq!(
        state(&mut world, 0, bob, 1),
        (SentState::Waiting, Some(Held::FilesFull))
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
    let Sealed { file, said, .. } = world.seal(0, &content(1000, 7), "a.txt", "");
    assert!(world.ask_now(0, send(bob, 1, "maxfiy", vec![said])) == Answer::Done);
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
    let Sealed { file, said, .. } = world.seal(0, &content(1000, 8), "a.txt", "");
    let lost = world.persons[0].sealed.remove(&file).unwrap();
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    world.run_for(10_000);
    assert_eq!(
        state(&mut world, 0, bob, 1),
        (SentState::Waiting, Some(Held::FileLost))
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
    let many: Vec<SealedFile> = (0..11).map(|_| world.seal(0, b"x", "a.txt", "").said).collect();
    for (files, what) in [
        (many.clone(), "eleven"),
        (vec![many[0].clone(), many[0].clone()], "one twice"),
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
    world.has_say(0, bob, text(5, vec![many[0].clone(), many[0].clone()]));
    world.has_say(0, bob, text(4, many[..10].to_vec()));
    world.run_for(60_000);
    assert!(shown(&mut world, 1, alice, 2).is_none());
    assert!(shown(&mut world, 1, alice, 3).is_none());
    assert!(shown(&mut world, 1, alice, 5).is_none(), "one twice");
    assert_eq!(shown(&mut world, 1, alice, 4).unwrap().1.len(), 10);
}

/// P-344.
#[test]
fn what_was_opened_goes_with_its_message() {
    for everyone in [true, false] {
        let (mut world, accounts) = friends(2_701);
        let [alice, bob] = accounts[..] else { panic!("two") };
        let (one, other) = (content(LARGE, 1), content(300, 2));
        let (one, other) = (
            world.seal(0, &one, "a.bin", ""),
            world.seal(0, &other, "b.bin", ""),
        );
        let marks = [one.mark, other.mark];
        assert!(world.ask_now(0, send(bob, 1, "", vec![one.said, other.said])) == Answer::Done);
        world.run_for(60_000);
        assert!(world.ask_now(1, fetch(alice, alice, 1, marks[1])) == Answer::Done);
        // One is whole, and another on its way.
        let waits = world.ask(1, 0, fetch(alice, alice, 1, marks[0]));
        let begun = |world: &World| world.persons[1].fetched.len() == 2;
        assert!(world.run_until(60_000, begun));
        let (device, peer) = if everyone { (0, bob) } else { (1, alice) };
        common::done(
            &mut world,
            device,
            common::delete(peer, common::about(alice, 1), everyone),
        );
        world.run_for(60_000);
        assert!(world.persons[1].fetched.is_empty(), "for everyone: {everyone}");
        let answer = &world.persons[1].answers[&waits];
        assert!(matches!(answer, Answer::Done | Answer::Failed(Failure::NotFound)));
        let records = |kind| world.persons[1].vault.select(|key| key.kind == kind).len();
        assert_eq!(records(chopar_engine::Kind::OpenedFile), 0);
    }
}

/// P-344.
#[test]
fn what_was_opened_goes_when_its_message_disappears() {
    let (mut world, accounts) = friends(2_702);
    let [alice, bob] = accounts[..] else { panic!("two") };
    common::done(&mut world, 0, common::timer(bob, 30));
    world.run_for(10_000);
    let Sealed { mark, said, .. } = world.seal(0, &content(300, 1), "a.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    world.run_for(10_000);
    let read = Intent::MarkRead {
        conversation: alice,
        up_to: u64::MAX,
    };
    common::done(&mut world, 1, read);
    assert!(world.ask_now(1, fetch(alice, alice, 1, mark)) == Answer::Done);
    assert!(world.persons[1].fetched(&mark).is_some());
    world.run_for(60_000);
    assert!(shown(&mut world, 1, alice, 1).is_none());
    assert!(world.persons[1].fetched.is_empty());
}

/// P-344: what a host could not be told any more.
#[test]
fn what_was_left_over_by_a_crash_goes_at_the_next_start() {
    let (mut world, accounts) = friends(2_703);
    let [alice, bob] = accounts[..] else { panic!("two") };
    world.relay.files_full = true;
    let Sealed { file, said, .. } = world.seal(0, &content(300, 1), "a.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    let left_over = world.seal(0, &content(300, 2), "b.bin", "").file;
    world.crash(0);
    world.run_for(5_000);
    assert!(world.persons[0].sealed.contains_key(&file), "its message waits");
    assert!(!world.persons[0].sealed.contains_key(&left_over));
    world.relay.files_full = false;
    world.run_for(1_200_000);
    let files = shown(&mut world, 1, alice, 1).unwrap().1;
    assert!(world.ask_now(1, fetch(alice, alice, 1, files[0].mark)) == Answer::Done);
    let home = *world.persons[1].fetched.keys().next().unwrap();
    let gone = chopar_engine::FileHome {
        line: home.line + 100,
        ..home
    };
    world.persons[1].fetched.insert(gone, (vec![1], true));
    world.crash(1);
    world.run_for(5_000);
    let left: Vec<_> = world.persons[1].fetched.keys().copied().collect();
    assert_eq!(left, [home], "and what its line has");
}

/// P-344: a sender names files as they like, and names two alike.
#[test]
fn files_of_one_id_are_told_apart() {
    let (mut world, accounts) = friends(2_704);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let content = content(300, 1);
    let Sealed { mark, said, .. } = world.seal(0, &content, "a.bin", "");
    use chopar_wire::prost::Message;
    use chopar_wire::proto::content::{File, Text, payload};
    let right = File::decode(said.0.as_slice()).unwrap();
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    world.run_for(30_000);
    let wrong = File {
        key: vec![9; 32].into(),
        ..right.clone()
    };
    let text = |id: u8, file: &File| {
        payload::Content::Text(Text {
            id: vec![id; 16].into(),
            files: vec![file.clone()],
            ..Text::default()
        })
    };
    open(&mut world, 0, 1, bob);
    world.has_say(0, bob, text(2, &wrong));
    world.has_say(0, bob, text(3, &right));
    world.run_for(30_000);
    assert!(world.ask_now(1, fetch(alice, alice, 1, mark)) == Answer::Done);
    let wrong = shown(&mut world, 1, alice, 2).unwrap().1[0].mark;
    assert_ne!(wrong, mark);
    let failed = world.ask_now(1, fetch(alice, alice, 2, wrong));
    assert!(failed == Answer::Failed(Failure::FileDamaged), "of its sender");
    assert!(
        world.persons[1].fetched(&mark) == Some(&content),
        "is not touched"
    );
    // The same once more is kept with its own message.
    assert!(world.ask_now(1, fetch(alice, alice, 3, mark)) == Answer::Done);
    assert_eq!(world.persons[1].fetched.len(), 2);
    common::done(
        &mut world,
        1,
        common::delete(alice, common::about(alice, 1), false),
    );
    world.run_for(1_000);
    assert_eq!(world.persons[1].fetched.len(), 1);
    assert!(world.persons[1].fetched(&mark) == Some(&content));
}

/// A large file of Alice's, of which Bob has begun to fetch some.
struct HalfFetched {
    world: World,
    alice: AccountId,
    mark: FileMark,
    content: Vec<u8>,
    /// What Bob asked.
    waits: u64,
}

fn half_fetched(seed: u64) -> HalfFetched {
    let (mut world, accounts) = friends(seed);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let content = content(LARGE, 1);
    let Sealed { mark, said, .. } = world.seal(0, &content, "a.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    world.run_for(60_000);
    let waits = world.ask(1, 0, fetch(alice, alice, 1, mark));
    let begun = |world: &World| !world.persons[1].fetched.is_empty();
    assert!(world.run_until(60_000, begun));
    HalfFetched {
        world,
        alice,
        mark,
        content,
        waits,
    }
}

/// P-343.
#[test]
fn a_full_disk_is_said_and_nothing_is_kept() {
    let HalfFetched {
        mut world,
        alice,
        mark,
        content,
        waits,
    } = half_fetched(2_705);
    world.persons[1].disk_full = true;
    let answered = |world: &World| world.persons[1].answers.contains_key(&waits);
    assert!(world.run_until(60_000, answered));
    assert!(world.persons[1].answers[&waits] == Answer::Failed(Failure::Browser));
    assert!(world.persons[1].fetched.is_empty());
    world.persons[1].disk_full = false;
    assert!(world.ask_now(1, fetch(alice, alice, 1, mark)) == Answer::Done);
    assert!(world.persons[1].fetched(&mark) == Some(&content));
}

/// P-341: taken back while offline, and started anew before the relay could be told.
#[test]
fn files_of_a_message_that_was_taken_back_offline_are_deleted_later() {
    let (mut world, accounts) = friends(2_706);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let Sealed { file, said, .. } = world.seal(0, &content(LARGE, 1), "a.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    let known = |world: &World| world.relay.knows_file(&file);
    assert!(world.run_until(60_000, known));
    world.set_up(false);
    world.run_for(1_000);
    assert_eq!(uploads(&world, 0), 1);
    common::done(&mut world, 0, common::delete(bob, common::about(alice, 1), true));
    assert_eq!(uploads(&world, 0), 0);
    world.crash(0);
    world.run_for(10_000);
    assert!(world.relay.knows_file(&file));
    world.set_up(true);
    world.run_for(600_000);
    assert!(!world.relay.knows_file(&file));
    let ending = world.persons[0]
        .vault
        .select(|key| key.kind == chopar_engine::Kind::EndingFile);
    assert!(ending.is_empty());
}

/// P-341: deleted for everyone once it was said, by its author's other device.
#[test]
fn files_of_a_message_that_is_deleted_for_everyone_are_deleted_at_the_relay() {
    let (mut world, [alice, bob]) = four_devices(2_707);
    let Sealed { file, said, .. } = world.seal(0, &content(300, 1), "a.bin", "");
    let kept = world.seal(0, &content(300, 2), "b.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    assert!(world.ask_now(0, send(bob, 2, "", vec![kept.said])) == Answer::Done);
    world.run_for(30_000);
    // For oneself nothing changes at the relay.
    common::done(
        &mut world,
        1,
        common::delete(alice, common::about(alice, 1), false),
    );
    common::done(&mut world, 0, common::delete(bob, common::about(alice, 2), false));
    world.run_for(30_000);
    assert!(world.relay.knows_file(&file) && world.relay.knows_file(&kept.file));
    common::done(&mut world, 2, common::delete(bob, common::about(alice, 1), true));
    world.run_for(30_000);
    assert!(!world.relay.knows_file(&file));
    assert!(world.relay.knows_file(&kept.file), "another message's");
}

/// P-341: what was sealed for a message that is not sent is not kept either.
#[test]
fn what_was_sealed_for_nothing_goes() {
    let (mut world, accounts) = friends(2_708);
    let bob = accounts[1];
    let one = world.seal(0, &content(300, 1), "a.bin", "");
    let too_long = send(bob, 1, &"x".repeat(8_001), vec![one.said.clone()]);
    assert!(world.ask_now(0, too_long) == Answer::Failed(Failure::TextLength));
    assert!(world.persons[0].sealed.is_empty());
    // A second time under an id that was said already.
    assert!(world.ask_now(0, common::text(bob, 1)) == Answer::Done);
    let other = world.seal(0, &content(300, 2), "b.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![other.said])) == Answer::Done);
    assert!(world.persons[0].sealed.is_empty());
    world.run_for(30_000);
    assert!(world.relay.whole_files().is_empty());
}

/// P-342.
#[test]
fn a_fetch_that_is_stopped_leaves_nothing_and_can_be_asked_for_again() {
    let HalfFetched {
        mut world,
        alice,
        mark,
        content,
        waits,
    } = half_fetched(2_709);
    assert!(!world.persons[1].answers.contains_key(&waits), "it is under way");
    let stop = Intent::StopFetch {
        conversation: alice,
        file: mark,
    };
    common::done(&mut world, 1, stop.clone());
    assert!(world.persons[1].answers[&waits] == Answer::Failed(Failure::Stopped));
    world.run_for(60_000);
    assert!(world.persons[1].fetched.is_empty());
    assert!(world.ask_now(1, fetch(alice, alice, 1, mark)) == Answer::Done);
    common::done(&mut world, 1, stop);
    assert!(
        world.persons[1].fetched(&mark) == Some(&content),
        "what is whole stays"
    );
}

/// P-335, P-343: while it is fetched, and before.
#[test]
fn what_the_relay_has_no_more_is_said_to_be_gone() {
    let HalfFetched {
        mut world,
        alice,
        mark,
        waits,
        ..
    } = half_fetched(2_710);
    let file = world.relay.whole_files()[0];
    world.relay.expire_file(&file);
    let answered = |world: &World| world.persons[1].answers.contains_key(&waits);
    assert!(world.run_until(60_000, answered));
    assert!(world.persons[1].answers[&waits] == Answer::Failed(Failure::NotFound));
    assert!(world.persons[1].fetched.is_empty());
    let failed = world.ask_now(1, fetch(alice, alice, 1, mark));
    assert!(failed == Answer::Failed(Failure::NotFound));
    assert!(shown(&mut world, 1, alice, 1).is_some(), "its message stays");
}

/// P-335, P-341: its time at the relay ran out while the device was away.
#[test]
fn an_upload_that_expired_begins_anew() {
    let (mut world, accounts) = friends(2_711);
    let [alice, bob] = accounts[..] else { panic!("two") };
    let content = content(LARGE, 1);
    let Sealed { file, mark, said } = world.seal(0, &content, "a.bin", "");
    assert!(world.ask_now(0, send(bob, 1, "", vec![said])) == Answer::Done);
    let begun = |world: &World| world.relay.knows_file(&file);
    assert!(world.run_until(60_000, begun));
    world.set_up(false);
    world.run_for(1_000);
    world.relay.expire_file(&file);
    world.set_up(true);
    world.run_for(600_000);
    assert_eq!(state(&mut world, 0, bob, 1).0, SentState::Delivered);
    assert!(world.ask_now(1, fetch(alice, alice, 1, mark)) == Answer::Done);
    assert!(world.persons[1].fetched(&mark) == Some(&content));
}
