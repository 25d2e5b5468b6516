//! Bytes as files of a folder: `<first byte of the id>/<id>`, in hexadecimal; with `.part` behind until all is there. Several
//! relays may share the folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chopar_wire::ids::FileId;
use prost::bytes::Bytes;

use super::bodies::{Bodies, PART};
use crate::data;
use crate::store::{Answer, StoreError};

/// Of a file that is not whole.
const UNFINISHED: &str = "part";
/// Whose files these are: the name of the database that knows them. Another one would take all of them for nobody's.
const MARKER: &str = "database";

/// A folder of files.
pub(super) struct Folder(Arc<PathBuf>);

impl Folder {
    /// Makes it if it is missing. Several relays of one database may come at once: all of them write the same marker.
    pub(super) fn open(folder: PathBuf, home: [u8; 16]) -> io::Result<Self> {
        data::create(&folder)?;
        let (marker, home) = (folder.join(MARKER), hex::encode(home));
        let said = match fs::read_to_string(&marker) {
            Err(fault) if fault.kind() == ErrorKind::NotFound => String::new(),
            other => other?,
        };
        // Empty: nobody's yet, or its writing was interrupted.
        if said.is_empty() {
            let mut open = File::create(&marker)?;
            open.write_all(home.as_bytes())?;
            open.sync_all()?;
            File::open(&folder)?.sync_all()?;
        } else if said.trim() != home {
            return Err(io::Error::other(format!(
                "it holds the files of another database. Name another folder, or put that database back; if this one shall take \
                 the folder over, delete the file {MARKER} in it: what it does not know is deleted after a week"
            )));
        }
        Ok(Self(Arc::new(folder)))
    }

    /// Does work of the disk beside the runtime.
    fn run<T, F>(&self, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Path) -> io::Result<T> + Send + 'static,
    {
        let folder = Arc::clone(&self.0);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&folder)).await;
            let done = done.map_err(|_| StoreError::Failed("a disk's work stopped".to_owned()))?;
            done.map_err(|fault| named(&fault))
        })
    }
}

impl Bodies for Folder {
    fn write(&self, file: FileId, offset: u64, bytes: Bytes) -> Answer<bool> {
        self.run(move |folder| write(folder, &file, offset, &bytes))
    }

    fn settle(&self, file: FileId) -> Answer<()> {
        self.run(move |folder| {
            let (whole, part) = paths(folder, &file);
            match File::options().write(true).open(part) {
                Err(fault) if fault.kind() == ErrorKind::NotFound && whole.exists() => Ok(()),
                open => open?.sync_data(),
            }
        })
    }

    fn finish(&self, file: FileId) -> Answer<()> {
        self.run(move |folder| {
            let (whole, part) = paths(folder, &file);
            if !whole.exists() {
                let synced = File::open(&part).and_then(|open| open.sync_all());
                match synced.and_then(|()| fs::rename(&part, &whole)) {
                    // Another request was quicker by a moment.
                    Err(fault) if fault.kind() == ErrorKind::NotFound && whole.exists() => {}
                    renamed => renamed?,
                }
            }
            File::open(shelf(folder, &file))?.sync_all()
        })
    }

    fn read(&self, file: FileId, offset: u64, most: usize) -> Answer<Option<Bytes>> {
        self.run(move |folder| read(folder, &file, offset, most))
    }

    fn delete(&self, file: FileId) -> Answer<()> {
        self.run(move |folder| {
            let (whole, part) = paths(folder, &file);
            for path in [whole, part] {
                match fs::remove_file(path) {
                    Err(fault) if fault.kind() != ErrorKind::NotFound => return Err(fault),
                    _ => {}
                }
            }
            Ok(())
        })
    }

    fn shelf(&self, number: u8) -> Answer<Vec<FileId>> {
        self.run(move |folder| {
            let entries = match fs::read_dir(folder.join(format!("{number:02x}"))) {
                Ok(entries) => entries,
                Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(fault) => return Err(fault),
            };
            let mut files = Vec::new();
            for entry in entries {
                let name = entry?.file_name();
                // Whatever else somebody put there is not ours to delete.
                let stem = name.to_str().and_then(|name| name.split('.').next());
                files.extend(stem.and_then(|stem| stem.parse::<FileId>().ok()));
            }
            files.sort_unstable();
            files.dedup();
            Ok(files)
        })
    }
}

fn shelf(folder: &Path, file: &FileId) -> PathBuf {
    let [first, ..] = file.as_bytes();
    folder.join(format!("{first:02x}"))
}

/// Where it is when it is whole, and before.
fn paths(folder: &Path, file: &FileId) -> (PathBuf, PathBuf) {
    let whole = shelf(folder, file).join(file.to_string());
    let part = whole.with_extension(UNFINISHED);
    (whole, part)
}

/// What is whole is not written to: who is slower, or means to exchange it, changes nothing.
fn write(folder: &Path, file: &FileId, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    let (whole, part) = paths(folder, file);
    let mut open = match File::options().write(true).open(part) {
        Err(fault) if fault.kind() == ErrorKind::NotFound => {
            if whole.exists() {
                return Ok(true);
            }
            if offset > 0 {
                return Ok(false);
            }
            begun(folder, file)?
        }
        other => other?,
    };
    // A hole would be read as zeros.
    if open.metadata()?.len() < offset {
        return Ok(false);
    }
    open.seek(SeekFrom::Start(offset))?;
    open.write_all(bytes)?;
    Ok(true)
}

/// A new file; that it is there is durable when this returns.
fn begun(folder: &Path, file: &FileId) -> io::Result<File> {
    let shelf = shelf(folder, file);
    if !shelf.exists() {
        data::create(&shelf)?;
        File::open(folder)?.sync_all()?;
    }
    let (_, part) = paths(folder, file);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let open = options.open(part)?;
    File::open(shelf)?.sync_all()?;
    Ok(open)
}

fn read(folder: &Path, file: &FileId, offset: u64, most: usize) -> io::Result<Option<Bytes>> {
    let (whole, _) = paths(folder, file);
    let mut open = match File::open(whole) {
        Ok(open) => open,
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    open.seek(SeekFrom::Start(offset))?;
    let to_border = PART as u64 - offset % PART as u64;
    let most = (most as u64).min(to_border);
    let mut bytes = Vec::with_capacity(most as usize);
    open.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes.into()))
}

/// The store's name for a fault of the disk; no path, which would name a file.
fn named(fault: &io::Error) -> StoreError {
    match fault.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full,
        kind => StoreError::Failed(format!("the folder of files: {kind}")),
    }
}
