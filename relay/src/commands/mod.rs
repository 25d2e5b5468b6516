//! What a person types. Each command reads the same settings as `serve`, so that it finds the same relay.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::settings::choices::Choices;
use crate::settings::flags::{Flags, Which};

mod audit;
mod backup;
mod beside;
mod config;
mod device;
mod doctor;
mod invite;
mod member;
mod serve;
mod verify_client;

/// The relay of Chopar: stores ciphertext until it is fetched, and cannot read it.
#[derive(Debug, Parser)]
#[command(name = "chopar-relay", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve clients until stopped.
    Serve(serve::Serve),
    /// Make an invite link, also while the relay runs.
    Invite(invite::Make),
    /// List, disable, enable and remove members, also while the relay runs.
    #[command(subcommand)]
    Member(member::Command),
    /// List, suspend and resume a member's devices, also while the relay runs.
    #[command(subcommand)]
    Device(device::Command),
    /// Show, verify and export the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Copy the data into a new folder, also while the relay runs.
    Backup(backup::Backup),
    /// Put a backup into a new folder, or only look whether it is whole.
    Restore(backup::Restore),
    /// Compare what a relay serves with the manifest of a release.
    VerifyClient(verify_client::VerifyClient),
    /// Say in plain words what is wrong on this machine.
    Doctor(doctor::Doctor),
    /// Show what the relay is told and by whom, or say what is wrong with it.
    #[command(subcommand)]
    Config(config::Command),
}

/// What the settings say, all layers together.
fn choices<W: Which>(flags: &Flags<W>) -> anyhow::Result<Choices> {
    Ok(Choices::read(&flags.layers())?)
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Serving says in its settings how it logs.
    if !matches!(cli.command, Command::Serve(_)) {
        start_log(false);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("error: the runtime does not start: {fault}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve.run().await.map(|()| true),
            Command::Invite(make) => make.run().await.map(|()| true),
            Command::Member(member) => member.run().await.map(|()| true),
            Command::Device(device) => device.run().await.map(|()| true),
            Command::Audit(audit) => audit.run().await,
            Command::Backup(backup) => backup.run().await.map(|()| true),
            Command::Restore(restore) => restore.run().await.map(|()| true),
            Command::VerifyClient(verify) => verify.run().await,
            Command::Doctor(doctor) => doctor.run().await,
            Command::Config(config) => config.run(),
        }
    });
    // What a blocking thread still does was abandoned by whoever asked for it.
    runtime.shutdown_background();
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("error: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

/// The log goes to standard error, what a person asked for to standard output.
fn start_log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(json);
    let set = if json {
        log.json().try_init()
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .try_init()
    };
    if let Err(fault) = set {
        eprintln!("warning: no log: {fault}");
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// T-042.
    #[test]
    fn what_was_typed_is_not_printed() {
        let url = "postgres://chopar:geheim@localhost/chopar";
        let cli = Cli::parse_from(["chopar-relay", "serve", "--database", url]);
        let shown = format!("{cli:?}");
        assert!(
            shown.contains("\"database\"") && !shown.contains("geheim"),
            "{shown}"
        );
    }
}
