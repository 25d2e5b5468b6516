//! What is owed for what arrived: transport acknowledgements for the sender's outbox, ticks for the sender's eyes. And theirs.

use chopar_wire::proto::content::{Copy, Payload, Receipts, TransportAcks, copy, payload, receipts};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, Timestamp};
use prost::Message;

use crate::context::Context;
use crate::engine::Engine;
use crate::line::Progress;
use crate::map::Map;
use crate::outbox::Until;
use crate::view::SentState;

/// What is owed is gathered for this long, in milliseconds, and up to half of it longer: a conversation in full swing costs
/// one envelope every few seconds, and the moment tells less.
const GATHER_MS: u64 = 2_000;
/// Ids in one payload: stays in the smaller padding steps.
pub(crate) const MAX_IDS: usize = 200;

/// When what is owed to an account is sent.
pub(crate) type OwedDue = Map<AccountId, Timestamp>;

impl Engine {
    pub(crate) fn owe(
        &mut self,
        account: AccountId,
        envelope: Option<EnvelopeId>,
        delivered: Option<MessageId>,
        cx: &mut Context<'_>,
    ) {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        contact.owed.acks.extend(envelope);
        contact.owed.delivered.extend(delivered);
        contact.owed.bound();
        cx.contacts.insert(account);
        self.schedule_owed(account, cx);
    }

    /// Theirs up to a line were seen.
    pub(crate) fn mark_read(&mut self, account: AccountId, up_to: u64, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let read = contact.marks.read(up_to);
        if read.is_empty() {
            return;
        }
        cx.touch(account);
        self.accept_contact(account, cx);
        for (id, author) in &read {
            let author = author.unwrap_or(account);
            // That a blocked person's messages are read is not for them to know, whatever else goes to them.
            if author == account && self.is_blocked(&account) {
                continue;
            }
            if let Some(contact) = self.contacts.get_mut(&author) {
                contact.owed.read.push(*id);
                contact.owed.bound();
                cx.contacts.insert(author);
            }
            self.schedule_owed(author, cx);
        }
        self.begin_expiring(account, up_to, cx);
        // Receipts name no authors.
        if self.groups.of(&account).is_some() {
            return;
        }
        // What was read on one device is read on all of them, and disappears from all at the same moment.
        for ids in read.chunks(MAX_IDS) {
            let receipts = Receipts {
                kind: receipts::Kind::Read.into(),
                ids: ids.iter().map(|(id, _)| (*id).into()).collect(),
            };
            let copied = Copy {
                peer: account.into(),
                content: Some(copy::Content::Receipts(receipts)),
            };
            self.tell_own_devices(copied, cx);
        }
    }

    pub(crate) fn schedule_owed(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let owes =
            self.speaks_to(&account) && self.contacts.get(&account).is_some_and(|c| !c.owed.is_empty());
        if owes && !self.owed_due.contains_key(&account) {
            let due = cx.now.plus_ms(GATHER_MS + cx.below(GATHER_MS / 2));
            self.owed_due.insert(account, due);
        }
    }

    pub(crate) fn tick_owed(&mut self, cx: &mut Context<'_>) {
        let due: Vec<AccountId> = self
            .owed_due
            .iter()
            .filter(|(_, due)| **due <= cx.now)
            .map(|(account, _)| *account)
            .collect();
        for account in due {
            self.owed_due.remove(&account);
            self.pay(account, cx);
        }
    }

    /// Turns what is owed into outbox rows.
    fn pay(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let visible = self.own.as_ref().is_some_and(|own| own.preferences.receipts);
        if !self.speaks_to(&account) {
            return;
        }
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let mut owed = std::mem::take(&mut contact.owed);
        if !visible {
            owed.delivered.clear();
            owed.read.clear();
        }
        // Read says delivered.
        owed.delivered.retain(|id| !owed.read.contains(id));
        cx.contacts.insert(account);
        while !owed.is_empty() {
            let acks = take(&mut owed.acks);
            let receipts = [
                (receipts::Kind::Delivered, take(&mut owed.delivered)),
                (receipts::Kind::Read, take(&mut owed.read)),
            ];
            let receipts = receipts
                .into_iter()
                .filter(|(_, ids)| !ids.is_empty())
                .map(|(kind, ids)| Receipts {
                    kind: kind.into(),
                    ids: ids.into_iter().map(Into::into).collect(),
                })
                .collect();
            let ids = acks.into_iter().map(Into::into).collect();
            let content = payload::Content::TransportAcks(TransportAcks { ids, receipts });
            let row = Payload {
                content: Some(content),
                ..Payload::default()
            };
            self.outbox
                .push(account, row.encode_to_vec(), None, Until::Accepted, cx);
        }
    }

    pub(crate) fn on_transport_acks(
        &mut self,
        account: AccountId,
        device: DeviceId,
        acks: &TransportAcks,
        cx: &mut Context<'_>,
    ) {
        for id in acks
            .ids
            .iter()
            .filter_map(|id| EnvelopeId::try_from(id.as_ref()).ok())
        {
            let Some(key) = self.outbox.by_envelope(&id).filter(|key| key.account == account) else {
                self.group_acknowledged(&account, &device, &id, cx);
                continue;
            };
            let Some(row) = self.outbox.get_mut(&key) else {
                continue;
            };
            // Only the device an envelope was made for can acknowledge it.
            let target = row
                .targets
                .iter_mut()
                .find(|t| t.envelope == id && t.device == device && !t.acked);
            let Some(target) = target else { continue };
            target.acked = true;
            let made_in = target.session;
            self.acknowledged(account, device, made_in, cx);
            let Some(row) = self.outbox.get(&key) else {
                continue;
            };
            if row.settled() {
                let line = row.message;
                self.outbox.remove(key, cx);
                if let Some((line, _)) = line {
                    // The relay's own answer may have been lost.
                    self.set_progress(
                        account,
                        line,
                        Progress {
                            state: SentState::Sent,
                            held: None,
                        },
                        cx,
                    );
                }
            } else {
                self.outbox.save(key, cx);
            }
        }
        for receipts in &acks.receipts {
            self.on_receipts(account, receipts, cx);
        }
    }

    pub(crate) fn on_receipts(&mut self, account: AccountId, receipts: &Receipts, cx: &mut Context<'_>) {
        if !self.own.as_ref().is_some_and(|own| own.preferences.receipts) {
            return;
        }
        let state = match receipts.kind() {
            receipts::Kind::Delivered => SentState::Delivered,
            receipts::Kind::Read => SentState::Read,
            receipts::Kind::Unspecified => return,
        };
        for id in receipts
            .ids
            .iter()
            .filter_map(|id| MessageId::try_from(id.as_ref()).ok())
        {
            let line = self.contacts.get(&account).and_then(|c| c.marks.own_line(&id));
            match line {
                Some(line) => self.set_progress(account, line, Progress { state, held: None }, cx),
                None => self.group_receipt(account, &id, state, cx),
            }
        }
    }
}

impl Engine {
    /// The device acknowledged something: if it was said in the session that sends now, a repair has helped.
    fn acknowledged(
        &mut self,
        account: AccountId,
        device: DeviceId,
        made_in: Option<[u8; 32]>,
        cx: &mut Context<'_>,
    ) {
        let sending = self
            .sessions
            .sending(&device)
            .and_then(|key| self.sessions.get(&key));
        if sending.is_none_or(|live| Some(live.header_hash) != made_in) {
            return;
        }
        self.answered_after_repair(account, device, cx.now);
        if let Some(facts) = self
            .contacts
            .get_mut(&account)
            .and_then(|c| c.devices.get_mut(&device))
            && facts.pace.attempts > 0
        {
            facts.pace.attempts = 0;
            cx.contacts.insert(account);
        }
    }

    pub(crate) fn forget_old_marks(&mut self, cx: &mut Context<'_>) {
        /// Ticks of a message move no more after this, in milliseconds: twice the life of an envelope.
        const OPEN_MS: u64 = 2 * chopar_wire::limits::MAX_QUEUE_AGE_MS;
        let Some(before) = cx.now.0.checked_sub(OPEN_MS).map(Timestamp) else {
            return;
        };
        for contact in self.contacts.values_mut() {
            if contact.marks.forget(before) {
                cx.contacts.insert(contact.account);
            }
        }
    }
}

fn take<T>(list: &mut Vec<T>) -> Vec<T> {
    let count = list.len().min(MAX_IDS);
    list.drain(..count).collect()
}
