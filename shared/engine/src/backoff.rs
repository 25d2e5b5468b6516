//! How long to wait before the next attempt: exponential, with full jitter, so that a relay that comes back is not stormed.

use crate::context::Context;

/// The first wait, at most, in milliseconds.
const FIRST_MS: u64 = 500;
/// The longest wait, in milliseconds: a person who looks at the page sees it come back within half a minute.
const CAP_MS: u64 = 30_000;
/// A connection that lasted this long resets the series, in milliseconds; a shorter one may be a crash loop.
pub(crate) const STABLE_MS: u64 = 10_000;

/// A series of attempts.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait in milliseconds: evenly from 0 to twice the one before, at most [`CAP_MS`].
    pub(crate) fn next(&mut self, cx: &mut Context<'_>) -> u64 {
        let ceiling = FIRST_MS.saturating_mul(1 << self.attempts.min(16)).min(CAP_MS);
        self.attempts = self.attempts.saturating_add(1);
        cx.below(ceiling + 1)
    }

    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use chopar_wire::Timestamp;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_are_spread() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(0), &mut rng);
        let mut longest = [0u64; 12];
        for _ in 0..200 {
            let mut backoff = Backoff::default();
            for (attempt, longest) in longest.iter_mut().enumerate() {
                let wait = backoff.next(&mut cx);
                assert!(
                    wait <= (500u64 << attempt).min(30_000),
                    "attempt {attempt}: {wait}"
                );
                *longest = wait.max(*longest);
            }
        }
        assert!(longest[0] > 400 && longest[11] > 27_000);
    }
}
