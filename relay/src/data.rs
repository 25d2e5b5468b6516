//! The data folder: made with rights for its owner alone, used by one relay at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
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

/// Puts a file in the place of another, whole or not at all, readable for nobody else.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    // What an interrupted attempt left behind may have other rights.
    match fs::remove_file(&fresh) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "old").unwrap();
        fs::write(folder.path().join("key.new"), "left behind").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

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
