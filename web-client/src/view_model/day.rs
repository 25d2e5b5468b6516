//! A calendar day where the person is.

use chopar_wire::Timestamp;

/// Days since 1970-01-01 by the local clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i64);

impl Day {
    /// The day of a moment, given how many minutes local time is ahead of UTC then.
    pub(crate) fn of(moment: Timestamp, minutes_ahead: i32) -> Self {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 24 * 60 * MINUTE;
        let local = i64::try_from(moment.0)
            .unwrap_or(i64::MAX)
            .saturating_add(i64::from(minutes_ahead) * MINUTE);
        Self(local.div_euclid(DAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_local_midnight() {
        let tashkent = 5 * 60;
        let midnight = Timestamp(1_700_000_000_000 / 86_400_000 * 86_400_000 - 5 * 3_600_000);
        assert_eq!(
            Day::of(midnight, tashkent).0,
            Day::of(Timestamp(midnight.0 - 1), tashkent).0 + 1
        );
        assert_eq!(Day::of(Timestamp(0), -60), Day(-1));
        assert_eq!(Day::of(Timestamp(u64::MAX), 840).0, i64::MAX / 86_400_000);
    }
}
