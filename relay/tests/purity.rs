//! The relay cannot read, by construction: nothing that decrypts is among what our crates ask for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::process::Command;

/// End-to-end crates of ours and the primitives they stand on.
const FORBIDDEN: [&str; 7] = [
    "chopar-e2ee",
    "chopar-engine",
    "x25519-dalek",
    "libcrux-ml-kem",
    "ml-kem",
    "hpke",
    "aes-gcm",
];

/// T-013.
#[test]
fn no_decryption_is_reachable() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "tree",
            "-p",
            "chopar-relay",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    // The listing is the real one.
    for expected in ["chopar-wire", "chopar-identity", "rusqlite"] {
        assert!(names.contains(&expected), "{expected} is missing from the tree");
    }
    for forbidden in FORBIDDEN {
        assert!(!names.contains(&forbidden), "{forbidden} is in the relay's tree");
    }
}
