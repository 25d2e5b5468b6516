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

/// A folder of files.
pub(super) struct Folder(Arc<PathBuf>);

impl Folder {
    /// Makes it if it is missing.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        data::create(&folder)?;
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
    fn write(&self, file: FileId, offset: u64, bytes: Bytes) -> Answer<()> {
        self.run(move |folder| write(folder, &file, offset, &bytes))
    }

    fn settle(&self, file: FileId) -> Answer<()> {
        self.run(move |folder| opened(folder, &file, File::options().write(true))?.sync_data())
    }

    fn finish(&self, file: FileId) -> Answer<()> {
        self.run(move |folder| {
            let (whole, part) = paths(folder, &file);
            match File::open(&part) {
                Ok(open) => {
                    open.sync_all()?;
                    fs::rename(&part, &whole)?;
                }
                // It was done, and the answer lost.
                Err(fault) if fault.kind() == ErrorKind::NotFound && whole.exists() => {}
                Err(fault) => return Err(fault),
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

/// The file as it is: whole where it was finished and the answer lost, else unfinished.
fn opened(folder: &Path, file: &FileId, options: &fs::OpenOptions) -> io::Result<File> {
    let (whole, part) = paths(folder, file);
    match options.open(&part) {
        Err(fault) if fault.kind() == ErrorKind::NotFound => options.open(&whole),
        other => other,
    }
}

fn write(folder: &Path, file: &FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut open = match opened(folder, file, File::options().write(true)) {
        Err(fault) if fault.kind() == ErrorKind::NotFound && offset == 0 => begun(folder, file)?,
        other => other?,
    };
    // A hole would be read as zeros.
    if open.metadata()?.len() < offset {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "bytes of a file are missing",
        ));
    }
    open.seek(SeekFrom::Start(offset))?;
    open.write_all(bytes)
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
