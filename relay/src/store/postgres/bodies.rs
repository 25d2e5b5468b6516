//! Bodies that many mailboxes share: how many still wait for each, and the end of those that nobody waits for.
//!
//! The counts are changed last before a commit, all that a transaction took away together and in the order of numbers: so nodes
//! whose devices acknowledge the same message wait for each other's commits, never for each other.

use std::collections::{BTreeMap, HashMap};

use futures_util::future;
use prost::bytes::Bytes;
use tokio_postgres::Row;

use super::link::{Fault, Link, column, number};

/// Takes the counts in their order.
const LOCK: &str = "SELECT r.number FROM unnest($1::bigint[]) AS n (number)
     JOIN body_references r ON r.number = n.number ORDER BY r.number FOR UPDATE OF r";
const LESS: &str = "UPDATE body_references r SET waiting = r.waiting - n.count
     FROM unnest($1::bigint[], $2::bigint[]) AS n (number, count) WHERE r.number = n.number";
const DELETE: &str = "DELETE FROM bodies b USING unnest($1::bigint[]) AS n (number)
     JOIN body_references r ON r.number = n.number WHERE b.number = n.number AND r.waiting <= 0";
const FORGET: &str = "DELETE FROM body_references r USING unnest($1::bigint[]) AS n (number)
     WHERE r.number = n.number AND r.waiting <= 0";

/// What is sent without waiting for the answer before.
pub(super) const STATEMENTS: [&str; 4] = [LOCK, LESS, DELETE, FORGET];

/// References that a transaction took away, by the body's number.
#[derive(Default)]
pub(super) struct Released(BTreeMap<u64, u64>);

impl Released {
    pub(super) fn add(&mut self, body: u64, count: u64) {
        *self.0.entry(body).or_insert(0) += count;
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Takes what was released off the counts and deletes bodies that nobody waits for; sent when first polled.
pub(super) async fn settle(link: &Link, released: &Released) -> Result<(), Fault> {
    if released.0.is_empty() {
        return Ok(());
    }
    let (numbers, counts): (Vec<i64>, Vec<i64>) = released
        .0
        .iter()
        .map(|(body, count)| (number(*body), number(*count)))
        .unzip();
    let (locked, less, deleted, forgotten) = future::join4(
        link.rows(LOCK, &[&numbers]),
        link.run(LESS, &[&numbers, &counts]),
        link.run(DELETE, &[&numbers]),
        link.run(FORGET, &[&numbers]),
    )
    .await;
    locked?;
    less?;
    deleted?;
    forgotten.map(drop)
}

/// Bodies by their numbers; those that are gone are left out.
pub(super) async fn read(link: &Link, shared: &[Option<u64>]) -> Result<HashMap<u64, Bytes>, Fault> {
    let numbers: Vec<i64> = shared.iter().flatten().copied().map(number).collect();
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = link
        .rows(
            "SELECT number, body FROM bodies WHERE number = ANY ($1)",
            &[&numbers],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((column(row, 0)?, column(row, 1)?)))
        .collect()
}

/// Reads `shared, count(*)` from the rows of a deletion.
pub(super) fn released(rows: &[Row]) -> Result<Vec<(u64, u64)>, Fault> {
    rows.iter()
        .map(|row| Ok((column(row, 0)?, column(row, 1)?)))
        .collect()
}
