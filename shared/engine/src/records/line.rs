//! A line of a conversation, and how far it has come.

use chopar_wire::proto::content::File;

use super::stored;

/// Written again when its message is edited, deleted or reacted to.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct LineRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) time: u64,
    #[prost(oneof = "LineContent", tags = "3, 4, 5")]
    pub(crate) content: Option<LineContent>,
}
stored!(LineRecord, Line);

/// What it is.
#[derive(Clone, PartialEq, prost::Oneof)]
#[prost(skip_debug)]
pub(crate) enum LineContent {
    #[prost(message, tag = "3")]
    Own(TextRecord),
    #[prost(message, tag = "4")]
    Theirs(TextRecord),
    #[prost(message, tag = "5")]
    Notice(NoticeRecord),
}

#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct TextRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) id: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) text: String,
    /// When it was sent as its sender says, in milliseconds; 0: written before this field was.
    #[prost(uint64, tag = "3")]
    pub(crate) sent: u64,
    /// Whose message it answers, and which; empty: none.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) reply_author: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) reply_id: Vec<u8>,
    #[prost(bool, tag = "6")]
    pub(crate) forwarded: bool,
    /// Number of the edit whose text this is; 0: it is as it was sent.
    #[prost(uint32, tag = "7")]
    pub(crate) edit: u32,
    /// Its author took it back: there is no text any more.
    #[prost(bool, tag = "8")]
    pub(crate) deleted: bool,
    #[prost(message, repeated, tag = "9")]
    pub(crate) reactions: Vec<ReactionRecord>,
    /// How long it stays, in seconds; 0: for ever.
    #[prost(uint32, tag = "10")]
    pub(crate) lifetime: u32,
    /// What it says of its files.
    #[prost(message, repeated, tag = "11")]
    pub(crate) files: Vec<File>,
    /// Whose it is, where it is not an own one; empty in lines of before groups: the person of the conversation.
    #[prost(bytes = "vec", tag = "20")]
    pub(crate) author: Vec<u8>,
}

/// What one person thinks of a message. One that was taken back stays, without an emoji.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ReactionRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) by: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) emoji: String,
    #[prost(uint32, tag = "3")]
    pub(crate) number: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct NoticeRecord {
    /// As in `line::notice_number`.
    #[prost(uint32, tag = "1")]
    pub(crate) kind: u32,
    /// A device's name or a handle, where the notice has one.
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(uint32, tag = "3")]
    pub(crate) alarm: u32,
    /// Account id of who did it, where that is said.
    #[prost(bytes = "vec", tag = "20")]
    pub(crate) by: Vec<u8>,
    /// To whom, in a group.
    #[prost(bytes = "vec", repeated, tag = "21")]
    pub(crate) accounts: Vec<Vec<u8>>,
    /// To what; a timer in seconds.
    #[prost(uint32, tag = "22")]
    pub(crate) value: u32,
}

/// How far an own message has come.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeliveryRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) state: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) held: u32,
}
stored!(DeliveryRecord, Delivery);

/// What was typed and not sent.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct DraftRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(string, tag = "2")]
    pub(crate) text: String,
}
stored!(DraftRecord, Draft);
