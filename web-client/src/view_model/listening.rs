//! Words and numbers of listening: lengths, positions, speeds.

use crate::i18n::Texts;

/// A length or a position as clocks show it: "0:12", "1:02:03".
fn clock(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let two = |number: u32| [if number < 10 { "0" } else { "" }, &number.to_string()].concat();
    match hours {
        0 => [&minutes.to_string(), ":", &two(seconds)].concat(),
        _ => [&hours.to_string(), ":", &two(minutes), ":", &two(seconds)].concat(),
    }
}

/// How long something lasts. What begins a second counts as one: nothing lasts "0:00".
pub(crate) fn length(ms: u32) -> String {
    clock(ms.div_ceil(1_000))
}

/// How far one is in it.
pub(crate) fn position(ms: u32) -> String {
    clock(ms / 1_000)
}

/// How far an arrow key goes, in milliseconds: a twentieth, between one second and five.
pub(crate) fn step(length_ms: u32) -> u32 {
    (length_ms / 20).clamp(1_000, 5_000)
}

/// How many of so many bars lie before a position.
pub(crate) fn bars_before(bars: usize, at_ms: u32, length_ms: u32) -> usize {
    let (at, length) = (u64::from(at_ms.min(length_ms)), u64::from(length_ms.max(1)));
    (bars as u64 * at / length) as usize
}

/// How fast one listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Speed {
    /// As it was spoken.
    #[default]
    Plain,
    /// Half as fast again.
    Quick,
    /// Twice as fast.
    Double,
}

impl Speed {
    /// The one that comes after it, in a circle.
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Plain => Self::Quick,
            Self::Quick => Self::Double,
            Self::Double => Self::Plain,
        }
    }

    /// As a factor.
    pub(crate) const fn rate(self) -> f64 {
        match self {
            Self::Plain => 1.0,
            Self::Quick => 1.5,
            Self::Double => 2.0,
        }
    }

    /// "1.5×".
    pub(crate) fn word(self, texts: Texts) -> String {
        match self {
            Self::Plain => "1×".to_owned(),
            Self::Quick => ["1", texts.file_decimal(), "5×"].concat(),
            Self::Double => "2×".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn lengths_are_rounded_up_and_positions_down() {
        for (ms, word) in [
            (1, "0:01"),
            (12_000, "0:12"),
            (12_001, "0:13"),
            (900_000, "15:00"),
            (3_599_001, "1:00:00"),
            (86_400_000, "24:00:00"),
            (u32::MAX, "1193:02:48"),
        ] {
            assert_eq!(length(ms), word, "{ms}");
        }
        for (ms, word) in [
            (0, "0:00"),
            (999, "0:00"),
            (61_999, "1:01"),
            (3_723_000, "1:02:03"),
        ] {
            assert_eq!(position(ms), word, "{ms}");
        }
    }

    #[test]
    fn steps_and_bars_follow_the_length() {
        assert_eq!([2_000, 60_000, 900_000].map(step), [1_000, 3_000, 5_000]);
        assert_eq!(bars_before(64, 0, 2_000), 0);
        assert_eq!(bars_before(64, 1_000, 2_000), 32);
        assert_eq!(bars_before(64, 9_000, 2_000), 64, "it is longer than was said");
        assert_eq!(bars_before(64, 5, 0), 0);
    }

    #[test]
    fn speeds_go_round() {
        let mut speed = Speed::default();
        let mut words = Vec::new();
        for _ in 0..4 {
            words.push(speed.word(Texts(Language::En)));
            speed = speed.next();
        }
        assert_eq!(words, ["1×", "1.5×", "2×", "1×"]);
        assert_eq!(Speed::Quick.word(Texts(Language::Ru)), "1,5×");
    }
}
