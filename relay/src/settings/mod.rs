//! From what people say to a [`Config`](crate::Config): a file, the environment and flags in layers, every value with the
//! place it comes from, every fault named at once.
//!
//! | module | holds |
//! |---|---|
//! | `keys` | the table of all settings |
//! | `layers`, `file`, `flags` | what was said where |
//! | `choices` | the values, parsed |
//! | `example` | the commented example |

use std::fmt;

pub(crate) mod choices;
pub(crate) mod example;
mod file;
pub(crate) mod flags;
pub(crate) mod keys;
pub(crate) mod layers;

/// One thing that is wrong, and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) String);

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong:")?;
        self.0.iter().try_for_each(|Fault(what)| write!(f, "\n  {what}"))
    }
}

impl std::error::Error for Faults {}
