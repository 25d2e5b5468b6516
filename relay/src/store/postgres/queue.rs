//! Queues: reading and expiry. What is written to them is in `batch`.

use chopar_wire::ids::{DeviceId, EnvelopeId};
use prost::bytes::Bytes;

use super::books::Books;
use super::link::{Fault, Link, column, number};
use super::{bodies, invites};
use crate::store::{QueuePage, Stored};

/// Rows that one sweep deletes: keeps the writer free for others.
const SWEEP_ROWS: i64 = 500;

/// The oldest envelopes after `after`.
pub(super) async fn page(
    link: &Link,
    device: DeviceId,
    after: u64,
    count: usize,
    bytes: usize,
    now: u64,
) -> Result<QueuePage, Fault> {
    // Bodies are not read beyond what fits and one more, which tells that more follows.
    let rows = link
        .rows(
            "SELECT seq, id, accepted, size, shared, body FROM (
               SELECT seq, id, accepted, size, shared, body,
                      (sum(size) OVER (ORDER BY seq))::bigint - size AS before
               FROM (SELECT seq, id, accepted, size, shared, body FROM queue
                     WHERE device = $1 AND seq > $2 AND expires > $3 ORDER BY seq LIMIT $4) p) w
             WHERE before <= $5 ORDER BY seq",
            &[
                &&device.as_bytes()[..],
                &number(after),
                &number(now),
                &number((count as u64).saturating_add(1)),
                &number(bytes as u64),
            ],
        )
        .await?;
    let mut page = QueuePage {
        envelopes: Vec::with_capacity(rows.len()),
        more: false,
    };
    let (mut held, mut shared) = (0usize, Vec::with_capacity(rows.len()));
    for row in &rows {
        let size: usize = column(row, 3)?;
        if (shared.len() == count || held + size > bytes) && !shared.is_empty() {
            page.more = true;
            break;
        }
        held += size;
        shared.push(column(row, 4)?);
    }
    let bodies = bodies::read(link, &shared).await?;
    for (row, shared) in rows.iter().zip(shared) {
        let body: Bytes = match shared {
            None => column(row, 5)?,
            Some(shared) => match bodies.get(&shared) {
                Some(body) => body.clone(),
                // Acknowledged by another connection of the device, or expired, since its row was read.
                None => continue,
            },
        };
        page.envelopes.push(Stored {
            device,
            seq: column(row, 0)?,
            id: EnvelopeId::new(column(row, 1)?),
            accepted: column(row, 2)?,
            body,
        });
    }
    Ok(page)
}

/// Those of the devices for which something waits (true), and those that their owners revoked (false). Of removed accounts the
/// nodes hear as of every act.
pub(super) async fn look(link: &Link, devices: &[DeviceId]) -> Result<Vec<(DeviceId, bool)>, Fault> {
    let devices: Vec<&[u8]> = devices.iter().map(|device| &device.as_bytes()[..]).collect();
    let rows = link
        .rows(
            "SELECT n.device, m.device IS NOT NULL FROM unnest($1::bytea[]) AS n (device)
             LEFT JOIN mailboxes m ON m.device = n.device
             WHERE m.bytes > 0 OR (m.device IS NULL AND EXISTS (
               SELECT 1 FROM devices d JOIN accounts a ON a.account = d.account WHERE d.device = n.device))",
            &[&devices],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((DeviceId::new(column(row, 0)?), column(row, 1)?)))
        .collect()
}

/// Deletes what waits for devices, and the memory of what they got. Their mailboxes are taken, or gone.
pub(super) async fn empty(books: &mut Books, devices: &[&[u8]]) -> Result<(), Fault> {
    let link = books.link()?;
    let shared = link
        .rows(
            "WITH gone AS (
               DELETE FROM queue q USING unnest($1::bytea[]) AS n (device) WHERE q.device = n.device RETURNING q.shared)
             SELECT shared, count(*) FROM gone WHERE shared IS NOT NULL GROUP BY shared",
            &[&devices],
        )
        .await?;
    books.release(&bodies::released(&shared)?);
    link.run(
        "DELETE FROM delivered d USING unnest($1::bytea[]) AS n (device) WHERE d.device = n.device",
        &[&devices],
    )
    .await
    .map(drop)
}

/// Deletes a bounded part of what expired; `true`: there is more.
pub(super) async fn sweep(books: &mut Books) -> Result<bool, Fault> {
    let (link, now) = (books.link()?, number(books.now()));
    // Key: "Chpr", 2. Another node that sweeps at this moment does it for all.
    if !link
        .value::<bool>("SELECT pg_try_advisory_xact_lock(1130918002, 2)", &[])
        .await?
    {
        return Ok(false);
    }
    let expired = link
        .rows(
            "SELECT device, seq FROM queue WHERE expires <= $1 ORDER BY expires LIMIT $2",
            &[&now, &SWEEP_ROWS],
        )
        .await?;
    let more = expired.len() as i64 == SWEEP_ROWS;
    let mut devices: Vec<[u8; DeviceId::LEN]> = Vec::with_capacity(expired.len());
    let mut seqs: Vec<i64> = Vec::with_capacity(expired.len());
    for row in &expired {
        devices.push(column(row, 0)?);
        seqs.push(number(column(row, 1)?));
    }
    let devices: Vec<&[u8]> = devices.iter().map(|device| &device[..]).collect();
    link.rows(
        "SELECT m.device FROM (SELECT DISTINCT device FROM unnest($1::bytea[]) AS u (device)) n
         JOIN mailboxes m ON m.device = n.device ORDER BY m.device FOR UPDATE OF m",
        &[&devices],
    )
    .await?;
    let shared = link
        .rows(
            "WITH gone AS (
               DELETE FROM queue q USING unnest($1::bytea[], $2::bigint[]) AS n (device, seq)
               WHERE q.device = n.device AND q.seq = n.seq RETURNING q.device, q.size, q.shared),
             counted AS (
               UPDATE mailboxes m SET bytes = greatest(m.bytes - g.bytes, 0)
               FROM (SELECT device, sum(size)::bigint AS bytes FROM gone GROUP BY device) g WHERE m.device = g.device)
             SELECT shared, count(*) FROM gone WHERE shared IS NOT NULL GROUP BY shared",
            &[&devices, &seqs],
        )
        .await?;
    books.release(&bodies::released(&shared)?);
    let forgotten = link
        .run(
            "DELETE FROM delivered d USING
               (SELECT device, id FROM delivered WHERE until <= $1 ORDER BY until LIMIT $2) n
             WHERE d.device = n.device AND d.id = n.id",
            &[&now, &SWEEP_ROWS],
        )
        .await?;
    invites::sweep(&link, books.now()).await?;
    Ok(more || number(forgotten) == SWEEP_ROWS)
}
