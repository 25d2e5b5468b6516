//! Dates and times as the person's language writes them.

use chopar_wire::Timestamp;
use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

use crate::i18n::{Language, Texts};
use crate::view_model::Day;

/// Formatters of one language. Making one costs more than using it a hundred times, so they are kept.
pub(crate) struct Clock {
    language: Language,
    time: SendWrapper<Function>,
    weekday: SendWrapper<Function>,
    day: SendWrapper<Function>,
    day_and_year: SendWrapper<Function>,
    full: SendWrapper<Function>,
}

/// The moment it is.
pub(crate) fn now() -> Timestamp {
    // Milliseconds since 1970 are a whole number far below 2^53.
    Timestamp(Date::now() as u64)
}

/// How many minutes local time is ahead of UTC at a moment.
pub(crate) fn minutes_ahead(moment: Timestamp) -> i32 {
    -(Date::new(&JsValue::from_f64(moment.0 as f64)).get_timezone_offset() as i32)
}

impl Clock {
    /// Formatters for a language.
    pub(crate) fn new(language: Language) -> Self {
        let format = |options: &[(&str, &str)]| SendWrapper::new(formatter(language, options));
        Self {
            language,
            time: format(&[("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23")]),
            weekday: format(&[("weekday", "short")]),
            day: format(&[("day", "numeric"), ("month", "long")]),
            day_and_year: format(&[("day", "numeric"), ("month", "short"), ("year", "numeric")]),
            full: format(&[
                ("day", "numeric"),
                ("month", "short"),
                ("year", "numeric"),
                ("hour", "2-digit"),
                ("minute", "2-digit"),
                ("hourCycle", "h23"),
            ]),
        }
    }

    /// The time of day.
    pub(crate) fn time(&self, moment: Timestamp) -> String {
        apply(&self.time, moment)
    }

    /// A date.
    pub(crate) fn date(&self, moment: Timestamp) -> String {
        apply(&self.day_and_year, moment)
    }

    /// A date with the time of day.
    pub(crate) fn full(&self, moment: Timestamp) -> String {
        apply(&self.full, moment)
    }

    /// The name of the day a moment belongs to, as a separator shows it.
    pub(crate) fn day(&self, moment: Timestamp, today: Day) -> String {
        let texts = Texts(self.language);
        match today.0 - self.day_of(moment).0 {
            0 => texts.talk_today().to_owned(),
            1 => texts.talk_yesterday().to_owned(),
            // A year that is not the present one must be said; half a year back nobody has to wonder.
            2..=180 => apply(&self.day, moment),
            _ => apply(&self.day_and_year, moment),
        }
    }

    /// A moment in as little space as a list has: the time today, the weekday this week, else the date.
    pub(crate) fn brief(&self, moment: Timestamp, today: Day) -> String {
        match today.0 - self.day_of(moment).0 {
            0 => self.time(moment),
            1 => Texts(self.language).talk_yesterday().to_owned(),
            2..=6 => apply(&self.weekday, moment),
            _ => apply(&self.day_and_year, moment),
        }
    }

    /// The local day of a moment.
    pub(crate) fn day_of(&self, moment: Timestamp) -> Day {
        Day::of(moment, minutes_ahead(moment))
    }
}

fn formatter(language: Language, options: &[(&str, &str)]) -> Function {
    let object = Object::new();
    for (key, value) in options {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    // English here is read in Tashkent: day before month, 24 hours.
    let tag = if language == Language::En {
        "en-GB"
    } else {
        language.tag()
    };
    Intl::DateTimeFormat::new(&Array::of1(&JsValue::from_str(tag)), &object).format()
}

fn apply(format: &Function, moment: Timestamp) -> String {
    format
        .call1(&JsValue::UNDEFINED, &JsValue::from_f64(moment.0 as f64))
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}
