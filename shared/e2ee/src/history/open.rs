//! A file to its records, one at a time.

use super::header::HistoryHeader;
use super::labels;
use super::limits::{CHUNK, MAX_RECORD};
use super::{NOWHERE, PLACE};
use crate::ratchet::aead::AEAD_TAG;
use crate::recovery::AccountSecrets;
use crate::stream::Stream;

/// Reads one history file.
pub struct HistoryOpener {
    stream: Stream,
    /// Of the next chunk.
    number: u32,
    /// Content that was opened and not given out yet.
    open: Vec<u8>,
    /// Where in it the next record begins.
    at: usize,
    /// A chunk was left out: what follows is of a record that is lost, until the next one begins.
    lost: bool,
    /// The last chunk was taken.
    whole: bool,
    /// A length of 0 was read: nothing but zeros may follow.
    ended: bool,
}

/// A file is not what it should be. What was read of it before stays good; the file, or what it lay on, is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Some other kind of file.
    #[error("no history file")]
    NoHistory,
    /// Written by a build that knows more.
    #[error("a history file of version {0}")]
    Newer(u16),
    /// Sealed to another recovery key.
    #[error("sealed to another recovery key")]
    OtherKey,
    /// It ends too early: a part of it is missing.
    #[error("the file ends too early")]
    Truncated,
    /// Something follows its end.
    #[error("bytes follow the end of the file")]
    Extended,
    /// A chunk is not the one that was written there; 0 is also the header.
    #[error("chunk {0} was altered")]
    Altered(u32),
    /// Whoever wrote it did not keep to the format.
    #[error("the records are malformed")]
    Malformed,
}

impl HistoryOpener {
    /// Bytes of a chunk in the file.
    pub const STORED: usize = CHUNK + AEAD_TAG;

    /// For the file with this header.
    ///
    /// # Errors
    /// [`OpenError::OtherKey`], [`OpenError::Altered`].
    pub fn new(header: &HistoryHeader, secrets: &AccountSecrets) -> Result<Self, OpenError> {
        if !header.is_for(&secrets.recovery_keys()) {
            return Err(OpenError::OtherKey);
        }
        let key = secrets
            .seal_secret()
            .unseal(&header.encapsulation, labels::KEY)
            .map_err(|_| OpenError::Altered(0))?;
        Ok(Self {
            stream: Stream::new(&key, header.associated()),
            number: 0,
            open: Vec::new(),
            at: 0,
            lost: false,
            whole: false,
            ended: false,
        })
    }

    /// How many chunks a file of so many bytes has.
    ///
    /// # Errors
    /// [`OpenError::Truncated`] where it does not end with a chunk.
    pub fn chunks(size: u64) -> Result<u32, OpenError> {
        let body = size
            .checked_sub(HistoryHeader::LEN as u64)
            .ok_or(OpenError::Truncated)?;
        let stored = Self::STORED as u64;
        if body == 0 || body % stored != 0 {
            return Err(OpenError::Truncated);
        }
        u32::try_from(body / stored).map_err(|_| OpenError::Extended)
    }

    /// Takes the next chunk; `last`: the file ends with it.
    ///
    /// # Errors
    /// [`OpenError`]; the opener is as it was.
    pub fn take(&mut self, stored: &[u8], last: bool) -> Result<(), OpenError> {
        if self.whole {
            return Err(OpenError::Extended);
        }
        if stored.len() != Self::STORED {
            return Err(OpenError::Truncated);
        }
        let Some(content) = self.stream.open(self.number, last, stored) else {
            // What is whole and stands in the wrong place says what happened to the file.
            let misplaced = self.stream.open(self.number, !last, stored).is_some();
            return Err(match (misplaced, last) {
                (true, true) => OpenError::Truncated,
                (true, false) => OpenError::Extended,
                (false, _) => OpenError::Altered(self.number),
            });
        };
        let (first, body) = content.split_first_chunk::<PLACE>().ok_or(OpenError::Malformed)?;
        let body = match (self.lost, u32::from_be_bytes(*first)) {
            (false, _) => body,
            (true, NOWHERE) => &[],
            (true, first) => body.get(first as usize..).ok_or(OpenError::Malformed)?,
        };
        self.lost &= body.is_empty();
        self.open.drain(..self.at);
        self.at = 0;
        self.open.extend_from_slice(body);
        self.passed(last)
    }

    /// Leaves the next chunk out, which is damaged: the records in it are lost, and those after them are read.
    ///
    /// # Errors
    /// [`OpenError::Extended`] behind the last chunk.
    pub fn leave_out(&mut self, last: bool) -> Result<(), OpenError> {
        if self.whole {
            return Err(OpenError::Extended);
        }
        self.open.clear();
        self.at = 0;
        self.lost = true;
        self.passed(last)
    }

    fn passed(&mut self, last: bool) -> Result<(), OpenError> {
        self.number = self.number.checked_add(1).ok_or(OpenError::Malformed)?;
        self.whole = last;
        Ok(())
    }

    /// The next record, as far as the chunks go; `None` where more is needed, or there is no more.
    ///
    /// # Errors
    /// [`OpenError::Malformed`].
    pub fn record(&mut self) -> Result<Option<&[u8]>, OpenError> {
        let rest = self.open.get(self.at..).unwrap_or_default();
        if self.ended {
            return only_zeros(rest);
        }
        let Some((length, rest)) = rest.split_first_chunk() else {
            // A chunk that was filled to its last bytes.
            return match self.whole {
                true => only_zeros(rest),
                false => Ok(None),
            };
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 {
            if !self.whole {
                return Err(OpenError::Malformed);
            }
            self.ended = true;
            return only_zeros(rest);
        }
        if length > MAX_RECORD || (self.whole && rest.len() < length) {
            return Err(OpenError::Malformed);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let begin = self.at + 4;
        self.at = begin + length;
        Ok(self.open.get(begin..self.at))
    }

    /// Whether all of it was read.
    ///
    /// # Errors
    /// [`OpenError::Truncated`] where it was not.
    pub const fn finish(&self) -> Result<(), OpenError> {
        match self.whole {
            true => Ok(()),
            false => Err(OpenError::Truncated),
        }
    }
}

/// Nothing is hidden behind the last record.
fn only_zeros(rest: &[u8]) -> Result<Option<&'static [u8]>, OpenError> {
    match rest.iter().all(|byte| *byte == 0) {
        true => Ok(None),
        false => Err(OpenError::Malformed),
    }
}
