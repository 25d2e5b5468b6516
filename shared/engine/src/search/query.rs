//! What is looked for, and where it stands in a text.

use std::ops::Range;

use super::fold::{Folded, Reading, fold};

/// Characters of a query that count: so many can be typed. What is read from end to end is only read for the longest word, so there
/// is no limit to how many words they are.
pub const MAX_QUERY_CHARS: usize = 200;

/// The words somebody looks for. All of them have to occur, anywhere and in any order; each may be part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Each in its plain reading, and in the Uzbek one where that is another.
    words: Vec<(String, Option<String>)>,
}

impl Query {
    /// Reads what was typed; `None` where it holds no word.
    pub fn parse(typed: &str) -> Option<Self> {
        let cut = typed
            .char_indices()
            .nth(MAX_QUERY_CHARS)
            .map_or(typed.len(), |(at, _)| at);
        let typed = &typed[..cut];
        let (plain, uzbek) = (fold(typed, Reading::Plain), fold(typed, Reading::Uzbek));
        let words: Vec<_> = plain
            .split(' ')
            .zip(uzbek.split(' '))
            .filter(|(plain, _)| !plain.is_empty())
            .map(|(plain, uzbek)| (plain.to_owned(), (plain != uzbek).then(|| uzbek.to_owned())))
            .collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// Whether an indexed form ([`super::indexed`]) has all words.
    pub fn is_in(&self, form: &str) -> bool {
        self.words.iter().all(|(plain, uzbek)| {
            form.contains(plain.as_str()) || uzbek.as_ref().is_some_and(|word| form.contains(word.as_str()))
        })
    }

    /// Whether a text as somebody wrote it has all words.
    pub fn is_in_text(&self, text: &str) -> bool {
        self.is_in(&indexed_form(text))
    }

    /// Whether every word begins one of a name, or is part of a handle.
    pub fn names(&self, name: &str, handle: &str) -> bool {
        let (name, handle) = (indexed_form(name), indexed_form(handle));
        let is = |word: &str| handle.contains(word) || name.split(' ').any(|part| part.starts_with(word));
        let mut words = self.words.iter();
        words.all(|(plain, uzbek)| is(plain) || uzbek.as_deref().is_some_and(is))
    }

    /// The spellings of the word that is looked for first: the longest, which the fewest texts have.
    pub(super) fn rarest(&self) -> impl Iterator<Item = &str> {
        let longest = self.words.iter().max_by_key(|(plain, _)| plain.len());
        longest
            .into_iter()
            .flat_map(|(plain, uzbek)| std::iter::once(plain.as_str()).chain(uzbek.as_deref()))
    }

    /// Where the words stand in a text as somebody wrote it, in bytes: ascending, apart from each other, at ends of characters.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        for reading in [Reading::Plain, Reading::Uzbek] {
            let folded = Folded::of(text, reading);
            for word in self
                .words
                .iter()
                .flat_map(|(plain, uzbek)| [Some(plain), uzbek.as_ref()])
                .flatten()
            {
                for (at, found) in folded.text.match_indices(word.as_str()) {
                    if let (Some(first), Some(last)) =
                        (folded.origins.get(at), folded.origins.get(at + found.len() - 1))
                    {
                        places.push(first.0 as usize..last.1 as usize);
                    }
                }
            }
        }
        places.sort_unstable_by_key(|place| (place.start, place.end));
        let mut apart: Vec<Range<usize>> = Vec::new();
        for place in places {
            match apart.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                _ => apart.push(place),
            }
        }
        apart
    }
}

/// The form under which a text is kept: its plain reading, then the words of which the Uzbek reading is another.
pub(super) fn indexed_form(text: &str) -> String {
    let mut plain = fold(text, Reading::Plain);
    let uzbek = fold(text, Reading::Uzbek);
    if plain != uzbek {
        let others: Vec<&str> = plain
            .split(' ')
            .zip(uzbek.split(' '))
            .filter_map(|(plain, uzbek)| (plain != uzbek).then_some(uzbek))
            .collect();
        let others = others.join(" ");
        plain.push(' ');
        plain.push_str(&others);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, text: &str) -> bool {
        Query::parse(query).unwrap().is_in_text(text)
    }

    /// P-360.
    #[test]
    fn words_and_parts_of_words_are_found_in_both_scripts() {
        for (query, text) in [
            ("тест", "тестирование"),
            ("Toshkent", "Мен Тошкентда яшайман"),
            ("Тошкент", "toshkentlik"),
            ("oʻzbek", "ўзбекча"),
            ("ozbek", "o‘zbekcha"),
            ("ўзбек", "O'ZBEK"),
            ("daryo", "Дарё бўйида"),
            ("дарё", "daryo boʻyida"),
            ("даре", "дарё"),
            ("ёлка", "елка"),
            ("елка", "ёлка"),
            ("yer", "ер"),
            ("ер", "yer"),
            ("пьеса", "pyesa"),
            ("концерт", "konsert zali"),
            ("konsert", "концерт зали"),
            ("sirk", "Цирк"),
            ("ertaga choy", "Чойга эртага кел"),
            ("карим", "KARIMOV"),
        ] {
            assert!(finds(query, text), "{query} in {text}");
        }
        assert!(!finds("yosh", "besh"), "readings do not mix");
        assert!(!finds("ertaga osh", "эртага"), "all words have to occur");
        assert!(!finds("тест", "тес т"));
    }

    #[test]
    fn what_holds_no_word_is_no_query() {
        for typed in ["", "  \n", "'", "ь ъ"] {
            assert_eq!(Query::parse(typed), None, "{typed}");
        }
    }

    /// P-360.
    #[test]
    fn every_word_counts_up_to_the_length_that_can_be_typed() {
        let said = "bir ikki uch toʻrt besh olti yetti sakkiz toʻqqiz oʻn";
        assert!(finds(said, said));
        assert!(!finds(&[said, " yuz"].concat(), said));
        let long = "слово ".repeat(900);
        assert_eq!(Query::parse(&long).unwrap().words.len(), 34);
    }

    #[test]
    fn names_are_found_by_the_beginnings_of_their_words_and_handles_by_any_part() {
        let names = |query: &str, name: &str, handle: &str| Query::parse(query).unwrap().names(name, handle);
        assert!(names("kar", "Bek Karimov", "bek"));
        assert!(names("kar be", "Bek Karimov", "x"));
        assert!(names("ШАҲ", "Шаҳло Олимова", "x"));
        assert!(names("шаҳ", "Shahlo Olimova", "x"), "in the other script");
        assert!(names("o'gil", "Oʻgʻiloy", "x"), "however the sign is typed");
        assert!(names("ёр", "Yorqin", "x"));
        assert!(names("hlo", "Х", "shahlo"));
        assert!(!names("arim", "Bek Karimov", "bek"));
    }

    #[test]
    fn places_are_those_of_the_text_as_it_was_written() {
        let marked = |query: &str, text: &'static str| -> Vec<&str> {
            let places = Query::parse(query).unwrap().places(text);
            places.into_iter().map(|place| &text[place]).collect()
        };
        assert_eq!(marked("тест", "Это тестирование, Тест!"), ["тест", "Тест"]);
        assert_eq!(marked("toshkent", "Гўзал Тошкентим"), ["Тошкент"]);
        assert_eq!(marked("ozbek", "oʻzbek oʻ"), ["oʻzbek"]);
        assert_eq!(marked("daryo", "дарё"), ["дарё"]);
        assert_eq!(marked("s", "шос"), ["ш", "с"], "a letter is marked as a whole");
        assert_eq!(marked("creme", "cre\u{300}me e\u{301}"), ["cre\u{300}me"]);
        assert_eq!(
            marked("ана нас", "ананас"),
            ["ананас"],
            "what touches is one place"
        );
    }
}
