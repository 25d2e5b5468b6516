//! The texts of many lines, and their bytes.
//!
//! ```text
//! version u8 = 1 ‖ conversations u16 ‖ lines u32 ‖ text length u32
//! ‖ conversations: account id 32 each
//! ‖ lines: conversation u16 ‖ sequence u64 ‖ time u64 ‖ length u32, each
//! ‖ text: for each line its form and 0a
//! ‖ zeros
//! ```
//! Numbers are big-endian. The zeros fill a fixed size, so that how much a segment holds is not seen.

use std::collections::BTreeSet;

use chopar_wire::{AccountId, Timestamp};
use zeroize::Zeroizing;

use super::query::Query;

/// Raised with every change of this layout or of the form of texts: an index of another version is built anew.
const VERSION: u8 = 1;
/// Bytes before the conversations.
const HEAD: usize = 11;
/// Bytes of a conversation.
const CONVERSATION: usize = 32;
/// Bytes of a line, besides its text and the end of that.
const LINE: usize = 22;

/// Where a line stands. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// The moment that is shown with it.
    pub time: Timestamp,
    /// Whose conversation.
    pub conversation: AccountId,
    /// Its place there.
    pub sequence: u64,
}

/// A line's conversation, and its sequence there: its name.
pub type Place = (AccountId, u64);

impl Position {
    /// Which line it is.
    pub const fn place(&self) -> Place {
        (self.conversation, self.sequence)
    }
}

/// A line as the index has it.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexedLine {
    /// Where it stands.
    pub position: Position,
    /// The form of its text ([`super::indexed`]); without line feeds.
    pub form: String,
}

/// Not a segment of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a segment of the index")]
pub struct Malformed;

/// Lines, in the order in which they were added.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Segment {
    conversations: Vec<AccountId>,
    lines: Vec<Row>,
    /// The form of each line, each with a line feed behind it.
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Row {
    conversation: u16,
    sequence: u64,
    time: u64,
    /// Where its text ends, behind the line feed.
    end: u32,
}

impl Segment {
    /// Reads the bytes of one.
    ///
    /// # Errors
    /// [`Malformed`]: everything must be as [`Self::to_bytes`] writes it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::read(bytes).ok_or(Malformed)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = number(bytes, 1)?;
        let (conversations, rest) = number(rest, 2)?;
        let (lines, rest) = number(rest, 4)?;
        let (length, rest) = number(rest, 4)?;
        if version != u64::from(VERSION) {
            return None;
        }
        let (ids, rest) = rest.split_at_checked(conversations as usize * CONVERSATION)?;
        let (rows, rest) = rest.split_at_checked((lines as usize).checked_mul(LINE)?)?;
        let (text, zeros) = rest.split_at_checked(length as usize)?;
        let conversations: Vec<AccountId> = ids
            .chunks(CONVERSATION)
            .map(|id| AccountId::try_from(id).ok())
            .collect::<Option<_>>()?;
        let text = core::str::from_utf8(text).ok()?.to_owned();
        let mut segment = Self {
            lines: Vec::with_capacity(rows.len() / LINE),
            conversations,
            text,
        };
        let mut start = 0_usize;
        for row in rows.chunks(LINE) {
            let (conversation, row) = number(row, 2)?;
            let (sequence, row) = number(row, 8)?;
            let (time, row) = number(row, 8)?;
            let (length, _) = number(row, 4)?;
            let end = start.checked_add(length as usize)?;
            let own = segment.text.as_bytes().get(start..end)?;
            let whole = own.iter().position(|byte| *byte == b'\n') == own.len().checked_sub(1);
            if !whole || own.is_empty() || conversation as usize >= segment.conversations.len() {
                return None;
            }
            segment.lines.push(Row {
                conversation: conversation as u16,
                sequence,
                time,
                end: end as u32,
            });
            start = end;
        }
        (start == segment.text.len() && zeros.iter().all(|byte| *byte == 0)).then_some(segment)
    }

    /// Its bytes, filled up to a size; as many as there are where that is too small.
    pub fn to_bytes(&self, size: usize) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(size.max(self.size())));
        out.push(VERSION);
        out.extend_from_slice(&(self.conversations.len() as u16).to_be_bytes());
        out.extend_from_slice(&(self.lines.len() as u32).to_be_bytes());
        out.extend_from_slice(&(self.text.len() as u32).to_be_bytes());
        for conversation in &self.conversations {
            out.extend_from_slice(conversation.as_bytes());
        }
        let mut start = 0;
        for line in &self.lines {
            out.extend_from_slice(&line.conversation.to_be_bytes());
            out.extend_from_slice(&line.sequence.to_be_bytes());
            out.extend_from_slice(&line.time.to_be_bytes());
            out.extend_from_slice(&(line.end - start).to_be_bytes());
            start = line.end;
        }
        out.extend_from_slice(self.text.as_bytes());
        let filled = out.len().max(size);
        out.resize(filled, 0);
        out
    }

    /// How many bytes it takes, not filled up.
    pub fn size(&self) -> usize {
        HEAD + self.conversations.len() * CONVERSATION + self.lines.len() * LINE + self.text.len()
    }

    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many bytes a line adds at most.
    pub(super) fn weight(line: &IndexedLine) -> usize {
        CONVERSATION + LINE + line.form.len() + 1
    }

    /// Adds a line; `false` where there is no number left for its conversation, or no room for its text.
    #[must_use]
    pub fn push(&mut self, line: &IndexedLine) -> bool {
        let Position {
            time,
            conversation,
            sequence,
        } = line.position;
        let known = self.conversations.iter().position(|known| *known == conversation);
        let Ok(number) = u16::try_from(known.unwrap_or(self.conversations.len())) else {
            return false;
        };
        let Ok(end) = u32::try_from(self.text.len() + line.form.len() + 1) else {
            return false;
        };
        if number == u16::MAX || line.form.contains('\n') {
            return false;
        }
        if known.is_none() {
            self.conversations.push(conversation);
        }
        self.text.push_str(&line.form);
        self.text.push('\n');
        self.lines.push(Row {
            conversation: number,
            sequence,
            time: time.0,
            end,
        });
        true
    }

    /// The text of a line, the latest that was added.
    pub fn form(&self, conversation: &AccountId, sequence: u64) -> Option<&str> {
        let at = self.row(conversation, sequence)?;
        self.text.get(self.start(at)..self.lines[at].end as usize - 1)
    }

    /// Takes lines out, each as often as it is there, in one pass: nothing of their texts is left, nor a conversation that has no other
    /// line here. Says how many were there.
    pub fn remove(&mut self, places: &BTreeSet<Place>) -> usize {
        let conversations = std::mem::take(&mut self.conversations);
        let is_gone = |row: &Row| {
            let conversation = conversations.get(usize::from(row.conversation));
            conversation.is_some_and(|conversation| places.contains(&(*conversation, row.sequence)))
        };
        let before = self.lines.len();
        let Some(first) = self.lines.iter().position(is_gone) else {
            self.conversations = conversations;
            return 0;
        };
        let rest = self.lines.split_off(first);
        let mut start = self.lines.last().map_or(0, |row| row.end as usize);
        let text = self.text.split_off(start);
        let base = start;
        for row in rest {
            let own = start - base..row.end as usize - base;
            start = row.end as usize;
            if !is_gone(&row) {
                self.text.push_str(text.get(own).unwrap_or_default());
                let end = self.text.len() as u32;
                self.lines.push(Row { end, ..row });
            }
        }
        self.number_anew(&conversations);
        before - self.lines.len()
    }

    /// Keeps those conversations that have lines, in the order of the lines: their numbers are new.
    fn number_anew(&mut self, conversations: &[AccountId]) {
        let mut numbers = vec![None; conversations.len()];
        for line in &mut self.lines {
            let at = usize::from(line.conversation);
            let (Some(number), Some(conversation)) = (numbers.get_mut(at), conversations.get(at)) else {
                continue;
            };
            line.conversation = *number.get_or_insert_with(|| {
                self.conversations.push(*conversation);
                self.conversations.len() as u16 - 1
            });
        }
    }

    /// All lines, taken out.
    pub fn drain(&mut self) -> Vec<IndexedLine> {
        let lines = (0..self.lines.len()).filter_map(|at| {
            let form = self.text.get(self.start(at)..self.lines[at].end as usize - 1)?;
            Some(IndexedLine {
                position: self.position(at)?,
                form: form.to_owned(),
            })
        });
        let lines = lines.collect();
        *self = Self::default();
        lines
    }

    /// Where the lines stand that have all words of a query.
    pub fn find(&self, query: &Query, found: &mut Vec<Position>) {
        for word in query.rarest() {
            let mut from = 0;
            while let Some(at) = self.text.get(from..).and_then(|rest| rest.find(word)) {
                let line = self.lines.partition_point(|line| line.end as usize <= from + at);
                let Some(end) = self.lines.get(line).map(|line| line.end as usize) else {
                    break;
                };
                if self
                    .text
                    .get(self.start(line)..end)
                    .is_some_and(|form| query.is_in(form))
                {
                    found.extend(self.position(line));
                }
                from = end;
            }
        }
    }

    fn start(&self, line: usize) -> usize {
        line.checked_sub(1)
            .map_or(0, |before| self.lines[before].end as usize)
    }

    fn position(&self, line: usize) -> Option<Position> {
        let row = self.lines.get(line)?;
        Some(Position {
            time: Timestamp(row.time),
            conversation: *self.conversations.get(usize::from(row.conversation))?,
            sequence: row.sequence,
        })
    }

    fn row(&self, conversation: &AccountId, sequence: u64) -> Option<usize> {
        let number = self
            .conversations
            .iter()
            .position(|known| known == conversation)?;
        self.lines
            .iter()
            .rposition(|line| usize::from(line.conversation) == number && line.sequence == sequence)
    }
}

/// A number of some bytes, and what follows.
pub(super) fn number(bytes: &[u8], length: usize) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_at_checked(length)?;
    Some((
        number
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(person: u8, sequence: u64, form: &str) -> IndexedLine {
        IndexedLine {
            position: Position {
                time: Timestamp(1_000 + sequence),
                conversation: AccountId::new([person; 32]),
                sequence,
            },
            form: form.to_owned(),
        }
    }

    fn segment() -> Segment {
        let mut segment = Segment::default();
        for one in [
            line(1, 5, "ertaga choy"),
            line(2, 5, "choyxona"),
            line(1, 6, ""),
            line(1, 9, "osh"),
        ] {
            assert!(segment.push(&one));
        }
        segment
    }

    fn found(segment: &Segment, query: &str) -> Vec<(u8, u64)> {
        let mut found = Vec::new();
        segment.find(&Query::parse(query).unwrap(), &mut found);
        found
            .iter()
            .map(|at| (at.conversation.as_bytes()[0], at.sequence))
            .collect()
    }

    /// P-361.
    #[test]
    fn a_segment_comes_back_and_has_the_size_it_was_given() {
        let segment = segment();
        for size in [0, 4_096] {
            let bytes = segment.to_bytes(size);
            assert_eq!(bytes.len(), segment.size().max(size));
            assert!(Segment::parse(&bytes).unwrap() == segment);
        }
        assert!(
            Segment::parse(&Segment::default().to_bytes(64))
                .unwrap()
                .is_empty()
        );
    }

    /// P-361.
    #[test]
    fn what_is_not_a_segment_is_refused() {
        let whole = segment().to_bytes(0);
        for length in 0..whole.len() {
            assert!(Segment::parse(&whole[..length]).is_err(), "{length}");
        }
        let (lines, text) = (HEAD + 2 * CONVERSATION, whole.len() - segment().text.len());
        for (at, value, what) in [
            (0, 2, "another version"),
            (2, 3, "a conversation more"),
            (6, 3, "a line less"),
            (lines + 1, 2, "a conversation that is not there"),
            (lines + 21, 11, "a line that ends too early"),
            (text, 0xff, "no text"),
            (text + 2, b'\n', "an end in the middle"),
        ] {
            let mut altered = whole.to_vec();
            altered[at] = value;
            assert!(Segment::parse(&altered).is_err(), "{what}");
        }
        let mut more = whole.to_vec();
        more.push(1);
        assert!(Segment::parse(&more).is_err(), "something behind the text");
    }

    /// P-361.
    #[test]
    fn lines_are_found_by_all_words_and_each_once() {
        let segment = segment();
        assert_eq!(found(&segment, "choy"), [(1, 5), (2, 5)]);
        assert_eq!(found(&segment, "choy ertaga"), [(1, 5)]);
        assert_eq!(found(&segment, "o"), [(1, 5), (2, 5), (1, 9)]);
        assert!(
            found(&segment, "yosh").is_empty(),
            "no word goes over the end of a line"
        );
    }

    /// P-362, T-130.
    #[test]
    fn a_line_that_is_taken_out_leaves_nothing() {
        let mut segment = segment();
        assert!(segment.push(&line(1, 5, "once more")));
        let place = |person: u8, sequence| BTreeSet::from([(AccountId::new([person; 32]), sequence)]);
        assert_eq!(segment.remove(&place(1, 5)), 2, "as often as it is there");
        assert_eq!(segment.remove(&place(1, 5)), 0);
        assert_eq!(segment.remove(&place(3, 5)), 0);
        assert_eq!(found(&segment, "choy"), [(2, 5)]);
        assert_eq!(found(&segment, "osh"), [(1, 9)]);
        let bytes = segment.to_bytes(4_096);
        assert!(
            !bytes
                .windows(6)
                .any(|part| part == b"ertaga" || part == b"once m")
        );
        assert!(Segment::parse(&bytes).unwrap() == segment);
        assert_eq!(segment.form(&AccountId::new([2; 32]), 5), Some("choyxona"));
        let size = segment.size();
        assert_eq!(segment.remove(&place(2, 5)), 1);
        assert_eq!(segment.conversations, [AccountId::new([1; 32])]);
        assert_eq!(
            segment.size(),
            size - CONVERSATION - LINE - "choyxona\n".len(),
            "nor with whom somebody spoke"
        );
        let bytes = segment.to_bytes(4_096);
        assert!(!bytes.windows(32).any(|part| part == [2; 32]));
        assert!(Segment::parse(&bytes).unwrap() == segment);
        assert_eq!(segment.form(&AccountId::new([1; 32]), 9), Some("osh"));
        assert_eq!(segment.drain().len(), 2);
        assert!(segment.is_empty());
    }

    /// P-362: of many lines that go at once each takes its own text along, and no other.
    #[test]
    fn many_lines_are_taken_out_in_one_pass() {
        let mut segment = Segment::default();
        for sequence in 1..=400 {
            assert!(segment.push(&line((sequence % 3) as u8, sequence, &format!("text{sequence}."))));
        }
        let gone = |sequence: u64| sequence % 5 < 2 && sequence > 9;
        let places = (1..=900).filter(|sequence| gone(*sequence));
        let places = places.map(|sequence| (AccountId::new([(sequence % 3) as u8; 32]), sequence));
        assert_eq!(segment.remove(&places.collect()), 157);
        assert!(Segment::parse(&segment.to_bytes(0)).unwrap() == segment);
        for sequence in 1..=400 {
            let own = format!("text{sequence}.");
            let form = segment.form(&AccountId::new([(sequence % 3) as u8; 32]), sequence);
            assert_eq!(form, (!gone(sequence)).then_some(own.as_str()), "{sequence}");
        }
    }
}
