//! Bytes of files in the database, for several nodes: rows of one size, over connections of their own, so that a file does
//! not hold up messages.
//!
//! Nothing here waits for the disk (`Target::lazy`): what counts of an upload is how far it came, and that is committed by the
//! writer, after these commits and with the disk's word for all before it. A row is written once and stays as it is.

use std::sync::Arc;

use chopar_wire::ids::FileId;
use prost::bytes::Bytes;

use super::link::{Fault, Link, column, number};
use super::readers::Readers;
use super::target::{PostgresUrl, Target};
use crate::files::bodies::{Bodies, PART};
use crate::store::Answer;

/// Bytes of files in PostgreSQL.
pub(crate) struct FileParts(Arc<Readers>);

impl FileParts {
    pub(crate) fn new(url: &PostgresUrl) -> Self {
        Self(Arc::new(Readers::new(Target::lazy(url, "files"))))
    }
}

impl Bodies for FileParts {
    fn write(&self, file: FileId, offset: u64, bytes: Bytes) -> Answer<bool> {
        self.0
            .run(move |link| Box::pin(async move { write(link, &file, offset, &bytes).await }))
    }

    fn settle(&self, _: FileId) -> Answer<()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// The writer's word that all of it came is what finishes it.
    fn finish(&self, _: FileId) -> Answer<()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn read(&self, file: FileId, offset: u64, most: usize) -> Answer<Option<Bytes>> {
        self.0
            .run(move |link| Box::pin(async move { read(link, &file, offset, most).await }))
    }

    fn delete(&self, file: FileId) -> Answer<()> {
        self.0.run(move |link| {
            Box::pin(async move {
                link.run("DELETE FROM file_parts WHERE file = $1", &[&&file.as_bytes()[..]])
                    .await
                    .map(drop)
            })
        })
    }

    /// A part belongs to a file that is known: the database sees to it.
    fn shelf(&self, _: u8) -> Answer<Vec<FileId>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// `false`: what lies before is not there, or nothing is known of the file. A row that is there stays as it is: it is locked and
/// counted, no more.
async fn write(link: &Link, file: &FileId, offset: u64, bytes: &[u8]) -> Result<bool, Fault> {
    let part = number(offset / PART as u64);
    let written = link
        .run(
            "INSERT INTO file_parts (file, number, body)
             SELECT $1::bytea, $2::bigint, $3::bytea
             WHERE EXISTS (SELECT 1 FROM files f WHERE f.file = $1)
               AND ($2 = 0 OR EXISTS (SELECT 1 FROM file_parts b WHERE b.file = $1 AND b.number = $2 - 1))
             ON CONFLICT (file, number) DO UPDATE SET number = excluded.number",
            &[&&file.as_bytes()[..], &part, &bytes],
        )
        .await?;
    Ok(written == 1)
}

async fn read(link: &Link, file: &FileId, offset: u64, most: usize) -> Result<Option<Bytes>, Fault> {
    let (part, within) = (offset / PART as u64, offset % PART as u64);
    let row = link
        .row(
            "SELECT substring(p.body FROM $3::int FOR $4::int) FROM file_parts p JOIN files f ON f.file = p.file
             WHERE p.file = $1 AND p.number = $2 AND f.received = f.size",
            &[
                &&file.as_bytes()[..],
                &number(part),
                &(within as i32 + 1),
                &i32::try_from(most).unwrap_or(i32::MAX),
            ],
        )
        .await?;
    row.map(|row| column(&row, 0)).transpose()
}
