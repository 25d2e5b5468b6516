//! Whether the client has to be built again: a digest over everything it is made from.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::sources::files;
use crate::workspace;

/// Folders and files that the client is made from. The pipeline's own sources are among them: a change of it shows at once.
const INPUTS: [&str; 9] = [
    "web-client",
    "shared",
    "static",
    // How its standard library is built, and with which flags.
    "xtask/src/setup",
    "xtask/src/web",
    "xtask/src/web.rs",
    "Cargo.lock",
    "Cargo.toml",
    "rust-toolchain.toml",
];
/// Parts of paths below them that hold nothing of the client.
const FOR_TESTS: [&str; 3] = ["tests", "tests.rs", "examples"];
/// Lies in the finished client's folder.
const FILE: &str = ".stamp";

/// The state of the inputs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp(String);

impl Stamp {
    /// The stamp of the workspace as it is now; `settings` is what shapes the build besides its files.
    pub(crate) fn of_workspace(settings: &str) -> Result<Self> {
        Self::of(workspace::root(), &INPUTS, settings)
    }

    /// Whether `dist` was made from this state.
    pub(crate) fn is_on(&self, dist: &Path) -> bool {
        fs::read_to_string(dist.join(FILE)).is_ok_and(|found| found == self.0)
    }

    /// Notes that `dist` was made from this state.
    pub(crate) fn put_on(&self, dist: &Path) -> Result<()> {
        let path = dist.join(FILE);
        fs::write(&path, &self.0).with_context(|| format!("writing {}", path.display()))
    }

    fn of(root: &Path, inputs: &[&str], settings: &str) -> Result<Self> {
        let mut digest = Sha256::new();
        // Each part is preceded by its length, so that no two different lists read alike.
        let mut add = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        add(settings.as_bytes());
        for input in inputs {
            let path = root.join(input);
            let names = if path.is_dir() {
                files(&path)?
                    .into_iter()
                    .filter(|name| !is_for_tests(name))
                    .map(|name| format!("{input}/{name}"))
                    .collect()
            } else {
                vec![(*input).to_owned()]
            };
            for name in names {
                let bytes = fs::read(root.join(&name)).with_context(|| format!("reading {name}"))?;
                add(name.as_bytes());
                add(&bytes);
            }
        }
        Ok(Self(hex::encode(digest.finalize())))
    }
}

/// Whether a file below a folder of sources never reaches the client.
fn is_for_tests(name: &str) -> bool {
    name.split('/').any(|part| FOR_TESTS.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_name_place_and_settings_all_count() {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
        fs::create_dir(root.path().join("src")).unwrap();
        put("src/a", "1");
        put("lock", "2");
        put("elsewhere", "3");
        let stamp = |settings: &str| Stamp::of(root.path(), &["src", "lock"], settings).unwrap();
        let first = stamp("x");
        assert_eq!(stamp("x"), first);
        assert_ne!(stamp("y"), first);
        put("elsewhere", "4");
        assert_eq!(stamp("x"), first);
        put("src/a", "2");
        assert_ne!(stamp("x"), first);
        put("src/a", "1");
        put("src/tests.rs", "never reaches the client");
        assert_eq!(stamp("x"), first);
        put("src/b", "");
        assert_ne!(stamp("x"), first);
        fs::rename(root.path().join("src/a"), root.path().join("src/c")).unwrap();
        fs::remove_file(root.path().join("src/b")).unwrap();
        assert_ne!(stamp("x"), first);
    }

    #[test]
    fn a_missing_input_is_an_error_and_a_stamp_is_found_again() {
        let root = tempfile::tempdir().unwrap();
        assert!(Stamp::of(root.path(), &["gone"], "").is_err());
        let stamp = Stamp::of(root.path(), &[], "s").unwrap();
        assert!(!stamp.is_on(root.path()));
        stamp.put_on(root.path()).unwrap();
        assert!(stamp.is_on(root.path()));
        assert!(!Stamp::of(root.path(), &[], "t").unwrap().is_on(root.path()));
    }
}
