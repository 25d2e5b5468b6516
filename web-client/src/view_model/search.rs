//! Finding a conversation by a few letters of a name or handle.

/// Whether every word of the query begins somewhere in the name or the handle, whatever the case.
pub(crate) fn matches(query: &str, name: &str, handle: &str) -> bool {
    let name = name.to_lowercase();
    let handle = handle.to_lowercase();
    query
        .to_lowercase()
        .split_whitespace()
        .all(|word| handle.contains(word) || name.split_whitespace().any(|part| part.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_at_the_beginning_of_names_and_anywhere_in_handles() {
        assert!(matches("kar", "Bek Karimov", "bek"));
        assert!(matches("kar be", "Bek Karimov", "x"));
        assert!(matches("ШАҲ", "Шаҳло Олимова", "shahlo"));
        assert!(matches("hlo", "Шаҳло", "shahlo"));
        assert!(!matches("arim", "Bek Karimov", "bek"));
        assert!(matches("", "anybody", "a"));
    }
}
