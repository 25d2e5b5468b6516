//! The own epoch: begun when roster, devices or age want it, and handed to every device of every member before it is used.

use std::collections::BTreeMap;

use chopar_e2ee::group::roster::Roster;
use chopar_e2ee::group::{EpochId, SendingEpoch};
use chopar_wire::proto::content::{Payload, payload};
use chopar_wire::proto::group::{Access, Head};
use chopar_wire::{AccountId, DeviceId, GroupId, Timestamp};
use prost::Message;
use sha2::{Digest, Sha256};

use super::rows::Recipient;
use super::state::Group;
use crate::context::Context;
use crate::engine::Engine;
use crate::outbox::Until;
use crate::view::{Alarm, Held, SentState, Trust};

/// How long a message waits for the relay to take the keys of its epoch for every member, in milliseconds. Who is slower gets
/// them behind the message, which waits at their side.
const HAND_OVER_MS: u64 = 20_000;

/// Whether messages can go into a group now.
pub(crate) enum Readiness {
    /// To these.
    Ready(Vec<Recipient>),
    /// Something is under way.
    Wait,
    /// Only a person, or the relay, can help.
    Held(Held),
}

impl Group {
    /// How a member reads the roster.
    pub(crate) fn access(&self) -> Access {
        // One that members told serves as well: whoever gets it waits for it to open something.
        let version = self.roster.as_ref().map_or(1, Roster::key);
        let told = || self.told.iter().rev().find(|key| key.version() == version);
        let key = self.key().or_else(told);
        Access {
            group: self.id.into(),
            log: self.log.into(),
            key_version: key.map_or(0, |key| key.version()),
            key: key.map(|key| key.as_bytes().to_vec()).unwrap_or_default().into(),
            head: self.roster.as_ref().map(|roster| Head::from(&roster.head())),
        }
    }
}

impl Engine {
    /// Makes the epoch of this group what roster, devices and time want for saying this, and says to whom it goes.
    pub(crate) fn ready_epoch(
        &mut self,
        id: &GroupId,
        content: Option<&payload::Content>,
        cx: &mut Context<'_>,
    ) -> Readiness {
        let Some(own) = self.own.as_ref().map(|own| (own.account, own.device)) else {
            return Readiness::Wait;
        };
        let Some(group) = self.groups.get(id) else {
            return Readiness::Wait;
        };
        if group.over {
            return Readiness::Held(Held::Refused);
        }
        if group.alarm.is_some() {
            return Readiness::Held(Held::Alarm);
        }
        let Some(roster) = group.roster.clone() else {
            return Readiness::Wait;
        };
        if !group.hears(&own.0, content) {
            return Readiness::Held(Held::Refused);
        }
        // A group that only this device knows of yet; or entries are missing that a member has seen.
        if group.opaque.is_none() || group.claim.is_some() {
            return Readiness::Wait;
        }
        let Some(to) = self.recipients(&roster, own, cx) else {
            return Readiness::Wait;
        };
        let handed_to = fingerprint(&roster, &to);
        let fits = self.groups.get(id).is_some_and(|group| {
            let epoch = group.sending.as_ref();
            group.handed_to == handed_to && epoch.is_some_and(|epoch| !epoch.is_worn(cx.now))
        });
        if !fits {
            self.begin_epoch(id, own, &roster, &to, handed_to, cx);
        }
        if self.hands_over(id, &to, cx) {
            return Readiness::Wait;
        }
        Readiness::Ready(to)
    }

    /// The members whose devices are known, with those devices. Who cannot or must not get anything now is left out. `None` while
    /// a log is missing.
    fn recipients(
        &mut self,
        roster: &Roster,
        (own, this): (AccountId, DeviceId),
        cx: &mut Context<'_>,
    ) -> Option<Vec<Recipient>> {
        let mut to = Vec::with_capacity(roster.size());
        let mut missing = false;
        for (account, _) in roster.members() {
            self.know_member(account, roster, cx);
            let Some(contact) = self.contacts.get(account) else {
                continue;
            };
            if *account != own && left_out(contact.alarm, contact.trust, contact.unreachable) {
                continue;
            }
            let Some(log) = &contact.log else {
                self.need_log(*account, cx.now);
                missing = true;
                continue;
            };
            let devices = log.active_devices().iter().map(|device| device.id);
            let devices: Vec<_> = devices.filter(|id| *id != this).map(|id| (id, false)).collect();
            if !devices.is_empty() {
                to.push(Recipient {
                    account: *account,
                    devices,
                    state: SentState::Sent,
                    again: false,
                });
            }
        }
        (!missing).then_some(to)
    }

    /// A fresh epoch, and its keys on the way to everybody.
    fn begin_epoch(
        &mut self,
        id: &GroupId,
        (account, device): (AccountId, DeviceId),
        roster: &Roster,
        to: &[Recipient],
        handed_to: [u8; 32],
        cx: &mut Context<'_>,
    ) {
        // What was encrypted and is not with the relay is encrypted again: the end that is announced leaves it out.
        let unsent: Vec<u64> = self.groups.get(id).map_or_else(Vec::new, |group| {
            let rows = group.rows.iter();
            rows.filter(|(_, row)| row.accepted.is_none() && row.made.is_some())
                .map(|(number, _)| *number)
                .collect()
        });
        for number in &unsent {
            self.groups.unmake_row(id, *number);
            self.groups.save_row_state(id, *number, cx);
        }
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let before = group.sending.take().map(|epoch| {
            let mut closed = epoch.closed();
            closed.length -= closed.length.min(u32::try_from(unsent.len()).unwrap_or(0));
            closed
        });
        let epoch_id = EpochId {
            group: *id,
            account,
            device,
            head: roster.head(),
            generation: group.generation,
        };
        group.generation = group.generation.saturating_add(1);
        group.handed_to = handed_to;
        let epoch = SendingEpoch::begin(epoch_id, cx.now, cx.rng);
        let distribution = epoch.distribution(before).to_proto(group.access());
        group.sending = Some(epoch);
        self.groups.touch(id);
        let row = Payload {
            content: Some(payload::Content::GroupDistribution(distribution)),
            ..Payload::default()
        }
        .encode_to_vec();
        for recipient in to {
            self.outbox
                .push(recipient.account, row.clone(), None, Until::Acknowledged, cx);
        }
    }

    /// Whether keys are still on their way to the relay for somebody.
    fn hands_over(&self, id: &GroupId, to: &[Recipient], cx: &Context<'_>) -> bool {
        let Some(epoch) = self.groups.get(id).and_then(|group| group.sending.as_ref()) else {
            return true;
        };
        if cx.now.ms_since(epoch.created()) >= HAND_OVER_MS {
            return false;
        }
        to.iter().any(|recipient| {
            let stuck = self
                .contacts
                .get(&recipient.account)
                .is_some_and(|contact| contact.unreachable.is_some());
            !stuck && !self.outbox.queued(&recipient.account).is_empty()
        })
    }

    /// When a message that waits for keys to be handed over goes anyway.
    pub(crate) fn hand_over_due(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.groups.all.values().filter(|group| group.front().is_some());
        waiting
            .filter_map(|group| Some(group.sending.as_ref()?.created().plus_ms(HAND_OVER_MS)))
            .filter(|at| *at > now)
            .min()
    }
}

/// What stops sending to a member stops it in the group too, and nobody else's.
pub(crate) const fn left_out(alarm: Option<Alarm>, trust: Trust, unreachable: Option<Held>) -> bool {
    let disputed = matches!(alarm, None | Some(Alarm::LogDisputed));
    !disputed
        || matches!(trust, Trust::Changed)
        || matches!(unreachable, Some(Held::NoDevice | Held::NoSuchAccount))
}

/// What an epoch is for: another roster, other people or other devices need another.
fn fingerprint(roster: &Roster, to: &[Recipient]) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(roster.head().hash);
    let sorted: BTreeMap<&AccountId, &Recipient> = to.iter().map(|to| (&to.account, to)).collect();
    for (account, to) in sorted {
        hash.update(account.as_bytes());
        for (device, _) in &to.devices {
            hash.update(device.as_bytes());
        }
        hash.update([0]);
    }
    hash.finalize().into()
}
