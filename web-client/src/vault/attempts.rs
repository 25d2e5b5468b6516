//! Wrong secrets are counted, and make the next one wait. The count is written before a secret is tried, so that ending the browser
//! takes none back. It slows somebody at this keyboard; whoever has copied the files is slowed by Argon2id alone.

use chopar_wire::Timestamp;

/// Secrets that may be wrong without a wait: slips of the finger.
const FREE: u32 = 3;

/// The first wait, in milliseconds; each further wrong secret doubles it.
const FIRST_WAIT_MS: u64 = 5_000;

/// The longest, in milliseconds: a quarter of an hour, so that nobody locks an owner out for a day.
const LONGEST_WAIT_MS: u64 = 900_000;

/// `count u32 ‖ last u64`: how many were wrong in a row, and when the last one was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    count: u32,
    last: Timestamp,
}

impl Attempts {
    /// One more is tried.
    pub(super) fn try_at(self, now: Timestamp) -> Self {
        Self {
            count: self.count.saturating_add(1),
            last: now,
        }
    }

    /// As this clock sees it: where it was set back behind the last one, that one was now, and the wait begins anew. To be written
    /// wherever it is looked at, so that the wait then passes.
    pub(super) fn by_clock(self, now: Timestamp) -> Self {
        Self {
            last: self.last.min(now),
            ..self
        }
    }

    /// Milliseconds until the next may be tried.
    pub(super) fn wait_ms(self, now: Timestamp) -> u64 {
        let Some(beyond) = self.count.checked_sub(FREE) else {
            return 0;
        };
        let wait = FIRST_WAIT_MS
            .saturating_mul(1 << beyond.min(20))
            .min(LONGEST_WAIT_MS);
        wait.saturating_sub(now.ms_since(self.last))
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        [&self.count.to_be_bytes()[..], &self.last.0.to_be_bytes()].concat()
    }

    /// What cannot be read counts as none: the count protects a keyboard, not the files.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let read = || {
            let (count, last) = bytes.split_first_chunk::<4>()?;
            Some(Self {
                count: u32::from_be_bytes(*count),
                last: Timestamp(u64::from_be_bytes(last.try_into().ok()?)),
            })
        };
        read().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-263.
    #[test]
    fn slips_are_free_and_guessing_waits_longer_and_longer() {
        let mut attempts = Attempts::default();
        let mut waits = Vec::new();
        for second in 0..14 {
            attempts = attempts.try_at(Timestamp(second * 1_000));
            waits.push(attempts.wait_ms(Timestamp(second * 1_000)));
        }
        assert_eq!(waits[..6], [0, 0, 5_000, 10_000, 20_000, 40_000]);
        assert!(waits.is_sorted());
        assert_eq!(waits[13], LONGEST_WAIT_MS);
        assert_eq!(Attempts::parse(&attempts.to_bytes()), attempts);
        assert_eq!(Attempts::parse(&[1, 2]), Attempts::default());
    }

    /// P-263.
    #[test]
    fn a_clock_that_is_set_back_does_not_lock_anybody_out_for_longer() {
        let attempts = Attempts {
            count: 4,
            last: Timestamp(1_000_000),
        };
        let seen = attempts.by_clock(Timestamp(50));
        assert_eq!(seen.wait_ms(Timestamp(50)), 10_000);
        assert_eq!(seen.by_clock(Timestamp(4_050)).wait_ms(Timestamp(4_050)), 6_000);
        assert_eq!(seen.by_clock(Timestamp(10_050)).wait_ms(Timestamp(10_050)), 0);
        assert_eq!(attempts.by_clock(Timestamp(1_004_000)), attempts);
        assert_eq!(attempts.wait_ms(Timestamp(1_004_000)), 6_000);
        assert_eq!(attempts.wait_ms(Timestamp(1_010_000)), 0);
    }
}
