//! What a person asks for. Serialised between tab and worker, both of one build.

use chopar_wire::ids::InviteId;
use chopar_wire::{AccountId, DeviceId, FileMark, MessageId};
use serde::{Deserialize, Serialize};

use crate::history::HistoryMark;
use crate::search::Spot;
use crate::view::{Preferences, Reference, Role, Setting};

/// An intent with the id under which its answer comes back ([`crate::Event::Answered`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Chosen by the tab: random, so that tabs never collide.
    pub id: u64,
    /// What is asked.
    pub intent: Intent,
}

/// Something a person, or the page on their behalf, wants. Each is answered exactly once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// Everything a fresh tab needs to paint. Answer: `Snapshot`.
    Snapshot,
    /// Whether an invite is usable, before the form is filled. Answer: `Invite`.
    CheckInvite {
        /// The part of the link behind `#`.
        token: String,
    },
    /// Make an account. Answer: `Done` once the relay has registered it; the phase then is `RecoveryKey`.
    CreateAccount {
        /// The invite's token.
        invite: String,
        /// As typed; folded and judged by `chopar_identity::Handle`.
        handle: String,
        /// As typed.
        display_name: String,
        /// How this browser is called in the list of devices.
        device_name: String,
    },
    /// Make this browser a device of the account that a recovery key belongs to. Answer: `Done` once the relay has let it in; the
    /// phase then is `Ready`.
    Recover {
        /// All groups, as typed.
        key: String,
        /// How this browser is called in the list of devices.
        device_name: String,
    },
    /// The recovery key was saved: the groups asked for, as typed. Answer: `Done`, or `Failed(WrongGroups)`.
    ConfirmRecoveryKey {
        /// (group number from 1, text).
        groups: Vec<(u8, String)>,
    },
    /// Search the relay's directory. Answer: `People`.
    FindPeople {
        /// Handle or part of a name.
        query: String,
    },
    /// Open, and if need be begin, the conversation with a person found. Answer: `Conversation`.
    OpenConversation {
        /// Who.
        peer: AccountId,
        /// What the directory said, used until the person introduces themselves.
        handle: String,
        /// What the directory said.
        display_name: String,
    },
    /// A page of lines, newest first in demand, ascending in the answer. Answer: `Page`.
    Page {
        /// Whose conversation.
        conversation: AccountId,
        /// Only lines with a sequence below this; `None` from the end.
        before: Option<u64>,
        /// How many lines.
        limit: u16,
    },
    /// Send a text. Answer: `Done` when it is safely in the outbox (it shows as waiting at once).
    Send {
        /// To whom.
        conversation: AccountId,
        /// Chosen by the tab; sending the same id twice sends once.
        id: MessageId,
        /// At most 8,000 bytes.
        text: String,
        /// What it answers.
        reply_to: Option<Reference>,
        /// Whether somebody else wrote it first.
        forwarded: bool,
    },
    /// Send files, with or without a text. Answer: `Done` when they and the text are safely kept (the message shows as
    /// waiting at once); it is said when the relay has all of them.
    SendFiles {
        /// To whom.
        conversation: AccountId,
        /// Chosen by the tab; sending the same id twice sends once.
        id: MessageId,
        /// At most 8,000 bytes; may be empty.
        text: String,
        /// What it answers.
        reply_to: Option<Reference>,
        /// 1 to 10 of them, sealed by the host; those that are not sent it is told to discard.
        files: Vec<SealedFile>,
    },
    /// Fetch a file of a message. Answer: `Done` when the host keeps all of it, and it is the one of the message.
    FetchFile {
        /// Whose conversation.
        conversation: AccountId,
        /// Which message.
        message: Reference,
        /// Which of its files.
        file: FileMark,
    },
    /// Stop fetching a file, wherever in a conversation it is: nothing of it is kept, and whoever asked for it is told
    /// [`crate::Failure::Stopped`]. Answer: `Done`, also where it is not being fetched.
    StopFetch {
        /// Whose conversation.
        conversation: AccountId,
        /// Which.
        file: FileMark,
    },
    /// Give an own message another text. Answer: `Done`.
    Edit {
        /// Whose conversation.
        conversation: AccountId,
        /// Which.
        id: MessageId,
        /// At most 8,000 bytes.
        text: String,
    },
    /// Delete a message: an own one for everybody, or any for this account. Answer: `Done`.
    Delete {
        /// Whose conversation.
        conversation: AccountId,
        /// Which.
        message: Reference,
        /// Whether it is taken back from everybody.
        everyone: bool,
    },
    /// Say what one thinks of a message, in one emoji. Answer: `Done`.
    React {
        /// Whose conversation.
        conversation: AccountId,
        /// Which.
        message: Reference,
        /// One emoji; empty takes the reaction back.
        emoji: String,
    },
    /// Find a message that another one answers. Answer: `Message`.
    FindMessage {
        /// Whose conversation.
        conversation: AccountId,
        /// Which.
        message: Reference,
    },
    /// Find messages in all conversations. Answer: `Found`; nothing to a query without a word.
    Search {
        /// As typed: words, or parts of words, all of which have to occur.
        query: String,
        /// Only what comes after this hit; `None` from the latest on.
        after: Option<Spot>,
        /// How many hits.
        limit: u16,
    },
    /// Have messages from now on disappear. Answer: `Done`.
    SetTimer {
        /// Whose conversation.
        conversation: AccountId,
        /// How long after they were read, in seconds; 0: they stay.
        seconds: u32,
    },
    /// Change how a conversation is kept on this account's devices. Answer: `Done`.
    Keep {
        /// Whose conversation.
        conversation: AccountId,
        /// What.
        setting: Setting,
        /// Whether it is to be so.
        on: bool,
    },
    /// Try again what failed. Answer: `Done`.
    Retry {
        /// Whose conversation.
        conversation: AccountId,
        /// Which message.
        id: MessageId,
    },
    /// Everything up to this line was seen. Answer: `Done`.
    MarkRead {
        /// Whose conversation.
        conversation: AccountId,
        /// Sequence of the last line seen.
        up_to: u64,
    },
    /// The person is typing, or stopped. Answer: `Done`.
    Typing {
        /// Whose conversation.
        conversation: AccountId,
        /// Whether they stopped.
        stopped: bool,
    },
    /// Keep what is in the composer. Answer: `Done`.
    SaveDraft {
        /// Whose conversation.
        conversation: AccountId,
        /// Empty removes it.
        text: String,
    },
    /// A person's page: names, safety number, devices. Answer: `Person`.
    Person {
        /// Who.
        peer: AccountId,
    },
    /// The safety number was compared. Answer: `Done`, or `Failed(SafetyNumberChanged)` if it is no longer the one seen.
    MarkVerified {
        /// Who.
        peer: AccountId,
        /// The sixty digits that were on the screen.
        digits: String,
        /// `false` takes the mark back.
        verified: bool,
    },
    /// Go on sending to a verified contact whose safety number changed. Answer as `MarkVerified`.
    AcceptSafetyNumber {
        /// Who.
        peer: AccountId,
        /// The sixty digits that were on the screen.
        digits: String,
    },
    /// Compare with a scanned QR code. Answer: `Done` (and the person is verified), or `Failed`.
    CompareQr {
        /// Who.
        peer: AccountId,
        /// The bytes scanned.
        payload: Vec<u8>,
    },
    /// The own devices. Answer: `Devices`.
    Devices,
    /// The new ones among the own devices were looked at. Answer: `Done`.
    DevicesSeen,
    /// Revoke one of the own devices. Answer: `Done` once the relay has the entry.
    RevokeDevice {
        /// Which.
        device: DeviceId,
    },
    /// Change what is shared. Answer: `Done`.
    SetPreferences(Preferences),
    /// Change the own display name. Answer: `Done`.
    SetDisplayName {
        /// As typed.
        display_name: String,
    },
    /// Make an invite (owners). Answer: `Invite` link.
    CreateInvite {
        /// What its users become.
        role: Role,
        /// How many may use it.
        uses: u32,
        /// How long it lives, in seconds.
        lifetime_seconds: u64,
    },
    /// The organisation's open invites (owners). Answer: `Invites`.
    Invites,
    /// Withdraw an invite (owners). Answer: `Done`.
    RevokeInvite {
        /// Which.
        invite: InviteId,
    },
    /// The organisation's members (owners). Answer: `Members`.
    Members {
        /// Continue behind this handle; empty from the start.
        after_handle: String,
    },
    /// Begin a group. Answer: `GroupBegun` once the relay has its log, and `Done` where the same wish was granted before; the
    /// conversation comes as `ConversationChanged`.
    CreateGroup {
        /// Chosen by the tab: the same wish twice begins one group.
        wish: [u8; 16],
        /// 1 to 64 characters.
        name: String,
        /// Who else is in it; at most 999.
        members: Vec<Invitee>,
    },
    /// Change a group. Answer: `Done` once the relay has the entry.
    ChangeGroup {
        /// Which.
        conversation: AccountId,
        /// What.
        change: GroupChange,
    },
    /// Begin a group anew with the same people, after a fork. Answer as `CreateGroup`.
    RestartGroup {
        /// Chosen by the tab, as in `CreateGroup`.
        wish: [u8; 16],
        /// The one that stopped.
        conversation: AccountId,
    },
    /// A group's page. Answer: `Group`.
    Group {
        /// Which.
        conversation: AccountId,
    },
    /// A group's picture, without all who are in it. Answer: `GroupPicture`.
    GroupPicture {
        /// Which.
        conversation: AccountId,
    },
    /// What some people are called, without all who are in a group with them. Answer: `Names`.
    Names {
        /// Who.
        accounts: Vec<AccountId>,
    },
    /// Who of a group has an own message. Answer: `MessageStates`.
    MessageStates {
        /// Which group.
        conversation: AccountId,
        /// Which message; at most 30 days old.
        id: MessageId,
    },
    /// What a new history file is sealed to. Answer: `HistoryBegun`.
    BeginHistory,
    /// Have this device sign a history file. Answer: `HistorySigned`.
    SignHistory {
        /// SHA-256 of the file's header.
        header: [u8; 32],
    },
    /// The next part of a history file: a person or a group, or messages, in an order of the engine's. Answer: `HistoryPart`.
    ExportHistory {
        /// As the part before said; `None` for the first.
        after: Option<HistoryMark>,
    },
    /// Whether a history file was written by a device of this account. Answer: `HistoryOf`.
    ReadHistory {
        /// SHA-256 of its header.
        header: [u8; 32],
        /// Its first record.
        first: Vec<u8>,
    },
    /// Put what a history file holds with what is here, which wins. Answer: `HistoryTaken` once it is durable.
    ImportHistory {
        /// In the order of the file; at most 500.
        records: Vec<Vec<u8>>,
    },
    /// Try to reach the relay now instead of at the next attempt. Answer: `Done`.
    ConnectNow,
}

/// A file that the host has sealed and keeps: what its message will say of it, as an encoded `content.File`. It holds the file's
/// key, so it is made where the engine lives, and no tab sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile(pub Vec<u8>);

/// Somebody who is let into a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitee {
    /// Who.
    pub account: AccountId,
    /// What the directory said, used for people who are no contacts until they introduce themselves.
    pub handle: String,
    /// The same.
    pub display_name: String,
}

impl From<AccountId> for Invitee {
    /// Somebody whose names are known already, or not at all.
    fn from(account: AccountId) -> Self {
        Self {
            account,
            handle: String::new(),
            display_name: String::new(),
        }
    }
}

/// What a person changes in a group. Only admins may, except leaving.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupChange {
    /// Let people in.
    Add(Vec<Invitee>),
    /// Remove people: they read nothing afterwards.
    Remove(Vec<AccountId>),
    /// Leave.
    Leave,
    /// Make somebody an admin, or no admin any more.
    Role {
        /// Whom.
        account: AccountId,
        /// Which.
        admin: bool,
    },
    /// Call it otherwise; 1 to 64 characters.
    Name(String),
    /// A small image of at most 16 KiB; empty takes it away.
    Picture(Vec<u8>),
    /// Let only admins write, or everybody.
    AdminsOnly(bool),
    /// Messages disappear after so many seconds; 0: never.
    Timer(u32),
}
