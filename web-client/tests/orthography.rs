//! Uzbek in Latin script has letters of its own, which keyboards offer in many shapes: the catalogue writes each in one way, or searching
//! and screen readers take them for quotation marks.

const UZBEK: &str = include_str!("../../static/locales/uz.json");

#[test]
fn uzbek_letters_are_written_in_one_way() {
    for shape in ['‘', '’', '`', '\''] {
        let found: Vec<&str> = UZBEK.lines().filter(|line| line.contains(shape)).collect();
        assert!(
            found.is_empty(),
            "oʻ and gʻ are written with U+02BB, the tutuq belgisi with U+02BC, and not with {shape}: {found:#?}"
        );
    }
    assert!(UZBEK.contains("oʻ") && UZBEK.contains('ʼ'));
}
