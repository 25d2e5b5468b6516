//! A stolen state heals after a round trip, against a thief who breaks X25519 and against one who breaks ML-KEM.

use super::super::chain::{ChainKey, MessageKey};
use super::super::header::kem_field;
use super::super::kem_turn::{Idle, KemSecret, KemState};
use super::super::message::Wire;
use super::super::profile::Profile;
use super::super::root::Pair;
use super::super::session::OwnRatchet;
use super::*;

/// A copy of Bob's state, and what the thief can compute.
struct Thief(Session);

impl Thief {
    fn steal(bob: &Session) -> Self {
        Self(Session::from_record(&bob.to_record()).unwrap())
    }

    /// Whether the thief reads a message to Bob; keeps up where it does.
    fn reads(&mut self, message: &[u8]) -> bool {
        receive(&mut self.0, message).is_ok()
    }

    /// Follows a turn of Bob with what is broken: his fresh X25519 secret where `x25519` is (otherwise only the stolen
    /// one), the KEM secret of the turn where it is given.
    fn follow(&mut self, bob: &Session, x25519: bool, kem: Option<&KemSecret>) {
        let fresh = bob.own.as_ref().unwrap();
        let stolen = self.0.own.take().unwrap();
        let secret = if x25519 {
            fresh.secret.duplicate()
        } else {
            stolen.secret
        };
        let peer = self.0.peer.unwrap();
        let agreed = secret.agree(&peer).unwrap();
        let pair = Pair {
            turning: &fresh.public,
            other: &peer,
        };
        let rooted = self.0.root.step(Suite1.root_label(), &agreed, kem, &pair);
        self.0.root = rooted.root;
        self.0.next_sending_header = rooted.next_header;
        self.0.own = Some(OwnRatchet {
            secret,
            public: fresh.public,
        });
        self.0.kem = KemState::Idle(Idle);
    }
}

/// What one who breaks ML-KEM learns of Bob's answer: as Alice computes it.
fn broken_kem(alice: &Session, bob: &Session) -> Option<KemSecret> {
    let field = kem_field(bob.sending.as_ref().unwrap().template.as_bytes()).unwrap();
    alice
        .kem
        .peer_turn(field)
        .ok()
        .flatten()
        .and_then(|turn| turn.secret)
}

/// T-090.
#[test]
fn a_theft_is_a_theft_until_a_turn() {
    let (mut alice, mut bob, mut rng) = pair(30);
    ping_pong(&mut alice, &mut bob, &mut rng, 2);
    let mut thief = Thief::steal(&bob);
    for _ in 0..5 {
        assert!(thief.reads(&alice.encrypt(b"x", NOW, &mut rng).unwrap()));
    }
}

/// Bob's state is stolen after so many round trips, and X25519 is broken: the thief reads on through every turn until a KEM
/// exchange, and nothing after it. How many of Alice's messages it reads where everything after the theft is said at `later`,
/// one there and one back at a time.
fn read_where_x25519_is_broken(seed: u8, round_trips: u32, later: Timestamp) -> usize {
    let (mut alice, mut bob, mut rng) = pair(seed);
    ping_pong(&mut alice, &mut bob, &mut rng, round_trips);
    let mut thief = Thief::steal(&bob);
    let mut read = Vec::new();
    for _ in 0..20 {
        let there = alice.encrypt(b"there", later, &mut rng).unwrap();
        read.push(thief.reads(&there));
        receive(&mut bob, &there).unwrap();
        let back = bob.encrypt(b"back", later, &mut rng).unwrap();
        thief.follow(&bob, true, None);
        receive(&mut alice, &back).unwrap();
    }
    let until = read.iter().take_while(|r| **r).count();
    assert!(read[until..].iter().all(|r| !r), "out for good: {read:?}");
    until
}

/// From a theft right after an exchange that is eight round trips of single messages.
/// T-090.
#[test]
fn the_kem_turn_heals_where_x25519_is_broken() {
    // Two messages before the theft, so the sixteenth since the handshake is Bob's after Alice's seventh; Alice's
    // eighth carries the offer, Bob's reply the answer, and from Alice's ninth on the thief is out.
    assert_eq!(read_where_x25519_is_broken(31, 1, NOW), 8);
}

/// Where an exchange is due, one round trip heals: the message that carries the offer is the last one the thief reads. It is
/// due after sixteen messages, and after an hour however few there were.
/// T-090, P-062.
#[test]
fn one_round_trip_heals_where_a_kem_exchange_is_due() {
    assert_eq!(
        read_where_x25519_is_broken(34, limits::KEM_AFTER_MESSAGES / 2, NOW),
        1
    );
    let hour = NOW.plus_ms(limits::KEM_AFTER_MS);
    assert_eq!(read_where_x25519_is_broken(35, 1, hour), 1);
    let before = NOW.plus_ms(limits::KEM_AFTER_MS - 1);
    assert_eq!(read_where_x25519_is_broken(36, 1, before), 8, "it was not due");
}

/// ML-KEM is broken: the thief knows every KEM secret, and is out after one round trip all the same. One who breaks
/// both reads on, which shows that nothing but the X25519 secret kept the other out.
/// T-090.
#[test]
fn the_x25519_turn_heals_where_ml_kem_is_broken() {
    let (mut alice, mut bob, mut rng) = pair(32);
    // Stolen so that the first turn after it takes in a KEM secret.
    ping_pong(&mut alice, &mut bob, &mut rng, 8);
    let offer = alice.encrypt(b"offer", NOW, &mut rng).unwrap();
    receive(&mut bob, &offer).unwrap();
    let (mut thief, mut breaks_both) = (Thief::steal(&bob), Thief::steal(&bob));
    let back = bob.encrypt(b"answer", NOW, &mut rng).unwrap();
    let secret = broken_kem(&alice, &bob).expect("Bob answered");
    thief.follow(&bob, false, Some(&secret));
    breaks_both.follow(&bob, true, Some(&secret));
    receive(&mut alice, &back).unwrap();
    for _ in 0..5 {
        let there = alice.encrypt(b"there", NOW, &mut rng).unwrap();
        assert!(!thief.reads(&there));
        assert!(breaks_both.reads(&there));
        receive(&mut bob, &there).unwrap();
        let back = bob.encrypt(b"back", NOW, &mut rng).unwrap();
        thief.follow(&bob, false, None);
        breaks_both.follow(&bob, true, None);
        receive(&mut alice, &back).unwrap();
    }
}

/// Whether any 32 bytes of a record, as a message key or as a chain key some steps before, open a message.
fn holds_a_key(record: &[u8], session: &Session, message: &[u8]) -> bool {
    let wire = Wire::parse::<Suite1>(message).unwrap();
    // The thief has the header keys, and so the header.
    let header = session
        .receiving
        .iter()
        .map(|chain| &chain.header_key)
        .chain([&session.next_receiving_header])
        .find_map(|key| wire.open_header(key, &session.associated_data))
        .unwrap();
    let opens = |key: &MessageKey| {
        let content = wire.open_content(&session.profile, key, &session.associated_data, &header);
        content.is_ok()
    };
    record.windows(32).any(|window| {
        let mut chain = ChainKey(Secret32::new(window.try_into().unwrap()));
        opens(&MessageKey(chain.0.duplicate()))
            || (0..4).any(|_| {
                let (key, next) = chain.step();
                chain = next;
                opens(&key)
            })
    })
}

/// Nothing of a message key is left once it is used: a state stolen later opens nothing that was opened before, and no 32
/// bytes of it do. One stolen in the middle of the chain has what opens the rest.
/// P-061, P-066, T-090.
#[test]
fn used_keys_are_gone() {
    let (mut alice, mut bob, mut rng) = pair(33);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let past: Vec<_> = (0..3)
        .map(|_| alice.encrypt(b"past", NOW, &mut rng).unwrap())
        .collect();
    receive(&mut bob, &past[0]).unwrap();
    let middle = bob.to_record();
    assert!(holds_a_key(&middle, &bob, &past[2]), "two steps ahead");
    assert!(!holds_a_key(&middle, &bob, &past[0]));
    past[1..].iter().for_each(|m| drop(receive(&mut bob, m).unwrap()));
    let thief = Thief::steal(&bob);
    let record = bob.to_record();
    for message in &past {
        assert_eq!(thief.0.open(message, NOW).unwrap_err(), OpenError::Duplicate);
        assert!(!holds_a_key(&record, &bob, message));
    }
    // A message that was skipped is not used: its key is there.
    let skipped = alice.encrypt(b"skipped", NOW, &mut rng).unwrap();
    let after = alice.encrypt(b"after", NOW, &mut rng).unwrap();
    receive(&mut bob, &after).unwrap();
    assert!(holds_a_key(&bob.to_record(), &bob, &skipped));
}
