//! What both ends do alike: the stream of one file with its associated data, the digest over its chunks.

use chopar_wire::ids::FileId;
use sha2::{Digest, Sha256};

use super::labels;
use super::layout::Layout;
use super::limits::CHUNK;
use crate::SUITE;
use crate::keys::Secret32;
use crate::stream::Stream;

/// STREAM over one file: chunk after chunk, the last one marked.
pub(super) struct Chunks {
    stream: Stream,
    layout: Layout,
    /// Of the next chunk.
    number: u32,
    digest: Sha256,
}

impl Chunks {
    pub(super) fn new(id: &FileId, key: &Secret32, layout: Layout) -> Self {
        let mut associated = labels::CHUNK.to_vec();
        associated.push(0);
        associated.extend_from_slice(&SUITE.to_be_bytes());
        associated.extend_from_slice(id.as_bytes());
        associated.extend_from_slice(&(CHUNK as u32).to_be_bytes());
        associated.extend_from_slice(&layout.size().to_be_bytes());
        let mut digest = Sha256::new();
        digest.update(labels::DIGEST);
        digest.update([0]);
        Self {
            stream: Stream::new(key, associated),
            layout,
            number: 0,
            digest,
        }
    }

    pub(super) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Of the next chunk.
    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    /// Encrypts the next chunk in place, appends its tag, and goes on to the one after.
    pub(super) fn seal(&mut self, chunk: &mut Vec<u8>) {
        self.stream
            .seal(self.number, self.layout.is_last(self.number), chunk);
        self.advance(chunk);
    }

    /// What the next chunk holds; `None` where it does not authenticate in its place.
    pub(super) fn open(&self, stored: &[u8]) -> Option<Vec<u8>> {
        self.stream
            .open(self.number, self.layout.is_last(self.number), stored)
    }

    /// Takes the next chunk for good, as it lies at the relay.
    pub(super) fn advance(&mut self, stored: &[u8]) {
        self.digest.update(Sha256::digest(stored));
        self.number += 1;
    }

    /// The digest over all chunks so far.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }
}
