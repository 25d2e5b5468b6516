//! Messages sent into groups: for whom each was encrypted, who has it, who has read it.

use chopar_e2ee::group::roster::Roster;
use chopar_identity::group_envelope_id;
use chopar_wire::proto::content::Payload;
use chopar_wire::{AccountId, DeviceId, EnvelopeId, GroupId, GroupSubmissionId, MessageId, Timestamp};
use prost::Message;

use super::state::{Group, Groups};
use crate::context::Context;
use crate::line::{state_from, state_number};
use crate::records::group::{GroupRowRecord, RecipientRecord, RecipientsRecord};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::view::SentState;

/// Recipients in one record: about 4 KB.
const BLOCK: usize = 64;
/// Bits of a record's sequence that number the blocks of one row.
const BLOCK_BITS: u32 = 8;

/// One message sent into a group.
pub(crate) struct GroupRow {
    /// An encoded `Payload` with its content only.
    pub(crate) payload: Vec<u8>,
    pub(crate) message: Option<(u64, MessageId)>,
    pub(crate) created: Timestamp,
    pub(crate) accepted: Option<Timestamp>,
    /// The envelope, once it is encrypted.
    pub(crate) made: Option<Made>,
    pub(crate) to: Vec<Recipient>,
    /// Submitted on the present connection, not answered.
    pub(crate) in_flight: bool,
    pub(crate) not_before: Timestamp,
    pub(crate) refusals: u32,
}

/// The one envelope for all.
pub(crate) struct Made {
    pub(crate) submission: GroupSubmissionId,
    /// Emptied when the relay has it.
    pub(crate) body: Vec<u8>,
    /// Generation of the own epoch it was encrypted in.
    pub(crate) generation: u32,
}

/// One account it was encrypted for.
#[derive(Clone)]
pub(crate) struct Recipient {
    pub(crate) account: AccountId,
    /// Its devices, and whether each acknowledged.
    pub(crate) devices: Vec<(DeviceId, bool)>,
    /// What this person's ticks say.
    pub(crate) state: SentState,
    /// It went again, in the session with them.
    pub(crate) again: bool,
}

impl GroupRow {
    pub(crate) fn new(payload: Vec<u8>, message: Option<(u64, MessageId)>, now: Timestamp) -> Self {
        Self {
            payload,
            message,
            created: now,
            accepted: None,
            made: None,
            to: Vec::new(),
            in_flight: false,
            not_before: Timestamp(0),
            refusals: 0,
        }
    }

    /// What it says; `None` where a record was written by a version that says other things.
    pub(crate) fn said(&self) -> Option<Payload> {
        Payload::decode(self.payload.as_slice()).ok()
    }

    /// How far it has come with the slowest of the people it went to.
    pub(crate) fn slowest(&self, own: &AccountId) -> SentState {
        let others = self.to.iter().filter(|to| to.account != *own);
        others.map(|to| to.state).min().unwrap_or(SentState::Sent)
    }
}

impl Group {
    /// The oldest message that the relay does not have.
    pub(crate) fn front(&self) -> Option<u64> {
        self.waiting().next().map(|(number, _)| *number)
    }

    /// What the relay does not have, oldest first.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&u64, &GroupRow)> {
        self.rows.iter().filter(|(_, row)| row.accepted.is_none())
    }

    pub(crate) fn next_row(&self) -> u64 {
        self.rows.last_key_value().map_or(1, |(number, _)| number + 1)
    }
}

impl Groups {
    pub(crate) fn load_row(
        &mut self,
        partition: &[u8],
        sequence: u64,
        value: &[u8],
    ) -> Result<(), RecordError> {
        let bad = GroupRowRecord::bad;
        let id = GroupId::try_from(partition).map_err(|_| bad("group"))?;
        let number = sequence >> BLOCK_BITS;
        let group = self
            .all
            .entry(id)
            .or_insert_with(|| Group::new(id, chopar_wire::OpaqueLogId::new([0; 16])));
        let row = group
            .rows
            .entry(number)
            .or_insert_with(|| GroupRow::new(Vec::new(), None, Timestamp(0)));
        if sequence & ((1 << BLOCK_BITS) - 1) > 0 {
            for recipient in RecipientsRecord::read(value)?.recipients {
                row.to.push(recipient_from(&recipient)?);
            }
            return Ok(());
        }
        let record = GroupRowRecord::read(value)?;
        if record.line != 0 {
            let message = MessageId::try_from(record.message.as_slice()).map_err(|_| bad("message"))?;
            row.message = Some((record.line, message));
        }
        if !record.submission.is_empty() {
            row.made = Some(Made {
                submission: GroupSubmissionId::try_from(record.submission.as_slice())
                    .map_err(|_| bad("submission"))?,
                body: record.body,
                generation: record.generation,
            });
        }
        row.payload = record.payload;
        row.created = Timestamp(record.created);
        row.accepted = (record.accepted != 0).then_some(Timestamp(record.accepted));
        Ok(())
    }

    /// Files the envelope ids by which devices acknowledge, once everything is loaded or a row was made.
    pub(crate) fn index_row(&mut self, group: GroupId, number: u64) {
        for id in self.envelopes(&group, number) {
            self.by_envelope.insert(id, (group, number));
        }
    }

    fn envelopes(&self, group: &GroupId, number: u64) -> Vec<EnvelopeId> {
        let Some(row) = self.all.get(group).and_then(|group| group.rows.get(&number)) else {
            return Vec::new();
        };
        let Some(made) = &row.made else { return Vec::new() };
        let devices = row.to.iter().flat_map(|to| &to.devices);
        devices
            .map(|(device, _)| group_envelope_id(&made.submission, device))
            .collect()
    }

    /// Forgets the envelope of a row, so that another is made.
    pub(crate) fn unmake_row(&mut self, group: &GroupId, number: u64) {
        for id in self.envelopes(group, number) {
            self.by_envelope.remove(&id);
        }
        if let Some(row) = self
            .all
            .get_mut(group)
            .and_then(|group| group.rows.get_mut(&number))
        {
            row.made = None;
            row.to.clear();
            row.in_flight = false;
        }
    }

    /// Writes a row and all its recipients.
    pub(crate) fn save_row(&self, group: &GroupId, number: u64, cx: &mut Context<'_>) {
        self.save_row_state(group, number, cx);
        let blocks = self
            .row(group, number)
            .map_or(0, |row| row.to.len().div_ceil(BLOCK));
        (0..blocks).for_each(|block| self.save_recipients(group, number, block, cx));
    }

    pub(crate) fn save_row_state(&self, group: &GroupId, number: u64, cx: &mut Context<'_>) {
        let Some(row) = self.row(group, number) else {
            return;
        };
        let made = row.made.as_ref();
        let record = GroupRowRecord {
            schema: SCHEMA,
            payload: row.payload.clone(),
            line: row.message.map_or(0, |(line, _)| line),
            message: row
                .message
                .map(|(_, id)| id.as_bytes().to_vec())
                .unwrap_or_default(),
            created: row.created.0,
            accepted: row.accepted.map_or(0, |at| at.0),
            submission: made
                .map(|made| made.submission.as_bytes().to_vec())
                .unwrap_or_default(),
            body: made.map(|made| made.body.clone()).unwrap_or_default(),
            generation: made.map_or(0, |made| made.generation),
        };
        cx.put(group.as_bytes(), number << BLOCK_BITS, &record);
    }

    /// Writes the block in which the recipient at this place lies.
    pub(crate) fn save_recipient(&self, group: &GroupId, number: u64, place: usize, cx: &mut Context<'_>) {
        self.save_recipients(group, number, place / BLOCK, cx);
    }

    fn save_recipients(&self, group: &GroupId, number: u64, block: usize, cx: &mut Context<'_>) {
        let Some(row) = self.row(group, number) else {
            return;
        };
        let recipients = row.to.iter().skip(block * BLOCK).take(BLOCK);
        let record = RecipientsRecord {
            schema: SCHEMA,
            recipients: recipients.map(recipient_record).collect(),
        };
        let sequence = (number << BLOCK_BITS) + 1 + block as u64;
        cx.put(group.as_bytes(), sequence, &record);
    }

    pub(crate) fn remove_row(&mut self, group: &GroupId, number: u64, cx: &mut Context<'_>) {
        let blocks = self
            .row(group, number)
            .map_or(0, |row| row.to.len().div_ceil(BLOCK)) as u64;
        for id in self.envelopes(group, number) {
            self.by_envelope.remove(&id);
        }
        if let Some(group) = self.all.get_mut(group) {
            group.rows.remove(&number);
        }
        for place in 0..=blocks {
            cx.delete::<GroupRowRecord>(group.as_bytes(), (number << BLOCK_BITS) + place);
        }
    }

    pub(crate) fn row(&self, group: &GroupId, number: u64) -> Option<&GroupRow> {
        self.all.get(group)?.rows.get(&number)
    }

    /// Where an own message lies, by its id.
    pub(crate) fn row_of(&self, message: &MessageId) -> Option<(GroupId, u64)> {
        self.all.iter().find_map(|(id, group)| {
            let is = |row: &GroupRow| row.message.is_some_and(|(_, other)| other == *message);
            let (number, _) = group.rows.iter().rev().find(|(_, row)| is(row))?;
            Some((*id, *number))
        })
    }
}

/// Whether the roster has them still.
pub(crate) fn is_in(roster: Option<&Roster>, account: &AccountId) -> bool {
    roster.is_some_and(|roster| roster.member(account).is_some())
}

fn recipient_record(to: &Recipient) -> RecipientRecord {
    let acked = to.devices.iter().enumerate().filter(|(_, (_, acked))| *acked);
    RecipientRecord {
        account: to.account.as_bytes().to_vec(),
        devices: to
            .devices
            .iter()
            .flat_map(|(device, _)| *device.as_bytes())
            .collect(),
        acked: acked.fold(0, |bits, (place, _)| bits | 1 << (place % 32)),
        state: state_number(to.state),
        again: to.again,
    }
}

fn recipient_from(record: &RecipientRecord) -> Result<Recipient, RecordError> {
    let (devices, rest) = record.devices.as_chunks::<{ DeviceId::LEN }>();
    if !rest.is_empty() || devices.len() > 32 {
        return Err(RecipientsRecord::bad("devices"));
    }
    let acked = |place: usize| record.acked & (1 << place) != 0;
    Ok(Recipient {
        account: AccountId::try_from(record.account.as_slice())
            .map_err(|_| RecipientsRecord::bad("account"))?,
        devices: devices
            .iter()
            .enumerate()
            .map(|(place, id)| (DeviceId::new(*id), acked(place)))
            .collect(),
        state: state_from(record.state),
        again: record.again,
    })
}
