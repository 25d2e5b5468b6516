//! Finding a conversation by a few letters of a name or handle.

use chopar_engine::search::Query;

/// Whether every word of what was typed begins one of the name or is part of the handle, in the form in which messages are searched as
/// well (P-360); so it is where no word was typed.
pub(crate) fn matches(typed: &str, name: &str, handle: &str) -> bool {
    Query::parse(typed).is_none_or(|query| query.names(name, handle))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-360.
    #[test]
    fn names_are_found_in_the_other_script_as_messages_are() {
        assert!(matches("шаҳло", "Shahlo Olimova", "x"));
        assert!(matches("Ogil", "Oʻgʻiloy", "x"));
        assert!(!matches("лимова", "Shahlo Olimova", "x"));
        for nothing in ["", " ", "ʻ"] {
            assert!(matches(nothing, "anybody", "a"), "{nothing}");
        }
    }
}
