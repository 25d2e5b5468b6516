//! What a peer that breaks the rules can make a session do: nothing but name the fault, in bounded time and memory.

use super::super::aead::OneUse;
use super::super::labels;
use super::super::limits::{COUNTER_STOP, KEM_AFTER_MESSAGES, MAX_SKIP, MAX_SKIPPED_KEYS, RECEIVING_CHAINS};
use super::forgery::forged;
use super::*;

/// Counters at their maxima and around every bound.
const COUNTERS: [u32; 10] = [
    0,
    1,
    MAX_SKIP,
    MAX_SKIP + 1,
    100_000,
    COUNTER_STOP - 1,
    COUNTER_STOP,
    COUNTER_STOP + 1,
    u32::MAX - 1,
    u32::MAX,
];

/// What becomes of an authentic message with these counters, after one message of the chain that runs: in that chain, or as
/// the first of a new one. Its content is sealed under the key of position 1, where alone it opens.
fn expected(previous: u32, number: u32, new: bool) -> Option<OpenError> {
    const COME: u32 = 1;
    let (end, wanted) = match new {
        true if previous < COME => return Some(OpenError::Malformed("length of the previous chain")),
        true => (number.max(previous), number.saturating_add(previous - COME)),
        false if number < COME => return Some(OpenError::Duplicate),
        false => (number, number - COME),
    };
    if end >= COUNTER_STOP {
        Some(OpenError::CounterExhausted)
    } else if wanted > MAX_SKIP {
        Some(OpenError::SkipLimit { wanted })
    } else {
        (number != 1).then_some(OpenError::Authentication)
    }
}

/// Every pair of extreme counters, in the header of a new chain and of the running one.
///
/// P-066, P-067, T-011.
#[test]
fn counters_at_their_maxima_are_named() {
    for new in [true, false] {
        let (mut alice, mut bob, mut rng) = pair(70);
        ping_pong(&mut alice, &mut bob, &mut rng, 1);
        let first = alice.encrypt(b"turn", NOW, &mut rng).unwrap();
        if !new {
            receive(&mut bob, &first).unwrap();
        }
        let before = bob.to_record();
        for previous in COUNTERS {
            for number in COUNTERS {
                let bytes = previous.to_be_bytes();
                let message = forged(
                    &alice,
                    number,
                    |header| header[32..36].copy_from_slice(&bytes),
                    &mut rng,
                );
                assert_eq!(
                    bob.open(&message, NOW).err(),
                    expected(previous, number, new),
                    "{previous} {number} {new}"
                );
            }
        }
        assert_eq!(bob.to_record(), before);
    }
}

/// A hundred thousand numbers skipped, as many at a time as one message may: all that come open, what is kept stays bounded,
/// and the record with it.
///
/// P-067, T-011.
#[test]
fn a_hundred_thousand_skips_stay_bounded() {
    let (mut alice, mut bob, mut rng) = pair(71);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let step = MAX_SKIP + 1;
    for at in 0..100 * step {
        let message = alice.encrypt(b"x", NOW, &mut rng).unwrap();
        if at % step == MAX_SKIP {
            assert_eq!(receive(&mut bob, &message).unwrap(), b"x", "{at}");
            assert!(bob.skipped_keys() <= MAX_SKIPPED_KEYS);
        }
    }
    assert_eq!(bob.skipped_keys(), MAX_SKIPPED_KEYS);
    let record = bob.to_record().len();
    assert!(record < 16 * 1024 + 75 * MAX_SKIPPED_KEYS, "{record}");
    assert!(Session::from_record(&bob.to_record()).is_ok());
    ping_pong(&mut alice, &mut bob, &mut rng, 2);
}

/// Turn after turn, each leaving as much behind as it may at the end of one chain and the beginning of the next.
///
/// P-067, T-011.
#[test]
fn chains_of_skips_stay_bounded() {
    let (mut alice, mut bob, mut rng) = pair(72);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let half = MAX_SKIP / 2;
    for round in 0..30 {
        for _ in 0..half {
            alice.encrypt(b"overtaken", NOW, &mut rng).unwrap();
        }
        let there = alice.encrypt(b"there", NOW, &mut rng).unwrap();
        receive(&mut bob, &there).unwrap();
        // The end of the chain, lost.
        for _ in 0..half {
            alice.encrypt(b"lost", NOW, &mut rng).unwrap();
        }
        let back = bob.encrypt(b"back", NOW, &mut rng).unwrap();
        receive(&mut alice, &back).unwrap();
        assert!(bob.skipped_keys() <= MAX_SKIPPED_KEYS, "round {round}");
        assert!(bob.header_trials() <= RECEIVING_CHAINS + 1);
        let tags = bob.expected_tags().count();
        assert!(tags <= MAX_SKIPPED_KEYS + 64, "{tags} tags in round {round}");
    }
    let record = bob.to_record().len();
    assert!(record < 16 * 1024 + 75 * MAX_SKIPPED_KEYS, "{record}");
    ping_pong(&mut alice, &mut bob, &mut rng, 2);
}

/// Turn after turn without a loss, with dozens of KEM exchanges: nothing is left behind by any of them.
///
/// P-062, P-067.
#[test]
fn a_session_that_only_turns_does_not_grow() {
    let (mut alice, mut bob, mut rng) = pair(73);
    ping_pong(&mut alice, &mut bob, &mut rng, KEM_AFTER_MESSAGES);
    let sizes = |rng: &mut ChaCha20Rng, alice: &mut Session, bob: &mut Session| {
        (0..KEM_AFTER_MESSAGES)
            .map(|_| {
                ping_pong(alice, bob, rng, 1);
                alice.to_record().len().max(bob.to_record().len())
            })
            .max()
            .unwrap()
    };
    let early = sizes(&mut rng, &mut alice, &mut bob);
    ping_pong(&mut alice, &mut bob, &mut rng, 200);
    let late = sizes(&mut rng, &mut alice, &mut bob);
    // Only the varints of generations grow.
    assert!(late <= early + 16, "{early} then {late}");
}

/// Every point that agrees on zero and every second spelling, as the ratchet key of a new chain.
///
/// P-007, T-008.
#[test]
fn points_that_are_no_ratchet_key_are_named() {
    let (mut alice, bob, mut rng) = pair(74);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    let low_order = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let spelled_twice = [
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0900000000000000000000000000000000000000000000000000000000000080",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    let named = low_order.map(|point| (point, OpenError::NonContributory));
    let named = named
        .into_iter()
        .chain(spelled_twice.map(|point| (point, OpenError::Malformed("ratchet key"))));
    let before = bob.to_record();
    for (point, name) in named {
        let point = hex::decode(point).unwrap();
        let message = forged(&alice, 0, |header| header[..32].copy_from_slice(&point), &mut rng);
        assert_eq!(bob.open(&message, NOW).err(), Some(name), "{point:02x?}");
    }
    assert_eq!(bob.to_record(), before);
}

/// An authentic signal with a counter at or past the stop: refused before a window moves.
///
/// P-067, P-069, T-011.
#[test]
fn signal_counters_at_their_maxima_are_named() {
    let (mut alice, mut bob, mut rng) = pair(75);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    alice.signal_counter = COUNTER_STOP;
    assert_eq!(
        alice.seal_signal(b"x", NOW, &mut rng),
        Err(EncryptError::CounterExhausted)
    );
    let key = alice.sending.as_ref().unwrap().header_key.signals();
    let before = bob.to_record();
    for counter in [COUNTER_STOP, COUNTER_STOP + 1, u32::MAX] {
        let (tag, salt) = (key.tag(counter), [7; 16]);
        let mut text = [&counter.to_be_bytes()[..], &NOW.0.to_be_bytes(), b"typing"].concat();
        let associated = [&alice.associated_data[..], tag.as_bytes()].concat();
        let seal = OneUse::derive(&salt, key.as_bytes(), labels::SIGNAL_SEAL).seal(&associated, &mut text);
        let signal = [&tag.as_bytes()[..], &salt, &text, &seal].concat();
        assert_eq!(
            bob.open_signal(&signal, NOW).err(),
            Some(OpenError::CounterExhausted)
        );
    }
    assert_eq!(bob.to_record(), before);
    // The last one there is: the windows move to it, and nothing wraps.
    alice.signal_counter = COUNTER_STOP - 1;
    let last = alice.seal_signal(b"last", NOW, &mut rng).unwrap();
    let opened = bob.open_signal(&last, NOW).unwrap();
    bob.commit(opened.draft).unwrap();
    assert_eq!(
        alice.seal_signal(b"x", NOW, &mut rng),
        Err(EncryptError::CounterExhausted)
    );
    assert!(Session::from_record(&bob.to_record()).is_ok());
}
