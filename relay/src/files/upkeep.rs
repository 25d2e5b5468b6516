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
/// How long bytes that nobody knows are kept after that was first seen, in milliseconds: a week. Where it is the database that
/// is too old, somebody has noticed by then, and puts the newer one back.
const STRAY_MS: u64 = 7 * 24 * 3600 * 1000;

/// Deletes all whose time is over. What cannot be deleted holds up nothing else; it is tried again the next time.
pub(crate) async fn sweep(core: &Core) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let ending = core.vault.ending.lock().await;
        let ended = core.store.ended_files(after, TOGETHER).await?;
        let Some(last) = ended.last() else {
            return Ok(());
        };
        after = Some(*last);
        delete_all(core, ended).await?;
        // Others may delete in between.
        drop(ending);
        tokio::task::yield_now().await;
    }
}

/// Deletes one whose time is over.
pub(crate) async fn delete(core: &Core, file: FileId) -> Result<(), StoreError> {
    let _ending = core.vault.ending.lock().await;
    core.vault.bodies.delete(file).await?;
    core.store.forget_files(vec![file]).await
}

/// First the bytes, then the room: what is interrupted is found again.
async fn delete_all(core: &Core, files: Vec<FileId>) -> Result<(), StoreError> {
    let mut deleted = Vec::with_capacity(files.len());
    for file in files {
        match core.vault.bodies.delete(file).await {
            Ok(()) => deleted.push(file),
            Err(fault) => {
                tracing::warn!(%fault, "a file's bytes could not be deleted; it is tried again");
            }
        }
    }
    if deleted.is_empty() {
        return Ok(());
    }
    core.store.forget_files(deleted).await
}

/// Looks for bytes that nobody knows, for as long as the relay runs.
pub(crate) async fn tidy(core: Arc<Core>) {
    let mut due = tokio::time::interval(SHELVES_EVERY);
    loop {
        due.tick().await;
        for number in 0..=u8::MAX {
            if let Err(fault) = tidy_shelf(&core, number).await {
                tracing::warn!(%fault, "files that nobody knows could not be looked for; it is tried again");
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
        let unknown = core.store.unknown_files(some).await?;
        if unknown.is_empty() {
            continue;
        }
        let before = core.now().saturating_sub(STRAY_MS);
        let strays = core.store.stray_files(unknown, before).await?;
        for stray in &strays {
            tracing::info!("bytes of a file that nobody knows are deleted");
            core.vault.bodies.delete(*stray).await?;
        }
        core.store.forget_strays(strays).await?;
    }
    Ok(())
}
