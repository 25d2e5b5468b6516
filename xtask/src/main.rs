//! `cargo xtask`: everything a person types in this repository, and nothing to install before it.
//!
//! Non-goals: no step that only works on the build machine (the build machine runs the same `cargo xtask test`), and no
//! dependency that makes this program slow to compile without sparing more than that: a fresh clone waits for it before anything else.
//!
//! ```text
//!  main ── args                     what was asked for
//!    ├── setup/   wasm std, tools, packages, browser: looked for, else installed
//!    ├── web/     compile → split → bind → optimise → name by content → digests → compress → manifest
//!    ├── run      set-up, web, relay binary, and become the relay
//!    ├── test     every gate, timed; counts the tests of all runners
//!    ├── module   wasm modules beside the client: proofs and benchmarks of the core
//!    ├── dist/    Debian package, offline bundle, bill of materials
//!    └── size, screens, bench
//!  workspace, process, report       paths; child processes; timed steps
//! ```

mod args;
mod bench;
mod dist;
mod module;
mod process;
mod report;
mod run;
mod screens;
mod setup;
mod size;
mod test;
mod web;
mod workspace;

use std::process::ExitCode;

use args::Task;

fn main() -> ExitCode {
    let task = match args::parse(std::env::args_os().skip(1)) {
        Ok(task) => task,
        Err(error) => {
            eprintln!("{error:#}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    let done = match task {
        Task::Help => {
            print!("{}", args::HELP);
            Ok(())
        }
        Task::Setup => setup::everything(),
        Task::Build(mode) => setup::for_web()
            .and_then(|tools| web::build(&tools, mode))
            .map(drop),
        Task::Run(options) => run::run(&options),
        // Says everything itself: its last line is the one that counts the tests.
        Task::Test { full } if test::test(full) => Ok(()),
        Task::Test { .. } => return ExitCode::FAILURE,
        Task::Dist => dist::dist(),
        Task::Size => size::size(),
        Task::Screens(rest) => screens::screens(&rest),
        Task::Bench { name, rest } => bench::bench(&name, &rest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
