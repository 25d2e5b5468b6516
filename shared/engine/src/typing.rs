//! Typing notices, both ways: signals that are never stored.

use chopar_wire::proto::content::{Payload, Typing, payload};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{Envelope, ExpiryClass, SubmitSignal};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, Timestamp};

use crate::context::Context;
use crate::engine::Engine;
use crate::event::Event;
use crate::map::Map;
use crate::requests::What;
use crate::view::Setting;

/// At most one notice in this time, in milliseconds.
const EVERY_MS: u64 = 3_000;
/// How long a notice stands, in milliseconds; one that is older when it comes is ignored.
const STANDS_MS: u64 = 10_000;

/// Who is typing, and until when as far as told.
pub(crate) type TypingUntil = Map<AccountId, Timestamp>;

impl Engine {
    /// Tells the other person, if that is wanted and possible now.
    pub(crate) fn typing(&mut self, account: AccountId, stopped: bool, cx: &mut Context<'_>) {
        let wanted = self.own.as_ref().is_some_and(|own| own.preferences.typing);
        let Some(contact) = self
            .contacts
            .get_mut(&account)
            .filter(|c| c.accepted && c.held().is_none() && !c.settings.is(Setting::Blocked))
        else {
            return;
        };
        let told_within = |ms| contact.typing_told.is_some_and(|at| cx.now.ms_since(at) < ms);
        // A stop is worth a notice only while a start stands.
        let worth = if stopped {
            told_within(STANDS_MS)
        } else {
            !told_within(EVERY_MS)
        };
        if !wanted || !self.link.signed_in() || !worth {
            return;
        }
        contact.typing_told = (!stopped).then_some(cx.now);
        let devices: Vec<DeviceId> = contact
            .log
            .as_ref()
            .map(|l| l.active_devices().iter().map(|d| d.id).collect())
            .unwrap_or_default();
        let mut envelopes = Vec::new();
        for device in devices {
            let Some(session) = self.sessions.sending(&device) else {
                continue;
            };
            // Nothing at all is said in a session that is doubted.
            if self.needs_session(&account, &device) {
                continue;
            }
            // Nobody is bothered with a handshake for this.
            if self
                .sessions
                .get(&session)
                .is_none_or(|live| live.unanswered.is_some())
            {
                continue;
            }
            let content = Some(payload::Content::Typing(Typing { stopped }));
            let payload = Payload {
                content,
                ..Payload::default()
            };
            if let Some(body) = self.encrypt(account, session, payload, cx.now, cx) {
                let id = EnvelopeId::new(cx.random());
                let expiry = ExpiryClass::ExpiryDay.into();
                envelopes.push(Envelope {
                    device: device.into(),
                    id: id.into(),
                    body: body.into(),
                    expiry,
                });
            }
        }
        if !envelopes.is_empty() {
            let signal = SubmitSignal {
                account: account.into(),
                envelopes,
            };
            self.requests.send(cx, What::Signal, Body::SubmitSignal(signal));
        }
    }

    pub(crate) fn on_typing(
        &mut self,
        account: AccountId,
        typing: &Typing,
        sent: Timestamp,
        cx: &mut Context<'_>,
    ) {
        let wanted = self.own.as_ref().is_some_and(|own| own.preferences.typing);
        if !wanted
            || cx.now.ms_since(sent) > STANDS_MS
            || self.contacts.get(&account).is_none_or(|c| c.next_line == 0)
        {
            return;
        }
        if typing.stopped {
            self.typing_over(account, cx);
        } else {
            let until = cx.now.plus_ms(STANDS_MS);
            self.typing_until.insert(account, until);
            cx.tell(Event::TypingUntil {
                conversation: account,
                until,
            });
        }
    }

    pub(crate) fn typing_over(&mut self, account: AccountId, cx: &mut Context<'_>) {
        if self.typing_until.remove(&account).is_some() {
            let until = Timestamp(cx.now.0.saturating_sub(1));
            cx.tell(Event::TypingUntil {
                conversation: account,
                until,
            });
        }
    }

    pub(crate) fn tick_typing(&mut self, cx: &mut Context<'_>) {
        self.typing_until.retain(|_, until| *until > cx.now);
    }
}
