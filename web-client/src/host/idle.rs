//! When a lock locks itself: after so many minutes in which nobody used any tab.
//!
//! When somebody last did, every worker knows ([`super::Worker`]): whoever takes over goes on counting from there.

use chopar_wire::Timestamp;

use crate::platform::Exception;
use crate::platform::clock::Alarm;

const MINUTE_MS: u64 = 60_000;

/// By how much a clock may be set back, in milliseconds, as clocks are when they are put right. Set back by more, nobody can tell
/// for how long nobody was there.
const PUT_RIGHT_MS: u64 = MINUTE_MS;

/// How long it waits, and the alarm for it.
pub(super) struct Idle {
    waits: Waits,
    alarm: Alarm,
}

/// `None` for ever, else milliseconds.
#[derive(Clone, Copy)]
struct Waits(Option<u64>);

impl Idle {
    /// Begins to wait for so many minutes without anybody, 0 for ever; `rung` is called when it may be time ([`Idle::rung`]).
    pub(super) fn new(
        minutes: u16,
        last: Timestamp,
        rung: impl FnMut() + 'static,
    ) -> Result<Self, Exception> {
        let idle = Self {
            waits: Waits::minutes(minutes),
            alarm: Alarm::new(rung),
        };
        idle.rung(last)?;
        Ok(idle)
    }

    /// Changes after how many minutes.
    pub(super) fn set(&mut self, minutes: u16, last: Timestamp) -> Result<(), Exception> {
        self.waits = Waits::minutes(minutes);
        self.rung(last)
    }

    /// Whether nobody was there for long enough; `last` is when somebody was.
    pub(super) fn is_due(&self, last: Timestamp, now: Timestamp) -> bool {
        self.waits.is_over(last, now)
    }

    /// Waits for what is left.
    pub(super) fn rung(&self, last: Timestamp) -> Result<(), Exception> {
        match self.waits.0 {
            Some(after) => self.alarm.set(last.plus_ms(after)),
            None => Ok(()),
        }
    }
}

impl Waits {
    fn minutes(minutes: u16) -> Self {
        Self((minutes > 0).then(|| u64::from(minutes) * MINUTE_MS))
    }

    fn is_over(self, last: Timestamp, now: Timestamp) -> bool {
        self.0
            .is_some_and(|after| now.ms_since(last) >= after || last.ms_since(now) > PUT_RIGHT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-267.
    #[test]
    fn it_is_due_after_its_minutes_and_when_the_clock_was_set_back() {
        let last = Timestamp(1_000_000_000);
        let five = Waits::minutes(5);
        for (now, over) in [
            (last.0, false),
            (last.0 + 299_999, false),
            (last.0 + 300_000, true),
            (last.0 - 60_000, false),
            (last.0 - 60_001, true),
            (0, true),
        ] {
            assert_eq!(five.is_over(last, Timestamp(now)), over, "{now}");
        }
        assert!(!Waits::minutes(0).is_over(last, Timestamp(u64::MAX)));
        assert!(!Waits::minutes(0).is_over(last, Timestamp(0)));
    }
}
