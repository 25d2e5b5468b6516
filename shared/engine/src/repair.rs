//! Mending what was damaged here: a session record that cannot be read is dropped, and a fresh full handshake takes its place.

use chopar_wire::proto::content::{Payload, payload};
use chopar_wire::{AccountId, DeviceId, Timestamp};
use prost::Message;

use crate::context::Context;
use crate::effect::RecordKey;
use crate::engine::Engine;
use crate::records::session::SessionRecord;

impl Engine {
    /// Sessions that could not be loaded: their devices are looked up in the logs that are known.
    pub(crate) fn repair_sessions(&mut self, damaged: &[RecordKey], cx: &mut Context<'_>) {
        for key in damaged {
            cx.delete::<SessionRecord>(&key.partition, key.sequence);
            let Ok(device) = DeviceId::try_from(key.partition.as_slice()) else {
                continue;
            };
            let owner = self
                .contacts
                .values()
                .find(|c| c.log.as_ref().is_some_and(|log| log.device(&device).is_some()))
                .map(|c| c.account);
            let Some(account) = owner else { continue };
            if let Some(contact) = self.contacts.get_mut(&account) {
                contact.devices.entry(device).or_default().repair = true;
                cx.contacts.insert(account);
            }
            if !self.asks_again(&account) && self.contacts.get(&account).is_some_and(|c| c.accepted) {
                self.ask_again(account, cx);
            }
        }
    }

    /// The vault is an older copy of itself: its ratchets would repeat positions, so every session is replaced before it sends.
    pub(crate) fn doubt_all_sessions(&mut self, cx: &mut Context<'_>) {
        for contact in self.contacts.values_mut() {
            let known: Vec<DeviceId> = contact
                .log
                .iter()
                .flat_map(|log| log.active_devices())
                .map(|d| d.id)
                .collect();
            for device in known {
                if self.sessions.sending(&device).is_some() {
                    contact.devices.entry(device).or_default().repair = true;
                    cx.contacts.insert(contact.account);
                }
            }
        }
    }

    fn asks_again(&self, account: &AccountId) -> bool {
        self.outbox
            .of(account)
            .iter()
            .filter_map(|key| self.outbox.get(key))
            .any(|row| {
                let payload = Payload::decode(row.payload.as_slice()).ok();
                matches!(
                    payload.and_then(|p| p.content),
                    Some(payload::Content::ResendRequest(_))
                )
            })
    }

    pub(crate) fn drop_sessions(&mut self, _account: AccountId, device: DeviceId, cx: &mut Context<'_>) {
        for key in self.sessions.of(&device) {
            self.sessions.remove(key, cx);
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
