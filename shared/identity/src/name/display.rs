//! Display names of people and names of devices: free text that cannot disturb the text around it.

use core::fmt;

use chopar_wire::limits::{DEVICE_NAME_MAX, DISPLAY_NAME_MAX};

/// Why a text is no name. Whoever typed it can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing is left once white space around it is gone.
    #[error("a name has at least one character")]
    Empty,
    /// More characters than allowed.
    #[error("a name has at most {limit} characters")]
    TooLong {
        /// The bound in characters.
        limit: usize,
    },
    /// A control character, or one that changes the direction of the text around it or cannot be seen.
    #[error("a name holds no control characters")]
    Control,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $limit:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Trims white space around it and checks.
            ///
            /// # Errors
            /// [`NameError`], naming the fault.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                parse(text, $limit).map(Self)
            }

            /// The trimmed text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// What a person wants to be called: 1 to 64 characters.
    DisplayName,
    DISPLAY_NAME_MAX
);
name!(
    /// What a person calls a device: 1 to 64 characters.
    DeviceName,
    DEVICE_NAME_MAX
);

fn parse(text: &str, limit: usize) -> Result<String, NameError> {
    // Controls first: trimming would swallow a newline or tab at an end, and a form should say that it was there.
    if text.chars().any(disturbs) {
        return Err(NameError::Control);
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.chars().nth(limit).is_some() {
        return Err(NameError::TooLong { limit });
    }
    Ok(text.to_owned())
}

/// Whether a character disturbs the text around it: controls, what changes its direction, what cannot be seen. Names of people,
/// devices and files are free of them.
pub fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Bidirectional embeddings, overrides, isolates and marks.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
            // Line and paragraph separators, zero-width characters (but joiners, which some scripts and emoji need).
            | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            // Hangul and Braille blanks, tag characters: a name of them is not seen.
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_keeps_scripts_and_joined_emoji() {
        assert_eq!(
            DisplayName::parse("  Дилноза Каримова ").unwrap().as_str(),
            "Дилноза Каримова"
        );
        assert_eq!(
            DisplayName::parse("👩\u{200d}💻 O‘g‘iloy").unwrap().as_str(),
            "👩\u{200d}💻 O‘g‘iloy"
        );
        assert!(DisplayName::parse(&"ў".repeat(64)).is_ok());
    }

    #[test]
    fn names_the_fault() {
        assert_eq!(DisplayName::parse(" \u{3000}"), Err(NameError::Empty));
        assert_eq!(
            DisplayName::parse(&"ў".repeat(65)),
            Err(NameError::TooLong { limit: 64 })
        );
        for bad in [
            "a\nb",
            "\u{202e}evil",
            "a\u{2066}b",
            "\u{3164}",
            "x\0",
            "\u{200b}",
            "a\u{7f}",
            "a\u{85}b",
        ] {
            assert_eq!(DisplayName::parse(bad), Err(NameError::Control), "{bad:?}");
            assert_eq!(DeviceName::parse(bad), Err(NameError::Control), "{bad:?}");
        }
    }
}
