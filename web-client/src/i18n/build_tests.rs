//! The build must fail, and name the key, when a language is incomplete.

use super::build::generate;

fn files(uz: &str) -> [String; 4] {
    let full = r#"{"a": "x {name}"}"#;
    [full.into(), uz.into(), full.into(), full.into()]
}

#[test]
fn complete_languages_become_methods() {
    let (code, catalogues) = generate(&files(r#"{"a": "{name} y"}"#)).unwrap();
    assert!(
        code.contains("pub(crate) fn a(self, name: &str) -> String"),
        "{code}"
    );
    assert_eq!(
        catalogues,
        ["x {name}\n", "{name} y\n", "x {name}\n", "x {name}\n"]
    );
}

#[test]
fn a_missing_key_is_named() {
    assert_eq!(generate(&files("{}")).unwrap_err(), "uz: a is missing");
}

#[test]
fn texts_stand_in_the_lines_where_the_methods_look() {
    let forms = |forms: &str| format!(r#"{{"b": {{{forms}}}, "c": "last", "a": "first"}}"#);
    let files = [
        forms(r#""one": "1", "other": "n""#),
        forms(r#""other": "n""#),
        forms(r#""other": "n""#),
        forms(r#""one": "1", "few": "2", "many": "n""#),
    ];
    let (code, [en, uz, _, ru]) = generate(&files).unwrap();
    assert_eq!(en, "first\n1\n\n\nn\nlast\n");
    assert_eq!(uz, "first\n\n\n\nn\nlast\n");
    assert_eq!(ru, "first\n1\n2\nn\n\nlast\n");
    for call in ["self.pick(0)", "self.count(1, count)", "self.pick(5)"] {
        assert!(code.contains(call), "{code}");
    }
}

#[test]
fn a_text_of_two_lines_is_named() {
    let why = generate(&files(r#"{"a": "{name}\n"}"#)).unwrap_err();
    assert!(why.starts_with("uz: a has a line break"), "{why}");
}

#[test]
fn a_superfluous_key_is_named() {
    assert_eq!(
        generate(&files(r#"{"a": "{name}", "b": "y"}"#)).unwrap_err(),
        "uz: b is superfluous"
    );
}

#[test]
fn other_placeholders_are_named() {
    let why = generate(&files(r#"{"a": "{nama}"}"#)).unwrap_err();
    assert!(why.starts_with("uz: a has the placeholders"), "{why}");
}

#[test]
fn an_empty_text_and_wrong_plural_forms_are_named() {
    assert_eq!(generate(&files(r#"{"a": " "}"#)).unwrap_err(), "uz: a is no text");
    let why = generate(&files(r#"{"a": {"one": "{name}", "other": "{name}"}}"#)).unwrap_err();
    assert!(why.starts_with("uz: a must have exactly the forms"), "{why}");
}
