//! What of a line is searched: what a person reads in it. Texts and the names of files; not what happened in a conversation.

use std::collections::BTreeMap;

use chopar_wire::{AccountId, Timestamp};

use super::query::indexed_form;
use super::segment::{IndexedLine, Place, Position};
use crate::effect::{Kind, Record, RecordKey, Write};
use crate::files::shown;
use crate::records::Stored;
use crate::records::line::{LineContent, LineRecord, TextRecord};

/// Bytes of a line's form that are kept: more than the longest text and all names of its files come to, less than a segment.
const MAX_FORM: usize = 49_152;

/// What the writing of a line means to the index.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// It is there, and was not before.
    Added(IndexedLine),
    /// It may have been there, with another text.
    Altered(IndexedLine),
    /// It is not to be found any more.
    Gone(Place),
}

impl Change {
    /// The line that it is about.
    pub const fn place(&self) -> Place {
        match self {
            Self::Added(line) | Self::Altered(line) => line.position.place(),
            Self::Gone(place) => *place,
        }
    }

    /// What it comes to where this was done before it.
    fn after(self, before: Option<&Self>) -> Self {
        match (before, self) {
            (Some(Self::Added(_)), Self::Altered(line)) => Self::Added(line),
            // What it was before is on record still, under its name.
            (Some(Self::Altered(_) | Self::Gone(_)), Self::Added(line)) => Self::Altered(line),
            (_, change) => change,
        }
    }
}

/// What the writes of a batch, in their order, mean to the index: one change for each line.
pub fn changes<'a>(writes: impl Iterator<Item = &'a Write>) -> Vec<Change> {
    let mut all = BTreeMap::new();
    let changes = writes.filter_map(|write| match write {
        Write::Put(record) => change(&record.key, Some(&record.value)),
        Write::Delete(key) => change(key, None),
    });
    for change in changes {
        let place = change.place();
        let change = change.after(all.get(&place));
        all.insert(place, change);
    }
    all.into_values().collect()
}

/// What a record that is written, or deleted, means to the index; `None` where that is nothing.
fn change(key: &RecordKey, value: Option<&[u8]>) -> Option<Change> {
    if key.kind != Kind::Line {
        return None;
    }
    let conversation = AccountId::try_from(key.partition.as_slice()).ok()?;
    let gone = Change::Gone((conversation, key.sequence));
    let Some(value) = value else { return Some(gone) };
    let line = LineRecord::read(value).ok()?;
    let message = message(&line)?;
    if message.deleted {
        return Some(gone);
    }
    // A line that nothing was done with yet is new: reactions and edits leave their trace even where they were taken back.
    let new = message.edit == 0 && message.reactions.is_empty();
    let line = indexed_line(conversation, key.sequence, &line, message);
    Some(if new {
        Change::Added(line)
    } else {
        Change::Altered(line)
    })
}

/// A record as the index has it; `None` where it is no line, or one without words.
pub fn indexed(record: &Record) -> Option<IndexedLine> {
    match change(&record.key, Some(&record.value))? {
        Change::Added(line) | Change::Altered(line) => Some(line),
        Change::Gone(_) => None,
    }
}

/// The message on a line, if it is one.
pub(super) fn message(line: &LineRecord) -> Option<&TextRecord> {
    match line.content.as_ref()? {
        LineContent::Own(message) | LineContent::Theirs(message) => Some(message),
        LineContent::Notice(_) => None,
    }
}

/// What the files of a message are called, as it is shown.
pub(super) fn names(message: &TextRecord) -> Vec<String> {
    message
        .files
        .iter()
        .filter_map(shown)
        .map(|file| file.name)
        .collect()
}

fn indexed_line(
    conversation: AccountId,
    sequence: u64,
    line: &LineRecord,
    message: &TextRecord,
) -> IndexedLine {
    let mut form = indexed_form(&message.text);
    for name in names(message) {
        form.push(' ');
        form.push_str(&indexed_form(&name));
    }
    form.truncate(form.floor_char_boundary(MAX_FORM));
    IndexedLine {
        position: Position {
            time: Timestamp(line.time),
            conversation,
            sequence,
        },
        form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line;
    use crate::records::line::ReactionRecord;
    use crate::view::Notice;

    const PEER: [u8; 32] = [4; 32];

    fn record(change: impl FnOnce(&mut TextRecord)) -> Record {
        let mut message = TextRecord {
            id: vec![1; 16],
            text: "Эртага ЧОЙ".to_owned(),
            ..TextRecord::default()
        };
        change(&mut message);
        let line = LineRecord {
            schema: crate::records::SCHEMA,
            time: 77,
            content: Some(LineContent::Theirs(message)),
        };
        line.record(&PEER, 9)
    }

    fn change_of(record: &Record) -> Option<Change> {
        change(&record.key, Some(&record.value))
    }

    #[test]
    fn a_new_line_is_added_and_one_that_was_changed_is_altered() {
        let Some(Change::Added(line)) = change_of(&record(|_| {})) else {
            panic!("a new line")
        };
        let position = Position {
            time: Timestamp(77),
            conversation: AccountId::new(PEER),
            sequence: 9,
        };
        assert!(
            line == IndexedLine {
                position,
                form: "ertaga choy".to_owned()
            }
        );
        let edited = record(|message| message.edit = 1);
        let taken_back = record(|message| message.reactions.push(ReactionRecord::default()));
        for altered in [edited, taken_back] {
            assert!(matches!(change_of(&altered), Some(Change::Altered(_))));
        }
    }

    /// P-362.
    #[test]
    fn a_deleted_line_is_gone_however_it_was_deleted() {
        let gone = |change| matches!(change, Some(Change::Gone((_, 9))));
        let deleted = record(|message| message.deleted = true);
        assert!(gone(change_of(&deleted)));
        assert!(gone(change(&deleted.key, None)));
        assert!(indexed(&deleted).is_none());
    }

    /// P-362.
    #[test]
    fn of_one_batch_a_line_has_one_change_that_knows_what_may_be_on_record() {
        let put = |change: fn(&mut TextRecord)| Write::Put(record(change));
        let new = || put(|_| {});
        let edited = || put(|message| message.edit = 1);
        let deleted = || Write::Delete(record(|_| {}).key);
        let outcome = |writes: &[Write]| match &changes(writes.iter())[..] {
            [Change::Added(_)] => "added",
            [Change::Altered(_)] => "altered",
            [Change::Gone(_)] => "gone",
            several => panic!("{} changes", several.len()),
        };
        assert_eq!(outcome(&[new()]), "added");
        assert_eq!(outcome(&[deleted(), new()]), "altered", "its old text has to go");
        assert_eq!(outcome(&[edited(), new()]), "altered");
        assert_eq!(outcome(&[new(), edited()]), "added", "nothing of it is on record");
        assert_eq!(outcome(&[edited(), deleted()]), "gone");
        assert_eq!(outcome(&[new(), deleted()]), "gone");
        let last = [new(), put(|message| message.text = "osh".to_owned())];
        let [Change::Added(line)] = &changes(last.iter())[..] else {
            panic!("it is added")
        };
        assert_eq!(line.form, "osh");
    }

    #[test]
    fn what_is_no_message_means_nothing_to_the_index() {
        let notice = line::notice(&Notice::Began, Timestamp(1)).record(&PEER, 3);
        assert!(change_of(&notice).is_none());
        let mut other = record(|_| {});
        other.key.kind = Kind::Delivery;
        assert!(change_of(&other).is_none());
        assert!(change(&other.key, None).is_none());
    }
}
