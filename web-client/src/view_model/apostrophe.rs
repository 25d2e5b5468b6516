//! One sign for every apostrophe: `oʻ` and `gʻ` are typed with whatever sign a keyboard has, and a passphrase must open on each of them.

/// What keyboards and word processors put in its place: ʻ, ʼ, ‘, ’ and `.
const SPELLINGS: [char; 5] = ['\u{2bb}', '\u{2bc}', '\u{2018}', '\u{2019}', '`'];

/// The text with `'` for each of them.
pub(crate) fn one_apostrophe(typed: &str) -> String {
    typed.replace(SPELLINGS, "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-261.
    #[test]
    fn every_keyboard_types_the_same_passphrase() {
        for typed in [
            "toʻrt soʼzli",
            "to\u{2018}rt so\u{2019}zli",
            "to`rt so'zli",
            "to'rt so'zli",
        ] {
            assert_eq!(one_apostrophe(typed), "to'rt so'zli");
        }
        assert_eq!(one_apostrophe("тўрт сўзли ´\""), "тўрт сўзли ´\"");
    }
}
