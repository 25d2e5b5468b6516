//! The own devices: what the person must hear of without having asked, looking at them, revoking one.
//!
//! The own log is kept and verified like anybody's. What is wrong with it stops what goes to the own other devices, whom it
//! names; what goes to others is encrypted to what their logs name. A device that somebody added is said loudly until it was
//! looked at: whoever holds a device's key can add one.

use chopar_identity::{AccountLog, EntryDraft, Signer};
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{AppendLog, SuspendedDevices, relay_frame};
use chopar_wire::{AccountId, DeviceId, limits};

use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::requests::What;
use crate::tokens::Waiting;
use crate::view::OwnDevices;

impl Engine {
    pub(crate) fn is_own(&self, account: &AccountId) -> bool {
        self.own.as_ref().is_some_and(|own| own.account == *account)
    }

    /// What the person must know about their own devices.
    pub(crate) fn own_devices(&self) -> OwnDevices {
        let Some(own) = &self.own else {
            return OwnDevices::default();
        };
        let listed = |ids: &[DeviceId]| {
            let mut listed = self.device_views(&own.account);
            listed.retain(|device| ids.contains(&device.device) && !device.revoked);
            listed
        };
        OwnDevices {
            alarm: self.contacts.get(&own.account).and_then(|c| c.alarm),
            new: listed(&own.new_devices),
            suspended: listed(&self.suspended),
        }
    }

    /// Which own devices an administrator suspended: only the person can take them out of the account. The relay's claim, which
    /// changes nothing by itself; what the own log does not name as active is left out, and so is this device, which is signed in.
    pub(crate) fn on_suspended_devices(&mut self, said: &SuspendedDevices, cx: &mut Context<'_>) {
        let Some(own) = &self.own else { return };
        let (this, log) = (own.device, self.log(&own.account));
        let active = |id: &DeviceId| *id != this && log.is_some_and(|log| log.device(id).is_some());
        let ids = said.devices.iter();
        let suspended: Vec<DeviceId> = ids
            .filter_map(|id| DeviceId::try_from(id.as_ref()).ok())
            .filter(active)
            .take(limits::MAX_DEVICES)
            .collect();
        cx.own_devices |= suspended != self.suspended;
        self.suspended = suspended;
    }

    /// Another own device, or the account key, added a device.
    pub(crate) fn own_device_added(&mut self, device: DeviceId, cx: &mut Context<'_>) {
        let Some(own) = self.own.as_mut().filter(|own| own.device != device) else {
            return;
        };
        own.new_devices.push(device);
        cx.account = true;
        cx.own_devices = true;
    }

    /// Devices that are active no more need not be looked at.
    pub(crate) fn forget_new_devices(&mut self, cx: &mut Context<'_>) {
        let Some(own) = &mut self.own else { return };
        let log = self.contacts.get(&own.account).and_then(|c| c.log.as_ref());
        let before = own.new_devices.len();
        own.new_devices
            .retain(|id| log.is_some_and(|log| log.device(id).is_some()));
        if own.new_devices.len() != before {
            cx.account = true;
            cx.own_devices = true;
        }
        // One of them may have been revoked.
        cx.own_devices |= !self.suspended.is_empty();
    }

    pub(crate) fn devices(&mut self, asked: u64, cx: &mut Context<'_>) {
        match self.own.as_ref().map(|own| own.account) {
            Some(own) => {
                let devices = self.device_views(&own);
                cx.answer(asked, Answer::Devices(devices));
            }
            None => cx.fail(asked, Failure::NotNow),
        }
    }

    pub(crate) fn devices_seen(&mut self, asked: u64, cx: &mut Context<'_>) {
        let Some(own) = &mut self.own else {
            return cx.fail(asked, Failure::NotNow);
        };
        if !std::mem::take(&mut own.new_devices).is_empty() {
            cx.account = true;
            cx.own_devices = true;
        }
        cx.answer(asked, Answer::Done);
    }

    pub(crate) fn revoke_device(&mut self, asked: u64, device: DeviceId, cx: &mut Context<'_>) {
        let Some((account, this)) = self.own.as_ref().map(|own| (own.account, own.device)) else {
            return cx.fail(asked, Failure::NotNow);
        };
        let Some(log) = self.log(&account).filter(|log| log.device(&device).is_some()) else {
            return cx.fail(asked, Failure::NotFound);
        };
        let draft = EntryDraft::revoke_device(log, &device, Signer::Device(this), cx.now.0);
        let inputs = vec![draft.signing_input()];
        let token = self.tokens.wait(Waiting::Revocation {
            asked,
            draft: Box::new(draft),
        });
        cx.effect(Effect::Sign { token, inputs });
    }

    pub(crate) fn on_revocation_signed(
        &mut self,
        asked: u64,
        draft: EntryDraft,
        signature: [u8; 64],
        cx: &mut Context<'_>,
    ) {
        let Ok(entry) = draft.finish(&[signature]) else {
            return cx.fail(asked, Failure::Browser);
        };
        if !self.link.signed_in() {
            return cx.fail(asked, Failure::Offline);
        }
        let body = Body::AppendLog(AppendLog {
            entry: Some(entry.clone()),
        });
        let entry = Box::new(entry);
        self.requests.send(cx, What::AppendLog { asked, entry }, body);
    }

    /// The relay has taken an entry that was signed here.
    pub(crate) fn own_log_grew(&mut self, entry: Entry, cx: &mut Context<'_>) {
        if let Some(own) = self.own.as_ref().map(|own| own.account) {
            let from = self.log(&own).map_or(0, AccountLog::length);
            self.take_entries(own, from, &[entry], cx);
        }
    }

    /// The log has grown by what this device signed, so that whoever asks for the devices now sees it. What else there is to know of it
    /// is fetched and verified like anybody's.
    pub(crate) fn on_appended(
        &mut self,
        asked: u64,
        entry: Entry,
        body: &relay_frame::Body,
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        match body {
            relay_frame::Body::Done(_) => {
                self.own_log_grew(entry, cx);
                self.want_log(own, cx.now);
                cx.answer(asked, Answer::Done);
            }
            relay_frame::Body::LogConflict(conflict) => {
                // Another device was first. The person sees the new list and decides again.
                self.take_entries(own, conflict.from, &conflict.entries, cx);
                cx.fail(asked, Failure::RateLimited);
            }
            _ => cx.fail(asked, Failure::RelayMisbehaved),
        }
    }
}
