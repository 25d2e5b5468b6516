//! A span of time in words, in the largest unit that divides it.

use crate::i18n::Texts;

/// So many of a unit, in words.
type Words = fn(Texts, u64) -> String;

const UNITS: [(u32, Words); 4] = [
    (7 * 24 * 3_600, Texts::span_weeks),
    (24 * 3_600, Texts::span_days),
    (3_600, Texts::span_hours),
    (60, Texts::span_minutes),
];

/// So many seconds, in words.
pub(crate) fn span(texts: Texts, seconds: u32) -> String {
    for (unit, words) in UNITS {
        if seconds > 0 && seconds.is_multiple_of(unit) {
            return words(texts, u64::from(seconds / unit));
        }
    }
    texts.span_seconds(u64::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn the_largest_unit_is_named() {
        let texts = Texts(Language::En);
        let spans = [5, 60, 90, 3_600, 86_400, 604_800, 4 * 604_800].map(|seconds| span(texts, seconds));
        let words = [
            "5 seconds",
            "1 minute",
            "90 seconds",
            "1 hour",
            "1 day",
            "1 week",
            "4 weeks",
        ];
        assert_eq!(spans, words);
    }
}
