//! How hard a passphrase is to guess, estimated.
//!
//! Dictionaries that tell real words apart weigh more than the whole app; this counts what guessers try first instead: each
//! character is worth what its kind adds in the text of a person, and nearly nothing where it follows from the one before (repeats,
//! rows of letters, digits or keys), continues something already typed, or stands in a word that everybody uses. It judges too
//! low rather than too high. Digits alone never suffice: there are no PINs, because a copied profile can be guessed at for years.

/// Bits below which a passphrase is refused. At half a second and 64 MiB for each guess, a thousand machines need a decade.
const ENOUGH: f64 = 40.0;

/// Fewest characters, whatever they are.
const SHORTEST: usize = 10;

/// Letters of a language say little each, since words are guessed whole: a word of six letters is one of some 30,000.
const LETTER: f64 = 2.6;
const CAPITAL: f64 = 3.2;
const DIGIT: f64 = 2.8;
const SIGN: f64 = 4.0;
/// A character that follows from what stands before it.
const FOLLOWS: f64 = 0.4;
/// A whole word that everybody uses.
const COMMON: f64 = 4.0;

/// What guessers begin with, in the languages of the app. Compared in small letters.
const WORDS: [&str; 36] = [
    "password",
    "passphrase",
    "parol",
    "maxfiy",
    "пароль",
    "парол",
    "махфий",
    "секрет",
    "secret",
    "qwerty",
    "qazwsx",
    "йцукен",
    "admin",
    "админ",
    "letmein",
    "welcome",
    "login",
    "monkey",
    "dragon",
    "football",
    "iloveyou",
    "любовь",
    "sevgi",
    "севги",
    "chopar",
    "чопар",
    "toshkent",
    "тошкент",
    "ташкент",
    "tashkent",
    "uzbekistan",
    "ozbekiston",
    "ўзбекистон",
    "узбекистан",
    "salom",
    "привет",
];

/// Rows of keys as fingers run over them.
const ROWS: [&str; 7] = [
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
    "1234567890",
];

/// Why a passphrase is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// Fewer than ten characters, or digits alone.
    Short,
    /// Too easy to guess.
    Guessable,
}

/// Judges a passphrase. `known` are words that a guesser knows of this person: their names.
pub(crate) fn weakness(passphrase: &str, known: &[&str]) -> Option<Weakness> {
    let typed = passphrase.chars().count();
    let plain = passphrase.chars().all(|c| c.is_numeric() || c.is_whitespace());
    if typed < SHORTEST || plain {
        Some(Weakness::Short)
    } else {
        (bits(passphrase, known) < ENOUGH).then_some(Weakness::Guessable)
    }
}

fn bits(passphrase: &str, known: &[&str]) -> f64 {
    let typed: Vec<char> = passphrase.chars().collect();
    let small: Vec<char> = typed
        .iter()
        .map(|c| c.to_lowercase().next().unwrap_or(*c))
        .collect();
    let mut bits = 0.0;
    let mut at = 0;
    while at < typed.len() {
        if let Some(length) = common(&small[at..], known) {
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

fn worth(c: char) -> f64 {
    if c.is_uppercase() {
        CAPITAL
    } else if c.is_alphabetic() {
        LETTER
    } else if c.is_numeric() {
        DIGIT
    } else {
        SIGN
    }
}

/// How long the common or known word is that begins here.
fn common(rest: &[char], known: &[&str]) -> Option<usize> {
    WORDS
        .iter()
        .copied()
        .chain(known.iter().copied().filter(|word| word.chars().count() > 2))
        .filter_map(|word| {
            let word: Vec<char> = word.to_lowercase().chars().collect();
            rest.starts_with(&word).then_some(word.len())
        })
        .max()
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
        ] {
            assert!(
                weakness(weak, &["dilnoza", "Dilnoza Karimova", "Karimova"]).is_some(),
                "{weak}"
            );
        }
    }

    /// P-264.
    #[test]
    fn four_words_or_a_long_jumble_are_taken() {
        for strong in [
            "quyosh daraxt kitob deraza",
            "лампа верблюд тетрадь окно",
            "correct horse battery staple",
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
            let _ = weakness(odd, &["", "a"]);
        }
    }
}
