//! Facts about the running relay for the commands beside it, and the write that proves that the store can write.

use super::books::Books;
use super::link::{Fault, Link, column};
use crate::store::Fact;

/// Bytes that a probe writes: twice the largest message (P-083), so that a store is found out before it refuses one.
const PROBE_BYTES: usize = 32 * 1024;

pub(super) async fn set(books: &Books, fact: Fact, value: &str) -> Result<(), Fault> {
    books
        .link()?
        .run(
            "INSERT INTO facts AS f (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = $2 WHERE f.value <> $2",
            &[&fact.name(), &value],
        )
        .await
        .map(drop)
}

/// Writes a row of two messages' size beside those before and then deletes these: both have to find room.
pub(super) async fn probe(books: &Books) -> Result<(), Fault> {
    let link = books.link()?;
    let body = vec![0u8; PROBE_BYTES];
    let row = link
        .row("INSERT INTO probe (body) VALUES ($1) RETURNING number", &[&body])
        .await?
        .ok_or(Fault::Data("a probe was not written"))?;
    let number: u64 = column(&row, 0)?;
    link.run(
        "DELETE FROM probe WHERE number < $1",
        &[&super::link::number(number)],
    )
    .await
    .map(drop)
}

pub(super) async fn read(link: &Link, fact: Fact) -> Result<Option<String>, Fault> {
    let row = link
        .row("SELECT value FROM facts WHERE name = $1", &[&fact.name()])
        .await?;
    row.map(|row| column(&row, 0)).transpose()
}
