//! Dates and times in the words of the catalogue. Browsers know no Uzbek months, so none is asked.

use chopar_wire::Timestamp;

use super::Day;
use crate::i18n::Texts;

/// Younger than this many days, a date is understood without its year.
const YEAR_UNSAID: i64 = 180;

/// A day of the Gregorian calendar.
struct Civil {
    year: i64,
    /// From 0.
    month: usize,
    day: i64,
}

impl From<Day> for Civil {
    /// Counts in eras of 400 years that begin in March, so that the leap day comes last.
    fn from(day: Day) -> Self {
        let shifted = day.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = (from_march + 2) % 12;
        let year = year_of_era + era * 400 + i64::from(month < 2);
        Self {
            year,
            month: usize::try_from(month).unwrap_or(0),
            day: of_year - (153 * from_march + 2) / 5 + 1,
        }
    }
}

/// The time of day, in 24 hours.
pub(crate) fn time(moment: Timestamp, minutes_ahead: i32) -> String {
    const DAY: i64 = 24 * 60;
    let minutes = i64::try_from(moment.0 / 60_000).unwrap_or(0) + i64::from(minutes_ahead);
    let of_day = minutes.rem_euclid(DAY);
    [two(of_day / 60), two(of_day % 60)].join(":")
}

/// A date with its year.
pub(crate) fn date(texts: Texts, day: Day) -> String {
    let civil = Civil::from(day);
    let month = name(texts.date_months(), civil.month);
    texts.date_day_year(&civil.day.to_string(), month, &civil.year.to_string())
}

/// A date as machines write it.
pub(crate) fn iso(day: Day) -> String {
    let civil = Civil::from(day);
    let month = i64::try_from(civil.month).unwrap_or(0) + 1;
    // A box for dates knows years of four digits.
    let year = civil.year.to_string();
    [
        &"0".repeat(4_usize.saturating_sub(year.len())),
        &*year,
        "-",
        &two(month),
        "-",
        &two(civil.day),
    ]
    .concat()
}

/// The name of a day as a separator shows it.
pub(crate) fn day_name(texts: Texts, day: Day, today: Day) -> String {
    match today.0 - day.0 {
        0 => texts.talk_today().to_owned(),
        1 => texts.talk_yesterday().to_owned(),
        2..=YEAR_UNSAID => {
            let civil = Civil::from(day);
            texts.date_day(&civil.day.to_string(), name(texts.date_months(), civil.month))
        }
        _ => date(texts, day),
    }
}

/// A day in as little space as a list has; today is shown as a time instead.
pub(crate) fn brief(texts: Texts, day: Day, today: Day) -> String {
    let civil = Civil::from(day);
    match today.0 - day.0 {
        1 => texts.talk_yesterday().to_owned(),
        // 1970-01-01 was a Thursday.
        2..=6 => name(
            texts.date_weekdays(),
            usize::try_from((day.0 + 3).rem_euclid(7)).unwrap_or(0),
        )
        .to_owned(),
        0..=YEAR_UNSAID => texts.date_day(
            &civil.day.to_string(),
            name(texts.date_months_short(), civil.month),
        ),
        _ => {
            let month = i64::try_from(civil.month).unwrap_or(0) + 1;
            [two(civil.day), two(month), civil.year.to_string()].join(".")
        }
    }
}

fn name(names: &'static str, index: usize) -> &'static str {
    names.split_whitespace().nth(index).unwrap_or_default()
}

fn two(number: i64) -> String {
    let digits = number.to_string();
    if digits.len() < 2 {
        ["0", &digits].concat()
    } else {
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    /// 2026-11-23, a Monday.
    const TODAY: Day = Day(20_780);

    #[test]
    fn every_language_names_twelve_months_and_seven_days() {
        for language in Language::ALL {
            let texts = Texts(language);
            assert_eq!(texts.date_months().split_whitespace().count(), 12, "{language:?}");
            assert_eq!(
                texts.date_months_short().split_whitespace().count(),
                12,
                "{language:?}"
            );
            assert_eq!(
                texts.date_weekdays().split_whitespace().count(),
                7,
                "{language:?}"
            );
        }
    }

    #[test]
    fn dates_are_right() {
        let english = Texts(Language::En);
        assert_eq!(date(english, TODAY), "23 November 2026");
        assert_eq!(date(english, Day(0)), "1 January 1970");
        assert_eq!(date(english, Day(11_016)), "29 February 2000");
        let in_box = [TODAY, Day(0), Day(-716_000)].map(iso);
        assert_eq!(in_box, ["2026-11-23", "1970-01-01", "0009-08-29"]);
        assert_eq!(date(english, Day(11_017)), "1 March 2000");
        assert_eq!(date(english, Day(-1)), "31 December 1969");
        assert_eq!(date(Texts(Language::Uz), TODAY), "2026-yil 23-noyabr");
        assert_eq!(date(Texts(Language::Ru), TODAY), "23 ноября 2026 г.");
    }

    #[test]
    fn days_are_named_by_their_distance() {
        let english = Texts(Language::En);
        assert_eq!(day_name(english, TODAY, TODAY), "Today");
        assert_eq!(day_name(english, Day(TODAY.0 - 1), TODAY), "Yesterday");
        assert_eq!(day_name(english, Day(TODAY.0 - 5), TODAY), "18 November");
        assert_eq!(day_name(english, Day(TODAY.0 - 400), TODAY), "19 October 2025");
        assert_eq!(brief(english, Day(TODAY.0 - 3), TODAY), "Fri");
        assert_eq!(brief(english, Day(TODAY.0 - 27), TODAY), "27 Oct");
        assert_eq!(brief(english, Day(TODAY.0 - 400), TODAY), "19.10.2025");
        // A clock that runs ahead does not make tomorrow into yesterday.
        assert_eq!(day_name(english, Day(TODAY.0 + 1), TODAY), "24 November 2026");
    }

    #[test]
    fn times_are_local() {
        assert_eq!(time(Timestamp(0), 0), "00:00");
        assert_eq!(time(Timestamp(9 * 3_600_000 + 5 * 60_000), 5 * 60), "14:05");
        assert_eq!(time(Timestamp(0), -30), "23:30");
    }
}
