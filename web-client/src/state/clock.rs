//! The browser's clock and calendar, and dates as the person's language writes them.

use chopar_wire::Timestamp;
use js_sys::Date;
use wasm_bindgen::JsValue;

use crate::i18n::Texts;
use crate::view_model::{Day, dates};

/// Dates and times in one language.
#[derive(Clone, Copy)]
pub(crate) struct Clock(pub(super) Texts);

/// The moment it is.
pub(crate) fn now() -> Timestamp {
    // Milliseconds since 1970 are a whole number far below 2^53.
    Timestamp(Date::now() as u64)
}

/// How many minutes local time is ahead of UTC at a moment.
pub(crate) fn minutes_ahead(moment: Timestamp) -> i32 {
    // No browser, and so no zone, is there where the states of the page are tested.
    if cfg!(test) {
        return 0;
    }
    -(Date::new(&JsValue::from_f64(moment.0 as f64)).get_timezone_offset() as i32)
}

/// The day of a moment, as a box for dates has it: year, month and day.
pub(crate) fn day_in_box(moment: Timestamp) -> String {
    dates::iso(day_of(moment))
}

/// The moment at which a day begins here that stands in a box for dates; `None` where none does.
pub(crate) fn first_of_day(day: &str) -> Option<Timestamp> {
    // Without a zone it is local time.
    let moment = Date::parse(&[day, "T00:00"].concat());
    moment.is_finite().then_some(Timestamp(moment.max(0.0) as u64))
}

impl Clock {
    /// The time of day.
    pub(crate) fn time(self, moment: Timestamp) -> String {
        dates::time(moment, minutes_ahead(moment))
    }

    /// A date.
    pub(crate) fn date(self, moment: Timestamp) -> String {
        dates::date(self.0, day_of(moment))
    }

    /// A date with the time of day.
    pub(crate) fn full(self, moment: Timestamp) -> String {
        self.0.date_moment(&self.date(moment), &self.time(moment))
    }

    /// The name of the day a moment belongs to.
    pub(crate) fn day(self, moment: Timestamp, today: Day) -> String {
        dates::day_name(self.0, day_of(moment), today)
    }

    /// A moment in as little space as a list has.
    pub(crate) fn brief(self, moment: Timestamp, today: Day) -> String {
        let day = day_of(moment);
        if day == today {
            self.time(moment)
        } else {
            dates::brief(self.0, day, today)
        }
    }
}

fn day_of(moment: Timestamp) -> Day {
    Day::of(moment, minutes_ahead(moment))
}
