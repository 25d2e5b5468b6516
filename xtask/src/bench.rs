//! The task `bench`: one program per benchmark in the bench package, always optimised.

use std::ffi::OsString;

use anyhow::Result;

use crate::{process, run, setup, test, web, web::Mode, workspace};

/// The benchmark that drives browsers and so needs client, relay and browser.
const IN_BROWSERS: &str = "e2e";

/// Runs the benchmark `name`; `rest` are its arguments.
pub(crate) fn bench(name: &str, rest: &[OsString]) -> Result<()> {
    let mut cargo = workspace::native_cargo(Mode::Release);
    cargo
        .args([
            "run",
            "--release",
            "--package",
            "chopar-bench",
            "--bin",
            name,
            "--",
        ])
        .args(rest);
    if name == IN_BROWSERS {
        let tools = setup::for_web()?;
        let browser = setup::for_browser_tests()?;
        web::build(&tools, Mode::Release)?;
        process::must(&mut run::build_relay(Mode::Release))?;
        test::for_browsers(&mut cargo, &browser);
    }
    process::must(&mut cargo)
}
