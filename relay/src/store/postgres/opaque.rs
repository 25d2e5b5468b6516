//! Logs that the relay cannot read. A log's row is its lock.

use chopar_wire::ids::OpaqueLogId;
use prost::bytes::Bytes;
use tokio_postgres::Row;

use super::books::Books;
use super::link::{Fault, Link, column, number};
use crate::store::{OpaqueAppend, OpaqueAppended, OpaqueHead, OpaquePage, OpaquePlace};

pub(super) async fn append(books: &Books, append: &OpaqueAppend) -> Result<OpaqueAppended, Fault> {
    let link = books.link()?;
    let log = &append.log.as_bytes()[..];
    let known = link
        .row(
            "SELECT length, hash, write_key, bytes FROM opaque_logs WHERE log = $1 FOR UPDATE",
            &[&log],
        )
        .await?;
    let known = known.map(|row| Ok::<_, Fault>((head_in(&row)?, column::<u64>(&row, 3)?)));
    let held = match append.follow(known.transpose()?) {
        Ok(held) => held,
        Err(refused) => return Ok(refused),
    };
    let head = &append.head;
    let sql = match append.parent {
        Some(_) => {
            "WITH moved AS (
               UPDATE opaque_logs SET length = $2, bytes = $3, hash = $4, write_key = $5 WHERE log = $1 RETURNING log)
             INSERT INTO opaque_appends (log, position, hash, signed) SELECT log, $2 - 1, $4, $6 FROM moved"
        }
        // Another node may be beginning it at this moment: who comes second finds a log that is not theirs to begin.
        None => {
            "WITH begun AS (
               INSERT INTO opaque_logs (log, length, bytes, hash, write_key) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT DO NOTHING RETURNING log)
             INSERT INTO opaque_appends (log, position, hash, signed) SELECT log, $2 - 1, $4, $6 FROM begun"
        }
    };
    let written = link
        .run(
            sql,
            &[
                &log,
                &i64::from(head.length),
                &number(held),
                &&head.hash[..],
                &&head.write_key[..],
                &&append.signed[..],
            ],
        )
        .await?;
    Ok(match written {
        0 => OpaqueAppended::Conflict,
        _ => OpaqueAppended::Done,
    })
}

pub(super) async fn head(link: &Link, log: &OpaqueLogId) -> Result<Option<OpaqueHead>, Fault> {
    let row = link
        .row(
            "SELECT length, hash, write_key FROM opaque_logs WHERE log = $1",
            &[&&log.as_bytes()[..]],
        )
        .await?;
    row.as_ref().map(head_in).transpose()
}

fn head_in(row: &Row) -> Result<OpaqueHead, Fault> {
    Ok(OpaqueHead {
        length: column(row, 0)?,
        hash: column(row, 1)?,
        write_key: column(row, 2)?,
    })
}

pub(super) async fn page(
    link: &Link,
    log: &OpaqueLogId,
    from: OpaquePlace,
    bytes: usize,
) -> Result<Option<OpaquePage>, Fault> {
    let Some(OpaqueHead { length, .. }) = head(link, log).await? else {
        return Ok(None);
    };
    let from = match from {
        OpaquePlace::Position(position) => position,
        OpaquePlace::After(None) => 0,
        OpaquePlace::After(Some(hash)) => position_after(link, log, &hash).await?,
    };
    // What is below the head never changes, so a head read a moment ago still fits. Nothing is read beyond what fits but one
    // append, of a log that may be much longer.
    let rows = link
        .rows(
            "SELECT signed FROM (
               SELECT position, signed, sum(octet_length(signed)) OVER (ORDER BY position) - octet_length(signed) AS before
               FROM opaque_appends WHERE log = $1 AND position >= $2 AND position < $3) p
             WHERE before <= $4 ORDER BY position",
            &[
                &&log.as_bytes()[..],
                &i64::from(from),
                &i64::from(length),
                &number(bytes as u64),
            ],
        )
        .await?;
    let mut appends = Vec::with_capacity(rows.len());
    let mut held = 0;
    for row in &rows {
        let signed: Bytes = column(row, 0)?;
        held += signed.len();
        if held > bytes && !appends.is_empty() {
            break;
        }
        appends.push(signed);
    }
    Ok(Some(OpaquePage {
        from,
        appends,
        length,
    }))
}

/// Where what follows an append stands; 0 where the log holds no such append. The log is bounded, and this is asked by who
/// lost a race: no index is kept for it.
async fn position_after(link: &Link, log: &OpaqueLogId, hash: &[u8; 32]) -> Result<u32, Fault> {
    let row = link
        .row(
            "SELECT position + 1 FROM opaque_appends WHERE log = $1 AND hash = $2 ORDER BY position DESC LIMIT 1",
            &[&&log.as_bytes()[..], &&hash[..]],
        )
        .await?;
    Ok(row.map(|row| column(&row, 0)).transpose()?.unwrap_or(0))
}
