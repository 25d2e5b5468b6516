//! What was asked for on the command line.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use lexopt::{Arg, ValueExt};

use crate::web::Mode;

/// The whole help text; it lists every task.
pub(crate) const HELP: &str = "\
cargo xtask <task>: builds, runs and checks Chopar. Each task sets up what it needs by itself.

  run [--port N] [--data DIR] [--release|--dev]
              build everything and start the relay on http://localhost:8080; Ctrl-C stops it
              --port N     listen there instead of 8080
              --data DIR   keep the relay's data there instead of ./data
              --dev        build the web client fast instead of small
              --release    (the default) build the web client as it is shipped
  test [--full]
              format, web build, size budget, lints, native tests, proofs in wasm, browser tests, dependencies
              --full       the long sizes of all of them; takes hours
  setup       install what run and test need, and nothing else
  build [--release|--dev]
              build the web client into target/web
  dist        build client and relay as they are shipped, and pack them into target/dist: Debian package, offline bundle,
              bill of materials, checksums
  size        sizes of the web client, raw, gzip and brotli, against its budget
  screens [..]
              a picture of every screen, in ./screens or the folder given
  bench <name> [..]
              run a benchmark of the bench crate: core, e2e, relay, sim, vault, ...; arguments are handed on
              core --wasm [--tables]
                           the core as wasm in a browser; --tables with precomputed curve points

Environment: CHOPAR_WASM_STD=debian builds the wasm standard library from Debian's packages (no toolchain server needed),
CHOPAR_TOOLS=DIR keeps the tools there, CHOPAR_CHROME names the browser of the tests, CHOPAR_POSTGRES=DIR the programs of PostgreSQL,
CHOPAR_E2E_PATIENCE=N lets browser tests wait N times as long.
";

/// The port `run` listens on unless told otherwise.
const DEFAULT_PORT: u16 = 8080;

/// One task with its options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Setup,
    Build(Mode),
    Run(RunOptions),
    Test { full: bool },
    Dist,
    Size,
    Screens(Vec<OsString>),
    Bench { name: String, rest: Vec<OsString> },
}

/// How to run the relay.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunOptions {
    pub(crate) port: u16,
    /// Where the relay keeps its data; `None` means `data` in the workspace.
    pub(crate) data: Option<PathBuf>,
    pub(crate) mode: Mode,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Task> {
    let mut parser = lexopt::Parser::from_args(args);
    let task = match parser.next()? {
        None | Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Task::Help),
        Some(Arg::Value(task)) => task.string()?,
        Some(option) => return Err(option.unexpected().into()),
    };
    match task.as_str() {
        "help" => Ok(Task::Help),
        "setup" => no_options(parser, Task::Setup),
        "size" => no_options(parser, Task::Size),
        "dist" => no_options(parser, Task::Dist),
        "build" => parse_build(parser),
        "run" => parse_run(parser),
        "test" => parse_test(parser),
        "screens" => handed_on(parser, Task::Screens),
        "bench" => {
            let name = parser.raw_args()?.next();
            let name = name.context("bench needs the name of a benchmark: e2e, sim, ...")?;
            if asks_for_help(&name) {
                return Ok(Task::Help);
            }
            let name = name.string()?;
            handed_on(parser, |rest| Task::Bench { name, rest })
        }
        other => bail!("there is no task called {other}"),
    }
}

fn no_options(mut parser: lexopt::Parser, task: Task) -> Result<Task> {
    match parser.next()? {
        None => Ok(task),
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(Task::Help),
        Some(option) => Err(option.unexpected().into()),
    }
}

/// A task that hands its arguments on; unless they ask for help, for which nothing is built.
fn handed_on(mut parser: lexopt::Parser, task: impl FnOnce(Vec<OsString>) -> Task) -> Result<Task> {
    let rest: Vec<OsString> = parser.raw_args()?.collect();
    Ok(if rest.iter().any(|word| asks_for_help(word)) {
        Task::Help
    } else {
        task(rest)
    })
}

fn asks_for_help(word: &OsStr) -> bool {
    word == "-h" || word == "--help"
}

fn parse_build(mut parser: lexopt::Parser) -> Result<Task> {
    let mut mode = Mode::Release;
    while let Some(option) = parser.next()? {
        match option {
            Arg::Long("release") => mode = Mode::Release,
            Arg::Long("dev") => mode = Mode::Dev,
            Arg::Short('h') | Arg::Long("help") => return Ok(Task::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Task::Build(mode))
}

fn parse_run(mut parser: lexopt::Parser) -> Result<Task> {
    let mut options = RunOptions {
        port: DEFAULT_PORT,
        data: None,
        mode: Mode::Release,
    };
    while let Some(option) = parser.next()? {
        match option {
            Arg::Long("port") => {
                options.port = parser
                    .value()?
                    .parse()
                    .context("--port takes a number up to 65535")?
            }
            Arg::Long("data") => options.data = Some(parser.value()?.into()),
            Arg::Long("release") => options.mode = Mode::Release,
            Arg::Long("dev") => options.mode = Mode::Dev,
            Arg::Short('h') | Arg::Long("help") => return Ok(Task::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Task::Run(options))
}

fn parse_test(mut parser: lexopt::Parser) -> Result<Task> {
    let mut full = false;
    while let Some(option) = parser.next()? {
        match option {
            Arg::Long("full") => full = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(Task::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Task::Test { full })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn every_task_is_known_and_stands_in_the_help() {
        for task in [
            "setup", "build", "run", "test", "dist", "size", "screens", "bench x",
        ] {
            assert_ne!(parsed(task).unwrap(), Task::Help, "{task}");
            let name = task.split(' ').next().unwrap();
            assert!(
                HELP.lines().any(|line| line.trim_start().starts_with(name)),
                "{name} is missing in the help"
            );
        }
    }

    #[test]
    fn run_takes_its_options_in_any_order() {
        let expected = RunOptions {
            port: 9000,
            data: Some("/x y".into()),
            mode: Mode::Dev,
        };
        let line = ["run", "--dev", "--data", "/x y", "--port=9000"];
        assert_eq!(parse(line.map(OsString::from)).unwrap(), Task::Run(expected));
        let plain = RunOptions {
            port: 8080,
            data: None,
            mode: Mode::Release,
        };
        assert_eq!(parsed("run").unwrap(), Task::Run(plain));
    }

    #[test]
    fn help_is_asked_for_in_every_way() {
        for line in [
            "",
            "--help",
            "-h",
            "help",
            "run --help",
            "test -h",
            "size --help",
            "build --help",
            "setup --help",
            "dist -h",
            "screens --help",
            "screens somewhere -h",
            "bench --help",
            "bench sim --help",
            "bench core --wasm -h",
        ] {
            assert_eq!(parsed(line).unwrap(), Task::Help, "{line:?}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "fly",
            "--port",
            "run --port",
            "run --port 70000",
            "run x",
            "test --ful",
            "setup now",
            "bench",
            "size --x",
        ] {
            assert!(parsed(line).is_err(), "{line:?} was accepted");
        }
    }

    #[test]
    fn what_follows_a_benchmark_is_handed_on_untouched() {
        let rest = ["--seed", "7", "-x"].map(OsString::from).to_vec();
        assert_eq!(
            parsed("bench sim --seed 7 -x").unwrap(),
            Task::Bench {
                name: "sim".into(),
                rest
            }
        );
    }
}
