//! Random conversations with independent implementations.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program;

/// Messages in an ordinary run: a second.
const MESSAGES: &str = "300";
/// Messages with `CHOPAR_FULL=1`.
const MESSAGES_IN_FULL: &str = "2000";
/// Any will do; this one is the same each time, so that a failure can be seen again.
const SEED: &str = "20261123";

/// Drops, reordering, repetition and alteration in both directions, both sides initiating, storing and reading back.
#[test]
fn random_conversations_with_the_packages_agree() {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e-tests/interop/conversation.py");
    let messages = match std::env::var_os("CHOPAR_FULL").is_some() {
        true => MESSAGES_IN_FULL,
        false => MESSAGES,
    };
    let output = Command::new(python())
        .arg(driver)
        .arg(program::path())
        .args([messages, SEED])
        .output()
        .unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{complained}");
    let counts: serde_json::Value = serde_json::from_str(&said).unwrap();
    println!("{counts}");
    assert_eq!(counts["sent"].to_string(), messages);
    for what in [
        "begun by us",
        "begun by them",
        "lost",
        "late",
        "repeated",
        "altered",
    ] {
        assert!(
            counts[what].as_u64().unwrap_or(0) > 0,
            "nothing was {what}: {counts}"
        );
    }
}

/// The interpreter of the folder that the packages are installed in.
fn python() -> PathBuf {
    if let Some(given) = std::env::var_os("CHOPAR_INTEROP_PYTHON") {
        return given.into();
    }
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let tools = set("CHOPAR_TOOLS")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("chopar/tools")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/chopar/tools")))
        .unwrap();
    let python = tools.join("interop-1/bin/python");
    assert!(
        python.is_file(),
        "the independent implementations are not installed; `cargo xtask setup` does that"
    );
    python
}
