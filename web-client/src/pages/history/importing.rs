//! A file that the recovery key opens, read and handed to the engine a few hundred records at a time. What was handed over is kept,
//! whatever comes after: the same file again goes on.

use chopar_e2ee::history::{HistoryHeader, HistoryOpener, OpenError};
use chopar_e2ee::recovery::RecoveryKey;
use chopar_engine::{Answer, Failure, Imported, Intent};
use leptos::prelude::*;
use web_sys::Blob;

use super::job::{Job, Stop, failed};
use crate::platform::blobs;
use crate::state::App;

/// Records that are handed over at once, and their bytes.
const BATCH: usize = 250;
const BATCH_BYTES: usize = 256 * 1024;

/// Which device wrote the file, and when: shown while it is read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// As it was called.
    pub(super) device: String,
    /// The day, in words.
    pub(super) day: String,
    /// It was removed since.
    pub(super) revoked: bool,
}

/// What was read.
#[derive(Default)]
pub(super) struct Read {
    /// What became of it.
    pub(super) imported: Imported,
    /// Parts of the file that are damaged and were left out.
    pub(super) damaged: u64,
}

/// The records between the file and the engine.
#[derive(Default)]
struct Batch {
    records: Vec<Vec<u8>>,
    bytes: usize,
}

/// Reads a file with a key as somebody typed it.
pub(super) async fn import(
    app: App,
    file: &Blob,
    typed: &str,
    job: &Job,
    source: ArcRwSignal<Option<Source>>,
) -> Result<Read, Stop> {
    let secrets = RecoveryKey::parse(typed)
        .map_err(|_| Stop::Failed(Failure::RecoveryKeyMistyped))?
        .account();
    let size = blobs::size(file);
    let header = HistoryHeader::parse(&blobs::read(file, 0, HistoryHeader::LEN as u64).await?)?;
    let mut opener = HistoryOpener::new(&header, &secrets)?;
    drop(secrets);
    let whole = HistoryOpener::chunks(size).is_ok();
    let chunks = size.saturating_sub(HistoryHeader::LEN as u64) / HistoryOpener::STORED as u64;
    let mut read = Read::default();
    let mut batch = Batch::default();
    let mut begun = false;
    for number in 0..chunks {
        job.go_on(number, chunks)?;
        let from = HistoryHeader::LEN as u64 + number * HistoryOpener::STORED as u64;
        let chunk = blobs::read(file, from, from + HistoryOpener::STORED as u64).await?;
        let last = whole && number + 1 == chunks;
        match opener.take(&chunk, last) {
            Ok(()) => {}
            // What is there is read; that it ends too early is said at the end.
            Err(OpenError::Truncated) if last => opener.take(&chunk, false)?,
            Err(OpenError::Altered(_)) if begun => {
                opener.leave_out(last)?;
                read.damaged += 1;
            }
            Err(error) => return Err(error.into()),
        }
        while let Some(record) = opener.record()? {
            if begun {
                batch.bytes += record.len();
                batch.records.push(record.to_vec());
            } else {
                begun = true;
                let first = record.to_vec();
                source.set(Some(judge(app, header.digest(), first).await?));
            }
            if batch.records.len() >= BATCH || batch.bytes >= BATCH_BYTES {
                hand_over(app, &mut batch, &mut read.imported).await?;
            }
        }
    }
    hand_over(app, &mut batch, &mut read.imported).await?;
    opener.finish()?;
    if begun {
        Ok(read)
    } else {
        Err(OpenError::Malformed.into())
    }
}

async fn judge(app: App, header: [u8; 32], first: Vec<u8>) -> Result<Source, Stop> {
    match app.client.ask(Intent::ReadHistory { header, first }).await {
        Answer::HistoryOf {
            device,
            time,
            revoked,
        } => Ok(Source {
            device,
            day: app.clock().date(time),
            revoked,
        }),
        other => Err(failed(&other)),
    }
}

async fn hand_over(app: App, batch: &mut Batch, sum: &mut Imported) -> Result<(), Stop> {
    let records = std::mem::take(batch).records;
    if records.is_empty() {
        return Ok(());
    }
    match app.client.ask(Intent::ImportHistory { records }).await {
        Answer::HistoryTaken(imported) => {
            sum.added += imported.added;
            sum.known += imported.known;
            sum.left += imported.left;
            Ok(())
        }
        other => Err(failed(&other)),
    }
}
