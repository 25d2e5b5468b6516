//! Finding the line of a message that is named, and then doing what waits for it.
//!
//! ```text
//!   named ──> place known? ──no──> Effect::Read ──> on record? ──no──> what others did goes on waiting (pending)
//!                  │yes                                 │yes           what a person asked for fails
//!                  +──> line in memory? ──no──> Effect::Load ──+
//!                              │yes                            │
//!                              +───────────> found <───────────+
//! ```
//! There is one search for a message at a time, and while it is under way nothing else changes its line, so that what was
//! read is never older than what was written.

use chopar_e2ee::file::FileDescriptor;
use chopar_wire::proto::content::File;
use chopar_wire::{EnvelopeId, FileMark};

use crate::change::Change;
use crate::changing::Act;
use crate::context::Context;
use crate::effect::{Effect, FileHome, Kind, Record};
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::map::Map;
use crate::pending;
use crate::places::{Place, Spot};
use crate::records::Stored;
use crate::records::line::{LineContent, LineRecord};
use crate::records::place::PlaceRecord;
use crate::tokens::Waiting;

/// What a person asked for, to be done once the line is there.
pub(crate) enum Wish {
    /// To see it.
    Show { asked: u64 },
    /// To do something with it.
    Act { asked: u64, act: Act },
    /// To have a file of it.
    Fetch { asked: u64, file: FileMark },
}

/// A search under way.
#[derive(Default)]
pub(crate) struct Search {
    wishes: Vec<Wish>,
    /// The line was removed meanwhile.
    gone: bool,
}

/// All of them.
pub(crate) type Searches = Map<Spot, Search>;

/// What a search came to.
#[derive(Clone, Copy, PartialEq)]
enum Found {
    Line(u64),
    Gone,
    /// It has not arrived.
    Nowhere,
}

impl Engine {
    /// A person wants something of a message.
    pub(crate) fn seek(&mut self, spot: Spot, wish: Option<Wish>, cx: &mut Context<'_>) {
        if let Some(search) = self.searches.get_mut(&spot) {
            search.wishes.extend(wish);
            return;
        }
        let search = Search {
            wishes: wish.into_iter().collect(),
            gone: false,
        };
        self.searches.insert(spot, search);
        self.look(spot, cx);
    }

    /// Somebody did something with a message. `envelope` is acknowledged once it is done.
    pub(crate) fn on_change(
        &mut self,
        spot: Spot,
        change: Change,
        envelope: Option<EnvelopeId>,
        cx: &mut Context<'_>,
    ) {
        if !self.searches.contains_key(&spot) {
            let found = match self.places.get(&spot) {
                Some(Place::Gone) => Some(Found::Gone),
                Some(Place::Line(sequence)) if self.lines.get(&(spot.conversation, sequence)).is_some() => {
                    Some(Found::Line(sequence))
                }
                _ => None,
            };
            if let Some(found) = found {
                return self.conclude(spot, found, &change, envelope, cx);
            }
        }
        let waiting = pending::Waiting {
            about: spot.about,
            change,
            envelope,
            came: cx.now,
        };
        self.pending.keep(spot.conversation, waiting, cx);
        self.seek(spot, None, cx);
    }

    /// The message came, on this line.
    pub(crate) fn arrived(&mut self, spot: Spot, sequence: u64, cx: &mut Context<'_>) {
        self.settle_search(spot, Found::Line(sequence), cx);
    }

    /// Its line was removed: what is read of it now is void.
    pub(crate) fn void_search(&mut self, spot: &Spot) {
        if let Some(search) = self.searches.get_mut(spot) {
            search.gone = true;
        }
    }

    pub(crate) fn on_place_read(&mut self, spot: Spot, records: &[Record], cx: &mut Context<'_>) {
        if self.places.get(&spot).is_none() {
            let record = records.first().and_then(|r| PlaceRecord::read(&r.value).ok());
            match record {
                Some(record) if record.gone => self.places.know(spot, Place::Gone),
                Some(record) => self.places.know(spot, Place::Line(record.line)),
                None => return self.settle_search(spot, Found::Nowhere, cx),
            }
        }
        if self.searches.contains_key(&spot) {
            self.look(spot, cx);
        }
    }

    pub(crate) fn on_sought_line(
        &mut self,
        spot: Spot,
        sequence: u64,
        records: &[Record],
        cx: &mut Context<'_>,
    ) {
        if !self.searches.contains_key(&spot) {
            return;
        }
        let key = (spot.conversation, sequence);
        if self.lines.get(&key).is_none() && !self.lines.is_gone(&key) {
            let is = |r: &&Record| r.key.kind == Kind::Line && r.key.sequence == sequence;
            match records
                .iter()
                .find(is)
                .and_then(|r| LineRecord::read(&r.value).ok())
            {
                Some(line) => self.lines.insert(key, line),
                // Damaged, or lost: it does not come back.
                None => return self.settle_search(spot, Found::Gone, cx),
            }
        }
        self.look(spot, cx);
    }

    /// The host could not read. What others did still waits; a person is told.
    pub(crate) fn seek_failed(&mut self, spot: &Spot, cx: &mut Context<'_>) {
        for wish in self.searches.remove(spot).unwrap_or_default().wishes {
            let (Wish::Show { asked } | Wish::Act { asked, .. } | Wish::Fetch { asked, .. }) = wish;
            cx.fail(asked, Failure::Browser);
        }
    }

    fn look(&mut self, spot: Spot, cx: &mut Context<'_>) {
        let Spot { conversation, .. } = spot;
        match self.places.get(&spot) {
            Some(Place::Gone) => self.settle_search(spot, Found::Gone, cx),
            Some(Place::Line(sequence)) if self.lines.is_gone(&(conversation, sequence)) => {
                self.settle_search(spot, Found::Gone, cx);
            }
            Some(Place::Line(sequence)) if self.lines.get(&(conversation, sequence)).is_some() => {
                self.settle_search(spot, Found::Line(sequence), cx);
            }
            Some(Place::Line(sequence)) => {
                self.load_line(conversation, sequence, Waiting::SoughtLine { spot, sequence }, cx);
            }
            None => {
                let token = self.tokens.wait(Waiting::SoughtPlace { spot });
                cx.effect(Effect::Read {
                    token,
                    keys: vec![spot.key()],
                });
            }
        }
    }

    fn settle_search(&mut self, spot: Spot, found: Found, cx: &mut Context<'_>) {
        let search = self.searches.remove(&spot).unwrap_or_default();
        let mut found = if search.gone { Found::Gone } else { found };
        if found != Found::Nowhere {
            for number in self.pending.about(&spot) {
                if let Some(waiting) = self.pending.remove(spot.conversation, number, cx) {
                    self.conclude(spot, found, &waiting.change, waiting.envelope, cx);
                    found = self.still(&spot, found);
                }
            }
        }
        for wish in search.wishes {
            self.grant(spot, found, wish, cx);
            found = self.still(&spot, found);
        }
    }

    /// What was found, unless it is gone since.
    fn still(&self, spot: &Spot, found: Found) -> Found {
        match self.places.get(spot) {
            Some(Place::Gone) => Found::Gone,
            _ => found,
        }
    }

    fn conclude(
        &mut self,
        spot: Spot,
        found: Found,
        change: &Change,
        envelope: Option<EnvelopeId>,
        cx: &mut Context<'_>,
    ) {
        let done = match found {
            Found::Line(sequence) => self.make_change(spot, sequence, change, cx),
            // What is gone is changed no more, and that is in order.
            Found::Gone | Found::Nowhere => Ok(()),
        };
        match done {
            Ok(()) if envelope.is_some() => self.owe(change.by, envelope, None, cx),
            Ok(()) => {}
            // Nothing is said about what was refused.
            Err(refusal) => self.refusals.note(refusal),
        }
    }

    fn grant(&mut self, spot: Spot, found: Found, wish: Wish, cx: &mut Context<'_>) {
        match (wish, found) {
            (Wish::Show { asked }, Found::Line(sequence)) => {
                let conversation = spot.conversation;
                let shown = Waiting::Shown {
                    asked,
                    conversation,
                    sequence,
                };
                self.load_line(conversation, sequence, shown, cx);
            }
            (Wish::Show { asked }, _) => cx.answer(asked, Answer::Message(None)),
            (Wish::Act { asked, act }, Found::Line(sequence)) => self.act_on(spot, sequence, asked, act, cx),
            (
                Wish::Act {
                    asked,
                    act: Act::Hide,
                },
                Found::Gone,
            ) => cx.answer(asked, Answer::Done),
            (Wish::Fetch { asked, file }, Found::Line(sequence)) => {
                let line = self.lines.get(&(spot.conversation, sequence));
                let said = line.and_then(|line| file_in(line, &file)).cloned();
                let home = FileHome {
                    conversation: spot.conversation,
                    line: sequence,
                    file,
                };
                self.fetch_file(asked, home, said.as_ref(), cx);
            }
            (Wish::Act { asked, .. } | Wish::Fetch { asked, .. }, _) => cx.fail(asked, Failure::NotFound),
        }
    }
}

/// What the message of a line says of one of its files.
fn file_in<'a>(line: &'a LineRecord, file: &FileMark) -> Option<&'a File> {
    let (LineContent::Own(text) | LineContent::Theirs(text)) = line.content.as_ref()? else {
        return None;
    };
    let is = |one: &&File| FileDescriptor::parse(one).is_ok_and(|one| one.secret.mark() == *file);
    text.files.iter().find(is)
}
