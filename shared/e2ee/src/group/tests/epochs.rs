//! Messages in and out of order, epochs that follow each other.

use super::super::limits::{EPOCH_MESSAGES, EPOCH_MS, SUPERSEDED_MS};
use super::*;
use crate::ratchet::{EncryptError, OpenError, Tag};

/// P-130, P-132, P-133.
#[test]
fn messages_open_in_any_order_once_and_by_their_tags() {
    let ((mut ours, mut theirs), mut rng) = (pair(1), rng(2));
    let messages: Vec<_> = (0..40u8).map(|n| ours.encrypt(&[n], &mut rng).unwrap()).collect();
    let mut expected: std::collections::HashSet<Tag> = theirs.expected_tags().collect();
    for (n, message) in [
        (0, &messages[0]),
        (20, &messages[20]),
        (3, &messages[3]),
        (39, &messages[39]),
    ] {
        let known = expected.contains(&Tag::of(message).unwrap());
        assert_eq!(known, n != 20 && n != 39, "message {n}");
        let opened = theirs.open(message, NOW).unwrap();
        assert_eq!(&*opened.plaintext, &[n]);
        let changes = theirs.commit(opened.draft).unwrap();
        expected.retain(|tag| !changes.removed.contains(tag));
        expected.extend(changes.added.iter().map(|(tag, _)| *tag));
        assert_eq!(expected, theirs.expected_tags().collect());
    }
    assert_eq!(theirs.missing(), 36);
    for (n, message) in messages.iter().enumerate() {
        let result = receive(&mut theirs, message);
        match n {
            0 | 3 | 20 | 39 => assert_eq!(result, Err(OpenError::Duplicate)),
            _ => assert_eq!(result, Ok(vec![n as u8])),
        }
    }
    assert_eq!(theirs.missing(), 0);
}

/// P-135.
#[test]
fn an_epoch_ends_after_a_thousand_messages_or_a_week() {
    let ((mut ours, mut theirs), mut rng) = (pair(3), rng(4));
    assert!(!ours.is_worn(NOW) && ours.is_worn(NOW.plus_ms(EPOCH_MS)));
    let mut last = Vec::new();
    for _ in 0..EPOCH_MESSAGES {
        assert!(!ours.is_worn(NOW));
        last = ours.encrypt(b"x", &mut rng).unwrap();
    }
    assert!(ours.is_worn(NOW));
    assert_eq!(ours.encrypt(b"x", &mut rng), Err(EncryptError::CounterExhausted));
    assert!(matches!(
        ours.encrypt(&vec![0; 2 << 20], &mut rng),
        Err(EncryptError::TooLong(_))
    ));
    // The longest gap there can be.
    assert_eq!(receive(&mut theirs, &last), Ok(b"x".to_vec()));
    assert_eq!(theirs.missing(), EPOCH_MESSAGES as usize - 1);
}

/// P-136, T-032: what comes after the end that was announced is refused, what lies before stays readable for a month.
#[test]
fn a_closed_epoch_takes_nothing_beyond_its_end() {
    let ((mut ours, mut theirs), mut rng) = (pair(5), rng(6));
    let said: Vec<_> = (0..5).map(|_| ours.encrypt(b"said", &mut rng).unwrap()).collect();
    let closed = ours.closed();
    assert_eq!(closed.length, 5);
    let after = ours.encrypt(b"with a stolen state", &mut rng).unwrap();
    receive(&mut theirs, &said[0]).unwrap();
    theirs.close(closed.length, NOW);
    assert_eq!(theirs.missing(), 4);
    assert_eq!(receive(&mut theirs, &after), Err(OpenError::Expired));
    // The first word counts.
    theirs.close(99, NOW.plus_ms(1));
    assert_eq!(receive(&mut theirs, &after), Err(OpenError::Expired));
    assert_eq!(receive(&mut theirs, &said[4]), Ok(b"said".to_vec()));
    assert!(!theirs.is_over(NOW.plus_ms(SUPERSEDED_MS - 1)) && theirs.is_over(NOW.plus_ms(SUPERSEDED_MS)));
    let later = NOW.plus_ms(crate::ratchet::limits::KEY_LIFETIME_MS);
    assert_eq!(theirs.open(&said[1], later).err(), Some(OpenError::Expired));
    assert_eq!(theirs.expire(later).removed.len(), 3);
}

/// P-130, T-033: a member that comes later reads from there on; a state that leaked reads nothing of the next epoch.
#[test]
fn what_came_before_and_what_comes_after_stays_closed() {
    let ((mut ours, _), mut rng) = (pair(7), rng(8));
    let before = ours.encrypt(b"before", &mut rng).unwrap();
    let mut late = ReceivingEpoch::begin(*ours.id(), &ours.distribution(None));
    assert_eq!(receive(&mut late, &before), Err(OpenError::Expired));
    let now = ours.encrypt(b"now", &mut rng).unwrap();
    assert_eq!(receive(&mut late, &now), Ok(b"now".to_vec()));

    let leaked = SendingEpoch::from_record(&ours.to_record()).unwrap();
    let id = EpochId {
        generation: 1,
        ..*ours.id()
    };
    let mut next = SendingEpoch::begin(id, NOW, &mut rng);
    let mut theirs = ReceivingEpoch::begin(id, &next.distribution(Some(ours.closed())));
    let secret = next.encrypt(b"after", &mut rng).unwrap();
    let thief = ReceivingEpoch::begin(*leaked.id(), &leaked.distribution(None));
    assert_eq!(thief.open(&secret, NOW).err(), Some(OpenError::UnknownTag));
    let mut leaked = leaked;
    let forged = leaked.encrypt(b"forged", &mut rng).unwrap();
    assert_eq!(receive(&mut theirs, &forged), Err(OpenError::UnknownTag));
    assert_eq!(receive(&mut theirs, &secret), Ok(b"after".to_vec()));
}

/// P-134.
#[test]
fn a_draft_of_another_state_is_not_applied() {
    let ((mut ours, mut theirs), mut rng) = (pair(9), rng(10));
    let (one, two) = (
        ours.encrypt(b"one", &mut rng).unwrap(),
        ours.encrypt(b"two", &mut rng).unwrap(),
    );
    let stale = theirs.open(&two, NOW).unwrap().draft;
    receive(&mut theirs, &one).unwrap();
    assert!(theirs.commit(stale).is_err());
    assert_eq!(receive(&mut theirs, &two), Ok(b"two".to_vec()));
}
