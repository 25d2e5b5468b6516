//! The lines of one conversation that the page holds: always one run without gaps. It ends with the latest line, unless somebody
//! went to one far up: then it lies around that, and lines are added at both of its ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use chopar_engine::view::{Line, LineBody, Reference};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::{AccountId, MessageId, Timestamp};
use leptos::prelude::*;

use super::{Attachments, Client, minutes_ahead};
use crate::view_model::{Day, LinePlace, places};

/// Lines asked for at a time: two screens of a tall window.
const PAGE: u16 = 60;
/// Pages brought at most to get at a line further up; for one beyond it the run begins anew around it.
const NEAR_PAGES: usize = 1;

/// One line and where it stands.
#[derive(Clone)]
pub(crate) struct Row {
    /// Its key.
    pub(crate) sequence: u64,
    /// The line.
    pub(crate) line: ArcRwSignal<Line>,
    /// How it stands among its neighbours.
    pub(crate) place: ArcRwSignal<LinePlace>,
}

/// How far the lines are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Not asked for.
    Not,
    /// On the way.
    Busy,
    /// There; `more` older ones exist.
    Done {
        /// Whether older lines exist.
        more: bool,
    },
    /// Could not be read.
    Failed(Failure),
}

/// What the box below the lines is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Composing {
    /// A new message.
    New,
    /// An answer to a message.
    Reply(Reference),
    /// Another text for an own message.
    Edit {
        /// Which.
        id: MessageId,
        /// Its text as it is.
        text: String,
    },
}

/// The lines held of one conversation.
pub(crate) struct Talk {
    peer: AccountId,
    rows: ArcRwSignal<Vec<Row>>,
    load: ArcRwSignal<Load>,
    first_unread: ArcRwSignal<Option<u64>>,
    typing_until: ArcRwSignal<Timestamp>,
    composing: ArcRwSignal<Composing>,
    attachments: Attachments,
    /// What stood in the box when the person went elsewhere while editing a message.
    left: Mutex<Option<(MessageId, String)>>,
    /// Told when lines changed that are not held.
    elsewhere: ArcTrigger,
    /// Whether there are lines after those that are held.
    away: ArcRwSignal<bool>,
    /// The latest line that came while they were not held.
    came: AtomicU64,
    /// Numbers the runs that were held one after the other.
    run: AtomicU64,
    /// Whether lines after those that are held are on the way.
    following: AtomicBool,
    /// The line that somebody wants to see.
    sought: ArcRwSignal<Option<u64>>,
}

impl Talk {
    /// Nothing is held yet.
    pub(crate) fn new(peer: AccountId) -> Self {
        Self {
            peer,
            rows: ArcRwSignal::new(Vec::new()),
            load: ArcRwSignal::new(Load::Not),
            first_unread: ArcRwSignal::new(None),
            typing_until: ArcRwSignal::new(Timestamp(0)),
            composing: ArcRwSignal::new(Composing::New),
            attachments: Attachments::new(),
            left: Mutex::new(None),
            elsewhere: ArcTrigger::new(),
            away: ArcRwSignal::new(false),
            came: AtomicU64::new(0),
            run: AtomicU64::new(0),
            following: AtomicBool::new(false),
            sought: ArcRwSignal::new(None),
        }
    }

    /// Whether there are lines after those that are held.
    pub(crate) fn away(&self) -> ArcRwSignal<bool> {
        self.away.clone()
    }

    /// The line that somebody wants to see: whoever draws the lines takes it.
    pub(crate) fn sought(&self) -> ArcRwSignal<Option<u64>> {
        self.sought.clone()
    }

    /// Tracks changes of lines that are not held: whoever shows one of them looks again.
    pub(crate) fn track_elsewhere(&self) {
        self.elsewhere.track();
    }

    /// What the box below is for.
    pub(crate) fn composing(&self) -> ArcRwSignal<Composing> {
        self.composing.clone()
    }

    /// The files that the next message will have. They stay for as long as the page lives.
    pub(crate) fn attachments(&self) -> Attachments {
        self.attachments.clone()
    }

    /// Whether the box is for something, or has files, not tracked: it still is when the person comes back.
    pub(crate) fn is_composing(&self) -> bool {
        *self.composing.read_untracked() != Composing::New || !self.attachments.is_empty()
    }

    /// Keeps the text of an edit that is not saved. It goes with the page, unlike a draft: on the device it would stay where the
    /// message is deleted.
    pub(crate) fn leave_edit(&self, text: String) {
        let editing = match &*self.composing.read_untracked() {
            Composing::Edit { id, .. } => Some((*id, text)),
            Composing::New | Composing::Reply(_) => None,
        };
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = editing;
    }

    /// The text with which an edit of this message goes on, once.
    pub(crate) fn left_edit(&self, id: &MessageId) -> Option<String> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.take().filter(|(of, _)| of == id).map(|(_, text)| text)
    }

    /// The line that stands where one was that goes: the next one, else the one before. Not tracked.
    pub(crate) fn beside(&self, sequence: u64) -> Option<u64> {
        let rows = self.rows.read_untracked();
        let at = rows.binary_search_by_key(&sequence, |row| row.sequence).ok()?;
        let beside = rows.get(at + 1).or_else(|| rows.get(at.checked_sub(1)?));
        beside.map(|row| row.sequence)
    }

    /// The row of a message that is held, tracked; `me` is the own account.
    pub(crate) fn row_of(&self, about: &Reference, me: AccountId) -> Option<Row> {
        let is = |row: &&Row| reference(&row.line.read_untracked(), me, self.peer) == Some(*about);
        self.rows.read().iter().rev().find(is).cloned()
    }

    /// The latest own message that has a text, not tracked; none where later lines are not held.
    pub(crate) fn last_own(&self) -> Option<(MessageId, String)> {
        if self.away.get_untracked() {
            return None;
        }
        let own = |row: &Row| match &row.line.read_untracked().body {
            LineBody::Own { id, text, extra, .. } if !extra.deleted && !text.is_empty() => {
                Some((*id, text.clone()))
            }
            _ => None,
        };
        self.rows.read_untracked().iter().rev().find_map(own)
    }

    /// The rows, oldest first.
    pub(crate) fn rows(&self) -> ArcRwSignal<Vec<Row>> {
        self.rows.clone()
    }

    /// How far they are loaded.
    pub(crate) fn load(&self) -> ArcRwSignal<Load> {
        self.load.clone()
    }

    /// Until when the other person is typing.
    pub(crate) fn typing_until(&self) -> ArcRwSignal<Timestamp> {
        self.typing_until.clone()
    }

    /// Sequence of the latest line held, not tracked.
    pub(crate) fn latest(&self) -> Option<u64> {
        self.rows.read_untracked().last().map(|row| row.sequence)
    }

    /// Draws the unread line above this sequence, or nowhere.
    pub(crate) fn set_unread_line(&self, first_unread: Option<u64>) {
        if self.first_unread.get_untracked() != first_unread {
            self.first_unread.set(first_unread);
            self.arrange();
        }
    }

    /// Whether the unread line is drawn, not tracked.
    pub(crate) fn has_unread_line(&self) -> bool {
        self.first_unread.get_untracked().is_some()
    }

    /// Asks for the latest page, or for the page before what is held. Does nothing while one is on the way, or when there
    /// is no older one.
    pub(crate) async fn page(&self, client: &Client) {
        let before = match self.load.get_untracked() {
            Load::Busy | Load::Done { more: false } => return,
            Load::Not => None,
            Load::Done { more: true } | Load::Failed(_) => {
                self.rows.read_untracked().first().map(|row| row.sequence)
            }
        };
        self.load.set(Load::Busy);
        let run = self.run();
        let asked = Intent::Page {
            conversation: self.peer,
            before,
            limit: PAGE,
        };
        let answer = client.ask(asked).await;
        if self.run() != run {
            return;
        }
        match answer {
            Answer::Page { lines, more } => {
                self.merge(lines, true);
                self.load.set(Load::Done { more });
            }
            Answer::Failed(failure) => self.load.set(Load::Failed(failure)),
            _ => self.load.set(Load::Failed(Failure::Browser)),
        }
    }

    /// Has the line with this sequence held; says whether it is. It may be gone.
    pub(crate) async fn reach(&self, client: &Client, sequence: u64) -> bool {
        let is_above = || {
            let rows = self.rows.read_untracked();
            rows.first().is_some_and(|row| sequence < row.sequence)
        };
        for _ in 0..NEAR_PAGES {
            if !is_above() || self.load.get_untracked() != (Load::Done { more: true }) {
                break;
            }
            self.page(client).await;
        }
        let is_below = self.away.get_untracked() && self.latest().is_some_and(|latest| latest < sequence);
        if is_above() || is_below {
            self.begin_around(client, sequence).await;
        }
        self.holds(sequence)
    }

    /// Holds the lines around one, and no others.
    async fn begin_around(&self, client: &Client, sequence: u64) {
        let before = self.load.get_untracked();
        let run = self.begin_run();
        self.load.set(Load::Busy);
        let asked = Intent::Page {
            conversation: self.peer,
            before: Some(sequence.saturating_add(u64::from(PAGE / 2))),
            limit: PAGE,
        };
        let answer = client.ask(asked).await;
        if self.run() != run {
            return;
        }
        match answer {
            Answer::Page { lines, more } if lines.iter().any(|line| line.sequence == sequence) => {
                let mut rows = Vec::new();
                fold(&mut rows, lines, true);
                place(&rows, self.first_unread.get_untracked());
                // How far the conversation goes is known from the run before.
                if !self.away.get_untracked() {
                    self.came.fetch_max(self.latest().unwrap_or(0), Ordering::Relaxed);
                }
                self.away.set(true);
                self.rows.set(rows);
                self.load.set(Load::Done { more });
            }
            // It is gone since: what is held stays. A page that was on its way comes when it is asked for again.
            _ if before == Load::Busy => self.load.set(Load::Done { more: true }),
            _ => self.load.set(before),
        }
    }

    /// Brings the lines after those that are held; `latest` is the sequence of the conversation's last line.
    pub(crate) async fn follow(&self, client: &Client, latest: impl Fn() -> u64) {
        let Some(mut from) = self.latest().filter(|_| self.away.get_untracked()) else {
            return;
        };
        if self.following.swap(true, Ordering::Relaxed) {
            return;
        }
        let run = self.run();
        let is_end = |from| from >= latest().max(self.came.load(Ordering::Relaxed));
        // Sequences have gaps: of so many numbers there are no more lines than one page has.
        while !is_end(from) {
            let asked = Intent::Page {
                conversation: self.peer,
                before: Some(from.saturating_add(1 + u64::from(PAGE))),
                limit: PAGE,
            };
            let answer = client.ask(asked).await;
            // Somebody has gone elsewhere meanwhile; or it is asked again with the next move.
            let (true, Answer::Page { mut lines, .. }) = (self.run() == run, answer) else {
                self.following.store(false, Ordering::Relaxed);
                return;
            };
            lines.retain(|line| line.sequence > from);
            let came = lines.last().map(|line| line.sequence);
            self.merge(lines, true);
            from = came.unwrap_or(from.saturating_add(u64::from(PAGE)));
            if came.is_some() {
                break;
            }
        }
        if is_end(from) {
            self.away.set(false);
        }
        self.following.store(false, Ordering::Relaxed);
    }

    /// Whether a line is held, not tracked.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        let rows = self.rows.read_untracked();
        rows.binary_search_by_key(&sequence, |row| row.sequence).is_ok()
    }

    /// Which run of lines is held: what was asked for another is not put into it.
    fn run(&self) -> u64 {
        self.run.load(Ordering::Relaxed)
    }

    fn begin_run(&self) -> u64 {
        self.run.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes lines that are new or changed. Changes to lines older than what is held are left to the page that will
    /// bring them.
    pub(crate) fn changed(&self, mut lines: Vec<Line>) {
        if let Some(latest) = self.latest().filter(|_| self.away.get_untracked()) {
            // A tick below says nothing new.
            let known = latest.max(self.came.load(Ordering::Relaxed));
            let said = |line: &Line| line.sequence > known && matches!(line.body, LineBody::Own { .. });
            if lines.iter().any(said) {
                // Whoever says something sees it: back to the latest.
                return self.forget();
            }
            let newest = lines.iter().map(|line| line.sequence).max();
            self.came.fetch_max(newest.unwrap_or(0), Ordering::Relaxed);
            lines.retain(|line| line.sequence <= latest);
        }
        let oldest = self.rows.read_untracked().first().map(|row| row.sequence);
        if oldest.is_some_and(|oldest| lines.iter().any(|line| line.sequence < oldest)) {
            self.elsewhere.notify();
        }
        if self.load.get_untracked() != Load::Not {
            self.merge(lines, false);
        }
    }

    /// Lines are gone for good.
    pub(crate) fn gone(&self, lines: &[u64]) {
        let mut rows = self.rows.get_untracked();
        let before = rows.len();
        rows.retain(|row| lines.binary_search(&row.sequence).is_err());
        if before - rows.len() < lines.len() {
            self.elsewhere.notify();
        }
        if rows.len() != before {
            place(&rows, self.first_unread.get_untracked());
            self.rows.set(rows);
        }
    }

    /// Takes the word that the other person is typing.
    pub(crate) fn typing(&self, until: Timestamp) {
        self.typing_until.set(until);
    }

    /// Holds nothing any more.
    pub(crate) fn forget(&self) {
        self.begin_run();
        self.away.set(false);
        self.came.store(0, Ordering::Relaxed);
        self.rows.set(Vec::new());
        self.load.set(Load::Not);
    }

    fn merge(&self, lines: Vec<Line>, older: bool) {
        let mut rows = self.rows.get_untracked();
        if fold(&mut rows, lines, older) {
            place(&rows, self.first_unread.get_untracked());
            self.rows.set(rows);
        }
    }

    fn arrange(&self) {
        place(&self.rows.read_untracked(), self.first_unread.get_untracked());
    }
}

/// The name of the message on a line, if it is one.
pub(crate) fn reference(line: &Line, me: AccountId, peer: AccountId) -> Option<Reference> {
    match &line.body {
        LineBody::Own { id, .. } => Some(Reference { author: me, id: *id }),
        LineBody::Theirs { id, .. } => Some(Reference {
            author: line.author.unwrap_or(peer),
            id: *id,
        }),
        LineBody::Notice(_) => None,
    }
}

/// Puts lines among the rows, by sequence: a known one is replaced, an unknown one inserted. Unless the lines are an older page,
/// those before the first row are left out: between them and the first row others may be missing. Says whether a row came.
fn fold(rows: &mut Vec<Row>, lines: Vec<Line>, older: bool) -> bool {
    let oldest = rows.first().map(|row| row.sequence);
    let mut added = false;
    for line in lines {
        match rows.binary_search_by_key(&line.sequence, |row| row.sequence) {
            Ok(index) => {
                let known = &rows[index].line;
                if *known.read_untracked() != line {
                    known.set(line);
                }
            }
            Err(_) if !older && oldest.is_some_and(|oldest| line.sequence < oldest) => {}
            Err(index) => {
                let place = LinePlace {
                    day: None,
                    unread_above: false,
                    first: true,
                    last: true,
                };
                let (sequence, line, place) =
                    (line.sequence, ArcRwSignal::new(line), ArcRwSignal::new(place));
                rows.insert(
                    index,
                    Row {
                        sequence,
                        line,
                        place,
                    },
                );
                added = true;
            }
        }
    }
    added
}

/// Works out where each row stands, and tells only those that moved.
fn place(rows: &[Row], first_unread: Option<u64>) {
    let lines: Vec<_> = rows.iter().map(|row| row.line.read_untracked()).collect();
    let fresh = places(lines.iter().map(|line| &**line), first_unread, |time| {
        Day::of(time, minutes_ahead(time))
    });
    drop(lines);
    for (row, fresh) in rows.iter().zip(fresh) {
        if *row.place.read_untracked() != fresh {
            row.place.set(fresh);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::view::LineBody;
    use chopar_wire::MessageId;

    fn line(sequence: u64, text: &str) -> Line {
        let body = LineBody::Theirs {
            id: MessageId::new([0; 16]),
            text: text.to_owned(),
            extra: chopar_engine::view::Extra::default(),
        };
        Line {
            sequence,
            time: Timestamp(0),
            author: None,
            body,
        }
    }

    fn sequences(rows: &[Row]) -> Vec<u64> {
        rows.iter().map(|row| row.sequence).collect()
    }

    #[test]
    fn a_changed_line_keeps_its_row() {
        let mut rows = Vec::new();
        assert!(fold(&mut rows, vec![line(5, "a"), line(7, "b")], true));
        let signal = rows[1].line.clone();
        assert!(!fold(&mut rows, vec![line(7, "c")], false), "no row came");
        assert!(
            *signal.read_untracked() == line(7, "c"),
            "the same signal has the new line"
        );
    }

    #[test]
    fn lines_find_their_places_whatever_the_order() {
        let mut rows = Vec::new();
        fold(&mut rows, vec![line(5, ""), line(9, "")], true);
        fold(&mut rows, vec![line(11, ""), line(7, "")], false);
        fold(&mut rows, vec![line(1, ""), line(3, ""), line(5, "")], true);
        assert_eq!(sequences(&rows), [1, 3, 5, 7, 9, 11]);
    }

    #[test]
    fn the_next_line_takes_the_place_of_one_that_goes() {
        let talk = Talk::new(AccountId::new([1; 32]));
        assert_eq!(talk.beside(5), None);
        let hold = |lines: &[u64]| {
            let mut rows = Vec::new();
            fold(&mut rows, lines.iter().map(|at| line(*at, "")).collect(), true);
            talk.rows.set(rows);
        };
        hold(&[5, 7, 9]);
        let beside = [5, 7, 9, 6].map(|line| talk.beside(line));
        assert_eq!(beside, [Some(7), Some(9), Some(7), None]);
        hold(&[7]);
        assert_eq!(talk.beside(7), None, "nothing is left beside it");
    }

    /// P-365.
    #[test]
    fn what_comes_while_one_is_far_up_waits_and_what_one_says_leads_back() {
        let talk = Talk::new(AccountId::new([1; 32]));
        let mut rows = Vec::new();
        fold(&mut rows, vec![line(5, "a"), line(7, "b")], true);
        talk.rows.set(rows);
        talk.load.set(Load::Done { more: true });
        talk.away.set(true);
        talk.changed(vec![line(7, "changed"), line(90, "new")]);
        assert_eq!(sequences(&talk.rows.read_untracked()), [5, 7]);
        assert!(*talk.rows.read_untracked()[1].line.read_untracked() == line(7, "changed"));
        assert_eq!(talk.came.load(Ordering::Relaxed), 90);
        assert_eq!(talk.last_own(), None);
        let own = |sequence| Line {
            body: LineBody::Own {
                id: MessageId::new([9; 16]),
                text: String::from("said"),
                state: chopar_engine::view::SentState::Waiting,
                held: None,
                extra: chopar_engine::view::Extra::default(),
            },
            ..line(sequence, "")
        };
        talk.changed(vec![own(89)]);
        assert!(talk.away.get_untracked(), "a tick below leads nowhere");
        talk.changed(vec![own(91)]);
        assert!(talk.load.get_untracked() == Load::Not && !talk.away.get_untracked());
    }

    #[test]
    fn an_edit_that_was_left_goes_on() {
        let talk = Talk::new(AccountId::new([1; 32]));
        let (id, other) = (MessageId::new([1; 16]), MessageId::new([2; 16]));
        talk.leave_edit("no edit".to_owned());
        assert_eq!(talk.left_edit(&id), None);
        let text = "as it is".to_owned();
        talk.composing().set(Composing::Edit { id, text });
        talk.leave_edit("as it will be".to_owned());
        assert!(talk.is_composing());
        assert_eq!(talk.left_edit(&id).as_deref(), Some("as it will be"));
        assert_eq!(talk.left_edit(&id), None, "once");
        talk.leave_edit("as it will be".to_owned());
        assert_eq!(talk.left_edit(&other), None, "of another message");
    }

    #[test]
    fn a_change_before_the_first_row_waits_for_its_page() {
        let mut rows = Vec::new();
        fold(&mut rows, vec![line(50, "")], true);
        assert!(!fold(&mut rows, vec![line(3, "")], false));
        assert_eq!(sequences(&rows), [50]);
    }
}
