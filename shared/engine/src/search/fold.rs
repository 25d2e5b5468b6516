//! One form for what people read alike: whatever the case, the accents, the apostrophe and the script it was typed in.
//!
//! Cyrillic letters become the Latin ones of Uzbek, so that either script finds the other; `oʻ` and `gʻ`, `ъ` and `ь` lose their
//! sign, because it is typed in ten ways or not at all. Letter by letter, and nothing that is left depends on its neighbours: part of a
//! word is part of its form.
//!
//! Three Cyrillic letters are written otherwise in Latin than they are confused in Russian: `ё` is `yo`, and in Russian `е` as well;
//! `е` is `ye` where it begins a syllable; `ц` is `s` or `ts`. A text has two readings for them, and is found by either.

/// How the three letters are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// `е` for `ё`, `e` for `е`, `ts` for `ц`.
    Plain,
    /// As Uzbek writes them in Latin.
    Uzbek,
}

/// From `а` to `џ`.
const CYRILLIC: [&str; 48] = [
    "a", "b", "v", "g", "d", "e", "j", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f",
    "x", "ts", "ch", "sh", "sh", "", "i", "", "e", "yu", "ya", "e", "e", "d", "g", "e", "z", "i", "i", "j",
    "l", "n", "c", "k", "i", "o", "j",
];
/// From `à` to `ÿ` and from `ā` to `ſ`, a letter each; `?` stands for those that are more than one, or none.
const LATIN: [(char, &str); 2] = [
    ('à', "aaaaaa?ceeeeiiiidnooooo?ouuuuy?y"),
    (
        'ā',
        "aaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii??jjkkkllllllllllnnnnnnnnnoooooo??rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs",
    ),
];
/// The rest of the Cyrillic letters that the region's languages have.
const OTHERS: [(char, &str); 12] = [
    ('ғ', "g"),
    ('қ', "q"),
    ('ң', "n"),
    ('ү', "u"),
    ('ұ', "u"),
    ('ҳ', "h"),
    ('ҷ', "j"),
    ('һ', "h"),
    ('ә', "a"),
    ('ө', "o"),
    ('ӣ', "i"),
    ('ӯ', "u"),
];

/// The form of a text in one reading. The form of a form is itself.
pub fn fold(text: &str, reading: Reading) -> String {
    Folded::of(text, reading).text
}

/// A form, and where in the text each of its bytes comes from.
pub(crate) struct Folded {
    /// The form.
    pub(crate) text: String,
    /// For each of its bytes the first byte in the text and the one behind the last.
    pub(crate) origins: Vec<(u32, u32)>,
}

impl Folded {
    pub(crate) fn of(text: &str, reading: Reading) -> Self {
        let mut folded = Self {
            text: String::with_capacity(text.len()),
            origins: Vec::with_capacity(text.len()),
        };
        let mut before = None;
        let mut chars = text.char_indices().peekable();
        while let Some((at, typed)) = chars.next() {
            let next = chars.peek();
            let end = next.map_or(text.len(), |(end, _)| *end);
            let mark = next.map(|(_, mark)| *mark);
            for lower in typed.to_lowercase() {
                // Some systems write these in two parts, names of files above all.
                let letter = match (lower, mark) {
                    ('и', Some('\u{306}')) => 'й',
                    ('у', Some('\u{306}')) => 'ў',
                    ('е', Some('\u{308}')) => 'ё',
                    _ => lower,
                };
                folded.letter(letter, reading, before, at, end);
                if !is_silent(letter) {
                    before = Some(letter);
                }
            }
        }
        folded
    }

    fn letter(&mut self, letter: char, reading: Reading, before: Option<char>, at: usize, end: usize) {
        let mut room = [0; 4];
        let opens =
            before.is_none_or(|before| !before.is_alphabetic() || is_vowel(before) || is_sign(before));
        let form = match letter {
            _ if is_silent(letter) => {
                // Stays with the letter that it changes.
                if is_of_letter(letter) {
                    let whole = self.origins.last().copied();
                    let bytes = self
                        .origins
                        .iter_mut()
                        .rev()
                        .take_while(|known| Some(**known) == whole);
                    bytes.for_each(|known| known.1 = end as u32);
                }
                return;
            }
            'ё' if reading == Reading::Uzbek => "yo",
            'е' if reading == Reading::Uzbek && opens => "ye",
            'ц' if reading == Reading::Uzbek && !before.is_some_and(is_vowel) => "s",
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'þ' => "th",
            'ə' => "a",
            _ if letter.is_whitespace() || letter.is_control() => " ",
            _ => match base(letter) {
                Some(form) => form,
                None => letter.encode_utf8(&mut room),
            },
        };
        self.text.push_str(form);
        let origin = (at as u32, end as u32);
        self.origins.extend(std::iter::repeat_n(origin, form.len()));
    }
}

/// The Latin letters for one that has a sign, or is Cyrillic.
fn base(letter: char) -> Option<&'static str> {
    if letter.is_ascii() {
        return None;
    }
    if let Some(form) = (letter as usize)
        .checked_sub('а' as usize)
        .and_then(|at| CYRILLIC.get(at))
    {
        return Some(form);
    }
    for (first, forms) in LATIN {
        let form = (letter as usize)
            .checked_sub(first as usize)
            .and_then(|at| forms.get(at..=at));
        if let Some(form) = form.filter(|form| *form != "?") {
            return Some(form);
        }
    }
    OTHERS
        .iter()
        .find(|(other, _)| *other == letter)
        .map(|(_, form)| *form)
}

fn is_vowel(letter: char) -> bool {
    "аеёиоуўыэюя".contains(letter)
}

fn is_sign(letter: char) -> bool {
    matches!(letter, 'ъ' | 'ь')
}

/// What is not heard: apostrophes of every keyboard, accents that stand alone, and what cannot be seen.
fn is_silent(letter: char) -> bool {
    is_of_letter(letter)
        || matches!(
            letter,
            '\'' | '`' | '´' | '‘' | '’' | '‛' | '′' | '\u{ad}' | '\u{200b}'
                ..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

/// Silent, and part of the letter before it: accents, the sign of `oʻ`, and what chooses between pictures of one sign.
fn is_of_letter(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{2b9}'..='\u{2bf}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        fold(text, Reading::Plain)
    }

    fn uzbek(text: &str) -> String {
        fold(text, Reading::Uzbek)
    }

    /// P-360.
    #[test]
    fn case_accents_and_apostrophes_do_not_count() {
        for spelling in [
            "oʻzbek",
            "o'zbek",
            "o‘zbek",
            "o’zbek",
            "o`zbek",
            "o´zbek",
            "oʼzbek",
            "OʻZBEK",
            "Ozbek",
            "ўзбек",
            "ЎЗБЕК",
            "у\u{306}збек",
        ] {
            assert_eq!(plain(spelling), "ozbek", "{spelling}");
        }
        assert_eq!(plain("gʻoyat ғоят G'OYAT"), "goyat goyat goyat");
        assert_eq!(
            plain("Crème Brûlée, Łódź, İstanbul, ısı, Straße, cœur"),
            "creme brulee, lodz, istanbul, isi, strasse, coeur"
        );
        assert_eq!(plain("cre\u{300}me"), "creme");
        assert_eq!(plain("маъно maʼno ma'no"), "mano mano mano");
    }

    /// P-360.
    #[test]
    fn both_scripts_of_uzbek_have_one_form() {
        for (cyrillic, latin) in [
            ("Тошкент", "Toshkent"),
            ("чой", "choy"),
            ("қишлоқ", "qishloq"),
            ("ҳаво", "havo"),
            ("хат", "xat"),
            ("жуда", "juda"),
            ("тонг", "tong"),
            ("юлдуз", "yulduz"),
            ("яхши", "yaxshi"),
            ("йўл", "yoʻl"),
            ("Исҳоқ", "Is'hoq"),
            ("эртага", "ertaga"),
            ("ғишт", "gʻisht"),
        ] {
            assert_eq!(plain(cyrillic), plain(latin), "{cyrillic} {latin}");
        }
        for (cyrillic, latin) in [
            ("дарё", "daryo"),
            ("ёз", "yoz"),
            ("ер", "yer"),
            ("Европа", "Yevropa"),
            ("пьеса", "pyesa"),
            ("поезд", "poyezd"),
            ("цирк", "sirk"),
            ("концерт", "konsert"),
            ("милиция", "militsiya"),
            ("мен", "men"),
        ] {
            assert_eq!(uzbek(cyrillic), uzbek(latin), "{cyrillic} {latin}");
        }
    }

    /// P-360.
    #[test]
    fn russian_is_read_without_the_dots_of_yo() {
        assert_eq!(plain("ёлка Ёжик"), plain("елка ежик"));
        assert_eq!(plain("е\u{308}лка"), plain("елка"));
        assert_eq!(plain("съезд"), "sezd");
        assert!(plain("тестирование").contains(&plain("тест")));
        assert!(
            plain("детский").contains(&plain("дет")),
            "no two letters become one"
        );
    }

    #[test]
    fn every_kind_of_white_space_is_a_space_and_the_unseen_is_left_out() {
        assert_eq!(plain("a\nb\u{a0}c\td\0e"), "a b c d e");
        assert_eq!(plain("so\u{ad}f\u{200b}t"), "soft");
    }

    #[test]
    fn the_tables_are_as_long_as_what_they_stand_for() {
        assert_eq!(LATIN[0].1.len(), 'ÿ' as usize - 'à' as usize + 1);
        assert_eq!(LATIN[1].1.len(), 'ſ' as usize - 'ā' as usize + 1);
        assert_eq!(CYRILLIC.len(), 'џ' as usize - 'а' as usize + 1);
        for (letter, form) in [
            ('đ', "d"),
            ('ę', "e"),
            ('ğ', "g"),
            ('ı', "i"),
            ('ł', "l"),
            ('ŋ', "n"),
            ('ř', "r"),
            ('ş', "s"),
            ('ű', "u"),
            ('ž', "z"),
            ('ÿ', "y"),
            ('ñ', "n"),
        ] {
            assert_eq!(base(letter), Some(form), "{letter}");
        }
        assert_eq!(base('÷'), None);
    }

    /// P-360: whatever is typed.
    #[test]
    fn the_form_of_a_form_is_itself_and_part_of_a_text_is_part_of_its_form() {
        use rand_core::{Rng, SeedableRng};
        const TYPED: [&str; 24] = [
            "о",
            "Е",
            "ё",
            "ц",
            "ь",
            "Ъ",
            "й",
            "ў",
            "Щ",
            "Ю",
            "a",
            "G",
            "ʻ",
            "'",
            "ß",
            "İ",
            "ž",
            "é",
            " ",
            "\n",
            "и\u{306}",
            "👍",
            "ك",
            "7",
        ];
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(360);
        let typed = |rng: &mut rand_chacha::ChaCha20Rng| -> String {
            (0..rng.next_u32() % 12)
                .map(|_| TYPED[rng.next_u32() as usize % TYPED.len()])
                .collect()
        };
        for _ in 0..5_000 {
            let (before, after) = (typed(&mut rng), typed(&mut rng));
            let both = [before.as_str(), &after].concat();
            for form in [plain(&both), uzbek(&both)] {
                assert_eq!(plain(&form), form);
                assert_eq!(uzbek(&form), form);
            }
            assert_eq!(
                plain(&both),
                [plain(&before), plain(&after)].concat(),
                "{before:?} {after:?}"
            );
            let folded = Folded::of(&both, Reading::Uzbek);
            assert_eq!(folded.text.len(), folded.origins.len());
            for (start, end) in folded.origins {
                assert!(
                    both.get(start as usize..end as usize)
                        .is_some_and(|from| !from.is_empty())
                );
            }
        }
    }

    #[test]
    fn each_byte_knows_where_it_comes_from() {
        let text = "Ишчи gʻo";
        let folded = Folded::of(text, Reading::Plain);
        assert_eq!(folded.text, "ishchi go");
        assert_eq!(folded.text.len(), folded.origins.len());
        let from = |at: usize| &text[folded.origins[at].0 as usize..folded.origins[at].1 as usize];
        assert_eq!((from(1), from(2), from(7)), ("ш", "ш", "gʻ"));
    }
}
