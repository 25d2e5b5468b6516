//! Prekeys: one bundle and a pool of one-time pairs for each device. The device's mailbox is the lock of its pool.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::limits::ONE_TIME_POOL;
use prost::bytes::Bytes;

use super::books::Books;
use super::link::{Fault, Link, column, number};
use crate::store::Claim;

pub(super) async fn publish_bundle(
    books: &Books,
    device: DeviceId,
    sequence: u64,
    bundle: &[u8],
) -> Result<bool, Fault> {
    let written = books
        .link()?
        .run(
            "INSERT INTO bundles AS b (device, sequence, bundle) VALUES ($1, $2, $3)
             ON CONFLICT (device) DO UPDATE SET sequence = $2, bundle = $3 WHERE b.sequence < $2",
            &[&&device.as_bytes()[..], &number(sequence), &bundle],
        )
        .await?;
    Ok(written > 0)
}

pub(super) async fn add_one_time(
    books: &Books,
    device: DeviceId,
    pairs: &[(u32, Bytes)],
) -> Result<Option<usize>, Fault> {
    let link = books.link()?;
    let id = &device.as_bytes()[..];
    lock(&link, id).await?;
    let (ids, bodies): (Vec<i64>, Vec<&[u8]>) =
        pairs.iter().map(|(id, pair)| (i64::from(*id), &pair[..])).unzip();
    let fresh: usize = link
        .value(
            "SELECT count(DISTINCT n.id) FROM unnest($2::bigint[]) AS n (id)
             WHERE NOT EXISTS (SELECT 1 FROM one_time o WHERE o.device = $1 AND o.id = n.id)",
            &[&id, &ids],
        )
        .await?;
    let size = pool_size(&link, id).await? + fresh;
    if size > ONE_TIME_POOL {
        return Ok(None);
    }
    link.run(
        "INSERT INTO one_time (device, id, pair) SELECT $1, n.id, n.pair
         FROM unnest($2::bigint[], $3::bytea[]) AS n (id, pair) ON CONFLICT DO NOTHING",
        &[&id, &ids, &bodies],
    )
    .await?;
    Ok(Some(size))
}

pub(super) async fn claim(books: &Books, account: &AccountId, device: DeviceId) -> Result<Claim, Fault> {
    let link = books.link()?;
    let id = &device.as_bytes()[..];
    lock(&link, id).await?;
    let active: bool = link
        .value(
            "SELECT EXISTS (SELECT 1 FROM devices WHERE device = $1 AND account = $2 AND active)",
            &[&id, &&account.as_bytes()[..]],
        )
        .await?;
    if !active {
        return Ok(Claim::NoDevice);
    }
    let Some(base) = link
        .row("SELECT bundle FROM bundles WHERE device = $1", &[&id])
        .await?
    else {
        return Ok(Claim::NoBundle);
    };
    let oldest = link
        .row(
            "DELETE FROM one_time WHERE device = $1 AND id =
               (SELECT id FROM one_time WHERE device = $1 ORDER BY number LIMIT 1) RETURNING pair",
            &[&id],
        )
        .await?;
    Ok(Claim::Bundle {
        base: column(&base, 0)?,
        one_time: oldest.map(|row| column(&row, 0)).transpose()?,
        left: pool_size(&link, id).await?,
    })
}

/// One node at a time counts a pool and takes from it.
async fn lock(link: &Link, device: &[u8]) -> Result<(), Fault> {
    link.row(
        "SELECT last_seq FROM mailboxes WHERE device = $1 FOR UPDATE",
        &[&device],
    )
    .await
    .map(drop)
}

async fn pool_size(link: &Link, device: &[u8]) -> Result<usize, Fault> {
    link.value("SELECT count(*) FROM one_time WHERE device = $1", &[&device])
        .await
}
