//! A Chromium and the driver of the same major version.

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
const PACKAGES: [&str; 4] = [
    "chromium",
    "chromium-driver",
    "fonts-liberation",
    "fonts-noto-color-emoji",
];

/// The browser that tests drive.
pub(crate) struct Browser {
    pub(crate) chrome: PathBuf,
    pub(crate) driver: PathBuf,
    /// The browser's whole version, for people.
    pub(crate) version: String,
}

/// Finds a browser with its driver, or installs both.
pub(crate) fn prepare() -> Result<Browser> {
    if let Some(found) = find()? {
        return Ok(found);
    }
    packages::install(&PACKAGES, "a Chromium with its driver")?;
    find()?.context("chromium and chromium-driver are installed, but no pair of one version is on PATH")
}

/// A pair of equal major versions among those on the machine. What the person named must fit: it is never replaced silently.
fn find() -> Result<Option<Browser>> {
    let named = env::var_os("CHOPAR_CHROME").map(PathBuf::from);
    let chromes: Vec<_> = match &named {
        Some(chrome) => vec![chrome.clone()],
        None => CHROMES.iter().filter_map(|name| on_path(name)).collect(),
    };
    let driver = env::var_os("CHOPAR_CHROMEDRIVER")
        .map(PathBuf::from)
        .or_else(|| on_path("chromedriver"));
    let driver_version = driver.as_deref().and_then(version);
    for chrome in chromes {
        let (Some(driver), Some(of_driver), Some(of_chrome)) = (&driver, &driver_version, version(&chrome))
        else {
            continue;
        };
        if major(of_driver) == major(&of_chrome) {
            return Ok(Some(Browser {
                chrome,
                driver: driver.clone(),
                version: of_chrome,
            }));
        }
    }
    if let Some(chrome) = named {
        let driver = driver_version.unwrap_or_else(|| "none".into());
        bail!(
            "CHOPAR_CHROME names {}, which does not fit the driver ({driver}); set CHOPAR_CHROMEDRIVER",
            chrome.display()
        );
    }
    Ok(None)
}

fn version(program: &Path) -> Option<String> {
    version_in(&output_of(Command::new(program).arg("--version"))?)
}

/// The first word that looks like a version of a browser: `156.0.8078.79`.
fn version_in(said: &str) -> Option<String> {
    let dotted = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    said.split_whitespace().find(dotted).map(str::to_owned)
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_both_programs_say() {
        let chrome = version_in("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)").unwrap();
        let driver = version_in("ChromeDriver 156.0.8078.79 (d0a9b6a6-refs/branch-heads@{#1})").unwrap();
        assert_eq!(chrome, "156.0.8078.79");
        assert_eq!(major(&chrome), major(&driver));
        assert_eq!(version_in("no version at all."), None);
    }
}
