//! Keys of messages that were overtaken: bounded, found by tag, evicted oldest first.

use std::collections::BTreeMap;

use chopar_wire::Timestamp;

use super::chain::MessageKey;
use super::header_key::Tag;
use super::limits::{KEY_LIFETIME_MS, MAX_SKIPPED_KEYS};

/// The key of one message that has not come yet.
pub(crate) struct SkippedKey {
    pub(crate) tag: Tag,
    /// Which receiving chain it belongs to.
    pub(crate) chain: u32,
    pub(crate) number: u32,
    pub(crate) key: MessageKey,
    /// When it was skipped.
    pub(crate) since: Timestamp,
}

/// All of a session's skipped keys. Every operation is logarithmic, eviction of many linear.
#[derive(Default)]
pub(crate) struct SkippedKeys {
    /// In order of skipping.
    by_age: BTreeMap<u64, SkippedKey>,
    by_tag: BTreeMap<Tag, u64>,
    next: u64,
}

impl SkippedKeys {
    pub(crate) fn len(&self) -> usize {
        self.by_age.len()
    }

    pub(crate) fn find(&self, tag: Tag) -> Option<&SkippedKey> {
        self.by_age.get(self.by_tag.get(&tag)?)
    }

    pub(crate) fn remove(&mut self, tag: Tag) -> Option<SkippedKey> {
        self.by_age.remove(&self.by_tag.remove(&tag)?)
    }

    /// Adds a key; returns the tag of the oldest where that one had to go.
    pub(crate) fn insert(&mut self, key: SkippedKey) -> Option<Tag> {
        let evicted = (self.len() >= MAX_SKIPPED_KEYS)
            .then(|| self.by_age.pop_first())
            .flatten();
        if let Some((_, evicted)) = &evicted {
            self.by_tag.remove(&evicted.tag);
        }
        self.by_tag.insert(key.tag, self.next);
        self.by_age.insert(self.next, key);
        self.next += 1;
        evicted.map(|(_, key)| key.tag)
    }

    /// Drops the keys of chains before `oldest`; their tags.
    pub(crate) fn drop_chains_before(&mut self, oldest: u32) -> Vec<Tag> {
        let gone: Vec<Tag> = self.iter().filter(|k| k.chain < oldest).map(|k| k.tag).collect();
        gone.iter().for_each(|tag| drop(self.remove(*tag)));
        gone
    }

    /// Drops keys past their lifetime; their tags. Looks only at the oldest.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<Tag> {
        let mut gone = Vec::new();
        while let Some(oldest) = self.by_age.first_entry() {
            if now.ms_since(oldest.get().since) < KEY_LIFETIME_MS {
                break;
            }
            let key = oldest.remove();
            self.by_tag.remove(&key.tag);
            gone.push(key.tag);
        }
        gone
    }

    /// Drops up to so many of the keys that were skipped when the oldest one was; their tags.
    pub(crate) fn drop_oldest(&mut self, count: usize) -> Vec<Tag> {
        let Some(since) = self.iter().next().map(|key| key.since) else {
            return Vec::new();
        };
        let alike = self.iter().take_while(|key| key.since == since);
        let gone: Vec<Tag> = alike.take(count).map(|key| key.tag).collect();
        gone.iter().for_each(|tag| drop(self.remove(*tag)));
        gone
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SkippedKey> {
        self.by_age.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Secret32;

    fn key(number: u32, chain: u32, since: u64) -> SkippedKey {
        let mut tag = [0; 16];
        tag[..4].copy_from_slice(&number.to_be_bytes());
        let key = MessageKey(Secret32::new([1; 32]));
        SkippedKey {
            tag: Tag::new(tag),
            chain,
            number,
            key,
            since: Timestamp(since),
        }
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut keys = SkippedKeys::default();
        for n in 0..MAX_SKIPPED_KEYS as u32 {
            assert!(keys.insert(key(n, 0, 0)).is_none());
        }
        assert_eq!(keys.insert(key(9999, 1, 0)), Some(key(0, 0, 0).tag));
        assert_eq!(keys.len(), MAX_SKIPPED_KEYS);
        assert!(keys.find(key(0, 0, 0).tag).is_none() && keys.find(key(1, 0, 0).tag).is_some());
        assert_eq!(keys.remove(key(1, 0, 0).tag).unwrap().number, 1);
        assert!(keys.remove(key(1, 0, 0).tag).is_none());
        assert_eq!(keys.drop_chains_before(1).len(), MAX_SKIPPED_KEYS - 2);
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn those_skipped_at_one_moment_go_together() {
        let mut keys = SkippedKeys::default();
        for (number, since) in [(1, 1000), (2, 1000), (3, 1000), (4, 2000)] {
            keys.insert(key(number, 0, since));
        }
        assert_eq!(keys.drop_oldest(2), [key(1, 0, 0).tag, key(2, 0, 0).tag]);
        assert_eq!(keys.drop_oldest(9).len(), 1, "the later one stays");
        assert_eq!(keys.drop_oldest(9).len(), 1);
        assert_eq!((keys.drop_oldest(9).len(), keys.len()), (0, 0));
    }

    #[test]
    fn keys_live_their_lifetime() {
        let mut keys = SkippedKeys::default();
        keys.insert(key(1, 0, 1000));
        keys.insert(key(2, 0, 2000));
        assert!(keys.expire(Timestamp(999 + KEY_LIFETIME_MS)).is_empty());
        assert_eq!(keys.expire(Timestamp(1000 + KEY_LIFETIME_MS)), [key(1, 0, 0).tag]);
        assert_eq!(keys.len(), 1);
        // A clock that was set back expires nothing.
        assert!(keys.expire(Timestamp(0)).is_empty());
    }
}
