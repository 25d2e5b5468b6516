//! What browser tests leave behind when they fail: a folder each, in it a line that says why.

use std::{fs, io, path::PathBuf};

use anyhow::{Context, Result};

use crate::workspace;

/// Throws away what earlier runs left.
pub(crate) fn forget() -> Result<()> {
    match fs::remove_dir_all(folder()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {}", folder().display()))
        }
        _ => Ok(()),
    }
}

/// Each browser test that failed at least once since, with its reason.
pub(crate) fn reasons() -> Vec<String> {
    let Ok(tests) = fs::read_dir(folder()) else {
        return Vec::new();
    };
    let mut reasons: Vec<_> = tests
        .flatten()
        .filter_map(|test| {
            let why = fs::read_to_string(test.path().join("failure.txt")).ok()?;
            Some(format!("{}: {}", test.file_name().display(), why.trim()))
        })
        .collect();
    reasons.sort();
    reasons
}

/// Beside the folder the tests were built in, as `e2e-tests` has it.
fn folder() -> PathBuf {
    workspace::native_target().join("e2e-failures")
}
