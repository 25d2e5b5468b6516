//! Books of files.

use chopar_wire::ids::{AccountId, DeviceId, FileId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::books::Books;
use crate::store::files::Met;
use crate::store::{Begun, FileFacts, FileKeys, FilesKept, NewFile, Progress};

impl Books {
    pub(super) fn file_keys(&mut self, fresh: &FileKeys) -> rusqlite::Result<FileKeys> {
        self.db
            .prepare_cached(
                "UPDATE file_room SET key = coalesce(key, ?1), home = coalesce(home, ?2) RETURNING key, home",
            )?
            .query_row((&fresh.capabilities, &fresh.home), |row| {
                Ok(FileKeys {
                    capabilities: row.get(0)?,
                    home: row.get(1)?,
                })
            })
    }

    pub(super) fn begin_file(&mut self, new: &NewFile) -> rusqlite::Result<Begun> {
        let id = new.file.as_bytes();
        let same_id = self
            .db
            .prepare_cached("SELECT size, received, expires, account, device FROM files WHERE file = ?1")?
            .query_row([id], |row| {
                let (account, device) = (row.get(3)?, row.get(4)?);
                Ok((AccountId::new(account), DeviceId::new(device), facts(row)?))
            })
            .optional()?;
        let (of_account, unfinished) = self
            .db
            .prepare_cached(
                "SELECT coalesce(sum(size), 0), count(*) FILTER (WHERE device = ?2 AND received < size)
                 FROM files WHERE account = ?1",
            )?
            .query_row((new.account.as_bytes(), new.device.as_bytes()), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let in_total = self
            .db
            .prepare_cached("SELECT bytes FROM file_room")?
            .query_row([], |row| row.get(0))?;
        let met = Met {
            same_id,
            of_account,
            in_total,
            unfinished,
        };
        if let Some(begun) = new.meets(&met, self.now()) {
            return Ok(begun);
        }
        self.db
            .prepare_cached(
                "INSERT INTO files (file, account, device, size, received, expires) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
            )?
            .execute((
                id,
                new.account.as_bytes(),
                new.device.as_bytes(),
                new.size,
                new.expires,
            ))?;
        self.db
            .prepare_cached("UPDATE file_room SET bytes = bytes + ?1")?
            .execute([new.size])?;
        Ok(Begun::Ready(new.facts()))
    }

    pub(super) fn file_received(&mut self, progress: &Progress) -> rusqlite::Result<bool> {
        let now = self.now();
        let moved = self
            .db
            .prepare_cached(
                "UPDATE files SET received = ?3, expires = ?4
                 WHERE file = ?1 AND received = ?2 AND expires > ?5 AND size >= ?3",
            )?
            .execute((
                progress.file.as_bytes(),
                progress.from,
                progress.to,
                progress.expires,
                now,
            ))?;
        Ok(moved == 1)
    }

    pub(super) fn end_file(&mut self, file: &FileId, account: &AccountId) -> rusqlite::Result<bool> {
        let ended = self
            .db
            .prepare_cached("UPDATE files SET expires = 0 WHERE file = ?1 AND account = ?2")?
            .execute((file.as_bytes(), account.as_bytes()))?;
        Ok(ended == 1)
    }

    /// Of a member who was removed.
    pub(super) fn end_files_of(&mut self, account: &AccountId) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("UPDATE files SET expires = 0 WHERE account = ?1")?
            .execute([account.as_bytes()])
            .map(drop)
    }

    pub(super) fn forget_files(&mut self, files: &[FileId]) -> rusqlite::Result<()> {
        let now = self.now();
        let mut freed = 0;
        for file in files {
            let size: Option<u64> = self
                .db
                .prepare_cached("DELETE FROM files WHERE file = ?1 AND expires <= ?2 RETURNING size")?
                .query_row((file.as_bytes(), now), |row| row.get(0))
                .optional()?;
            freed += size.unwrap_or(0);
        }
        self.db
            .prepare_cached("UPDATE file_room SET bytes = max(bytes - ?1, 0)")?
            .execute([freed])
            .map(drop)
    }

    pub(super) fn stray_files(&mut self, files: &[FileId], before: u64) -> rusqlite::Result<Vec<FileId>> {
        let now = self.now();
        let mut note = self.db.prepare_cached(
            "INSERT INTO stray_files (file, seen) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET seen = seen RETURNING seen",
        )?;
        let mut strays = Vec::new();
        for file in files {
            let seen: u64 = note.query_row((file.as_bytes(), now), |row| row.get(0))?;
            if seen < before {
                strays.push(*file);
            }
        }
        Ok(strays)
    }

    pub(super) fn forget_strays(&mut self, files: &[FileId]) -> rusqlite::Result<()> {
        for file in files {
            self.db
                .prepare_cached("DELETE FROM stray_files WHERE file = ?1")?
                .execute([file.as_bytes()])?;
        }
        Ok(())
    }

    /// Capabilities of before are worth nothing.
    pub(super) fn forget_file_key(&mut self) -> rusqlite::Result<()> {
        self.db.execute("UPDATE file_room SET key = NULL", []).map(drop)
    }
}

pub(super) fn file(db: &Connection, file: &FileId, now: u64) -> rusqlite::Result<Option<FileFacts>> {
    db.prepare_cached("SELECT size, received, expires FROM files WHERE file = ?1 AND expires > ?2")?
        .query_row((file.as_bytes(), now), facts)
        .optional()
}

pub(super) fn ended(
    db: &Connection,
    after: Option<&FileId>,
    limit: usize,
    now: u64,
) -> rusqlite::Result<Vec<FileId>> {
    let after = after.map_or(&[][..], |file| &file.as_bytes()[..]);
    db.prepare_cached("SELECT file FROM files WHERE expires <= ?1 AND file > ?2 ORDER BY file LIMIT ?3")?
        .query_map((now, after, limit), |row| row.get(0).map(FileId::new))?
        .collect()
}

pub(super) fn unknown(db: &Connection, files: Vec<FileId>) -> rusqlite::Result<Vec<FileId>> {
    let mut known = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM files WHERE file = ?1)")?;
    let mut unknown = Vec::new();
    for file in files {
        if !known.query_row([file.as_bytes()], |row| row.get::<_, bool>(0))? {
            unknown.push(file);
        }
    }
    Ok(unknown)
}

pub(super) fn kept(db: &Connection) -> rusqlite::Result<FilesKept> {
    db.prepare_cached("SELECT (SELECT count(*) FROM files), bytes FROM file_room")?
        .query_row([], |row| {
            Ok(FilesKept {
                count: row.get(0)?,
                bytes: row.get(1)?,
            })
        })
}

fn facts(row: &Row<'_>) -> rusqlite::Result<FileFacts> {
    Ok(FileFacts {
        size: row.get(0)?,
        received: row.get(1)?,
        expires: row.get(2)?,
    })
}
