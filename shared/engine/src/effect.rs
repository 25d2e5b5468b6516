//! Everything a host must do, and the batch it must commit before it does any of it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use chopar_wire::{AccountId, FileId, FileMark, Timestamp};

use crate::event::Event;
use crate::search::Spot;

/// What one input led to.
///
/// The host commits `persist` durably (one transaction), then carries out `then` in order. If the commit fails it
/// carries out nothing and drops the engine: the vault is the truth, a new engine starts from it.
#[derive(Default)]
#[must_use = "a step that is not committed and carried out is lost"]
pub struct Step {
    /// To be committed first; may be empty.
    pub persist: Batch,
    /// To be done afterwards.
    pub then: Vec<Effect>,
}

/// One thing to do, after the commit.
#[allow(
    clippy::large_enum_variant,
    reason = "few exist at a time, each is moved a few times; a box would cost more than it saves"
)]
pub enum Effect {
    /// Open a socket to the relay's `/v1/connect`, closing one that is open. Answered by `Connected` or `Disconnected`.
    Connect,
    /// Close the socket. Not answered.
    Disconnect,
    /// Send one binary message. If the socket is gone, drop it: the engine sends again after the next sign-in.
    Transmit(Vec<u8>),
    /// Wake the engine at this moment. Replaces the one before.
    WakeAt(Timestamp),
    /// Make device identity keys (Ed25519, X25519), non-extractable where the browser can, and store them wrapped.
    MakeIdentity {
        /// Comes back in `IdentityMade` or `Failed`.
        token: Token,
    },
    /// Sign each input with the device's Ed25519 key.
    Sign {
        /// Comes back in `Signed` or `Failed`.
        token: Token,
        /// The exact bytes to sign, label included.
        inputs: Vec<Vec<u8>>,
    },
    /// Diffie-Hellman of the device's X25519 identity key with this public key.
    Agree {
        /// Comes back in `Agreed` or `Failed`.
        token: Token,
        /// The other side's X25519 public key.
        with: [u8; 32],
    },
    /// Read rows of one conversation: the `limit` newest [`Kind::Line`] rows with a sequence below `before`, and the
    /// [`Kind::Delivery`] rows of the same sequences.
    Load {
        /// Comes back in `Loaded` or `Failed`.
        token: Token,
        /// Whose conversation.
        conversation: AccountId,
        /// Exclusive upper bound; `None` reads from the end.
        before: Option<u64>,
        /// How many lines at most.
        limit: u16,
    },
    /// Read records that are not resident, at one moment.
    Read {
        /// Comes back in `Loaded` (with those that there are) or `Failed`.
        token: Token,
        /// Which; at most 500.
        keys: Vec<RecordKey>,
    },
    /// Find lines in the index that the host keeps of them ([`crate::search`]).
    Search {
        /// Comes back in `Found` or `Failed`.
        token: Token,
        /// As typed.
        query: String,
        /// Only lines before this one; `None` from the latest on.
        after: Option<Spot>,
        /// How many lines at most.
        limit: u16,
    },
    /// Send bytes of a file that was sealed here: `PATCH /v1/files/<id>` with this capability, and the offset in
    /// `Upload-Offset`. Answered by `Moved`, or by `Failed` where the sealed file is not here any more.
    Upload {
        /// Comes back in `Moved` or `Failed`.
        token: Token,
        /// Which.
        file: FileId,
        /// From where in the sealed file.
        offset: u64,
        /// How many bytes.
        length: u64,
        /// In hexadecimal behind `Authorization: Chopar `.
        capability: Vec<u8>,
    },
    /// Fetch bytes of a file: `GET /v1/files/<id>` with this capability and `Range`.
    Fetch {
        /// Comes back in `Moved` or `Failed`.
        token: Token,
        /// Which.
        file: FileId,
        /// From where in the sealed file.
        offset: u64,
        /// How many bytes at most.
        length: u64,
        /// In hexadecimal behind `Authorization: Chopar `.
        capability: Vec<u8>,
    },
    /// Append bytes to what is kept of a file that is being fetched. At offset 0 it begins, whatever was kept of it before. It
    /// is the file once the last of them are kept. Answered by `Kept`, or by `Failed` where there is no room.
    Keep {
        /// Comes back in `Kept` or `Failed`.
        token: Token,
        /// Which.
        home: FileHome,
        /// Where the bytes begin: as many as are kept already.
        offset: u64,
        /// Of the file, opened.
        bytes: Vec<u8>,
        /// Whether that is all of it, and it is the one of the message.
        last: bool,
    },
    /// Delete what is kept here, if it is.
    Discard(Kept),
    /// Delete whatever else is kept of files: it was left over when a host ended. Told once at each start, before anything is
    /// sealed or kept.
    Retain {
        /// Files that were sealed and are on their way up.
        sealed: Vec<FileId>,
        /// Lines, by conversation and sequence, of which opened files may be kept.
        lines: Vec<(AccountId, u64)>,
    },
    /// Tell every tab.
    Tell(Event),
}

/// Where an opened file is kept: with the line of its message, so that it goes when that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileHome {
    /// Whose conversation.
    pub conversation: AccountId,
    /// The sequence of the line.
    pub line: u64,
    /// Which of its files.
    pub file: FileMark,
}

/// What a host keeps of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// One that it sealed, for the upload.
    Sealed(FileId),
    /// One that was opened, or as much of it as came.
    Fetched(FileHome),
    /// All that were opened of a line.
    OfLine {
        /// Whose conversation.
        conversation: AccountId,
        /// The sequence of the line.
        line: u64,
    },
}

/// Ties an answer to the effect that asked. Never reused within one engine's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Writes that become durable together or not at all.
#[derive(Default)]
pub struct Batch {
    /// In order; a later write to the same key wins.
    pub writes: Vec<Write>,
}

/// One write.
pub enum Write {
    /// Insert or replace.
    Put(Record),
    /// Remove if present.
    Delete(RecordKey),
}

/// A record of the vault. The host seals the value; the key it stores is blinded.
#[derive(Clone)]
pub struct Record {
    /// Where it lives.
    pub key: RecordKey,
    /// Encoded by the engine (versioned protobuf); may hold secrets, so it is wiped on drop.
    pub value: Zeroizing<Vec<u8>>,
}

/// Where a record lives. Stored as HMAC(kind, partition) followed by the sequence, so neither is readable at rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// What it is.
    pub kind: Kind,
    /// Whose it is: a conversation's account id, a device id; empty where there is one of its kind.
    pub partition: Vec<u8>,
    /// Order within the partition; 0 where there is one.
    pub sequence: u64,
}

/// Kinds of records. The numbers are stored; they are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The own account: ids, handle, log, preferences, where onboarding stands.
    Account = 1,
    /// A person: account log, trust, names, watermarks of the conversation.
    Contact = 2,
    /// One ratchet session with one device.
    Session = 3,
    /// Private halves of prekeys.
    Prekey = 4,
    /// An envelope that has not been acknowledged by its recipient's device.
    Outbox = 5,
    /// An envelope that cannot be opened yet.
    Quarantine = 6,
    /// Ids of envelopes and messages already seen, in blocks.
    Seen = 7,
    /// A line of a conversation: a message or a notice. Written again when its message is edited, deleted or reacted to.
    Line = 8,
    /// How far an own message has come (waiting, sent, delivered, read). Small and rewritten.
    Delivery = 9,
    /// What was typed and not sent.
    Draft = 10,
    /// On which line a message lies, by whose it is and its id.
    Place = 20,
    /// What was done with a message that has not arrived.
    Pending = 21,
    /// When a line disappears.
    Expiry = 22,
    /// A message whose files are on their way to the relay.
    Upload = 23,
    /// A line of which opened files are kept.
    OpenedFile = 24,
    /// A file that is to be deleted at the relay.
    EndingFile = 25,
    /// A group: keys of its log, the own epoch, its roster.
    Group = 30,
    /// An epoch of a device of a group's member.
    GroupEpoch = 31,
    /// A message sent into a group, and who has it.
    GroupRow = 32,
    /// A segment of the index of lines. The host's own: no engine writes or reads one.
    Index = 40,
}

impl Kind {
    /// Whether all records of the kind are handed over in [`crate::Input::Opened`]; the others are read on demand.
    pub const fn resident(self) -> bool {
        !matches!(self, Self::Line | Self::Delivery | Self::Place | Self::Index)
    }

    /// The kind for a stored number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Account,
            2 => Self::Contact,
            3 => Self::Session,
            4 => Self::Prekey,
            5 => Self::Outbox,
            6 => Self::Quarantine,
            7 => Self::Seen,
            8 => Self::Line,
            9 => Self::Delivery,
            10 => Self::Draft,
            20 => Self::Place,
            21 => Self::Pending,
            22 => Self::Expiry,
            23 => Self::Upload,
            24 => Self::OpenedFile,
            25 => Self::EndingFile,
            30 => Self::Group,
            31 => Self::GroupEpoch,
            32 => Self::GroupRow,
            40 => Self::Index,
            _ => return None,
        })
    }
}
