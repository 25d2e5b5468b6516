//! Segments of the index of lines, and the form in which texts are compared.

use std::collections::BTreeSet;

use chopar_engine::search::{IndexedLine, Place, Position, Query, Reading, Segment, fold};
use chopar_wire::{AccountId, Timestamp};

/// A segment: what is taken is written as it was read, is searched, and loses lines without a trace.
pub fn search_segment(bytes: &[u8]) -> bool {
    let Ok(mut segment) = Segment::parse(bytes) else {
        return false;
    };
    assert_eq!(segment.to_bytes(bytes.len()).as_slice(), bytes);
    assert!(segment.size() <= bytes.len());
    let mut found = Vec::new();
    if let Some(query) = Query::parse("o a") {
        segment.find(&query, &mut found);
    }
    // Every other one, so that what is taken out lies between what stays.
    let gone: BTreeSet<Place> = found.iter().step_by(2).map(Position::place).collect();
    let (before, removed) = (segment.len(), segment.remove(&gone));
    assert!(removed >= gone.len() && segment.len() + removed == before);
    for position in found {
        let is_gone = gone.contains(&position.place());
        assert!(segment.form(&position.conversation, position.sequence).is_none() == is_gone);
    }
    assert!(Segment::parse(&segment.to_bytes(0)).is_ok());
    true
}

/// A text and, after the first line feed, a query: forms are stable, and places are those of the text.
pub fn search_text(bytes: &[u8]) -> bool {
    let all = String::from_utf8_lossy(bytes);
    let (typed, text) = all.split_once('\n').unwrap_or((&all, &all));
    for reading in [Reading::Plain, Reading::Uzbek] {
        let form = fold(text, reading);
        assert_eq!(fold(&form, reading), form, "the form of a form is itself");
        assert!(!form.contains('\n'));
    }
    let plain = |text: &str| fold(text, Reading::Plain);
    for (at, _) in text.char_indices() {
        let (before, after) = text.split_at(at);
        // A letter and its mark may have been parted.
        if !after.starts_with(['\u{306}', '\u{308}']) {
            assert_eq!(
                [plain(before), plain(after)].concat(),
                plain(text),
                "part of a text is part of its form"
            );
        }
        if at > 256 {
            break;
        }
    }
    let Some(query) = Query::parse(typed) else {
        return false;
    };
    let places = query.places(text);
    for pair in places.windows(2) {
        assert!(pair[0].end < pair[1].start, "apart from each other");
    }
    for place in &places {
        assert!(text.get(place.clone()).is_some_and(|found| !found.is_empty()));
    }
    if query.is_in_text(text) {
        assert!(!places.is_empty(), "what is found is marked");
    }
    !places.is_empty()
}

/// A segment with a few lines, as a host keeps it.
pub fn segment_of(texts: &[&str], size: usize) -> Vec<u8> {
    let mut segment = Segment::default();
    for (sequence, text) in (1..).zip(texts) {
        let position = Position {
            time: Timestamp(1_800_000_000_000 + sequence),
            conversation: AccountId::new([(sequence % 2) as u8; 32]),
            sequence,
        };
        let form = fold(text, Reading::Plain);
        assert!(segment.push(&IndexedLine { position, form }));
    }
    segment.to_bytes(size).to_vec()
}
