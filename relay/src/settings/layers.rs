//! What was said where: defaults, a file, the environment, flags; the later one wins, and each value knows its source.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::keys::{KEYS, Key, PREFIX, nearest};
use super::{Fault, file};

/// Read where no file is named, if it is there.
pub(crate) const USUAL_FILE: &str = "/etc/chopar/relay.toml";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// One setting's value as it was written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) texts: Vec<String>,
    pub(crate) source: Source,
}

impl fmt::Debug for Said {
    // The value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Every setting that has a value, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    pub(crate) said: BTreeMap<&'static str, Said>,
    /// What is wrong with how it was said.
    pub(crate) faults: Vec<Fault>,
    /// Names in the environment that look like ours and are nobody's.
    pub(crate) strangers: Vec<String>,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

impl Layers {
    /// The defaults alone.
    pub(crate) fn defaults() -> Self {
        let mut layers = Self::default();
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            layers.say(key, vec![key.default.to_owned()], Source::Default);
        }
        layers
    }

    /// Puts a value over what was said before.
    pub(crate) fn say(&mut self, key: &'static Key, texts: Vec<String>, source: Source) {
        self.said.insert(key.name, Said { texts, source });
    }

    /// A file that was named must be there; the usual one may be.
    pub(crate) fn read_file(&mut self, named: Option<(PathBuf, Source)>) {
        let (path, source) = match named {
            Some((path, source)) => (path, Some(source)),
            None => (PathBuf::from(USUAL_FILE), None),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                self.read_text(&path, &text);
                self.file = Some(path);
            }
            Err(fault) if source.is_none() && fault.kind() == std::io::ErrorKind::NotFound => {}
            Err(fault) => {
                let from = source.map_or_else(String::new, |source| format!(" (from {source})"));
                self.faults.push(Fault(format!(
                    "the configuration {}{from} cannot be read: {fault}",
                    path.display()
                )));
            }
        }
    }

    fn read_text(&mut self, path: &Path, text: &str) {
        match file::read(path, text) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok((key, texts, line)) => {
                            let path = path.to_owned();
                            self.say(key, texts, Source::File { path, line });
                        }
                        Err(fault) => self.faults.push(fault),
                    }
                }
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    /// Takes the variables that begin with our prefix. A name that is nearly one of ours is a fault; any other belongs to
    /// a program beside the relay.
    pub(crate) fn read_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if let Some(key) = KEYS.iter().find(|key| key.variable() == name) {
                // Empty is how files of environments say nothing.
                if !value.is_empty() {
                    let texts = if key.many { split(&value) } else { vec![value] };
                    self.say(key, texts, Source::Environment(name));
                }
            } else if rest != "CONFIG" {
                match nearest(rest) {
                    Some(near) => self.faults.push(Fault(format!(
                        "environment {name} sets nothing; did you mean {}?",
                        near.variable()
                    ))),
                    None => self.strangers.push(name),
                }
            }
        }
    }
}

/// A list as it stands in one text.
pub(crate) fn split(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::keys::key;
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Layers {
        let mut layers = Layers::defaults();
        layers.read_text(
            Path::new("relay.toml"),
            "# comment\nlisten = \"127.0.0.1:1\"\nproxy = [\"10.0.0.1\", \"10.0.0.2\"]\n",
        );
        layers.read_environment(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        layers
    }

    #[test]
    fn the_later_layer_wins_and_is_named() {
        let mut layers = environment(&[("CHOPAR_PROXY", "10.0.0.3, 10.0.0.4"), ("CHOPAR_NAME", "")]);
        layers.say(
            key("tls").unwrap(),
            vec!["own".into()],
            Source::Flag("tls".into()),
        );
        let said = |name: &str| {
            let said = &layers.said[name];
            format!("{} ({})", said.texts.join(" "), said.source)
        };
        assert_eq!(said("listen"), "127.0.0.1:1 (relay.toml, line 2)");
        assert_eq!(said("proxy"), "10.0.0.3 10.0.0.4 (environment CHOPAR_PROXY)");
        assert_eq!(said("name"), "Chopar (default)");
        assert_eq!(said("tls"), "own (flag --tls)");
        assert!(layers.faults.is_empty());
    }

    #[test]
    fn a_variable_nearly_ours_is_a_fault_and_another_is_not() {
        let layers = environment(&[
            ("CHOPAR_LISTN", "x"),
            ("CHOPAR_WASM_STD", "debian"),
            ("PATH", "x"),
        ]);
        assert_eq!(
            layers.faults[0].0,
            "environment CHOPAR_LISTN sets nothing; did you mean CHOPAR_LISTEN?"
        );
        assert_eq!(layers.faults.len(), 1);
        assert_eq!(layers.strangers, ["CHOPAR_WASM_STD"]);
    }

    #[test]
    fn a_named_file_must_be_there() {
        let mut layers = Layers::defaults();
        let named = PathBuf::from("/nowhere/relay.toml");
        layers.read_file(Some((named, Source::Flag("config".to_owned()))));
        assert!(
            layers.faults[0]
                .0
                .contains("/nowhere/relay.toml (from flag --config)")
        );
    }
}
