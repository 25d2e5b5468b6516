//! Opening the store that a configuration names.

use std::path::Path;
use std::sync::Arc;

use super::postgres::{self, PostgresStore, PostgresUrl};
use super::sqlite::{self, SqliteStore};
use super::{Fact, OnStored, Store};
use crate::audit::node::NodeKey;
use crate::clock::Clock;
use crate::nodes::{Here, Nobody, Others, nobody};
use crate::token::{self, NoRandomness};

/// Where the relay keeps what it keeps.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Database {
    /// In a file of the data folder: one relay, nothing to install.
    Embedded,
    /// In PostgreSQL: several relays of one organisation may share it.
    Postgres(PostgresUrl),
}

/// Why a store cannot be opened. The database was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("{0}")]
    Sqlite(#[from] sqlite::open::OpenError),
    #[error("{0}")]
    Postgres(#[from] postgres::open::OpenError),
    #[error("{0}")]
    NoRandomness(#[from] NoRandomness),
    #[error(
        "a bound of the database's size is for the one in the data folder: leave out --database-bytes-max"
    )]
    BoundOfAnother,
}

/// What connects a store to the connections of this node.
pub(crate) struct Listeners {
    pub(crate) on_stored: OnStored,
    pub(crate) here: Arc<dyn Here>,
}

impl Listeners {
    /// For commands beside the relay.
    pub(crate) fn none() -> Self {
        Self {
            on_stored: Arc::new(|_| {}),
            here: Arc::new(Nobody),
        }
    }
}

/// A store, and the way to the nodes that share it.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) others: Arc<dyn Others>,
}

/// Opens the store of a relay whose data folder is there.
pub(crate) async fn open(
    database: &Database,
    folder: &Path,
    clock: &Clock,
    node: Arc<NodeKey>,
    bytes_max: Option<u64>,
    listeners: Listeners,
) -> Result<Opened, OpenError> {
    let Listeners { on_stored, here } = listeners;
    let clock = clock.clone();
    match database {
        Database::Embedded => {
            let folder = folder.to_owned();
            let store = SqliteStore::open(sqlite::Options {
                folder,
                clock,
                node,
                bytes_max,
                on_stored,
            })?;
            Ok(Opened {
                store: Arc::new(store),
                others: nobody(),
            })
        }
        Database::Postgres(_) if bytes_max.is_some() => Err(OpenError::BoundOfAnother),
        Database::Postgres(url) => {
            let store = PostgresStore::open(postgres::Options {
                url: url.clone(),
                clock,
                on_stored,
                here,
                node,
                program: token::random()?,
            })
            .await?;
            let others = store.others();
            Ok(Opened {
                store: Arc::new(store),
                others,
            })
        }
    }
}

/// The version of the database, 0 where there is none yet. Nothing is written.
pub(crate) async fn version(database: &Database, folder: &Path) -> Result<i64, OpenError> {
    Ok(match database {
        Database::Embedded => sqlite::open::version(&sqlite::path(folder))?,
        Database::Postgres(url) => postgres::open::version(url).await?,
    })
}

/// A fact about the relay of a database, whether it runs or not; `None` where it is not known. Nothing is written.
pub(crate) async fn fact(
    database: &Database,
    folder: &Path,
    fact: Fact,
) -> Result<Option<String>, OpenError> {
    Ok(match database {
        Database::Embedded => sqlite::fact(folder, fact)?,
        Database::Postgres(url) => postgres::fact(url, fact).await?,
    })
}
