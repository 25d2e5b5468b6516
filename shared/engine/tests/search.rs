//! What was said is found as it is shown now: what was edited, deleted or has disappeared is not.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

mod common;

use chopar_engine::search::Position;
use chopar_engine::simulator::World;
use chopar_engine::view::Hit;
use chopar_engine::{Answer, Intent};
use chopar_wire::MessageId;

use crate::common::{about, delete, done, edit, friends, peer_of, send, timer};

/// A page of hits, and what the next one comes after.
fn search(
    world: &mut World,
    person: usize,
    query: &str,
    after: Option<Position>,
) -> (Vec<Hit>, u32, Option<Position>) {
    let intent = Intent::Search {
        query: query.to_owned(),
        after,
        limit: 2,
    };
    match world.ask_now(person, intent) {
        Answer::Found {
            hits, total, last, ..
        } => (hits, total, last),
        _ => panic!("hits"),
    }
}

fn texts(world: &mut World, person: usize, query: &str) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (hits, _, last) = search(world, person, query, after);
        all.extend(hits.into_iter().map(|hit| hit.text));
        after = last;
        if after.is_none() {
            return all;
        }
    }
}

/// P-364.
#[test]
fn hits_say_where_and_whose_they_are_and_come_in_pages() {
    let (mut world, accounts) = friends(2_601);
    let [alice, bob] = accounts[..] else { panic!("two") };
    for number in 1..=4 {
        send(&mut world, 0, bob, number);
        world.run_for(2_000);
    }
    let (hits, total, last) = search(&mut world, 1, "MESS", None);
    assert_eq!((hits.len(), total), (2, 6));
    assert!(last.is_some());
    assert_eq!(hits[0].text, "message 4");
    assert!(hits[0].conversation == alice && hits[0].author == Some(alice));
    assert!(hits[0].time >= hits[1].time);
    assert_eq!(
        texts(&mut world, 0, "message"),
        [
            "message 4",
            "message 3",
            "message 2",
            "message 1",
            "message 102",
            "message 101"
        ]
    );
    assert_eq!(texts(&mut world, 0, "mess 102"), ["message 102"]);
    let (own, ..) = search(&mut world, 0, "message 4", None);
    assert!(own[0].author.is_none() && own[0].conversation == bob);
    for nothing in ["", " ", "'", "massage"] {
        assert_eq!(search(&mut world, 0, nothing, None).1, 0, "{nothing}");
    }
}

/// P-362, T-130.
#[test]
fn what_is_edited_deleted_or_has_disappeared_is_not_found_any_more() {
    let (mut world, accounts) = friends(2_602);
    let [alice, bob] = accounts[..] else { panic!("two") };
    for number in 1..=3 {
        send(&mut world, 0, bob, number);
    }
    // Bob deletes what he has.
    world.run_for(10_000);
    done(&mut world, 0, edit(bob, 1, "тестирование завтра"));
    done(&mut world, 0, delete(bob, about(alice, 2), true));
    done(&mut world, 1, delete(alice, about(alice, 3), false));
    done(&mut world, 0, timer(bob, 60));
    let brief = Intent::Send {
        conversation: bob,
        id: MessageId::new([7; 16]),
        text: "qisqa gap".into(),
        reply_to: None,
        forwarded: false,
    };
    done(&mut world, 0, brief);
    world.run_for(10_000);
    for person in [0, 1] {
        assert_eq!(texts(&mut world, person, "тест"), ["тестирование завтра"]);
        assert!(
            texts(&mut world, person, "message 1")
                .iter()
                .all(|text| text.starts_with("message 10"))
        );
        assert!(
            texts(&mut world, person, "message 2")
                .iter()
                .all(|text| text != "message 2")
        );
        assert_eq!(texts(&mut world, person, "қисқа"), ["qisqa gap"]);
        let peer = peer_of(&[alice, bob], person);
        assert!(
            search(&mut world, person, "message", None)
                .0
                .iter()
                .all(|hit| hit.conversation == peer)
        );
    }
    assert_eq!(texts(&mut world, 0, "message 3").len(), 1);
    assert!(texts(&mut world, 1, "message 3").is_empty());
    world.run_for(120_000);
    assert!(texts(&mut world, 0, "qisqa").is_empty(), "its time is over");
}
