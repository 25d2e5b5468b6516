//! Chunks to a file, one at a time.

use subtle::ConstantTimeEq;

use super::chunks::Chunks;
use super::secret::FileSecret;

/// Decrypts one file. What a chunk gives is authentic in its place; that the file is whole, and the one that was sent, says
/// [`FileOpener::finish`] alone.
pub struct FileOpener {
    chunks: Chunks,
    digest: [u8; 32],
}

/// Bytes are not the file of the message. The relay is at fault, or who uploaded them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file ends too early, or within a chunk.
    #[error("the file is cut off in chunk {chunk}")]
    Truncated {
        /// The chunk that is not whole.
        chunk: u32,
    },
    /// Bytes follow where the chunk, or the file, ends.
    #[error("bytes follow the end of chunk {chunk}")]
    Extended {
        /// The last chunk that should have been there.
        chunk: u32,
    },
    /// Altered, from another place of the file, or of another file.
    #[error("chunk {chunk} is not the one that belongs here")]
    Foreign {
        /// The place.
        chunk: u32,
    },
    /// Something is hidden behind the file's end.
    #[error("the padding is malformed")]
    Padding,
    /// Each chunk opens, and they are not those of the message: its sender, who alone has the key, uploaded others.
    #[error("the file is not the one of the message")]
    OtherFile,
}

impl FileOpener {
    /// For the file that a message speaks of.
    pub fn new(secret: &FileSecret) -> Self {
        Self {
            chunks: Chunks::new(&secret.id, &secret.key, secret.layout),
            digest: secret.digest,
        }
    }

    /// Bytes of the next chunk as it lies at the relay; `None`: all have come.
    pub fn wants(&self) -> Option<usize> {
        self.chunks.layout().stored_of(self.chunks.number())
    }

    /// Opens the next chunk and gives its part of the file, which is empty where the chunk is all padding.
    ///
    /// # Errors
    /// [`OpenError`]; the opener is as it was, so that the chunk can be fetched once more.
    pub fn open(&mut self, stored: &[u8]) -> Result<Vec<u8>, OpenError> {
        let chunk = self.chunks.number();
        let Some(wanted) = self.wants() else {
            return Err(OpenError::Extended {
                chunk: chunk.saturating_sub(1),
            });
        };
        if stored.len() < wanted {
            return Err(OpenError::Truncated { chunk });
        }
        if stored.len() > wanted {
            return Err(OpenError::Extended { chunk });
        }
        let mut plain = self.chunks.open(stored).ok_or(OpenError::Foreign { chunk })?;
        let content = self.chunks.layout().content_of(chunk).unwrap_or(0);
        if plain.iter().skip(content).any(|byte| *byte != 0) {
            return Err(OpenError::Padding);
        }
        self.chunks.advance(stored);
        plain.truncate(content);
        Ok(plain)
    }

    /// Whether all of it came, and is what was sent. Until then nothing of it may be taken for the file.
    ///
    /// # Errors
    /// [`OpenError::Truncated`], [`OpenError::OtherFile`].
    pub fn finish(&self) -> Result<(), OpenError> {
        if self.wants().is_some() {
            return Err(OpenError::Truncated {
                chunk: self.chunks.number(),
            });
        }
        let digest = self.chunks.digest();
        if bool::from(digest.ct_eq(&self.digest)) {
            Ok(())
        } else {
            Err(OpenError::OtherFile)
        }
    }
}
