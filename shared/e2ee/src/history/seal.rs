//! Records to a file, one at a time.

use chopar_identity::RecoveryKeys;
use rand_core::CryptoRng;

use super::header::HistoryHeader;
use super::labels;
use super::limits::{CHUNK, MAX_RECORD};
use super::{BODY, NOWHERE};
use crate::keys::NonContributory;
use crate::recovery::seal_to_recovery;
use crate::stream::Stream;

/// Writes one history file under a key that is made with it, and goes forward only: no nonce meets two contents.
pub struct HistorySealer {
    header: HistoryHeader,
    stream: Stream,
    number: u32,
    /// Bytes of records that do not go beyond a chunk yet.
    open: Vec<u8>,
    /// Where in them the first record begins.
    first: u32,
}

/// A record is longer than [`MAX_RECORD`]. Our own side is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record has 1 to {MAX_RECORD} bytes, this one has {0}")]
pub struct RecordTooLong(pub usize);

impl HistorySealer {
    /// A new file for whoever has the recovery key of these public halves.
    ///
    /// # Errors
    /// Where the recovery key's classical half has low order.
    pub fn new(to: &RecoveryKeys, rng: &mut (impl CryptoRng + ?Sized)) -> Result<Self, NonContributory> {
        let (encapsulation, key) = seal_to_recovery(to, labels::KEY, rng)?;
        let header = HistoryHeader::new(to, encapsulation);
        let stream = Stream::new(&key, header.associated());
        Ok(Self {
            header,
            stream,
            number: 0,
            open: Vec::new(),
            first: NOWHERE,
        })
    }

    /// What the file begins with.
    pub const fn header(&self) -> &HistoryHeader {
        &self.header
    }

    /// Takes a record, and gives the chunks that are full with it: none, or some.
    ///
    /// # Errors
    /// [`RecordTooLong`]; the file goes on as if it had not been given.
    pub fn put(&mut self, record: &[u8]) -> Result<Vec<u8>, RecordTooLong> {
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        if record.is_empty() || record.len() > MAX_RECORD {
            return Err(RecordTooLong(record.len()));
        }
        let mut sealed = Vec::new();
        if self.open.len() == BODY {
            self.next_chunk(&mut sealed);
        }
        if self.first == NOWHERE {
            self.first = u32::try_from(self.open.len()).unwrap_or(NOWHERE);
        }
        self.open.extend_from_slice(&length.to_be_bytes());
        self.open.extend_from_slice(record);
        // What fills a chunk to its last byte stays: it may be the end.
        while self.open.len() > BODY {
            self.next_chunk(&mut sealed);
        }
        Ok(sealed)
    }

    /// Gives the last chunk.
    pub fn finish(mut self) -> Vec<u8> {
        let mut chunk = [&self.first.to_be_bytes()[..], &self.open].concat();
        chunk.resize(CHUNK, 0);
        let mut sealed = Vec::new();
        self.seal_as_it_is(chunk, true, &mut sealed);
        sealed
    }

    fn next_chunk(&mut self, sealed: &mut Vec<u8>) {
        let rest = self.open.split_off(BODY.min(self.open.len()));
        let body = std::mem::replace(&mut self.open, rest);
        let chunk = [&self.first.to_be_bytes()[..], &body].concat();
        self.first = NOWHERE;
        self.seal_as_it_is(chunk, false, sealed);
    }

    /// Seals the next chunk, whatever it holds.
    pub(super) fn seal_as_it_is(&mut self, mut chunk: Vec<u8>, last: bool, sealed: &mut Vec<u8>) {
        self.stream.seal(self.number, last, &mut chunk);
        self.number += 1;
        sealed.append(&mut chunk);
    }
}
