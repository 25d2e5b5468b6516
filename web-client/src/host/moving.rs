//! Bytes of files between this browser and the relay, and what is kept of them here.

use chopar_engine::{Effect, FileHome, Input, Kept, Moved, Token};
use chopar_wire::FileId;
use wasm_bindgen_futures::spawn_local;

use super::asked::From;
use super::inbox::Happening;
use super::machine::Machine;
use super::owner::Owner;
use crate::platform::random::system_random;
use crate::platform::tab::Tab;
use crate::platform::{Exception, transfer};
use crate::port::FromWorker;

impl<M: Machine> Owner<'_, M> {
    /// Carries out an effect that is about files.
    pub(super) fn carry_out_of_files(&self, effect: Effect) {
        match effect {
            Effect::Upload {
                token,
                file,
                offset,
                length,
                capability,
            } => self.upload(token, file, (offset, length), capability),
            Effect::Fetch {
                token,
                file,
                offset,
                length,
                capability,
            } => self.later(token, async move {
                let outcome = transfer::fetch(file, &capability, offset, length).await;
                Some(Input::Moved { token, outcome })
            }),
            Effect::Keep {
                token,
                home,
                offset,
                bytes,
                last,
            } => self.keep(token, home, offset, bytes, last),
            Effect::Discard(kept) => self.tidy(async move |files| match kept {
                Kept::Sealed(file) => files.discard_sealed(file).await,
                Kept::Fetched(home) => files.discard_opened(&home).await,
                Kept::OfLine { conversation, line } => files.discard_line(&conversation, line).await,
            }),
            Effect::Retain { sealed, lines } => {
                self.tidy(async move |files| files.retain(&sealed, &lines).await);
            }
            _ => {}
        }
    }

    fn upload(&self, token: Token, file: FileId, (offset, length): (u64, u64), capability: Vec<u8>) {
        let (files, inbox) = (self.files.clone(), self.worker.inbox.clone());
        self.later(token, async move {
            let (mark, of, bytes) = files.sealed(file, offset, length).await.ok()??;
            inbox.put(Happening::FileMoved(mark, offset, of));
            let outcome = transfer::send(file, &capability, offset, &bytes).await;
            if let Moved::Stands(at) = &outcome {
                inbox.put(Happening::FileMoved(mark, *at, of));
            }
            Some(Input::Moved { token, outcome })
        });
    }

    fn keep(&self, token: Token, home: FileHome, offset: u64, bytes: Vec<u8>, last: bool) {
        let (files, inbox) = (self.files.clone(), self.worker.inbox.clone());
        self.later(token, async move {
            let mut rng = system_random();
            files.keep(&home, offset, &bytes, last, &mut rng).await.ok()?;
            inbox.put(Happening::FileMoved(home.file, offset + bytes.len() as u64, 0));
            Some(Input::Kept { token })
        });
    }

    /// What is to be deleted. What cannot be goes at the next start: nothing asks for it any more.
    fn tidy<F>(&self, act: F)
    where
        F: AsyncFnOnce(&crate::vault::Files) -> Result<(), crate::vault::VaultError> + 'static,
    {
        let files = self.files.clone();
        spawn_local(async move {
            let _ = act(&files).await;
        });
    }

    /// Gives out a file that is kept here.
    pub(super) fn take_file(&self, id: u64, home: FileHome) {
        let (files, inbox, life) = (self.files.clone(), self.worker.inbox.clone(), self.life);
        spawn_local(async move {
            // What cannot be read is not there, and can be fetched again.
            let blob = files.opened(&home).await.ok().flatten();
            inbox.put(Happening::FileTaken(life, id, blob));
        });
    }

    /// Hands a file to the tab that asked for it.
    pub(super) fn hand_over(&mut self, id: u64, blob: Option<web_sys::Blob>) -> Result<(), Exception> {
        let message = FromWorker::FileTaken { id };
        let blobs: Vec<_> = blob.into_iter().collect();
        match self.taken.answered(id) {
            Some(From::Here) => {
                self.worker.answered(id);
                Tab::hand(&message, &blobs)
            }
            Some(From::Elsewhere) => self.worker.tell_others_with(message, &blobs),
            None => Ok(()),
        }
    }
}
