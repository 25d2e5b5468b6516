//! An ordered set whose code is small: a sorted vector, as [`crate::map`] is.

use std::ops::{Bound, RangeBounds};

/// An ordered set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<K>(Vec<K>);

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Set<K> {
    /// An empty one.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, K> {
        self.0.iter()
    }

    pub(crate) fn first(&self) -> Option<&K> {
        self.0.first()
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<K: Ord> Set<K> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        // What is counted upwards belongs to the end.
        match self.0.last() {
            Some(last) if last < key => Err(self.0.len()),
            _ => self.0.binary_search(key),
        }
    }

    /// Whether it is in.
    pub fn contains(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Puts one in; whether it was not in before.
    pub fn insert(&mut self, key: K) -> bool {
        let at = self.find(&key);
        if let Err(at) = at {
            self.0.insert(at, key);
        }
        at.is_err()
    }

    /// Takes one out; whether it was in.
    pub fn remove(&mut self, key: &K) -> bool {
        let at = self.find(key);
        if let Ok(at) = at {
            self.0.remove(at);
        }
        at.is_ok()
    }

    pub(crate) fn range(&self, keys: impl RangeBounds<K>) -> std::slice::Iter<'_, K> {
        within(&self.0, &keys, |key| key).iter()
    }
}

/// What of a sorted slice lies within bounds.
pub(crate) fn within<'a, T, K: Ord>(
    sorted: &'a [T],
    bounds: &impl RangeBounds<K>,
    key: impl Fn(&T) -> &K,
) -> &'a [T] {
    let begin = match bounds.start_bound() {
        Bound::Included(first) => sorted.partition_point(|one| key(one) < first),
        Bound::Excluded(before) => sorted.partition_point(|one| key(one) <= before),
        Bound::Unbounded => 0,
    };
    let end = match bounds.end_bound() {
        Bound::Included(last) => sorted.partition_point(|one| key(one) <= last),
        Bound::Excluded(after) => sorted.partition_point(|one| key(one) < after),
        Bound::Unbounded => sorted.len(),
    };
    sorted.get(begin..end).unwrap_or_default()
}

impl<K> IntoIterator for Set<K> {
    type Item = K;
    type IntoIter = std::vec::IntoIter<K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K> IntoIterator for &'a Set<K> {
    type Item = &'a K;
    type IntoIter = std::slice::Iter<'a, K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<K: Ord> Extend<K> for Set<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, more: I) {
        self.0.extend(more);
        self.0.sort_unstable();
        self.0.dedup();
    }
}

impl<K: Ord> FromIterator<K> for Set<K> {
    fn from_iter<I: IntoIterator<Item = K>>(from: I) -> Self {
        let mut set = Self::new();
        set.extend(from);
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand_chacha::ChaCha12Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn it_does_what_a_b_tree_does() {
        let mut rng = ChaCha12Rng::seed_from_u64(8);
        let (mut set, mut model) = (Set::new(), BTreeSet::new());
        for _ in 0..20_000 {
            let key = rng.next_u32() % 200;
            match rng.next_u32() % 4 {
                0 | 1 => assert_eq!(set.insert(key), model.insert(key)),
                2 => assert_eq!(set.remove(&key), model.remove(&key)),
                _ => {
                    set.extend([key, key + 3, key]);
                    model.extend([key, key + 3]);
                }
            }
            assert_eq!(set.contains(&key), model.contains(&key));
            assert!(set.iter().eq(model.iter()));
            assert!(set.range(key..key + 20).eq(model.range(key..key + 20)));
            assert_eq!(set.first(), model.first());
        }
    }

    #[test]
    fn bounds_that_hold_nothing_give_nothing() {
        let set: Set<u32> = [1, 5, 9].into_iter().collect();
        assert_eq!(set.range(6..9).len(), 0);
        assert_eq!(set.range((Bound::Excluded(9), Bound::Unbounded)).len(), 0);
        let (from, to) = (9, 1);
        assert_eq!(set.range(from..to).len(), 0);
    }
}
