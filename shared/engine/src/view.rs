//! What is shown: conversations, lines, people. Plain data, no behaviour, nothing secret but the texts themselves.

use chopar_wire::ids::InviteId;
use chopar_wire::{AccountId, DeviceId, FileMark, MessageId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a fresh tab needs to paint.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where onboarding stands.
    pub phase: Phase,
    /// The connection to the relay.
    pub connection: ConnectionState,
    /// All conversations, newest first.
    pub conversations: Vec<Conversation>,
    /// What is shared.
    pub preferences: Preferences,
    /// What there is to know about the own devices.
    pub own_devices: OwnDevices,
}

/// What there is to know about the own devices without having asked: shown on every page until it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevices {
    /// What is wrong with the own account log, if anything. All but [`Alarm::LogDisputed`] stop what goes to the own other
    /// devices.
    pub alarm: Option<Alarm>,
    /// Devices that were added by others and not looked at yet ([`crate::Intent::DevicesSeen`]).
    pub new: Vec<DeviceView>,
    /// Devices that an administrator suspended, as the relay says: only the person can revoke them
    /// ([`crate::Intent::RevokeDevice`]).
    pub suspended: Vec<DeviceView>,
}

/// Where a browser stands between its first visit and daily use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// No account here yet.
    Fresh,
    /// The account exists; its recovery key must be saved and confirmed.
    RecoveryKey {
        /// Nine groups of four characters.
        groups: Vec<String>,
        /// Which two groups are asked for, from 1.
        confirm: [u8; 2],
    },
    /// In daily use.
    Ready(Me),
    /// This device was revoked; history can be read, nothing can be sent.
    Revoked(Me),
}

/// The own account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// Account id.
    pub account: AccountId,
    /// This device.
    pub device: DeviceId,
    /// As stored at the relay.
    pub handle: String,
    /// Display name.
    pub display_name: String,
    /// What the relay lets this account do.
    pub role: Role,
}

/// Roles within the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Talks.
    Member,
    /// Also invites and administers.
    Owner,
    /// Reads the audit log.
    Auditor,
}

/// The connection to the relay, in three words people know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionState {
    /// Signed in, the queue is drained.
    Online,
    /// On the way there.
    Connecting,
    /// No network, or waiting for the next attempt.
    Offline {
        /// When the next attempt is due, if one is.
        next_attempt: Option<Timestamp>,
        /// Why no attempt will be made by itself soon, if so.
        stopped: Option<Stopped>,
    },
}

/// Why the client does not reconnect by itself, or only rarely ([`Stopped::may_pass`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stopped {
    /// The same device is connected from elsewhere (a copied profile).
    Replaced,
    /// This device was revoked.
    Revoked,
    /// The relay speaks another version of the protocol: reload the page.
    Outdated,
    /// The relay does not know this account or this device: it was set up anew, or another server answers at its address.
    /// The relay's claim: nothing here is deleted for it.
    Unknown,
    /// The relay knows this device and lets its account in no more.
    Suspended,
}

impl Stopped {
    /// Whether the reason may go away without anything happening here: it is looked now and then.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Unknown | Self::Suspended)
    }
}

/// What is shared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// Visible "delivered" and "read" ticks, both ways.
    pub receipts: bool,
    /// Typing notices, both ways.
    pub typing: bool,
}

/// A row of the list of conversations.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The other person.
    pub peer: AccountId,
    /// Their display name (their own claim).
    pub name: String,
    /// Their handle (the relay's claim).
    pub handle: String,
    /// The last line, if any.
    pub last: Option<Line>,
    /// Orders the list: when something last happened.
    pub time: Timestamp,
    /// How many lines were not seen.
    pub unread: u32,
    /// The first of them.
    pub first_unread: Option<u64>,
    /// What was typed and not sent.
    pub draft: String,
    /// Whether the safety number was compared.
    pub trust: Trust,
    /// A broken promise of the relay that stops sending, if any.
    pub alarm: Option<Alarm>,
    /// Whether it is a group: then `peer` names the group, `name` is its name ([`crate::Intent::Group`] tells the rest).
    pub group: bool,
    /// Nobody is told when something arrives.
    pub muted: bool,
    /// It stands above the others.
    pub pinned: bool,
    /// It is put away until something arrives.
    pub archived: bool,
    /// Nothing of this person is shown, and nothing is sent to them.
    pub blocked: bool,
    /// How long after they were read new messages disappear, in seconds; 0: they stay.
    pub timer: u32,
}

/// How a conversation is kept on this account's devices. Nobody else hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Setting {
    /// [`Conversation::muted`].
    Muted,
    /// [`Conversation::pinned`].
    Pinned,
    /// [`Conversation::archived`].
    Archived,
    /// [`Conversation::blocked`].
    Blocked,
}

/// Names a message: an id counts together with whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// Whose it is.
    pub author: AccountId,
    /// Its id.
    pub id: MessageId,
}

/// How far a contact's safety number can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Not compared.
    Unverified,
    /// Compared, and unchanged since.
    Verified,
    /// Was compared, and has changed: sending waits for a decision.
    Changed,
}

/// A broken promise: the relay, or somebody through it, showed something that does not verify. Sending stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alarm {
    /// Two versions of the account log exist.
    LogForked,
    /// An older version of the account log was shown.
    LogRolledBack,
    /// An entry of the account log is not signed by whom it must be.
    LogForged,
    /// A prekey bundle is not signed by its device.
    BundleForged,
    /// An older prekey bundle was shown.
    BundleRolledBack,
    /// A device says, inside the encryption, that its account log is longer than the relay shows it: entries are withheld.
    LogWithheld,
    /// Of the own account only: a contact was shown other entries of the own log than are known here.
    LogDisputed,
}

/// One line of a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its place; rises, has gaps.
    pub sequence: u64,
    /// When it was sent, by the sender's clock; never before the line above by more than clocks differ.
    pub time: Timestamp,
    /// Whose message it is, of those that are not one's own. In a conversation with a person they wrote all of them.
    pub author: Option<AccountId>,
    /// What it is.
    pub body: LineBody,
}

/// What a line is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineBody {
    /// An own message.
    Own {
        /// The message.
        id: MessageId,
        /// Its text.
        text: String,
        /// How far it has come.
        state: SentState,
        /// Why it is still waiting, where a person can do something about it.
        held: Option<Held>,
        /// What else there is about it.
        extra: Extra,
    },
    /// A message of the other person.
    Theirs {
        /// The message.
        id: MessageId,
        /// Its text.
        text: String,
        /// What else there is about it.
        extra: Extra,
    },
    /// Something that happened.
    Notice(Notice),
}

/// What there is about a message besides its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// What it answers; it may not be here ([`crate::Intent::FindMessage`]).
    pub reply_to: Option<Reference>,
    /// Somebody else wrote it first.
    pub forwarded: bool,
    /// Its text is not the one it was sent with.
    pub edited: bool,
    /// Its author took it back; its text is empty.
    pub deleted: bool,
    /// What people think of it, most people first.
    pub reactions: Vec<Reactions>,
    /// How long after it was read it disappears, in seconds; 0: it stays.
    pub lifetime: u32,
    /// Its files ([`crate::Intent::FetchFile`]).
    pub files: Vec<FileView>,
}

/// A file of a message. All of it is its sender's claim, its name made harmless.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// Names it.
    pub mark: FileMark,
    /// What it is called; it can be shown in a line and saved on any system.
    pub name: String,
    /// What it claims to be.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// What it may be shown as.
    pub shown_as: ShownAs,
    /// A small picture of it; empty: none.
    pub thumbnail: Vec<u8>,
    /// Width and height of a picture, in pixels. Whoever decodes it holds it to them.
    pub sides: Option<(u32, u32)>,
    /// How long a recording lasts, in milliseconds; 0: not said.
    pub duration_ms: u32,
    /// Loudness over its time, one byte a bar.
    pub waveform: Vec<u8>,
}

// Names are the people's own: in no log.
impl core::fmt::Debug for FileView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileView")
            .field("mark", &self.mark)
            .finish_non_exhaustive()
    }
}

/// What a file may be shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShownAs {
    /// A picture: its name says the same as its media type.
    Picture,
    /// A recording with a waveform.
    VoiceNote,
    /// Something with a name.
    File,
}

/// A message that was looked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Whose conversation.
    pub conversation: AccountId,
    /// Its line there.
    pub sequence: u64,
    /// When it was sent, as the line shows it.
    pub time: Timestamp,
    /// Whose it is; `None` for an own one.
    pub author: Option<AccountId>,
    /// Its text.
    pub text: String,
    /// What its files are called.
    pub files: Vec<String>,
}

/// Who reacted to a message with one emoji.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactions {
    /// The emoji.
    pub emoji: String,
    /// By whom.
    pub by: Vec<AccountId>,
}

/// How far an own message has come. The words are a contract: Waiting, Sent, Delivered, Read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SentState {
    /// In the outbox.
    Waiting,
    /// Stored by the relay.
    Sent,
    /// On the other person's device.
    Delivered,
    /// Read.
    Read,
}

/// Why a message waits for a person, not for the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// The safety number changed; decide on the person's page.
    SafetyNumberChanged,
    /// An alarm is raised for this contact.
    Alarm,
    /// The other person's queue at the relay is full.
    QueueFull,
    /// It lay at the relay until it expired; send it again.
    Expired,
    /// The other person has no device that can receive.
    NoDevice,
    /// The account is gone.
    NoSuchAccount,
    /// The relay cannot write now, most likely for want of room. It goes out by itself when the relay can.
    RelayStorage,
    /// The relay refuses it as it is. It is tried again, rarely: a relay may be mended or set up otherwise.
    Refused,
    /// The own room for files at the relay is used up. It goes out by itself when there is some.
    FilesFull,
    /// A file is larger than the relay takes.
    FileTooLarge,
    /// A file is not here any more; attach it to a new message.
    FileLost,
}

/// Something that happened in a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The conversation began; who cannot read it is said here.
    Began,
    /// The other person added a device.
    DeviceAdded {
        /// Its name, their claim.
        name: String,
    },
    /// The other person revoked a device.
    DeviceRevoked {
        /// Its name.
        name: String,
    },
    /// The safety number changed.
    SafetyNumberChanged,
    /// The person was marked as verified here.
    Verified,
    /// The mark was taken back.
    Unverified,
    /// The handle of this person now names another account: whoever has it is somebody else.
    HandleMoved {
        /// The handle.
        handle: String,
    },
    /// An alarm was raised.
    AlarmRaised(Alarm),
    /// Messages arrived late, after a repair.
    Repaired,
    /// Somebody changed how long messages stay.
    TimerChanged {
        /// Who; their session says so.
        by: AccountId,
        /// How long after they were read messages disappear, in seconds; 0: they stay.
        seconds: u32,
    },
    /// A member changed the group; their device signed it.
    Group {
        /// Who.
        by: AccountId,
        /// What.
        deed: GroupDeed,
    },
    /// A member has seen changes of the group that the relay does not show. Sending waits for them.
    GroupWithheld,
    /// There are two rosters of the group: it has stopped. [`crate::Intent::RestartGroup`] begins it anew with the same people.
    GroupForked {
        /// Whose devices signed the two entries that exclude each other; empty while only the contradiction is known.
        signers: Vec<AccountId>,
    },
}

/// What a member changed in a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupDeed {
    /// Added people.
    Added(Vec<AccountId>),
    /// Removed people.
    Removed(Vec<AccountId>),
    /// Left.
    Left,
    /// Made somebody an admin, or no admin any more.
    Role {
        /// Whom.
        account: AccountId,
        /// Which.
        admin: bool,
    },
    /// Called it otherwise.
    Named(String),
    /// Gave it another picture, or none.
    Picture,
    /// Let only admins write, or everybody.
    AdminsOnly(bool),
    /// Lets messages disappear after so many seconds; 0: no more.
    Timer(u32),
}

/// A group's page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Its conversation.
    pub conversation: AccountId,
    /// What it is called.
    pub name: String,
    /// A small image; empty where there is none.
    pub picture: Vec<u8>,
    /// Whether only admins write.
    pub admins_only: bool,
    /// Messages disappear after so many seconds; 0: never.
    pub timer_seconds: u32,
    /// Who is in it, the own account among them.
    pub members: Vec<GroupMember>,
    /// Whether this account is no longer in it.
    pub over: bool,
    /// What stops it, if anything.
    pub trouble: Option<GroupTrouble>,
}

/// Somebody in a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMember {
    /// Account id.
    pub account: AccountId,
    /// Their name: their own claim, or that of who added them.
    pub name: String,
    /// Their handle, the same.
    pub handle: String,
    /// Whether they may change the group.
    pub admin: bool,
    /// Whether it is the own account.
    pub this: bool,
    /// Whether their safety number was compared.
    pub trust: Trust,
    /// A broken promise about them, if any.
    pub alarm: Option<Alarm>,
    /// Whether they get nothing from here until somebody decides or their account is mended.
    pub left_out: bool,
}

/// What stops a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupTrouble {
    /// The relay does not show changes that a member has seen. It passes by itself.
    Withheld,
    /// There are two rosters.
    Forked {
        /// Whose devices signed the two entries; empty while only the contradiction is known.
        signers: Vec<AccountId>,
    },
}

/// How far an own message has come with one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberState {
    /// Who.
    pub account: AccountId,
    /// How far.
    pub state: SentState,
}

/// Somebody found in the directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFound {
    /// Account id.
    pub account: AccountId,
    /// Handle.
    pub handle: String,
    /// Display name.
    pub display_name: String,
    /// Set where a contact of another account had this handle before.
    pub was_somebody_else: bool,
}

/// A person's page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Account id.
    pub account: AccountId,
    /// Handle.
    pub handle: String,
    /// Display name.
    pub display_name: String,
    /// Sixty digits; empty while the account log is not known yet.
    pub safety_number: String,
    /// The payload of the QR code.
    pub qr: Vec<u8>,
    /// Whether it was compared.
    pub trust: Trust,
    /// A broken promise, if any.
    pub alarm: Option<Alarm>,
    /// Devices of the account.
    pub devices: Vec<DeviceView>,
}

/// A device in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Device id.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// When it was added, by the signer's clock.
    pub added: Timestamp,
    /// Whether it is the one in use.
    pub this: bool,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// An open invite.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// Names it.
    pub id: InviteId,
    /// What its users become.
    pub role: Role,
    /// How many may still use it.
    pub uses_left: u32,
    /// When it expires.
    pub expires: Timestamp,
}

/// A member, as the relay knows them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Account id.
    pub account: AccountId,
    /// Handle.
    pub handle: String,
    /// Display name.
    pub display_name: String,
    /// Role.
    pub role: Role,
    /// When they joined.
    pub joined: Timestamp,
    /// Whether the account is suspended.
    pub disabled: bool,
    /// Active devices.
    pub devices: u32,
}
