//! The audit log's rows, written in the transaction of what they record: all records of a transaction together, before its
//! commit.

use prost::bytes::Bytes;
use tokio_postgres::Row as SqlRow;

use super::books::Books;
use super::link::{Fault, Link, column, number};
use crate::audit::chain::{self, CHECKPOINT_EVERY_MS, Row, SIGN_INS_KEPT_MS, Tip};
use crate::audit::node::NodeId;

/// Sign-ins that one call deletes: keeps the writer free for others.
const PRUNE_ROWS: i64 = 500;

/// Adds what the transaction did to this node's chain: the last thing before its commit. The chain's row is locked then, for
/// commands beside the relay write to the same chain; another program that begins it at the same moment collides with this one
/// at the first number, and one of the two is done again.
pub(super) async fn write(books: &mut Books) -> Result<(), Fault> {
    let records = books.take_records();
    if records.is_empty() {
        return Ok(());
    }
    let (link, id, now) = (books.link()?, books.node.id(), books.now());
    let node = &id.0[..];
    let row = link
        .row(
            "SELECT number, hash, kept FROM audit_chains WHERE node = $1 FOR UPDATE",
            &[&node],
        )
        .await?;
    let mut end = row.map(|row| tip(&row, 0)).transpose()?;
    let mut fresh = Vec::with_capacity(records.len());
    for record in records {
        let made = chain::links(&books.node, end, now, record);
        end = made.last().map(|link| link.tip);
        fresh.extend(made);
    }
    let Some(end) = end else { return Ok(()) };
    let (mut numbers, mut times, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hashes, mut bodies) = (Vec::new(), Vec::new());
    for link in &fresh {
        numbers.push(number(link.row.number));
        times.push(number(link.time));
        kept.push(link.kept);
        hashes.push(&link.row.hash[..]);
        bodies.push(&link.row.record[..]);
    }
    link.run(
        "INSERT INTO audit (node, number, time, kept, hash, record) SELECT $1, n.number, n.time, n.kept, n.hash, n.record
         FROM unnest($2::bigint[], $3::bigint[], $4::boolean[], $5::bytea[], $6::bytea[])
           AS n (number, time, kept, hash, record)",
        &[&node, &numbers, &times, &kept, &hashes, &bodies],
    )
    .await?;
    link.run(
        "INSERT INTO audit_chains (node, number, hash, kept) VALUES ($1, $2, $3, $4)
         ON CONFLICT (node) DO UPDATE SET number = $2, hash = $3, kept = $4",
        &[&node, &number(end.number), &&end.hash[..], &&end.kept[..]],
    )
    .await
    .map(drop)
}

/// Deletes a bounded part of old sign-ins, behind a checkpoint; `true`: there is more.
pub(super) async fn prune(books: &mut Books) -> Result<bool, Fault> {
    let (link, node, now) = (books.link()?, books.node.id(), books.now());
    let node = &node.0[..];
    let known = link
        .row(
            "SELECT checkpoint, checked FROM audit_chains WHERE node = $1",
            &[&node],
        )
        .await?;
    let Some(known) = known else { return Ok(false) };
    let (mut until, checked): (u64, u64) = (column(&known, 0)?, column(&known, 1)?);
    if now >= checked.saturating_add(CHECKPOINT_EVERY_MS)
        && let Some((last, hash)) =
            last_old_sign_in(&link, node, now.saturating_sub(SIGN_INS_KEPT_MS)).await?
    {
        let made = chain::checkpoint(&books.node, last, hash, now);
        books.record(made);
        link.run(
            "UPDATE audit_chains SET checkpoint = $2, checked = $3 WHERE node = $1",
            &[&node, &number(last), &number(now)],
        )
        .await?;
        until = last;
    }
    let deleted = link
        .run(
            "DELETE FROM audit a USING
               (SELECT number FROM audit WHERE node = $1 AND NOT kept AND number <= $2 ORDER BY number LIMIT $3) n
             WHERE a.node = $1 AND a.number = n.number",
            &[&node, &number(until), &PRUNE_ROWS],
        )
        .await?;
    Ok(number(deleted) == PRUNE_ROWS)
}

async fn last_old_sign_in(link: &Link, node: &[u8], before: u64) -> Result<Option<(u64, [u8; 32])>, Fault> {
    let row = link
        .row(
            "SELECT number, hash FROM audit WHERE node = $1 AND NOT kept AND time <= $2 ORDER BY number DESC LIMIT 1",
            &[&node, &number(before)],
        )
        .await?;
    row.map(|row| Ok((column(&row, 0)?, column(&row, 1)?)))
        .transpose()
}

pub(super) async fn page(link: &Link, node: NodeId, after: u64, count: usize) -> Result<Vec<Row>, Fault> {
    let rows = link
        .rows(
            "SELECT number, hash, record FROM audit WHERE node = $1 AND number > $2 ORDER BY number LIMIT $3",
            &[&&node.0[..], &number(after), &number(count as u64)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Row {
                number: column(row, 0)?,
                hash: column(row, 1)?,
                record: column::<Bytes>(row, 2)?,
            })
        })
        .collect()
}

/// All chains with their ends, in the order of names.
pub(super) async fn chains(link: &Link) -> Result<Vec<(NodeId, Tip)>, Fault> {
    let rows = link
        .rows(
            "SELECT node, number, hash, kept FROM audit_chains ORDER BY node",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((NodeId(column(row, 0)?), tip(row, 1)?)))
        .collect()
}

fn tip(row: &SqlRow, first: usize) -> Result<Tip, Fault> {
    Ok(Tip {
        number: column(row, first)?,
        hash: column(row, first + 1)?,
        kept: column(row, first + 2)?,
    })
}
