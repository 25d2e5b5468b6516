//! One token bucket.

/// Rate and burst of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back in each period.
    pub tokens: u32,
    /// The period in milliseconds.
    pub period_ms: u32,
    /// Tokens of a full bucket.
    pub burst: u32,
}

impl Rate {
    /// So many tokens a second.
    pub const fn per_second(tokens: u32, burst: u32) -> Self {
        Self {
            tokens,
            period_ms: 1000,
            burst,
        }
    }

    /// One token in so many milliseconds.
    pub const fn every(period_ms: u32, burst: u32) -> Self {
        Self {
            tokens: 1,
            period_ms,
            burst,
        }
    }

    /// What so many tokens are, counted so that a millisecond of any rate is a whole number.
    const fn parts(self, tokens: u32) -> u64 {
        tokens as u64 * self.period_ms as u64
    }
}

/// Come back after so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u64);

/// Who looked at the clock first may come here second; a clock that is behind by more was set back.
const ORDER_MS: u64 = 1000;

/// What is left of a rate's burst.
pub(super) struct Bucket {
    parts: u64,
    at: u64,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: u64) -> Self {
        Self {
            parts: rate.parts(rate.burst),
            at: now,
        }
    }

    /// Whether `cost` could be taken.
    pub(super) fn look(&mut self, rate: Rate, cost: u32, now: u64) -> Result<(), Wait> {
        self.parts = self.refilled(rate, now);
        self.note(now);
        match rate.parts(cost).checked_sub(self.parts) {
            None | Some(0) => Ok(()),
            Some(lacking) => Err(Wait(lacking.div_ceil(u64::from(rate.tokens.max(1))))),
        }
    }

    pub(super) fn take(&mut self, rate: Rate, cost: u32, now: u64) -> Result<(), Wait> {
        self.look(rate, cost, now)?;
        self.parts -= rate.parts(cost);
        Ok(())
    }

    pub(super) fn is_full(&mut self, rate: Rate, now: u64) -> bool {
        if now < self.at {
            self.note(now);
        }
        self.refilled(rate, now) == rate.parts(rate.burst)
    }

    /// When it was last used.
    pub(super) fn last_use(&self) -> u64 {
        self.at
    }

    /// From here on tokens come back, also where the clock was set back: else nobody would get any until it is where it was.
    fn note(&mut self, now: u64) {
        let was_set_back = now.saturating_add(ORDER_MS) < self.at;
        self.at = if was_set_back { now } else { self.at.max(now) };
    }

    /// A clock that was set back gives nothing.
    fn refilled(&self, rate: Rate, now: u64) -> u64 {
        let passed = now.saturating_sub(self.at);
        let gained = passed.saturating_mul(u64::from(rate.tokens));
        self.parts.saturating_add(gained).min(rate.parts(rate.burst))
    }
}
