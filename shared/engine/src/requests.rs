//! What was asked of the relay and is not answered yet.

use chopar_wire::proto::identity::{Entry, Signed};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::{AccountId, DeviceId, FileId, GroupId, GroupSubmissionId, Timestamp, frame};

use crate::context::Context;
use crate::effect::{Effect, FileHome};
use crate::files::UploadKey;
use crate::map::Map;
use crate::outbox::RowKey;

/// How long a request waits for its answer, in milliseconds: longer than any write at the relay. A relay that does not answer
/// for so long is treated as gone.
const TIMEOUT_MS: u64 = 30_000;

/// What an answer will be about.
#[derive(Clone, PartialEq)]
pub(crate) enum What {
    SignIn,
    Register,
    Recover,
    AdmitDevice,
    CheckInvite {
        asked: u64,
    },
    Submit {
        row: RowKey,
        submission: u32,
    },
    SubmitGroup {
        group: GroupId,
        row: u64,
        submission: GroupSubmissionId,
    },
    FetchOpaque {
        group: GroupId,
    },
    AppendOpaque {
        group: GroupId,
        append: Box<Signed>,
    },
    BeginFile {
        upload: UploadKey,
        file: FileId,
    },
    OpenFile {
        home: FileHome,
    },
    DeleteFile {
        file: FileId,
    },
    Signal,
    Ack,
    FetchLog {
        account: AccountId,
        from: u32,
    },
    AppendLog {
        asked: u64,
        entry: Box<Entry>,
    },
    Find {
        asked: u64,
    },
    CheckHandle {
        account: AccountId,
    },
    PublishBundle,
    AddOneTime,
    ClaimBundle {
        account: AccountId,
        device: DeviceId,
    },
    SetProfile {
        asked: u64,
        display_name: String,
    },
    CreateInvite {
        asked: u64,
    },
    ListInvites {
        asked: u64,
    },
    RevokeInvite {
        asked: u64,
    },
    ListMembers {
        asked: u64,
    },
}

impl What {
    /// The intent that waits for the answer, if one does.
    pub(crate) const fn asked(&self) -> Option<u64> {
        match self {
            Self::CheckInvite { asked }
            | Self::AppendLog { asked, .. }
            | Self::Find { asked }
            | Self::SetProfile { asked, .. }
            | Self::CreateInvite { asked }
            | Self::ListInvites { asked }
            | Self::RevokeInvite { asked }
            | Self::ListMembers { asked } => Some(*asked),
            _ => None,
        }
    }
}

/// Requests of the present connection, by id. Ids are never reused within one engine's life, so an answer that is late
/// by a whole connection meets nothing.
#[derive(Default)]
pub(crate) struct Requests {
    last: u64,
    open: Map<u64, (What, Timestamp)>,
}

impl Requests {
    /// Sends a frame and remembers what its answer will be about.
    pub(crate) fn send(&mut self, cx: &mut Context<'_>, what: What, body: Body) {
        self.last += 1;
        self.open.insert(self.last, (what, cx.now.plus_ms(TIMEOUT_MS)));
        cx.effect(Effect::Transmit(frame::client(self.last, body)));
    }

    /// Sends a frame whose answer is of no interest.
    pub(crate) fn send_only(&mut self, cx: &mut Context<'_>, body: Body) {
        self.last += 1;
        cx.effect(Effect::Transmit(frame::client(self.last, body)));
    }

    pub(crate) fn take(&mut self, id: u64) -> Option<What> {
        self.open.remove(&id).map(|(what, _)| what)
    }

    /// Everything open, for the end of a connection.
    pub(crate) fn drain(&mut self) -> Vec<What> {
        std::mem::take(&mut self.open)
            .into_values()
            .map(|(what, _)| what)
            .collect()
    }

    pub(crate) fn is_open(&self, is: impl Fn(&What) -> bool) -> bool {
        self.open.values().any(|(what, _)| is(what))
    }

    /// When the oldest one is overdue.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.open.values().map(|(_, due)| *due).min()
    }
}
