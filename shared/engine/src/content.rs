//! What an authenticated sender said.

use chopar_identity::LogHead;
use chopar_wire::proto::content::{Copy, Introduction, Payload, Text, copy, payload};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, Timestamp};

use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::inbox::Delivery;
use crate::line::Progress;
use crate::seen::SeenId;
use crate::sending::MAX_TEXT;
use crate::view::SentState;

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
                | payload::Content::GroupDistribution(_)
                | payload::Content::GroupUpdate(_)
                | payload::Content::GroupRequest(_)
                | payload::Content::GroupAgain(_),
            ) if sent.is_some() => {}
            Some(payload::Content::Copy(copied)) if own => {
                self.on_copy(sender, delivery.id, copied, time, cx)
            }
            Some(payload::Content::TransportAcks(acks)) => self.on_transport_acks(sender, device, &acks, cx),
            Some(payload::Content::ResendRequest(request)) => {
                self.on_resend_request(sender, device, &request, cx)
            }
            Some(payload::Content::GroupDistribution(distribution)) => {
                self.on_distribution(sender, device, delivery.id, &distribution, cx);
            }
            Some(payload::Content::GroupUpdate(update)) => {
                self.on_group_update(sender, delivery.id, &update, cx)
            }
            Some(payload::Content::GroupRequest(request)) => {
                self.on_group_request(sender, device, &request, cx)
            }
            Some(payload::Content::GroupAgain(again)) => self.on_group_again(sender, delivery.id, &again, cx),
            // The own devices say nothing else to each other.
            _ if own => {}
            Some(payload::Content::Text(text)) => {
                self.on_text(sender, sender, delivery.id, text, time, cx);
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

    /// What a member said to a group: by the same rules as what is said to one person.
    pub(crate) fn take_said(
        &mut self,
        conversation: AccountId,
        sender: AccountId,
        envelope: EnvelopeId,
        payload: Payload,
        cx: &mut Context<'_>,
    ) {
        let time = Timestamp(payload.time);
        match payload.content {
            Some(payload::Content::Text(text)) => {
                self.on_text(conversation, sender, envelope, text, time, cx);
            }
            // Not said to groups, or of a kind this build does not know: it arrived.
            _ => self.owe(sender, Some(envelope), None, cx),
        }
    }

    /// A text in a conversation: of its person, of a member of the group, or of another own device in a group.
    fn on_text(
        &mut self,
        conversation: AccountId,
        sender: AccountId,
        envelope: EnvelopeId,
        text: Text,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) {
        let Ok(id) = MessageId::try_from(text.id.as_ref()) else {
            return;
        };
        if text.text.is_empty() || text.text.len() > MAX_TEXT {
            return;
        }
        let seen = SeenId::message(&sender, &id);
        self.seen.insert(SeenId::envelope(&envelope));
        // Shown before: the acknowledgement was lost on its way, so it is owed again.
        if !self.seen.contains(&seen) {
            self.seen.insert(seen);
            if self.is_own(&sender) {
                let line = self.add_own_line(conversation, id, &text.text, time, cx);
                // It left the other device.
                self.set_progress(
                    conversation,
                    line,
                    Progress {
                        state: SentState::Sent,
                        held: None,
                    },
                    cx,
                );
            } else {
                self.begin_conversation(conversation, cx);
                self.typing_over(conversation, cx);
                self.add_their_line(conversation, sender, id, text.text, time, cx);
            }
        }
        let delivered = (!self.is_own(&sender)).then_some(id);
        self.owe(sender, Some(envelope), delivered, cx);
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
        let Some(copy::Content::Text(text)) = copied.content else {
            // Whatever it is, the person has to do with them.
            return self.accepted_elsewhere(peer, cx);
        };
        let Ok(id) = MessageId::try_from(text.id.as_ref()) else {
            return;
        };
        let seen = SeenId::message(&own, &id);
        if text.text.is_empty() || text.text.len() > MAX_TEXT || self.seen.contains(&seen) {
            return;
        }
        self.seen.insert(seen);
        // What another own device sent into a group comes as the group's message.
        if self.groups.of(&peer).is_some() {
            return;
        }
        self.contacts
            .entry(peer)
            .or_insert_with(|| Contact::new(peer, cx.now));
        self.begin_conversation(peer, cx);
        self.accepted_elsewhere(peer, cx);
        let line = self.add_own_line(peer, id, &text.text, time, cx);
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
}
