//! What is said before the catalogue is there: static/boot.js and index.html speak every language too, and say the same in each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::{BTreeMap, BTreeSet};

const BOOT: &str = include_str!("../../static/boot.js");
const PAGE: &str = include_str!("../index.html");

/// The tags of the catalogue's files.
fn languages() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/locales");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// Keys by language, read from the object TEXTS.
fn texts() -> BTreeMap<String, BTreeSet<String>> {
    let object = BOOT
        .split("const TEXTS = {")
        .nth(1)
        .unwrap()
        .split("\n};")
        .next()
        .unwrap();
    let mut texts = BTreeMap::<String, BTreeSet<String>>::new();
    let mut language = String::new();
    for line in object.lines().map(str::trim) {
        if let Some(tag) = line.strip_suffix(": {") {
            language = tag.trim_matches('"').to_owned();
        } else if let Some((key, text)) = line.split_once(": \"") {
            assert!(text.len() > 3, "{language}: {key} is no text");
            texts.entry(language.clone()).or_default().insert(key.to_owned());
        }
    }
    texts
}

#[test]
fn the_first_script_has_every_text_in_every_language() {
    let texts = texts();
    assert_eq!(texts.keys().cloned().collect::<BTreeSet<_>>(), languages());
    let keys = &texts["en"];
    assert!(keys.contains("altered") && keys.contains("crashed"), "{keys:?}");
    for (language, own) in &texts {
        assert_eq!(own, keys, "{language}");
    }
}

#[test]
fn the_page_says_everything_in_every_language() {
    for block in ["<div id=\"boot-late\">", "<noscript>"] {
        let end = if block.starts_with("<div") {
            "</div>"
        } else {
            "</noscript>"
        };
        let said = PAGE.split(block).nth(1).unwrap().split(end).next().unwrap();
        for language in languages() {
            assert_eq!(
                said.matches(&format!("<p lang=\"{language}\">")).count(),
                1,
                "{block} {language}"
            );
        }
    }
}
