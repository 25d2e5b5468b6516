//! What this browser keeps of files, in a database of its own, so that a large one makes neither the vault nor its relocking slow.
//!
//! ```text
//!  IndexedDB "chopar-files"
//!    sealed   file id 16 ‖ piece u32            -> piece of an encrypted file on its way up, as the relay will have it
//!             file id 16 ‖ ff×4                 -> its mark, by which pages know it, and its size as u64
//!    opened   line 16 ‖ file 16 ‖ offset u64    -> sealed piece of a file that came down                     keys.rs
//!             line 16 ‖ file 16 ‖ ff×8          -> sealed: its size, there once all of it is
//! ```
//! `line` and `file` are blinded. What is encrypted for the relay opens with a key that only the vault's records have; what was opened
//! is sealed under a key that is a record of the vault ([`keys`]), so a lock that keeps the vault shut keeps the files shut.
//!
//! Only the owner comes here. Its tasks take turns in the order in which they began, so that what is discarded stays so though it was
//! still being kept. An owner that was replaced and does not know yet is not fenced here: files have names that nobody else gives,
//! and pieces that do not fit together are no file.

mod keys;

use chopar_engine::Set;
use std::rc::Rc;

use chopar_e2ee::file::limits::CHUNK;
use chopar_engine::FileHome;
use chopar_wire::{AccountId, FileId, FileMark};
use idb::{KeyRange, Query};
use rand_core::CryptoRng;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::{Vault, VaultError, to_bytes, to_js};
use crate::platform::blobs;
use crate::platform::idb::Database;

use keys::Place;
pub(super) use keys::{FILES, FileKeys};

/// Name of the database.
const DATABASE: &str = "chopar-files";
/// Version of its layout of stores.
const LAYOUT: u32 = 1;
const SEALED: &str = "sealed";
const OPENED: &str = "opened";
const STORES: &[&str] = &[SEALED, OPENED];

/// Chunks in a piece: a mebibyte, which a database takes as one value and memory does not feel.
pub const PIECE_CHUNKS: usize = 16;
/// Bytes of a piece of an encrypted file, but for the last one: each chunk has its tag.
const PIECE: u64 = (PIECE_CHUNKS * (CHUNK + 16)) as u64;
/// In place of a number: what is said of a file as a whole.
const WHOLE: u32 = u32::MAX;

/// The database, opened when it is first needed.
pub struct Files {
    vault: Rc<Vault>,
    turn: Mutex<Option<Database>>,
}

impl Files {
    /// Beside this vault. Whoever calls this is the owner.
    pub fn new(vault: Rc<Vault>) -> Self {
        Self {
            vault,
            turn: Mutex::new(None),
        }
    }

    /// Waits for its turn.
    async fn turn(&self) -> Result<MappedMutexGuard<'_, Database>, VaultError> {
        let mut turn = self.turn.lock().await;
        let database = match turn.take() {
            Some(database) => database,
            None => Database::open(DATABASE, LAYOUT, STORES).await?,
        };
        Ok(MutexGuard::map(turn, |turn| turn.insert(database)))
    }

    /// While this is held nothing of files is read or kept: their keys do not change under anybody's hands.
    pub async fn still(&self) -> MutexGuard<'_, Option<Database>> {
        self.turn.lock().await
    }

    /// Keeps a piece of an encrypted file.
    pub async fn put_sealed(&self, file: FileId, piece: u32, bytes: &[u8]) -> Result<(), VaultError> {
        let database = self.turn().await?;
        let transaction = database.write(&[SEALED])?;
        let at = to_js(&sealed_at(&file, piece));
        transaction.store(SEALED)?.put(&to_js(bytes), Some(&at))?;
        Ok(transaction.finish().await?)
    }

    /// Keeps by which mark pages know an encrypted file, all pieces of which are kept, and how large it is.
    pub async fn finish_sealed(&self, file: FileId, mark: FileMark, size: u64) -> Result<(), VaultError> {
        let whole = [mark.as_bytes().as_slice(), &size.to_be_bytes()].concat();
        self.put_sealed(file, WHOLE, &whole).await
    }

    /// Mark and size of an encrypted file, and bytes of it; `None` where they are not kept.
    pub async fn sealed(
        &self,
        file: FileId,
        offset: u64,
        length: u64,
    ) -> Result<Option<(FileMark, u64, Vec<u8>)>, VaultError> {
        let database = self.turn().await?;
        let Some(last) = offset.checked_add(length).and_then(|end| end.checked_sub(1)) else {
            return Ok(None);
        };
        let (first, last) = (offset / PIECE, last / PIECE);
        let transaction = database.read(&[SEALED])?;
        let store = transaction.store(SEALED)?;
        let whole = store.get(to_js(&sealed_at(&file, WHOLE)))?;
        let mut asked = Vec::new();
        for piece in first..=last {
            let piece = u32::try_from(piece).unwrap_or(WHOLE);
            asked.push(store.get(to_js(&sealed_at(&file, piece)))?);
        }
        let whole = whole.await?;
        let mut bytes = Vec::new();
        for piece in asked {
            let Some(piece) = piece.await?.as_ref().and_then(to_bytes) else {
                return Ok(None);
            };
            bytes.extend(piece);
        }
        transaction.finish().await?;
        let part = part_of(bytes, offset - first * PIECE, length);
        Ok(part.and_then(|part| {
            let whole = to_bytes(whole.as_ref()?)?;
            let (mark, size) = whole.split_last_chunk::<8>()?;
            let mark = FileMark::try_from(mark).ok()?;
            Some((mark, u64::from_be_bytes(*size), part))
        }))
    }

    /// Deletes an encrypted file.
    pub async fn discard_sealed(&self, file: FileId) -> Result<(), VaultError> {
        let database = self.turn().await?;
        delete(&database, SEALED, &sealed_at(&file, 0), &sealed_at(&file, WHOLE)).await
    }

    /// Keeps a piece of an opened file; the one at offset 0 replaces whatever was kept of it. It is whole with the last one.
    pub async fn keep(
        &self,
        home: &FileHome,
        offset: u64,
        bytes: &[u8],
        last: bool,
        rng: &mut impl CryptoRng,
    ) -> Result<(), VaultError> {
        let database = self.turn().await?;
        let keys = self.vault.make_file_keys(rng).await?;
        let place = keys.place(home);
        let piece = keys
            .seal(self.vault.crypto(), &place.at(offset), bytes, rng)
            .await?;
        let size = (offset + bytes.len() as u64).to_be_bytes();
        let end = keys.seal(self.vault.crypto(), &place.end(), &size, rng).await?;
        let transaction = database.write(&[OPENED])?;
        let store = transaction.store(OPENED)?;
        if offset == 0 {
            store.delete(range(&place.at(0), &place.end())?)?;
        }
        if !bytes.is_empty() {
            store.put(&to_js(&piece), Some(&to_js(&place.at(offset))))?;
        }
        if last {
            store.put(&to_js(&end), Some(&to_js(&place.end())))?;
        }
        Ok(transaction.finish().await?)
    }

    /// An opened file; `None` where not all of it is kept.
    pub async fn opened(&self, home: &FileHome) -> Result<Option<Blob>, VaultError> {
        let database = self.turn().await?;
        let Some(keys) = self.vault.file_keys().await? else {
            return Ok(None);
        };
        let place = keys.place(home);
        let transaction = database.read(&[OPENED])?;
        let all = range(&place.at(0), &place.end())?;
        let found = transaction.store(OPENED)?.get_all_keys(Some(all), None)?.await?;
        transaction.finish().await?;
        let Some(size) = self.size(&database, &keys, &place).await? else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        let mut at = 0;
        // The last one says the size.
        for key in found.iter().take(found.len().saturating_sub(1)) {
            if to_bytes(key).as_deref() != Some(place.at(at).as_slice()) {
                return Ok(None);
            }
            let Some(piece) = self.piece(&database, &keys, &place.at(at)).await? else {
                return Ok(None);
            };
            at += blobs::size(&piece);
            parts.push(piece);
        }
        if at != size {
            return Ok(None);
        }
        blobs::join(&parts).map(Some).map_err(VaultError::Database)
    }

    /// Deletes what is kept of an opened file.
    pub async fn discard_opened(&self, home: &FileHome) -> Result<(), VaultError> {
        let database = self.turn().await?;
        match self.vault.file_keys().await? {
            Some(keys) => {
                let place = keys.place(home);
                delete(&database, OPENED, &place.at(0), &place.end()).await
            }
            None => Ok(()),
        }
    }

    /// Deletes all opened files of a line.
    pub async fn discard_line(&self, conversation: &AccountId, line: u64) -> Result<(), VaultError> {
        let database = self.turn().await?;
        match self.vault.file_keys().await? {
            Some(keys) => {
                let (first, last) = keys.line(conversation, line).bounds();
                delete(&database, OPENED, &first, &last).await
            }
            None => Ok(()),
        }
    }

    /// Deletes whatever else is kept than these encrypted files, and opened files of these lines.
    pub async fn retain(&self, sealed: &[FileId], lines: &[(AccountId, u64)]) -> Result<(), VaultError> {
        let database = self.turn().await?;
        let keys = self.vault.file_keys().await?;
        let files: Set<&[u8]> = sealed.iter().map(|file| file.as_bytes().as_slice()).collect();
        let lines: Vec<_> = keys
            .iter()
            .flat_map(|keys| lines.iter().map(|(account, line)| keys.line(account, *line)))
            .collect();
        sweep(&database, SEALED, |name| files.contains(&name)).await?;
        sweep(&database, OPENED, |name| lines.iter().any(|line| line.is(name))).await
    }

    async fn size(
        &self,
        database: &Database,
        keys: &FileKeys,
        place: &Place,
    ) -> Result<Option<u64>, VaultError> {
        let Some(sealed) = get(database, &place.end()).await? else {
            return Ok(None);
        };
        let size = keys.open(self.vault.crypto(), &place.end(), &sealed).await;
        let size = size.and_then(|size| blobs::bytes(&size).try_into().ok());
        Ok(size.map(u64::from_be_bytes))
    }

    /// `None` also where it does not open.
    async fn piece(
        &self,
        database: &Database,
        keys: &FileKeys,
        at: &[u8],
    ) -> Result<Option<Blob>, VaultError> {
        let Some(sealed) = get(database, at).await? else {
            return Ok(None);
        };
        let opened = keys.open(self.vault.crypto(), at, &sealed).await;
        let blob = opened.map(|opened| blobs::of_buffer(&opened));
        blob.transpose().map_err(VaultError::Database)
    }
}

async fn get(database: &Database, at: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
    let transaction = database.read(&[OPENED])?;
    let value = transaction.store(OPENED)?.get(to_js(at))?.await?;
    transaction.finish().await?;
    Ok(value.as_ref().and_then(to_bytes))
}

async fn delete(database: &Database, name: &str, first: &[u8], last: &[u8]) -> Result<(), VaultError> {
    let transaction = database.write(&[name])?;
    transaction.store(name)?.delete(range(first, last)?)?;
    Ok(transaction.finish().await?)
}

/// Deletes all files that are kept here.
pub(super) async fn clear() -> Result<(), VaultError> {
    let database = Database::open(DATABASE, LAYOUT, STORES).await?;
    let transaction = database.write(STORES)?;
    for store in STORES {
        transaction.store(store)?.clear()?;
    }
    Ok(transaction.finish().await?)
}

/// Deletes what does not lie under the names that are kept, the first 16 bytes of each key. Mostly there is nothing to be written.
async fn sweep(database: &Database, store: &str, kept: impl Fn(&[u8]) -> bool) -> Result<(), VaultError> {
    let transaction = database.read(&[store])?;
    let mut keys = transaction.store(store)?.get_all_keys(None, None)?.await?;
    transaction.finish().await?;
    keys.retain(|key| {
        let known = to_bytes(key).is_some_and(|key| key.get(..16).is_some_and(&kept));
        !known
    });
    if keys.is_empty() {
        return Ok(());
    }
    let transaction = database.write(&[store])?;
    for key in keys {
        transaction.store(store)?.delete(key)?;
    }
    Ok(transaction.finish().await?)
}

fn sealed_at(file: &FileId, piece: u32) -> Vec<u8> {
    [file.as_bytes().as_slice(), &piece.to_be_bytes()].concat()
}

/// Bytes from a place on; `None` where there are not as many.
fn part_of(mut bytes: Vec<u8>, from: u64, length: u64) -> Option<Vec<u8>> {
    let from = usize::try_from(from).ok().filter(|from| *from <= bytes.len())?;
    bytes.drain(..from);
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= bytes.len())?;
    bytes.truncate(length);
    Some(bytes)
}

/// Both ends are in it.
fn range(first: &[u8], last: &[u8]) -> Result<Query, VaultError> {
    let (first, last): (JsValue, JsValue) = (to_js(first), to_js(last));
    Ok(KeyRange::bound(&first, &last, None, None)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_two_pieces_is_cut_out_or_is_not_there() {
        let bytes: Vec<u8> = (0..10).collect();
        assert_eq!(part_of(bytes.clone(), 3, 4), Some(vec![3, 4, 5, 6]));
        assert_eq!(part_of(bytes.clone(), 3, 7).map(|part| part.len()), Some(7));
        assert_eq!(part_of(bytes.clone(), 3, 8), None);
        assert_eq!(part_of(bytes, 11, 0), None);
    }

    #[test]
    fn what_is_said_of_a_whole_file_stands_behind_its_pieces() {
        let file = FileId::new([7; 16]);
        let keys = [0, 1, 255, 256, WHOLE].map(|piece| sealed_at(&file, piece));
        assert!(keys.is_sorted());
        assert!(
            keys.iter()
                .all(|key| key.len() == 20 && key.starts_with(file.as_bytes()))
        );
    }
}
