//! One envelope: to which session it belongs, opening it, and what to do with one that does not open.
//!
//! `bytes -> EnvelopeBody -> (Unsealed ->) Opened -> Payload`, each step consuming the one before. An envelope that cannot be
//! opened never causes anything to be sent.

use chopar_e2ee::ratchet::{OpenError, SessionDraft, Tag, TagKind};
use chopar_e2ee::seal::{EnvelopeBody, SealedHandshake};
use chopar_wire::Timestamp;
use zeroize::Zeroizing;

use crate::content::understood;
use crate::context::Context;
use crate::engine::Engine;
use crate::group::GroupOpened;
use crate::inbox::{Delivery, Outcome};
use crate::refusals::Refusal;
use crate::seen::SeenId;
use crate::sessions::SessionKey;
use crate::set::Set;

/// Headers tried for one envelope with an unknown tag. A trial costs about 2 µs natively.
const TRIALS: usize = 2_048;
/// Headers tried in one minute, all envelopes together: somebody who floods the queue costs at most this.
const TRIALS_PER_MINUTE: usize = 20_000;

/// What opening gave.
pub(crate) enum Opened {
    /// A message or signal that authenticated.
    Payload {
        session: SessionKey,
        plaintext: Zeroizing<Vec<u8>>,
        draft: SessionDraft,
        sent: Option<Timestamp>,
    },
    /// Taken before.
    Duplicate,
    /// Of no session known here.
    Unknown,
    /// Of a known session, and not to be opened: altered, too old, malformed.
    Refused,
}

/// Trials of the present minute.
#[derive(Default)]
pub(crate) struct Trials {
    minute: u64,
    spent: usize,
}

impl Trials {
    fn budget(&mut self, now: Timestamp) -> usize {
        let minute = now.0 / 60_000;
        if minute != self.minute {
            *self = Self { minute, spent: 0 };
        }
        TRIALS.min(TRIALS_PER_MINUTE.saturating_sub(self.spent))
    }
}

impl Engine {
    pub(crate) fn receive(&mut self, delivery: &Delivery, cx: &mut Context<'_>) -> Outcome {
        if self.seen.contains(&SeenId::envelope(&delivery.id)) {
            return Outcome::Settled;
        }
        match EnvelopeBody::parse(&delivery.body) {
            Ok(EnvelopeBody::Session(message)) => {
                if !self.take_message(delivery, message, cx) {
                    self.quarantine(delivery, cx);
                }
                Outcome::Settled
            }
            Ok(EnvelopeBody::Handshake(sealed)) => self.receive_handshake(delivery, &sealed, cx),
            Err(_) => self.refuse(Refusal::Malformed),
        }
    }

    fn receive_handshake(
        &mut self,
        delivery: &Delivery,
        sealed: &SealedHandshake<'_>,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let Some(local) = self.local() else {
            return Outcome::Settled;
        };
        let key = self.prekeys.sealing_key(sealed.key_id());
        let Some(unsealed) = key.and_then(|key| sealed.open(&local, key).ok()) else {
            return self.refuse(Refusal::NotForThisDevice);
        };
        match self.sessions.by_header(&unsealed.header.digest()) {
            Some(session) => {
                let opened = self.open_with(session, TagKind::Message, &unsealed.message, cx.now);
                self.take_opened(delivery, opened, cx);
                Outcome::Settled
            }
            None => self.begin_acceptance(delivery, unsealed, cx),
        }
    }

    /// Opens a message in the session or the group's epoch it belongs to, and takes it. `false`: it belongs to none that is known,
    /// or must wait.
    pub(crate) fn take_message(&mut self, delivery: &Delivery, message: &[u8], cx: &mut Context<'_>) -> bool {
        match self.open_in_session(message, cx.now) {
            Opened::Unknown => {}
            opened => {
                self.take_opened(delivery, opened, cx);
                return true;
            }
        }
        let budget = self.trials.budget(cx.now).min(self.groups.epochs.len());
        self.trials.spent += budget;
        match self.open_in_group(message, budget, cx.now) {
            GroupOpened::Unknown | GroupOpened::Later => false,
            opened => {
                self.take_group_opened(delivery, opened, cx);
                true
            }
        }
    }

    /// A signal of a connected sender; nothing of it is stored, so nothing is quarantined.
    pub(crate) fn on_signal(&mut self, body: &[u8], cx: &mut Context<'_>) {
        if let Ok(EnvelopeBody::Session(message)) = EnvelopeBody::parse(body)
            && let Some((session, TagKind::Signal)) =
                Tag::of(message).and_then(|tag| self.sessions.by_tag(&tag))
        {
            let opened = self.open_with(session, TagKind::Signal, message, cx.now);
            let delivery = Delivery {
                seq: None,
                id: chopar_wire::EnvelopeId::new([0; 16]),
                body: Default::default(),
            };
            self.take_opened(&delivery, opened, cx);
        }
    }

    /// Finds the session by the recognition tag, or by trying headers.
    pub(crate) fn open_in_session(&mut self, message: &[u8], now: Timestamp) -> Opened {
        let Some(tag) = Tag::of(message) else {
            return Opened::Refused;
        };
        if let Some((session, kind)) = self.sessions.by_tag(&tag) {
            return self.open_with(session, kind, message, now);
        }
        if self.groups.tags.contains_key(&tag) {
            return Opened::Unknown;
        }
        let mut budget = self.trials.budget(now);
        let mut sessions = self.sessions.newest_first();
        // Strangers can be many: whom one speaks with comes first.
        sessions.sort_by_key(|key| {
            let live = self.sessions.get(key);
            !live.is_some_and(|live| self.speaks_to(&live.account))
        });
        for session in sessions {
            // Headers of messages, then of signals.
            let cost = self
                .sessions
                .get(&session)
                .map_or(0, |live| 2 * live.session.header_trials());
            let Some(left) = budget.checked_sub(cost) else {
                break;
            };
            budget = left;
            self.trials.spent += cost;
            for kind in [TagKind::Message, TagKind::Signal] {
                match self.open_with(session, kind, message, now) {
                    Opened::Unknown => {}
                    // An unknown tag under which nothing authenticates proves nothing about this session.
                    Opened::Refused => {}
                    opened => return opened,
                }
            }
        }
        Opened::Unknown
    }

    pub(crate) fn open_with(
        &self,
        session: SessionKey,
        kind: TagKind,
        message: &[u8],
        now: Timestamp,
    ) -> Opened {
        let Some(live) = self.sessions.get(&session) else {
            return Opened::Unknown;
        };
        let opened = match kind {
            TagKind::Message => live
                .session
                .open(message, now)
                .map(|o| (o.plaintext, o.draft, None)),
            TagKind::Signal => live
                .session
                .open_signal(message, now)
                .map(|o| (o.plaintext, o.draft, Some(o.sent_at))),
        };
        match opened {
            Ok((plaintext, draft, sent)) => Opened::Payload {
                session,
                plaintext,
                draft,
                sent,
            },
            Err(OpenError::Duplicate) => Opened::Duplicate,
            Err(OpenError::UnknownTag) => Opened::Unknown,
            Err(_) => Opened::Refused,
        }
    }

    /// Applies what was opened: the session's change and the content, in one batch.
    pub(crate) fn take_opened(&mut self, delivery: &Delivery, opened: Opened, cx: &mut Context<'_>) {
        let Opened::Payload {
            session,
            plaintext,
            draft,
            sent,
        } = opened
        else {
            if matches!(opened, Opened::Refused) {
                self.refusals.note(Refusal::MessageRefused);
            }
            return;
        };
        let signal = sent.is_some();
        if !self.commit(session, draft, signal, cx) {
            return;
        }
        let Some(live) = self.sessions.get(&session) else {
            return;
        };
        let account = live.account;
        if let Some(contact) = self.contacts.get_mut(&account) {
            // What the relay repeats is as old as it was.
            let heard = sent.map_or(cx.now, |sent| sent.min(cx.now));
            let facts = contact.devices.entry(session.device).or_default();
            facts.heard = facts.heard.max(heard);
        }
        if let Some(payload) = understood(&plaintext) {
            self.take_payload(account, session.device, delivery, payload, sent, cx);
        }
    }

    /// Commits a draft to its session. A signal moves only windows, which are found again without a record; it is saved
    /// where it confirms the session.
    fn commit(&mut self, key: SessionKey, draft: SessionDraft, signal: bool, cx: &mut Context<'_>) -> bool {
        let Some(live) = self.sessions.get_mut(&key) else {
            return false;
        };
        let before = live.session.skipped_keys();
        let Ok(changes) = live.session.commit(draft) else {
            return false;
        };
        let answered = live.unanswered.take().is_some();
        let (account, skipped) = (live.account, live.session.skipped_keys());
        self.sessions.follow(key, changes);
        let mut changed = Set::new();
        if skipped > before {
            changed = self.sessions.bound_skipped(key);
        }
        if !signal || answered {
            changed.insert(key);
        }
        for changed in changed {
            self.sessions.save(changed, cx);
        }
        if !signal {
            self.repairs.note(key, skipped, cx.now);
        }
        if answered {
            self.answered_after_repair(account, key.device, cx.now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use chopar_e2ee::fixture::rng;
    use chopar_e2ee::ratchet::Session;
    use chopar_wire::AccountId;

    use super::*;
    use crate::fixture::{NOW, device, live, pair};

    /// What two headers of each session cost, at first one for a message and one for a signal.
    const OF_ONE: usize = 2;

    /// An engine whose oldest session is with somebody whose message can be found by its header only; the message; and so many
    /// younger sessions.
    fn engine(younger: usize) -> (Engine, Vec<u8>) {
        let (mut ours, theirs) = pair(1);
        let (_, other) = pair(2);
        let other = other.to_record();
        let mut engine = Engine::new();
        let mut rng = rng(3);
        let mut cx = Context::new(NOW, &mut rng);
        let account = AccountId::new([1; 32]);
        engine
            .sessions
            .add(device(0), live(account, theirs, Timestamp(1)), &mut cx);
        for number in 1..=younger as u16 {
            let session = Session::from_record(&other).unwrap();
            let account = AccountId::new([2; 32]);
            engine
                .sessions
                .add(device(number), live(account, session, NOW), &mut cx);
        }
        // Beyond every tag that is expected.
        let messages: Vec<_> = (0..30)
            .map(|_| ours.encrypt(b"found", NOW, &mut cx.rng).unwrap())
            .collect();
        (engine, messages[29].clone())
    }

    fn is_found(engine: &mut Engine, message: &[u8], now: Timestamp) -> bool {
        matches!(engine.open_in_session(message, now), Opened::Payload { .. })
    }

    /// P-070: an envelope costs 2,048 trials; a session that comes after as many is not reached.
    #[test]
    fn an_envelope_costs_so_many_trials_and_not_more() {
        let (mut within, message) = engine(TRIALS / OF_ONE - 1);
        assert!(is_found(&mut within, &message, NOW));
        assert_eq!(within.trials.spent, TRIALS);
        let (mut beyond, message) = engine(TRIALS / OF_ONE);
        assert!(!is_found(&mut beyond, &message, NOW));
        assert_eq!(beyond.trials.spent, TRIALS);
    }

    /// P-070: 20,000 a minute, of all envelopes together; the next minute has its own.
    #[test]
    fn a_minute_has_so_many_trials_and_not_more() {
        let (mut engine, message) = engine(99);
        for _ in 0..TRIALS_PER_MINUTE / (100 * OF_ONE) {
            assert!(is_found(&mut engine, &message, NOW));
        }
        assert_eq!(engine.trials.spent, TRIALS_PER_MINUTE);
        assert!(!is_found(&mut engine, &message, NOW.plus_ms(59_999)));
        assert_eq!(engine.trials.spent, TRIALS_PER_MINUTE);
        assert!(is_found(&mut engine, &message, NOW.plus_ms(60_000)));
    }
}
