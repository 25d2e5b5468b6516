//! What stands in a history file: the vault's own records (`records`), without what is this device's alone.

use chopar_wire::proto::identity::{Entry, LogHead, Signed};

use crate::records::contact::ContactRecord;
use crate::records::group::GroupRecord;
use crate::records::line::LineRecord;

/// One record of the file.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct HistoryRecord {
    #[prost(oneof = "Holds", tags = "1, 2, 3, 4")]
    pub(crate) holds: Option<Holds>,
}

/// What it holds.
#[derive(PartialEq, prost::Oneof)]
#[prost(skip_debug)]
pub(crate) enum Holds {
    /// The first one: a [`Beginning`], signed by the device that wrote the file.
    #[prost(message, tag = "1")]
    Beginning(Signed),
    #[prost(message, tag = "2")]
    Person(PersonHistory),
    #[prost(message, tag = "3")]
    Group(GroupHistory),
    #[prost(message, tag = "4")]
    Line(LineHistory),
}

/// Whose file it is.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct Beginning {
    /// SHA-256 of the file's header, so that it is the beginning of no other file.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) header: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) account: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) device: Vec<u8>,
    /// Of the account's log, in which the device is active.
    #[prost(message, optional, tag = "4")]
    pub(crate) log: Option<LogHead>,
    #[prost(uint64, tag = "5")]
    pub(crate) time: u64,
}

/// A person.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct PersonHistory {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) account: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) state: Option<ContactRecord>,
    /// Their log, as it was pinned.
    #[prost(message, repeated, tag = "3")]
    pub(crate) log: Vec<Entry>,
}

/// A group. Its roster is read from the relay's log again, with the keys.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct GroupHistory {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) conversation: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) state: Option<ContactRecord>,
    #[prost(message, optional, tag = "3")]
    pub(crate) group: Option<GroupRecord>,
}

/// A message.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct LineHistory {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) conversation: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) line: Option<LineRecord>,
    /// How far an own one had come, as in `line::state_number`.
    #[prost(uint32, tag = "3")]
    pub(crate) state: u32,
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::records::line::{LineContent, TextRecord};
    use crate::records::{SCHEMA, group::KeyRecord};

    fn hex(record: Holds) -> String {
        let bytes = HistoryRecord { holds: Some(record) }.encode_to_vec();
        assert!(HistoryRecord::decode(bytes.as_slice()).is_ok_and(|read| read.encode_to_vec() == bytes));
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// P-372: pinned. Files on a shelf are read in ten years.
    #[test]
    fn the_records_of_a_file_are_written_as_they_always_were() {
        let state = || {
            Some(ContactRecord {
                schema: SCHEMA,
                display_name: "Oy".to_owned(),
                trust: 1,
                ..ContactRecord::default()
            })
        };
        let person = PersonHistory {
            account: vec![1; 3],
            state: state(),
            log: vec![Entry::default()],
        };
        assert_eq!(
            hex(Holds::Person(person)),
            "12110a0301010112080801 1a024f7928011a00".replace(' ', "")
        );
        let mut group = GroupRecord::default();
        group.schema = SCHEMA;
        group.keys = vec![KeyRecord {
            version: 2,
            key: vec![5; 2],
        }];
        let group = GroupHistory {
            conversation: vec![2; 3],
            state: state(),
            group: Some(group),
        };
        assert_eq!(
            hex(Holds::Group(group)),
            "1a1b0a03020202120808011a024f7928011a0a08011a0608021202 0505".replace(' ', "")
        );
        let message = TextRecord {
            id: vec![3; 2],
            text: "salom".to_owned(),
            ..TextRecord::default()
        };
        let line = LineHistory {
            conversation: vec![4; 3],
            line: Some(LineRecord {
                schema: SCHEMA,
                time: 7,
                content: Some(LineContent::Own(message)),
            }),
            state: 3,
        };
        assert_eq!(
            hex(Holds::Line(line)),
            "221a0a0304040412110801 10071a0b0a02030312 0573616c6f6d1803".replace(' ', "")
        );
        let signed = Signed {
            body: vec![6; 2].into(),
            signature: vec![7; 2].into(),
        };
        assert_eq!(hex(Holds::Beginning(signed)), "0a080a02060612020707");
    }
}
