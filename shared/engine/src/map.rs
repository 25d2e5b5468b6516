//! An ordered map whose code is small.
//!
//! The standard library's B-tree is compiled anew for every pair of key and value, about five thousand bytes of wasm each, and the
//! engine has forty such pairs. This one is a sorted vector: a search by halves, and a move of what stands behind when something is put
//! in or taken out. Its values lie in boxes of their own, so what is moved is small (a thousand entries in a microsecond or two), and all
//! maps with the same type of key come to the same machine code, of which the linker keeps one copy. Most keys here are counted upwards,
//! and are put in at the end. What may hold tens of thousands of entries in no order is a B-tree ([`crate::expiring`]).

use std::iter;
use std::mem;
use std::ops::RangeBounds;

use crate::set::within;

/// An ordered map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<K, V>(Vec<(K, Box<V>)>);

/// A place in a map, with or without a value.
pub struct Place<'a, K, V> {
    entries: &'a mut Vec<(K, Box<V>)>,
    key: K,
    at: Result<usize, usize>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Map<K, V> {
    /// An empty one.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries, in the order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone {
        self.0.iter().map(|(key, value)| (key, &**value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&*key, &mut **value))
    }

    /// All keys, in their order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.0.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.0.iter().map(|(_, value)| &**value)
    }

    pub(crate) fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| &mut **value)
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the map apart: its values, in the order of their keys.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> {
        self.0.into_iter().map(|(_, value)| *value)
    }

    pub(crate) fn first_key_value(&self) -> Option<(&K, &V)> {
        self.0.first().map(|(key, value)| (key, &**value))
    }

    pub(crate) fn last_key_value(&self) -> Option<(&K, &V)> {
        self.0.last().map(|(key, value)| (key, &**value))
    }

    pub(crate) fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.0.is_empty()).then(|| {
            let (key, value) = self.0.remove(0);
            (key, *value)
        })
    }

    /// Keeps the entries for which this is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }
}

impl<K: Ord, V> Map<K, V> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        // What is counted upwards belongs to the end.
        match self.0.last() {
            Some((last, _)) if last < key => Err(self.0.len()),
            _ => self.0.binary_search_by(|(found, _)| found.cmp(key)),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.find(key).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        self.0.get_mut(at).map(|(_, value)| &mut **value)
    }

    /// Whether a key has a value.
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Puts a value in; what was there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => self
                .0
                .get_mut(at)
                .map(|(_, before)| mem::replace(&mut **before, value)),
            Err(at) => {
                self.0.insert(at, (key, Box::new(value)));
                None
            }
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key).ok()?;
        Some(*self.0.remove(at).1)
    }

    /// The place of a key.
    pub fn entry(&mut self, key: K) -> Place<'_, K, V> {
        let at = self.find(&key);
        Place {
            entries: &mut self.0,
            key,
            at,
        }
    }

    pub(crate) fn range(
        &self,
        keys: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone {
        within(&self.0, &keys, |(key, _)| key)
            .iter()
            .map(|(key, value)| (key, &**value))
    }
}

impl<'a, K, V> Place<'a, K, V> {
    pub(crate) fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value, made if there is none.
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> &'a mut V {
        let at = match self.at {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(at, (self.key, Box::new(value())));
                at
            }
        };
        &mut self.entries[at].1
    }

    /// The value, the default one if there is none.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = iter::Map<std::vec::IntoIter<(K, Box<V>)>, fn((K, Box<V>)) -> (K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(key, value)| (key, *value))
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(from: I) -> Self {
        let mut map = Self::new();
        for (key, value) in from {
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Bound;

    use rand_chacha::ChaCha12Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn it_does_what_a_b_tree_does() {
        let mut rng = ChaCha12Rng::seed_from_u64(7);
        let (mut map, mut model) = (Map::new(), BTreeMap::new());
        for step in 0..20_000_u32 {
            let key = rng.next_u32() % 200;
            match rng.next_u32() % 8 {
                0..3 => assert_eq!(map.insert(key, step), model.insert(key, step)),
                3 => assert_eq!(map.remove(&key), model.remove(&key)),
                4 => assert_eq!(map.entry(key).or_insert(step), model.entry(key).or_insert(step)),
                5 => {
                    if rng.next_u32() % 16 == 0 {
                        map.retain(|key, _| key % 3 != 0);
                        model.retain(|key, _| key % 3 != 0);
                    }
                }
                6 => {
                    assert_eq!(map.get(&key), model.get(&key));
                    assert_eq!(map.get_mut(&key), model.get_mut(&key));
                }
                _ => {
                    if rng.next_u32() % 4 == 0 {
                        assert_eq!(map.pop_first(), model.pop_first());
                    }
                }
            }
            assert_eq!(map.len(), model.len());
            assert!(map.iter().eq(model.iter()));
            assert!(map.range(key..).rev().eq(model.range(key..).rev()));
            assert!(map.range(key..=key + 9).eq(model.range(key..=key + 9)));
            let after = (Bound::Excluded(key), Bound::Unbounded);
            assert!(map.range(after).eq(model.range(after)));
            assert_eq!(map.first_key_value(), model.first_key_value());
            assert_eq!(map.last_key_value(), model.last_key_value());
        }
    }
}
