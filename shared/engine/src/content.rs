//! What an authenticated sender said.

use chopar_e2ee::padding::unpad;
use chopar_identity::LogHead;
use chopar_wire::proto::content::{
    Copy, Introduction, Payload, Text, TimerChange, TransportAcks, copy, payload,
};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, Timestamp};
use prost::Message;

use crate::change::{self, Deed};
use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::heads::Heads;
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
        let heads = Heads {
            theirs: head(payload.own_log),
            ours: head(payload.peer_log),
            repeatable: sent.is_some(),
        };
        self.on_heads(sender, &heads, cx);
        let own = self.own.as_ref().is_some_and(|own| own.account == sender);
        let blocked = self.is_blocked(&sender);
        // A group that both are in goes on.
        let of_group = is_of_group(payload.content.as_ref()) && self.groups.fellows.contains(&sender);
        if blocked && !of_group {
            return self.take_blocked(sender, device, payload.content, cx);
        }
        // Names that came in a signal may be those of long ago.
        let presenting = payload.presenting.filter(|_| !own && !blocked && sent.is_none());
        if let Some(presenting) = presenting {
            self.on_introduction(sender, &presenting, cx);
        }
        let time = Timestamp(payload.time);
        match payload.content {
            // What advances no chain may be replayed by the relay within its window: only what does no harm twice.
            Some(
                payload::Content::Text(_)
                | payload::Content::Copy(_)
                | payload::Content::Introduction(_)
                | payload::Content::ResendRequest(_)
                | payload::Content::Edit(_)
                | payload::Content::Deletion(_)
                | payload::Content::Reaction(_)
                | payload::Content::TimerChange(_)
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
            Some(payload::Content::TimerChange(change)) => {
                self.on_timer_change(sender, sender, Some(delivery.id), &change, cx);
            }
            Some(
                said @ (payload::Content::Text(_)
                | payload::Content::Edit(_)
                | payload::Content::Deletion(_)
                | payload::Content::Reaction(_)),
            ) => self.take_said(sender, sender, delivery.id, Some(said), time, cx),
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

    /// What is said in a conversation: by the same rules in one with a person and in a group.
    pub(crate) fn take_said(
        &mut self,
        conversation: AccountId,
        sender: AccountId,
        envelope: EnvelopeId,
        content: Option<payload::Content>,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) {
        let parsed = match content {
            Some(payload::Content::Text(text)) => {
                return self.on_text(conversation, sender, envelope, &text, time, cx);
            }
            Some(payload::Content::Edit(edit)) => change::edit(sender, edit),
            Some(payload::Content::Deletion(deletion)) => change::deletion(sender, &deletion),
            Some(payload::Content::Reaction(reaction)) => change::reaction(reaction),
            // Not said in conversations, or of a kind this build does not know: it arrived.
            _ => return self.owe(sender, Some(envelope), None, cx),
        };
        self.on_deed(conversation, sender, Some(envelope), parsed, time, cx);
    }

    /// A text in a conversation: of its person, of a member of the group, or of another own device in a group.
    fn on_text(
        &mut self,
        conversation: AccountId,
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
        if self.seen.contains(&SeenId::unshown(&sender, &said.id)) {
            return self.owe(sender, Some(envelope), None, cx);
        }
        // Shown before: the acknowledgement was lost on its way, so it is owed again.
        if !self.seen.contains(&seen) {
            self.seen.insert(seen);
            if self.is_own(&sender) {
                self.add_sent_line(conversation, sender, &said, cx);
            } else {
                self.begin_conversation(conversation, cx);
                self.typing_over(conversation, cx);
                // How long messages of a group stay is for its roster to say.
                if conversation == sender {
                    self.know_timer_of(sender, sender, text, cx);
                }
                self.add_their_line(conversation, sender, &said, cx);
                self.unarchive(conversation, cx);
            }
        }
        let delivered = (!self.is_own(&sender)).then_some(said.id);
        self.owe(sender, Some(envelope), delivered, cx);
    }

    /// A line of what another own device said.
    fn add_sent_line(&mut self, conversation: AccountId, own: AccountId, said: &Said, cx: &mut Context<'_>) {
        let line = self.add_own_line(conversation, own, said, cx);
        self.expiring.begin((conversation, line), said.sent, cx);
        // It left the other device; ticks beyond that come to both.
        let progress = Progress {
            state: SentState::Sent,
            held: None,
        };
        self.set_progress(conversation, line, progress, cx);
    }

    fn know_timer_of(&mut self, conversation: AccountId, by: AccountId, text: &Text, cx: &mut Context<'_>) {
        if let Some(timer) = text.timer.as_ref().and_then(Timer::parse) {
            self.timer_said(conversation, by, timer, cx);
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
            Some(
                payload::Content::Text(Text { id, .. })
                | payload::Content::TimerChange(TimerChange { id, .. }),
            ) => {
                if let Ok(id) = MessageId::try_from(id.as_ref()) {
                    self.seen.insert(SeenId::unshown(&sender, &id));
                }
            }
            Some(payload::Content::TransportAcks(acks)) => {
                let receipts = Vec::new();
                self.on_transport_acks(sender, device, &TransportAcks { receipts, ..acks }, cx);
            }
            _ => {}
        }
    }

    /// Names are claims: the display name is shown as one, the handle waits for the directory's word.
    fn on_introduction(&mut self, sender: AccountId, introduction: &Introduction, cx: &mut Context<'_>) {
        self.presented_handle(sender, &introduction.handle, cx);
        let name = chopar_identity::DisplayName::parse(&introduction.display_name).ok();
        let Some(contact) = self.contacts.get_mut(&sender) else {
            return;
        };
        let mut changed = false;
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
                    let unread = self.contacts.get(&peer).and_then(|c| c.marks.unread_line(&id));
                    match unread {
                        Some(sequence) => self.read_elsewhere(peer, sequence, time, cx),
                        None => {
                            let about = Reference { author: peer, id };
                            self.on_deed(peer, own, None, Ok((about, Deed::Read)), time, cx);
                        }
                    }
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
        // What another own device sent into a group comes as the group's message.
        if self.groups.of(&peer).is_some() {
            return;
        }
        self.know_peer(peer, cx);
        self.begin_conversation(peer, cx);
        self.accepted_elsewhere(peer, cx);
        self.know_timer_of(peer, own, text, cx);
        self.add_sent_line(peer, own, &said, cx);
    }

    /// A person with whom another own device has to do.
    fn know_peer(&mut self, peer: AccountId, cx: &Context<'_>) {
        self.contacts
            .entry(peer)
            .or_insert_with(|| Contact::new(peer, cx.now));
    }
}

/// What an opened plaintext says. `None`: authentic and not understood, of a newer version or by a fault of its sender. There is
/// nobody to tell.
pub(crate) fn understood(plaintext: &[u8]) -> Option<Payload> {
    unpad(plaintext)
        .ok()
        .and_then(|bytes| Payload::decode(bytes).ok())
}

/// Whether it is what members of a group say to each other in their sessions.
pub(crate) const fn is_of_group(content: Option<&payload::Content>) -> bool {
    matches!(
        content,
        Some(
            payload::Content::GroupDistribution(_)
                | payload::Content::GroupUpdate(_)
                | payload::Content::GroupRequest(_)
                | payload::Content::GroupAgain(_)
        )
    )
}
