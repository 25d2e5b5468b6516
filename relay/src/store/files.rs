//! What the relay knows of files: whose they are, how large, how far they came, until when. Their bytes are elsewhere
//! (`crate::files`).

use chopar_wire::ids::{AccountId, DeviceId, FileId};

use super::Answer;

/// Books of files.
pub(crate) trait Files {
    /// The key of capabilities, and the name under which a folder of files knows this database: those that are kept, or these
    /// from now on.
    fn file_keys(&self, fresh: FileKeys) -> Answer<FileKeys>;
    /// Makes room for an upload, or finds the one that its device began.
    fn begin_file(&self, new: NewFile) -> Answer<Begun>;
    /// A file, or an upload that may go on; `None` also where it expired.
    fn file(&self, file: FileId) -> Answer<Option<FileFacts>>;
    /// Compare-and-set: an upload that had come as far as `from` is durable as far as `to`. `false`: it had not, or it
    /// expired.
    fn file_received(&self, progress: Progress) -> Answer<bool>;
    /// From now on nobody gets it. `false`: there is no such file of this account.
    fn end_file(&self, file: FileId, account: AccountId) -> Answer<bool>;
    /// Files whose time is over, in their order after one, at most so many: their bytes are to be deleted.
    fn ended_files(&self, after: Option<FileId>, limit: usize) -> Answer<Vec<FileId>>;
    /// Gives the room of files back whose time is over and whose bytes are deleted.
    fn forget_files(&self, files: Vec<FileId>) -> Answer<()>;
    /// Those of which nothing is known.
    fn unknown_files(&self, files: Vec<FileId>) -> Answer<Vec<FileId>>;
    /// Notes that nothing is known of these; those of which that was noted before a time.
    fn stray_files(&self, files: Vec<FileId>, before: u64) -> Answer<Vec<FileId>>;
    /// Forgets that they were noted: their bytes are deleted.
    fn forget_strays(&self, files: Vec<FileId>) -> Answer<()>;
    /// Number and bytes of all files, unfinished ones included.
    fn files_kept(&self) -> Answer<FilesKept>;
}

/// What the database keeps for files besides their rows. No `Debug`: the key opens every file's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileKeys {
    /// Of capabilities. After a restore there is another.
    pub(crate) capabilities: [u8; 32],
    /// The database's name in a folder of files.
    pub(crate) home: [u8; 16],
}

/// An upload to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFile {
    pub(crate) file: FileId,
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    /// Of the encrypted file, in bytes.
    pub(crate) size: u64,
    /// When the upload is given up unless it is whole.
    pub(crate) expires: u64,
    pub(crate) room: FileRoom,
}

/// How much there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileRoom {
    /// Bytes of one account's files.
    pub(crate) of_account: u64,
    /// Bytes of all files.
    pub(crate) in_total: u64,
    /// Unfinished uploads of one device.
    pub(crate) unfinished: u64,
}

/// What a begin meets: the file of its id, if there is one, and what is taken.
pub(super) struct Met {
    pub(super) same_id: Option<(AccountId, DeviceId, FileFacts)>,
    pub(super) of_account: u64,
    pub(super) in_total: u64,
    pub(super) unfinished: u64,
}

impl NewFile {
    /// What becomes of it; `None`: it is to be written down.
    pub(super) fn meets(&self, met: &Met, now: u64) -> Option<Begun> {
        if let Some((account, device, facts)) = &met.same_id {
            let same = *account == self.account && *device == self.device && facts.size == self.size;
            return Some(match same {
                true if facts.expires > now => Begun::Ready(*facts),
                true => Begun::Ended,
                false => Begun::Taken,
            });
        }
        if met.unfinished >= self.room.unfinished {
            return Some(Begun::TooManyUnfinished);
        }
        if met.of_account.saturating_add(self.size) > self.room.of_account {
            return Some(Begun::AccountFull);
        }
        (met.in_total.saturating_add(self.size) > self.room.in_total).then_some(Begun::Full)
    }

    /// As it begins.
    pub(super) const fn facts(&self) -> FileFacts {
        FileFacts {
            size: self.size,
            received: 0,
            expires: self.expires,
        }
    }
}

/// How a begin ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// There is room: it may go on where it is.
    Ready(FileFacts),
    /// The id is another file's.
    Taken,
    /// It is this one, and its time is over: it begins anew once its bytes are deleted.
    Ended,
    TooManyUnfinished,
    AccountFull,
    /// There is no room at the relay.
    Full,
}

/// A file, as far as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileFacts {
    pub(crate) size: u64,
    /// Bytes that are durable.
    pub(crate) received: u64,
    pub(crate) expires: u64,
}

impl FileFacts {
    pub(crate) const fn is_whole(&self) -> bool {
        self.received == self.size
    }
}

/// An upload goes on; or begins anew, where its bytes are gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) file: FileId,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Its end from now on.
    pub(crate) expires: u64,
}

/// Files at the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FilesKept {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}
