//! Settings as flags of a command, made from the table.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};

use super::keys::{KEYS, Key, PREFIX};
use super::layers::{Layers, Source};

/// Which settings a command takes as flags; all of them hold from file and environment.
pub(crate) trait Which {
    fn takes(key: &Key) -> bool;
}

/// Every setting.
#[derive(Debug)]
pub(crate) struct All;

impl Which for All {
    fn takes(_: &Key) -> bool {
        true
    }
}

/// What leads to a relay's data.
#[derive(Debug)]
pub(crate) struct Place;

impl Which for Place {
    fn takes(key: &Key) -> bool {
        ["data", "database", "database-ca"].contains(&key.name)
    }
}

/// What leads to a relay's data, and where people reach it.
#[derive(Debug)]
pub(crate) struct PlaceAndOrigin;

impl Which for PlaceAndOrigin {
    fn takes(key: &Key) -> bool {
        Place::takes(key) || key.name == "origin"
    }
}

/// The flags that were given.
pub(crate) struct Flags<W> {
    config: Option<PathBuf>,
    given: BTreeMap<&'static str, Vec<String>>,
    which: PhantomData<W>,
}

impl<W> fmt::Debug for Flags<W> {
    // Values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flags")
            .field("config", &self.config)
            .field("given", &self.given.keys())
            .finish_non_exhaustive()
    }
}

impl<W: Which> Flags<W> {
    /// All layers: defaults, file, environment, these flags.
    pub(crate) fn layers(&self) -> Layers {
        let mut layers = Layers::defaults();
        let variable = format!("{PREFIX}CONFIG");
        let named = match (&self.config, std::env::var_os(&variable)) {
            (Some(path), _) => Some((path.clone(), Source::Flag("config".to_owned()))),
            (None, Some(path)) if !path.is_empty() => Some((path.into(), Source::Environment(variable))),
            _ => None,
        };
        layers.read_file(named);
        layers.read_environment(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }));
        for key in KEYS {
            if let Some(texts) = self.given.get(key.name) {
                layers.say(key, texts.clone(), Source::Flag(key.name.to_owned()));
            }
        }
        layers
    }
}

impl<W: Which> clap::Args for Flags<W> {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Configuration file [environment: CHOPAR_CONFIG] [default: /etc/chopar/relay.toml, if it is there]");
        KEYS.iter()
            .filter(|key| W::takes(key))
            .fold(command.arg(config), |command, key| command.arg(flag(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<W: Which> FromArgMatches for Flags<W> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = KEYS
            .iter()
            .filter(|key| W::takes(key))
            .filter_map(|key| {
                let texts = matches.get_many::<String>(key.name)?;
                Some((key.name, texts.cloned().collect()))
            })
            .collect();
        Ok(Self {
            config: matches.get_one::<PathBuf>("config").cloned(),
            given,
            which: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn flag(key: &'static Key) -> Arg {
    let default = match key.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let arg = Arg::new(key.name).long(key.name).help(format!(
        "{} [environment: {}]{default}",
        key.help,
        key.variable()
    ));
    if key.is_switch() {
        return arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("yes")
            .value_name("yes|no");
    }
    let arg = arg.value_name(key.value);
    if key.many {
        arg.action(ArgAction::Append).value_delimiter(',')
    } else {
        arg
    }
}
