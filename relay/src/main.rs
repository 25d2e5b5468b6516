//! The relay's program: parses what was typed, sets up the log, runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    chopar_relay::commands::main()
}
