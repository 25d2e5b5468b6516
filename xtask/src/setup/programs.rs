//! Programs of pinned versions: taken from PATH if they are the right ones, else kept in a folder of the person's own, by version, so
//! that a second clone on the same machine builds nothing again.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::process::{must, output_of};

/// The newest cargo-deny that the pinned compiler builds.
pub(crate) const CARGO_DENY: &str = "0.20.2";
/// The first versions of wasm-opt that know what today's compilers emit are far newer than Debian's package.
pub(crate) const BINARYEN: &str = "132.0.0";

/// A program of the crate registry at exactly `version`.
pub(crate) fn cargo_program(name: &str, package: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    let kept = folder(package, version)?;
    let own = kept.join("bin").join(name);
    if let Some(found) = super::on_path(name)
        .into_iter()
        .chain([own.clone()])
        .find(|file| has_version(file, version))
    {
        println!("  {name} {version}: {}", found.display());
        return Ok(found);
    }
    println!("  building {name} {version} (once on this machine, a few minutes)");
    let scratch = folder(package, &format!("{version}-build"))?;
    let install = |locked: &[&str]| {
        let mut command = Command::new(crate::workspace::cargo());
        command
            .args(["install", package, "--version", &format!("={version}"), "--force"])
            .args(options)
            .args(locked);
        command.arg("--root").arg(&kept).env("CARGO_TARGET_DIR", &scratch);
        must(&mut command)
    };
    // A mirror may lag behind the versions that the program's own lock file names.
    install(&["--locked"])
        .or_else(|_| install(&[]))
        .with_context(|| format!("building {name} {version}"))?;
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("emptying {}", scratch.display()))?;
    }
    Ok(own)
}

/// Binaryen's `wasm-opt` from the npm registry. Without it the client works and is larger, so its absence is only said.
pub(crate) fn wasm_opt() -> Option<PathBuf> {
    match npm_wasm_opt() {
        Ok(script) => {
            println!("  wasm-opt {BINARYEN}: {}", script.display());
            Some(script)
        }
        Err(error) => {
            println!("  warning: no wasm-opt, the web client will be larger than it need be ({error:#})");
            None
        }
    }
}

fn npm_wasm_opt() -> Result<PathBuf> {
    super::on_path("node").context("there is no node on this machine")?;
    let kept = folder("binaryen", BINARYEN)?;
    let script = kept.join("node_modules/binaryen/bin/wasm-opt");
    if !script.is_file() {
        fs::create_dir_all(&kept).with_context(|| format!("making {}", kept.display()))?;
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            // Where the registry is out of reach every start asks again: once, and not for long.
            "--fetch-retries=0",
            "--fetch-timeout=5000",
            "--prefix",
        ])
        .arg(&kept);
        must(npm.arg(format!("binaryen@{BINARYEN}")))?;
    }
    Ok(script)
}

/// Where a program of a version is kept between clones.
pub(super) fn folder(name: &str, version: &str) -> Result<PathBuf> {
    let base = if let Some(tools) = env::var_os("CHOPAR_TOOLS") {
        PathBuf::from(tools)
    } else if let Some(cache) = env::var_os("XDG_CACHE_HOME") {
        Path::new(&cache).join("chopar/tools")
    } else {
        let home = env::home_dir().context("there is no home folder to keep tools in; set CHOPAR_TOOLS")?;
        home.join(".cache/chopar/tools")
    };
    Ok(base.join(format!("{name}-{version}")))
}

fn has_version(program: &Path, version: &str) -> bool {
    program.is_file()
        && output_of(Command::new(program).arg("--version")).is_some_and(|said| says_version(&said, version))
}

/// Whether `said`, the answer to `--version`, names `version` as a word of its own.
fn says_version(said: &str, version: &str) -> bool {
    said.lines()
        .next()
        .is_some_and(|line| line.split_whitespace().any(|word| word == version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_whole() {
        assert!(says_version("cargo-deny 0.20.2", "0.20.2"));
        assert!(says_version("wasm-bindgen 0.2.130 (abc)", "0.2.130"));
        assert!(!says_version("wasm-bindgen 0.2.1300", "0.2.130"));
        assert!(!says_version("cargo-deny 0.20.1", "0.20.14"));
        assert!(!says_version("", "0.21.14"));
    }

    #[test]
    fn versions_are_kept_apart() {
        assert!(
            folder("cargo-deny", "1.2.3")
                .unwrap()
                .ends_with("cargo-deny-1.2.3")
        );
    }
}
