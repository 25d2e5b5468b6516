//! Signals: recognised, authenticated, and free of consequences for the chain.

use super::super::limits::SIGNAL_RESTORE_JUMP;
use super::*;

fn signal(session: &mut Session, to: &mut Session, text: &[u8], rng: &mut ChaCha20Rng) -> TagChanges {
    let sealed = session.seal_signal(text, NOW, rng).unwrap();
    let opened = to.open_signal(&sealed, NOW).unwrap();
    assert_eq!((&opened.plaintext[..], opened.sent_at), (text, NOW));
    to.commit(opened.draft).unwrap()
}

/// P-069.
#[test]
fn signals_do_not_advance_the_chain() {
    let (mut alice, mut bob, mut rng) = pair(50);
    ping_pong(&mut alice, &mut bob, &mut rng, 2);
    let before = format!("{alice:?}{bob:?}");
    for _ in 0..300 {
        signal(&mut alice, &mut bob, b"typing", &mut rng);
        signal(&mut bob, &mut alice, b"seen", &mut rng);
    }
    assert_eq!(format!("{alice:?}{bob:?}"), before);
    ping_pong(&mut alice, &mut bob, &mut rng, 2);
}

/// A responder acknowledges before it ever writes, and goes on under the same key when it does.
#[test]
fn a_responder_signals_before_it_writes() {
    let (mut alice, mut bob, mut rng) = pair(51);
    let first = alice.encrypt(b"first", NOW, &mut rng).unwrap();
    receive(&mut bob, &first).unwrap();
    assert!(!alice.is_confirmed());
    for _ in 0..5 {
        signal(&mut bob, &mut alice, b"acknowledged", &mut rng);
    }
    assert!(alice.is_confirmed());
    let early = bob.seal_signal(b"overtaken", NOW, &mut rng).unwrap();
    let back = bob.encrypt(b"back", NOW, &mut rng).unwrap();
    receive(&mut alice, &back).unwrap();
    assert_eq!(
        alice.open_signal(&early, NOW).unwrap().plaintext[..],
        *b"overtaken"
    );
    signal(&mut bob, &mut alice, b"again", &mut rng);
}

/// The tags a receiver expects are the tags that come, one after another, across turns.
/// P-069.
#[test]
fn signals_are_recognised_by_tag() {
    let (mut alice, mut bob, mut rng) = pair(52);
    let mut tags: std::collections::BTreeMap<_, _> = bob.expected_tags().collect();
    for round in 0..10 {
        let there = alice.encrypt(b"there", NOW, &mut rng).unwrap();
        let opened = bob.open(&there, NOW).unwrap();
        let mut changes = vec![bob.commit(opened.draft).unwrap()];
        for _ in 0..20 {
            let sealed = alice.seal_signal(b"typing", NOW, &mut rng).unwrap();
            for change in changes.drain(..) {
                tags.retain(|tag, _| !change.removed.contains(tag));
                tags.extend(change.added);
            }
            assert_eq!(
                tags.get(&Tag::of(&sealed).unwrap()),
                Some(&TagKind::Signal),
                "round {round}"
            );
            let opened = bob.open_signal(&sealed, NOW).unwrap();
            changes.push(bob.commit(opened.draft).unwrap());
        }
        for change in changes {
            tags.retain(|tag, _| !change.removed.contains(tag));
            tags.extend(change.added);
        }
        assert_eq!(tags, bob.expected_tags().collect());
        let back = bob.encrypt(b"back", NOW, &mut rng).unwrap();
        receive(&mut alice, &back).unwrap();
    }
}

/// P-071: a sender that restarts jumps ahead; the first signal is tried, the rest recognised again. No tag twice, however
/// often it restarts from what was saved when it had to be.
#[test]
fn a_restart_spends_no_tag_twice() {
    let (mut alice, mut bob, mut rng) = pair(53);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    let mut saved = alice.to_record();
    let mut seen = std::collections::BTreeSet::new();
    let mut saves = 0;
    for life in 0..5 {
        for i in 0..20 {
            let sealed = alice.seal_signal(b"x", NOW, &mut rng).unwrap();
            if alice.signal_wants_saving() {
                saved = alice.to_record();
                saves += 1;
            }
            assert!(seen.insert(Tag::of(&sealed).unwrap()), "life {life}, signal {i}");
            let expected = bob
                .expected_tags()
                .any(|(tag, _)| tag == Tag::of(&sealed).unwrap());
            assert_eq!(expected, life == 0 || i > 0);
            let opened = bob.open_signal(&sealed, NOW).unwrap();
            bob.commit(opened.draft).unwrap();
        }
        alice = Session::from_record(&saved).unwrap();
    }
    assert_eq!(saves, 4, "once in each life after the first");
    for _ in 0..3 * SIGNAL_RESTORE_JUMP {
        alice.seal_signal(b"x", NOW, &mut rng).unwrap();
        saves += u32::from(alice.signal_wants_saving());
    }
    assert_eq!(saves, 4 + 3, "and once in so many");
}

/// P-069, T-010.
#[test]
fn altered_and_foreign_signals_are_refused() {
    let (mut alice, mut bob, mut rng) = pair(54);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let sealed = alice.seal_signal(b"typing", NOW, &mut rng).unwrap();
    let before = bob.to_record();
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 128 {
            OpenError::UnknownTag
        } else {
            OpenError::Authentication
        };
        assert_eq!(bob.open_signal(&altered, NOW).unwrap_err(), expected);
    }
    for len in 0..sealed.len() {
        assert!(bob.open_signal(&sealed[..len], NOW).is_err());
    }
    assert_eq!(
        alice.open_signal(&sealed, NOW).unwrap_err(),
        OpenError::UnknownTag
    );
    // A signal is no message and a message no signal.
    let message = alice.encrypt(b"a message", NOW, &mut rng).unwrap();
    assert!(bob.open(&sealed, NOW).is_err());
    assert_eq!(bob.open_signal(&message, NOW).unwrap_err(), OpenError::UnknownTag);
    assert_eq!(bob.to_record(), before);
}
