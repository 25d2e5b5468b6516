//! A file to its chunks, one at a time.

use chopar_wire::ids::FileId;
use rand_core::CryptoRng;

use super::chunks::Chunks;
use super::layout::Layout;
use super::limits::MAX_SIZE;
use super::secret::FileSecret;
use crate::keys::Secret32;

/// Encrypts one file. Its key is made with it and serves once: there is no way back to a chunk, so that no nonce meets two
/// contents. What it makes is kept until it was uploaded; a file that has to be read again gets another key.
pub struct FileSealer {
    id: FileId,
    key: Secret32,
    chunks: Chunks,
}

/// A file cannot be encrypted as it was asked for. Our own side is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Larger than any file may be.
    #[error("a file has at most {MAX_SIZE} bytes, this one has {0}")]
    TooLarge(u64),
    /// The file has another size than was said: it changed meanwhile, or was cut.
    #[error("a chunk takes {wanted} bytes of the file, {got} came")]
    OtherSize {
        /// Bytes that the chunk takes.
        wanted: usize,
        /// Bytes that came.
        got: usize,
    },
    /// Chunks are missing, or one came after the last.
    #[error("the file has {of} chunks, {at} were sealed")]
    Unfinished {
        /// Chunks sealed.
        at: u32,
        /// Chunks there are.
        of: u32,
    },
}

impl FileSealer {
    /// For a file of so many bytes, under a fresh id and key.
    ///
    /// # Errors
    /// [`SealError::TooLarge`].
    pub fn new(size: u64, rng: &mut (impl CryptoRng + ?Sized)) -> Result<Self, SealError> {
        let layout = Layout::of(size).ok_or(SealError::TooLarge(size))?;
        let mut id = [0; FileId::LEN];
        rng.fill_bytes(&mut id);
        let id = FileId::new(id);
        let key = Secret32::random(rng);
        let chunks = Chunks::new(&id, &key, layout);
        Ok(Self { id, key, chunks })
    }

    /// Under which it will lie at the relay: random, it says nothing.
    pub const fn id(&self) -> &FileId {
        &self.id
    }

    /// How it will lie there.
    pub const fn layout(&self) -> Layout {
        *self.chunks.layout()
    }

    /// Bytes of the file that the next chunk takes, none where the rest is padding; `None`: all chunks are sealed.
    pub fn wants(&self) -> Option<usize> {
        self.chunks.layout().content_of(self.chunks.number())
    }

    /// Seals the next chunk.
    ///
    /// # Errors
    /// [`SealError`] where `content` is not as long as [wanted](Self::wants); the sealer is as it was.
    pub fn seal(&mut self, content: &[u8]) -> Result<Vec<u8>, SealError> {
        let layout = *self.chunks.layout();
        let at = self.chunks.number();
        let (Some(wanted), Some(plain), Some(stored)) =
            (self.wants(), layout.plain_of(at), layout.stored_of(at))
        else {
            return Err(self.unfinished());
        };
        if content.len() != wanted {
            let got = content.len();
            return Err(SealError::OtherSize { wanted, got });
        }
        let mut chunk = Vec::with_capacity(stored);
        chunk.extend_from_slice(content);
        chunk.resize(plain, 0);
        self.chunks.seal(&mut chunk);
        Ok(chunk)
    }

    /// What opens the file.
    ///
    /// # Errors
    /// [`SealError::Unfinished`].
    pub fn finish(self) -> Result<FileSecret, SealError> {
        if self.wants().is_some() {
            return Err(self.unfinished());
        }
        let Self { id, key, chunks } = self;
        let layout = *chunks.layout();
        Ok(FileSecret {
            id,
            key,
            layout,
            digest: chunks.digest(),
        })
    }

    const fn unfinished(&self) -> SealError {
        SealError::Unfinished {
            at: self.chunks.number(),
            of: self.chunks.layout().chunks(),
        }
    }
}
