//! A person. Three records, because they change at different times: the state with every message, the log rarely, the marks
//! of a block of lines with their ticks.

use chopar_wire::proto::identity::Entry;

use super::line::LineRecord;
use super::stored;

/// Sequence of the state within the contact's partition.
pub(crate) const STATE: u64 = 0;
/// Sequence of the log.
pub(crate) const LOG: u64 = 1;
/// Sequence of the first block of marks.
pub(crate) const MARKS: u64 = 16;

/// Names, trust, watermarks.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ContactRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(string, tag = "2")]
    pub(crate) handle: String,
    #[prost(string, tag = "3")]
    pub(crate) display_name: String,
    /// Whether the names are the person's own claim, no longer the directory's.
    #[prost(bool, tag = "4")]
    pub(crate) introduced: bool,
    /// 0 unverified, 1 verified, 2 changed.
    #[prost(uint32, tag = "5")]
    pub(crate) trust: u32,
    /// 0 none, else as in `trust::alarm_number`.
    #[prost(uint32, tag = "6")]
    pub(crate) alarm: u32,
    /// Whether anything may be sent back to them (see `contacts`).
    #[prost(bool, tag = "7")]
    pub(crate) accepted: bool,
    /// The sequence the next line gets; 0: there is no conversation.
    #[prost(uint64, tag = "8")]
    pub(crate) next_line: u64,
    #[prost(message, optional, tag = "9")]
    pub(crate) last: Option<LineRecord>,
    #[prost(uint64, tag = "10")]
    pub(crate) last_sequence: u64,
    /// When something last happened.
    #[prost(uint64, tag = "11")]
    pub(crate) time: u64,
    /// Envelopes that arrived and are not acknowledged to their sender yet.
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub(crate) owed_acks: Vec<Vec<u8>>,
    /// Messages for which a "delivered" is owed.
    #[prost(bytes = "vec", repeated, tag = "13")]
    pub(crate) owed_delivered: Vec<Vec<u8>>,
    /// Messages for which a "read" is owed.
    #[prost(bytes = "vec", repeated, tag = "14")]
    pub(crate) owed_read: Vec<Vec<u8>>,
    /// The own names as this person was last told them.
    #[prost(string, tag = "15")]
    pub(crate) presented_as: String,
    #[prost(message, repeated, tag = "16")]
    pub(crate) devices: Vec<DeviceFacts>,
    /// The handle that now names somebody else was said to have moved.
    #[prost(bool, tag = "17")]
    pub(crate) handle_moved: bool,
    /// State of the last line, where it is an own one.
    #[prost(uint32, tag = "18")]
    pub(crate) last_state: u32,
    /// A head of this account's log that somebody claimed and the relay has not shown: its length, 0 for none.
    #[prost(uint32, tag = "19")]
    pub(crate) claimed_length: u32,
    #[prost(bytes = "vec", tag = "20")]
    pub(crate) claimed_hash: Vec<u8>,
    /// Who claimed it.
    #[prost(bytes = "vec", tag = "21")]
    pub(crate) claimed_by: Vec<u8>,
    /// A handle they present themselves with, which the directory was not asked about yet.
    #[prost(string, tag = "22")]
    pub(crate) presented_handle: String,
    #[prost(message, optional, tag = "23")]
    pub(crate) timer: Option<TimerRecord>,
    /// Those that were ever set.
    #[prost(message, repeated, tag = "24")]
    pub(crate) settings: Vec<SettingRecord>,
    /// The lowest sequence of an imported line; 0: there is none.
    #[prost(uint64, tag = "25")]
    pub(crate) oldest_line: u64,
}
stored!(ContactRecord, Contact);

/// How the conversation is kept here.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SettingRecord {
    /// As in `content.proto`.
    #[prost(int32, tag = "1")]
    pub(crate) kind: i32,
    #[prost(bool, tag = "2")]
    pub(crate) on: bool,
    #[prost(uint32, tag = "3")]
    pub(crate) number: u32,
}

/// How long new messages stay.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TimerRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) seconds: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) number: u32,
}

/// What must not be forgotten about one of their devices.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeviceFacts {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) device: Vec<u8>,
    /// The highest bundle sequence seen; a lower one is refused.
    #[prost(uint64, tag = "2")]
    pub(crate) bundle: u64,
    /// The highest generation of a session.
    #[prost(uint32, tag = "3")]
    pub(crate) generation: u32,
    /// A fresh session is needed to repair what was damaged here.
    #[prost(bool, tag = "4")]
    pub(crate) repair: bool,
    /// Repairs since it last acknowledged something.
    #[prost(uint32, tag = "5")]
    pub(crate) repairs: u32,
    /// The next repair is not before this moment, in milliseconds.
    #[prost(uint64, tag = "6")]
    pub(crate) next_repair: u64,
    /// When something of it was last opened, in milliseconds.
    #[prost(uint64, tag = "7")]
    pub(crate) heard: u64,
}

/// The account log, as it was verified and so pinned.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct LogRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) entries: Vec<Entry>,
}
stored!(LogRecord, Contact);

/// Lines of one block about which something is still open.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct MarksRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) marks: Vec<MarkRecord>,
}
stored!(MarksRecord, Contact);

/// One line: an own message not read yet, or one of theirs not seen yet.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct MarkRecord {
    #[prost(uint64, tag = "1")]
    pub(crate) sequence: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) id: Vec<u8>,
    /// 0: theirs; else 1 + the state of an own one.
    #[prost(uint32, tag = "3")]
    pub(crate) state: u32,
    /// When the line was made, in milliseconds.
    #[prost(uint64, tag = "4")]
    pub(crate) time: u64,
    /// 0 or why it is held.
    #[prost(uint32, tag = "5")]
    pub(crate) held: u32,
    /// Whose message it is, in a group; empty elsewhere.
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) author: Vec<u8>,
}
