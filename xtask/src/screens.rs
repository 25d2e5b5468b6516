//! The task `screens`: a picture of every screen, made by the program of that name in the browser tests' package.

use std::ffi::OsString;

use anyhow::Result;

use crate::{process, run, setup, test, web, web::Mode, workspace};

/// Builds client and relay and lets the program take its pictures; `rest` are its arguments.
pub(crate) fn screens(rest: &[OsString]) -> Result<()> {
    let tools = setup::for_web()?;
    let browser = setup::for_browser_tests()?;
    web::build(&tools, Mode::Release)?;
    process::must(&mut run::build_relay(Mode::Release))?;
    let mut cargo = workspace::native_cargo(Mode::Release);
    cargo
        .args([
            "run",
            "--quiet",
            "--package",
            "chopar-e2e",
            "--bin",
            "screens",
            "--",
        ])
        .args(rest);
    process::must(test::for_browsers(&mut cargo, &browser))
}
