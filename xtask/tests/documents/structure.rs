//! Rules about what the sources may contain.

use crate::sources::{rust_files, text};

/// What reaches for a clock, randomness or the outside.
const OUTSIDE: [&str; 12] = [
    "std::time",
    "SystemTime",
    "Instant::now",
    "getrandom",
    "thread_rng",
    "OsRng",
    "std::fs",
    "std::net",
    "std::thread",
    "tokio",
    "js_sys",
    "web_sys",
];

/// P-008: neither the sources of the shared crates nor what a product build of them depends on.
#[test]
fn shared_code_has_no_clock_no_randomness_and_no_storage() {
    let mut looked_at = 0;
    for (path, source) in rust_files("shared") {
        // Tests may read the files that they are about.
        if !path.contains("/src/") || path.contains("/tests") || path.ends_with("/golden.rs") {
            continue;
        }
        looked_at += 1;
        for word in OUTSIDE {
            assert!(!source.contains(word), "{path}: {word}");
        }
    }
    assert!(looked_at > 100, "only {looked_at} files");
    for name in ["wire", "identity", "e2ee", "engine"] {
        let manifest = text(&format!("shared/{name}/Cargo.toml"));
        let (_, dependencies) = manifest.split_once("\n[dependencies]").unwrap();
        let product = dependencies.split("\n[").next().unwrap();
        for word in ["getrandom", "tokio", "wasm-bindgen", "web-sys", "rusqlite"] {
            assert!(!product.contains(word), "shared/{name} depends on {word}");
        }
    }
}

/// P-113: every function of the web client that begins a writing transaction compares the header, which holds the owner
/// epoch, and gives up; or makes the header, with `add`, which aborts where there is one. The database of files needs no fence
/// (docs/adr/0025).
#[test]
fn every_writing_transaction_is_fenced() {
    let mut writers = 0;
    for (path, source) in rust_files("web-client/src") {
        if path.ends_with("platform/idb.rs") {
            let modes = source.matches("\"readwrite\"").count();
            assert_eq!(modes, 1, "{path}: one way to begin to write");
            continue;
        }
        assert!(
            !source.contains("\"readwrite\""),
            "{path} writes past the platform"
        );
        if path.contains("vault/files/") {
            continue;
        }
        for function in source
            .split("fn ")
            .filter(|function| function.contains("database.write("))
        {
            let name = function.split(['(', '<']).next().unwrap();
            let compares =
                function.contains("header_in(&transaction)") && function.contains("VaultError::Fenced");
            let makes = function.contains("keys.add(&to_js(&header.to_bytes()), Some(&HEADER.into()))?");
            assert!(
                compares || makes,
                "{path}::{name} writes without a look at the owner epoch"
            );
            writers += 1;
        }
    }
    assert!(writers >= 3, "only {writers} were found");
}
