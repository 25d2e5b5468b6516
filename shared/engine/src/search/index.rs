//! All segments, and which of them a change touches.
//!
//! What is new goes into the **tail**, a small segment that is written with every line. When it is full it is emptied into the
//! newest of the **bodies**, which are larger; one that is full is left alone, until a line in it changes. The tail's record begins
//! with what there is to know of the whole.
//!
//! ```text
//! tail   bodies u32 ‖ lines u32 ‖ building u8 ‖ mark 40 ‖ segment          TAIL bytes
//! body   segment                                                            BODY bytes
//! ```
//! While the index is being built, the mark says how far its host has read what it keeps. Lines that are written meanwhile may be
//! in the index twice; they are found once, and taken out as often as they are there.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::lines::Change;
use super::query::Query;
use super::segment::{IndexedLine, Malformed, Place, Position, Segment, number};

/// Bytes of the tail's record: sealed and written in a fraction of a millisecond.
pub const TAIL: usize = 8_192;
/// Bytes of a body's record: some eight hundred lines.
pub const BODY: usize = 65_536;
/// A body with fewer bytes than this is given up, and its lines begin anew in the tail: what disappears leaves no empty ones.
const SPARSE: usize = 16_384;
/// Bodies that stay in memory between two searches: 32 MiB, some 400,000 lines. Of more the oldest are read again.
const MAX_HELD: usize = 512;
/// Bodies that are read at once where a line is looked for: what people react to is mostly in the first of them.
const SOUGHT_AT_ONCE: usize = 4;
/// Bytes of the tail's record before its segment.
const HEAD: usize = 49;

/// How far a host has read what it keeps, in its own words.
pub type Mark = [u8; 40];

/// A record to be written: its number, 0 for the tail, and its bytes; `None` deletes it.
pub type Written = (u64, Option<Zeroizing<Vec<u8>>>);

/// Where lines stand that have some words.
pub struct Matches {
    /// Those that were asked for.
    pub page: Vec<Position>,
    /// How many there are in all.
    pub total: u32,
    /// The last of the page, where more follow.
    pub last: Option<Position>,
}

/// The index. Bodies are read from the host when they are needed.
pub struct Index {
    tail: Segment,
    held: BTreeMap<u64, Segment>,
    /// Numbers of all bodies.
    bodies: BTreeSet<u64>,
    /// How many lines were added to the bodies and the tail, less those that are gone.
    lines: u32,
    building: Option<Mark>,
}

impl Index {
    /// An empty one, to be built from what the host keeps.
    pub fn new() -> Self {
        Self {
            tail: Segment::default(),
            held: BTreeMap::new(),
            bodies: BTreeSet::new(),
            lines: 0,
            building: Some([0; 40]),
        }
    }

    /// Reads the tail's record; `bodies` are the numbers of those that the host has.
    ///
    /// # Errors
    /// [`Malformed`] where the record is none, or a body is missing.
    pub fn open(tail: &[u8], bodies: BTreeSet<u64>) -> Result<Self, Malformed> {
        let (head, segment) = tail.split_at_checked(HEAD).ok_or(Malformed)?;
        let (count, rest) = number(head, 4).ok_or(Malformed)?;
        let (lines, rest) = number(rest, 4).ok_or(Malformed)?;
        let (building, mark) = number(rest, 1).ok_or(Malformed)?;
        let mark = Mark::try_from(mark).map_err(|_| Malformed)?;
        if count != bodies.len() as u64 || building > 1 || bodies.contains(&0) {
            return Err(Malformed);
        }
        Ok(Self {
            tail: Segment::parse(segment)?,
            held: BTreeMap::new(),
            bodies,
            lines: lines as u32,
            building: (building == 1).then_some(mark),
        })
    }

    /// How far the building has come, while it is being built.
    pub const fn building(&self) -> Option<Mark> {
        self.building
    }

    /// The building has come this far; `None`: it is done.
    pub fn set_building(&mut self, mark: Option<Mark>) {
        self.building = mark;
    }

    /// How many lines it has.
    pub const fn lines(&self) -> u32 {
        self.lines
    }

    /// Bodies that have to be [held](Self::hold) before the index can be searched.
    pub fn missing(&self) -> Vec<u64> {
        let missing = self.bodies.iter().filter(|body| !self.held.contains_key(body));
        missing.copied().collect()
    }

    /// Bodies that have to be held before these changes can be applied; asked again, until there are none.
    ///
    /// For a line that is new this is the newest at most. One that was only reacted to has the text that it had, which is
    /// known once it is found: it is looked for from the newest on. Where a text goes or becomes another, all are needed.
    pub fn missing_for(&self, changes: &[Change]) -> Vec<u64> {
        let (mut added, mut sought) = (0, false);
        for change in changes {
            match change {
                Change::Added(line) => added += Segment::weight(line),
                Change::Gone(_) => return self.missing(),
                Change::Altered(line) => match self.has(line) {
                    Some(true) => {}
                    Some(false) => return self.missing(),
                    None => {
                        added += Segment::weight(line);
                        sought = true;
                    }
                },
            }
        }
        if sought && self.held.len() < self.bodies.len() {
            let mut missing = self.missing();
            return missing.split_off(missing.len().saturating_sub(SOUGHT_AT_ONCE));
        }
        let newest = self
            .bodies
            .last()
            .filter(|_| self.tail.size() + added > TAIL - HEAD);
        newest
            .filter(|body| !self.held.contains_key(body))
            .copied()
            .into_iter()
            .collect()
    }

    /// Takes a body that was read.
    ///
    /// # Errors
    /// [`Malformed`]: the index is to be built anew.
    pub fn hold(&mut self, body: u64, bytes: &[u8]) -> Result<(), Malformed> {
        self.held.insert(body, Segment::parse(bytes)?);
        Ok(())
    }

    /// Takes what has changed, each line once. What is to be written comes back, the tail among it; in the same transaction as the
    /// lines.
    pub fn apply(&mut self, changes: Vec<Change>) -> Vec<Written> {
        let (mut old, mut new) = (BTreeSet::new(), Vec::new());
        for change in changes {
            match change {
                Change::Added(line) => new.push(line),
                Change::Altered(line) if self.has(&line) == Some(true) => {}
                Change::Altered(line) => {
                    old.insert(line.position.place());
                    new.push(line);
                }
                Change::Gone(place) => {
                    old.insert(place);
                }
            }
        }
        let mut touched = self.remove(&old);
        for line in new {
            self.append(line, &mut touched);
        }
        self.give_sparse_up(&mut touched);
        let mut written: Vec<Written> = touched
            .into_iter()
            .map(|body| (body, self.held.get(&body).map(|segment| segment.to_bytes(BODY))))
            .collect();
        written.push((0, Some(self.tail_record())));
        written
    }

    /// Where the lines stand that have all words of a query, the latest first: at most `limit` of those before `after`.
    pub fn find(&self, query: &Query, after: Option<Position>, limit: usize) -> Matches {
        let mut found = Vec::new();
        for segment in self.held.values().chain([&self.tail]) {
            segment.find(query, &mut found);
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.dedup();
        let from = after.map_or(0, |after| found.partition_point(|position| *position >= after));
        let to = found.len().min(from.saturating_add(limit));
        Matches {
            total: u32::try_from(found.len()).unwrap_or(u32::MAX),
            last: found[from..to].last().copied().filter(|_| to < found.len()),
            page: found[from..to].to_vec(),
        }
    }

    /// Lets go of what may not stay in memory.
    pub fn trim(&mut self) {
        while self.held.len() > MAX_HELD {
            self.held.pop_first();
        }
    }

    fn tail_record(&self) -> Zeroizing<Vec<u8>> {
        let segment = self.tail.to_bytes(TAIL - HEAD);
        let mut out = Zeroizing::new(Vec::with_capacity(HEAD + segment.len()));
        out.extend_from_slice(&(self.bodies.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.lines.to_be_bytes());
        out.push(u8::from(self.building.is_some()));
        out.extend_from_slice(&self.building.unwrap_or([0; 40]));
        out.extend_from_slice(&segment);
        out
    }

    /// Whether the index has a line with this very text, or with another; `None` where it is in no segment that is held. However often
    /// it is there, it has one text.
    fn has(&self, line: &IndexedLine) -> Option<bool> {
        let (conversation, sequence) = line.position.place();
        let mut segments = [&self.tail].into_iter().chain(self.held.values().rev());
        let form = segments.find_map(|segment| segment.form(&conversation, sequence))?;
        Some(form == line.form)
    }

    fn append(&mut self, line: IndexedLine, touched: &mut BTreeSet<u64>) {
        self.lines = self.lines.saturating_add(1);
        if self.tail.size() + Segment::weight(&line) > TAIL - HEAD {
            for settled in self.tail.drain() {
                self.settle(&settled, touched);
            }
        }
        let fits = self.tail.size() + Segment::weight(&line) <= TAIL - HEAD;
        if !fits || !self.tail.push(&line) {
            self.settle(&line, touched);
        }
    }

    /// Puts a line into the newest body, or into a new one where that has no room.
    fn settle(&mut self, line: &IndexedLine, touched: &mut BTreeSet<u64>) {
        let newest = self.bodies.last().copied().unwrap_or(0);
        if let Some(body) = self.held.get_mut(&newest)
            && body.size() + Segment::weight(line) <= BODY
            && body.push(line)
        {
            touched.insert(newest);
            return;
        }
        let mut body = Segment::default();
        // An empty segment takes every line that `lines` makes.
        if body.push(line) {
            self.held.insert(newest + 1, body);
            self.bodies.insert(newest + 1);
            touched.insert(newest + 1);
        }
    }

    /// Takes lines out of all segments; says of which bodies.
    fn remove(&mut self, places: &BTreeSet<Place>) -> BTreeSet<u64> {
        let mut touched = BTreeSet::new();
        if places.is_empty() {
            return touched;
        }
        let mut removed = self.tail.remove(places);
        for (body, segment) in &mut self.held {
            let of_body = segment.remove(places);
            if of_body > 0 {
                touched.insert(*body);
            }
            removed += of_body;
        }
        self.lines = self.lines.saturating_sub(removed as u32);
        touched
    }

    /// The lines of bodies that are nearly empty begin anew.
    fn give_sparse_up(&mut self, touched: &mut BTreeSet<u64>) {
        let newest = self.bodies.last().copied();
        for body in touched.clone() {
            let sparse =
                |segment: &Segment| segment.is_empty() || (segment.size() < SPARSE && newest != Some(body));
            if !self.held.get(&body).is_some_and(sparse) {
                continue;
            }
            self.bodies.remove(&body);
            for line in self
                .held
                .remove(&body)
                .map(|mut body| body.drain())
                .unwrap_or_default()
            {
                self.lines = self.lines.saturating_sub(1);
                self.append(line, touched);
            }
        }
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_wire::{AccountId, Timestamp};

    /// A host: what was written, by number.
    #[derive(Default)]
    struct Host(BTreeMap<u64, Vec<u8>>);

    impl Host {
        /// Says how many records it took.
        fn write(&mut self, index: &mut Index, changes: Vec<Change>) -> usize {
            loop {
                let missing = index.missing_for(&changes);
                if missing.is_empty() {
                    break;
                }
                for body in missing {
                    index.hold(body, &self.0[&body]).unwrap();
                }
            }
            let written = index.apply(changes);
            let count = written.len();
            for (number, bytes) in written {
                match bytes {
                    Some(bytes) => self.0.insert(number, bytes.to_vec()),
                    None => self.0.remove(&number),
                };
            }
            count
        }

        fn open(&self) -> Result<Index, Malformed> {
            Index::open(
                &self.0[&0],
                self.0.keys().copied().filter(|number| *number > 0).collect(),
            )
        }

        /// Everything read anew.
        fn whole(&self) -> Index {
            let mut index = self.open().unwrap();
            for body in index.missing() {
                index.hold(body, &self.0[&body]).unwrap();
            }
            index
        }

        fn sizes_are_fixed(&self) -> bool {
            let size = |number: &u64| if *number == 0 { TAIL } else { BODY };
            self.0.iter().all(|(number, bytes)| bytes.len() == size(number))
        }

        fn holds(&self, word: &str) -> bool {
            let holds = |bytes: &Vec<u8>| bytes.windows(word.len()).any(|part| part == word.as_bytes());
            self.0.values().any(holds)
        }
    }

    fn line(sequence: u64, form: &str) -> IndexedLine {
        IndexedLine {
            position: Position {
                time: Timestamp(sequence * 10),
                conversation: AccountId::new([(sequence % 3) as u8; 32]),
                sequence,
            },
            form: form.to_owned(),
        }
    }

    fn filler(sequence: u64) -> Change {
        Change::Added(line(
            sequence,
            &format!("word{sequence} {}", "filling ".repeat(7)),
        ))
    }

    fn gone(sequence: u64) -> Change {
        Change::Gone((AccountId::new([(sequence % 3) as u8; 32]), sequence))
    }

    fn found(index: &Index, query: &str) -> Vec<u64> {
        let found = index.find(&Query::parse(query).unwrap(), None, usize::MAX);
        assert_eq!((found.total as usize, found.last), (found.page.len(), None));
        found.page.iter().map(|position| position.sequence).collect()
    }

    fn filled(lines: u64) -> (Host, Index) {
        let (mut host, mut index) = (Host::default(), Index::new());
        for sequence in 1..=lines {
            host.write(&mut index, vec![filler(sequence)]);
        }
        (host, index)
    }

    /// P-361.
    #[test]
    fn lines_go_through_the_tail_into_few_bodies_of_one_size() {
        let (host, index) = filled(3_000);
        assert!(host.sizes_are_fixed());
        assert!((4..8).contains(&host.0.len()), "{} records", host.0.len());
        for index in [index, host.whole()] {
            assert_eq!(index.lines(), 3_000);
            assert_eq!(found(&index, "word2999"), [2_999]);
            assert_eq!(
                found(&index, "word77 fill"),
                [779, 778, 777, 776, 775, 774, 773, 772, 771, 770, 77]
            );
            assert_eq!(found(&index, "filling").len(), 3_000);
        }
    }

    /// P-361.
    #[test]
    fn a_new_line_writes_the_tail_and_rarely_a_body() {
        let (mut host, mut index) = filled(2_000);
        let mut written = 0;
        for sequence in 2_001..2_501 {
            let changes = vec![filler(sequence)];
            assert!(index.missing_for(&changes).is_empty());
            written += host.write(&mut index, changes);
        }
        assert!(written < 530, "{written} records for 500 lines");
        // Once opened anew, the newest body is all that it takes.
        let mut opened = host.open().unwrap();
        let many = (2_501..2_700).map(filler).collect::<Vec<_>>();
        assert_eq!(opened.missing_for(&many).len(), 1);
        host.write(&mut opened, many);
        assert_eq!(found(&host.whole(), "word2699"), [2_699]);
    }

    /// P-362, T-130.
    #[test]
    fn what_is_deleted_or_edited_is_in_no_record_any_more() {
        let (mut host, _) = filled(1_500);
        let mut index = host.open().unwrap();
        assert!(host.holds("word40 ") && host.holds("word1499"));
        let edited = Change::Altered(line(41, "anew"));
        host.write(&mut index, vec![gone(40), gone(1_499), edited]);
        for word in ["word40 ", "word41 ", "word1499"] {
            assert!(!host.holds(word), "{word}");
        }
        assert!(host.sizes_are_fixed());
        let index = host.whole();
        assert_eq!(index.lines(), 1_498);
        assert_eq!(found(&index, "anew"), [41]);
        assert_eq!(
            found(&index, "word42"),
            [429, 428, 427, 426, 425, 424, 423, 422, 421, 420, 42]
        );
    }

    fn altered(change: Change) -> Change {
        match change {
            Change::Added(line) => Change::Altered(line),
            other => other,
        }
    }

    /// P-362: what was only reacted to is looked for from the newest on, and changes nothing.
    #[test]
    fn a_line_whose_text_is_the_same_reads_as_far_as_it_is_back_and_writes_no_body() {
        let (mut host, _) = filled(9_000);
        let all = host.open().unwrap().missing().len();
        assert!(all > 2 * SOUGHT_AT_ONCE, "{all} bodies");
        for (sequence, read) in [(8_999, 0..=1), (8_000, 1..=SOUGHT_AT_ONCE), (40, all..=all)] {
            let mut index = host.open().unwrap();
            let changes = vec![altered(filler(sequence))];
            assert_eq!(host.write(&mut index, changes), 1, "the tail alone");
            assert!(
                read.contains(&index.held.len()),
                "{sequence}: {} read",
                index.held.len()
            );
        }
        // Another text may be anywhere, as often as it is there.
        let mut index = host.open().unwrap();
        host.write(&mut index, vec![Change::Altered(line(8_999, "anew"))]);
        assert_eq!(index.held.len(), all);
        assert!(!host.holds("word8999"));
    }

    /// P-362: a line that is written twice while the index is being built counts, and goes, twice.
    #[test]
    fn lines_are_counted_as_often_as_they_are_there() {
        let (mut host, mut index) = filled(1_500);
        host.write(&mut index, vec![filler(40), filler(41)]);
        assert_eq!(index.lines(), 1_502);
        host.write(&mut index, vec![gone(40), Change::Altered(line(41, "anew"))]);
        assert_eq!(index.lines(), 1_499);
        assert!(!host.holds("word40 ") && !host.holds("word41 "));
        assert_eq!(host.whole().lines(), 1_499);
    }

    /// P-362: a time that is over for a whole conversation, or a conversation that is deleted.
    #[test]
    fn many_lines_that_go_at_once_are_not_looked_for_one_by_one() {
        let mut index = Index::new();
        index.apply((1..=50_000).map(filler).collect());
        // One by one, each in every segment, these would be billions of comparisons: minutes.
        index.apply((1..=50_000).filter(|at| at % 10 > 0).map(gone).collect());
        assert_eq!(index.lines(), 5_000);
        assert_eq!(found(&index, "word5").len(), found(&index, "word5 filling").len());
        assert!(found(&index, "filling").iter().all(|at| at % 10 == 0));
    }

    /// P-362.
    #[test]
    fn bodies_of_lines_that_disappear_are_given_up() {
        let (mut host, mut index) = filled(3_000);
        let before = host.0.len();
        for sequence in (1..=3_000).filter(|sequence| sequence % 50 != 0) {
            host.write(&mut index, vec![gone(sequence)]);
        }
        assert!(host.0.len() < before / 2 + 1, "{before}, then {}", host.0.len());
        let index = host.whole();
        assert_eq!((index.lines(), found(&index, "filling").len()), (60, 60));
        assert!(host.sizes_are_fixed());
    }

    /// P-363.
    #[test]
    fn damage_is_noticed_whatever_it_hits() {
        let (mut host, _) = filled(1_500);
        let body = host.0.remove(&1).unwrap();
        assert!(host.open().is_err(), "a body is missing");
        host.0.insert(1, body);
        let mut index = host.open().unwrap();
        assert!(index.hold(1, &host.0[&1][1..]).is_err());
        for at in [8, HEAD, HEAD + 5] {
            let mut tail = host.0[&0].clone();
            tail[at] = 0xee;
            let bodies = index.bodies.clone();
            assert!(Index::open(&tail, bodies).is_err(), "{at}");
        }
    }

    /// P-363.
    #[test]
    fn building_goes_on_where_it_was_and_what_came_twice_is_found_once() {
        let (mut host, mut index) = (Host::default(), Index::new());
        assert_eq!(index.building(), Some([0; 40]));
        host.write(&mut index, vec![filler(7)]);
        index.set_building(Some([9; 40]));
        host.write(&mut index, vec![filler(6), filler(7)]);
        let mut index = host.whole();
        assert_eq!(index.building(), Some([9; 40]));
        assert_eq!(found(&index, "filling"), [7, 6]);
        index.set_building(None);
        host.write(&mut index, vec![gone(7)]);
        assert!(!host.holds("word7"));
        assert_eq!(host.whole().building(), None);
    }

    /// P-364.
    #[test]
    fn pages_follow_each_other_without_a_gap_whatever_comes_meanwhile() {
        let (mut host, mut index) = filled(60);
        let query = Query::parse("filling").unwrap();
        let (mut after, mut all) = (None, Vec::new());
        for new in 100.. {
            let matches = index.find(&query, after, 25);
            all.extend(matches.page.iter().map(|position| position.sequence));
            after = matches.last;
            if after.is_none() {
                break;
            }
            host.write(&mut index, vec![filler(new)]);
        }
        assert_eq!(all, (1..=60).rev().collect::<Vec<_>>());
    }

    /// P-364: half a word among fifty thousand messages of usual length.
    #[test]
    fn fifty_thousand_lines_take_few_segments() {
        let mut index = Index::new();
        let texts = (0..50_000).map(|sequence| {
            let word = u64::wrapping_mul(sequence, 0x9e37_79b9_7f4a_7c15);
            Change::Added(line(
                sequence,
                &format!("kelishuv boyicha hujjat {word:x} ertaga tayyor boladi, rahmat"),
            ))
        });
        index.apply(texts.collect());
        assert!(index.bodies.len() < 80, "{} bodies", index.bodies.len());
        assert_eq!(found(&index, "hujja 9e3779b97f4a7c15"), [1]);
        assert_eq!(found(&index, "yashil"), [0_u64; 0]);
        assert_eq!(found(&index, "ujjat").len(), 50_000);
    }

    #[test]
    fn a_text_that_is_longer_than_the_tail_has_its_place_in_a_body() {
        let (mut host, mut index) = filled(3);
        host.write(&mut index, vec![Change::Added(line(4, &"long ".repeat(9_000)))]);
        assert!(host.sizes_are_fixed());
        assert_eq!(found(&host.whole(), "long"), [4]);
        assert_eq!(found(&host.whole(), "filling"), [3, 2, 1]);
    }
}
