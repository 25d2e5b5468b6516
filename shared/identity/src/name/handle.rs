//! Handles: the short name by which a person is found at a relay.

use core::fmt;

use chopar_wire::limits::{HANDLE_MAX, HANDLE_MIN};

/// A handle in its one form: lower case, one script, 2 to 32 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(String);

/// Why a text is no handle. Whoever typed it can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// Fewer characters than [`HANDLE_MIN`].
    #[error("a handle has at least {HANDLE_MIN} characters")]
    TooShort,
    /// More characters than [`HANDLE_MAX`].
    #[error("a handle has at most {HANDLE_MAX} characters")]
    TooLong,
    /// A character that is no letter of the two scripts, digit or separator.
    #[error("a handle is made of letters, digits, dot, underscore and hyphen")]
    Character(char),
    /// Latin and Cyrillic letters together: they look alike.
    #[error("a handle is written in one script")]
    MixedScripts,
    /// A separator first or last.
    #[error("a handle begins and ends with a letter or digit")]
    OuterSeparator,
}

impl Handle {
    /// Folds to lower case and checks. White space around it is the form's business, not part of a handle.
    ///
    /// # Errors
    /// [`HandleError`], naming the first fault.
    pub fn parse(text: &str) -> Result<Self, HandleError> {
        // Bounds the work before it is done: no accepted character is longer than two bytes.
        if text.len() > HANDLE_MAX * 2 && text.chars().nth(HANDLE_MAX).is_some() {
            return Err(HandleError::TooLong);
        }
        let folded: String = text.chars().flat_map(char::to_lowercase).collect();
        let length = folded.chars().count();
        if let Some(bad) = folded.chars().find(|&c| kind(c).is_none()) {
            return Err(HandleError::Character(bad));
        }
        if length < HANDLE_MIN {
            return Err(HandleError::TooShort);
        }
        if length > HANDLE_MAX {
            return Err(HandleError::TooLong);
        }
        let has = |wanted| folded.chars().any(|c| kind(c) == Some(wanted));
        if has(Kind::Latin) && has(Kind::Cyrillic) {
            return Err(HandleError::MixedScripts);
        }
        let outer = |c: Option<char>| c.and_then(kind) == Some(Kind::Separator);
        if outer(folded.chars().next()) || outer(folded.chars().next_back()) {
            return Err(HandleError::OuterSeparator);
        }
        Ok(Self(folded))
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Latin,
    Cyrillic,
    Digit,
    Separator,
}

/// The kind of a character in lower case; `None` where a handle cannot hold it.
fn kind(c: char) -> Option<Kind> {
    match c {
        'a'..='z' => Some(Kind::Latin),
        // Russian, and the letters that the neighbours' alphabets add (ё, ў, і, ї, є, ґ are in the first range).
        '\u{430}'..='\u{45f}' => Some(Kind::Cyrillic),
        // Uzbek қ ғ ҳ; Tajik ӣ ҷ ӯ; Kazakh and Kyrgyz ә ң ө ұ ү һ; Ukrainian ґ.
        'қ' | 'ғ' | 'ҳ' | 'ӣ' | 'ҷ' | 'ӯ' | 'ә' | 'ң' | 'ө' | 'ұ' | 'ү' | 'һ' | 'ґ' => {
            Some(Kind::Cyrillic)
        }
        '0'..='9' => Some(Kind::Digit),
        '.' | '_' | '-' => Some(Kind::Separator),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folds_and_accepts_both_scripts() {
        for (text, folded) in [
            ("Dilnoza", "dilnoza"),
            ("a1", "a1"),
            ("o-b.c_d", "o-b.c_d"),
            ("ЎҚҒҲ", "ўқғҳ"),
            ("Ёлқин.77", "ёлқин.77"),
            ("12", "12"),
        ] {
            assert_eq!(Handle::parse(text).unwrap().as_str(), folded);
        }
        assert!(Handle::parse(&"a".repeat(32)).is_ok());
        assert!(Handle::parse(&"ў".repeat(32)).is_ok());
    }

    #[test]
    fn names_the_fault() {
        for (text, fault) in [
            ("", HandleError::TooShort),
            ("a", HandleError::TooShort),
            (&*"a".repeat(33), HandleError::TooLong),
            (&*"ў".repeat(200), HandleError::TooLong),
            ("a b", HandleError::Character(' ')),
            ("a\u{202e}b", HandleError::Character('\u{202e}')),
            ("a\0b", HandleError::Character('\0')),
            ("añb", HandleError::Character('ñ')),
            ("a\u{301}b", HandleError::Character('\u{301}')),
            ("раypal", HandleError::MixedScripts),
            (".ab", HandleError::OuterSeparator),
            ("ab-", HandleError::OuterSeparator),
            ("..", HandleError::OuterSeparator),
            // The Kelvin sign folds to a Latin k: no second spelling gets past the fold.
        ] {
            assert_eq!(Handle::parse(text), Err(fault), "{text:?}");
        }
        assert_eq!(Handle::parse("\u{212a}ate").unwrap().as_str(), "kate");
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_as_it_is(text in "\\PC{0,40}") {
            if let Ok(handle) = Handle::parse(&text) {
                prop_assert_eq!(Handle::parse(handle.as_str()), Ok(handle));
            }
        }
    }
}
