//! What the compiler of wasm is told besides the profile.
//!
//! Where dependencies lie on the machine that builds stands in the wasm, because panics say where they happen. Everybody loads that, it
//! tells of a person's folders, and two machines would never build the same client: so these paths are given short names.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// What stands between flags in cargo's variable for them, so that a path may hold spaces.
const BETWEEN: &str = "\u{1f}";
/// Leptos then hides the type of each component's view behind one type for all. Without it the code of what a page consists of is compiled
/// anew for each page, and the first load is a tenth larger.
const ERASED: &str = "--cfg=erase_components";
/// Where compilers keep the sources of the standard library, below their own folder.
const STD_SOURCES: &str = "/usr/lib/rustlib/src/rust";

/// Flags for the compiler of wasm, as cargo takes them in `CARGO_ENCODED_RUSTFLAGS`. What a person has in `RUSTFLAGS` is for native
/// builds and not passed on: it would change the client.
pub(super) fn encoded() -> Result<String> {
    let mut flags = short_paths(&registries(&cargo_home()?.join("registry/src")));
    flags.push(ERASED.to_owned());
    Ok(flags.join(BETWEEN))
}

fn short_paths(registries: &[PathBuf]) -> Vec<String> {
    let std = (Path::new(STD_SOURCES), "std");
    let all = registries.iter().map(|folder| (folder.as_path(), "deps"));
    all.chain([std])
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
        .collect()
}

/// One folder for each registry or mirror that was ever used; in a fixed order, for another order would build everything anew.
fn registries(sources: &Path) -> Vec<PathBuf> {
    // There is one: this program has dependencies itself.
    let mut folders: Vec<_> = fs::read_dir(sources)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    folders
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::home_dir().context("there is no home folder; set CARGO_HOME")?;
    Ok(home.join(".cargo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registry_gets_the_same_short_name_in_a_fixed_order() {
        let home = tempfile::tempdir().unwrap();
        for name in ["mirror-2", "index-1"] {
            fs::create_dir(home.path().join(name)).unwrap();
        }
        let found = registries(home.path());
        assert_eq!(found, [home.path().join("index-1"), home.path().join("mirror-2")]);
        let flags = short_paths(&found);
        assert_eq!(
            flags.iter().filter(|flag| flag.ends_with("=deps")).count(),
            2,
            "{flags:?}"
        );
        assert_eq!(
            flags.last().map(String::as_str),
            Some("--remap-path-prefix=/usr/lib/rustlib/src/rust=std")
        );
        assert_eq!(registries(&home.path().join("none")), Vec::<PathBuf>::new());
    }
}
