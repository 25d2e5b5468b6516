//! Where the relay keeps its data: a file of its own, or PostgreSQL on the same core.

use anyhow::Result;

use crate::options::{Options, Store};
use crate::postgres::Cluster;
use crate::server::pin;

/// As it is installed, but for what has to be said: a commit is on the disk before it is acknowledged.
const SETTINGS: &str = "
fsync = on
synchronous_commit = on
shared_buffers = 128MB
log_min_error_statement = panic
";

pub(crate) enum Database {
    Embedded,
    /// Ends with this.
    Postgres {
        _cluster: Cluster,
        url: String,
    },
}

impl Database {
    pub(crate) fn start(options: &Options, store: Store) -> Result<Self> {
        match store {
            Store::Sqlite => Ok(Self::Embedded),
            Store::Postgres => {
                let parent = std::path::absolute(&options.folder)?;
                // A process starts on the cores of who starts it.
                pin(options.server_core)?;
                let cluster = Cluster::start_in(&parent, SETTINGS);
                pin(options.generator_core)?;
                let url = cluster.database("bench");
                Ok(Self::Postgres {
                    _cluster: cluster,
                    url,
                })
            }
        }
    }

    /// Its address; `None`: the relay's own file.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Embedded => None,
            Self::Postgres { url, .. } => Some(url),
        }
    }
}
