//! Initials on a colour derived from the account id: the same everywhere.

use chopar_wire::AccountId;

/// Number of avatar colours in tokens.css.
const HUES: u8 = 12;

/// Which of the twelve colours, as the class `hue-N`.
pub(crate) fn hue(account: &AccountId) -> String {
    // The id is a hash, so any byte is as good as another.
    let index = account.as_bytes()[0] % HUES;
    let mut class = String::from("hue-");
    class.push_str(&index.to_string());
    class
}

/// First letters of the first and the last word, upper case; a question mark for a name without letters or digits.
pub(crate) fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let Some(first) = words.next() else {
        return String::from("?");
    };
    let mut letters: String = first.to_uppercase().collect();
    if let Some(last) = words.next_back() {
        letters.extend(last.to_uppercase());
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_take_the_first_and_the_last_word() {
        assert_eq!(initials("Bek Karimov"), "BK");
        assert_eq!(initials("  dilnoza  opa  yusupova "), "DY");
        assert_eq!(initials("шаҳло"), "Ш");
        assert_eq!(initials("(Ali)"), "A");
        assert_eq!(initials("— …"), "?");
        assert_eq!(initials(""), "?");
    }

    #[test]
    fn the_hue_is_one_of_twelve_and_depends_on_the_account_only() {
        let mut seen = std::collections::BTreeSet::new();
        for byte in 0..=255 {
            seen.insert(hue(&AccountId::new([byte; 32])));
        }
        assert_eq!(seen.len(), usize::from(HUES));
        assert_eq!(hue(&AccountId::new([13; 32])), "hue-1");
    }
}
