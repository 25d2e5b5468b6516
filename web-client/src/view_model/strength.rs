//! How hard a passphrase is to guess, estimated.
//!
//! Dictionaries that tell real words apart weigh more than the whole app; this counts what guessers try first instead: each
//! character is worth what its kind adds in the text of a person, and nearly nothing where it follows from the one before (repeats,
//! rows of letters, digits or keys), continues something already typed, or stands in a word that everybody uses. Letters and digits
//! are looked at without what stands between them, and the signs between them by themselves: `q w e r t y` is a row of keys. It
//! judges too low rather than too high. Without a letter nothing suffices: there are no PINs, because a copied profile can be
//! guessed at for years.

use super::common_words::{ROWS, WORDS};

/// Bits below which a passphrase is refused. At half a second and 64 MiB for each guess, a thousand machines need a decade.
const ENOUGH: f64 = 40.0;

/// Fewest characters, whatever they are.
const SHORTEST: usize = 10;

/// Letters of a language say little each, since words are guessed whole: a word of six letters is one of some 30,000.
const LETTER: f64 = 2.6;
const CAPITAL: f64 = 3.2;
const DIGIT: f64 = 2.8;
/// A sign that was not typed before.
const SIGN: f64 = 4.0;
/// A character that follows from what stands before it.
const FOLLOWS: f64 = 0.4;
/// A whole word that everybody uses.
const COMMON: f64 = 4.0;

/// Why a passphrase is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// Fewer than ten characters, or no letter.
    Short,
    /// Too easy to guess.
    Guessable,
}

/// Judges a passphrase in its normal form, which is what a guesser has to find. `known` are words that a guesser knows of this
/// person: their names.
pub(crate) fn weakness(passphrase: &str, known: &[&str]) -> Option<Weakness> {
    let typed = passphrase.chars().count();
    if typed < SHORTEST || !passphrase.chars().any(char::is_alphabetic) {
        Some(Weakness::Short)
    } else {
        (bits(passphrase, known) < ENOUGH).then_some(Weakness::Guessable)
    }
}

fn bits(passphrase: &str, known: &[&str]) -> f64 {
    let known: Vec<Vec<char>> = WORDS
        .iter()
        .copied()
        .chain(known.iter().copied())
        .map(|word| small(&letters(word)))
        .filter(|word| word.len() > 2)
        .collect();
    let signs: Vec<char> = passphrase
        .chars()
        .filter(|c| !c.is_alphanumeric() && !c.is_whitespace())
        .collect();
    of_letters(&letters(passphrase), &known) + of_signs(&signs)
}

/// Letters and digits alone.
fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// One small letter for each, where there are more the first.
fn small(text: &[char]) -> Vec<char> {
    text.iter()
        .map(|c| c.to_lowercase().next().unwrap_or(*c))
        .collect()
}

fn of_letters(typed: &[char], known: &[Vec<char>]) -> f64 {
    let small = small(typed);
    let mut bits = 0.0;
    let mut at = 0;
    while at < typed.len() {
        let rest = &small[at..];
        let word = known.iter().filter(|word| rest.starts_with(word));
        if let Some(length) = word.map(Vec::len).max() {
            bits += COMMON;
            at += length;
            continue;
        }
        bits += if follows(&small, at) {
            FOLLOWS
        } else {
            worth(typed[at])
        };
        at += 1;
    }
    bits
}

fn of_signs(signs: &[char]) -> f64 {
    let worth = |at: usize| {
        if signs[..at].contains(&signs[at]) || follows(signs, at) {
            FOLLOWS
        } else {
            SIGN
        }
    };
    (0..signs.len()).map(worth).sum()
}

fn worth(c: char) -> f64 {
    if c.is_uppercase() {
        CAPITAL
    } else if c.is_alphabetic() {
        LETTER
    } else {
        DIGIT
    }
}

/// Whether the character at `at` follows from what stands before it.
fn follows(text: &[char], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| text[before]) else {
        return false;
    };
    let here = text[at];
    let steps = u32::from(here).abs_diff(u32::from(before)) <= 1;
    let beside = ROWS.iter().any(|row| {
        let place = |c| row.chars().position(|key| key == c);
        matches!((place(before), place(here)), (Some(a), Some(b)) if a.abs_diff(b) == 1)
    });
    // The third character of something typed before, and each after it.
    let repeats = at >= 4
        && (0..at - 2).any(|earlier| earlier + 3 <= at && text[earlier..earlier + 3] == text[at - 2..=at]);
    steps || beside || repeats
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-264.
    #[test]
    fn what_guessers_try_first_is_refused() {
        for weak in [
            "",
            "1234",
            "parol",
            "password",
            "99887766554433221100",
            "2026 0101 1990",
            "qwertyuiop123",
            "Password2026!",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnopqrst",
            "salomsalomsalomsalom",
            "dilnozakarimova",
            "йцукенгшщзфыва",
            "Toshkent2026!!",
            "qazwsxqazwsxqazwsx",
            // What stands between them adds nothing.
            "q w e r t y u i o p",
            "a b c d e f g h",
            "a-b-c-d-e-f-g-h-i-j",
            "1-2-3-4-5-6-7-8-9-0-a",
            "p.a.s.s.w.o.r.d.2.0.2.6",
            "Dilnoza. Karimova. Dilnoza.",
            "q!w@e#r$t%y^u&i*o(p)",
            "salom salom salom salom salom",
        ] {
            assert!(
                weakness(weak, &["dilnoza", "Dilnoza Karimova", "Karimova"]).is_some(),
                "{weak} {}",
                bits(weak, &["dilnoza", "Dilnoza Karimova", "Karimova"])
            );
        }
    }

    /// P-264.
    #[test]
    fn digits_never_suffice_whatever_stands_between_them() {
        for digits in [
            "+998 (90) 123-45-67 +998 (91) 765-43-21",
            "1-2-3-4-5-6-7-8-9-0-1-2-3-4-5-6",
            "31415926535897932384626433832795",
            "2026/11/28 04:17:59 1990/05/06 23:41:07",
            "+-*/!@#$%^&*()_+=~",
        ] {
            assert_eq!(weakness(digits, &[]), Some(Weakness::Short), "{digits}");
        }
    }

    /// P-264.
    #[test]
    fn four_words_or_a_long_jumble_are_taken() {
        for strong in [
            "quyosh daraxt kitob deraza",
            "лампа верблюд тетрадь окно",
            "correct horse battery staple",
            "correct-horse-battery-staple",
            "kX9#mQ2vL!p4Rw",
            "Ertaga ertalab non olib kelaman",
        ] {
            assert_eq!(
                weakness(strong, &["dilnoza"]),
                None,
                "{strong} {}",
                bits(strong, &[])
            );
        }
    }

    #[test]
    fn whatever_is_typed_is_judged() {
        for odd in [
            "\u{0}\u{0}\u{0}",
            "🐪🐪🐪🐪🐪🐪🐪🐪🐪🐪",
            "ẞßẞßẞßẞßẞßẞß",
            "İİİİİİİİİİİİ",
        ] {
            let _ = weakness(odd, &["", "a", "-"]);
        }
    }
}
