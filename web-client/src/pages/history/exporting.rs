//! All of it into a file that the recovery key opens.

use chopar_e2ee::history::HistorySealer;
use chopar_engine::{Answer, Failure, Intent};
use chopar_identity::{KemPublic1024, RecoveryKeys, X25519Public};
use web_sys::Blob;

use super::job::{Job, Stop, failed};
use super::pieces::Pieces;
use crate::platform::random::system_random;
use crate::state::App;

/// The file.
pub(super) async fn export(app: App, job: &Job) -> Result<Blob, Stop> {
    let (recovery, of) = match app.client.ask(Intent::BeginHistory).await {
        Answer::HistoryBegun { recovery, lines } => (recovery, lines),
        other => return Err(failed(&other)),
    };
    let unusable = Stop::Failed(Failure::Browser);
    let Some(keys) = recovery_keys(&recovery) else {
        return Err(unusable);
    };
    let Ok(mut sealer) = HistorySealer::new(&keys, &mut system_random()) else {
        return Err(unusable);
    };
    let mut file = Pieces::default();
    file.push(&sealer.header().to_bytes())?;
    let header = sealer.header().digest();
    let first = match app.client.ask(Intent::SignHistory { header }).await {
        Answer::HistorySigned(record) => record,
        other => return Err(failed(&other)),
    };
    let put = |file: &mut Pieces, sealer: &mut HistorySealer, record: &[u8]| -> Result<(), Stop> {
        let sealed = sealer.put(record).map_err(|_| Stop::Failed(Failure::Browser))?;
        Ok(file.push(&sealed)?)
    };
    put(&mut file, &mut sealer, &first)?;
    let (mut lines, mut after) = (0, None);
    loop {
        let (records, next) = match app.client.ask(Intent::ExportHistory { after }).await {
            Answer::HistoryPart { records, next } => (records, next),
            other => return Err(failed(&other)),
        };
        for record in &records {
            put(&mut file, &mut sealer, record)?;
        }
        // A part is a person, or some lines.
        lines += records.len() as u64;
        job.go_on(lines.min(of), of)?;
        after = next;
        if after.is_none() {
            break;
        }
    }
    file.push(&sealer.finish())?;
    Ok(file.finish()?)
}

fn recovery_keys(bytes: &[u8]) -> Option<RecoveryKeys> {
    let (x25519, kem) = bytes.split_at_checked(32)?;
    Some(RecoveryKeys {
        x25519: X25519Public::parse(x25519).ok()?,
        kem: KemPublic1024::parse(kem).ok()?,
    })
}
