//! The task `bench`: one program per benchmark in the bench package, always optimised.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::{module, process, run, setup, test, web, web::Mode, workspace};

/// The benchmarks that drive browsers and so need client, relay and browser.
const IN_BROWSERS: [&str; 2] = ["e2e", "vault"];

/// The benchmark that drives a relay's own process and needs nothing of a client.
const OF_THE_RELAY: &str = "relay";

/// The benchmark that also runs as wasm.
const CORE: &str = "core";
const PACKAGE: &str = "chopar-bench";

/// Runs the benchmark `name`; `rest` are its arguments.
pub(crate) fn bench(name: &str, rest: &[OsString]) -> Result<()> {
    if name == CORE && rest.iter().any(|word| word == "--wasm") {
        return core_in_wasm(rest);
    }
    let mut cargo = workspace::native_cargo(Mode::Release);
    cargo.args(["run", "--release", "--package", PACKAGE, "--bin", name]);
    if name == OF_THE_RELAY {
        setup::for_relay_tests()?;
        process::must(run::build_relay(Mode::Release).args(["--release", "--features", "without-client"]))?;
        cargo
            // People sign as fast as they can: it is the relay that is measured.
            .args(["--no-default-features", "--features", "precomputed-tables"])
            .env("CHOPAR_RELAY_BIN", run::relay_program("release"));
    }
    cargo.arg("--").args(rest);
    if IN_BROWSERS.contains(&name) {
        let tools = setup::for_web()?;
        let browser = setup::for_browser_tests()?;
        web::build(&tools, Mode::Release)?;
        // Measured as it is hosted.
        process::must(run::build_relay(Mode::Release).arg("--release"))?;
        test::for_browsers(&mut cargo, &browser).env("CHOPAR_RELAY_BIN", run::relay_program("release"));
    }
    process::must(&mut cargo)
}

/// Builds the module as the client is shipped, which is without tables of curve points, and lets a browser run it.
fn core_in_wasm(rest: &[OsString]) -> Result<()> {
    let mut features = vec!["--no-default-features", "--features", "clients"];
    for word in rest {
        match word.to_str() {
            Some("--wasm") => {}
            Some("--tables") => features.extend(["--features", "precomputed-tables"]),
            _ => bail!("core --wasm takes --tables and nothing else"),
        }
    }
    let tools = setup::for_web()?;
    let browser = setup::for_browser_tests()?;
    let folder = module::build(&tools, PACKAGE, CORE, &features)?;
    let mut cargo = workspace::native_cargo(Mode::Release);
    cargo
        .args([
            "run",
            "--release",
            "--package",
            PACKAGE,
            "--bin",
            CORE,
            "--",
            "--wasm",
        ])
        .arg(&folder);
    process::must(test::for_browsers(&mut cargo, &browser))
}
