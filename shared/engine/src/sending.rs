//! From an outbox row to a `Submit`, and what the relay says to it.

use chopar_e2ee::device::PeerDevice;
use chopar_e2ee::handshake::HandshakeHeader;
use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::EncryptError;
use chopar_e2ee::seal::{FirstContact, seal_handshake, session_body};
use chopar_wire::proto::content::{Copy, Introduction, Payload, Text, copy, payload};
use chopar_wire::proto::identity;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{DeviceMismatch, Envelope, ExpiryClass, Reason, Refused, Submit};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, Timestamp, limits};
use prost::Message;

use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::line::Progress;
use crate::outbox::{RowKey, Target};
use crate::requests::What;
use crate::seen::SeenId;
use crate::sessions::SessionKey;
use crate::view::{Alarm, Held, SentState};

/// Submits without an answer at one time, all recipients together: keeps the socket's buffer small.
const MAX_IN_FLIGHT: usize = 32;
/// A text in bytes; longer goes as an attachment.
pub(crate) const MAX_TEXT: usize = 8_000;
/// The first wait after a refusal, in milliseconds; it doubles.
const REFUSED_MS: u64 = 1_000;
/// The longest such wait, in milliseconds.
const REFUSED_CAP_MS: u64 = 600_000;
/// How long after a forged log the relay is asked for it again, in milliseconds.
const FORGED_MS: u64 = 60_000;
/// Messages of one chain without a turn of theirs after which an expired one means a new session: the chain may be lost.
const LONG_CHAIN: u32 = 500;
/// How long a queued envelope lives at the relay, in milliseconds; an unacknowledged row expires then.
const EXPIRY_MS: u64 = limits::MAX_QUEUE_AGE_MS;

impl Engine {
    pub(crate) fn send_text(
        &mut self,
        asked: u64,
        account: AccountId,
        id: MessageId,
        text: &str,
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return cx.fail(asked, Failure::NotNow);
        };
        if text.is_empty() || text.len() > MAX_TEXT {
            return cx.fail(asked, Failure::TextLength);
        }
        if self.contacts.get(&account).is_none_or(|c| c.next_line == 0) {
            return cx.fail(asked, Failure::NotFound);
        }
        let seen = SeenId::message(&own, &id);
        if self.seen.contains(&seen) {
            return cx.answer(asked, Answer::Done);
        }
        self.seen.insert(seen);
        self.accept_contact(account, cx);
        let line = self.add_own_line(account, id, text, cx.now, cx);
        let text = Text {
            id: id.as_bytes().to_vec().into(),
            text: text.to_owned(),
        };
        let row = Payload {
            content: Some(payload::Content::Text(text.clone())),
            ..Payload::default()
        };
        self.outbox
            .push(account, row.encode_to_vec(), Some((line, id)), cx);
        if self.own_others(&own).next().is_some() {
            let copied = Copy {
                peer: account.into(),
                content: Some(copy::Content::Text(text)),
            };
            let row = Payload {
                content: Some(payload::Content::Copy(copied)),
                ..Payload::default()
            };
            self.outbox.push(own, row.encode_to_vec(), None, cx);
        }
        cx.answer(asked, Answer::Done);
    }

    /// Again what is held or expired, with new envelopes if the old ones are gone.
    pub(crate) fn retry(&mut self, asked: u64, account: AccountId, id: MessageId, cx: &mut Context<'_>) {
        let is = |engine: &Self, key: &RowKey| {
            engine
                .outbox
                .get(key)
                .is_some_and(|row| row.message.is_some_and(|(_, message)| message == id))
        };
        let Some(key) = self.outbox.of(&account).into_iter().find(|key| is(self, key)) else {
            return cx.fail(asked, Failure::NotFound);
        };
        if self.outbox.get(&key).is_some_and(|row| row.expired) {
            self.outbox.drop_targets(key, |_| true);
        }
        if let Some(row) = self.outbox.get_mut(&key) {
            if std::mem::take(&mut row.expired) {
                row.accepted = None;
            }
            row.not_before = cx.now;
            row.refusals = 0;
            if let Some((line, _)) = row.message {
                self.set_held(account, line, None, cx);
            }
        }
        self.outbox.save(key, cx);
        self.unreachable(account, None, cx);
        cx.answer(asked, Answer::Done);
    }

    /// Sends what can be sent.
    pub(crate) fn pump_sending(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in() {
            return;
        }
        let mut room = MAX_IN_FLIGHT.saturating_sub(self.outbox.in_flight());
        for key in self.outbox.fronts() {
            if room == 0 {
                break;
            }
            room -= usize::from(self.try_row(key, cx));
        }
    }

    /// Whether the row went out.
    fn try_row(&mut self, key: RowKey, cx: &mut Context<'_>) -> bool {
        let account = key.account;
        let Some(row) = self.outbox.get(&key) else {
            return false;
        };
        if row.in_flight || row.not_before > cx.now {
            return false;
        }
        let Some(contact) = self.contacts.get(&account) else {
            return false;
        };
        let alarm = contact.alarm;
        if alarm.is_none() && contact.held() == Some(Held::SafetyNumberChanged) {
            return false;
        }
        let Some(log) = &contact.log else {
            self.need_log(account, cx.now);
            return false;
        };
        let this = self.own.as_ref().map(|own| own.device);
        let devices: Vec<DeviceId> = log
            .active_devices()
            .iter()
            .map(|device| device.id)
            .filter(|id| Some(*id) != this)
            .collect();
        if let Some(alarm) = alarm {
            self.try_alarmed(account, &devices, alarm, cx);
            return false;
        }
        if devices.is_empty() {
            self.no_device(key, cx);
            return false;
        }
        if !self.make_targets(key, &devices, cx) {
            return false;
        }
        self.submit(key, cx)
    }

    /// What was forged stops sending, but the relay may show something valid later: it is asked now and then.
    fn try_alarmed(&mut self, account: AccountId, devices: &[DeviceId], alarm: Alarm, cx: &mut Context<'_>) {
        match alarm {
            Alarm::BundleForged | Alarm::BundleRolledBack => {}
            Alarm::LogForged => return self.need_log(account, cx.now.plus_ms(FORGED_MS)),
            Alarm::LogForked | Alarm::LogRolledBack => return,
        }
        let missing: Vec<DeviceId> = devices
            .iter()
            .filter(|d| self.needs_session(&account, d))
            .copied()
            .collect();
        if missing.is_empty() {
            self.clear_bundle_alarm(account, cx);
        }
        for device in missing {
            self.open_session(account, device, cx);
        }
    }

    fn no_device(&mut self, key: RowKey, cx: &mut Context<'_>) {
        if self.own.as_ref().is_some_and(|own| own.account == key.account) {
            self.outbox.remove(key, cx);
            return;
        }
        self.unreachable(key.account, Some(Held::NoDevice), cx);
        self.want_log(key.account, cx.now.plus_ms(REFUSED_CAP_MS));
        if let Some(row) = self.outbox.get_mut(&key) {
            row.not_before = cx.now.plus_ms(REFUSED_CAP_MS);
        }
    }

    /// Whether a session with the device must be begun before anything is encrypted for it.
    fn needs_session(&self, account: &AccountId, device: &DeviceId) -> bool {
        let repair = self
            .contacts
            .get(account)
            .and_then(|c| c.devices.get(device))
            .is_some_and(|f| f.repair);
        repair || self.sessions.sending(device).is_none()
    }

    /// Makes the envelopes that are missing. Whether all are there now.
    fn make_targets(&mut self, key: RowKey, devices: &[DeviceId], cx: &mut Context<'_>) -> bool {
        let Some(row) = self.outbox.get(&key) else {
            return false;
        };
        let missing: Vec<DeviceId> = devices
            .iter()
            .filter(|d| row.targets.iter().all(|t| t.device != **d))
            .copied()
            .collect();
        let mut ready = true;
        for device in &missing {
            if self.needs_session(&key.account, device) {
                self.open_session(key.account, *device, cx);
                ready = false;
            }
        }
        if !ready {
            return false;
        }
        let mut changed = self
            .outbox
            .drop_targets(key, |target| !devices.contains(&target.device));
        for device in missing {
            let Some(body) = self.encrypt_row(key, device, cx) else {
                ready = false;
                continue;
            };
            let envelope = EnvelopeId::new(cx.random());
            self.outbox.add_target(
                key,
                Target {
                    device,
                    envelope,
                    body,
                    acked: false,
                },
            );
            changed = true;
        }
        if changed {
            self.outbox.save(key, cx);
        }
        ready
    }

    fn encrypt_row(&mut self, key: RowKey, device: DeviceId, cx: &mut Context<'_>) -> Option<Vec<u8>> {
        let row = self.outbox.get(&key)?;
        let payload = Payload::decode(row.payload.as_slice()).ok()?;
        let created = row.created;
        let session = self.sessions.sending(&device)?;
        self.encrypt(key.account, session, payload, created, cx)
    }

    /// Encrypts one payload in one session and saves the session. `None` where the session cannot go on; it is dropped then.
    pub(crate) fn encrypt(
        &mut self,
        account: AccountId,
        session: SessionKey,
        mut payload: Payload,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) -> Option<Vec<u8>> {
        let own = self.own.as_ref()?;
        let own_log = self.contacts.get(&own.account)?.log.as_ref()?;
        let own_device = own.device;
        let contact = self.contacts.get(&account)?;
        let log = contact.log.as_ref()?;
        let peer = PeerDevice::from_log(log, &session.device).ok()?;
        payload.own_log = Some((&own_log.head()).into());
        payload.peer_log = Some((&log.head()).into());
        payload.time = time.0;
        let presented = own.presentation();
        let live = self.sessions.get_mut(&session)?;
        if live.unanswered.is_some() || contact.presented_as != presented {
            payload.presenting = Some(Introduction {
                handle: own.handle.clone(),
                display_name: own.display_name.clone(),
            });
        }
        if live.unanswered.is_some() {
            payload.generation = live.generation;
        }
        let padded = pad(&payload.encode_to_vec()).ok()?;
        let signal = live.unanswered.is_none() && is_signal(&payload);
        let sealed = if signal {
            live.session.seal_signal(&padded, cx.now, &mut cx.rng)
        } else {
            live.session.encrypt(&padded, cx.now, &mut cx.rng)
        };
        let message = match sealed {
            Ok(message) => message,
            Err(EncryptError::TooLong(_)) => return None,
            Err(_) => {
                self.sessions.remove(session, cx);
                return None;
            }
        };
        let body = match &live.unanswered {
            None => session_body(&message),
            Some(unanswered) => {
                let header = HandshakeHeader::parse(&unanswered.header).ok()?;
                let first = FirstContact {
                    log: own_log,
                    device: &own_device,
                    header: &header,
                    message: &message,
                };
                seal_handshake(&peer, &unanswered.sealing_key, &first, &mut cx.rng).ok()?
            }
        };
        if !signal {
            self.sessions.save(session, cx);
            if payload.presenting.is_some()
                && let Some(contact) = self.contacts.get_mut(&account)
                && contact.presented_as != presented
            {
                contact.presented_as = presented;
                cx.contacts.insert(account);
            }
        }
        Some(body)
    }

    fn submit(&mut self, key: RowKey, cx: &mut Context<'_>) -> bool {
        let head: Option<identity::LogHead> = self.log(&key.account).map(|log| (&log.head()).into());
        let Some(row) = self.outbox.get_mut(&key) else {
            return false;
        };
        row.in_flight = true;
        let envelopes = row
            .targets
            .iter()
            .map(|t| Envelope {
                device: t.device.into(),
                id: t.envelope.into(),
                body: t.body.clone().into(),
                expiry: ExpiryClass::ExpiryMonth.into(),
            })
            .collect();
        let submit = Submit {
            account: key.account.into(),
            log_head: head,
            envelopes,
        };
        self.requests
            .send(cx, What::Submit { row: key }, Body::Submit(submit));
        true
    }

    pub(crate) fn on_accepted(&mut self, key: RowKey, cx: &mut Context<'_>) {
        let Some(row) = self.outbox.get_mut(&key) else {
            return;
        };
        row.in_flight = false;
        row.accepted = Some(cx.now);
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
            self.raise_alarm(account, Alarm::LogRolledBack, cx);
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
            _ => None,
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
    fn hold(&mut self, key: RowKey, cx: &mut Context<'_>) {
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
                if over || self.outbox.get(&key).is_some_and(crate::outbox::Row::settled) {
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
        for key in self.outbox.accepted_before(before) {
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

    /// The own account's other active devices.
    pub(crate) fn own_others(&self, own: &AccountId) -> impl Iterator<Item = DeviceId> {
        let this = self.own.as_ref().map(|own| own.device);
        let devices = self.log(own).map(|log| log.active_devices()).unwrap_or_default();
        devices
            .iter()
            .map(|device| device.id)
            .filter(move |id| Some(*id) != this)
    }
}

/// What is said without advancing the ratchet.
fn is_signal(payload: &Payload) -> bool {
    use payload::Content;
    matches!(
        payload.content,
        Some(Content::TransportAcks(_) | Content::Receipts(_) | Content::Typing(_))
    )
}
