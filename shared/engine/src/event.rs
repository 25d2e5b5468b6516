//! What a person is told: answers to intents, and changes nobody asked for.

use chopar_wire::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::history::{HistoryMark, Imported};
use crate::search::Spot;
use crate::view::{
    ConnectionState, Conversation, DeviceView, GroupView, Hit, InviteView, Line, MemberState, MemberView,
    OwnDevices, Person, PersonFound, Phase, Role, Snapshot,
};

/// One thing to show. Goes to every tab.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The answer to the intent with this id; other tabs ignore it.
    Answered {
        /// [`crate::Asked::id`].
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// Onboarding moved on, or the account can no longer be used here.
    PhaseChanged(Phase),
    /// The connection to the relay changed.
    ConnectionChanged(ConnectionState),
    /// A conversation is new, or its row in the list changed.
    ConversationChanged(Conversation),
    /// A conversation is gone: a stranger's that was never opened, one of too many.
    ConversationGone(AccountId),
    /// Lines of a conversation are new or changed; replace by sequence.
    LinesChanged {
        /// Whose conversation.
        conversation: AccountId,
        /// Ascending by sequence.
        lines: Vec<Line>,
    },
    /// Lines are gone: deleted here, or disappeared.
    LinesGone {
        /// Whose conversation.
        conversation: AccountId,
        /// Their sequences, ascending.
        lines: Vec<u64>,
    },
    /// The own account log, or who is in it, changed in a way the person must see.
    OwnDevicesChanged(OwnDevices),
    /// The other person is typing until this moment; a moment in the past: stopped.
    TypingUntil {
        /// Whose conversation.
        conversation: AccountId,
        /// Until when.
        until: Timestamp,
    },
}

/// Answers, by intent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::large_enum_variant,
    reason = "few exist at a time, each is moved a few times; a box would cost more than it saves"
)]
pub enum Answer {
    /// It is done, and durable.
    Done,
    /// It was not done, and why.
    Failed(Failure),
    /// To `Snapshot`.
    Snapshot(Box<Snapshot>),
    /// To `CheckInvite`.
    InviteUsable {
        /// What the person will become.
        role: Role,
        /// The organisation's name.
        organisation: String,
    },
    /// To `FindPeople`.
    People(Vec<PersonFound>),
    /// To `OpenConversation`.
    Conversation(Conversation),
    /// To `Page`.
    Page {
        /// Ascending by sequence.
        lines: Vec<Line>,
        /// Whether there are older ones.
        more: bool,
    },
    /// To `FindMessage`; none where the message is not here.
    Message(Option<Box<Line>>),
    /// To `Search`.
    Found {
        /// The latest first.
        hits: Vec<Hit>,
        /// How many there are, on all pages.
        total: u32,
        /// What the next page comes after; `None` on the last one.
        last: Option<Spot>,
        /// How many lines can be searched by now, while the others are being read.
        building: Option<u32>,
    },
    /// To `BeginHistory`.
    HistoryBegun {
        /// The public halves of the account's recovery key: X25519 32 ‖ ML-KEM-1024 1568.
        recovery: Vec<u8>,
        /// How many lines there are, at most.
        lines: u64,
    },
    /// To `SignHistory`: the first record.
    HistorySigned(Vec<u8>),
    /// To `ExportHistory`.
    HistoryPart {
        /// To be written in this order.
        records: Vec<Vec<u8>>,
        /// What the next part comes after; `None`: that was all.
        next: Option<HistoryMark>,
    },
    /// To `ReadHistory`.
    HistoryOf {
        /// What the device that wrote it was called then.
        device: String,
        /// When, by its clock.
        time: Timestamp,
        /// Whether it was removed from the account since.
        revoked: bool,
    },
    /// To `ImportHistory`.
    HistoryTaken(Imported),
    /// To `Person`.
    Person(Box<Person>),
    /// To `Devices`.
    Devices(Vec<DeviceView>),
    /// To `CreateInvite`: the token, to be put behind `/join#`.
    InviteCreated {
        /// The secret part of the link.
        token: String,
        /// When it expires.
        expires: Timestamp,
    },
    /// To `Invites`.
    Invites(Vec<InviteView>),
    /// To `Group`.
    Group(Box<GroupView>),
    /// To `GroupPicture`: a small image, as its admins gave it; empty where there is none.
    GroupPicture(Vec<u8>),
    /// To `CreateGroup` and `RestartGroup`: the conversation of the group that began.
    GroupBegun(AccountId),
    /// To `Names`: of those whose names are known.
    Names(Vec<(AccountId, String)>),
    /// To `MessageStates`.
    MessageStates(Vec<MemberState>),
    /// To `Members`.
    Members {
        /// In order of handles.
        members: Vec<MemberView>,
        /// Whether there are more.
        more: bool,
    },
}

/// Why something was not done. Each has a text in every language; none holds user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The relay cannot be reached now.
    #[error("offline")]
    Offline,
    /// Not possible in this phase (no account yet, or already one).
    #[error("not now")]
    NotNow,
    /// The invite is not known to this relay.
    #[error("invite unknown")]
    InviteUnknown,
    /// The invite has expired.
    #[error("invite expired")]
    InviteExpired,
    /// The invite has been used up.
    #[error("invite used")]
    InviteUsed,
    /// The handle is too short or too long.
    #[error("handle length")]
    HandleLength,
    /// The handle has a character that handles cannot have.
    #[error("handle character")]
    HandleCharacter,
    /// The handle begins or ends with a dot, hyphen or underscore.
    #[error("handle edge")]
    HandleEdge,
    /// The handle mixes scripts.
    #[error("handle mixes scripts")]
    HandleMixed,
    /// Somebody has that handle.
    #[error("handle taken")]
    HandleTaken,
    /// The display name is empty, too long or has control characters.
    #[error("display name")]
    NameInvalid,
    /// The groups of the recovery key are not the ones shown.
    #[error("wrong recovery key groups")]
    WrongGroups,
    /// Not a recovery key: a character is wrong, missing or too many.
    #[error("recovery key mistyped")]
    RecoveryKeyMistyped,
    /// No account at this relay has this recovery key, or it has another one by now.
    #[error("recovery key unknown")]
    RecoveryKeyUnknown,
    /// The account has as many devices as one may have.
    #[error("too many devices")]
    TooManyDevices,
    /// Empty, or longer than a message may be.
    #[error("text length")]
    TextLength,
    /// Not one emoji.
    #[error("not an emoji")]
    NotAnEmoji,
    /// The message is too old to be edited.
    #[error("too late to edit")]
    EditTooLate,
    /// The message was edited as often as one may be.
    #[error("too many edits")]
    TooManyEdits,
    /// Not a time after which messages may disappear, or whoever set the timer last set it for good.
    #[error("timer")]
    TimerInvalid,
    /// This person is blocked here.
    #[error("blocked")]
    Blocked,
    /// The safety number is not the one that was on the screen.
    #[error("safety number changed")]
    SafetyNumberChanged,
    /// The scanned code belongs to other people.
    #[error("safety number does not match")]
    SafetyNumberMismatch,
    /// The scanned code is of another version or not a safety number.
    #[error("not a safety number code")]
    NotASafetyNumber,
    /// No such person, conversation, device, message or invite.
    #[error("not found")]
    NotFound,
    /// The role does not permit it.
    #[error("not allowed")]
    NotAllowed,
    /// More people than a group has, or a picture that is too large.
    #[error("group too large")]
    GroupTooLarge,
    /// The last admin cannot go while others are in the group: make somebody else an admin first.
    #[error("last admin")]
    LastAdmin,
    /// Too often; later it works.
    #[error("rate limited")]
    RateLimited,
    /// The relay could not store it.
    #[error("relay storage")]
    RelayStorage,
    /// The relay said something that does not verify: nothing was accepted.
    #[error("relay misbehaved")]
    RelayMisbehaved,
    /// What was fetched is not the file of the message: somebody exchanged it at the relay, or its sender uploaded another one.
    #[error("file damaged")]
    FileDamaged,
    /// The history file is of another account.
    #[error("history of another account")]
    HistoryOfOther,
    /// No device of this account wrote the history file: somebody made it up.
    #[error("history forged")]
    HistoryForged,
    /// A person stopped it.
    #[error("stopped")]
    Stopped,
    /// This browser could not do it (a key or the storage failed).
    #[error("browser")]
    Browser,
    /// The relay refused for a reason this client does not know.
    #[error("refused ({0})")]
    Refused(i32),
}
