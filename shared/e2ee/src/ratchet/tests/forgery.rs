//! What was altered, cut or made by a peer that breaks the rules.

use rand_core::Rng;

use super::super::header::HeaderTemplate;
use super::super::kem_turn::{KEM_CIPHERTEXT, KemField};
use super::super::primitives::{Chain, with_header};
use super::*;

/// Refused, and the record is the same to the byte.
fn refused(session: &Session, message: &[u8]) -> OpenError {
    let before = session.to_record();
    let error = session.open(message, NOW).err().unwrap();
    assert_eq!(session.to_record(), before);
    error
}

/// Every single bit, every length, every appended byte.
fn no_bit_may_change(session: &Session, message: &[u8]) {
    assert!(session.open(message, NOW).is_ok());
    let before = session.to_record();
    for bit in 0..message.len() * 8 {
        let mut altered = message.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        let error = session.open(&altered, NOW).err().unwrap();
        let expected = match bit / 8 {
            0..16 => OpenError::UnknownTag,
            32 if altered[32] < 2 => match session.open(&altered, NOW).err().unwrap() {
                OpenError::Malformed("too short") => OpenError::Malformed("too short"),
                _ => OpenError::Authentication,
            },
            32 => OpenError::Malformed("header class"),
            _ => OpenError::Authentication,
        };
        assert_eq!(error, expected, "bit {bit}");
    }
    for len in 0..message.len() {
        assert!(session.open(&message[..len], NOW).is_err(), "cut to {len}");
    }
    assert_eq!(
        refused(session, &[message, &[0][..]].concat()),
        OpenError::Authentication
    );
    assert_eq!(session.to_record(), before);
    assert!(session.open(message, NOW).is_ok());
}

/// P-066, T-010.
#[test]
fn no_bit_of_a_message_may_change() {
    let (mut alice, mut bob, mut rng) = pair(20);
    let first = alice.encrypt(b"the first of a chain", NOW, &mut rng).unwrap();
    no_bit_may_change(&bob, &first);
    let skipped = alice.encrypt(b"overtaken", NOW, &mut rng).unwrap();
    let next = alice.encrypt(b"in order", NOW, &mut rng).unwrap();
    receive(&mut bob, &first).unwrap();
    no_bit_may_change(&bob, &next);
    receive(&mut bob, &next).unwrap();
    no_bit_may_change(&bob, &skipped);
}

/// P-066, T-010.
#[test]
fn no_bit_of_a_kem_turn_may_change() {
    let (mut alice, mut bob, mut rng) = pair(21);
    ping_pong(&mut alice, &mut bob, &mut rng, 8);
    let offer = alice.encrypt(b"offer", NOW, &mut rng).unwrap();
    no_bit_may_change(&bob, &offer);
    receive(&mut bob, &offer).unwrap();
    let answer = bob.encrypt(b"answer", NOW, &mut rng).unwrap();
    no_bit_may_change(&alice, &answer);
    receive(&mut alice, &answer).unwrap();
}

#[test]
fn other_sessions_and_noise_are_unknown() {
    let (mut alice, mut bob, mut rng) = pair(22);
    ping_pong(&mut alice, &mut bob, &mut rng, 3);
    let own = alice.encrypt(b"to bob", NOW, &mut rng).unwrap();
    assert_eq!(
        refused(&alice, &own),
        OpenError::UnknownTag,
        "one's own message sent back"
    );
    let mut noise = vec![0; 500];
    rng.fill_bytes(&mut noise);
    noise[32] = 0;
    assert_eq!(refused(&bob, &noise), OpenError::UnknownTag);
    // The same keys, another associated data: another pair of identities.
    let mut other = secrets();
    other.associated_data = b"alice and mallory".to_vec();
    let mallory = Session::responder(other, signed_prekey(), NOW);
    let (mut alice, _, mut rng) = pair(23);
    let first = alice.encrypt(b"x", NOW, &mut rng).unwrap();
    assert_eq!(refused(&mallory, &first), OpenError::Authentication);
}

/// A message authentic in every part, with a header as `alter` leaves it.
pub(super) fn forged(
    session: &Session,
    number: u32,
    alter: impl FnOnce(&mut Vec<u8>),
    rng: &mut ChaCha20Rng,
) -> Vec<u8> {
    let mut header = session.sending.as_ref().unwrap().template.as_bytes().to_vec();
    alter(&mut header);
    with_header(session, Chain::Current, number, &header, b"forged", rng).unwrap()
}

/// P-007, T-008.
#[test]
fn a_low_order_ratchet_key_is_refused_by_name() {
    let (mut alice, bob, mut rng) = pair(24);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    for low in [[0; 32], std::array::from_fn(|i| u8::from(i == 0))] {
        let message = forged(&alice, 1, |header| header[..32].copy_from_slice(&low), &mut rng);
        assert_eq!(refused(&bob, &message), OpenError::NonContributory);
    }
    let message = forged(&alice, 1, |header| header[31] |= 0x80, &mut rng);
    assert_eq!(refused(&bob, &message), OpenError::Malformed("ratchet key"));
}

#[test]
fn a_peer_that_breaks_the_rules_is_named() {
    let (mut alice, mut bob, mut rng) = pair(25);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    let unknown_chain = forged(&alice, 0, |header| header[35] = 1, &mut rng);
    assert_eq!(
        refused(&bob, &unknown_chain),
        OpenError::Malformed("length of the previous chain")
    );
    let flags = forged(&alice, 0, |header| header[40] = 3, &mut rng);
    assert_eq!(refused(&bob, &flags), OpenError::Malformed("KEM area"));
    let answer = KemField::Answer(Box::new([0; KEM_CIPHERTEXT]));
    let own = alice.own.as_ref().unwrap().public;
    let uncalled = HeaderTemplate::new(&own, 0, &answer).as_bytes().to_vec();
    let uncalled = forged(&alice, 0, |header| *header = uncalled, &mut rng);
    assert_eq!(
        refused(&bob, &uncalled),
        OpenError::Malformed("a KEM answer to nothing")
    );

    // A chain said to be shorter than what came of it.
    let (mut alice, _, _) = pair(26);
    let there = alice.encrypt(b"there", NOW, &mut rng).unwrap();
    receive(&mut bob, &there).unwrap();
    let back = bob.encrypt(b"back", NOW, &mut rng).unwrap();
    receive(&mut alice, &back).unwrap();
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    let shorter = forged(&alice, 0, |header| header[35] = 0, &mut rng);
    assert_eq!(
        refused(&bob, &shorter),
        OpenError::Malformed("length of the previous chain")
    );
}

/// An offer must be answered by the very next turn; a peer that does not is refused, whatever it sends.
/// P-062.
#[test]
fn an_unanswered_kem_key_is_refused() {
    let (mut alice, mut bob, mut rng) = pair(27);
    ping_pong(&mut alice, &mut bob, &mut rng, 8);
    let offer = alice.encrypt(b"offer", NOW, &mut rng).unwrap();
    receive(&mut bob, &offer).unwrap();
    bob.kem = super::super::kem_turn::KemState::Idle(super::super::kem_turn::Idle);
    let silent = bob.encrypt(b"no answer", NOW, &mut rng).unwrap();
    assert_eq!(
        refused(&alice, &silent),
        OpenError::Malformed("the offered KEM key is unanswered")
    );
}
