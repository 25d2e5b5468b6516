//! Where bytes of files are.

use std::path::PathBuf;
use std::sync::Arc;

use chopar_wire::ids::FileId;
use prost::bytes::Bytes;

use super::folder::Folder;
use crate::config::Config;
use crate::store::Answer;
use crate::store::open::Database;
use crate::store::postgres::file_parts::FileParts;

/// Bytes are kept and read in parts of this size, the last one shorter: what came of a part that is not whole is dropped, so that
/// nothing is ever written twice. Large enough that each part's own cost does not count, small enough that a poor line brings one
/// before it breaks, and for hundreds of requests in memory at once.
pub(crate) const PART: usize = 64 * 1024;

/// Bytes by the file's id. What is given here is as long as it may be; whoever writes has made room in the store first.
///
/// Contract of every implementation (checked by `store::conformance::bodies`):
/// - Writing the same bytes at the same place again changes nothing; after [`Bodies::finish`] no bytes do.
/// - What was written is durable after [`Bodies::settle`].
/// - Nothing of a file is read before [`Bodies::finish`].
pub(crate) trait Bodies: Send + Sync + 'static {
    /// Writes the part that begins at `offset`: whole, or the file's last. `false`: what belongs before it is not there.
    fn write(&self, file: FileId, offset: u64, bytes: Bytes) -> Answer<bool>;
    /// Makes durable what was written.
    fn settle(&self, file: FileId) -> Answer<()>;
    /// All is there, and durable: it can be read from now on.
    fn finish(&self, file: FileId) -> Answer<()>;
    /// Bytes from a place on to the end of its part, at most `most`; `None`: there is no such file, or it is not finished.
    fn read(&self, file: FileId, offset: u64, most: usize) -> Answer<Option<Bytes>>;
    /// Deletes what there is of a file.
    fn delete(&self, file: FileId) -> Answer<()>;
    /// Files on one of 256 shelves, for finding those that nobody knows; none where there cannot be such.
    fn shelf(&self, number: u8) -> Answer<Vec<FileId>>;
}

/// Where a configuration wants them.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Folder(PathBuf),
    Database(crate::PostgresUrl),
}

impl Place {
    /// In the folder that is named; else beside the embedded database, or in the other one, which several relays share.
    pub(crate) fn of(config: &Config) -> Self {
        match (&config.files.folder, &config.database) {
            (Some(folder), _) => Self::Folder(folder.clone()),
            (None, Database::Postgres(url)) => Self::Database(url.clone()),
            (None, Database::Embedded) => Self::Folder(config.data.join("files")),
        }
    }

    /// Opens it for the database that goes by this name; a folder is made. One that holds another database's files is refused.
    pub(crate) fn open(self, home: [u8; 16]) -> std::io::Result<Arc<dyn Bodies>> {
        Ok(match self {
            Self::Folder(folder) => Arc::new(Folder::open(folder, home)?),
            Self::Database(url) => Arc::new(FileParts::new(&url)),
        })
    }
}
