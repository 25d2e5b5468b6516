//! Taking lines and texts away for good: from the lines, the list, the marks and whatever waits to be sent.

use chopar_wire::proto::content::{Copy, Payload, TransportAcks, copy, payload};
use chopar_wire::{AccountId, MessageId};
use prost::Message;

use crate::context::Context;
use crate::effect::{Effect, Kind, Record};
use crate::engine::Engine;
use crate::line::Progress;
use crate::outbox::{Row, RowKey, Until};
use crate::places::{Place, Spot};
use crate::records::Stored;
use crate::records::line::{DeliveryRecord, LineRecord};
use crate::tokens::Waiting;

impl Engine {
    /// Removes a line with its text; what waits to be sent is not touched.
    pub(crate) fn remove_line(&mut self, spot: Spot, sequence: u64, cx: &mut Context<'_>) {
        let conversation = spot.conversation;
        self.places.put(spot, Place::Gone, cx);
        self.void_search(&spot);
        self.lines.remove((conversation, sequence));
        self.expiring.remove(conversation, sequence, cx);
        self.discard_opened(conversation, sequence, cx);
        cx.delete::<LineRecord>(conversation.as_bytes(), sequence);
        cx.delete::<DeliveryRecord>(conversation.as_bytes(), sequence);
        cx.gone(conversation, sequence);
        let Some(contact) = self.contacts.get_mut(&conversation) else {
            return;
        };
        contact.marks.remove(sequence);
        let was_last = contact
            .last
            .as_ref()
            .is_some_and(|last| last.sequence == sequence);
        if was_last {
            contact.last = None;
        }
        cx.touch(conversation);
        if was_last {
            self.load_last(conversation, cx);
        }
    }

    /// Looks up what the list shows of a conversation whose last line is gone.
    pub(crate) fn load_last(&mut self, conversation: AccountId, cx: &mut Context<'_>) {
        let asked = |w: &Waiting| matches!(w, Waiting::Last { conversation: c } if *c == conversation);
        if self.tokens.is_open(asked) {
            return;
        }
        let token = self.tokens.wait(Waiting::Last { conversation });
        cx.effect(Effect::Load {
            token,
            conversation,
            before: None,
            limit: 1,
        });
    }

    pub(crate) fn on_last(&mut self, conversation: AccountId, records: &[Record], cx: &mut Context<'_>) {
        let newest = records.iter().rfind(|r| r.key.kind == Kind::Line);
        let Some(sequence) = newest.map(|r| r.key.sequence) else {
            return;
        };
        // Gone as well since it was read.
        if self.lines.is_gone(&(conversation, sequence)) {
            return self.load_last(conversation, cx);
        }
        let delivery = records.iter().find(|r| r.key.kind == Kind::Delivery);
        let read = delivery.and_then(|r| DeliveryRecord::read(&r.value).ok());
        let line = match self.lines.get(&(conversation, sequence)) {
            Some(line) => Some(line.clone()),
            None => newest.and_then(|r| LineRecord::read(&r.value).ok()),
        };
        let Some(contact) = self.contacts.get_mut(&conversation).filter(|c| c.last.is_none()) else {
            return;
        };
        let progress = contact.marks.progress(sequence);
        let progress = progress.or(read.as_ref().map(Progress::from_record));
        if let Some(line) = line {
            contact.set_last(sequence, &line, progress.unwrap_or(Progress::WAITING));
            cx.touch(conversation);
        }
    }

    /// Nothing more is heard of an own message that was taken back.
    pub(crate) fn forget_own_mark(&mut self, spot: Spot, sequence: u64, cx: &mut Context<'_>) {
        if self.is_own(&spot.about.author)
            && let Some(contact) = self.contacts.get_mut(&spot.conversation)
        {
            contact.marks.remove(sequence);
            cx.contacts.insert(spot.conversation);
        }
    }

    /// The text of an own message stays in nothing that waits to be sent, or to be sent again.
    pub(crate) fn forget_said(&mut self, spot: Spot, cx: &mut Context<'_>) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        if spot.about.author != own {
            return;
        }
        self.take_upload_back(&spot, cx);
        let mut to = vec![spot.conversation, own];
        if let Some(group) = self.groups.of(&spot.conversation) {
            to.extend(self.silence_in_group(&group, &spot.about.id, cx));
        }
        for account in to {
            for key in self.rows_saying(&account, &spot.about.id) {
                self.silence(key, cx);
            }
        }
    }

    /// The line of an own message is gone: what still has to reach its recipients is no line's any more. Where the relay has
    /// given up a person would decide, and there is nothing to decide about.
    pub(crate) fn unname_said(&mut self, spot: Spot, cx: &mut Context<'_>) {
        self.unname_upload(&spot, cx);
        if let Some(group) = self.groups.of(&spot.conversation) {
            return self.unname_in_group(&group, &spot.about.id, cx);
        }
        for key in self.rows_saying(&spot.conversation, &spot.about.id) {
            match self.outbox.get_mut(&key) {
                Some(row) if !row.expired => {
                    row.message = None;
                    self.outbox.save(key, cx);
                }
                _ => {
                    self.outbox.remove(key, cx);
                }
            }
        }
    }

    /// Rows to an account that hold a text of the message.
    fn rows_saying(&self, account: &AccountId, id: &MessageId) -> Vec<RowKey> {
        let mut rows = self.outbox.of(account);
        rows.retain(|key| {
            let said = self.outbox.get(key).and_then(Row::said);
            said.is_some_and(|said| says(&said, id))
        });
        rows
    }

    /// A row says nothing any more. What is encrypted already goes out, so that no number is missing at the other end; only
    /// the other end can open it.
    fn silence(&mut self, key: RowKey, cx: &mut Context<'_>) {
        let Some(row) = self.outbox.get_mut(&key) else {
            return;
        };
        if row.accepted.is_some() || row.targets.is_empty() {
            self.outbox.remove(key, cx);
            return;
        }
        row.payload = nothing();
        row.message = None;
        row.until = Until::Accepted;
        self.outbox.save(key, cx);
    }
}

/// A payload that says nothing.
pub(crate) fn nothing() -> Vec<u8> {
    let nothing = Payload {
        content: Some(payload::Content::TransportAcks(TransportAcks::default())),
        ..Payload::default()
    };
    nothing.encode_to_vec()
}

/// Whether a payload holds a text of the message.
pub(crate) fn says(payload: &Payload, id: &MessageId) -> bool {
    let said = match &payload.content {
        Some(payload::Content::GroupAgain(again)) => {
            let again = Payload::decode(again.payload.as_ref());
            return again.is_ok_and(|said| says(&said, id));
        }
        Some(payload::Content::Text(text)) => &text.id,
        Some(payload::Content::Edit(edit)) => &edit.id,
        Some(payload::Content::Copy(Copy {
            content: Some(copy::Content::Text(text)),
            ..
        })) => &text.id,
        Some(payload::Content::Copy(Copy {
            content: Some(copy::Content::Edit(edit)),
            ..
        })) => &edit.id,
        _ => return false,
    };
    said.as_ref() == id.as_bytes()
}
