//! What is missing here is asked for; what others miss goes again, in the session with them.
//!
//! Asking starts only from what is known to be missing: messages that a later one or the end of an epoch shows, entries that a
//! member's head names. Who asks gets what is theirs: own messages encrypted for them and not acknowledged, the present chain,
//! entries of a roster they are in.

use chopar_e2ee::group::EpochId;
use chopar_wire::proto::content::{Payload, payload};
use chopar_wire::proto::group::{Again, Request, Update, request::Wanted};
use chopar_wire::proto::identity::Signed;
use chopar_wire::{AccountId, DeviceId, EnvelopeId, GroupId, MessageId, Timestamp, limits};
use prost::Message;

use super::rows::is_in;
use super::state::conversation_of;
use crate::contact::Contact;
use crate::context::Context;
use crate::effect::RecordKey;
use crate::engine::Engine;
use crate::line::Progress;
use crate::outbox::Until;
use crate::records::group::{EpochRecord, GroupRecord, STATE};
use crate::sending::until;
use crate::view::SentState;

/// How often groups are looked at for what is missing, in milliseconds.
const LOOK_MS: u64 = 60_000;
/// The wait after asking somebody, in milliseconds; it doubles.
const PACE_MS: u64 = 120_000;
/// The longest such wait, in milliseconds.
const PACE_CAP_MS: u64 = 24 * 3_600_000;
/// Requests of one member are answered this often at most, in milliseconds.
const ANSWER_MS: u64 = 30_000;
/// How long a message may lie at the relay unacknowledged, though its recipient was heard since, until it goes again, in
/// milliseconds.
const SILENCE_MS: u64 = 24 * 3_600_000;
/// A group whose roster does not come is forgotten after this, in milliseconds: anybody can name one that does not exist.
const UNKNOWN_MS: u64 = 24 * 3_600_000;
/// Entries that go along with an answer, in bytes.
const MAX_CARRIED: usize = 12 * 1024;

impl Engine {
    pub(crate) fn tick_groups(&mut self, cx: &mut Context<'_>) {
        if self.groups.all.is_empty() || self.groups.look > cx.now || !self.link.drained() {
            return;
        }
        self.groups.look = cx.now.plus_ms(LOOK_MS);
        self.look_for_group_gaps(cx);
        self.look_for_group_silence(cx);
    }

    /// Asks for messages that are known to exist and did not come, although everything was delivered.
    fn look_for_group_gaps(&mut self, cx: &mut Context<'_>) {
        if !self.inbox.is_empty() {
            return;
        }
        let gaps = self.groups.epochs.values().filter(|epoch| epoch.missing() > 0);
        let gaps: Vec<EpochId> = gaps.map(|epoch| *epoch.id()).collect();
        for id in gaps {
            self.ask_member(&id.group, id.account, false, cx);
        }
    }

    /// Asks a member for entries of the roster, or for messages; not again before they had time.
    pub(crate) fn ask_member(&mut self, id: &GroupId, whom: AccountId, entries: bool, cx: &mut Context<'_>) {
        let own = self.is_own(&whom);
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let known = is_in(group.roster.as_ref(), &whom) || group.roster.is_none() || group.claim.is_some();
        if own || !known || !group.accepted {
            return;
        }
        let (next, times) = group.asked.get(&whom).copied().unwrap_or((Timestamp(0), 0));
        if next > cx.now {
            return;
        }
        let wait = PACE_MS.saturating_mul(1 << times.min(16)).min(PACE_CAP_MS);
        group.asked.insert(whom, (cx.now.plus_ms(wait), times + 1));
        let from = group.roster.as_ref().map_or(0, |roster| roster.length());
        // After a fork the entry that stands against the own one is wanted.
        let from = if group.alarm.is_some() {
            from.saturating_sub(1)
        } else {
            from
        };
        let wanted = if entries {
            Wanted::Entries
        } else {
            Wanted::Messages
        };
        let request = Request {
            group: (*id).into(),
            wanted: wanted.into(),
            from,
        };
        let row = Payload {
            content: Some(payload::Content::GroupRequest(request)),
            ..Payload::default()
        };
        self.outbox
            .push(whom, row.encode_to_vec(), None, Until::Accepted, cx);
    }

    /// The log goes on under a key that is not known here: whoever named the newest head has it, or some admin.
    pub(crate) fn ask_for_entries(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        group.want(cx.now.plus_ms(PACE_MS));
        let claimed = group.claim.map(|(_, by)| by);
        let own = self.own.as_ref().map(|own| own.account);
        let admins = group.roster.iter().flat_map(|roster| {
            let members = roster.members();
            members
                .filter(|(account, _)| roster.is_admin(account))
                .map(|(account, _)| *account)
        });
        let whom = claimed.or_else(|| admins.filter(|account| Some(*account) != own).last());
        if let Some(whom) = whom {
            self.ask_member(id, whom, true, cx);
        }
    }

    /// Epochs that could not be loaded: their senders are asked for what they send now, and for what did not come.
    pub(crate) fn mend_epochs(&mut self, damaged: &[RecordKey], cx: &mut Context<'_>) {
        for key in damaged {
            cx.delete::<EpochRecord>(&key.partition, key.sequence);
            let Some((group, device)) = key.partition.split_at_checked(GroupId::LEN) else {
                continue;
            };
            let (Ok(group), Ok(device)) = (GroupId::try_from(group), DeviceId::try_from(device)) else {
                continue;
            };
            let has = |contact: &&Contact| {
                contact
                    .log
                    .as_ref()
                    .is_some_and(|log| log.device(&device).is_some())
            };
            let account = self.contacts.values().find(has).map(|contact| contact.account);
            if let Some(account) = account {
                self.ask_member(&group, account, false, cx);
            }
        }
    }

    pub(crate) fn on_group_request(
        &mut self,
        sender: AccountId,
        device: DeviceId,
        request: &Request,
        cx: &mut Context<'_>,
    ) {
        let Ok(id) = GroupId::try_from(request.group.as_ref()) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        let last = group.answered.get(&sender).copied().unwrap_or(Timestamp(0));
        if !is_in(group.roster.as_ref(), &sender) || cx.now.ms_since(last) < ANSWER_MS {
            return;
        }
        group.answered.insert(sender, cx.now);
        match request.wanted() {
            Wanted::Entries => self.tell_entries(&id, sender, request.from, cx),
            Wanted::Messages => {
                self.tell_chain(&id, sender, cx);
                let lost: Vec<u64> = self.unacknowledged(&id, &sender, Some(&device), |_| true);
                for number in lost {
                    self.say_again(&id, number, &sender, cx);
                }
            }
            Wanted::Unspecified => {}
        }
    }

    /// The roster from a position on, and how to read it.
    fn tell_entries(&mut self, id: &GroupId, whom: AccountId, from: u32, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get(id) else { return };
        let Some(roster) = &group.roster else { return };
        let mut size = 0;
        let fits = |entry: &&Signed| {
            size += entry.encoded_len();
            size <= MAX_CARRIED
        };
        let update = Update {
            access: Some(group.access()),
            from,
            entries: roster.entries(from).iter().take_while(fits).cloned().collect(),
        };
        self.tell_update(whom, &update, cx);
    }

    /// The present chain, from the next message on.
    fn tell_chain(&mut self, id: &GroupId, whom: AccountId, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get(id) else { return };
        let roster = group.roster.as_ref();
        let Some(epoch) = group.sending.as_ref() else {
            return;
        };
        // Of another roster than the present one nobody is told any more.
        if roster.is_none_or(|roster| roster.head() != epoch.id().head) {
            return;
        }
        let distribution = epoch.distribution(None).to_proto(group.access());
        let row = Payload {
            content: Some(payload::Content::GroupDistribution(distribution)),
            ..Payload::default()
        };
        self.outbox
            .push(whom, row.encode_to_vec(), None, Until::Acknowledged, cx);
    }

    /// Rows that the relay has and this account did not acknowledge (on this device).
    fn unacknowledged(
        &self,
        id: &GroupId,
        account: &AccountId,
        device: Option<&DeviceId>,
        wanted: impl Fn(Timestamp) -> bool,
    ) -> Vec<u64> {
        let Some(group) = self.groups.get(id) else {
            return Vec::new();
        };
        let open = |to: &super::rows::Recipient| {
            let mut devices = to.devices.iter();
            to.account == *account
                && !to.again
                && devices.any(|(id, acked)| !acked && device.is_none_or(|device| device == id))
        };
        let rows = group.rows.iter();
        rows.filter(|(_, row)| row.accepted.is_some_and(&wanted) && row.to.iter().any(open))
            .map(|(number, _)| *number)
            .collect()
    }

    /// One message again, in the session with one account.
    pub(crate) fn say_again(&mut self, id: &GroupId, number: u64, account: &AccountId, cx: &mut Context<'_>) {
        let in_it = is_in(
            self.groups.get(id).and_then(|group| group.roster.as_ref()),
            account,
        );
        let Some(row) = self
            .groups
            .get_mut(id)
            .and_then(|group| group.rows.get_mut(&number))
        else {
            return;
        };
        let created = row.created;
        let Some(place) = row.to.iter().position(|to| to.account == *account && !to.again) else {
            return;
        };
        if !in_it || row.payload.is_empty() {
            return;
        }
        row.to[place].again = true;
        let Some(mut payload) = row.said() else {
            return;
        };
        payload.time = created.0;
        let until = until(payload.content.as_ref());
        let again = Again {
            group: (*id).into(),
            payload: payload.encode_to_vec().into(),
        };
        let row = Payload {
            content: Some(payload::Content::GroupAgain(again)),
            ..Payload::default()
        };
        self.outbox.push(*account, row.encode_to_vec(), None, until, cx);
        self.groups.save_recipient(id, number, place, cx);
    }

    /// Messages the relay took a day ago, for somebody who was heard since and did not acknowledge them.
    fn look_for_group_silence(&mut self, cx: &mut Context<'_>) {
        let Some(before) = cx.now.0.checked_sub(SILENCE_MS).map(Timestamp) else {
            return;
        };
        for id in self.groups.ids() {
            let members: Vec<AccountId> = self
                .groups
                .get(&id)
                .and_then(|group| group.roster.as_ref())
                .map_or_else(Vec::new, |roster| roster.members().map(|(id, _)| *id).collect());
            for account in members {
                let heard = |device: &DeviceId| {
                    let contact = self.contacts.get(&account)?;
                    Some(contact.devices.get(device)?.heard)
                };
                let Some(group) = self.groups.get(&id) else {
                    continue;
                };
                let silent: Vec<u64> = group
                    .rows
                    .iter()
                    .filter(|(_, row)| {
                        let Some(accepted) = row.accepted.filter(|at| *at <= before) else {
                            return false;
                        };
                        let to = row.to.iter().find(|to| to.account == account && !to.again);
                        to.is_some_and(|to| {
                            let mut open = to.devices.iter().filter(|(_, acked)| !acked);
                            open.any(|(device, _)| heard(device) > Some(accepted))
                        })
                    })
                    .map(|(number, _)| *number)
                    .collect();
                for number in silent {
                    self.say_again(&id, number, &account, cx);
                }
            }
        }
    }

    /// A device acknowledged an envelope that may be one of a group. Whether it was.
    pub(crate) fn group_acknowledged(
        &mut self,
        account: &AccountId,
        device: &DeviceId,
        envelope: &EnvelopeId,
        cx: &mut Context<'_>,
    ) {
        let Some((id, number)) = self.groups.by_envelope.get(envelope).copied() else {
            return;
        };
        let Some(row) = self
            .groups
            .get_mut(&id)
            .and_then(|group| group.rows.get_mut(&number))
        else {
            return;
        };
        let Some(made) = &row.made else { return };
        // Only the device an envelope was made for can acknowledge it.
        if chopar_identity::group_envelope_id(&made.submission, device) != *envelope {
            return;
        }
        let Some(place) = row.to.iter().position(|to| to.account == *account) else {
            return;
        };
        let mut devices = row.to[place].devices.iter_mut();
        let Some((_, acked)) = devices.find(|(id, acked)| id == device && !acked) else {
            return;
        };
        *acked = true;
        let all = row.to.iter().all(|to| to.devices.iter().all(|(_, acked)| *acked));
        if all {
            row.payload = Vec::new();
            self.groups.save_row_state(&id, number, cx);
        }
        self.groups.save_recipient(&id, number, place, cx);
    }

    /// A member's tick for an own message of a group.
    pub(crate) fn group_receipt(
        &mut self,
        account: AccountId,
        message: &MessageId,
        state: SentState,
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        let Some((id, number)) = self.groups.row_of(message) else {
            return;
        };
        let Some(row) = self
            .groups
            .get_mut(&id)
            .and_then(|group| group.rows.get_mut(&number))
        else {
            return;
        };
        let Some(place) = row
            .to
            .iter()
            .position(|to| to.account == account && to.state < state)
        else {
            return;
        };
        row.to[place].state = state;
        let (line, slowest) = (row.message, row.slowest(&own));
        self.groups.save_recipient(&id, number, place, cx);
        if let Some((line, _)) = line {
            let progress = Progress {
                state: slowest,
                held: None,
            };
            self.set_progress(conversation_of(&id), line, progress, cx);
        }
    }

    /// What nothing will come back for any more, and epochs that are over.
    pub(crate) fn expire_groups(&mut self, cx: &mut Context<'_>) {
        for key in self.groups.epochs.keys().copied().collect::<Vec<_>>() {
            let Some(epoch) = self.groups.epochs.get_mut(&key) else {
                continue;
            };
            if epoch.is_over(cx.now) {
                self.groups.remove_epoch(key, cx);
                continue;
            }
            let changes = epoch.expire(cx.now);
            if !changes.removed.is_empty() {
                for tag in changes.removed {
                    self.groups.tags.remove(&tag);
                }
                self.groups.save_epoch(key, cx);
            }
        }
        for id in self.groups.ids() {
            let empty = self.groups.get(&id).is_some_and(|group| {
                let nothing = group.roster.is_none() && group.stored.is_empty() && group.pending.is_none();
                // What was said in it, in a history file, is kept.
                let spoken = self
                    .contacts
                    .get(&conversation_of(&id))
                    .is_some_and(|c| c.next_line > 0);
                nothing && !spoken && cx.now.ms_since(group.since) > UNKNOWN_MS
            });
            if empty {
                self.groups.all.remove(&id);
                self.groups.dirty.remove(&id);
                cx.delete::<GroupRecord>(id.as_bytes(), STATE);
            }
        }
        let Some(before) = cx.now.0.checked_sub(limits::MAX_QUEUE_AGE_MS).map(Timestamp) else {
            return;
        };
        for id in self.groups.ids() {
            let old: Vec<u64> = self.groups.get(&id).map_or_else(Vec::new, |group| {
                let rows = group.rows.iter();
                rows.filter(|(_, row)| row.accepted.is_some_and(|at| at < before))
                    .map(|(number, _)| *number)
                    .collect()
            });
            for number in old {
                self.groups.remove_row(&id, number, cx);
            }
        }
    }
}
