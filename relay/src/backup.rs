//! Copies of a relay's data: taken while it runs, checked before they count, and put where nothing is.
//!
//! ```text
//!  backup DIR/      relay.db     one moment of the database, without what was deleted
//!                   audit.key    whose audit log it is
//!                   tls/         the own certificate authority, if there is one
//!                   backup.json  the digest of each of them
//! ```
//! A copy is written beside its place under another name and renamed at the end: there is a whole one or none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::sqlite;
use crate::store::sqlite::open::{self, OpenError};
use crate::{audit, data};

/// Lists what is in a backup.
const MANIFEST: &str = "backup.json";
/// Folder of the own certificate authority.
const TLS: &str = "tls";
/// Of the manifest's form.
const VERSION: u64 = 1;

/// Why there is no copy; what was there before was not touched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("{0} is there already: nothing is overwritten, name another folder")]
    Exists(PathBuf),
    #[error("{0} is no backup: there is no {MANIFEST} in it that this relay understands")]
    NoBackup(PathBuf),
    #[error("{file} is not what the backup was made with{}", detail(.why))]
    Damaged { file: String, why: String },
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("{0}")]
    Database(#[from] OpenError),
}

fn detail(why: &str) -> String {
    if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    }
}

/// Copies the data of a folder, whose relay may run, into a folder that is not there yet.
pub(crate) fn take(from: &Path, to: &Path) -> Result<(), BackupError> {
    let fresh = beside(to)?;
    data::create(&fresh).map_err(|fault| BackupError::Io(fresh.clone(), fault))?;
    sqlite::open::copy(&sqlite::path(from), &sqlite::path(&fresh))?;
    for name in small_files(from).map_err(|fault| BackupError::Io(from.to_owned(), fault))? {
        copy(&from.join(&name), &fresh.join(&name))?;
    }
    check_database(&sqlite::path(&fresh))?;
    let digests = digests(&fresh)?;
    let manifest = json!({ "version": VERSION, "relay": env!("CARGO_PKG_VERSION"), "files": digests });
    let path = fresh.join(MANIFEST);
    data::replace(&path, format!("{manifest:#}\n").as_bytes())
        .map_err(|fault| BackupError::Io(path, fault))?;
    finish(&fresh, to)
}

/// Puts a backup's data into a folder that is not there yet, or empty; `ready` sees it before it counts.
pub(crate) async fn put_back<E: From<BackupError>>(
    from: &Path,
    to: &Path,
    ready: impl AsyncFnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    check(from)?;
    let fresh = beside(to)?;
    data::create(&fresh).map_err(|fault| BackupError::Io(fresh.clone(), fault))?;
    for name in manifest(from)?.into_keys() {
        copy(&from.join(&name), &fresh.join(&name))?;
    }
    ready(&fresh).await?;
    Ok(finish(&fresh, to)?)
}

/// Compares a backup with its own list, and looks through its database.
pub(crate) fn check(folder: &Path) -> Result<(), BackupError> {
    let listed = manifest(folder)?;
    for (name, digest) in &listed {
        let found = digest_of(&folder.join(name))?;
        if found != *digest {
            let (file, why) = (name.clone(), String::new());
            return Err(BackupError::Damaged { file, why });
        }
    }
    check_database(&sqlite::path(folder))
}

/// The name under which a folder is prepared. What an interrupted attempt left there goes.
fn beside(to: &Path) -> Result<PathBuf, BackupError> {
    let is_free = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_none(),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => true,
        Err(_) => false,
    };
    if !is_free {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let mut name = to.components().as_path().as_os_str().to_owned();
    name.push(".part");
    let fresh = PathBuf::from(name);
    match fs::remove_dir_all(&fresh) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(BackupError::Io(fresh, fault)),
        _ => Ok(fresh),
    }
}

fn finish(fresh: &Path, to: &Path) -> Result<(), BackupError> {
    let synced = |path: &Path| File::open(path)?.sync_all();
    let done = synced(fresh)
        .and_then(|()| fs::rename(fresh, to))
        .and_then(|()| match to.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => synced(parent),
            _ => synced(Path::new(".")),
        });
    done.map_err(|fault| BackupError::Io(to.to_owned(), fault))
}

/// Everything but the database, by path in the folder.
fn small_files(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    if folder.join(audit::node::FILE).is_file() {
        names.push(audit::node::FILE.to_owned());
    }
    match fs::read_dir(folder.join(TLS)) {
        Ok(entries) => {
            for entry in entries {
                let name = entry?.file_name();
                names.push(format!("{TLS}/{}", name.to_string_lossy()));
            }
        }
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
        Err(fault) => return Err(fault),
    }
    Ok(names)
}

/// A copy that is its owner's alone, on the disk when this returns.
fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let copied = || -> io::Result<()> {
        if let Some(folder) = to.parent() {
            data::create(folder)?;
        }
        let mut options = File::options();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(to)?;
        io::copy(&mut File::open(from)?, &mut out)?;
        out.sync_all()
    };
    copied().map_err(|fault| BackupError::Io(from.to_owned(), fault))
}

fn check_database(path: &Path) -> Result<(), BackupError> {
    let found = open::integrity(path)?;
    if found == "ok" {
        Ok(())
    } else {
        let (file, why) = (sqlite::FILE.to_owned(), found);
        Err(BackupError::Damaged { file, why })
    }
}

/// Digests of all files of a folder and its folders, by path in it.
fn digests(folder: &Path) -> Result<BTreeMap<String, String>, BackupError> {
    let mut names = small_files(folder).map_err(|fault| BackupError::Io(folder.to_owned(), fault))?;
    names.push(sqlite::FILE.to_owned());
    let digest = |name: String| {
        let digest = digest_of(&folder.join(&name))?;
        Ok((name, digest))
    };
    names.into_iter().map(digest).collect()
}

fn digest_of(path: &Path) -> Result<String, BackupError> {
    let digest = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let mut digest = Sha256::new();
        let mut part = vec![0; 64 * 1024];
        loop {
            match file.read(&mut part)? {
                0 => return Ok(hex::encode(digest.finalize())),
                read => digest.update(&part[..read]),
            }
        }
    };
    digest().map_err(|fault| BackupError::Io(path.to_owned(), fault))
}

/// The files of a backup with their digests. A name that would lead out of the folder is no name.
fn manifest(folder: &Path) -> Result<BTreeMap<String, String>, BackupError> {
    let none = || BackupError::NoBackup(folder.to_owned());
    let text = fs::read_to_string(folder.join(MANIFEST)).map_err(|_| none())?;
    let whole: Value = serde_json::from_str(&text).map_err(|_| none())?;
    if whole["version"] != VERSION {
        return Err(none());
    }
    let files = whole["files"].as_object().ok_or_else(none)?;
    let entry = |(name, digest): (&String, &Value)| {
        let inside = !name.is_empty()
            && Path::new(name)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)));
        Some((name.clone(), digest.as_str()?.to_owned())).filter(|_| inside)
    };
    let files: Option<BTreeMap<_, _>> = files.iter().map(entry).collect();
    files
        .filter(|files| files.contains_key(sqlite::FILE))
        .ok_or_else(none)
}
