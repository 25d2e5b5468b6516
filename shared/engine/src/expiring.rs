//! Messages that disappear: own ones so long after the relay took them, theirs so long after they were read. Every device sees
//! to it by itself; what fell due while the browser was closed is gone before anything is shown.

use std::collections::{BTreeMap, BTreeSet};

use chopar_wire::{AccountId, MessageId, Timestamp};

use crate::context::Context;
use crate::engine::Engine;
use crate::places::Spot;
use crate::records::expiry::ExpiryRecord;
use crate::records::{RecordError, SCHEMA, Stored};
use crate::view::Reference;

type Key = (AccountId, u64);

/// One line that disappears.
#[derive(Clone, Copy)]
struct Entry {
    about: Reference,
    seconds: u32,
    /// `None` until it is sent, or read.
    deadline: Option<Timestamp>,
}

/// All of them. There may be as many as there are lines, and what was stored comes in no order: trees, and not sorted vectors.
#[derive(Default)]
pub(crate) struct Expiring {
    lines: BTreeMap<Key, Entry>,
    due: BTreeSet<(Timestamp, AccountId, u64)>,
}

impl Expiring {
    pub(crate) fn load(&mut self, partition: &[u8], sequence: u64, value: &[u8]) -> Result<(), RecordError> {
        let record = ExpiryRecord::read(value)?;
        let account = |bytes: &[u8]| AccountId::try_from(bytes).map_err(|_| ExpiryRecord::bad("account"));
        let entry = Entry {
            about: Reference {
                author: account(&record.author)?,
                id: MessageId::try_from(record.id.as_slice()).map_err(|_| ExpiryRecord::bad("id"))?,
            },
            seconds: record.seconds,
            deadline: (record.deadline != 0).then_some(Timestamp(record.deadline)),
        };
        self.index((account(partition)?, sequence), entry);
        Ok(())
    }

    /// A line that disappears was added.
    pub(crate) fn add(&mut self, spot: Spot, sequence: u64, seconds: u32, cx: &mut Context<'_>) {
        let key = (spot.conversation, sequence);
        let entry = Entry {
            about: spot.about,
            seconds,
            deadline: None,
        };
        self.index(key, entry);
        self.save(key, cx);
    }

    /// The time of a line began then; of several moments the first counts.
    pub(crate) fn begin(&mut self, key: Key, at: Timestamp, cx: &mut Context<'_>) {
        let Some(mut entry) = self.lines.get(&key).copied() else {
            return;
        };
        let deadline = at.plus_ms(u64::from(entry.seconds) * 1_000);
        if entry.deadline.is_none_or(|known| deadline < known) {
            entry.deadline = Some(deadline);
            self.index(key, entry);
            self.save(key, cx);
        }
    }

    /// Lines of others in a conversation, up to one, that nobody has read yet.
    pub(crate) fn unread(&self, conversation: AccountId, up_to: u64, own: &AccountId) -> Vec<Key> {
        self.lines
            .range((conversation, 0)..=(conversation, up_to))
            .filter(|(_, entry)| entry.deadline.is_none() && entry.about.author != *own)
            .map(|(key, _)| *key)
            .collect()
    }

    pub(crate) fn remove(&mut self, conversation: AccountId, sequence: u64, cx: &mut Context<'_>) {
        if let Some(entry) = self.lines.remove(&(conversation, sequence)) {
            if let Some(deadline) = entry.deadline {
                self.due.remove(&(deadline, conversation, sequence));
            }
            cx.delete::<ExpiryRecord>(conversation.as_bytes(), sequence);
        }
    }

    /// When the next line disappears.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, ..)| *at)
    }

    fn ripe(&self, now: Timestamp) -> Option<(Spot, u64)> {
        let (at, conversation, sequence) = *self.due.first()?;
        let about = self.lines.get(&(conversation, sequence))?.about;
        (at <= now).then_some((Spot { conversation, about }, sequence))
    }

    fn index(&mut self, key: Key, entry: Entry) {
        if let Some(Entry {
            deadline: Some(deadline),
            ..
        }) = self.lines.insert(key, entry)
        {
            self.due.remove(&(deadline, key.0, key.1));
        }
        if let Some(deadline) = entry.deadline {
            self.due.insert((deadline, key.0, key.1));
        }
    }

    fn save(&self, key: Key, cx: &mut Context<'_>) {
        let Some(entry) = self.lines.get(&key) else { return };
        let record = ExpiryRecord {
            schema: SCHEMA,
            author: entry.about.author.as_bytes().to_vec(),
            id: entry.about.id.as_bytes().to_vec(),
            seconds: entry.seconds,
            deadline: entry.deadline.map_or(0, |at| at.0),
        };
        cx.put(key.0.as_bytes(), key.1, &record);
    }
}

impl Engine {
    /// Removes what has had its time. Who has not received it yet still does: what waits for them is not shown, and goes when
    /// they have it.
    pub(crate) fn tick_expiring(&mut self, cx: &mut Context<'_>) {
        while let Some((spot, sequence)) = self.expiring.ripe(cx.now) {
            self.unname_said(spot, cx);
            self.remove_line(spot, sequence, cx);
        }
    }

    /// Their lines up to one were read on this device now.
    pub(crate) fn begin_expiring(&mut self, conversation: AccountId, up_to: u64, cx: &mut Context<'_>) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        for key in self.expiring.unread(conversation, up_to, &own) {
            self.expiring.begin(key, cx.now, cx);
        }
    }

    /// Another own device had a line on its screen then.
    pub(crate) fn read_elsewhere(
        &mut self,
        conversation: AccountId,
        sequence: u64,
        at: Timestamp,
        cx: &mut Context<'_>,
    ) {
        if let Some(contact) = self.contacts.get_mut(&conversation)
            && contact.marks.saw(sequence)
        {
            cx.touch(conversation);
        }
        self.expiring.begin((conversation, sequence), at, cx);
    }
}
