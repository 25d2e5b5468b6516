//! The store of a relay that runs, or does not, opened by a command beside it.

use std::sync::Arc;

use anyhow::{Result, bail};

use crate::Clock;
use crate::audit::node::NodeKey;
use crate::settings::choices::Choices;
use crate::store::Store;
use crate::store::sqlite::{self, Options, SqliteStore};

/// Opens the store in use. A folder that no relay was started in is an error: nothing is made.
pub(super) fn open(choices: &Choices) -> Result<Box<dyn Store>> {
    let folder = choices.data.clone();
    if !sqlite::path(&folder).exists() {
        bail!(
            "{} holds no relay's data: start the relay once, or name its folder with --data",
            folder.display()
        );
    }
    let node = Arc::new(NodeKey::of_folder(&folder)?);
    Ok(Box::new(SqliteStore::open(Options {
        folder,
        node,
        clock: Clock::system(),
        bytes_max: None,
        on_stored: Arc::new(|_| {}),
    })?))
}
