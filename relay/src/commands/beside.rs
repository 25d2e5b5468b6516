//! The store of a relay that runs, or does not, opened by a command beside it.

use std::sync::Arc;

use anyhow::{Result, bail};

use crate::audit::node::{FILE, NodeKey};
use crate::settings::choices::Choices;
use crate::store::open::{self, Listeners, Opened};
use crate::store::{Store, sqlite};
use crate::{Clock, Database};

/// Opens the store in use. A folder or a database that no relay was started with is an error: nothing is made.
pub(super) async fn open(choices: &Choices) -> Result<Arc<dyn Store>> {
    let folder = &choices.data;
    // What a command does is recorded in the audit log of the folder's relay.
    let known = match &choices.database {
        Database::Embedded => sqlite::path(folder),
        Database::Postgres(_) => folder.join(FILE),
    };
    if matches!(choices.database, Database::Postgres(_))
        && open::version(&choices.database, folder).await? == 0
    {
        bail!("the database is empty: start the relay once");
    }
    if !known.exists() {
        bail!(
            "{} holds no relay's data: start the relay once, or name its folder with --data",
            folder.display()
        );
    }
    let node = Arc::new(NodeKey::of_folder(folder)?);
    let clock = Clock::system();
    let Opened { store, .. } =
        open::open(&choices.database, folder, &clock, node, None, Listeners::none()).await?;
    Ok(store)
}
