//! Files: chosen and not sent yet, and on their way.

use chopar_engine::Map;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chopar_engine::Failure;
use chopar_engine::view::{FileView, Reference};
use chopar_wire::{AccountId, FileMark};
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use web_sys::Blob;

use super::{Listening, random};
use crate::port::Described;
use crate::view_model::Speed;

/// Files whose way is remembered: more than a person looks at.
const MAX_WAYS: usize = 256;

/// A file that the next message will have. Clones are handles of the same file.
#[derive(Clone)]
pub(crate) struct Attached {
    /// Tells it from others of the same name.
    pub(crate) key: u64,
    /// What will be said of it.
    pub(crate) described: Described,
    /// What will be sent.
    pub(crate) blob: SendWrapper<Blob>,
}

impl Attached {
    /// A file that was just chosen.
    pub(crate) fn new(described: Described, blob: Blob) -> Self {
        Self {
            key: u64::from_le_bytes(random()),
            described,
            blob: SendWrapper::new(blob),
        }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        self.blob.size() as u64
    }
}

/// The files that the next message of a conversation will have. Clones are handles of the same.
#[derive(Clone)]
pub(crate) struct Attachments {
    /// They themselves.
    pub(crate) files: ArcRwSignal<Vec<Attached>>,
    /// How often some are being prepared.
    pub(crate) preparing: ArcRwSignal<usize>,
    /// How many messages with files are being encrypted.
    pub(crate) sealing: ArcRwSignal<usize>,
    /// What is to be said about those that were chosen last.
    pub(crate) problem: ArcRwSignal<Option<String>>,
}

impl Attachments {
    /// None.
    pub(crate) fn new() -> Self {
        Self {
            files: ArcRwSignal::new(Vec::new()),
            preparing: ArcRwSignal::new(0),
            sealing: ArcRwSignal::new(0),
            problem: ArcRwSignal::new(None),
        }
    }

    /// Whether there are none, not tracked.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.read_untracked().is_empty()
    }

    /// Forgets them.
    pub(crate) fn forget(&self) {
        self.files.set(Vec::new());
        self.problem.set(None);
    }
}

/// How a file is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is not, as far as this page has heard.
    Rests,
    /// Bytes of it have gone up.
    Rises {
        /// So many.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// It was asked for here, and so many bytes have come.
    Comes(u64),
    /// It was asked for here, and did not come.
    Failed(Failure),
}

/// A file of a message: where it is, and what is known of it.
#[derive(Clone)]
pub(crate) struct Spot {
    /// Whose conversation.
    pub(crate) peer: AccountId,
    /// Which message.
    pub(crate) about: Reference,
    /// The sequence of its line.
    pub(crate) line: u64,
    /// Which file.
    pub(crate) file: FileView,
}

/// The files on their way, up and down, the picture that is looked at, and the voice message that is listened to.
pub(crate) struct Files {
    ways: Mutex<Map<FileMark, ArcRwSignal<Way>>>,
    /// The picture that is shown in a dialog.
    pub(crate) viewing: ArcRwSignal<Option<Spot>>,
    /// The voice message that is listened to.
    pub(super) listening: ArcRwSignal<Option<Arc<Listening>>>,
    /// How fast one listens, to this one and the next.
    pub(crate) speed: ArcRwSignal<Speed>,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            ways: Mutex::default(),
            viewing: ArcRwSignal::new(None),
            listening: ArcRwSignal::new(None),
            speed: ArcRwSignal::new(Speed::default()),
        }
    }
}

impl Files {
    /// How a file is on its way.
    pub(crate) fn way(&self, file: FileMark) -> ArcRwSignal<Way> {
        let mut all = self.all();
        if all.len() >= MAX_WAYS && !all.contains_key(&file) {
            all.retain(|_, way| matches!(*way.read_untracked(), Way::Comes(_)));
        }
        all.entry(file)
            .or_insert_with(|| ArcRwSignal::new(Way::Rests))
            .clone()
    }

    /// Bytes of it have moved; `of` is 0 for those that come. What another tab fetches is not shown here: how that ends would not be
    /// heard.
    pub(crate) fn moved(&self, file: FileMark, done: u64, of: u64) {
        let way = self.way(file);
        if of > 0 {
            way.set(Way::Rises { done, of });
        } else if matches!(*way.read_untracked(), Way::Comes(_)) {
            way.set(Way::Comes(done));
        }
    }

    /// Forgets all of them.
    pub(crate) fn forget(&self) {
        self.all().clear();
        self.viewing.set(None);
        self.silence();
    }

    fn all(&self) -> MutexGuard<'_, Map<FileMark, ArcRwSignal<Way>>> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
