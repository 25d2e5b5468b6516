//! Lines of which the host keeps opened files. What was opened goes with its line, or with what the line says: deleted by
//! whomever, or disappeared. A record says so before the first byte is kept, so that nothing is left over by a crash.

use chopar_wire::AccountId;

use crate::context::Context;
use crate::effect::{Effect, FileHome, Kept};
use crate::engine::Engine;
use crate::event::Failure;
use crate::records::opened_file::OpenedFileRecord;
use crate::records::{RecordError, SCHEMA, Stored};
use crate::set::Set;

/// All of them, by conversation and the sequence of the line.
#[derive(Default)]
pub(crate) struct OpenedFiles(Set<(AccountId, u64)>);

impl OpenedFiles {
    pub(crate) fn load(&mut self, partition: &[u8], line: u64, value: &[u8]) -> Result<(), RecordError> {
        OpenedFileRecord::read(value)?;
        let bad = |_| OpenedFileRecord::bad("conversation");
        self.0
            .insert((AccountId::try_from(partition).map_err(bad)?, line));
        Ok(())
    }

    pub(super) fn add(&mut self, conversation: AccountId, line: u64, cx: &mut Context<'_>) {
        if self.0.insert((conversation, line)) {
            let record = OpenedFileRecord { schema: SCHEMA };
            cx.put(conversation.as_bytes(), line, &record);
        }
    }
}

impl Engine {
    /// What a line said is gone, and so are its files. Whoever waits for one is told.
    pub(crate) fn discard_opened(&mut self, conversation: AccountId, line: u64, cx: &mut Context<'_>) {
        if !self.opened_files.0.remove(&(conversation, line)) {
            return;
        }
        cx.delete::<OpenedFileRecord>(conversation.as_bytes(), line);
        let of_line = |home: &FileHome| home.conversation == conversation && home.line == line;
        self.give_fetches_up(of_line, Failure::NotFound, cx);
        cx.effect(Effect::Discard(Kept::OfLine { conversation, line }));
    }

    /// Whatever else the host keeps of files was left over when it ended: told at each start.
    pub(crate) fn retain_files(&self, cx: &mut Context<'_>) {
        cx.effect(Effect::Retain {
            sealed: self.uploading_files(),
            lines: self.opened_files.0.iter().copied().collect(),
        });
    }
}
