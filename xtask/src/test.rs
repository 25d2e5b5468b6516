//! The task `test`: every gate of the repository, each with its time. A step that failed does not keep the others from running
//! unless they need what it makes; one failed step fails the whole.

mod evidence;
mod tally;

use std::{path::Path, process::Command};

use anyhow::Result;

use self::tally::{Runner, Tally};
use crate::{
    module, process,
    report::Report,
    run,
    setup::{self, Browser, WebTools},
    size,
    web::{self, Mode},
    workspace,
};

/// Each browser test starts a relay and several browsers: two at once would starve each other on a small machine.
const BROWSER_TESTS_AT_ONCE: &str = "1";
/// A whole browser may stumble once for reasons that are not ours. What passes only then is said in the closing lines, with its reason.
const BROWSER_RETRIES: &str = "1";

const LINTS: [&str; 7] = [
    "clippy",
    "--workspace",
    "--all-targets",
    "--quiet",
    "--",
    "-D",
    "warnings",
];
/// What of cargo-deny needs no network, and what does.
const DEPENDENCY_CHECKS: &[&str] = &["--offline", "check", "bans", "licenses", "sources"];
const FETCH_ADVISORIES: &[&str] = &["fetch", "db"];
const ADVISORY_CHECK: &[&str] = &["--offline", "check", "advisories"];
/// Programs and tests in one call, so that what they share is compiled once; the relay that browser tests start is among them.
const NATIVE_BUILD: [&str; 3] = ["build", "--workspace", "--all-targets"];

/// Runs all gates and prints what came of them, the count of tests last; `full` asks for the long sizes. Whether all is well.
pub(crate) fn test(full: bool) -> bool {
    let mut report = Report::default();
    let mut tally = Tally::default();

    let tools = report.step("set-up", setup::for_web);
    let browser = report.step("browser", setup::for_browser_tests);
    report.step("other sides", setup::for_interop_tests);
    report.step("PostgreSQL", setup::for_relay_tests);
    let deny = report.step("cargo-deny", setup::for_dependencies);
    // Minutes of building would only bury what a person has to install.
    if let Err(error) = report.verdict() {
        println!(
            "\n{}\n{error}: nothing was tested. What is missing is said here again:\n",
            report.table()
        );
        print!("{}", report.failures());
        println!("{tally}");
        return false;
    }
    report.step("format", || {
        process::must(cargo().args(["fmt", "--all", "--check"]))
    });
    let client = match &tools {
        Some(tools) => report.step("web client", || web::build(tools, Mode::Release)),
        None => None,
    };
    match &client {
        Some(manifest) => {
            report.step("size budget", || size::check(manifest));
        }
        None => report.skip("size budget", "there is no web client"),
    }
    report.step("lints", || process::must(cargo().args(LINTS)));
    let built = report.step("native build", || process::must(cargo().args(NATIVE_BUILD)));
    match built {
        Some(()) => drop(report.step("native tests", || native_tests(full, &mut tally))),
        None => report.skip("native tests", "they do not compile"),
    }
    match (&tools, &browser, built) {
        (Some(tools), Some(browser), Some(())) => {
            report.step("proofs in wasm", || proofs(tools, browser, full, &mut tally));
        }
        _ => report.skip("proofs in wasm", "tools, browser or driver are missing"),
    }
    let mut stumbled = Vec::new();
    match (&client, &browser, built) {
        (Some(_), Some(browser), Some(())) => {
            report.step("browser tests", || browser_tests(full, browser, &mut tally));
            stumbled = evidence::reasons();
        }
        _ => report.skip(
            "browser tests",
            "the web client, the browser or the relay is missing",
        ),
    }
    match &deny {
        Some(deny) => {
            report.step("dependencies", || {
                // A build fetches the crates of its own platform; the check looks at those of Windows and macOS too, and at no registry.
                process::must(cargo().args(["fetch", "--locked"]))?;
                check_dependencies(deny, DEPENDENCY_CHECKS)
            });
            match check_dependencies(deny, FETCH_ADVISORIES) {
                Ok(()) => drop(report.step("advisories", || check_dependencies(deny, ADVISORY_CHECK))),
                Err(_) => report.skip("advisories", "their database is out of reach"),
            }
        }
        None => report.skip("dependencies", "there is no cargo-deny"),
    }

    let verdict = report.verdict();
    println!("\n{}", report.table());
    if let Err(error) = &verdict {
        println!("{error}");
    }
    for reason in stumbled {
        println!("failed at least once: {reason}");
    }
    println!("{tally}");
    verdict.is_ok()
}

fn check_dependencies(deny: &Path, words: &[&str]) -> Result<()> {
    process::must(Command::new(deny).current_dir(workspace::root()).args(words))
}

fn native_tests(full: bool, tally: &mut Tally) -> Result<()> {
    if !has_nextest() {
        return count(
            cargo_test().args(["--workspace", "--exclude", "chopar-e2e"]),
            Runner::Cargo,
            full,
            tally,
        );
    }
    let mut tests = nextest("not package(chopar-e2e)");
    let ended = count(&mut tests, Runner::Nextest, full, tally);
    // nextest leaves the examples in documentation to cargo.
    count(
        cargo().args(["test", "--workspace", "--doc", "--quiet"]),
        Runner::Cargo,
        full,
        tally,
    )?;
    ended
}

fn browser_tests(full: bool, browser: &Browser, tally: &mut Tally) -> Result<()> {
    evidence::forget()?;
    let (mut tests, runner) = if has_nextest() {
        let mut tests = nextest("package(chopar-e2e)");
        tests.args([
            "--test-threads",
            BROWSER_TESTS_AT_ONCE,
            "--retries",
            BROWSER_RETRIES,
        ]);
        (tests, Runner::Nextest)
    } else {
        let mut tests = cargo_test();
        tests.args([
            "--package",
            "chopar-e2e",
            "--",
            "--test-threads",
            BROWSER_TESTS_AT_ONCE,
        ]);
        (tests, Runner::Cargo)
    };
    count(for_browsers(&mut tests, browser), runner, full, tally)
}

/// The primitives against vectors and other implementations once more, compiled as the client is, in one browser.
fn proofs(tools: &WebTools, browser: &Browser, full: bool, tally: &mut Tally) -> Result<()> {
    let folder = module::build(tools, "chopar-proofs", "proofs", &[])?;
    // It was built with everything else.
    let mut program = Command::new(workspace::native_target().join("debug/proofs"));
    program.arg(&folder);
    if full {
        program.arg("--full");
    }
    count(for_browsers(&mut program, browser), Runner::Cargo, full, tally)
}

/// Says in the environment where browser and relay are.
pub(crate) fn for_browsers<'a>(command: &'a mut Command, browser: &Browser) -> &'a mut Command {
    command
        .env("CHOPAR_CHROME", &browser.chrome)
        .env("CHOPAR_RELAY_BIN", run::relay_program(run::DEV))
}

fn count(tests: &mut Command, runner: Runner, full: bool, tally: &mut Tally) -> Result<()> {
    if full {
        tests.env("CHOPAR_FULL", "1");
    }
    let status = process::watched(tests, |line| tally.read(runner, line))?;
    process::succeeded(status, &process::shown(tests))
}

/// Always the whole workspace, narrowed by a filter: another selection would be compiled anew with other features.
fn nextest(filter: &str) -> Command {
    let mut command = cargo();
    command.args([
        "nextest",
        "run",
        "--workspace",
        "--no-fail-fast",
        "--color",
        "never",
        "--filterset",
        filter,
    ]);
    command
}

fn cargo_test() -> Command {
    let mut command = cargo();
    command.args(["test", "--no-fail-fast"]);
    command
}

fn has_nextest() -> bool {
    process::output_of(cargo().args(["nextest", "--version"])).is_some()
}

fn cargo() -> Command {
    workspace::native_cargo(Mode::Release)
}
