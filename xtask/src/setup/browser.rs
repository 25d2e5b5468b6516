//! The Chromium that browser tests, pictures and measurements drive.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{on_path, packages};
use crate::process::output_of;

const CHROMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// The fonts are for the pictures: a bare machine has none, and would draw every letter as a box.
const PACKAGES: [&str; 3] = ["chromium", "fonts-liberation", "fonts-noto-color-emoji"];

/// The first version whose WebCrypto has Ed25519; the client starts on no older one.
const OLDEST: u32 = 137;

/// The browser that tests drive.
pub(crate) struct Browser {
    pub(crate) chrome: PathBuf,
    /// The browser's whole version, for people.
    pub(crate) version: String,
}

/// Finds a browser or installs one.
pub(crate) fn prepare() -> Result<Browser> {
    if let Some(chrome) = env::var_os("CHOPAR_CHROME").map(PathBuf::from) {
        // What the person named is never replaced silently.
        return recent(&chrome).with_context(|| format!("CHOPAR_CHROME names {}", chrome.display()));
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    packages::install(&PACKAGES, "a Chromium")?;
    find().with_context(|| format!("chromium is installed, but none of version {OLDEST} or later is on PATH"))
}

/// The first browser on the machine that is recent enough.
fn find() -> Option<Browser> {
    CHROMES
        .iter()
        .filter_map(|name| on_path(name))
        .find_map(|chrome| recent(&chrome).ok())
}

fn recent(chrome: &Path) -> Result<Browser> {
    let said = output_of(Command::new(chrome).arg("--version"));
    let Some(version) = said.as_deref().and_then(version_in) else {
        bail!("it does not tell a version");
    };
    if !is_recent(&version) {
        bail!("its version {version} is older than {OLDEST}");
    }
    Ok(Browser {
        chrome: chrome.to_owned(),
        version,
    })
}

/// The first word that looks like a version of a browser: `156.0.8078.79`.
fn version_in(said: &str) -> Option<String> {
    let dotted = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    said.split_whitespace().find(dotted).map(str::to_owned)
}

fn is_recent(version: &str) -> bool {
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_browser_says() {
        let version = version_in("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)").unwrap();
        assert_eq!(version, "156.0.8078.79");
        assert_eq!(version_in("no version at all."), None);
    }

    #[test]
    fn a_browser_without_the_keys_we_need_is_not_taken() {
        assert!(is_recent("137.0.1.2"));
        assert!(!is_recent("136.9.9.9"));
        assert!(!is_recent("old.1"));
        assert!(recent(Path::new("/bin/true")).is_err());
    }
}
