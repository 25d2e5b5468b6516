//! The lines of one conversation that the page holds: always one run without gaps, and never more than [`MAX_ROWS`]. It ends with the
//! latest line, unless somebody went far up: then it lies around what they see. Lines are added at both of its ends, and where that
//! makes too many, as many go at the other.

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
/// Rows held at most: what is seen, a page before and a page behind it on the tallest of screens. A browser lays all of them out with
/// every line that comes.
const MAX_ROWS: usize = 300;
/// Pages brought at most to get at a line further up; for one beyond it the run begins anew around it.
const NEAR_PAGES: usize = 1;

/// Lines, ascending, and whether there are older ones.
type Page = (Vec<Line>, bool);

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

/// Where a conversation opens of which nothing is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// With its latest line: somebody asked to go there, or said something on this page.
    Latest,
    /// Where somebody reads, or has read to. Nobody asked to go further, and what is not seen stays unread.
    Reading,
}

/// How far the lines are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Not asked for.
    Not(Opening),
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

impl Composing {
    /// Whether it is for an own message that is there: files and voice messages are no part of that.
    pub(crate) const fn is_edit(&self) -> bool {
        matches!(self, Self::Edit { .. })
    }
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
    /// Whether somebody reads further up than the latest line.
    above: AtomicBool,
    /// The latest line that came while they were not held.
    came: AtomicU64,
    /// Numbers the runs that were held one after the other.
    run: AtomicU64,
    /// Whether lines after those that are held are on the way.
    following: AtomicBool,
    /// The line that somebody wants to see.
    sought: ArcRwSignal<Option<u64>>,
    /// The message that was said last on this page, until its line comes.
    said: Mutex<Option<MessageId>>,
}

impl Talk {
    /// Nothing is held yet.
    pub(crate) fn new(peer: AccountId) -> Self {
        Self {
            peer,
            rows: ArcRwSignal::new(Vec::new()),
            load: ArcRwSignal::new(Load::Not(Opening::Reading)),
            first_unread: ArcRwSignal::new(None),
            typing_until: ArcRwSignal::new(Timestamp(0)),
            composing: ArcRwSignal::new(Composing::New),
            attachments: Attachments::new(),
            left: Mutex::new(None),
            elsewhere: ArcTrigger::new(),
            away: ArcRwSignal::new(false),
            above: AtomicBool::new(false),
            came: AtomicU64::new(0),
            run: AtomicU64::new(0),
            following: AtomicBool::new(false),
            sought: ArcRwSignal::new(None),
            said: Mutex::new(None),
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

    /// Says whether somebody reads further up than the latest line: what they see stays, however much arrives.
    pub(crate) fn read_above(&self, above: bool) {
        self.above.store(above, Ordering::Relaxed);
    }

    /// Nobody looks any more. What is held is what is shown first when somebody comes back: the latest page.
    pub(crate) fn leave(&self) {
        self.read_above(false);
        if self.away.get_untracked() {
            self.forget(Opening::Reading);
        } else {
            let mut rows = self.rows.get_untracked();
            if self.bound(&mut rows, PAGE.into(), Stay::Latest) {
                place(&rows, self.first_unread.get_untracked());
                self.rows.set(rows);
            }
        }
    }

    /// A message is said on this page: whoever says something sees it.
    pub(crate) fn say(&self, id: MessageId) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
    }

    /// Whether a line has the message that was said last on this page.
    fn is_said(&self, line: &Line) -> bool {
        let said = *self.said.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(&line.body, LineBody::Own { id, .. } if said == Some(*id))
    }

    /// Somebody goes to the latest line. An older page that is on its way is let go of: it would take the place of the latest lines.
    pub(crate) fn go_to_latest(&self) {
        self.read_above(false);
        if self.away.get_untracked() {
            self.forget(Opening::Latest);
        } else if self.latest().is_some() {
            self.begin_run();
            if self.load.get_untracked() == Load::Busy {
                self.load.set(Load::Done { more: true });
            }
        }
    }

    /// Asks for what is shown first: the latest page, or the lines around one where it is further up.
    pub(crate) async fn open(&self, client: &Client, wanted: Option<u64>) {
        if !matches!(self.load.get_untracked(), Load::Not(_)) {
            return;
        }
        self.load.set(Load::Busy);
        let run = self.run();
        let latest = self.ask_page(client, None, PAGE).await;
        let above = wanted.filter(|wanted| {
            let lines = latest.as_ref().ok().filter(|(_, more)| *more);
            lines.is_some_and(|(lines, _)| lines.first().is_some_and(|first| *wanted < first.sequence))
        });
        let around = match above {
            Some(wanted) => Some(self.ask_page(client, around(wanted), PAGE).await),
            None => None,
        };
        if self.run() == run {
            self.opened(latest, around);
        }
    }

    /// Takes the latest page, and the lines around one further up where they were asked for.
    fn opened(&self, latest: Result<Page, Failure>, around: Option<Result<Page, Failure>>) {
        match (latest, around) {
            // The latest instead of them would pass over what was not read.
            (Err(failure), _) | (_, Some(Err(failure))) => self.load.set(Load::Failed(failure)),
            (Ok((latest, _)), Some(Ok((lines, more)))) if !lines.is_empty() => {
                let end = latest.last().map_or(0, |line| line.sequence);
                self.came.fetch_max(end, Ordering::Relaxed);
                self.hold(lines, more);
            }
            (Ok((lines, more)), _) => {
                self.merge(lines, true, Stay::Latest);
                self.load.set(Load::Done { more });
            }
        }
    }

    /// Asks for the page before what is held. Does nothing while one is on the way, when there is no older one, or before anything was
    /// there: that is asked for by [`Self::open`].
    pub(crate) async fn page(&self, client: &Client) {
        let before = self.rows.read_untracked().first().map(|row| row.sequence);
        let is_wanted = match self.load.get_untracked() {
            Load::Done { more } => more,
            Load::Failed(_) => before.is_some(),
            Load::Busy | Load::Not(_) => false,
        };
        if !is_wanted {
            return;
        }
        self.load.set(Load::Busy);
        let run = self.run();
        let answer = self.ask_page(client, before, PAGE).await;
        if self.run() != run {
            return;
        }
        match answer {
            Ok(page) => self.take_older(page),
            Err(failure) => self.load.set(Load::Failed(failure)),
        }
    }

    /// Puts an older page in. Where somebody is at the end by now, and it would push out what they see, it is left: it comes when they
    /// go up again.
    fn take_older(&self, (lines, mut more): Page) {
        let held = self.rows.read_untracked().len();
        if self.above.load(Ordering::Relaxed) || held + lines.len() <= MAX_ROWS {
            self.merge(lines, true, Stay::Oldest);
        } else {
            more = true;
        }
        self.load.set(Load::Done { more });
    }

    /// So many lines before one, or the latest: ascending, and whether there are older ones.
    async fn ask_page(&self, client: &Client, before: Option<u64>, limit: u16) -> Result<Page, Failure> {
        let asked = Intent::Page {
            conversation: self.peer,
            before,
            limit,
        };
        match client.ask(asked).await {
            Answer::Page { lines, more } => Ok((lines, more)),
            Answer::Failed(failure) => Err(failure),
            _ => Err(Failure::Browser),
        }
    }

    /// Sequence and time of the first line of a moment or after it, of the last line where all are before it; `None` where there is none.
    /// Halves what comes into question with every line that it reads.
    ///
    /// # Errors
    /// Where lines cannot be read.
    pub(crate) async fn find_time(
        &self,
        client: &Client,
        from: Timestamp,
    ) -> Result<Option<(u64, Timestamp)>, Failure> {
        let last_before = async |sequence: Option<u64>| {
            let (lines, _) = self.ask_page(client, sequence, 1).await?;
            Ok(lines.last().map(|line| (line.sequence, line.time)))
        };
        first_from(from, last_before).await
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
        let answer = self.ask_page(client, around(sequence), PAGE).await;
        if self.run() != run {
            return;
        }
        match answer {
            Ok((lines, more)) if lines.iter().any(|line| line.sequence == sequence) => {
                self.hold(lines, more);
            }
            // It is gone since: what is held stays. A page that was on its way comes when it is asked for again.
            _ if before == Load::Busy => self.load.set(Load::Done { more: true }),
            _ => self.load.set(before),
        }
    }

    /// Holds lines further up, and no others.
    fn hold(&self, lines: Vec<Line>, more: bool) {
        let mut rows = Vec::new();
        fold(&mut rows, lines, true);
        place(&rows, self.first_unread.get_untracked());
        self.go_away();
        self.rows.set(rows);
        self.load.set(Load::Done { more });
    }

    /// The lines that are held do not end with the latest any more; how far the conversation goes is known from them.
    fn go_away(&self) {
        if !self.away.get_untracked() {
            self.came.fetch_max(self.latest().unwrap_or(0), Ordering::Relaxed);
            self.away.set(true);
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
            let before = Some(from.saturating_add(1 + u64::from(PAGE)));
            let answer = self.ask_page(client, before, PAGE).await;
            // Somebody has gone elsewhere meanwhile; or it is asked again with the next move.
            let (true, Ok((mut lines, _))) = (self.run() == run, answer) else {
                self.following.store(false, Ordering::Relaxed);
                return;
            };
            lines.retain(|line| line.sequence > from);
            let came = lines.last().map(|line| line.sequence);
            self.merge(lines, true, Stay::Latest);
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

    /// Whether what is held begins after a line, and there are older ones; not tracked.
    pub(crate) fn begins_after(&self, sequence: u64) -> bool {
        let first = self.rows.read_untracked().first().map(|row| row.sequence);
        first.is_some_and(|first| sequence < first)
            && self.load.get_untracked() == (Load::Done { more: true })
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
        let mut elsewhere = false;
        if self.above.load(Ordering::Relaxed) {
            let held = self.rows.read_untracked();
            let latest = held.last().map(|row| row.sequence);
            let new = lines.iter().filter(|line| Some(line.sequence) > latest);
            if held.len() + new.count() > MAX_ROWS {
                drop(held);
                self.go_away();
            }
        }
        if let Some(latest) = self.latest().filter(|_| self.away.get_untracked()) {
            // A tick below says nothing new.
            let known = latest.max(self.came.load(Ordering::Relaxed));
            // What is said on another page or device leads nowhere here.
            if lines
                .iter()
                .any(|line| line.sequence > known && self.is_said(line))
            {
                return self.forget(Opening::Latest);
            }
            let newest = lines.iter().map(|line| line.sequence).max();
            self.came.fetch_max(newest.unwrap_or(0), Ordering::Relaxed);
            elsewhere = newest.is_some_and(|newest| newest > latest);
            lines.retain(|line| line.sequence <= latest);
        }
        let oldest = self.rows.read_untracked().first().map(|row| row.sequence);
        elsewhere |= oldest.is_some_and(|oldest| lines.iter().any(|line| line.sequence < oldest));
        if elsewhere {
            self.elsewhere.notify();
        }
        if !matches!(self.load.get_untracked(), Load::Not(_)) {
            self.merge(lines, false, Stay::Latest);
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

    /// Holds nothing any more; says where it opens where somebody looks.
    pub(crate) fn forget(&self, opening: Opening) {
        self.begin_run();
        self.away.set(false);
        self.came.store(0, Ordering::Relaxed);
        self.rows.set(Vec::new());
        self.load.set(Load::Not(opening));
    }

    fn merge(&self, lines: Vec<Line>, older: bool, stay: Stay) {
        let mut rows = self.rows.get_untracked();
        if fold(&mut rows, lines, older) {
            self.bound(&mut rows, MAX_ROWS, stay);
            place(&rows, self.first_unread.get_untracked());
            self.rows.set(rows);
        }
    }

    /// Lets go of what is too much at one end; says whether it was. What is on its way to that end is not put there.
    fn bound(&self, rows: &mut Vec<Row>, most: usize, stay: Stay) -> bool {
        let over = rows.len().saturating_sub(most);
        if over == 0 {
            return false;
        }
        self.begin_run();
        match stay {
            Stay::Oldest => {
                let latest = rows.last().map_or(0, |row| row.sequence);
                self.go_away();
                self.came.fetch_max(latest, Ordering::Relaxed);
                rows.truncate(most);
            }
            Stay::Latest => {
                rows.drain(..over);
                self.load.set(Load::Done { more: true });
            }
        }
        true
    }

    fn arrange(&self) {
        place(&self.rows.read_untracked(), self.first_unread.get_untracked());
    }
}

/// Which rows stay where there are too many.
#[derive(Clone, Copy)]
enum Stay {
    Oldest,
    Latest,
}

/// Before which line a page is asked for that has this one in its middle.
fn around(sequence: u64) -> Option<u64> {
    Some(sequence.saturating_add(u64::from(PAGE / 2)))
}

/// As [`Talk::find_time`]; `last_before` gives sequence and time of the last line before a sequence, or of the last of all. Clocks
/// differ, so times rise only roughly: then it is one of the first.
async fn first_from(
    from: Timestamp,
    last_before: impl AsyncFn(Option<u64>) -> Result<Option<(u64, Timestamp)>, Failure>,
) -> Result<Option<(u64, Timestamp)>, Failure> {
    let Some((last, time)) = last_before(None).await? else {
        return Ok(None);
    };
    if time < from {
        return Ok(Some((last, time)));
    }
    // It is below `high`, or `first`; what is below `low` is too early.
    let (mut low, mut high, mut first) = (0, last, (last, time));
    while low < high {
        let middle = high - (high - low) / 2;
        match last_before(Some(middle)).await? {
            Some((sequence, time)) if time >= from => {
                (first, high) = ((sequence, time), sequence);
            }
            _ => low = middle,
        }
    }
    Ok(Some(first))
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
        assert!(talk.away.get_untracked(), "said on another device");
        assert_eq!(talk.came.load(Ordering::Relaxed), 91);
        talk.say(MessageId::new([9; 16]));
        talk.changed(vec![own(91)]);
        assert!(talk.away.get_untracked(), "it was there before");
        talk.changed(vec![own(92)]);
        assert!(talk.load.get_untracked() == Load::Not(Opening::Latest) && !talk.away.get_untracked());
    }

    /// P-365.
    #[test]
    fn where_what_was_not_read_cannot_be_brought_the_latest_is_not_shown_instead() {
        let talk = Talk::new(AccountId::new([1; 32]));
        let latest = || Ok((vec![line(90, ""), line(91, "")], true));
        talk.opened(latest(), Some(Err(Failure::Browser)));
        assert!(talk.load.get_untracked() == Load::Failed(Failure::Browser));
        assert_eq!(talk.latest(), None);
        talk.opened(latest(), Some(Ok((vec![line(5, "")], false))));
        assert!(talk.away.get_untracked());
        assert_eq!((talk.latest(), talk.came.load(Ordering::Relaxed)), (Some(5), 91));
    }

    /// P-365.
    #[test]
    fn an_older_page_that_comes_late_does_not_take_the_place_of_the_latest_lines() {
        let page = || ((941..1_001).map(|at| line(at, "")).collect(), false);
        let talk = holding(1_001..=1_290);
        talk.read_above(true);
        talk.go_to_latest();
        talk.take_older(page());
        assert_eq!(held(&talk), (1_001, 1_290, 290));
        assert!(talk.load.get_untracked() == Load::Done { more: true });
        talk.read_above(true);
        talk.take_older(page());
        assert_eq!(held(&talk), (941, 1_240, MAX_ROWS));
        let few = holding(1_001..=1_030);
        few.take_older(page());
        assert_eq!(held(&few), (941, 1_030, 90), "there is room for all of them");
    }

    /// P-365.
    #[test]
    fn whoever_goes_to_the_latest_line_waits_for_no_older_page() {
        let talk = holding(1_001..=1_290);
        talk.load.set(Load::Busy);
        let run = talk.run();
        talk.go_to_latest();
        assert_ne!(talk.run(), run);
        assert!(talk.load.get_untracked() == Load::Done { more: true });
        talk.away.set(true);
        talk.go_to_latest();
        assert!(talk.load.get_untracked() == Load::Not(Opening::Latest));
        let opening = Talk::new(AccountId::new([1; 32]));
        opening.load.set(Load::Busy);
        opening.go_to_latest();
        assert!(
            opening.load.get_untracked() == Load::Busy,
            "its first page still comes"
        );
    }

    fn holding(lines: std::ops::RangeInclusive<u64>) -> Talk {
        let talk = Talk::new(AccountId::new([1; 32]));
        talk.load.set(Load::Done { more: false });
        talk.merge(lines.map(|at| line(at, "")).collect(), true, Stay::Latest);
        talk
    }

    fn held(talk: &Talk) -> (u64, u64, usize) {
        let rows = sequences(&talk.rows.read_untracked());
        assert!(rows.is_sorted());
        (rows[0], rows[rows.len() - 1], rows.len())
    }

    /// P-365.
    #[test]
    fn where_too_many_lines_are_held_as_many_go_at_the_other_end() {
        let talk = holding(1_001..=1_290);
        let page = |first: u64| (first..first + 60).map(|at| line(at, "")).collect::<Vec<_>>();
        talk.merge(page(941), true, Stay::Oldest);
        assert_eq!(held(&talk), (941, 1_240, MAX_ROWS));
        assert!(talk.away.get_untracked(), "the latest are not held");
        assert_eq!(talk.came.load(Ordering::Relaxed), 1_290);
        let run = talk.run();
        talk.merge(page(1_241), true, Stay::Latest);
        assert_eq!(held(&talk), (1_001, 1_300, MAX_ROWS));
        assert!(talk.load.get_untracked() == Load::Done { more: true });
        assert_ne!(talk.run(), run, "an older page on its way would leave a gap");
    }

    /// P-365.
    #[test]
    fn what_arrives_lets_the_oldest_go_unless_somebody_reads_there() {
        let talk = holding(1_001..=1_300);
        talk.changed(vec![line(1_301, "")]);
        assert_eq!(held(&talk), (1_002, 1_301, MAX_ROWS));
        talk.read_above(true);
        talk.changed(vec![line(1_301, "changed")]);
        assert!(!talk.away.get_untracked(), "a change is not more");
        talk.changed(vec![line(1_302, "")]);
        assert_eq!(held(&talk), (1_002, 1_301, MAX_ROWS));
        assert!(talk.away.get_untracked());
        assert_eq!(talk.came.load(Ordering::Relaxed), 1_302);
    }

    /// P-365.
    #[test]
    fn who_comes_back_begins_with_the_latest_page() {
        let talk = holding(1_001..=1_300);
        talk.leave();
        assert_eq!(held(&talk), (1_241, 1_300, 60));
        assert!(talk.begins_after(1_240) && !talk.begins_after(1_241));
        let away = holding(1_001..=1_300);
        away.away.set(true);
        away.leave();
        assert!(
            away.load.get_untracked() == Load::Not(Opening::Reading) && away.rows.read_untracked().is_empty()
        );
    }

    #[test]
    fn the_first_line_of_a_day_is_found_with_few_looks() {
        use std::pin::pin;
        use std::task::{Context, Poll, Waker};

        // Sequences have gaps; a line is said each minute.
        let lines: Vec<(u64, Timestamp)> = (0..50_000)
            .map(|at| (at * 3 + 7, Timestamp(1_000 + at * 60_000)))
            .collect();
        let find = |lines: &[(u64, Timestamp)], from: u64| {
            let looks = std::cell::Cell::new(0);
            let last_before = async |sequence: Option<u64>| {
                looks.set(looks.get() + 1);
                let below = lines.partition_point(|(at, _)| sequence.is_none_or(|sequence| *at < sequence));
                Ok(below.checked_sub(1).map(|last| lines[last]))
            };
            let mut found = pin!(first_from(Timestamp(from), last_before));
            match found.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(found)) => (found.map(|(sequence, _)| sequence), looks.get()),
                _ => panic!("nothing is waited for"),
            }
        };
        for wanted in [0, 1, 2, 777, 24_999, 49_998, 49_999] {
            let (sequence, time) = lines[wanted];
            for from in [time.0, time.0 - 999] {
                let (found, looks) = find(&lines, from);
                assert_eq!(found, Some(sequence), "{wanted}");
                assert!(looks < 25, "{looks} looks");
            }
        }
        assert_eq!(
            find(&lines, u64::MAX).0,
            Some(lines[49_999].0),
            "nothing is that late"
        );
        assert_eq!(find(&lines[..1], 0).0, Some(7));
        assert_eq!(find(&[], 0).0, None);
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
