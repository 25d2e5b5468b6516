//! The corpora, replayed: every file as it is, cut short, and altered.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use chopar_fuzz_targets::TARGETS;

/// Places at which one file is cut and altered: bounds the time for large ones.
const PLACES: usize = 64;
/// The same for targets that play whole conversations.
const PLACES_OF_SCRIPTS: usize = 12;

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn every_parser_keeps_its_rules_on_its_corpus() {
    let mut refused = Vec::new();
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has no corpus");
        let places = match name {
            "script" | "world" | "payload" | "engine_frames" | "engine_records" | "history_record" => {
                PLACES_OF_SCRIPTS
            }
            _ => PLACES,
        };
        let (mut inputs, mut accepted) = (0, 0);
        for file in &files {
            let bytes = fs::read(file).unwrap();
            accepted += usize::from(target(&bytes));
            let step = (bytes.len() / places).max(1);
            for at in (0..bytes.len()).step_by(step) {
                target(&bytes[..at]);
                let mut altered = bytes.clone();
                altered[at] ^= 1 << (at % 8);
                target(&altered);
                altered[at] = 0xff;
                target(&altered);
                inputs += 3;
            }
        }
        if accepted == 0 {
            refused.push(name);
        }
        println!(
            "{name}: {} files, of which {accepted} come to something, {inputs} inputs made of them",
            files.len()
        );
    }
    // Of these the fuzzer would look at refusals only.
    assert!(refused.is_empty(), "no file comes to anything: {refused:?}");
}

#[test]
fn every_corpus_belongs_to_a_target_and_every_target_to_the_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in fs::read_dir(fuzz.join("corpus")).unwrap() {
        let name = folder.unwrap().file_name();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "{name:?}");
    }
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
    }
}
