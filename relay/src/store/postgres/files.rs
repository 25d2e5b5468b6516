//! Books of files. The row of their room is the lock of whoever makes some.

use chopar_wire::ids::{AccountId, DeviceId, FileId};
use tokio_postgres::Row;

use super::books::Books;
use super::link::{Fault, Link, column, number};
use crate::store::files::Met;
use crate::store::{Begun, FileFacts, FileKeys, FilesKept, NewFile, Progress};

pub(super) async fn keys(books: &Books, fresh: &FileKeys) -> Result<FileKeys, Fault> {
    let row = books
        .link()?
        .row(
            "UPDATE file_room SET key = coalesce(key, $1), home = coalesce(home, $2) RETURNING key, home",
            &[&&fresh.capabilities[..], &&fresh.home[..]],
        )
        .await?
        .ok_or(Fault::Data("the row of the files' room is missing"))?;
    Ok(FileKeys {
        capabilities: column(&row, 0)?,
        home: column(&row, 1)?,
    })
}

pub(super) async fn begin(books: &Books, new: &NewFile) -> Result<Begun, Fault> {
    let link = books.link()?;
    let (id, account, device) = (
        &new.file.as_bytes()[..],
        &new.account.as_bytes()[..],
        &new.device.as_bytes()[..],
    );
    let in_total = link
        .value("SELECT bytes FROM file_room WHERE single FOR UPDATE", &[])
        .await?;
    let same_id = link
        .row(
            "SELECT size, received, expires, account, device FROM files WHERE file = $1 FOR NO KEY UPDATE",
            &[&id],
        )
        .await?;
    let same_id = same_id.map(|row| {
        let (account, device) = (column(&row, 3)?, column(&row, 4)?);
        Ok::<_, Fault>((AccountId::new(account), DeviceId::new(device), facts(&row)?))
    });
    let taken = link
        .row(
            "SELECT coalesce(sum(size), 0)::bigint, count(*) FILTER (WHERE device = $2 AND received < size)
             FROM files WHERE account = $1",
            &[&account, &device],
        )
        .await?
        .ok_or(Fault::Data("a sum is missing"))?;
    let met = Met {
        same_id: same_id.transpose()?,
        of_account: column(&taken, 0)?,
        in_total,
        unfinished: column(&taken, 1)?,
    };
    if let Some(begun) = new.meets(&met, books.now()) {
        return Ok(begun);
    }
    link.run(
        "INSERT INTO files (file, account, device, size, received, expires) VALUES ($1, $2, $3, $4, 0, $5)",
        &[&id, &account, &device, &number(new.size), &number(new.expires)],
    )
    .await?;
    link.run("UPDATE file_room SET bytes = bytes + $1", &[&number(new.size)])
        .await?;
    Ok(Begun::Ready(new.facts()))
}

pub(super) async fn received(books: &Books, progress: &Progress) -> Result<bool, Fault> {
    let moved = books
        .link()?
        .run(
            "UPDATE files SET received = $3, expires = $4
             WHERE file = $1 AND received = $2 AND expires > $5 AND size >= $3",
            &[
                &&progress.file.as_bytes()[..],
                &number(progress.from),
                &number(progress.to),
                &number(progress.expires),
                &number(books.now()),
            ],
        )
        .await?;
    Ok(moved == 1)
}

pub(super) async fn end(books: &Books, file: &FileId, account: &AccountId) -> Result<bool, Fault> {
    let ended = books
        .link()?
        .run(
            "UPDATE files SET expires = 0 WHERE file = $1 AND account = $2",
            &[&&file.as_bytes()[..], &&account.as_bytes()[..]],
        )
        .await?;
    Ok(ended == 1)
}

pub(super) async fn forget(books: &Books, files: &[FileId]) -> Result<(), Fault> {
    let files: Vec<&[u8]> = files.iter().map(|file| &file.as_bytes()[..]).collect();
    let link = books.link()?;
    // First, as whoever makes room does.
    link.row("SELECT bytes FROM file_room WHERE single FOR UPDATE", &[])
        .await?;
    link.run(
        "WITH gone AS (
           DELETE FROM files f USING unnest($1::bytea[]) AS n (file) WHERE f.file = n.file AND f.expires <= $2
           RETURNING f.size)
         UPDATE file_room SET bytes = greatest(bytes - (SELECT coalesce(sum(size), 0)::bigint FROM gone), 0)",
        &[&files, &number(books.now())],
    )
    .await
    .map(drop)
}

pub(super) async fn strays(books: &Books, files: &[FileId], before: u64) -> Result<Vec<FileId>, Fault> {
    let files: Vec<&[u8]> = files.iter().map(|file| &file.as_bytes()[..]).collect();
    let rows = books
        .link()?
        .rows(
            "WITH noted AS (
               INSERT INTO stray_files AS s (file, seen) SELECT n.file, $2 FROM unnest($1::bytea[]) AS n (file)
               ON CONFLICT (file) DO UPDATE SET seen = s.seen
               RETURNING file, seen)
             SELECT file FROM noted WHERE seen < $3",
            &[&files, &number(books.now()), &number(before)],
        )
        .await?;
    rows.iter().map(|row| column(row, 0).map(FileId::new)).collect()
}

pub(super) async fn forget_strays(books: &Books, files: &[FileId]) -> Result<(), Fault> {
    let files: Vec<&[u8]> = files.iter().map(|file| &file.as_bytes()[..]).collect();
    books
        .link()?
        .run(
            "DELETE FROM stray_files s USING unnest($1::bytea[]) AS n (file) WHERE s.file = n.file",
            &[&files],
        )
        .await
        .map(drop)
}

pub(super) async fn file(link: &Link, file: &FileId, now: u64) -> Result<Option<FileFacts>, Fault> {
    let row = link
        .row(
            "SELECT size, received, expires FROM files WHERE file = $1 AND expires > $2",
            &[&&file.as_bytes()[..], &number(now)],
        )
        .await?;
    row.as_ref().map(facts).transpose()
}

pub(super) async fn ended(
    link: &Link,
    after: Option<FileId>,
    limit: usize,
    now: u64,
) -> Result<Vec<FileId>, Fault> {
    let after = after.as_ref().map_or(&[][..], |file| &file.as_bytes()[..]);
    let rows = link
        .rows(
            "SELECT file FROM files WHERE expires <= $1 AND file > $2 ORDER BY file LIMIT $3",
            &[&number(now), &after, &number(limit as u64)],
        )
        .await?;
    rows.iter().map(|row| column(row, 0).map(FileId::new)).collect()
}

pub(super) async fn unknown(link: &Link, files: Vec<FileId>) -> Result<Vec<FileId>, Fault> {
    let files: Vec<&[u8]> = files.iter().map(|file| &file.as_bytes()[..]).collect();
    let rows = link
        .rows(
            "SELECT n.file FROM unnest($1::bytea[]) AS n (file)
             WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.file = n.file)",
            &[&files],
        )
        .await?;
    rows.iter().map(|row| column(row, 0).map(FileId::new)).collect()
}

pub(super) async fn kept(link: &Link) -> Result<FilesKept, Fault> {
    let row = link
        .row("SELECT (SELECT count(*) FROM files), bytes FROM file_room", &[])
        .await?
        .ok_or(Fault::Data("the row of the files' room is missing"))?;
    Ok(FilesKept {
        count: column(&row, 0)?,
        bytes: column(&row, 1)?,
    })
}

fn facts(row: &Row) -> Result<FileFacts, Fault> {
    Ok(FileFacts {
        size: column(row, 0)?,
        received: column(row, 1)?,
        expires: column(row, 2)?,
    })
}
