//! The wasm standard library: the toolchain's own, else rustup's, else built from Debian's sources.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::packages;
use crate::process::{must, output_of};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Where a compiler under /usr looks for the sources of its standard library.
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";
const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-19";

/// Where the standard library of wasm builds comes from.
pub(crate) enum WasmStd {
    /// Installed beside the toolchain's native one.
    Installed,
    /// Compiled along with the client by Debian's compiler: the way of machines that reach a Debian mirror but no toolchain server.
    Debian { linker: PathBuf },
}

impl WasmStd {
    /// A short name for people and for the build's fingerprint.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Debian { .. } => "built from Debian's sources for size",
        }
    }

    /// What a wasm build needs in its environment, and a native build must never see.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        match self {
            Self::Installed => Vec::new(),
            Self::Debian { linker } => vec![
                ("RUSTC", DEBIAN_RUSTC.into()),
                ("RUSTC_BOOTSTRAP", "1".into()),
                ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort".into()),
                // Sorting, numbers and the like in their small forms; and no backtraces, of which wasm has none.
                ("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size".into()),
                ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.clone()),
            ],
        }
    }
}

/// Finds a standard library or installs one.
pub(crate) fn prepare() -> Result<WasmStd> {
    if super::environment_says("CHOPAR_WASM_STD", "debian") {
        return debian();
    }
    if is_installed() {
        return Ok(WasmStd::Installed);
    }
    // Set up that way before: asking a toolchain server again on every start would only cost time.
    if debian_is_complete() {
        return debian();
    }
    if super::on_path("rustup").is_some() {
        println!("  fetching the wasm target from the toolchain server");
        let mut rustup = Command::new("rustup");
        // One attempt: where the server cannot be reached, the other way is open.
        if must(
            rustup
                .args(["target", "add", TARGET])
                .env("RUSTUP_MAX_RETRIES", "0"),
        )
        .is_ok()
            && is_installed()
        {
            return Ok(WasmStd::Installed);
        }
        println!("  that did not work; taking Debian's sources of the standard library instead");
    }
    debian()
}

fn is_installed() -> bool {
    let libraries = output_of(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    libraries.is_some_and(|folder| Path::new(&folder).is_dir())
}

fn debian_is_complete() -> bool {
    debian_is_new_enough() && Path::new(DEBIAN_SOURCES).exists() && linker().is_some()
}

/// Whether Debian's compiler is there and knows the language this workspace is written in.
fn debian_is_new_enough() -> bool {
    let about = output_of(Command::new(DEBIAN_RUSTC).arg("--version")).unwrap_or_default();
    is_new_enough(&about, env!("CARGO_PKG_RUST_VERSION"))
}

/// Whether the answer to `rustc --version` names at least `wanted`.
fn is_new_enough(about: &str, wanted: &str) -> bool {
    let numbers = |version: &str| {
        version
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<Vec<u32>>>()
    };
    let found = about.split_whitespace().nth(1).and_then(numbers);
    matches!((found, numbers(wanted)), (Some(found), Some(wanted)) if found >= wanted)
}

fn debian() -> Result<WasmStd> {
    if !debian_is_complete() {
        let mut wanted = vec!["rustc-web", "cargo-web", "rust-web-src"];
        if toolchain_linker().is_none() {
            wanted.push("lld-19");
        }
        packages::install(
            &wanted,
            "a compiler with the sources of its wasm standard library",
        )?;
    }
    if !debian_is_new_enough() {
        bail!(
            "Debian's rustc-web is older than Rust {}, which Chopar is written in: its security archive (bookworm-security) has a newer one",
            env!("CARGO_PKG_RUST_VERSION")
        );
    }
    if !Path::new(DEBIAN_SOURCES).exists() {
        bail!("rust-web-src is installed, but {DEBIAN_SOURCES} is not there");
    }
    let linker = linker().context("there is no wasm linker: neither rust-lld nor wasm-ld-19")?;
    Ok(WasmStd::Debian { linker })
}

fn linker() -> Option<PathBuf> {
    toolchain_linker().or_else(|| Some(PathBuf::from(DEBIAN_LINKER)).filter(|file| file.exists()))
}

/// The linker that comes with the rustup toolchain.
fn toolchain_linker() -> Option<PathBuf> {
    let sysroot = output_of(Command::new("rustc").args(["--print", "sysroot"]))?;
    let about = output_of(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "))?;
    let file = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(host)
        .join("bin")
        .join(format!("rust-lld{}", env::consts::EXE_SUFFIX));
    Some(file).filter(|file| file.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_compiler_is_not_taken() {
        assert!(is_new_enough(
            "rustc 1.96.0 (hash 2026-05-28) (built from a source tarball)",
            "1.95"
        ));
        assert!(is_new_enough("rustc 1.95.0", "1.95"));
        assert!(!is_new_enough("rustc 1.85.0 (4d91de4e4 2025-02-17)", "1.95"));
        assert!(!is_new_enough("rustc 1.100", "1.100.1"));
        assert!(!is_new_enough("", "1.95"));
    }

    #[test]
    fn an_installed_library_changes_nothing_in_the_environment() {
        assert!(WasmStd::Installed.environment().is_empty());
        let debian = WasmStd::Debian {
            linker: "/lld".into(),
        }
        .environment();
        assert!(debian.contains(&("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "/lld".into())));
    }
}
