//! From an outbox row to a `Submit`, and what the relay says to it.

use chopar_wire::proto::content::{Copy, File, Payload, Text, TransportAcks, payload};
use chopar_wire::proto::identity;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{Envelope, ExpiryClass, Submit};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId};
use prost::Message;

use crate::change::is_text;
use crate::changing::{copied, wire};
use crate::content::is_of_group;
use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::files::in_order;
use crate::line::Said;
use crate::outbox::{Row, RowKey, Target, Until};
use crate::requests::What;
use crate::seen::SeenId;
use crate::submitted::REFUSED_CAP_MS;
use crate::view::{Alarm, Held, Reference};

/// Submits without an answer at one time, all recipients together: keeps the socket's buffer small.
const MAX_IN_FLIGHT: usize = 32;
/// A text in bytes; longer goes as an attachment.
pub(crate) const MAX_TEXT: usize = 8_000;
/// How long after a forged log the relay is asked for it again, in milliseconds.
const FORGED_MS: u64 = 60_000;

/// What a person wants to say.
pub(crate) struct Saying {
    pub(crate) text: String,
    pub(crate) reply_to: Option<Reference>,
    pub(crate) forwarded: bool,
    /// With them there may be no text.
    pub(crate) files: Vec<File>,
}

/// What is waited for after saying something in a conversation.
pub(crate) const fn until(content: Option<&payload::Content>) -> Until {
    match content {
        Some(payload::Content::Edit(_) | payload::Content::Deletion(_) | payload::Content::Reaction(_)) => {
            Until::Referring
        }
        _ => Until::Acknowledged,
    }
}

impl Engine {
    pub(crate) fn send_text(
        &mut self,
        asked: u64,
        account: AccountId,
        id: MessageId,
        saying: Saying,
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return cx.fail(asked, Failure::NotNow);
        };
        let wordless = saying.text.is_empty() && !saying.files.is_empty();
        if !wordless && !is_text(&saying.text) {
            return cx.fail(asked, Failure::TextLength);
        }
        if !in_order(&saying.files) {
            return cx.fail(asked, Failure::Browser);
        }
        if self.contacts.get(&account).is_none_or(|c| c.next_line == 0) {
            return cx.fail(asked, Failure::NotFound);
        }
        if self.is_blocked(&account) {
            return cx.fail(asked, Failure::Blocked);
        }
        if !self.may_say(&account) {
            return cx.fail(asked, Failure::NotAllowed);
        }
        let timer = self.timer_of(&account);
        let seen = SeenId::message(&own, &id);
        if self.seen.contains(&seen) {
            return cx.answer(asked, Answer::Done);
        }
        self.seen.insert(seen);
        // In the step that sends: after a crash in between the text would stand in the composer again, ready to be sent twice.
        if let Some(contact) = self.contacts.get_mut(&account)
            && contact.draft.trim() == saying.text
        {
            contact.keep_draft(String::new(), cx);
        }
        let text = Text {
            id: id.into(),
            text: saying.text,
            reply_to: saying.reply_to.map(wire),
            forwarded: saying.forwarded,
            timer: timer.wire(),
            files: saying.files,
        };

        let Some(said) = Said::parse(&text, cx.now) else {
            return cx.fail(asked, Failure::TextLength);
        };
        let line = self.add_own_line(account, own, &said, cx);
        if text.files.is_empty() {
            self.say(account, payload::Content::Text(text), Some((line, id)), cx);
        } else {
            self.accept_contact(account, cx);
            self.upload_first((account, line), id, text, cx);
        }
        cx.answer(asked, Answer::Done);
    }

    /// Says something to whom a conversation is with, and to the own other devices. What carries a conversation is known here
    /// and nowhere else.
    pub(crate) fn say(
        &mut self,
        conversation: AccountId,
        content: payload::Content,
        line: Option<(u64, MessageId)>,
        cx: &mut Context<'_>,
    ) {
        self.accept_contact(conversation, cx);
        let until = until(Some(&content));
        let copied = Copy {
            peer: conversation.into(),
            content: copied(&content),
        };
        let row = Payload {
            content: Some(content),
            ..Payload::default()
        };
        // What goes into a group reaches the own other devices as the group's message.
        if let Some(group) = self.groups.of(&conversation) {
            return self.say_to_group(&group, &row, line, cx);
        }
        self.outbox
            .push(conversation, row.encode_to_vec(), line, until, cx);
        self.tell_own_devices(copied, cx);
    }

    /// Again what is held or expired, with new envelopes if the old ones are gone.
    pub(crate) fn retry(&mut self, asked: u64, account: AccountId, id: MessageId, cx: &mut Context<'_>) {
        if self.retry_upload(asked, account, &id, cx) {
            return;
        }
        if let Some(group) = self.groups.of(&account) {
            return self.retry_in_group(asked, &group, &id, cx);
        }
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
                row.first_accepted = None;
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
        for front in self.outbox.fronts() {
            if room == 0 {
                break;
            }
            if let Some(key) = self.allowed(front) {
                room -= usize::from(self.try_row(key, cx));
            }
        }
    }

    /// What may go to the account of a row: to a blocked person only what a group needs that both are in, until the block ends.
    fn allowed(&self, front: RowKey) -> Option<RowKey> {
        if !self.is_blocked(&front.account) {
            return Some(front);
        }
        let queued = self.outbox.queued(&front.account);
        let row = |key: &RowKey| self.outbox.get(key);
        if queued.iter().filter_map(row).any(|row| row.in_flight) {
            return None;
        }
        queued.into_iter().find(|key| {
            let said = row(key).and_then(Row::said);
            said.is_some_and(|said| match &said.content {
                Some(payload::Content::TransportAcks(_)) => self.groups.fellows.contains(&front.account),
                content => is_of_group(content.as_ref()),
            })
        })
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
        // One contact's word about the own log warns; it does not stop what goes to devices that the log names.
        let alarm = contact.alarm.filter(|alarm| *alarm != Alarm::LogDisputed);
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
        if self.waits_for_claim(account, cx) {
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
            Alarm::LogForged | Alarm::LogRolledBack | Alarm::LogWithheld | Alarm::LogDisputed => {
                return self.need_log(account, cx.now.plus_ms(FORGED_MS));
            }
            Alarm::LogForked => return,
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
    pub(crate) fn needs_session(&self, account: &AccountId, device: &DeviceId) -> bool {
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
        // The relay wants every device named. One whose envelope it took before gets a filler, which needs a session too.
        let filled: Vec<DeviceId> = row
            .targets
            .iter()
            .filter(|t| t.body.is_empty() && devices.contains(&t.device))
            .map(|t| t.device)
            .collect();
        let mut ready = true;
        for device in &missing {
            if self.needs_session(&key.account, device) {
                self.open_session(key.account, *device, cx);
                ready = false;
            }
        }
        for device in filled {
            if self.needs_session(&key.account, &device) {
                self.open_session(key.account, device, cx);
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
            let Some((session, body)) = self.encrypt_row(key, device, cx) else {
                ready = false;
                continue;
            };
            let envelope = EnvelopeId::new(cx.random());
            self.outbox.add_target(
                key,
                Target {
                    device,
                    envelope,
                    session: Some(session),
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

    fn submit(&mut self, key: RowKey, cx: &mut Context<'_>) -> bool {
        let head: Option<identity::LogHead> = self.log(&key.account).map(|log| (&log.head()).into());
        let Some(row) = self.outbox.get(&key) else {
            return false;
        };
        let made: Vec<(DeviceId, EnvelopeId, Vec<u8>)> = row
            .targets
            .iter()
            .map(|t| (t.device, t.envelope, t.body.clone()))
            .collect();
        let mut envelopes = Vec::with_capacity(made.len());
        for (device, mut id, mut body) in made {
            if body.is_empty() {
                let Some(filler) = self.filler(key.account, device, cx) else {
                    return false;
                };
                (id, body) = (EnvelopeId::new(cx.random()), filler);
            }
            envelopes.push(Envelope {
                device: device.into(),
                id: id.into(),
                body: body.into(),
                expiry: ExpiryClass::ExpiryMonth.into(),
            });
        }
        let Some(row) = self.outbox.get_mut(&key) else {
            return false;
        };
        row.in_flight = true;
        row.submission += 1;
        let submission = row.submission;
        let submit = Submit {
            account: key.account.into(),
            log_head: head,
            envelopes,
        };
        self.requests
            .send(cx, What::Submit { row: key, submission }, Body::Submit(submit));
        true
    }

    /// Something that says nothing, for a device that has what the row says.
    fn filler(&mut self, account: AccountId, device: DeviceId, cx: &mut Context<'_>) -> Option<Vec<u8>> {
        let session = self.sessions.sending(&device)?;
        let payload = Payload {
            content: Some(payload::Content::TransportAcks(TransportAcks::default())),
            ..Payload::default()
        };
        self.encrypt(account, session, payload, cx.now, cx)
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
