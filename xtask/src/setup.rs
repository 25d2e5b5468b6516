//! Set-up: everything is looked for first, and installed only where it is missing.

mod browser;
mod interop;
mod packages;
mod packaging;
mod postgres;
mod programs;
mod rustflags;
mod wasm_std;

use std::{env, ffi::OsString, path::PathBuf, process::Command};

use anyhow::Result;

pub(crate) use self::browser::Browser;
use self::wasm_std::WasmStd;

/// What building the web client takes.
pub(crate) struct WebTools {
    wasm_bindgen: PathBuf,
    /// The script of binaryen's `wasm-opt`; `None` where it could not be had.
    pub(crate) wasm_opt: Option<PathBuf>,
    wasm_std: WasmStd,
    wasm_bindgen_version: String,
}

impl WebTools {
    /// A cargo call in the environment of wasm builds.
    pub(crate) fn cargo(&self) -> Result<Command> {
        let mut command = Command::new(crate::workspace::cargo());
        command.env("CARGO_TARGET_DIR", crate::workspace::wasm_target());
        command.envs(self.wasm_std.environment());
        command.env("CARGO_ENCODED_RUSTFLAGS", rustflags::encoded()?);
        command.current_dir(crate::workspace::root());
        Ok(command)
    }

    /// A wasm-bindgen call, of the version in Cargo.lock.
    pub(crate) fn wasm_bindgen(&self) -> Command {
        let mut command = Command::new(&self.wasm_bindgen);
        command.current_dir(crate::workspace::root());
        command
    }

    /// Names what shapes the build besides the sources; a change of it makes an earlier build stale.
    pub(crate) fn fingerprint(&self) -> String {
        let optimiser = if self.wasm_opt.is_some() {
            programs::BINARYEN
        } else {
            "none"
        };
        format!(
            "wasm-bindgen {} wasm-opt {optimiser} std {}",
            self.wasm_bindgen_version,
            self.wasm_std.name()
        )
    }
}

/// The task `setup`.
pub(crate) fn everything() -> Result<()> {
    for_web()?;
    for_browser_tests()?;
    for_interop_tests()?;
    for_relay_tests()?;
    for_dependencies()?;
    println!("everything is in place");
    Ok(())
}

/// What `run` needs.
pub(crate) fn for_web() -> Result<WebTools> {
    let wasm_std = wasm_std::prepare()?;
    println!("  wasm standard library: {}", wasm_std.name());
    let wasm_bindgen_version = crate::workspace::locked_version("wasm-bindgen")?;
    let wasm_bindgen =
        programs::cargo_program("wasm-bindgen", "wasm-bindgen-cli", &wasm_bindgen_version, &[])?;
    let wasm_opt = programs::wasm_opt();
    Ok(WebTools {
        wasm_bindgen,
        wasm_opt,
        wasm_std,
        wasm_bindgen_version,
    })
}

/// What `test` needs besides.
pub(crate) fn for_browser_tests() -> Result<Browser> {
    let browser = browser::prepare()?;
    println!("  browser: {} ({})", browser.chrome.display(), browser.version);
    Ok(browser)
}

/// What the tests of the protocol need besides.
pub(crate) fn for_interop_tests() -> Result<()> {
    let python = interop::prepare()?;
    println!("  independent implementations: {}", python.display());
    Ok(())
}

/// What the tests of the relay need besides.
pub(crate) fn for_relay_tests() -> Result<()> {
    let programs = postgres::prepare()?;
    println!("  PostgreSQL: {}", programs.display());
    packaging::prepare()?;
    Ok(())
}

/// What the check of dependencies needs.
pub(crate) fn for_dependencies() -> Result<PathBuf> {
    programs::cargo_program("cargo-deny", "cargo-deny", programs::CARGO_DENY, &["--debug"])
}

/// Whether a variable of ours is set to `value`.
fn environment_says(name: &str, value: &str) -> bool {
    env::var_os(name) == Some(OsString::from(value))
}

/// The file of a program, looked for on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
