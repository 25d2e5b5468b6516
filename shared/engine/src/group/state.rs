//! One group, and all of them.

use std::collections::HashMap;

use chopar_e2ee::group::roster::Roster;
use chopar_e2ee::group::{LogKey, ReceivingEpoch, RosterHead, SendingEpoch};
use chopar_e2ee::ratchet::Tag;
use chopar_identity::{Ed25519Public, OpaqueHead};
use chopar_wire::proto::identity::Signed;
use chopar_wire::{AccountId, DeviceId, EnvelopeId, GroupId, OpaqueLogId, Timestamp};

use super::rows::GroupRow;
use crate::context::Context;
use crate::map::Map;
use crate::records::group::{
    EpochRecord, GroupRecord, KeyRecord, PendingEntryRecord, ROSTER, RosterRecord, STATE,
};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::set::Set;

/// Keys that members told and that have opened nothing yet, of one group. More come from somebody who makes them up.
const MAX_TOLD: usize = 8;

/// Generations that are left out where an older copy of the vault may have used some: weeks of changes.
const LEFT_OUT: u32 = 1024;

/// The key of a group's conversation. Conversations with people have the person's account id as theirs; both are SHA-256 over
/// different things, so none is the other.
pub(crate) const fn conversation_of(group: &GroupId) -> AccountId {
    AccountId::new(*group.as_bytes())
}

/// Names an epoch of somebody's device within this vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EpochKey {
    pub(crate) group: GroupId,
    pub(crate) device: DeviceId,
    pub(crate) number: u64,
}

/// What is wrong with a group's roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RosterAlarm {
    /// A member's message is bound to entries that the relay does not show.
    Withheld,
    /// There are two rosters. Whose devices signed, where both entries were seen.
    Forked(Vec<AccountId>),
}

/// An own entry on its way into the log.
pub(crate) struct Pending {
    pub(crate) entry: Signed,
    pub(crate) sealed: Vec<u8>,
    /// The log key that begins with it.
    pub(crate) key: Option<LogKey>,
    /// The intents that wait for it.
    pub(crate) asked: Option<u64>,
    /// Asked of the relay on the present connection.
    pub(crate) in_flight: bool,
    pub(crate) not_before: Timestamp,
}

/// A group.
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) log: OpaqueLogId,
    pub(crate) keys: Map<u32, LogKey>,
    pub(crate) told: Vec<LogKey>,
    /// `None` until its first entry was verified.
    pub(crate) roster: Option<Roster>,
    /// Entries as they were stored, until the logs of their signers are there to verify them again.
    pub(crate) stored: Map<u32, Signed>,
    pub(crate) opaque: Option<OpaqueHead>,
    /// Appends that the relay has shown, from `opaque` on, not opened yet.
    pub(crate) tail: Vec<Signed>,
    /// How many appends the relay says there are.
    pub(crate) relay_length: u32,
    /// When it is fetched next.
    pub(crate) fetch: Option<Timestamp>,
    pub(crate) claim: Option<(RosterHead, AccountId)>,
    pub(crate) alarm: Option<RosterAlarm>,
    pub(crate) accepted: bool,
    pub(crate) over: bool,
    pub(crate) sending: Option<SendingEpoch>,
    pub(crate) handed_to: [u8; 32],
    pub(crate) generation: u32,
    pub(crate) pending: Option<Pending>,
    /// An entry is being signed.
    pub(crate) signing: bool,
    /// It came out of a history file, and its log was not read to the end since: what was changed then is no news.
    pub(crate) catching_up: bool,
    /// When an admin renews the log key after somebody left.
    pub(crate) renewal: Option<Timestamp>,
    pub(crate) rows: Map<u64, GroupRow>,
    /// When something was last asked of a member, and how often in a row.
    pub(crate) asked: Map<AccountId, (Timestamp, u32)>,
    /// When a member's request was last answered.
    pub(crate) answered: Map<AccountId, Timestamp>,
    /// Since when it is known in this engine's life: one whose roster does not come is forgotten.
    pub(crate) since: Timestamp,
}

/// All groups, and the ways to find what belongs to one.
#[derive(Default)]
pub(crate) struct Groups {
    pub(crate) all: Map<GroupId, Group>,
    pub(crate) epochs: Map<EpochKey, ReceivingEpoch>,
    pub(crate) tags: HashMap<Tag, EpochKey>,
    pub(crate) by_envelope: HashMap<EnvelopeId, (GroupId, u64)>,
    /// Who is in a group that this person has accepted.
    pub(crate) fellows: Set<AccountId>,
    /// Groups whose state must be written.
    pub(crate) dirty: Set<GroupId>,
    /// When gaps and silence are looked for next.
    pub(crate) look: Timestamp,
}

impl Group {
    pub(crate) fn new(id: GroupId, log: OpaqueLogId) -> Self {
        Self {
            id,
            log,
            keys: Map::new(),
            told: Vec::new(),
            roster: None,
            stored: Map::new(),
            opaque: None,
            tail: Vec::new(),
            relay_length: 0,
            fetch: None,
            claim: None,
            alarm: None,
            accepted: false,
            over: false,
            sending: None,
            handed_to: [0; 32],
            generation: 0,
            pending: None,
            signing: false,
            catching_up: false,
            renewal: None,
            rows: Map::new(),
            asked: Map::new(),
            answered: Map::new(),
            since: Timestamp(0),
        }
    }

    /// The log key in force.
    pub(crate) fn key(&self) -> Option<&LogKey> {
        let version = self.roster.as_ref().map_or(1, Roster::key);
        self.keys.get(&version)
    }

    /// Keeps a key that a member told, until it opens something.
    pub(crate) fn told(&mut self, key: LogKey) {
        let same = |other: &LogKey| other.version() == key.version() && other.as_bytes() == key.as_bytes();
        if self.keys.values().any(same) || self.told.iter().any(same) {
            return;
        }
        if self.told.len() >= MAX_TOLD {
            self.told.remove(0);
        }
        self.told.push(key);
    }

    /// Wants the log by `due`; an earlier wish stands.
    pub(crate) fn want(&mut self, due: Timestamp) {
        self.fetch = Some(self.fetch.map_or(due, |at| at.min(due)));
    }

    /// What another device of this account needs, which reads the group's log from its beginning.
    pub(crate) fn exported(&self) -> GroupRecord {
        let mut record = GroupRecord::default();
        record.schema = SCHEMA;
        record.log = self.log.as_bytes().to_vec();
        record.keys = self.keys.values().map(key_record).collect();
        if let Some(RosterAlarm::Forked(signers)) = &self.alarm {
            record.alarm = 2;
            record.signers = signers.iter().map(|id| id.as_bytes().to_vec()).collect();
        }
        record.accepted = self.accepted;
        record.over = self.over;
        record.handed_to = vec![0; 32];
        record
    }

    /// A group out of what [`Group::exported`] made.
    pub(crate) fn imported(id: GroupId, record: &GroupRecord) -> Result<Self, RecordError> {
        if record.schema != SCHEMA {
            return Err(GroupRecord::of_version(record.schema));
        }
        // Of one device alone.
        if !record.sending.is_empty() || record.pending.is_some() {
            return Err(GroupRecord::bad("epoch"));
        }
        let log = OpaqueLogId::try_from(record.log.as_slice()).map_err(|_| GroupRecord::bad("log"))?;
        let mut group = Self::new(id, log);
        group.load_state(record)?;
        group.catching_up = true;
        Ok(group)
    }

    fn record(&self) -> GroupRecord {
        let mut record = self.exported();
        record.told = self.told.iter().map(key_record).collect();
        if let Some(head) = &self.opaque {
            record.opaque_length = head.length;
            record.opaque_hash = head.hash.to_vec();
            record.opaque_write_key = head.write_key.as_bytes().to_vec();
        }
        if let Some((head, by)) = &self.claim {
            record.claimed_length = head.length;
            record.claimed_hash = head.hash.to_vec();
            record.claimed_by = by.as_bytes().to_vec();
        }
        if self.alarm == Some(RosterAlarm::Withheld) {
            record.alarm = 1;
        }
        record.sending = self
            .sending
            .as_ref()
            .map(|epoch| epoch.to_record().to_vec())
            .unwrap_or_default();
        record.handed_to = self.handed_to.to_vec();
        record.generation = self.generation;
        record.pending = self.pending.as_ref().map(|pending| PendingEntryRecord {
            entry: Some(pending.entry.clone()),
            sealed: pending.sealed.clone(),
            key: pending.key.as_ref().map(key_record),
        });
        record
    }

    fn load_state(&mut self, record: &GroupRecord) -> Result<(), RecordError> {
        let bad = GroupRecord::bad;
        for key in &record.keys {
            self.keys.insert(key.version, log_key(key)?);
        }
        self.told = record.told.iter().map(log_key).collect::<Result<_, _>>()?;
        if record.opaque_length > 0 {
            self.opaque = Some(OpaqueHead {
                length: record.opaque_length,
                hash: record
                    .opaque_hash
                    .as_slice()
                    .try_into()
                    .map_err(|_| bad("opaque head"))?,
                write_key: Ed25519Public::parse(&record.opaque_write_key).map_err(|_| bad("write key"))?,
            });
        }
        if record.claimed_length > 0 {
            let head = RosterHead {
                length: record.claimed_length,
                hash: record
                    .claimed_hash
                    .as_slice()
                    .try_into()
                    .map_err(|_| bad("claim"))?,
            };
            let by = AccountId::try_from(record.claimed_by.as_slice()).map_err(|_| bad("claim"))?;
            self.claim = Some((head, by));
        }
        self.alarm = match record.alarm {
            0 => None,
            1 => Some(RosterAlarm::Withheld),
            2 => {
                let signers = record.signers.iter();
                let signers = signers.map(|id| AccountId::try_from(id.as_slice()).map_err(|_| bad("signer")));
                Some(RosterAlarm::Forked(signers.collect::<Result<_, _>>()?))
            }
            _ => return Err(bad("alarm")),
        };
        self.accepted = record.accepted;
        self.over = record.over;
        if !record.sending.is_empty() {
            self.sending = Some(SendingEpoch::from_record(&record.sending).map_err(|_| bad("epoch"))?);
        }
        self.handed_to = record
            .handed_to
            .as_slice()
            .try_into()
            .map_err(|_| bad("recipients"))?;
        self.generation = record.generation;
        if let Some(pending) = &record.pending {
            self.pending = Some(Pending {
                entry: pending.entry.clone().ok_or(bad("pending entry"))?,
                sealed: pending.sealed.clone(),
                key: pending.key.as_ref().map(log_key).transpose()?,
                asked: None,
                in_flight: false,
                not_before: Timestamp(0),
            });
        }
        Ok(())
    }
}

impl Groups {
    pub(crate) fn get(&self, group: &GroupId) -> Option<&Group> {
        self.all.get(group)
    }

    pub(crate) fn get_mut(&mut self, group: &GroupId) -> Option<&mut Group> {
        self.all.get_mut(group)
    }

    /// The group whose conversation this is.
    pub(crate) fn of(&self, conversation: &AccountId) -> Option<GroupId> {
        let group = GroupId::new(*conversation.as_bytes());
        self.all.contains_key(&group).then_some(group)
    }

    pub(crate) fn ids(&self) -> Vec<GroupId> {
        self.all.keys().copied().collect()
    }

    /// Takes one record of a group's partition.
    pub(crate) fn load(&mut self, partition: &[u8], sequence: u64, value: &[u8]) -> Result<(), RecordError> {
        let id = GroupId::try_from(partition).map_err(|_| GroupRecord::bad("group"))?;
        if sequence >= ROSTER {
            let entry = RosterRecord::read(value)?
                .entry
                .ok_or(RosterRecord::bad("entry"))?;
            let position = u32::try_from(sequence - ROSTER).map_err(|_| RosterRecord::bad("position"))?;
            let group = self
                .all
                .entry(id)
                .or_insert_with(|| Group::new(id, OpaqueLogId::new([0; 16])));
            group.stored.insert(position, entry);
            return Ok(());
        }
        let record = GroupRecord::read(value)?;
        let log = OpaqueLogId::try_from(record.log.as_slice()).map_err(|_| GroupRecord::bad("log"))?;
        let group = self.all.entry(id).or_insert_with(|| Group::new(id, log));
        group.log = log;
        group.load_state(&record)
    }

    pub(crate) fn load_epoch(
        &mut self,
        partition: &[u8],
        number: u64,
        value: &[u8],
    ) -> Result<(), RecordError> {
        let bad = EpochRecord::bad;
        let (group, device) = partition.split_at_checked(GroupId::LEN).ok_or(bad("partition"))?;
        let key = EpochKey {
            group: GroupId::try_from(group).map_err(|_| bad("group"))?,
            device: DeviceId::try_from(device).map_err(|_| bad("device"))?,
            number,
        };
        let record = EpochRecord::read(value)?;
        let epoch = ReceivingEpoch::from_record(&record.epoch).map_err(|_| bad("epoch"))?;
        self.index(key, epoch);
        Ok(())
    }

    pub(crate) fn index(&mut self, key: EpochKey, epoch: ReceivingEpoch) {
        self.tags.extend(epoch.expected_tags().map(|tag| (tag, key)));
        self.epochs.insert(key, epoch);
    }

    /// All epochs of one device in a group, oldest first.
    pub(crate) fn epochs_of(&self, group: &GroupId, device: &DeviceId) -> Vec<EpochKey> {
        let at = |number| EpochKey {
            group: *group,
            device: *device,
            number,
        };
        self.epochs
            .range(at(0)..=at(u64::MAX))
            .map(|(key, _)| *key)
            .collect()
    }

    pub(crate) fn save_epoch(&self, key: EpochKey, cx: &mut Context<'_>) {
        if let Some(epoch) = self.epochs.get(&key) {
            let record = EpochRecord {
                schema: SCHEMA,
                epoch: epoch.to_record().to_vec(),
            };
            cx.put(&partition(&key), key.number, &record);
        }
    }

    pub(crate) fn remove_epoch(&mut self, key: EpochKey, cx: &mut Context<'_>) {
        if let Some(epoch) = self.epochs.remove(&key) {
            for tag in epoch.expected_tags() {
                self.tags.remove(&tag);
            }
            cx.delete::<EpochRecord>(&partition(&key), key.number);
        }
    }

    /// The group's state must be written at the end of the step.
    pub(crate) fn touch(&mut self, group: &GroupId) {
        self.dirty.insert(*group);
    }

    pub(crate) fn save(&mut self, cx: &mut Context<'_>) {
        for id in std::mem::take(&mut self.dirty) {
            if let Some(group) = self.all.get(&id) {
                cx.put(id.as_bytes(), STATE, &group.record());
            }
        }
    }

    /// The vault is an older copy of itself: own chains would repeat positions, so fresh ones begin.
    pub(crate) fn doubt(&mut self) {
        for (id, group) in self.all.iter_mut() {
            group.sending = None;
            group.generation = group.generation.saturating_add(LEFT_OUT);
            self.dirty.insert(*id);
        }
    }

    /// Who is in an accepted group is spoken to.
    pub(crate) fn refresh_fellows(&mut self) {
        let accepted = self.all.values().filter(|group| group.accepted && !group.over);
        let rosters = accepted.filter_map(|group| group.roster.as_ref());
        self.fellows = rosters
            .flat_map(|roster| roster.members().map(|(id, _)| *id))
            .collect();
    }

    /// The next moment at which something may be done that waits for it.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let groups = self.all.values();
        let fetches = groups.clone().filter_map(|group| group.fetch);
        let renewals = groups.clone().filter_map(|group| group.renewal);
        let pending = groups
            .clone()
            .filter_map(|group| Some(group.pending.as_ref()?.not_before));
        let rows = groups.flat_map(|group| group.waiting().map(|(_, row)| row.not_before));
        let look = (!self.all.is_empty()).then_some(self.look);
        let all = fetches.chain(renewals).chain(pending).chain(rows).chain(look);
        all.filter(|at| *at > now).min()
    }
}

fn partition(key: &EpochKey) -> Vec<u8> {
    [&key.group.as_bytes()[..], key.device.as_bytes()].concat()
}

fn key_record(key: &LogKey) -> KeyRecord {
    KeyRecord {
        version: key.version(),
        key: key.as_bytes().to_vec(),
    }
}

fn log_key(record: &KeyRecord) -> Result<LogKey, RecordError> {
    LogKey::parse(record.version, &record.key).ok_or(GroupRecord::bad("log key"))
}
