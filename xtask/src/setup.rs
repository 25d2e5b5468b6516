//! Set-up: everything is looked for first, and installed only where it is missing.

mod browser;
mod interop;
mod packages;
mod postgres;
mod programs;
mod remap;
mod wasm_std;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

pub(crate) use self::browser::Browser;
use self::wasm_std::WasmStd;

/// What building the web client takes.
pub(crate) struct WebTools {
    /// Folders of Trunk and wasm-bindgen, to stand first on PATH.
    folders: Vec<PathBuf>,
    trunk: PathBuf,
    /// The script of binaryen's `wasm-opt`; `None` where it could not be had.
    pub(crate) wasm_opt: Option<PathBuf>,
    wasm_std: WasmStd,
    wasm_bindgen_version: String,
}

impl WebTools {
    /// A Trunk call in the environment of wasm builds.
    pub(crate) fn trunk(&self) -> Result<Command> {
        let mut command = self.in_wasm_environment(&self.trunk)?;
        // Trunk takes any value of this variable for a colour switch of its own, and refuses those it does not know.
        command.env_remove("NO_COLOR");
        Ok(command)
    }

    /// A cargo call in the environment of wasm builds.
    pub(crate) fn cargo(&self) -> Result<Command> {
        self.in_wasm_environment(&crate::workspace::cargo())
    }

    /// A wasm-bindgen call, of the version in Cargo.lock.
    pub(crate) fn wasm_bindgen(&self) -> Result<Command> {
        self.in_wasm_environment(Path::new("wasm-bindgen"))
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

    fn in_wasm_environment(&self, program: &Path) -> Result<Command> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = self.folders.iter().cloned().chain(env::split_paths(&path));
        let mut command = Command::new(program);
        command.env(
            "PATH",
            env::join_paths(folders).context("a folder on PATH cannot be written")?,
        );
        command.env("CARGO_TARGET_DIR", crate::workspace::wasm_target());
        command.envs(self.wasm_std.environment());
        command.env("CARGO_ENCODED_RUSTFLAGS", remap::flags()?);
        command.current_dir(crate::workspace::root());
        Ok(command)
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
    let bindgen = programs::cargo_program("wasm-bindgen", "wasm-bindgen-cli", &wasm_bindgen_version, &[])?;
    let trunk = programs::cargo_program("trunk", "trunk", programs::TRUNK, &["--debug"])?;
    let wasm_opt = programs::wasm_opt();
    let folders = [&bindgen, &trunk]
        .into_iter()
        .filter_map(|program| program.parent())
        .map(Path::to_owned)
        .collect();
    Ok(WebTools {
        folders,
        trunk,
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
