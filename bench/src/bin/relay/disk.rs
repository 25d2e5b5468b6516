//! How long the disk takes to keep a few pages: no commit is faster, and no message.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

/// Bytes kept at once: four pages, as a small commit writes them.
const PIECE: usize = 16 * 1024;
/// Pieces of the file: it is written over as a write-ahead log is, not grown.
const PIECES: usize = 256;

/// Milliseconds of each wait for the disk that holds `folder`.
pub(crate) fn waits(folder: &Path) -> Result<Vec<f64>> {
    let path = folder.join("disk-probe");
    let mut file = File::create(&path)?;
    file.write_all(&vec![0; PIECE * PIECES])?;
    file.sync_all()?;
    let mut waits = Vec::with_capacity(PIECES);
    for piece in 0..PIECES {
        file.seek(SeekFrom::Start((piece * PIECE) as u64))?;
        file.write_all(&[0x5a; PIECE])?;
        let begun = Instant::now();
        file.sync_data()?;
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    drop(file);
    std::fs::remove_file(path)?;
    Ok(waits)
}
