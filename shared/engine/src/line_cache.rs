//! Recent lines, so that a tick on one or a reaction to one needs no read.

use std::collections::VecDeque;

use chopar_wire::AccountId;

use crate::map::Map;
use crate::records::line::LineRecord;
use crate::set::Set;

/// Lines kept in memory.
const CACHED_LINES: usize = 256;
/// Lines of which it is remembered that they are gone: whatever is being read meanwhile is not shown.
const CACHED_GONE: usize = 1_024;

type Key = (AccountId, u64);

/// Lines as they were last written, oldest out first.
#[derive(Default)]
pub(crate) struct LineCache {
    lines: Map<Key, LineRecord>,
    order: VecDeque<Key>,
    gone: Set<Key>,
    gone_order: VecDeque<Key>,
}

impl LineCache {
    pub(crate) fn insert(&mut self, key: Key, line: LineRecord) {
        // A stranger who was forgotten writes again: their lines begin anew.
        if self.gone.remove(&key) {
            self.gone_order.retain(|known| *known != key);
        }
        if self.lines.insert(key, line).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > CACHED_LINES {
            if let Some(oldest) = self.order.pop_front() {
                self.lines.remove(&oldest);
            }
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&LineRecord> {
        self.lines.get(key)
    }

    /// The line was removed.
    pub(crate) fn remove(&mut self, key: Key) {
        if self.lines.remove(&key).is_some() {
            self.order.retain(|known| *known != key);
        }
        if self.gone.insert(key) {
            self.gone_order.push_back(key);
        }
        while self.gone_order.len() > CACHED_GONE {
            if let Some(oldest) = self.gone_order.pop_front() {
                self.gone.remove(&oldest);
            }
        }
    }

    pub(crate) fn is_gone(&self, key: &Key) -> bool {
        self.gone.contains(key)
    }
}
