//! A vault in memory that commits batches whole.

use std::collections::BTreeMap;

use chopar_wire::{AccountId, MessageId};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::effect::{Batch, Kind, Record, RecordKey, Write};
use crate::input::Found;
use crate::records::Stored;
use crate::records::line::{LineContent, LineRecord};
use crate::search::{Change, Index, Position, Query, indexed};

/// Records by key.
#[derive(Clone, Default)]
pub struct Vault {
    records: BTreeMap<RecordKey, Vec<u8>>,
}

impl Vault {
    /// Applies a batch.
    pub fn commit(&mut self, batch: &Batch) {
        for write in &batch.writes {
            match write {
                Write::Put(record) => {
                    self.records.insert(record.key.clone(), record.value.to_vec());
                }
                Write::Delete(key) => {
                    self.records.remove(key);
                }
            }
        }
    }

    /// What [`crate::Input::Opened`] hands over.
    pub fn resident(&self) -> Vec<Record> {
        self.select(|key| key.kind.resident())
    }

    /// What [`crate::Effect::Load`] asks for.
    pub fn page(&self, conversation: &[u8], before: Option<u64>, limit: usize) -> Vec<Record> {
        let before = before.unwrap_or(u64::MAX);
        let of = |kind: Kind, key: &RecordKey| {
            key.kind == kind && key.partition == conversation && key.sequence < before
        };
        let mut lines = self.select(|key| of(Kind::Line, key));
        lines.drain(..lines.len().saturating_sub(limit));
        let first = lines.first().map_or(u64::MAX, |line| line.key.sequence);
        lines.extend(self.select(|key| of(Kind::Delivery, key) && key.sequence >= first));
        lines.sort_by_key(|record| record.key.sequence);
        lines
    }

    /// Their messages in one conversation, in order.
    pub fn theirs(&self, peer: &AccountId) -> Vec<(MessageId, String)> {
        let lines = self.page(peer.as_bytes(), None, usize::MAX);
        let theirs = |record: &Record| match LineRecord::read(&record.value).unwrap().content? {
            LineContent::Theirs(text) => Some((MessageId::try_from(text.id.as_slice()).unwrap(), text.text)),
            _ => None,
        };
        let lines = lines.iter().filter(|record| record.key.kind == Kind::Line);
        lines.filter_map(theirs).collect()
    }

    /// What [`crate::Effect::Search`] asks for, in an index made for it.
    pub fn search(&self, query: &str, after: Option<Position>, limit: usize) -> Found {
        let lines = self.select(|key| key.kind == Kind::Line);
        let mut index = Index::new();
        index.apply(lines.iter().filter_map(indexed).map(Change::Added).collect());
        let Some(query) = Query::parse(query) else {
            return Found::default();
        };
        let matches = index.find(&query, after, limit);
        let is = |record: &&Record, at: &Position| {
            record.key.sequence == at.sequence && record.key.partition == at.conversation.as_bytes()
        };
        let lines = matches
            .page
            .iter()
            .filter_map(|at| lines.iter().find(|record| is(record, at)).cloned());
        Found {
            lines: lines.collect(),
            total: matches.total,
            last: matches.last,
            building: None,
        }
    }

    /// Records for which `wanted` holds, in the order of their keys.
    pub fn select(&self, wanted: impl Fn(&RecordKey) -> bool) -> Vec<Record> {
        let records = self.records.iter().filter(|(key, _)| wanted(key));
        records
            .map(|(key, value)| Record {
                key: key.clone(),
                value: Zeroizing::new(value.clone()),
            })
            .collect()
    }

    /// Overwrites a record behind the engine's back: damage.
    pub fn damage(&mut self, wanted: impl Fn(&RecordKey) -> bool) -> usize {
        let damaged = self.records.iter_mut().filter(|(key, _)| wanted(key));
        damaged.map(|(_, value)| value.fill(0xff)).count()
    }

    /// Changes records behind the engine's back, as another build might have written them.
    pub fn alter(&mut self, wanted: impl Fn(&RecordKey) -> bool, change: impl Fn(&mut Vec<u8>)) -> usize {
        let altered = self.records.iter_mut().filter(|(key, _)| wanted(key));
        altered.map(|(_, value)| change(value)).count()
    }

    /// Removes records behind the engine's back: a loss nobody is told of.
    pub fn lose(&mut self, wanted: impl Fn(&RecordKey) -> bool) -> usize {
        let before = self.records.len();
        self.records.retain(|key, _| !wanted(key));
        before - self.records.len()
    }

    /// SHA-256 over everything.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (key, value) in &self.records {
            hash.update([key.kind as u8]);
            hash.update(&key.partition);
            hash.update(key.sequence.to_be_bytes());
            hash.update(value);
        }
        hash.finalize().into()
    }
}
