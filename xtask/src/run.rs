//! The task `run`: from whatever state the machine is in to a relay that serves.

use std::{io, net::TcpListener, process::Command};

use anyhow::{Context, Result};

use crate::{args::RunOptions, process, setup, web, web::Mode, workspace};

/// Cargo's folder for what is built to be built again soon; the cryptography in it is optimised all the same.
pub(crate) const DEV: &str = "debug";

/// Builds what is missing and becomes the relay.
pub(crate) fn run(options: &RunOptions) -> Result<()> {
    let address = format!("127.0.0.1:{}", options.port);
    // Said now rather than after minutes of building. The listener is closed at once; the relay opens its own.
    drop(TcpListener::bind(&address).map_err(|error| in_plain_words(&address, error))?);

    println!("== set-up");
    let tools = setup::for_web()?;
    println!("== web client");
    web::build(&tools, options.mode)?;
    println!("== relay");
    process::must(&mut build_relay(options.mode))?;

    let data = options
        .data
        .clone()
        .unwrap_or_else(|| workspace::root().join("data"));
    let mut relay = Command::new(relay_program(DEV));
    relay.args(["serve", "--listen", &address, "--data"]).arg(data);
    println!("== serving\n  $ {}", process::shown(&relay));
    become_it(relay)
}

/// Why nothing can listen there, and what to do.
fn in_plain_words(address: &str, error: io::Error) -> anyhow::Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => format!("{address} is taken; choose another port with --port"),
        io::ErrorKind::PermissionDenied => {
            format!(
                "{address} is not for everybody to listen on; choose a port of 1024 or higher with --port"
            )
        }
        _ => format!("nothing can listen on {address}; try another port with --port"),
    };
    anyhow::Error::new(error).context(why)
}

/// The call that builds the relay's program with the client of `mode` in it.
pub(crate) fn build_relay(mode: Mode) -> Command {
    let mut cargo = workspace::native_cargo(mode);
    cargo.args(["build", "--package", "chopar-relay", "--bin", "chopar-relay"]);
    cargo
}

/// Where `build_relay` leaves the program, in cargo's folder for the profile.
pub(crate) fn relay_program(profile: &str) -> std::path::PathBuf {
    workspace::native_target()
        .join(profile)
        .join(format!("chopar-relay{}", std::env::consts::EXE_SUFFIX))
}

/// Hands this process over, so that Ctrl-C and every other signal reach the relay itself and its end is ours.
#[cfg(unix)]
fn become_it(mut relay: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(relay.exec()).context("starting the relay")
}

#[cfg(not(unix))]
fn become_it(mut relay: Command) -> Result<()> {
    let status = relay.status().context("starting the relay")?;
    process::succeeded(status, "chopar-relay")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_cannot_be_had_is_said_with_what_to_do() {
        let said = |kind: io::ErrorKind| format!("{:#}", in_plain_words("127.0.0.1:80", kind.into()));
        assert!(said(io::ErrorKind::AddrInUse).starts_with("127.0.0.1:80 is taken; choose another"));
        assert!(said(io::ErrorKind::PermissionDenied).contains("1024 or higher"));
        assert!(said(io::ErrorKind::AddrNotAvailable).contains("try another port"));
    }
}
