//! What is left of a vault that cannot be opened.

use super::files::clear as clear_files;
use super::write::clear;
use super::{DATABASE, KEYS, LAYOUT, STORES, VaultError, header_in};
use crate::platform::idb::Database;

/// The database as it was found.
pub struct Remains {
    database: Database,
    /// Its header, if there is one.
    header: Option<Vec<u8>>,
}

impl Remains {
    /// Looks at it. Whoever calls this holds the owner's lock.
    pub async fn look() -> Result<Self, VaultError> {
        let database = Database::open(DATABASE, LAYOUT, STORES).await?;
        let transaction = database.read(&[KEYS])?;
        let header = header_in(&transaction).await?;
        transaction.finish().await?;
        Ok(Self { database, header })
    }

    /// Erases it, all of it or nothing of it; a person has confirmed it. What another owner has made of it meanwhile stays.
    pub async fn erase(&self) -> Result<(), VaultError> {
        let transaction = self.database.write(STORES)?;
        if header_in(&transaction).await? != self.header {
            return Err(VaultError::Fenced);
        }
        clear(transaction).await?;
        // What stays is opened by nothing, and goes at the next start.
        let _ = clear_files().await;
        Ok(())
    }
}
