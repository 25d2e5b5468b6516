//! Two parties and a network that drops, delays, reorders, repeats and corrupts, with restarts at any moment:
//! everything that is delivered opens exactly once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand_core::Rng;

use super::*;

/// A message under way, and the turn of its sender it belongs to.
#[derive(Clone)]
struct Sent {
    turn: u32,
    text: [u8; 5],
    bytes: Vec<u8>,
}

/// One side, with a model of what its session must know.
struct Side {
    session: Session,
    /// Own turns made, the peer's turns heard of, and how many of them were when the last own turn was made.
    turn: u32,
    heard: u32,
    answered: u32,
    /// The tags expected, kept by changes alone.
    tags: BTreeMap<Tag, TagKind>,
    /// On their way to this side.
    incoming: Vec<Sent>,
    /// Opened already.
    opened: Vec<Sent>,
}

impl Side {
    fn new(session: Session, turn: u32) -> Self {
        let tags = session.expected_tags().collect();
        let (incoming, opened) = (Vec::new(), Vec::new());
        Self {
            session,
            turn,
            heard: 0,
            answered: 0,
            tags,
            incoming,
            opened,
        }
    }

    fn send(&mut self, number: u32, now: Timestamp, rng: &mut ChaCha20Rng) -> Option<Sent> {
        let mut text = [0xaa; 5];
        text[..4].copy_from_slice(&number.to_be_bytes());
        let bytes = match self.session.encrypt(&text, now, rng) {
            Ok(bytes) => bytes,
            Err(EncryptError::NothingReceived) => {
                assert_eq!((self.turn, self.heard), (0, 0));
                return None;
            }
            Err(other) => panic!("{other}"),
        };
        if self.turn == 0 || self.answered < self.heard {
            (self.turn, self.answered) = (self.turn + 1, self.heard);
        }
        Some(Sent {
            turn: self.turn,
            text,
            bytes,
        })
    }

    /// Delivers one message for the first time.
    fn deliver(&mut self, sent: Sent, now: Timestamp) {
        if self.heard.saturating_sub(sent.turn) >= limits::RECEIVING_CHAINS as u32 {
            assert_eq!(
                self.session.open(&sent.bytes, now).unwrap_err(),
                OpenError::UnknownTag
            );
            return;
        }
        let opened = self.session.open(&sent.bytes, now).unwrap();
        assert_eq!(opened.plaintext[..], sent.text);
        let changes = self.session.commit(opened.draft).unwrap();
        assert!(
            changes.removed.contains(&Tag::of(&sent.bytes).unwrap())
                || !self.tags.contains_key(&Tag::of(&sent.bytes).unwrap())
        );
        for tag in changes.removed {
            self.tags.remove(&tag);
        }
        self.tags.extend(changes.added);
        assert_eq!(
            self.tags,
            self.session.expected_tags().collect(),
            "kept by changes and told anew"
        );
        self.heard = self.heard.max(sent.turn);
        self.opened.push(sent);
    }

    fn repeat(&mut self, pick: u32, now: Timestamp) {
        if self.opened.is_empty() {
            return;
        }
        let sent = &self.opened[pick as usize % self.opened.len()];
        let expected = match self.heard - sent.turn >= limits::RECEIVING_CHAINS as u32 {
            true => OpenError::UnknownTag,
            false => OpenError::Duplicate,
        };
        assert_eq!(self.session.open(&sent.bytes, now).unwrap_err(), expected);
    }

    fn corrupt(&mut self, pick: u32, bit: u32, now: Timestamp) {
        if self.incoming.is_empty() {
            return;
        }
        let mut bytes = self.incoming[pick as usize % self.incoming.len()].bytes.clone();
        let bit = bit as usize % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let before = self.session.to_record();
        assert!(self.session.open(&bytes, now).is_err());
        assert_eq!(self.session.to_record(), before);
    }

    fn restart(&mut self) {
        self.session = Session::from_record(&self.session.to_record()).unwrap();
        assert_eq!(self.tags, self.session.expected_tags().collect());
    }
}

/// Plays `steps` random steps; returns how many messages were opened.
fn play(seed: u64, steps: u32) -> usize {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut now = NOW;
    let (alice, bob, _) = pair(0);
    let mut sides = [Side::new(alice, 0), Side::new(bob, 0)];
    for number in 0..steps {
        let who = (rng.next_u32() % 2) as usize;
        let pick = rng.next_u32();
        now = now.plus_ms(u64::from(rng.next_u32() % 300_000));
        match rng.next_u32() % 100 {
            0..42 => {
                if let Some(sent) = sides[who].send(number, now, &mut rng) {
                    sides[1 - who].incoming.push(sent);
                }
            }
            // In order mostly.
            42..70 => {
                if !sides[who].incoming.is_empty() {
                    let sent = sides[who].incoming.remove(0);
                    sides[who].deliver(sent, now);
                }
            }
            70..84 => {
                let side = &mut sides[who];
                if !side.incoming.is_empty() {
                    let sent = side.incoming.remove(pick as usize % side.incoming.len());
                    side.deliver(sent, now);
                }
            }
            84..88 => {
                let side = &mut sides[who];
                if !side.incoming.is_empty() {
                    side.incoming.remove(pick as usize % side.incoming.len());
                }
            }
            88..93 => sides[who].repeat(pick, now),
            93..97 => sides[who].corrupt(pick, rng.next_u32(), now),
            _ => sides[who].restart(),
        }
    }
    // What is still under way arrives.
    for side in &mut sides {
        while let Some(sent) = side.incoming.pop() {
            side.deliver(sent, now);
        }
    }
    sides.iter().map(|side| side.opened.len()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_delivered_opens_exactly_once(seed in any::<u64>()) {
        prop_assert!(play(seed, 300) > 20);
    }
}

/// P-065, P-066, P-068.
#[test]
fn a_long_conversation() {
    assert!(play(7, 8_000) > 2_400);
}
