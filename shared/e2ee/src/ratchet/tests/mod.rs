//! Whole conversations: what only two sessions together can show.

mod bounds;
mod forgery;
mod healing;
#[cfg(feature = "oracle")]
mod oracle;
mod order;
mod random;
mod records;
mod signals;
mod vectors;
mod wire;

use chopar_wire::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::handshake::HandshakeSecrets;
use crate::keys::{Secret32, X25519Secret};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn secrets() -> HandshakeSecrets {
    HandshakeSecrets {
        root: Secret32::new([1; 32]),
        initiator_header_key: Secret32::new([2; 32]),
        responder_header_key: Secret32::new([3; 32]),
        associated_data: b"alice and bob".to_vec(),
        responder_ratchet: signed_prekey().public(),
    }
}

fn signed_prekey() -> X25519Secret {
    X25519Secret::from_bytes([4; 32])
}

/// A session before its first message, and a generator.
fn pair(seed: u8) -> (Session, Session, ChaCha20Rng) {
    let alice = Session::initiator(secrets(), NOW);
    let bob = Session::responder(secrets(), signed_prekey(), NOW);
    (alice, bob, ChaCha20Rng::from_seed([seed; 32]))
}

/// Opens and commits.
fn receive(session: &mut Session, message: &[u8]) -> Result<Vec<u8>, OpenError> {
    let opened = session.open(message, NOW)?;
    session.commit(opened.draft).unwrap();
    Ok(opened.plaintext.to_vec())
}

/// One message there, one back, `times` times.
fn ping_pong(a: &mut Session, b: &mut Session, rng: &mut ChaCha20Rng, times: u32) {
    for _ in 0..times {
        let there = a.encrypt(b"ping", NOW, rng).unwrap();
        assert_eq!(receive(b, &there).unwrap(), b"ping");
        let back = b.encrypt(b"pong", NOW, rng).unwrap();
        assert_eq!(receive(a, &back).unwrap(), b"pong");
    }
}

#[test]
fn a_responder_waits_for_the_first_message() {
    let (mut alice, mut bob, mut rng) = pair(1);
    assert_eq!(
        bob.encrypt(b"x", NOW, &mut rng),
        Err(EncryptError::NothingReceived)
    );
    assert!(!alice.is_confirmed() && !bob.is_confirmed());
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    assert!(alice.is_confirmed() && bob.is_confirmed());
    assert_eq!(alice.id(), bob.id());
}

#[test]
fn the_debug_form_shows_counters_only() {
    let (mut alice, mut bob, mut rng) = pair(2);
    ping_pong(&mut alice, &mut bob, &mut rng, 3);
    insta::assert_snapshot!(format!("{alice:?}"), @r#"Session { created: Timestamp(1800000000000), confirmed: true, turn_due: true, sent_in_chain: 1, receiving: [(2, 1), (1, 1), (0, 1)], skipped: 0, kem: "idle", messages_since_exchange: 6, .. }"#);
}

/// P-066.
#[test]
fn a_stale_draft_is_refused_and_changes_nothing() {
    let (mut alice, mut bob, mut rng) = pair(3);
    let first = alice.encrypt(b"first", NOW, &mut rng).unwrap();
    let second = alice.encrypt(b"second", NOW, &mut rng).unwrap();
    let (one, two) = (bob.open(&first, NOW).unwrap(), bob.open(&second, NOW).unwrap());
    bob.commit(one.draft).unwrap();
    let before = bob.to_record();
    assert_eq!(bob.commit(two.draft), Err(StaleDraft));
    assert_eq!(bob.to_record(), before);
    let two = bob.open(&second, NOW).unwrap();
    bob.encrypt(b"meanwhile", NOW, &mut rng).unwrap();
    assert_eq!(bob.commit(two.draft), Err(StaleDraft));
    assert_eq!(receive(&mut bob, &second).unwrap(), b"second");
}

/// P-067, T-011.
#[test]
fn counters_stop_hard() {
    let (mut alice, mut bob, mut rng) = pair(4);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    alice.sending.as_mut().unwrap().number = limits::COUNTER_STOP;
    let before = alice.to_record();
    assert_eq!(
        alice.encrypt(b"x", NOW, &mut rng),
        Err(EncryptError::CounterExhausted)
    );
    assert_eq!(alice.to_record(), before);
    assert_eq!(
        alice.encrypt(&vec![0; limits::MAX_PLAINTEXT + 1], NOW, &mut rng),
        Err(EncryptError::TooLong(limits::MAX_PLAINTEXT + 1))
    );
    // A peer that goes on regardless.
    let (mut alice, bob, mut rng) = pair(5);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    let stop = limits::COUNTER_STOP;
    let last = forgery::forged(&alice, stop - 1, |_| (), &mut rng);
    assert_eq!(
        bob.open(&last, NOW).unwrap_err(),
        OpenError::SkipLimit { wanted: stop - 1 }
    );
    let beyond = forgery::forged(&alice, stop, |_| (), &mut rng);
    assert_eq!(bob.open(&beyond, NOW).unwrap_err(), OpenError::CounterExhausted);
}

/// P-062.
#[test]
fn kem_exchanges_ride_every_sixteen_messages_or_each_hour() {
    let (mut alice, mut bob, mut rng) = pair(6);
    let mut lengths = Vec::new();
    for _ in 0..12 {
        let there = alice.encrypt(b"ping", NOW, &mut rng).unwrap();
        receive(&mut bob, &there).unwrap();
        let back = bob.encrypt(b"pong", NOW, &mut rng).unwrap();
        receive(&mut alice, &back).unwrap();
        lengths.extend([there.len(), back.len()]);
    }
    let (bare, long) = (33 + 41 + 16 + 4 + 16, 33 + 1225 + 16 + 4 + 16);
    // Sixteen messages since the handshake, an offer, its answer; then sixteen again.
    let expected: Vec<_> = (0..24)
        .map(|i| if i == 16 || i == 17 { long } else { bare })
        .collect();
    assert_eq!(lengths, expected);
    let later = Timestamp(NOW.0 + limits::KEM_AFTER_MS);
    assert_eq!(alice.encrypt(b"ping", later, &mut rng).unwrap().len(), long);
    // All messages of the chain carry it.
    assert_eq!(alice.encrypt(b"ping", later, &mut rng).unwrap().len(), long);
}
