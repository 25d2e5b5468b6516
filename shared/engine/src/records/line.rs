//! A line of a conversation, and how far it has come.

use super::stored;

/// Written once.
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
    /// Whose it is, where it is not an own one; empty in lines of before groups: the person of the conversation.
    #[prost(bytes = "vec", tag = "20")]
    pub(crate) author: Vec<u8>,
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
    /// Who did it, in a group.
    #[prost(bytes = "vec", tag = "20")]
    pub(crate) by: Vec<u8>,
    /// To whom.
    #[prost(bytes = "vec", repeated, tag = "21")]
    pub(crate) accounts: Vec<Vec<u8>>,
    /// To what.
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
