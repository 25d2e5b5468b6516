//! Where the browser and the relay, with the web client in it, are on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Names of Chromium on `PATH`, in order of preference.
const BROWSERS: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// Everything a run needs, found or refused by name.
#[derive(Clone, Debug)]
pub struct Places {
    /// The browser's executable.
    pub chrome: PathBuf,
    /// The relay's executable.
    pub relay: PathBuf,
    /// Where pictures and logs of failed tests are kept.
    pub failures: PathBuf,
}

impl Places {
    /// Looks at the environment and at the target folder this program was built into.
    ///
    /// # Errors
    /// Names what is missing and the command that provides it.
    pub fn find() -> Result<Self> {
        let build = build_folder()?;
        let relay = match set("CHOPAR_RELAY_BIN") {
            Some(path) => path,
            None => build.join("chopar-relay"),
        };
        must_exist(&relay, "the relay", "cargo build -p chopar-relay")?;
        let failures = build.parent().unwrap_or(&build).join("e2e-failures");
        Ok(Self {
            chrome: Self::chrome()?,
            relay,
            failures,
        })
    }

    /// The browser alone, for what needs no relay.
    ///
    /// # Errors
    /// When there is none.
    pub fn chrome() -> Result<PathBuf> {
        if let Some(path) = set("CHOPAR_CHROME") {
            must_exist(&path, "the browser", "cargo xtask setup")?;
            return Ok(path);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .flat_map(|folder| BROWSERS.map(|name| folder.join(name)))
            .find(|candidate| candidate.is_file());
        match found {
            Some(chrome) => Ok(chrome),
            None => {
                bail!("no Chromium on PATH; `cargo xtask setup` installs it, CHOPAR_CHROME names another one")
            }
        }
    }
}

/// `target/debug` or `target/release`: two levels above a test in `deps`, one above a binary.
fn build_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it is")?;
    let folder = own.parent().context("this program lies in no folder")?;
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    Ok(folder.to_owned())
}

fn set(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn must_exist(path: &Path, what: &str, command: &str) -> Result<()> {
    if !path.is_file() {
        bail!("{what} is not at {}; `{command}` makes it", path.display());
    }
    Ok(())
}
