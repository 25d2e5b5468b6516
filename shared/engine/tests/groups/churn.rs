//! Groups whose people come, go, crash and talk at once, over a network that loses and doubles: all who are in it see the same
//! messages, each once.

use std::collections::BTreeMap;

use chopar_engine::simulator::Faults;

use super::*;

/// How many groups: few in an ordinary run, fifty where the whole is wanted.
fn size() -> u64 {
    if std::env::var_os("CHOPAR_FULL").is_some() {
        50
    } else {
        4
    }
}

/// P-140, P-141, P-142, T-005.
#[test]
fn all_honest_members_see_the_same_messages_each_once() {
    for seed in 200..200 + size() {
        one_group(seed);
    }
}

fn one_group(seed: u64) {
    const PEOPLE: usize = 5;
    let (mut world, accounts, talk) = group(seed, PEOPLE);
    let role = GroupChange::Role {
        account: accounts[1],
        admin: true,
    };
    assert!(change(&mut world, 0, talk, role) == Answer::Done);
    world.set_faults(Faults {
        delay_ms: 200,
        drop_ms: 25_000,
        crash_ms: 40_000,
        restart_ms: 90_000,
        twice_percent: 5,
    });
    // Persons 0 to 2 stay; 3 and 4 come and go.
    let mut said: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut at = 0;
    for number in 0..60 {
        at += world.below(2_000);
        let who = world.below(3) as usize;
        let text = format!("{seed}: {who} says {number}");
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
        id[8..].copy_from_slice(&seed.to_be_bytes());
        let intent = Intent::Send {
            conversation: talk,
            id: MessageId::new(id),
            text: text.clone(),
            reply_to: None,
            forwarded: false,
        };
        world.ask(who, at, intent);
        said.entry(who).or_default().push(text);
        if number % 10 == 5 {
            let (by, whom) = (world.below(2) as usize, accounts[3 + world.below(2) as usize]);
            let change = match world.below(3) {
                0 => GroupChange::Remove(vec![whom]),
                1 => add(vec![whom]),
                _ => GroupChange::Name(format!("Name {number}")),
            };
            world.ask(
                by,
                at,
                Intent::ChangeGroup {
                    conversation: talk,
                    change,
                },
            );
        }
    }
    world.run_for(at + 1_000);
    world.set_faults(Faults {
        delay_ms: 50,
        ..Faults::default()
    });
    world.run_for(3 * 3_600_000);
    for reader in 0..3 {
        let read = reads(&world, reader, &talk, &accounts);
        for (writer, texts) in said.iter().filter(|(writer, _)| **writer != reader) {
            let mut shown: Vec<_> = read
                .iter()
                .filter(|(who, _)| who == writer)
                .map(|(_, text)| text.clone())
                .collect();
            let (mut texts, count) = (texts.clone(), shown.len());
            shown.sort();
            texts.sort();
            assert!(
                shown == texts,
                "seed {seed}: {writer} said {} times, {reader} was shown {count}",
                texts.len()
            );
        }
    }
    // Who came and went saw nothing twice, and nothing that nobody said.
    for reader in 3..PEOPLE {
        let mut read = reads(&world, reader, &talk, &accounts);
        let count = read.len();
        read.sort();
        read.dedup();
        assert_eq!(
            read.len(),
            count,
            "seed {seed}: {reader} was shown something twice"
        );
        assert!(read.iter().all(|(who, text)| said[who].contains(text)));
    }
    let views: Vec<_> = (0..3).map(|person| view(&mut world, person, talk)).collect();
    let facts = |view: &GroupView| {
        let members: Vec<_> = view.members.iter().map(|m| (m.account, m.admin)).collect();
        (view.name.clone(), members, view.trouble.clone())
    };
    assert!(
        views.iter().all(|view| facts(view) == facts(&views[0])),
        "seed {seed}"
    );
    assert_eq!(views[0].trouble, None, "seed {seed}");
    for person in 0..PEOPLE {
        let engine = world.persons[person].engine.as_ref().unwrap();
        assert!(engine.damage().is_empty(), "seed {seed}: damage at {person}");
    }
}
