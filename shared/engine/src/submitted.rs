//! What becomes of a submission: accepted, refused, for other devices than there are, expired.

use chopar_wire::proto::relay::{DeviceMismatch, Reason, Refused};
use chopar_wire::{AccountId, DeviceId, Timestamp, limits};

use crate::context::Context;
use crate::engine::Engine;
use crate::line::Progress;
use crate::outbox::{Row, RowKey};
use crate::view::{Held, SentState};

/// The first wait after a refusal, in milliseconds; it doubles.
pub(crate) const REFUSED_MS: u64 = 1_000;
/// The longest such wait, in milliseconds.
pub(crate) const REFUSED_CAP_MS: u64 = 600_000;
/// Messages of one chain without a turn of theirs after which an expired one means a new session: the chain may be lost.
const LONG_CHAIN: u32 = 500;
/// How long a queued envelope lives at the relay, in milliseconds; an unacknowledged row expires then.
const EXPIRY_MS: u64 = limits::MAX_QUEUE_AGE_MS;

impl Engine {
    pub(crate) fn on_accepted(&mut self, key: RowKey, submission: u32, cx: &mut Context<'_>) {
        // One that was made again meanwhile is not what the relay has.
        let Some(row) = self
            .outbox
            .get_mut(&key)
            .filter(|row| row.submission == submission && row.in_flight)
        else {
            return;
        };
        row.in_flight = false;
        row.accepted = Some(cx.now);
        row.first_accepted = row.first_accepted.or(row.accepted);
        row.refusals = 0;
        for target in &mut row.targets {
            target.body = Vec::new();
        }
        let settled = row.settled();
        if let Some((line, _)) = row.message {
            self.set_progress(
                key.account,
                line,
                Progress {
                    state: SentState::Sent,
                    held: None,
                },
                cx,
            );
        }
        self.unreachable(key.account, None, cx);
        if settled {
            self.outbox.remove(key, cx);
        } else {
            self.outbox.save(key, cx);
        }
    }

    pub(crate) fn on_mismatch(&mut self, key: RowKey, mismatch: &DeviceMismatch, cx: &mut Context<'_>) {
        let account = key.account;
        if mismatch.account.as_ref() != account.as_bytes() {
            return self.hold(key, cx);
        }
        let known = self.log(&account).map_or(0, |log| log.length());
        let end = u64::from(mismatch.from) + mismatch.entries.len() as u64;
        if end < u64::from(known) {
            // Fewer entries than are known, or none: it says only that the relay shows something else now. What that is, its
            // log will tell.
            self.need_log(account, cx.now);
            return self.hold(key, cx);
        }
        self.take_entries(account, mismatch.from, &mismatch.entries, cx);
        let grown = self.log(&account).is_some_and(|log| log.length() > known);
        if grown && let Some(row) = self.outbox.get_mut(&key) {
            // With the devices known now; envelopes of devices that stay are sent as they are.
            row.in_flight = false;
        } else {
            // The relay disagrees and shows nothing new: not in a loop.
            self.hold(key, cx);
        }
    }

    pub(crate) fn on_submit_refused(&mut self, key: RowKey, refused: &Refused, cx: &mut Context<'_>) {
        let held = match refused.reason() {
            Reason::QueueFull => Some(Held::QueueFull),
            Reason::NoSuchAccount => Some(Held::NoSuchAccount),
            Reason::Storage => Some(Held::RelayStorage),
            // Over in a moment, and nothing a person could do about it: the clock of the line says enough.
            Reason::RateLimited | Reason::ShuttingDown | Reason::SignInFirst => None,
            // `TOO_LARGE`, `MALFORMED`, `NOT_ALLOWED` and whatever a younger relay may say. This client keeps below every
            // limit of the contract, so it is one of the two that is at fault; what follows waits behind it, in order.
            _ => Some(Held::Refused),
        };
        if held.is_some() {
            self.unreachable(key.account, held, cx);
        }
        self.hold(key, cx);
        if let Some(row) = self.outbox.get_mut(&key) {
            row.not_before = row
                .not_before
                .max(cx.now.plus_ms(refused.retry_after_ms.min(REFUSED_CAP_MS)));
        }
    }

    /// The row waits, longer each time.
    pub(crate) fn hold(&mut self, key: RowKey, cx: &mut Context<'_>) {
        let Some(row) = self.outbox.get_mut(&key) else {
            return;
        };
        row.in_flight = false;
        let wait = REFUSED_MS
            .saturating_mul(1 << row.refusals.min(16))
            .min(REFUSED_CAP_MS);
        row.refusals += 1;
        row.not_before = cx.now.plus_ms(wait / 2 + cx.below(wait / 2 + 1));
    }

    /// Lines that wait say why.
    pub(crate) fn refresh_held(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let held = self.contacts.get(&account).and_then(|c| c.held());
        for key in self.outbox.queued(&account) {
            if let Some((line, _)) = self.outbox.get(&key).and_then(|row| row.message) {
                self.set_held(account, line, held, cx);
            }
        }
    }

    /// Envelopes for devices that are no longer active are nobody's.
    pub(crate) fn drop_inactive_targets(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let Some(log) = self.log(&account) else { return };
        let active: Vec<DeviceId> = log.active_devices().iter().map(|d| d.id).collect();
        for key in self.outbox.of(&account) {
            if self
                .outbox
                .drop_targets(key, |target| !active.contains(&target.device))
            {
                let over = self
                    .outbox
                    .get(&key)
                    .is_some_and(|row| row.accepted.is_some() && row.targets.is_empty());
                if over || self.outbox.get(&key).is_some_and(Row::settled) {
                    self.outbox.remove(key, cx);
                } else {
                    self.outbox.save(key, cx);
                }
            }
        }
    }

    /// Rows whose envelopes the relay has deleted by now.
    pub(crate) fn tick_expiry(&mut self, cx: &mut Context<'_>) {
        let Some(before) = cx.now.0.checked_sub(EXPIRY_MS).map(Timestamp) else {
            return;
        };
        for key in self.outbox.first_accepted_before(before) {
            let reached = self
                .outbox
                .get(&key)
                .is_some_and(|row| row.targets.iter().any(|t| t.acked));
            let line = self.outbox.get(&key).and_then(|row| row.message);
            match line {
                Some((line, _)) if !reached => {
                    if let Some(row) = self.outbox.get_mut(&key) {
                        row.expired = true;
                    }
                    self.outbox.save(key, cx);
                    self.set_held(key.account, line, Some(Held::Expired), cx);
                    self.doubt_sessions(key, cx);
                }
                _ => {
                    self.outbox.remove(key, cx);
                }
            }
        }
    }

    /// After an expired message a long chain nobody answered is given up for a fresh session.
    fn doubt_sessions(&mut self, key: RowKey, cx: &mut Context<'_>) {
        let devices: Vec<DeviceId> = self
            .outbox
            .get(&key)
            .map(|row| row.targets.iter().map(|t| t.device).collect())
            .unwrap_or_default();
        for device in devices {
            let sending = self
                .sessions
                .sending(&device)
                .and_then(|session| self.sessions.get(&session));
            if sending.is_some_and(|live| live.session.sent_in_chain() >= LONG_CHAIN)
                && let Some(contact) = self.contacts.get_mut(&key.account)
            {
                contact.devices.entry(device).or_default().repair = true;
                cx.contacts.insert(key.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chopar_wire::{EnvelopeId, MessageId};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::contact::Contact;
    use crate::fixture::{NOW, device, live, pair};
    use crate::outbox::{Target, Until};

    /// Whether a message that expires makes the session with its device doubtful, which has so many messages in its chain.
    fn is_doubted(in_chain: u32) -> bool {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(NOW, &mut rng);
        let mut engine = Engine::new();
        let account = AccountId::new([1; 32]);
        let device = device(1);
        engine.contacts.insert(account, Contact::new(account, NOW));
        let (mut session, _) = pair(1);
        for _ in 0..in_chain {
            session.encrypt(b"into the void", NOW, &mut cx.rng).unwrap();
        }
        engine.sessions.add(device, live(account, session, NOW), &mut cx);
        let message = Some((1, MessageId::new([2; 16])));
        let key = engine
            .outbox
            .push(account, Vec::new(), message, Until::Acknowledged, &mut cx);
        let target = Target {
            device,
            envelope: EnvelopeId::new([3; 16]),
            session: None,
            body: Vec::new(),
            acked: false,
        };
        engine.outbox.add_target(key, target);
        let row = engine.outbox.get_mut(&key).unwrap();
        (row.accepted, row.first_accepted) = (Some(NOW), Some(NOW));
        cx.now = NOW.plus_ms(EXPIRY_MS);
        engine.tick_expiry(&mut cx);
        assert!(!engine.outbox.get(&key).unwrap().expired);
        cx.now = NOW.plus_ms(EXPIRY_MS + 1);
        engine.tick_expiry(&mut cx);
        assert!(engine.outbox.get(&key).unwrap().expired);
        let contact = engine.contacts.get(&account).unwrap();
        contact.devices.get(&device).is_some_and(|facts| facts.repair)
    }

    /// P-295: a chain of 500 messages, one of which expired, is given up for a fresh session; a shorter one goes on.
    #[test]
    fn a_long_chain_that_lost_a_message_is_given_up() {
        assert!(!is_doubted(LONG_CHAIN - 1));
        assert!(is_doubted(LONG_CHAIN));
    }
}
