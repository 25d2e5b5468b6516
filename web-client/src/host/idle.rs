//! When a lock locks itself: after so many minutes in which nobody used any tab.

use chopar_wire::Timestamp;

use crate::platform::Exception;
use crate::platform::clock::{self, Alarm};

const MINUTE_MS: u64 = 60_000;

/// The time since somebody was there.
pub(super) struct Idle {
    last: Timestamp,
    /// `None` for never.
    after_ms: Option<u64>,
    alarm: Alarm,
}

impl Idle {
    /// Begins to wait; `rung` is called when it may be time ([`Idle::rung`]).
    pub(super) fn new(minutes: u16, rung: impl FnMut() + 'static) -> Result<Self, Exception> {
        let mut idle = Self {
            last: clock::now(),
            after_ms: None,
            alarm: Alarm::new(rung),
        };
        idle.set(minutes)?;
        Ok(idle)
    }

    /// Changes after how many minutes, 0 for never.
    pub(super) fn set(&mut self, minutes: u16) -> Result<(), Exception> {
        self.after_ms = (minutes > 0).then(|| u64::from(minutes) * MINUTE_MS);
        self.somebody();
        self.rung()
    }

    /// Somebody is there.
    pub(super) fn somebody(&mut self) {
        self.last = clock::now();
    }

    /// Whether nobody was for long enough.
    pub(super) fn is_due(&self) -> bool {
        self.after_ms
            .is_some_and(|after| clock::now().ms_since(self.last) >= after)
    }

    /// Waits for what is left.
    pub(super) fn rung(&self) -> Result<(), Exception> {
        match self.after_ms {
            Some(after) => self.alarm.set(self.last.plus_ms(after)),
            None => Ok(()),
        }
    }
}
