//! History files: chunks that nobody wrote, and records that no export has.

use std::sync::LazyLock;

use chopar_e2ee::fixture::rng;
use chopar_e2ee::history::{HistoryHeader, HistoryOpener, HistorySealer};
use chopar_e2ee::recovery::{AccountSecrets, RecoveryKey};

/// What the file of the scene holds.
const RECORD: &[u8] = b"salom";

/// A file of one chunk, and what opens it.
pub struct HistoryScene {
    secrets: AccountSecrets,
    /// The whole file.
    pub file: Vec<u8>,
}

/// Always the same.
pub static HISTORY: LazyLock<HistoryScene> = LazyLock::new(HistoryScene::new);

impl HistoryScene {
    #[allow(
        clippy::unwrap_used,
        reason = "made of its own valid parts; a failure is a mistake in the target"
    )]
    fn new() -> Self {
        let mut rng = rng(31);
        let secrets = RecoveryKey::random(&mut rng).account();
        let mut sealer = HistorySealer::new(&secrets.recovery_keys(), &mut rng).unwrap();
        let mut file = sealer.header().to_bytes();
        file.extend(sealer.put(RECORD).unwrap());
        file.extend(sealer.finish());
        Self { secrets, file }
    }
}

/// A history file: only the one that was written is whole.
pub fn history_file(bytes: &[u8]) -> bool {
    let scene = &*HISTORY;
    let Ok(header) = HistoryHeader::parse(bytes) else {
        return false;
    };
    assert_eq!(header.to_bytes(), bytes[..HistoryHeader::LEN]);
    let Ok(mut opener) = HistoryOpener::new(&header, &scene.secrets) else {
        return false;
    };
    let chunks = HistoryOpener::chunks(bytes.len() as u64).unwrap_or(0);
    let mut records = Vec::new();
    for (number, chunk) in (1..).zip(bytes[HistoryHeader::LEN..].chunks(HistoryOpener::STORED)) {
        if opener.take(chunk, number == chunks).is_err() && opener.leave_out(number == chunks).is_err() {
            break;
        }
        while let Ok(Some(record)) = opener.record() {
            records.push(record.to_vec());
        }
    }
    assert!(records.iter().all(|record| record == RECORD), "a forged record");
    let whole = opener.finish().is_ok() && records.len() == 1;
    assert!(!whole || bytes == scene.file, "a forged file");
    whole
}
