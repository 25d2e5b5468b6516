//! What opens a file. It travels inside the encryption of messages, and nowhere else.

use chopar_wire::ids::{FileId, FileMark};
use sha2::{Digest, Sha256};

use super::labels;
use super::layout::Layout;
use crate::keys::Secret32;

/// Where a file lies, its key, its size, and the digest of its chunks.
#[derive(PartialEq, Eq)]
pub struct FileSecret {
    pub(super) id: FileId,
    pub(super) key: Secret32,
    pub(super) layout: Layout,
    pub(super) digest: [u8; 32],
}

impl FileSecret {
    /// Under which the relay keeps it.
    pub const fn id(&self) -> &FileId {
        &self.id
    }

    /// Under which a device keeps what it opened. Two messages that speak of one id, and open it to different files, have two.
    pub fn mark(&self) -> FileMark {
        let hash = Sha256::new()
            .chain_update(labels::MARK)
            .chain_update([0])
            .chain_update(self.id.as_bytes())
            .chain_update(self.key.as_bytes())
            .chain_update(self.layout.size().to_be_bytes())
            .chain_update(self.digest);
        FileMark::new(hash.finalize().into())
    }

    /// How it lies there.
    pub const fn layout(&self) -> Layout {
        self.layout
    }
}

// Neither key nor size.
impl core::fmt::Debug for FileSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileSecret")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
