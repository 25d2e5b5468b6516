//! The build must fail, and name the key, when a language is incomplete.

use super::catalogue::generate;

fn files(uz: &str) -> [String; 4] {
    let full = r#"{"a": "x {name}"}"#;
    [full.into(), uz.into(), full.into(), full.into()]
}

#[test]
fn complete_languages_become_methods() {
    let code = generate(&files(r#"{"a": "{name} y"}"#)).unwrap();
    assert!(
        code.contains("pub(crate) fn a(self, name: &str) -> String"),
        "{code}"
    );
}

#[test]
fn a_missing_key_is_named() {
    assert_eq!(generate(&files("{}")).unwrap_err(), "uz: a is missing");
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
