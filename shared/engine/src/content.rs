//! What an authenticated sender said.

use chopar_identity::LogHead;
use chopar_wire::proto::content::{Copy, Introduction, Payload, Text, TransportAcks, copy, payload};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, Timestamp};

use crate::change::{self, Deed};
use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::inbox::Delivery;
use crate::line::{Progress, Said};
use crate::receipts::MAX_IDS;
use crate::seen::SeenId;
use crate::timer::Timer;
use crate::view::{Reference, SentState};

impl Engine {
    pub(crate) fn take_payload(
        &mut self,
        sender: AccountId,
        device: DeviceId,
        delivery: &Delivery,
        payload: Payload,
        sent: Option<Timestamp>,
        cx: &mut Context<'_>,
    ) {
        let head = |head: Option<_>| head.as_ref().and_then(|head| LogHead::try_from(head).ok());
        self.on_heads(sender, head(payload.own_log), head(payload.peer_log), cx);
        let own = self.own.as_ref().is_some_and(|own| own.account == sender);
        if self.is_blocked(&sender) {
            return self.take_blocked(sender, device, payload.content, cx);
        }
        if let Some(presenting) = payload.presenting.filter(|_| !own) {
            self.on_introduction(sender, &presenting, cx);
        }
        let time = Timestamp(payload.time);
        match payload.content {
            // What advances no chain may be replayed by the relay within its window: only what does no harm twice.
            Some(
                payload::Content::Text(_)
                | payload::Content::Copy(_)
                | payload::Content::ResendRequest(_)
                | payload::Content::Edit(_)
                | payload::Content::Deletion(_)
                | payload::Content::Reaction(_)
                | payload::Content::TimerChange(_),
            ) if sent.is_some() => {}
            Some(payload::Content::Copy(copied)) if own => {
                self.on_copy(sender, delivery.id, copied, time, cx)
            }
            Some(payload::Content::TransportAcks(acks)) => self.on_transport_acks(sender, device, &acks, cx),
            Some(payload::Content::ResendRequest(request)) => {
                self.on_resend_request(sender, device, &request, cx)
            }
            // The own devices say nothing else to each other.
            _ if own => {}
            Some(payload::Content::Text(text)) => self.on_text(sender, delivery.id, &text, time, cx),
            Some(payload::Content::Edit(edit)) => {
                let parsed = change::edit(sender, edit);
                self.on_deed(sender, sender, Some(delivery.id), parsed, time, cx);
            }
            Some(payload::Content::Deletion(deletion)) => {
                let parsed = change::deletion(sender, &deletion);
                self.on_deed(sender, sender, Some(delivery.id), parsed, time, cx);
            }
            Some(payload::Content::Reaction(reaction)) => {
                let parsed = change::reaction(reaction);
                self.on_deed(sender, sender, Some(delivery.id), parsed, time, cx);
            }
            Some(payload::Content::TimerChange(change)) => {
                self.on_timer_change(sender, sender, Some(delivery.id), &change, cx);
            }
            Some(payload::Content::Receipts(receipts)) => self.on_receipts(sender, &receipts, cx),
            Some(payload::Content::Introduction(introduction)) => {
                self.on_introduction(sender, &introduction, cx)
            }
            Some(payload::Content::Typing(typing)) => {
                self.on_typing(sender, &typing, sent.unwrap_or(time), cx);
            }
            // Only from an own device; or of a kind this build does not know.
            Some(payload::Content::Copy(_)) | None => {}
        }
    }

    fn on_text(
        &mut self,
        sender: AccountId,
        envelope: EnvelopeId,
        text: &Text,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) {
        let Some(said) = Said::parse(text, time) else {
            return;
        };
        let seen = SeenId::message(&sender, &said.id);
        self.seen.insert(SeenId::envelope(&envelope));
        // Shown before: the acknowledgement was lost on its way, so it is owed again.
        if !self.seen.contains(&seen) {
            self.seen.insert(seen);
            self.begin_conversation(sender, cx);
            self.typing_over(sender, cx);
            self.know_timer_of(sender, text, cx);
            self.add_their_line(sender, sender, &said, cx);
            self.unarchive(sender, cx);
        }
        self.owe(sender, Some(envelope), Some(said.id), cx);
    }

    fn know_timer_of(&mut self, conversation: AccountId, text: &Text, cx: &mut Context<'_>) {
        if let Some(timer) = text.timer.as_ref().and_then(Timer::parse) {
            self.know_timer(conversation, timer, cx);
        }
    }

    /// Nothing that a blocked person says is shown, now or later. What they acknowledge is not sent to them again.
    fn take_blocked(
        &mut self,
        sender: AccountId,
        device: DeviceId,
        content: Option<payload::Content>,
        cx: &mut Context<'_>,
    ) {
        match content {
            Some(payload::Content::Text(text)) => {
                if let Ok(id) = MessageId::try_from(text.id.as_ref()) {
                    self.seen.insert(SeenId::message(&sender, &id));
                }
            }
            Some(payload::Content::TimerChange(change)) => {
                if let Ok(id) = MessageId::try_from(change.id.as_ref()) {
                    self.seen.insert(SeenId::message(&sender, &id));
                }
            }
            Some(payload::Content::TransportAcks(acks)) => {
                let receipts = Vec::new();
                self.on_transport_acks(sender, device, &TransportAcks { receipts, ..acks }, cx);
            }
            _ => {}
        }
    }

    /// Names are claims. A handle that another contact has is not taken from somebody's word.
    fn on_introduction(&mut self, sender: AccountId, introduction: &Introduction, cx: &mut Context<'_>) {
        let handle = chopar_identity::Handle::parse(&introduction.handle).ok();
        let taken = handle.as_ref().is_some_and(|handle| {
            self.contacts
                .values()
                .any(|c| c.account != sender && c.handle == handle.as_str())
        });
        let name = chopar_identity::DisplayName::parse(&introduction.display_name).ok();
        let Some(contact) = self.contacts.get_mut(&sender) else {
            return;
        };
        let mut changed = false;
        if let Some(handle) = handle.filter(|_| !taken)
            && contact.handle.is_empty()
        {
            contact.handle = handle.as_str().to_owned();
            changed = true;
        }
        if let Some(name) = name.filter(|name| contact.display_name != name.as_str()) {
            contact.display_name = name.as_str().to_owned();
            changed = true;
        }
        if changed || !contact.introduced {
            contact.introduced = true;
            cx.touch(sender);
        }
    }

    /// What another own device sent.
    fn on_copy(
        &mut self,
        own: AccountId,
        envelope: EnvelopeId,
        copied: Copy,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) {
        self.seen.insert(SeenId::envelope(&envelope));
        self.owe(own, Some(envelope), None, cx);
        let Ok(peer) = AccountId::try_from(copied.peer.as_ref()) else {
            return;
        };
        if peer == own {
            return;
        }
        match copied.content {
            Some(copy::Content::Text(text)) => self.on_copied_text(own, peer, &text, time, cx),
            Some(copy::Content::Receipts(receipts)) => {
                let ids = receipts.ids.iter().take(MAX_IDS);
                for id in ids.filter_map(|id| MessageId::try_from(id.as_ref()).ok()) {
                    let about = Reference { author: peer, id };
                    self.on_deed(peer, own, None, Ok((about, Deed::Read)), time, cx);
                }
            }
            Some(copy::Content::TimerChange(change)) => {
                self.know_peer(peer, cx);
                self.on_timer_change(peer, own, None, &change, cx);
            }
            Some(copy::Content::Setting(setting)) => {
                self.know_peer(peer, cx);
                self.on_setting(peer, setting, cx);
            }
            Some(deed) => self.on_copied_deed(own, peer, deed, time, cx),
            // Whatever it is, the person has to do with them.
            None => self.accepted_elsewhere(peer, cx),
        }
    }

    fn on_copied_text(
        &mut self,
        own: AccountId,
        peer: AccountId,
        text: &Text,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) {
        let Some(said) = Said::parse(text, time) else {
            return;
        };
        let seen = SeenId::message(&own, &said.id);
        if self.seen.contains(&seen) {
            return;
        }
        self.seen.insert(seen);
        self.know_peer(peer, cx);
        self.begin_conversation(peer, cx);
        self.accepted_elsewhere(peer, cx);
        self.know_timer_of(peer, text, cx);
        let line = self.add_own_line(peer, own, &said, cx);
        // It left the other device; ticks beyond that come to both.
        self.set_progress(
            peer,
            line,
            Progress {
                state: SentState::Sent,
                held: None,
            },
            cx,
        );
    }

    /// A person with whom another own device has to do.
    fn know_peer(&mut self, peer: AccountId, cx: &Context<'_>) {
        self.contacts
            .entry(peer)
            .or_insert_with(|| Contact::new(peer, cx.now));
    }
}
