//! What the host was asked to do and has not answered yet.

use chopar_wire::{AccountId, FileId};

use crate::accepting::Accepting;
use crate::effect::{FileHome, Token};
use crate::files::UploadKey;
use crate::group::Acting;
use crate::history::{HistoryMark, ImportLine, Imported};
use crate::map::Map;
use crate::onboarding::Preparing;
use crate::opening::Initiating;
use crate::places::Spot;
use crate::prekeys::{BundleDraft, OneTimeDraft};
use crate::recovering::Admission;

/// What an answer of the host will be used for. What waits here holds no draft of a session: when the answer comes, its
/// preconditions are checked anew.
pub(crate) enum Waiting {
    /// Device identity keys for a new account.
    Identity,
    /// The first log entry of this device and its first bundle.
    Preparation(Box<Preparing>),
    /// The entry that lets this device into an account, and what goes with it.
    Admission(Box<Admission>),
    /// The sign-in proof over this body.
    Proof { nonce: Vec<u8>, body: Vec<u8> },
    /// One-time prekeys.
    OneTime(OneTimeDraft),
    /// A new bundle.
    Bundle(Box<BundleDraft>),
    /// An entry that revokes an own device.
    Revocation {
        asked: u64,
        draft: Box<chopar_identity::EntryDraft>,
    },
    /// An entry of a group's roster.
    GroupEntry(Box<Acting>),
    /// The agreement of a handshake this side begins.
    Initiation(Box<Initiating>),
    /// The agreement of a handshake that came in.
    Acceptance(Box<Accepting>),
    /// Rows for a page.
    Page {
        asked: u64,
        conversation: AccountId,
        limit: u16,
    },
    /// One row whose state changed.
    Line { conversation: AccountId },
    /// The newest row, for the list.
    Last { conversation: AccountId },
    /// Where a message lies.
    SoughtPlace { spot: Spot },
    /// The row a message lies on.
    SoughtLine { spot: Spot, sequence: u64 },
    /// Bytes of a file that go to the relay.
    Upload { upload: UploadKey, file: FileId },
    /// Bytes of a file that come from it.
    Fetch { home: FileHome },
    /// Bytes of a file that the host is to keep.
    Keep { home: FileHome },
    /// The signature under the beginning of a history file.
    History { asked: u64, body: Vec<u8> },
    /// Rows for a history file.
    Export { asked: u64, mark: HistoryMark },
    /// Which messages of a history file are here.
    Import {
        asked: u64,
        lines: Vec<ImportLine>,
        imported: Imported,
    },
    /// Lines that have some words.
    Search { asked: u64 },
    /// A message that a person asked for by name.
    Shown {
        asked: u64,
        conversation: AccountId,
        sequence: u64,
    },
}

/// Open tokens. A token is never used twice within one engine's life.
#[derive(Default)]
pub(crate) struct Tokens {
    last: u64,
    open: Map<u64, Waiting>,
}

impl Tokens {
    pub(crate) fn wait(&mut self, waiting: Waiting) -> Token {
        self.last += 1;
        self.open.insert(self.last, waiting);
        Token(self.last)
    }

    pub(crate) fn take(&mut self, token: Token) -> Option<Waiting> {
        self.open.remove(&token.0)
    }

    pub(crate) fn is_open(&self, is: impl Fn(&Waiting) -> bool) -> bool {
        self.open.values().any(is)
    }
}
