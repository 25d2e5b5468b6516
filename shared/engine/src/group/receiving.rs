//! What members' devices say: epochs, updates and requests in their sessions, messages to everybody.

use chopar_e2ee::group::roster::{Roster, RosterRelation};
use chopar_e2ee::group::{Distribution, EpochDraft, EpochId, LogKey, ReceivingEpoch, RosterHead};
use chopar_e2ee::ratchet::{OpenError, Tag};
use chopar_identity::LogHead;
use chopar_wire::proto::content::{Payload, payload};
use chopar_wire::proto::group::{self as proto, Access, Again, Update};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, GroupId, OpaqueLogId, Timestamp};
use prost::Message;

use super::following::FETCH_DELAY_MS;
use super::rows::is_in;
use super::state::{EpochKey, Group, conversation_of};
use crate::content::understood;
use crate::context::Context;
use crate::engine::Engine;
use crate::heads::Heads;
use crate::inbox::Delivery;
use crate::refusals::Refusal;
use crate::seen::SeenId;

/// Epochs of one device that are kept, the newest included; nobody changes more often within a month who means well.
const MAX_EPOCHS: usize = 64;
/// Groups that wait for their roster, at most: anybody can name any number.
const MAX_UNKNOWN: usize = 64;

/// What opening a message as one of a group gave.
pub(crate) enum GroupOpened {
    Payload {
        key: EpochKey,
        /// `None` where it is not understood.
        said: Option<Box<Payload>>,
        draft: EpochDraft,
    },
    /// Taken before.
    Duplicate,
    /// Of no epoch known here.
    Unknown,
    /// Of a known epoch, and not to be opened.
    Refused,
    /// Bound to entries of the roster that are not known yet.
    Later,
}

impl Engine {
    /// Finds the epoch by the recognition tag, or by trying headers.
    pub(crate) fn open_in_group(&mut self, message: &[u8], budget: usize, now: Timestamp) -> GroupOpened {
        let Some(tag) = Tag::of(message) else {
            return GroupOpened::Unknown;
        };
        if let Some(key) = self.groups.tags.get(&tag).copied() {
            return self.open_with_epoch(key, message, now);
        }
        // An unknown tag under which nothing authenticates proves nothing about an epoch.
        let tried = self.groups.epochs.keys().rev().take(budget);
        for key in tried.copied().collect::<Vec<_>>() {
            match self.open_with_epoch(key, message, now) {
                GroupOpened::Unknown | GroupOpened::Refused => {}
                opened => return opened,
            }
        }
        GroupOpened::Unknown
    }

    fn open_with_epoch(&self, key: EpochKey, message: &[u8], now: Timestamp) -> GroupOpened {
        let Some(epoch) = self.groups.epochs.get(&key) else {
            return GroupOpened::Unknown;
        };
        match epoch.open(message, now) {
            Ok(opened) => {
                let said = understood(&opened.plaintext).map(Box::new);
                let content = said.as_ref().and_then(|said| said.content.as_ref());
                match self.permitted(epoch.id(), content) {
                    Some(true) => GroupOpened::Payload {
                        key,
                        said,
                        draft: opened.draft,
                    },
                    Some(false) => GroupOpened::Refused,
                    None => GroupOpened::Later,
                }
            }
            Err(OpenError::Duplicate) => GroupOpened::Duplicate,
            Err(OpenError::UnknownTag) => GroupOpened::Unknown,
            Err(_) => GroupOpened::Refused,
        }
    }

    /// Whether who wrote this under this roster may be listened to: they are in the group now, may say it, and the device is active.
    /// `None`: the roster they know is not known here yet.
    fn permitted(&self, id: &EpochId, content: Option<&payload::Content>) -> Option<bool> {
        let group = self.groups.get(&id.group)?;
        let roster = group.roster.as_ref()?;
        match roster.relation(&id.head) {
            RosterRelation::Ahead => return None,
            RosterRelation::Fork => return Some(false),
            RosterRelation::Same | RosterRelation::Behind => {}
        }
        let active = self
            .log(&id.account)
            .is_some_and(|log| log.device(&id.device).is_some());
        Some(active && group.hears(&id.account, content))
    }

    /// Applies what was opened: the epoch's change and the content, in one batch. `false`: it must wait for the roster.
    pub(crate) fn take_group_opened(
        &mut self,
        delivery: &Delivery,
        opened: GroupOpened,
        cx: &mut Context<'_>,
    ) {
        let GroupOpened::Payload { key, said, draft } = opened else {
            if matches!(opened, GroupOpened::Refused) {
                self.refusals.note(Refusal::GroupMessageRefused);
            }
            return;
        };
        let Some(epoch) = self.groups.epochs.get_mut(&key) else {
            return;
        };
        let id = *epoch.id();
        let Ok(changes) = epoch.commit(draft) else { return };
        for tag in changes.removed {
            self.groups.tags.remove(&tag);
        }
        for (tag, _) in changes.added {
            self.groups.tags.insert(tag, key);
        }
        self.groups.save_epoch(key, cx);
        if let Some(contact) = self.contacts.get_mut(&id.account) {
            contact.devices.entry(id.device).or_default().heard = cx.now;
        }
        let Some(payload) = said else { return };
        let head = payload.own_log.as_ref();
        let heads = Heads {
            theirs: head.and_then(|head| LogHead::try_from(head).ok()),
            ours: None,
            repeatable: false,
        };
        self.on_heads(id.account, &heads, cx);
        let conversation = conversation_of(&id.group);
        let time = Timestamp(payload.time);
        self.take_said(conversation, id.account, delivery.id, payload.content, time, cx);
    }

    /// A device of a member begins an epoch.
    pub(crate) fn on_distribution(
        &mut self,
        sender: AccountId,
        device: DeviceId,
        envelope: EnvelopeId,
        from: &proto::Distribution,
        cx: &mut Context<'_>,
    ) {
        self.seen.insert(SeenId::envelope(&envelope));
        self.owe(sender, Some(envelope), None, cx);
        let (Ok(distribution), Some(access)) = (Distribution::try_from(from), &from.access) else {
            return self.refusals.note(Refusal::GroupMessageRefused);
        };
        let Some(id) = self.on_access(sender, access, cx) else {
            return;
        };
        let epoch_id = EpochId {
            group: id,
            account: sender,
            device,
            head: distribution.head,
            generation: distribution.generation,
        };
        let theirs = self.groups.epochs_of(&id, &device);
        for key in &theirs {
            let Some(epoch) = self.groups.epochs.get_mut(key) else {
                continue;
            };
            if *epoch.id() == epoch_id && epoch.is_of(&distribution) {
                return;
            }
            if epoch.is_closed() {
                continue;
            }
            let closed = distribution.before.filter(|before| {
                (before.head, before.generation) == (epoch.id().head, epoch.id().generation)
            });
            // One that is not named was followed by others that did not come: of those its sender says when they do.
            if let Some(before) = closed {
                epoch.close(before.length, cx.now);
            } else if epoch.id().generation < distribution.generation {
                epoch.supersede(cx.now);
            }
            self.groups.save_epoch(*key, cx);
        }
        let number = theirs.last().map_or(0, |key| key.number + 1);
        let key = EpochKey {
            group: id,
            device,
            number,
        };
        self.groups
            .index(key, ReceivingEpoch::begin(epoch_id, &distribution));
        self.groups.save_epoch(key, cx);
        let surplus = (theirs.len() + 1).saturating_sub(MAX_EPOCHS);
        for old in theirs.into_iter().take(surplus) {
            self.groups.remove_epoch(old, cx);
        }
        self.retry_quarantine(cx);
    }

    /// The roster changed, or this account is new to a group.
    pub(crate) fn on_group_update(
        &mut self,
        sender: AccountId,
        envelope: EnvelopeId,
        update: &Update,
        cx: &mut Context<'_>,
    ) {
        self.seen.insert(SeenId::envelope(&envelope));
        self.owe(sender, Some(envelope), None, cx);
        let Some(access) = &update.access else { return };
        let Some(id) = self.on_access(sender, access, cx) else {
            return;
        };
        if self.groups.get(&id).is_some_and(|group| group.roster.is_some()) {
            let before = self
                .groups
                .get(&id)
                .and_then(|g| g.roster.as_ref())
                .map(Roster::length);
            self.take_update(&id, update, cx);
            let after = self.groups.get(&id).and_then(|g| g.roster.as_ref());
            let claim = self.groups.get(&id).and_then(|group| group.claim);
            let met = claim.is_none_or(|(head, _)| {
                after.is_some_and(|roster| roster.relation(&head) != RosterRelation::Ahead)
            });
            if after.map(Roster::length) != before {
                if met {
                    self.clear_roster_claim(&id, cx);
                }
                self.groups.refresh_fellows();
                self.retry_quarantine(cx);
            }
            if let Some(group) = self.groups.get_mut(&id) {
                group.want(cx.now.plus_ms(cx.below(FETCH_DELAY_MS)));
            }
        }
    }

    /// How somebody reads a group's roster, and how far they know it. Gives the group where they may speak of it.
    fn on_access(&mut self, sender: AccountId, access: &Access, cx: &mut Context<'_>) -> Option<GroupId> {
        let id = GroupId::try_from(access.group.as_ref()).ok()?;
        let log = OpaqueLogId::try_from(access.log.as_ref()).ok()?;
        let head = access
            .head
            .as_ref()
            .and_then(|head| RosterHead::try_from(head).ok())?;
        let key = LogKey::parse(access.key_version, &access.key);
        let speaks = self.speaks_to(&sender) && !self.is_blocked(&sender);
        if let Some(group) = self.groups.get(&id) {
            // Nobody who is not in it says anything of it, except who was let in by entries that are not known yet.
            let ahead = group
                .roster
                .as_ref()
                .is_none_or(|roster| roster.relation(&head) == RosterRelation::Ahead);
            if !is_in(group.roster.as_ref(), &sender) && !ahead {
                return None;
            }
        } else {
            key.as_ref()?;
            let unknown = self.groups.all.values().filter(|group| group.roster.is_none());
            if unknown.count() >= MAX_UNKNOWN {
                return None;
            }
            let mut group = Group::new(id, log);
            group.since = cx.now;
            self.groups.all.insert(id, group);
        }
        let group = self.groups.get_mut(&id)?;
        if group.roster.is_none() {
            // A stranger's group stays quiet until it is opened here.
            group.accepted |= speaks;
            group.want(cx.now.plus_ms(cx.below(FETCH_DELAY_MS)));
        }
        if let Some(key) = key {
            group.told(key);
        }
        self.groups.touch(&id);
        self.on_roster_head(&id, sender, head, cx);
        Some(id)
    }

    /// A message of a group that was lost on its way comes in the session of its sender.
    pub(crate) fn on_group_again(
        &mut self,
        sender: AccountId,
        envelope: EnvelopeId,
        again: &Again,
        cx: &mut Context<'_>,
    ) {
        let Ok(id) = GroupId::try_from(again.group.as_ref()) else {
            return;
        };
        let group = self.groups.get(&id);
        let payload = Payload::decode(again.payload.as_ref()).ok();
        let payload =
            payload.filter(|said| group.is_some_and(|group| group.hears(&sender, said.content.as_ref())));
        self.seen.insert(SeenId::envelope(&envelope));
        match payload {
            Some(payload) => {
                let time = Timestamp(payload.time);
                self.take_said(conversation_of(&id), sender, envelope, payload.content, time, cx);
            }
            None => self.owe(sender, Some(envelope), None, cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use chopar_e2ee::group::SendingEpoch;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::effect::Write;
    use crate::fixture::{NOW, device};

    const SENDER: AccountId = AccountId::new([1; 32]);

    /// What a device says of a group that nobody here knows.
    fn distribution(group: u8, generation: u32, cx: &mut Context<'_>) -> proto::Distribution {
        let head = RosterHead {
            length: 1,
            hash: [group; 32],
        };
        let id = EpochId {
            group: GroupId::new([group; 32]),
            account: SENDER,
            device: device(1),
            head,
            generation,
        };
        let access = Access {
            group: id.group.into(),
            log: OpaqueLogId::new([group; 16]).into(),
            key_version: 1,
            key: vec![7; 32].into(),
            head: Some((&head).into()),
        };
        let epoch = SendingEpoch::begin(id, cx.now, cx.rng);
        epoch.distribution(None).to_proto(access)
    }

    /// P-297: 64 groups whose roster did not come, and 64 epochs of one device in a group, of which the oldest go.
    #[test]
    fn groups_and_epochs_that_somebody_makes_up_are_bounded() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(NOW, &mut rng);
        let mut engine = Engine::new();
        let begins = |engine: &mut Engine, group: u8, generation: u32, cx: &mut Context<'_>| {
            let mut envelope = [group; 16];
            envelope[..4].copy_from_slice(&generation.to_be_bytes());
            let from = distribution(group, generation, cx);
            engine.on_distribution(SENDER, device(1), EnvelopeId::new(envelope), &from, cx);
        };
        for group in 0..100 {
            begins(&mut engine, group, 0, &mut cx);
        }
        assert_eq!(engine.groups.all.len(), MAX_UNKNOWN);
        assert_eq!(engine.groups.epochs.len(), MAX_UNKNOWN);
        for generation in 1..100 {
            begins(&mut engine, 5, generation, &mut cx);
        }
        let kept = engine.groups.epochs_of(&GroupId::new([5; 32]), &device(1));
        let numbers: Vec<u64> = kept.iter().map(|key| key.number).collect();
        assert_eq!(numbers, (100 - MAX_EPOCHS as u64..100).collect::<Vec<_>>());
        let deleted = cx.step.persist.writes.iter();
        let deleted = deleted.filter(|write| matches!(write, Write::Delete(_))).count();
        assert_eq!(deleted, 100 - MAX_EPOCHS, "and from the vault");
        assert_eq!(engine.groups.epochs.len(), MAX_UNKNOWN - 1 + MAX_EPOCHS);
    }
}
