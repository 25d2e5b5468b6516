//! What is shown of a message that was found: the first words that were looked for, and what stands around them.

use std::ops::Range;

/// Characters before the first word.
const BEFORE: usize = 32;
/// Characters in all: two lines of the list.
const MOST: usize = 140;

/// The text cut to what a list shows, in pieces: whether they were looked for, and what they say.
pub(crate) fn snippet(text: &str, places: &[Range<usize>]) -> Vec<(bool, String)> {
    let first = places.first().map_or(0, |place| place.start);
    let from = text[..first]
        .char_indices()
        .rev()
        .nth(BEFORE - 1)
        .map_or(0, |(at, _)| at);
    let to = text[from..]
        .char_indices()
        .nth(MOST)
        .map_or(text.len(), |(at, _)| from + at);
    let mut pieces = Vec::new();
    let mut say = |marked: bool, range: Range<usize>| {
        let piece = text
            .get(range)
            .unwrap_or_default()
            .replace(char::is_whitespace, " ");
        if !piece.is_empty() {
            pieces.push((marked, piece));
        }
    };
    let mut at = from;
    for place in places.iter().filter(|place| place.start < to) {
        say(false, at..place.start);
        say(true, place.start..place.end.min(to));
        at = place.end;
    }
    say(false, at.min(to)..to);
    if let Some((_, beginning)) = pieces.first_mut().filter(|_| from > 0) {
        beginning.insert(0, '…');
    }
    if let Some((_, end)) = pieces.last_mut().filter(|_| to < text.len()) {
        end.push('…');
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::search::Query;

    fn of(query: &str, text: &str) -> String {
        let places = Query::parse(query).unwrap().places(text);
        let pieces = snippet(text, &places);
        pieces
            .iter()
            .map(|(marked, piece)| {
                if *marked {
                    ["[", piece, "]"].concat()
                } else {
                    piece.clone()
                }
            })
            .collect()
    }

    #[test]
    fn words_are_marked_where_they_stand() {
        assert_eq!(
            of("choy non", "Choy ichamiz,\nnon bilan"),
            "[Choy] ichamiz, [non] bilan"
        );
        assert_eq!(of("toshkent", "Тошкентга"), "[Тошкент]га");
        assert_eq!(of("yoʻq", "hammasi"), "hammasi");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_word_between_characters() {
        let text = ["щ".repeat(100), "тест".to_owned(), "ю".repeat(400)].concat();
        let said = of("тест", &text);
        assert!(said.starts_with(&["…".to_owned(), "щ".repeat(BEFORE), "[тест]".to_owned()].concat()));
        assert!(said.ends_with("ю…"));
        assert_eq!(said.chars().count(), MOST + "…[]…".chars().count());
        let end = ["a ".repeat(90), "тест".to_owned()].concat();
        assert!(of("тест", &end).ends_with("a [тест]"));
        let all = "тест".repeat(60);
        assert!(of("тест", &all).ends_with("…]"), "{}", of("тест", &all));
    }
}
