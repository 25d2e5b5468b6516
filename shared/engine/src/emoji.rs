//! One emoji, and nothing else: what a reaction may be.
//!
//! The grammar is that of UTS #51 (*possible emoji*), narrowed to what is shown as a picture: a character that is text by
//! default needs its variation selector, a digit its keycap. What follows the grammar is one grapheme.

use unicode_properties::emoji::{EmojiStatus, UnicodeEmoji};

/// An emoji in bytes: the longest in use (families, flags of regions) have 35.
const MAX_BYTES: usize = 64;

const JOINER: char = '\u{200d}';
const AS_PICTURE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const TAG_END: char = '\u{e007f}';

/// Whether a text is exactly one emoji.
pub(crate) fn is_emoji(text: &str) -> bool {
    if text.is_empty() || text.len() > MAX_BYTES {
        return false;
    }
    let mut rest = text;
    loop {
        let Some(after) = element(rest) else { return false };
        match after.strip_prefix(JOINER) {
            Some(joined) => rest = joined,
            None => return after.is_empty(),
        }
    }
}

/// What follows one element of a joined sequence; `None` where there is none.
fn element(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let rest = chars.as_str();
    if is_regional(first) {
        // Two letters are a flag.
        return is_regional(chars.next()?).then_some(chars.as_str());
    }
    let (needs_selector, keycap_only) = match first.emoji_status() {
        EmojiStatus::EmojiPresentation
        | EmojiStatus::EmojiPresentationAndModifierBase
        | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent => (false, false),
        EmojiStatus::EmojiOther | EmojiStatus::EmojiModifierBase => (true, false),
        EmojiStatus::EmojiOtherAndEmojiComponent => (true, true),
        _ => return None,
    };
    let next = chars.next();
    if let (true, Some(AS_PICTURE)) = (keycap_only, next) {
        return (chars.next()? == KEYCAP).then_some(chars.as_str());
    }
    match next {
        _ if keycap_only => None,
        Some(AS_PICTURE) => Some(chars.as_str()),
        Some(modifier) if is_modifier(modifier) => Some(chars.as_str()),
        Some(tag) if is_tag(tag) => tags(chars.as_str()),
        // In a joined sequence the selector may be missing before the joiner.
        Some(JOINER) => Some(rest),
        _ if needs_selector => None,
        _ => Some(rest),
    }
}

/// What follows a tag sequence whose first tag was taken.
fn tags(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(is_tag);
    rest.strip_prefix(TAG_END)
}

const fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

const fn is_modifier(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..='\u{e007e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-163.
    #[test]
    fn one_emoji_and_nothing_else() {
        for emoji in [
            "👍",
            "👍🏽",
            "❤️",
            "❤️‍🔥",
            "👩‍👩‍👧‍👦",
            "🇺🇿",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "1️⃣",
            "#️⃣",
            "☝🏿",
            "🏳️‍🌈",
            "🏳️‍⚧️",
            "🧑🏻‍❤️‍💋‍🧑🏿",
        ] {
            assert!(is_emoji(emoji), "{emoji}");
        }
        for other in [
            "",
            " ",
            "a",
            "1",
            "👍👍",
            "👍 ",
            "ok",
            "❤",
            "©",
            "\u{200d}",
            "👍\u{200d}",
            "🇺",
            "🇺🇿🇺🇿",
            "<b>",
            "е́",
            "\u{fe0f}",
            "1\u{fe0f}",
            "👍\u{fe0f}\u{fe0f}",
            "🏴󠁧󠁢",
            "\u{202e}👍",
            "👍\u{301}",
        ] {
            assert!(!is_emoji(other), "{other:?}");
        }
        assert!(!is_emoji(&["👩", &"\u{200d}👩".repeat(40)].concat()), "bounded");
    }
}
