//! What stands before the chunks, in clear: that it is a history file, of which version, and what finds its key again.

use chopar_identity::RecoveryKeys;
use sha2::{Digest, Sha256};

use super::labels;
use super::open::OpenError;
use crate::SUITE;
use crate::recovery::RecoveryEncapsulation;

const MAGIC: &[u8; 8] = b"CHPRHIST";
/// The version that this build writes, and the newest it reads.
const VERSION: u16 = 1;
/// Bytes of the mark.
const MARK: usize = 16;

/// The header of a history file.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryHeader {
    mark: [u8; MARK],
    pub(super) encapsulation: RecoveryEncapsulation,
}

impl HistoryHeader {
    /// Length in bytes.
    pub const LEN: usize = MAGIC.len() + 2 + 2 + MARK + RecoveryEncapsulation::LEN;

    pub(super) fn new(to: &RecoveryKeys, encapsulation: RecoveryEncapsulation) -> Self {
        Self {
            mark: mark(to),
            encapsulation,
        }
    }

    /// Reads the first [`HistoryHeader::LEN`] bytes of a file.
    ///
    /// # Errors
    /// [`OpenError`]: another kind of file, one of a newer version, one that ends before its header does.
    pub fn parse(bytes: &[u8]) -> Result<Self, OpenError> {
        let (magic, rest) = bytes.split_first_chunk().ok_or(OpenError::NoHistory)?;
        if magic != MAGIC {
            return Err(OpenError::NoHistory);
        }
        let (version, rest) = rest.split_first_chunk().ok_or(OpenError::Truncated)?;
        let (suite, rest) = rest.split_first_chunk().ok_or(OpenError::Truncated)?;
        match (u16::from_be_bytes(*version), u16::from_be_bytes(*suite)) {
            (VERSION, SUITE) => {}
            (found, suite) if found > VERSION || suite > SUITE => return Err(OpenError::Newer(found)),
            // There was no version before the first.
            _ => return Err(OpenError::NoHistory),
        }
        let (mark, rest) = rest.split_first_chunk().ok_or(OpenError::Truncated)?;
        let sealed = rest
            .get(..RecoveryEncapsulation::LEN)
            .ok_or(OpenError::Truncated)?;
        Ok(Self {
            mark: *mark,
            encapsulation: RecoveryEncapsulation::parse(sealed).ok_or(OpenError::Altered(0))?,
        })
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            MAGIC.as_slice(),
            &VERSION.to_be_bytes(),
            &SUITE.to_be_bytes(),
            &self.mark,
            &self.encapsulation.to_bytes(),
        ]
        .concat()
    }

    /// What the first record signs, and every chunk is bound to.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }

    /// Whether the file is sealed to this recovery key. What opens its chunks is decided by them, not by this.
    pub fn is_for(&self, keys: &RecoveryKeys) -> bool {
        self.mark == mark(keys)
    }

    pub(super) fn associated(&self) -> Vec<u8> {
        [labels::CHUNK, &[0], &self.digest()].concat()
    }
}

fn mark(keys: &RecoveryKeys) -> [u8; MARK] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(labels::MARK)
        .chain_update([0])
        .chain_update(keys.x25519.as_bytes())
        .chain_update(keys.kem.as_bytes())
        .finalize()
        .into();
    let mut mark = [0; MARK];
    mark.copy_from_slice(&hash[..MARK]);
    mark
}
