//! Files: chosen and not sent yet, and on their way.

use chopar_engine::Map;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chopar_engine::Failure;
use chopar_engine::view::{FileView, Reference};
use chopar_wire::{AccountId, FileMark};
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use web_sys::Blob;

use super::{Listening, PictureUrl, random};
use crate::port::Described;
use crate::view_model::Speed;

/// Files whose way is remembered: more than a person looks at.
const MAX_WAYS: usize = 256;
/// Pictures in lines that are kept at hand: a few screens of them.
const MAX_DRAWN: usize = 48;

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
    pub(crate) problems: ArcRwSignal<Vec<String>>,
}

impl Attachments {
    /// None.
    pub(crate) fn new() -> Self {
        Self {
            files: ArcRwSignal::new(Vec::new()),
            preparing: ArcRwSignal::new(0),
            sealing: ArcRwSignal::new(0),
            problems: ArcRwSignal::new(Vec::new()),
        }
    }

    /// Whether there are none, not tracked.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.read_untracked().is_empty()
    }

    /// Forgets them.
    pub(crate) fn forget(&self) {
        self.files.set(Vec::new());
        self.problems.set(Vec::new());
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

/// A picture as it stands in a line. Clones are handles of the same.
#[derive(Clone)]
pub(crate) struct Drawn {
    file: FileMark,
    conversation: AccountId,
    line: u64,
    /// What shows it: a small one, then itself.
    pub(crate) source: ArcRwSignal<Option<PictureUrl>>,
    /// It is another one than its message says, and is not shown.
    pub(crate) other: ArcRwSignal<bool>,
    /// Whether it was asked for.
    pub(crate) asked: Arc<AtomicBool>,
}

/// The files on their way, up and down, the picture that is looked at, and the voice message that is listened to.
pub(crate) struct Files {
    ways: Mutex<Map<FileMark, ArcRwSignal<Way>>>,
    /// Pictures that stand in lines, the latest last: a line that is drawn again has them at once.
    drawn: Mutex<VecDeque<Drawn>>,
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
            drawn: Mutex::default(),
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

    /// A picture in its line; a small one at first, if there is one.
    pub(crate) fn drawn(&self, spot: &Spot, small: impl FnOnce() -> Option<PictureUrl>) -> Drawn {
        let mut all = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let is =
            |one: &&Drawn| (one.file, one.conversation, one.line) == (spot.file.mark, spot.peer, spot.line);
        if let Some(known) = all.iter().find(is) {
            return known.clone();
        }
        if all.len() >= MAX_DRAWN {
            all.pop_front();
        }
        let drawn = Drawn {
            file: spot.file.mark,
            conversation: spot.peer,
            line: spot.line,
            source: ArcRwSignal::new(small()),
            other: ArcRwSignal::new(false),
            asked: Arc::default(),
        };
        all.push_back(drawn.clone());
        drawn
    }

    /// Nothing is kept of pictures of lines that are gone, and none of them is looked at any more.
    pub(crate) fn look_away(&self, conversation: AccountId, lines: &[u64]) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.retain(|one| one.conversation != conversation || !lines.contains(&one.line));
        drop(drawn);
        let gone = |spot: &Spot| spot.peer == conversation && lines.contains(&spot.line);
        if self.viewing.read_untracked().as_ref().is_some_and(gone) {
            self.viewing.set(None);
        }
    }

    /// Forgets all of them.
    pub(crate) fn forget(&self) {
        self.all().clear();
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.viewing.set(None);
        self.silence();
    }

    fn all(&self) -> MutexGuard<'_, Map<FileMark, ArcRwSignal<Way>>> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
