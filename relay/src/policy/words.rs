//! Words by which people are found.

/// Words under which a person is found, and words of a query: lower case, apostrophes of Uzbek Latin left out (people
/// type five different ones), split at everything that is neither letter nor digit. At most [`WORDS_MAX`].
pub(crate) fn words(text: &str) -> Vec<String> {
    let folded: String = text
        .chars()
        .filter(|c| !matches!(c, '\'' | '`' | 'ʻ' | 'ʼ' | '‘' | '’'))
        .flat_map(char::to_lowercase)
        .collect();
    let mut words: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .map(str::to_owned)
        .collect();
    words.sort();
    words.dedup();
    words
}

/// Words of one name or query that count: a display name of 64 characters rarely has more.
const WORDS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fold_apostrophes_and_case() {
        assert_eq!(words("Oʻktam A'zamov"), ["azamov", "oktam"]);
        assert_eq!(words("ЎКТАМ-бек"), ["бек", "ўктам"]);
        assert!(words(" .-' ").is_empty());
    }
}
