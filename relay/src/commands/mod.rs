//! What a person types: `chopar-relay serve | invite | doctor`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{Database, PostgresUrl, TlsFiles, UrlError};

mod doctor;
mod invite;
mod serve;

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
    /// Say in plain words what is wrong on this machine.
    Doctor(doctor::Doctor),
}

/// Where the relay keeps its data.
#[derive(Args)]
struct DataFolder {
    /// Folder of the relay's own files, and of its database where no other is named.
    #[arg(
        long = "data",
        env = "CHOPAR_DATA",
        default_value = "data",
        value_name = "DIR"
    )]
    path: PathBuf,
    /// A PostgreSQL database in place of the one in the folder, for several relays of one organisation. In the environment a
    /// password is less easily seen than on the command line.
    #[arg(
        long,
        env = "CHOPAR_DATABASE",
        value_name = "postgres://…",
        hide_env_values = true
    )]
    database: Option<String>,
    /// Authority of that database's certificate in PEM form: the way to another machine is encrypted, and ends at no other.
    #[arg(long, env = "CHOPAR_DATABASE_CA", value_name = "FILE", requires = "database")]
    database_ca: Option<PathBuf>,
}

impl DataFolder {
    fn database(&self) -> Result<Database, UrlError> {
        let Some(url) = &self.database else {
            return Ok(Database::Embedded);
        };
        PostgresUrl::parse(url, self.database_ca.as_deref()).map(Database::Postgres)
    }
}

impl std::fmt::Debug for DataFolder {
    // An address of a database may hold its password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataFolder")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Where the relay is reached on this machine.
#[derive(Debug, Args)]
struct Listening {
    /// Address and port to listen on; beyond this machine with TLS, or behind a proxy that speaks it.
    #[arg(
        long = "listen",
        env = "CHOPAR_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS:PORT"
    )]
    address: SocketAddr,
}

/// The certificate of the relay's own TLS.
#[derive(Debug, Args)]
struct Certificate {
    /// Certificate in PEM form, those between it and the root after it; read again whenever it changes.
    #[arg(
        long = "tls-cert",
        env = "CHOPAR_TLS_CERT",
        value_name = "FILE",
        requires = "key"
    )]
    certificate: Option<PathBuf>,
    /// Its private key in PEM form, without a password.
    #[arg(
        long = "tls-key",
        env = "CHOPAR_TLS_KEY",
        value_name = "FILE",
        requires = "certificate"
    )]
    key: Option<PathBuf>,
}

impl Certificate {
    fn files(self) -> Option<TlsFiles> {
        Some(TlsFiles {
            certificate: self.certificate?,
            key: self.key?,
        })
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log_json = matches!(&cli.command, Command::Serve(serve) if serve.log_json);
    start_log(log_json);
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
            Command::Doctor(doctor) => doctor.run().await,
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
}
