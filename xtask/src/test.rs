//! The task `test`: every gate of the repository, each with its time. A step that failed does not keep the others from running
//! unless they need what it makes; one failed step fails the whole.

mod tally;

use std::process::Command;

use anyhow::Result;

use self::tally::Tally;
use crate::{
    process,
    report::Report,
    run,
    setup::{self, Browser},
    size,
    web::{self, Mode},
    workspace,
};

/// Each browser test starts a relay and several browsers: two at once would starve each other on a small machine.
const BROWSER_TESTS_AT_ONCE: &str = "1";

/// Runs all gates; `full` asks for the long sizes.
pub(crate) fn test(full: bool) -> Result<()> {
    let mut report = Report::default();
    let mut tally = Tally::default();

    let tools = report.step("set-up", setup::for_web);
    let browser = report.step("browser", setup::for_browser_tests);
    report.step("format", || {
        process::must(cargo().args(["fmt", "--all", "--check"]))
    });
    report.step("lints", || {
        process::must(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    });
    let client = match &tools {
        Some(tools) => report.step("web client", || web::build(tools, Mode::Release)),
        None => None,
    };
    if tools.is_none() {
        report.skip("web client", "its tools are missing");
    }
    report.step("native tests", || native_tests(full, &mut tally));
    match &client {
        Some(manifest) => {
            report.step("size budget", || size::check(manifest));
        }
        None => report.skip("size budget", "there is no web client"),
    }
    match (&client, &browser) {
        (Some(_), Some(browser)) => {
            report.step("browser tests", || browser_tests(full, browser, &mut tally));
        }
        _ => report.skip("browser tests", "the web client or the browser is missing"),
    }
    if process::output_of(cargo().args(["deny", "--version"])).is_some() {
        report.step("dependencies", dependencies);
    } else {
        report.skip("dependencies", "cargo-deny is not installed");
    }

    let verdict = report.verdict();
    println!("\n{}", report.table());
    if let Err(error) = &verdict {
        println!("{error}");
    }
    println!("{tally}");
    verdict
}

/// Licences, sources and duplicates always; advisories where their database can be fetched.
fn dependencies() -> Result<()> {
    if process::must(cargo().args(["deny", "fetch", "db"])).is_ok() {
        return process::must(cargo().args(["deny", "--offline", "check"]));
    }
    println!("  the advisory database is out of reach; checking everything else");
    process::must(cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"]))
}

fn native_tests(full: bool, tally: &mut Tally) -> Result<()> {
    let selection = ["--workspace", "--exclude", "chopar-e2e"];
    count(runner().args(selection), full, tally)?;
    // nextest leaves examples in documentation to cargo.
    if has_nextest() {
        count(
            cargo().args(["test", "--doc", "--quiet"]).args(selection),
            full,
            tally,
        )?;
    }
    Ok(())
}

fn browser_tests(full: bool, browser: &Browser, tally: &mut Tally) -> Result<()> {
    process::must(&mut run::build_relay(Mode::Release))?;
    let mut tests = runner();
    tests.args(["--package", "chopar-e2e"]);
    if has_nextest() {
        tests.args(["--test-threads", BROWSER_TESTS_AT_ONCE]);
    } else {
        tests.args(["--", "--test-threads", BROWSER_TESTS_AT_ONCE]);
    }
    count(for_browsers(&mut tests, browser), full, tally)
}

/// Says in the environment where browser, driver, client and relay are.
pub(crate) fn for_browsers<'a>(command: &'a mut Command, browser: &Browser) -> &'a mut Command {
    command
        .env("CHOPAR_CHROME", &browser.chrome)
        .env("CHOPAR_CHROMEDRIVER", &browser.driver)
        .env("CHOPAR_WEB_DIST", Mode::Release.dist())
        .env("CHOPAR_RELAY_BIN", run::relay_program())
}

fn count(tests: &mut Command, full: bool, tally: &mut Tally) -> Result<()> {
    if full {
        tests.env("CHOPAR_FULL", "1");
    }
    let status = process::watched(tests, |line| tally.read(line))?;
    process::succeeded(status, &process::shown(tests))
}

fn runner() -> Command {
    let mut command = cargo();
    if has_nextest() {
        command.args(["nextest", "run", "--no-fail-fast", "--color", "never"]);
    } else {
        command.args(["test", "--no-fail-fast"]);
    }
    command
}

fn has_nextest() -> bool {
    process::output_of(cargo().args(["nextest", "--version"])).is_some()
}

fn cargo() -> Command {
    let mut command = Command::new(workspace::cargo());
    command.current_dir(workspace::root());
    command
}
