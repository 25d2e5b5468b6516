//! What goes: files whose time is over, and bytes that nobody knows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chopar_wire::ids::FileId;

use crate::core::Core;
use crate::store::StoreError;

/// Files that are deleted together.
const TOGETHER: usize = 100;
/// Between two shelves when all are looked through: a look is a small read of the disk.
const SHELF_PAUSE: Duration = Duration::from_millis(10);
/// How often all shelves are looked through. What nobody knows is rare: an upload that was deleted at the moment of its first
/// bytes, a database that was put back without its folder.
const SHELVES_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Deletes some of those whose time is over; `true`: there may be more.
pub(crate) async fn sweep(core: &Core) -> Result<bool, StoreError> {
    let ended = core.store.ended_files(TOGETHER).await?;
    let more = ended.len() == TOGETHER;
    delete(core, ended).await?;
    Ok(more)
}

/// First the bytes, then the room: what is interrupted is found again.
pub(crate) async fn delete(core: &Core, files: Vec<FileId>) -> Result<(), StoreError> {
    if files.is_empty() {
        return Ok(());
    }
    for file in &files {
        core.vault.bodies.delete(*file).await?;
    }
    core.store.forget_files(files).await
}

/// Looks for bytes that nobody knows, for as long as the relay runs.
pub(crate) async fn tidy(core: Arc<Core>) {
    let mut due = tokio::time::interval(SHELVES_EVERY);
    loop {
        due.tick().await;
        for number in 0..=u8::MAX {
            if let Err(fault) = tidy_shelf(&core, number).await {
                tracing::warn!(%fault, "files that nobody knows could not be looked for; it is tried again");
                break;
            }
            tokio::time::sleep(SHELF_PAUSE).await;
        }
    }
}

async fn tidy_shelf(core: &Core, number: u8) -> Result<(), StoreError> {
    let mut here: VecDeque<FileId> = core.vault.bodies.shelf(number).await?.into();
    while !here.is_empty() {
        let some = here.drain(..here.len().min(TOGETHER)).collect();
        // Their rows come before their bytes and go after them: what has none is nobody's.
        for unknown in core.store.unknown_files(some).await? {
            tracing::info!("bytes of a file that nobody knows are deleted");
            core.vault.bodies.delete(unknown).await?;
        }
    }
    Ok(())
}
