//! Which numbers of one receiving chain were opened: the replay memory.

use super::limits::SEEN_BITS;

const WORDS: usize = (SEEN_BITS / 64) as usize;

/// A bitmap over the last [`SEEN_BITS`] numbers below `next`; grows only as far as it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// One beyond the highest number that was opened or skipped.
    next: u32,
    /// Bit `n % SEEN_BITS` says whether `n` was opened, for the window below `next`.
    words: Vec<u64>,
}

impl Seen {
    pub(crate) const fn next(&self) -> u32 {
        self.next
    }

    /// Whether `number` was opened. What lies below the window counts as opened: its key, if it was ever skipped, is
    /// looked up before this is asked.
    pub(crate) fn contains(&self, number: u32) -> bool {
        if number >= self.next {
            return false;
        }
        if self.next - number > SEEN_BITS {
            return true;
        }
        let (word, bit) = place(number);
        self.words.get(word).is_some_and(|w| w & bit != 0)
    }

    /// Notes that `number` was opened, and everything between `next` and it was skipped.
    pub(crate) fn open(&mut self, number: u32) {
        self.skip_to(number.saturating_add(1));
        if self.next - number <= SEEN_BITS {
            let (word, bit) = place(number);
            if self.words.len() <= word {
                self.words.resize(word + 1, 0);
            }
            self.words[word] |= bit;
        }
    }

    /// Moves `next` up to `next`; the numbers passed over are not opened.
    pub(crate) fn skip_to(&mut self, next: u32) {
        // Bits of numbers that enter the window were those of numbers 2048 below: clear them. A jump is bounded by
        // MAX_SKIP, which is below the window.
        for number in self.next..next.max(self.next) {
            let (word, bit) = place(number);
            if let Some(w) = self.words.get_mut(word) {
                *w &= !bit;
            }
        }
        self.next = self.next.max(next);
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|w| w.to_le_bytes()).collect()
    }

    /// Takes what [`to_bytes`](Self::to_bytes) wrote; `None` for another shape.
    pub(crate) fn from_bytes(next: u32, bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || words.len() > WORDS {
            return None;
        }
        Some(Self {
            next,
            words: words.iter().map(|w| u64::from_le_bytes(*w)).collect(),
        })
    }
}

fn place(number: u32) -> (usize, u64) {
    let bit = number % SEEN_BITS;
    ((bit / 64) as usize, 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a set, with jumps as large as a message may make.
        #[test]
        fn agrees_with_a_set(jumps in proptest::collection::vec((0u32..1000, any::<bool>()), 1..40)) {
            let (mut seen, mut model, mut next) = (Seen::default(), BTreeSet::new(), 0);
            for (jump, late) in jumps {
                let number = if late && jump < next { next - 1 - jump } else { next + jump };
                if next.saturating_sub(number) <= SEEN_BITS {
                    seen.open(number);
                    model.insert(number);
                }
                next = next.max(number + 1);
                prop_assert_eq!(seen.next(), next);
                for n in next.saturating_sub(SEEN_BITS)..next + 3 {
                    prop_assert_eq!(seen.contains(n), model.contains(&n), "{}", n);
                }
                if next > SEEN_BITS {
                    prop_assert!(seen.contains(next - SEEN_BITS - 1));
                }
                prop_assert_eq!(Seen::from_bytes(next, &seen.to_bytes()), Some(seen.clone()));
            }
        }
    }

    #[test]
    fn impossible_records_are_refused() {
        assert_eq!(Seen::from_bytes(0, &[0; 7]), None);
        assert_eq!(Seen::from_bytes(0, &[0; 8 * (WORDS + 1)]), None);
    }
}
