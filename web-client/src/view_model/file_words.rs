//! What is said of files in words: their sizes, their kinds, and messages that consist of them.

use chopar_engine::view::{FileView, ShownAs};

use super::length;
use crate::i18n::Texts;

/// Bytes of a kibibyte; what people call a kilobyte of a file.
const STEP: u64 = 1024;
/// Letters of an extension that is shown as a kind.
const MAX_KIND: usize = 5;

/// A size in the largest unit that leaves a number of one digit or more: one decimal below ten.
pub(crate) fn size_word(texts: Texts, bytes: u64) -> String {
    let units: [fn(Texts, &str) -> String; 3] = [
        |texts, number| texts.file_kilobytes(number),
        |texts, number| texts.file_megabytes(number),
        |texts, number| texts.file_gigabytes(number),
    ];
    if bytes < STEP {
        return texts.file_bytes(&bytes.to_string());
    }
    let mut unit = STEP;
    let mut word = 0;
    while bytes / unit >= STEP && word + 1 < units.len() {
        unit *= STEP;
        word += 1;
    }
    // Rounded up, so that no file is shown smaller than it is.
    let tenths = (bytes * 10).div_ceil(unit);
    let number = if tenths < 100 && word > 0 {
        [
            &(tenths / 10).to_string(),
            texts.file_decimal(),
            &(tenths % 10).to_string(),
        ]
        .concat()
    } else {
        bytes.div_ceil(unit).to_string()
    };
    match units.get(word) {
        Some(unit) => unit(texts, &number),
        None => number,
    }
}

/// What kind of file a name says it is: "PDF"; `None` where it says nothing short.
pub(crate) fn kind_word(name: &str) -> Option<String> {
    let (_, end) = name.rsplit_once('.')?;
    let short = !end.is_empty() && end.len() <= MAX_KIND && end.chars().all(|c| c.is_ascii_alphanumeric());
    short.then(|| end.to_ascii_uppercase())
}

/// "size, kind".
pub(crate) fn facts(texts: Texts, name: &str, bytes: u64) -> String {
    let size = size_word(texts, bytes);
    match kind_word(name) {
        Some(kind) => [&size, " · ", &kind].concat(),
        None => size,
    }
}

/// What a message says where there is room for one line: its text, else its files.
pub(crate) fn in_words(texts: Texts, text: &str, files: &[FileView]) -> String {
    match files {
        _ if !text.is_empty() => text.to_owned(),
        [] => String::new(),
        [file] => match file.shown_as {
            ShownAs::VoiceNote => texts.file_voice(&length(file.duration_ms)),
            ShownAs::Picture | ShownAs::File => file.name.clone(),
        },
        [first, rest @ ..] => [&first.name, ", ", &texts.file_more(rest.len() as u64)].concat(),
    }
}

/// What a screen reader says of a file in a message.
pub(crate) fn spoken(texts: Texts, file: &FileView) -> String {
    let size = size_word(texts, file.size);
    match file.shown_as {
        ShownAs::Picture => texts.file_picture_named(&file.name, &size),
        ShownAs::VoiceNote => texts.file_voice(&length(file.duration_ms)),
        ShownAs::File => texts.file_named(&file.name, &size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn sizes_are_short_and_never_smaller_than_the_file() {
        let of = |bytes| size_word(Texts(Language::En), bytes);
        for (bytes, word) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KB"),
            (1025, "2 KB"),
            (10 * 1024, "10 KB"),
            (1024 * 1024, "1.0 MB"),
            (1024 * 1024 + 1, "1.1 MB"),
            (10 * 1024 * 1024, "10 MB"),
            (100 * 1024 * 1024, "100 MB"),
            (1 << 32, "4.0 GB"),
        ] {
            assert_eq!(of(bytes), word, "{bytes}");
        }
        assert_eq!(size_word(Texts(Language::Ru), 1024 * 1024), "1,0 МБ");
    }

    /// P-382.
    #[test]
    fn a_voice_message_is_called_by_its_length_wherever_it_is_named() {
        let note = FileView {
            mark: chopar_wire::FileMark::new([1; 32]),
            name: "voice-message.webm".to_owned(),
            media_type: "audio/webm".to_owned(),
            size: 40_000,
            shown_as: ShownAs::VoiceNote,
            thumbnail: Vec::new(),
            sides: None,
            duration_ms: 11_300,
            waveform: vec![1; 64],
        };
        let texts = Texts(Language::En);
        assert_eq!(spoken(texts, &note), "Voice message, 0:12");
        assert_eq!(
            in_words(texts, "", std::slice::from_ref(&note)),
            "Voice message, 0:12"
        );
        assert_eq!(in_words(texts, "mana", &[note]), "mana");
    }

    #[test]
    fn kinds_are_those_of_names() {
        assert_eq!(kind_word("hisobot.pdf").as_deref(), Some("PDF"));
        assert_eq!(kind_word("a.tar.gz").as_deref(), Some("GZ"));
        for nothing in ["README", "a.", "a.very-long", "а.док"] {
            assert_eq!(kind_word(nothing), None, "{nothing}");
        }
    }
}
