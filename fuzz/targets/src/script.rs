//! Bytes as a script of two sessions and the network between them: sends, losses, reorderings, repetitions, damage, signals,
//! restarts from the last saved record, a month that passes.
//!
//! Beside each session stands a model of what it must know. Whatever the script says: what is delivered opens exactly when
//! the model says so, as what was sent, and once; what is refused is refused by name and leaves the session as it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use chopar_e2ee::fixture::rng;
use chopar_e2ee::ratchet::limits::{
    KEM_AFTER_MS, KEY_LIFETIME_MS, MAX_SKIP, MAX_SKIPPED_KEYS, RECEIVING_CHAINS,
};
use chopar_e2ee::ratchet::{EncryptError, OpenError, Session, SessionDraft, Tag, TagChanges, TagKind};
use chopar_wire::Timestamp;
use rand_core::CryptoRng;

use crate::{NOW, SCENE, shake_hands};

/// Kept keys up to which a session is compared as its whole record, beyond which by its counters: a record grows with them.
const COMPARED_KEYS: usize = 100;
/// Acts of one script. With steps of an hour, all of them together stay below the thirty days that keys live.
const ACTS: usize = 400;
/// Messages that one side sends in one script: more than a session keeps and may skip, and done in a moment.
const MESSAGES: u32 = 3_500;
/// The longest step of time but for the month, in milliseconds: past the moment at which a KEM key is offered.
const STEP_MS: u64 = KEM_AFTER_MS + KEM_AFTER_MS / 8;

const _: () = assert!(ACTS as u64 * STEP_MS < KEY_LIFETIME_MS);

/// The records of both sides before the first message.
static BEGINNING: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let (ours, theirs, _) = shake_hands(&SCENE.alice, &SCENE.bob, &mut rng(4));
    [ours.to_record().to_vec(), theirs.to_record().to_vec()]
});

/// One thing that a script does, to one side; bytes of arguments follow where they are named.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Length of the text.
    Send,
    /// How many, less one.
    SendMany,
    /// A quarter of how many; none of them arrives.
    SendInVain,
    /// The message that is longest under way.
    DeliverOldest,
    /// Which one.
    DeliverAny,
    /// Which one.
    Lose,
    /// Which one of those that were opened.
    Repeat,
    /// Which one, and two bytes: which bit.
    Alter,
    /// Which one, and to how many 256ths of it.
    Cut,
    /// Which one goes back to its writer.
    Reflect,
    /// What it says.
    Signal,
    /// Twice which one, and one more if it is to come again.
    DeliverSignal,
    /// Saves and restarts.
    Restart,
    /// Encrypts, and stops before it is saved.
    CrashWhileSending,
    /// Twice which one is opened, and one more if that is committed; stops before it is saved.
    CrashWhileOpening,
    /// 254ths of the longest step; 255 is a month.
    Wait,
}

use Act::*;

const ACTS_BY_NUMBER: [Act; 16] = [
    Send,
    SendMany,
    SendInVain,
    DeliverOldest,
    DeliverAny,
    Lose,
    Repeat,
    Alter,
    Cut,
    Reflect,
    Signal,
    DeliverSignal,
    Restart,
    CrashWhileSending,
    CrashWhileOpening,
    Wait,
];

impl Act {
    /// The byte of this act by the initiator (0) or the responder (1).
    pub const fn of(self, side: u8) -> u8 {
        (self as u8) << 1 | side
    }
}

/// A message, and where it stands in its sender's chains.
struct Sent {
    /// The sender's turn, from 1.
    turn: u32,
    /// Length of the chain before.
    previous: u32,
    number: u32,
    text: Vec<u8>,
    bytes: Vec<u8>,
}

/// A signal under way.
struct SentSignal {
    turn: u32,
    at: Timestamp,
    text: [u8; 1],
    bytes: Vec<u8>,
}

/// What must become of a message that is delivered.
#[derive(Debug)]
enum Fate {
    Opens,
    /// Opened before, or given up for room.
    UsedOrGone,
    TooFar(u32),
    ForeignNow,
}

/// One side: a session, its last saved record, and what it must know.
struct Side {
    session: Session,
    /// What a restart begins with, where that is not the session as it is.
    saved: Option<Vec<u8>>,
    /// Tags expected, kept by changes alone.
    tags: BTreeMap<Tag, TagKind>,
    /// Tags of everything that left.
    spent: BTreeSet<Tag>,
    /// Own turns, messages of the last one, and the length of the chain before it.
    turn: u32,
    number: u32,
    previous: u32,
    /// Turns of the other side heard of, and how many were when the last own turn was made.
    heard: u32,
    answered: u32,
    /// The number after the highest one opened of the last turn heard.
    next: u32,
    /// Turn and number of what was skipped and is kept, oldest first.
    kept: VecDeque<(u32, u32)>,
    /// All messages ever sent.
    total: u32,
    incoming: VecDeque<Sent>,
    signals: VecDeque<SentSignal>,
    opened: Vec<Sent>,
}

/// Plays a script.
pub fn script(bytes: &[u8]) -> bool {
    let mut script = bytes.iter().copied();
    let mut rng = rng(5);
    let mut now = NOW;
    let mut sides = [Side::new(&BEGINNING[0]), Side::new(&BEGINNING[1])];
    for _ in 0..ACTS {
        let Some(first) = script.next() else { break };
        let mut argument = || script.next().unwrap_or(0);
        let (one, two) = sides.split_at_mut(1);
        let (me, them) = match first & 1 {
            0 => (&mut one[0], &mut two[0]),
            _ => (&mut two[0], &mut one[0]),
        };
        match ACTS_BY_NUMBER[usize::from(first >> 1) % ACTS_BY_NUMBER.len()] {
            Send => them.incoming.extend(me.send(1, argument().into(), now, &mut rng)),
            SendMany => them
                .incoming
                .extend(me.send(1 + u32::from(argument()) % 64, 0, now, &mut rng)),
            SendInVain => drop(me.send(1 + 4 * u32::from(argument()), 0, now, &mut rng)),
            DeliverOldest => me.deliver(0, now),
            DeliverAny => me.deliver(argument().into(), now),
            Lose => drop(pick(&mut me.incoming, argument())),
            Repeat => me.repeat(argument(), now),
            Alter => me.alter(argument(), u16::from_be_bytes([argument(), argument()]), now),
            Cut => me.cut(argument(), argument(), now),
            Reflect => them.reflect(me, argument(), now),
            Signal => them.signals.push_back(me.signal(argument(), now, &mut rng)),
            DeliverSignal => me.deliver_signal(argument(), now),
            Restart => me.restart(),
            CrashWhileSending => {
                me.leave_unsaved();
                drop(me.session.encrypt(b"never left", now, &mut rng));
                me.restart_from_saved();
            }
            CrashWhileOpening => me.crash_while_opening(argument(), now),
            Wait => match argument() {
                255 => {
                    now = now.plus_ms(KEY_LIFETIME_MS);
                    sides.iter_mut().for_each(|side| side.month(now));
                }
                part => now = now.plus_ms(STEP_MS * u64::from(part) / 254),
            },
        }
    }
    for side in &mut sides {
        while !side.incoming.is_empty() {
            side.deliver(0, now);
        }
        (0..side.opened.len().min(64)).for_each(|at| side.repeat(at as u8, now));
        side.restart();
    }
    sides.iter().all(|side| !side.opened.is_empty())
}

#[allow(clippy::unwrap_used, clippy::panic, reason = "a target fails by panicking")]
impl Side {
    fn new(record: &[u8]) -> Self {
        let session = Session::from_record(record).unwrap();
        Self {
            tags: session.expected_tags().collect(),
            session,
            saved: None,
            spent: BTreeSet::new(),
            turn: 0,
            number: 0,
            previous: 0,
            heard: 0,
            answered: 0,
            next: 0,
            kept: VecDeque::new(),
            total: 0,
            incoming: VecDeque::new(),
            signals: VecDeque::new(),
            opened: Vec::new(),
        }
    }

    /// Encrypts messages and saves once, before any of them leaves.
    fn send(&mut self, count: u32, length: usize, now: Timestamp, rng: &mut impl CryptoRng) -> Vec<Sent> {
        let sent = (0..count).map_while(|_| self.encrypt(length, now, rng)).collect();
        self.save();
        sent
    }

    fn encrypt(&mut self, length: usize, now: Timestamp, rng: &mut impl CryptoRng) -> Option<Sent> {
        if self.total == MESSAGES {
            return None;
        }
        let mut text = vec![0xaa; length];
        text.extend_from_slice(&self.total.to_be_bytes());
        let bytes = match self.session.encrypt(&text, now, rng) {
            Ok(bytes) => bytes,
            Err(error) => {
                assert_eq!(error, EncryptError::NothingReceived);
                assert_eq!((self.turn, self.heard), (0, 0));
                return None;
            }
        };
        self.spend(&bytes);
        self.total += 1;
        if self.turn == 0 || self.answered < self.heard {
            (self.turn, self.answered) = (self.turn + 1, self.heard);
            (self.previous, self.number) = (self.number, 0);
        }
        self.number += 1;
        Some(Sent {
            turn: self.turn,
            previous: self.previous,
            number: self.number - 1,
            text,
            bytes,
        })
    }

    /// What the rules say of a message at its place.
    fn fate(&self, sent: &Sent) -> Fate {
        if self.heard >= sent.turn + RECEIVING_CHAINS as u32 {
            return Fate::ForeignNow;
        }
        let gap = if sent.turn > self.heard {
            assert_eq!(sent.turn, self.heard + 1, "a turn nobody answered");
            sent.previous - self.next + sent.number
        } else if sent.turn == self.heard && sent.number >= self.next {
            sent.number - self.next
        } else {
            return match self.kept.contains(&(sent.turn, sent.number)) {
                true => Fate::Opens,
                false => Fate::UsedOrGone,
            };
        };
        match gap > MAX_SKIP {
            true => Fate::TooFar(gap),
            false => Fate::Opens,
        }
    }

    /// Hands over one message for the first time.
    fn deliver(&mut self, at: usize, now: Timestamp) {
        let Some(sent) = pick(&mut self.incoming, at as u8) else {
            return;
        };
        let before = self.compared();
        let opened = self.session.open(&sent.bytes, now);
        assert!(self.compared() == before, "opening changed something");
        match (self.fate(&sent), opened) {
            (Fate::Opens, Ok(opened)) => {
                assert!(*opened.plaintext == *sent.text);
                self.commit(opened.draft);
                self.save();
                self.learn(&sent);
                self.opened.push(sent);
            }
            (Fate::UsedOrGone, Err(OpenError::Duplicate | OpenError::Expired)) => {}
            (Fate::TooFar(gap), Err(OpenError::SkipLimit { wanted })) if wanted == gap => {}
            (Fate::ForeignNow, Err(OpenError::UnknownTag)) => {}
            (fate, opened) => panic!("{fate:?}, but {opened:?}"),
        }
    }

    /// The model's half of a commit.
    fn learn(&mut self, sent: &Sent) {
        if let Some(at) = self
            .kept
            .iter()
            .position(|kept| *kept == (sent.turn, sent.number))
        {
            self.kept.remove(at);
            return;
        }
        if sent.turn > self.heard {
            let old = self.heard;
            self.kept
                .extend((self.next..sent.previous).map(|number| (old, number)));
            (self.heard, self.next) = (sent.turn, 0);
        }
        self.kept
            .extend((self.next..sent.number).map(|number| (sent.turn, number)));
        self.next = sent.number + 1;
        let surplus = self.kept.len().saturating_sub(MAX_SKIPPED_KEYS);
        self.kept.drain(..surplus);
        self.kept
            .retain(|(turn, _)| sent.turn < turn + RECEIVING_CHAINS as u32);
    }

    /// A message that was opened never opens again.
    fn repeat(&self, at: u8, now: Timestamp) {
        if let Some(sent) = self.opened.get(usize::from(at) % self.opened.len().max(1)) {
            let error = self.refuse(&sent.bytes, now);
            let expected = [OpenError::Duplicate, OpenError::UnknownTag];
            assert!(expected.contains(&error), "{error}");
        }
    }

    fn alter(&self, at: u8, bit: u16, now: Timestamp) {
        if let Some(sent) = self.incoming.get(usize::from(at) % self.incoming.len().max(1)) {
            let mut bytes = sent.bytes.clone();
            let bit = usize::from(bit) % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            self.refuse(&bytes, now);
        }
    }

    fn cut(&self, at: u8, len: u8, now: Timestamp) {
        if let Some(sent) = self.incoming.get(usize::from(at) % self.incoming.len().max(1)) {
            let len = sent.bytes.len() * usize::from(len) / 256;
            self.refuse(&sent.bytes[..len], now);
        }
    }

    /// A message for this side is shown to the one who wrote it.
    fn reflect(&self, writer: &Self, at: u8, now: Timestamp) {
        if let Some(sent) = self.incoming.get(usize::from(at) % self.incoming.len().max(1)) {
            assert_eq!(writer.refuse(&sent.bytes, now), OpenError::UnknownTag);
        }
    }

    /// What opens neither as a message nor as a signal, and changes nothing.
    fn refuse(&self, bytes: &[u8], now: Timestamp) -> OpenError {
        let before = self.compared();
        let error = self.session.open(bytes, now).unwrap_err();
        assert!(self.session.open_signal(bytes, now).is_err());
        assert!(self.compared() == before, "a refusal changed something");
        error
    }

    /// The session's state, for comparison.
    fn compared(&self) -> Vec<u8> {
        match self.session.skipped_keys() > COMPARED_KEYS {
            true => format!("{:?}", self.session).into_bytes(),
            false => self.session.to_record().to_vec(),
        }
    }

    /// Signals are hardly ever saved, and know no beginning: a responder may say them before it writes.
    fn signal(&mut self, text: u8, now: Timestamp, rng: &mut impl CryptoRng) -> SentSignal {
        self.leave_unsaved();
        let bytes = self.session.seal_signal(&[text], now, rng).unwrap();
        if self.session.signal_wants_saving() {
            self.save();
        }
        self.spend(&bytes);
        SentSignal {
            turn: self.turn.max(1),
            at: now,
            text: [text],
            bytes,
        }
    }

    /// Whatever leaves begins with a tag that nothing before began with.
    fn spend(&mut self, bytes: &[u8]) {
        assert!(self.spent.insert(Tag::of(bytes).unwrap()), "a tag spent twice");
    }

    /// A signal opens as often as it comes; an odd argument leaves it on its way.
    fn deliver_signal(&mut self, at: u8, now: Timestamp) {
        let Some(sent) = pick(&mut self.signals, at >> 1) else {
            return;
        };
        self.leave_unsaved();
        assert!(self.session.open(&sent.bytes, now).is_err());
        match self.session.open_signal(&sent.bytes, now) {
            Ok(opened) => {
                assert_eq!((&opened.plaintext[..], opened.sent_at), (&sent.text[..], sent.at));
                self.commit(opened.draft);
            }
            Err(error) => {
                assert_eq!(error, OpenError::UnknownTag);
                assert!(self.heard >= sent.turn + RECEIVING_CHAINS as u32);
            }
        }
        if at & 1 == 1 {
            self.signals.push_back(sent);
        }
    }

    /// Opened, perhaps committed, and not saved: after the restart the message comes again.
    fn crash_while_opening(&mut self, at: u8, now: Timestamp) {
        self.leave_unsaved();
        let at_message = usize::from(at >> 1) % self.incoming.len().max(1);
        let opened = self.incoming.get(at_message);
        if let Some(Ok(opened)) = opened.map(|sent| self.session.open(&sent.bytes, now))
            && at & 1 == 1
        {
            self.commit(opened.draft);
        }
        self.restart_from_saved();
    }

    /// Saved, stopped, started: the same session.
    fn restart(&mut self) {
        let told: BTreeMap<_, _> = self.session.expected_tags().collect();
        assert!(self.tags == told, "tags kept by changes and told anew");
        self.save();
        self.restart_from_saved();
        assert!(self.tags == told, "tags before and after");
    }

    fn restart_from_saved(&mut self) {
        let record = self
            .saved
            .take()
            .unwrap_or_else(|| self.session.to_record().to_vec());
        self.session = Session::from_record(&record).unwrap();
        self.tags = self.session.expected_tags().collect();
    }

    /// The session is saved as it is.
    fn save(&mut self) {
        self.saved = None;
    }

    /// What follows changes the session and not what is saved.
    fn leave_unsaved(&mut self) {
        let session = &self.session;
        self.saved.get_or_insert_with(|| session.to_record().to_vec());
    }

    /// Nothing that was under way comes any more, and nothing is kept for it.
    fn month(&mut self, now: Timestamp) {
        self.incoming.clear();
        self.signals.clear();
        self.kept.clear();
        let changes = self.session.expire(now);
        self.follow(changes);
        assert_eq!(self.session.skipped_keys(), 0);
        self.save();
    }

    fn commit(&mut self, draft: SessionDraft) {
        let changes = self.session.commit(draft).unwrap();
        self.follow(changes);
    }

    fn follow(&mut self, changes: TagChanges) {
        for tag in changes.removed {
            self.tags.remove(&tag);
        }
        self.tags.extend(changes.added);
    }
}

fn pick<T>(from: &mut VecDeque<T>, at: u8) -> Option<T> {
    let at = usize::from(at) % from.len().max(1);
    from.remove(at)
}
