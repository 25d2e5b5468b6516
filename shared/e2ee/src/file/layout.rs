//! Into which chunks a file is cut: follows from its size alone, so that both ends come to the same.

use super::limits::{BLOCK, CHUNK, MAX_SIZE, MIN_PADDED};
use crate::ratchet::aead::AEAD_TAG;

/// How a file of some size lies in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    size: u64,
    padded: u64,
}

impl Layout {
    /// The layout of a file of so many bytes; `None` above [`MAX_SIZE`].
    pub fn of(size: u64) -> Option<Self> {
        if size > MAX_SIZE {
            return None;
        }
        let mut padded = MIN_PADDED;
        while padded < size {
            padded = (padded + padded / 10).next_multiple_of(BLOCK);
        }
        Some(Self { size, padded })
    }

    /// Bytes of the content.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that are encrypted: the content, and zeros up to one of few sizes. All that the relay learns.
    pub const fn padded(&self) -> u64 {
        self.padded
    }

    /// Number of chunks, at least one.
    pub const fn chunks(&self) -> u32 {
        // Below 2^17 for the largest file.
        self.padded.div_ceil(CHUNK as u64) as u32
    }

    /// Bytes that lie at the relay.
    pub const fn stored(&self) -> u64 {
        self.padded + self.chunks() as u64 * AEAD_TAG as u64
    }

    /// Whether a chunk is the last one.
    pub(super) const fn is_last(&self, chunk: u32) -> bool {
        chunk + 1 == self.chunks()
    }

    /// Bytes that a chunk encrypts; `None` beyond the last one.
    pub(super) fn plain_of(&self, chunk: u32) -> Option<usize> {
        let rest = self.padded.checked_sub(u64::from(chunk) * CHUNK as u64)?;
        let plain = rest.min(CHUNK as u64) as usize;
        (plain > 0).then_some(plain)
    }

    /// Bytes of the content in a chunk: none where it is all padding. `None` beyond the last one.
    pub(super) fn content_of(&self, chunk: u32) -> Option<usize> {
        let plain = self.plain_of(chunk)?;
        let left = self.size.saturating_sub(u64::from(chunk) * CHUNK as u64);
        Some(left.min(plain as u64) as usize)
    }

    /// Bytes of a stored chunk; `None` beyond the last one.
    pub(super) fn stored_of(&self, chunk: u32) -> Option<usize> {
        Some(self.plain_of(chunk)? + AEAD_TAG)
    }
}
