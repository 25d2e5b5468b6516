//! A file while it is written: its bytes are the browser's, a piece at a time, and not this page's memory.

use web_sys::Blob;

use crate::platform::{Exception, blobs};

/// Bytes that are handed over at once.
const PIECE: usize = 1024 * 1024;

/// What was written so far.
#[derive(Default)]
pub(super) struct Pieces {
    open: Vec<u8>,
    blobs: Vec<Blob>,
}

impl Pieces {
    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Exception> {
        self.open.extend_from_slice(bytes);
        if self.open.len() >= PIECE {
            self.hand_over()?;
        }
        Ok(())
    }

    /// Appends what another file is.
    pub(super) fn append(&mut self, blob: Blob) -> Result<(), Exception> {
        self.hand_over()?;
        self.blobs.push(blob);
        Ok(())
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> Result<Blob, Exception> {
        self.hand_over()?;
        blobs::join(&self.blobs)
    }

    fn hand_over(&mut self) -> Result<(), Exception> {
        if !self.open.is_empty() {
            self.blobs.push(blobs::of_bytes(&self.open)?);
            self.open.clear();
        }
        Ok(())
    }
}
