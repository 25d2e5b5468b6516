//! The lines of one conversation that the page holds: always a run that ends with the latest.

use chopar_engine::view::Line;
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::{AccountId, Timestamp};
use leptos::prelude::*;

use super::{Client, minutes_ahead};
use crate::view_model::{Day, LinePlace, places};

/// Lines asked for at a time: two screens of a tall window.
const PAGE: u16 = 60;

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

/// The lines held of one conversation.
pub(crate) struct Talk {
    peer: AccountId,
    rows: ArcRwSignal<Vec<Row>>,
    load: ArcRwSignal<Load>,
    first_unread: ArcRwSignal<Option<u64>>,
    typing_until: ArcRwSignal<Timestamp>,
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
        }
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
        match client
            .ask(Intent::Page {
                conversation: self.peer,
                before,
                limit: PAGE,
            })
            .await
        {
            Answer::Page { lines, more } => {
                self.merge(lines, true);
                self.load.set(Load::Done { more });
            }
            Answer::Failed(failure) => self.load.set(Load::Failed(failure)),
            _ => self.load.set(Load::Failed(Failure::Browser)),
        }
    }

    /// Takes lines that are new or changed. Changes to lines older than what is held are left to the page that will
    /// bring them.
    pub(crate) fn changed(&self, lines: Vec<Line>) {
        if self.load.get_untracked() != Load::Not {
            self.merge(lines, false);
        }
    }

    /// Takes the word that the other person is typing.
    pub(crate) fn typing(&self, until: Timestamp) {
        self.typing_until.set(until);
    }

    /// Holds nothing any more.
    pub(crate) fn forget(&self) {
        self.rows.set(Vec::new());
        self.load.set(Load::Not);
    }

    fn merge(&self, lines: Vec<Line>, older: bool) {
        let mut added = false;
        let mut rows = self.rows.get_untracked();
        let oldest = rows.first().map(|row| row.sequence);
        for line in lines {
            match rows.binary_search_by_key(&line.sequence, |row| row.sequence) {
                Ok(index) => {
                    let known = &rows[index].line;
                    if *known.read_untracked() != line {
                        known.set(line);
                    }
                }
                Err(0) if !older && oldest.is_some() => {}
                Err(index) => {
                    let place = LinePlace {
                        day: None,
                        unread_above: false,
                        first: true,
                        last: true,
                    };
                    let row = Row {
                        sequence: line.sequence,
                        line: ArcRwSignal::new(line),
                        place: ArcRwSignal::new(place),
                    };
                    rows.insert(index, row);
                    added = true;
                }
            }
        }
        if added {
            place(&rows, self.first_unread.get_untracked());
            self.rows.set(rows);
        }
    }

    fn arrange(&self) {
        place(&self.rows.read_untracked(), self.first_unread.get_untracked());
    }
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
