//! The data folder: made with rights for its owner alone, used by one relay at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

/// Name of the file that the running relay holds.
const LOCK: &str = "relay.lock";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    #[error("another relay is using it")]
    InUse,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Holds the folder for one relay; the system gives it back when the process ends, however it ends.
pub(crate) struct Lock {
    _file: File,
}

/// Makes the folder if it is missing and takes it.
pub(crate) fn prepare(folder: &Path) -> Result<Lock, DataError> {
    create(folder)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(DataError::InUse),
        Err(TryLockError::Error(fault)) => Err(fault.into()),
    }
}

/// Makes the folder if it is missing: what is in it concerns nobody else on the machine.
pub(crate) fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_relay_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        let lock = prepare(&inner).unwrap();
        assert!(matches!(prepare(&inner), Err(DataError::InUse)));
        drop(lock);
        assert!(prepare(&inner).is_ok());
    }
}
