//! Files that are to be deleted at the relay, because their message was deleted for everyone. Each is written down until the relay has
//! said that it is done: who takes a message back may be offline.

use chopar_wire::Timestamp;
use chopar_wire::ids::FileId;
use chopar_wire::proto::relay::DeleteFile;
use chopar_wire::proto::relay::client_frame::Body;

use crate::context::Context;
use crate::engine::Engine;
use crate::map::Map;
use crate::records::ending_file::EndingFileRecord;
use crate::records::{RecordError, SCHEMA, Stored};
use crate::requests::What;
use crate::submitted::REFUSED_MS;

/// All of them.
pub(crate) type EndingFiles = Map<FileId, Ending>;

/// One file.
pub(crate) struct Ending {
    asked: bool,
    not_before: Timestamp,
}

impl Ending {
    const fn new(not_before: Timestamp) -> Self {
        let asked = false;
        Self { asked, not_before }
    }
}

impl Engine {
    pub(crate) fn load_ending(&mut self, partition: &[u8], value: &[u8]) -> Result<(), RecordError> {
        EndingFileRecord::read(value)?;
        let file = FileId::try_from(partition).map_err(|_| EndingFileRecord::bad("file"))?;
        self.ending_files.insert(file, Ending::new(Timestamp(0)));
        Ok(())
    }

    pub(crate) fn end_file(&mut self, file: FileId, cx: &mut Context<'_>) {
        cx.put(file.as_bytes(), 0, &EndingFileRecord { schema: SCHEMA });
        self.ending_files.insert(file, Ending::new(cx.now));
    }

    pub(crate) fn pump_ending(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in() {
            return;
        }
        for (file, ending) in self.ending_files.iter_mut() {
            if !ending.asked && ending.not_before <= cx.now {
                ending.asked = true;
                let (id, what) = ((*file).into(), What::DeleteFile { file: *file });
                self.requests.send(cx, what, Body::DeleteFile(DeleteFile { id }));
            }
        }
    }

    pub(crate) fn on_file_deleted(&mut self, file: FileId, cx: &mut Context<'_>) {
        if self.ending_files.remove(&file).is_some() {
            cx.delete::<EndingFileRecord>(file.as_bytes(), 0);
        }
    }

    /// The relay could not, or made no sense.
    pub(crate) fn ending_put_off(&mut self, file: FileId, at_least_ms: u64, cx: &Context<'_>) {
        let again = cx.now.plus_ms(REFUSED_MS.max(at_least_ms));
        if let Some(ending) = self.ending_files.get_mut(&file) {
            *ending = Ending::new(again);
        }
    }

    /// The connection on which it was asked is gone: it is asked again on the next.
    pub(crate) fn ending_grounded(&mut self, file: FileId) {
        if let Some(ending) = self.ending_files.get_mut(&file) {
            ending.asked = false;
        }
    }

    /// When a deletion is tried next.
    pub(crate) fn ending_due(&self, now: Timestamp) -> Option<Timestamp> {
        let later = |one: &&Ending| !one.asked && one.not_before > now;
        self.ending_files
            .values()
            .filter(later)
            .map(|one| one.not_before)
            .min()
    }
}
