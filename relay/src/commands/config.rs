//! `chopar-relay config`: what the relay is told, by whom, and what is wrong with it.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::relay::checked_origins;
use crate::settings::choices::Choices;
use crate::settings::example::example;
use crate::settings::flags::{All, Flags};
use crate::settings::keys::{KEYS, Key};
use crate::settings::layers::{Layers, Said, USUAL_FILE};
use crate::{Clock, tls};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every setting with its value and where that comes from.
    Show(Show),
    /// Say what is wrong with the settings; nothing is started and nothing written.
    Check(Check),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    flags: Flags<All>,
    /// Print a commented example file instead.
    #[arg(long)]
    example: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    flags: Flags<All>,
}

impl Command {
    /// `false` where something is wrong.
    pub(super) fn run(self) -> Result<bool> {
        match self {
            Self::Show(show) if show.example => {
                print!("{}", example());
                Ok(true)
            }
            Self::Show(show) => {
                let layers = show.flags.layers();
                print!("{}", shown(&layers));
                for fault in &layers.faults {
                    eprintln!("WRONG  {}", fault.0);
                }
                Ok(layers.faults.is_empty())
            }
            Self::Check(check) => {
                let layers = check.flags.layers();
                for name in &layers.strangers {
                    println!("note   environment {name} is no setting of the relay's");
                }
                let faults = faults(&layers);
                for fault in &faults {
                    println!("WRONG  {fault}");
                }
                if faults.is_empty() {
                    println!("ok     the settings are right");
                }
                Ok(faults.is_empty())
            }
        }
    }
}

/// A configuration file that says what holds, each line with its source.
fn shown(layers: &Layers) -> String {
    let file = match &layers.file {
        Some(path) => format!("# {} was read.\n", path.display()),
        None => format!("# No file was read; {USUAL_FILE} is, if it is there.\n"),
    };
    KEYS.iter().fold(file, |text, key| {
        text + &match layers.said.get(key.name) {
            Some(said) if key.secret => {
                format!(
                    "# {} is set, and not shown: it may hold a password  # {}\n",
                    key.name, said.source
                )
            }
            Some(said) => format!("{} = {}  # {}\n", key.name, as_toml(key, said), said.source),
            None => format!("# {} is not set\n", key.name),
        }
    })
}

fn as_toml(key: &Key, said: &Said) -> String {
    let quoted: Vec<String> = said.texts.iter().map(|text| format!("{text:?}")).collect();
    if key.many {
        format!("[{}]", quoted.join(", "))
    } else {
        quoted.join(", ")
    }
}

/// Everything that would keep the relay from starting, as far as it can be told without starting it.
fn faults(layers: &Layers) -> Vec<String> {
    let choices = match Choices::read(layers) {
        Ok(choices) => choices,
        Err(faults) => return faults.0.into_iter().map(|fault| fault.0).collect(),
    };
    let mut found = Vec::new();
    if let Err(fault) = checked_origins(&choices.config(), choices.listen) {
        found.push(fault.to_string());
    }
    if let Some(files) = choices.certificate()
        && let Err(fault) = tls::in_files(files, Clock::system().now() / 1000)
    {
        found.push(fault.to_string());
    }
    found
}
