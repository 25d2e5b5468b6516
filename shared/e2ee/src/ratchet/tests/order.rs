//! Late, reversed, lost and repeated messages; the bounds on what is kept.

use std::collections::BTreeMap;

use super::*;

/// P-068.
#[test]
fn a_thousand_messages_in_reverse_all_open_once() {
    let (mut alice, mut bob, mut rng) = pair(10);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let messages: Vec<_> = (0..1000u32)
        .map(|i| alice.encrypt(&i.to_be_bytes(), NOW, &mut rng).unwrap())
        .collect();
    for (i, message) in messages.iter().enumerate().rev() {
        assert_eq!(receive(&mut bob, message).unwrap(), (i as u32).to_be_bytes());
    }
    assert_eq!(bob.skipped_keys(), 0);
    for message in &messages {
        assert_eq!(bob.open(message, NOW).unwrap_err(), OpenError::Duplicate);
    }
}

#[test]
fn blocks_of_thirty_two_in_reverse_across_turns() {
    let (mut alice, mut bob, mut rng) = pair(11);
    for round in 0..8 {
        let block: Vec<_> = (0..32u8)
            .map(|i| alice.encrypt(&[round, i], NOW, &mut rng).unwrap())
            .collect();
        for (i, message) in block.iter().enumerate().rev() {
            assert_eq!(receive(&mut bob, message).unwrap(), [round, i as u8]);
        }
        (alice, bob) = (bob, alice);
    }
}

/// P-067, T-011.
#[test]
fn gaps_up_to_the_limit_and_not_one_beyond() {
    let (mut alice, mut bob, mut rng) = pair(12);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let messages: Vec<_> = (0..=1001)
        .map(|_| alice.encrypt(b"x", NOW, &mut rng).unwrap())
        .collect();
    let before = bob.to_record();
    assert_eq!(
        bob.open(&messages[1001], NOW).unwrap_err(),
        OpenError::SkipLimit { wanted: 1001 }
    );
    // Authentic in every part, and refused before a single key is derived.
    let far = forgery::forged(&alice, 100_000, |_| (), &mut rng);
    assert_eq!(
        bob.open(&far, NOW).unwrap_err(),
        OpenError::SkipLimit { wanted: 100_000 }
    );
    assert_eq!(bob.to_record(), before);
    let mut tags: BTreeMap<_, _> = bob.expected_tags().collect();
    let opened = bob.open(&messages[1000], NOW).unwrap();
    let changes = bob.commit(opened.draft).unwrap();
    assert_eq!(bob.skipped_keys(), 1000);
    tags.retain(|tag, _| !changes.removed.contains(tag));
    tags.extend(changes.added);
    assert_eq!(tags, bob.expected_tags().collect());
    assert!(
        messages[..1000]
            .iter()
            .all(|m| tags.contains_key(&Tag::of(m).unwrap()))
    );
    // The gap is no end: what is missing still opens.
    receive(&mut bob, &messages[0]).unwrap();
    receive(&mut bob, &messages[1001]).unwrap();
}

/// The end of the old chain and the begin of the new one count together.
/// P-067.
#[test]
fn a_gap_across_a_turn_counts_as_one() {
    for (tail, head, fits) in [(600, 400, true), (600, 401, false), (1001, 0, false)] {
        let (mut alice, mut bob, mut rng) = pair(13);
        ping_pong(&mut alice, &mut bob, &mut rng, 1);
        let first = alice.encrypt(b"first", NOW, &mut rng).unwrap();
        receive(&mut bob, &first).unwrap();
        let lost: Vec<_> = (0..tail)
            .map(|_| alice.encrypt(b"tail", NOW, &mut rng).unwrap())
            .collect();
        let back = bob.encrypt(b"back", NOW, &mut rng).unwrap();
        receive(&mut alice, &back).unwrap();
        let mut new: Vec<_> = (0..=head)
            .map(|_| alice.encrypt(b"head", NOW, &mut rng).unwrap())
            .collect();
        let opened = receive(&mut bob, &new.pop().unwrap());
        if fits {
            opened.unwrap();
            for message in lost.iter().chain(&new) {
                receive(&mut bob, message).unwrap();
            }
        } else {
            assert_eq!(opened, Err(OpenError::SkipLimit { wanted: tail + head }));
        }
    }
}

/// P-067, T-011.
#[test]
fn the_store_of_skipped_keys_is_bounded_and_the_oldest_expire_by_name() {
    let (mut alice, mut bob, mut rng) = pair(14);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let messages: Vec<_> = (0..3003u32)
        .map(|_| alice.encrypt(b"x", NOW, &mut rng).unwrap())
        .collect();
    for at in [1000, 2001, 3002] {
        receive(&mut bob, &messages[at]).unwrap();
    }
    assert_eq!(bob.skipped_keys(), limits::MAX_SKIPPED_KEYS);
    assert_eq!(bob.open(&messages[999], NOW).unwrap_err(), OpenError::Expired);
    assert_eq!(bob.open(&messages[2001], NOW).unwrap_err(), OpenError::Duplicate);
    receive(&mut bob, &messages[1001]).unwrap();
    assert_eq!(bob.open(&messages[1001], NOW).unwrap_err(), OpenError::Duplicate);
    // Beyond the 2,048 numbers remembered singly, used and gone are told apart no longer.
    assert_eq!(bob.open(&messages[0], NOW).unwrap_err(), OpenError::Duplicate);
}

/// P-067.
#[test]
fn skipped_keys_and_old_chains_live_thirty_days() {
    let (mut alice, mut bob, mut rng) = pair(15);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let late = alice.encrypt(b"late", NOW, &mut rng).unwrap();
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let (just, over) = (
        NOW.plus_ms(limits::KEY_LIFETIME_MS - 1),
        NOW.plus_ms(limits::KEY_LIFETIME_MS),
    );
    assert!(bob.open(&late, just).is_ok());
    assert_eq!(bob.open(&late, over).unwrap_err(), OpenError::Expired);
    assert_eq!(bob.expire(just), TagChanges::default());
    let gone = bob.expire(over);
    assert_eq!(
        (gone.removed, bob.skipped_keys()),
        (vec![Tag::of(&late).unwrap()], 0)
    );
    assert_eq!(bob.header_trials(), 2, "the superseded chains are gone too");
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
}

/// P-067, P-068.
#[test]
fn five_receiving_chains_are_remembered() {
    let (mut alice, mut bob, mut rng) = pair(16);
    let mut late = Vec::new();
    for _ in 0..6 {
        late.push(alice.encrypt(b"late", NOW, &mut rng).unwrap());
        ping_pong(&mut alice, &mut bob, &mut rng, 1);
    }
    assert_eq!(bob.open(&late[0], NOW).unwrap_err(), OpenError::UnknownTag);
    for message in &late[1..] {
        assert_eq!(receive(&mut bob, message).unwrap(), b"late");
        assert_eq!(bob.open(message, NOW).unwrap_err(), OpenError::Duplicate);
    }
}

#[test]
fn both_sides_write_at_once() {
    let (mut alice, mut bob, mut rng) = pair(17);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    for _ in 0..50 {
        let a: Vec<_> = (0..3)
            .map(|_| alice.encrypt(b"from alice", NOW, &mut rng).unwrap())
            .collect();
        let b: Vec<_> = (0..2)
            .map(|_| bob.encrypt(b"from bob", NOW, &mut rng).unwrap())
            .collect();
        a.iter()
            .for_each(|m| assert_eq!(receive(&mut bob, m).unwrap(), b"from alice"));
        b.iter()
            .for_each(|m| assert_eq!(receive(&mut alice, m).unwrap(), b"from bob"));
    }
}
