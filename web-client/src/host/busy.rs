//! For how long a worker will not answer, because it has something to compute: those who knock are told, so that none takes it for frozen.

use std::cell::Cell;
use std::rc::Rc;

use chopar_wire::Timestamp;

/// For how long one thing may keep a worker from answering, in milliseconds: Argon2id on a slow machine.
pub(super) const COMPUTING_MS: u32 = 15_000;

/// Until when. Clones are handles of the same one: each knock in between is answered with what is left.
#[derive(Clone, Default)]
pub(super) struct Busy {
    until: Rc<Cell<Timestamp>>,
}

impl Busy {
    /// Busy from `now` on for so many milliseconds; 0 when it is over.
    pub(super) fn set(&self, now: Timestamp, ms: u32) {
        self.until.set(Timestamp(now.0 + u64::from(ms)));
    }

    /// Milliseconds that are left. A clock that was set back does not prolong them beyond what anything takes.
    pub(super) fn left_ms(&self, now: Timestamp) -> u32 {
        u32::try_from(self.until.get().ms_since(now)).map_or(COMPUTING_MS, |left| left.min(COMPUTING_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-265.
    #[test]
    fn whoever_knocks_while_it_computes_hears_what_is_left_and_nothing_once_it_is_over() {
        let busy = Busy::default();
        let knocked_at = busy.clone();
        assert_eq!(knocked_at.left_ms(Timestamp(0)), 0);
        busy.set(Timestamp(1_000_000), COMPUTING_MS);
        assert_eq!(knocked_at.left_ms(Timestamp(1_000_000)), COMPUTING_MS);
        assert_eq!(knocked_at.left_ms(Timestamp(1_014_000)), 1_000);
        assert_eq!(knocked_at.left_ms(Timestamp(1_015_001)), 0);
        assert_eq!(knocked_at.left_ms(Timestamp(5)), COMPUTING_MS);
        busy.set(Timestamp(1_002_000), 0);
        assert_eq!(knocked_at.left_ms(Timestamp(1_002_000)), 0);
    }
}
