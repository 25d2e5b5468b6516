//! Lines of a conversation: adding them, moving them on, telling and paging them.

use chopar_wire::{AccountId, Timestamp};

use crate::context::Context;
use crate::effect::{Effect, Kind, Record};
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::history::FIRST_LINE;
use crate::line::{self, Progress, Said};
use crate::map::Map;
use crate::marks::{Mark, Whose};
use crate::places::{Place, Spot};
use crate::records::Stored;
use crate::records::line::{DeliveryRecord, LineContent, LineRecord};
use crate::tokens::Waiting;
use crate::view::{Held, Line, Notice, Reference, SentState};

/// How far clocks of two people may differ without lines looking misplaced, in milliseconds.
const CLOCK_DIFFERENCE_MS: u64 = 5 * 60_000;
/// Lines in one page, at most.
const MAX_PAGE: u16 = 500;

impl Engine {
    /// Appends a line and returns its sequence. The contact must exist.
    fn add_line(
        &mut self,
        account: AccountId,
        line: LineRecord,
        mark: Option<Mark>,
        cx: &mut Context<'_>,
    ) -> u64 {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return 0;
        };
        let sequence = match contact.next_line {
            0 => FIRST_LINE,
            next => next,
        };
        contact.next_line = sequence + 1;
        contact.time = cx.now;
        contact.set_last(sequence, &line, Progress::WAITING);
        if let Some(mark) = mark {
            contact.marks.insert(sequence, mark);
        }
        cx.put(account.as_bytes(), sequence, &line);
        if let Some(view) = line::view(sequence, &line, Progress::WAITING) {
            cx.line(account, view);
        }
        self.lines.insert((account, sequence), line);
        cx.touch(account);
        sequence
    }

    /// Begins the conversation, if it has not begun.
    pub(crate) fn begin_conversation(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get(&account).filter(|c| c.next_line == 0) else {
            return;
        };
        let raised = contact.alarm;
        self.add_notice(account, &Notice::Began, cx);
        // Raised before there was a conversation to say it in.
        if let Some(alarm) = raised {
            self.add_notice(account, &Notice::AlarmRaised(alarm), cx);
        }
    }

    pub(crate) fn add_notice(&mut self, account: AccountId, notice: &Notice, cx: &mut Context<'_>) {
        self.add_line(account, line::notice(notice, cx.now), None, cx);
    }

    /// Adds an own message. `own` is its author.
    pub(crate) fn add_own_line(
        &mut self,
        account: AccountId,
        own: AccountId,
        said: &Said,
        cx: &mut Context<'_>,
    ) -> u64 {
        let held = self.contacts.get(&account).and_then(|c| c.held());
        let progress = Progress {
            state: SentState::Waiting,
            held,
        };
        let mark = Mark {
            id: said.id,
            time: cx.now,
            whose: Whose::Own(Progress::WAITING),
            author: None,
        };
        let sequence = self.add_line(account, line::own(said), Some(mark), cx);
        cx.put(account.as_bytes(), sequence, &Progress::WAITING.record());
        self.set_progress(account, sequence, progress, cx);
        self.placed(account, own, said, sequence, cx);
        sequence
    }

    /// Adds a message of somebody else; `author` is the person of the conversation, or a member of the group.
    pub(crate) fn add_their_line(
        &mut self,
        account: AccountId,
        author: AccountId,
        said: &Said,
        cx: &mut Context<'_>,
    ) {
        let above = self
            .contacts
            .get(&account)
            .and_then(|c| c.last.as_ref())
            .map_or(0, |l| l.line.time);
        let earliest = above.saturating_sub(CLOCK_DIFFERENCE_MS);
        let time = Timestamp(said.sent.0.clamp(earliest.min(cx.now.0), cx.now.0));
        let mark = Mark {
            id: said.id,
            time: cx.now,
            whose: Whose::Theirs,
            author: (author != account).then_some(author),
        };
        let sequence = self.add_line(account, line::theirs(said, author, time), Some(mark), cx);
        self.placed(account, author, said, sequence, cx);
    }

    /// A message has its line: whoever names it finds it, it disappears in time if it is to, and what waited for it is done.
    fn placed(
        &mut self,
        conversation: AccountId,
        author: AccountId,
        said: &Said,
        sequence: u64,
        cx: &mut Context<'_>,
    ) {
        let about = Reference { author, id: said.id };
        let spot = Spot { conversation, about };
        self.places.put(spot, Place::Line(sequence), cx);
        if said.lifetime > 0 {
            self.expiring.add(spot, sequence, said.lifetime, cx);
        }
        self.arrived(spot, sequence, cx);
    }

    /// Moves an own line on. A state never goes back; what is held is as given.
    pub(crate) fn set_progress(
        &mut self,
        account: AccountId,
        sequence: u64,
        new: Progress,
        cx: &mut Context<'_>,
    ) {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let Some(old) = contact.marks.progress(sequence) else {
            return;
        };
        let state = old.state.max(new.state);
        let held = if state == SentState::Waiting || new.held == Some(Held::Expired) {
            new.held
        } else {
            None
        };
        let progress = Progress { state, held };
        if !contact.marks.set(sequence, progress) {
            return;
        }
        if progress.state == SentState::Read {
            contact.marks.remove(sequence);
        }
        cx.put(account.as_bytes(), sequence, &progress.record());
        cx.contacts.insert(account);
        if let Some(last) = contact.last.as_mut().filter(|l| l.sequence == sequence) {
            last.progress = progress;
            cx.rows.insert(account);
        }
        // What waits to be sent does not disappear: it was never said.
        if state != SentState::Waiting {
            self.expiring.begin((account, sequence), cx.now, cx);
        }
        self.tell_line(account, sequence, progress, cx);
    }

    /// Sets why an own line waits, leaving its state.
    pub(crate) fn set_held(
        &mut self,
        account: AccountId,
        sequence: u64,
        held: Option<Held>,
        cx: &mut Context<'_>,
    ) {
        self.set_progress(
            account,
            sequence,
            Progress {
                state: SentState::Waiting,
                held,
            },
            cx,
        );
    }

    /// Tells a line as it is now; one that is not in memory is read first.
    pub(crate) fn tell_line(
        &mut self,
        account: AccountId,
        sequence: u64,
        progress: Progress,
        cx: &mut Context<'_>,
    ) {
        match self.lines.get(&(account, sequence)) {
            Some(record) => {
                if let Some(view) = line::view(sequence, record, progress) {
                    cx.line(account, view);
                }
            }
            None => {
                let conversation = account;
                self.load_line(conversation, sequence, Waiting::Line { conversation }, cx);
            }
        }
    }

    /// Reads one line, with how far it has come.
    pub(crate) fn load_line(
        &mut self,
        conversation: AccountId,
        sequence: u64,
        what_for: Waiting,
        cx: &mut Context<'_>,
    ) {
        let token = self.tokens.wait(what_for);
        cx.effect(Effect::Load {
            token,
            conversation,
            before: Some(sequence + 1),
            limit: 1,
        });
    }

    pub(crate) fn page(
        &mut self,
        asked: u64,
        account: AccountId,
        before: Option<u64>,
        limit: u16,
        cx: &mut Context<'_>,
    ) {
        if self.contacts.get(&account).is_none_or(|c| c.next_line == 0) {
            return cx.fail(asked, Failure::NotFound);
        }
        let limit = limit.clamp(1, MAX_PAGE);
        let token = self.tokens.wait(Waiting::Page {
            asked,
            conversation: account,
            limit,
        });
        // One more than wanted tells whether there are older ones.
        cx.effect(Effect::Load {
            token,
            conversation: account,
            before,
            limit: limit + 1,
        });
    }

    pub(crate) fn on_page(
        &mut self,
        asked: u64,
        account: AccountId,
        limit: u16,
        records: &[Record],
        cx: &mut Context<'_>,
    ) {
        self.place_old_lines(account, records, cx);
        let mut lines = self.lines_from(account, records);
        let surplus = lines.len().saturating_sub(usize::from(limit));
        lines.drain(..surplus);
        cx.answer(
            asked,
            Answer::Page {
                lines,
                more: surplus > 0,
            },
        );
    }

    /// Lines written before places were kept get theirs when they are shown: nothing can be done with them before.
    fn place_old_lines(&mut self, conversation: AccountId, records: &[Record], cx: &mut Context<'_>) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        for record in records.iter().filter(|r| r.key.kind == Kind::Line) {
            let content = LineRecord::read(&record.value).ok().and_then(|line| line.content);
            let (author, message) = match content {
                Some(LineContent::Own(message)) => (own, message),
                Some(LineContent::Theirs(message)) => {
                    let author = AccountId::try_from(message.author.as_slice());
                    (author.unwrap_or(conversation), message)
                }
                _ => continue,
            };
            if message.sent == 0
                && let Ok(id) = message.id.as_slice().try_into()
            {
                let about = Reference { author, id };
                let spot = Spot { conversation, about };
                self.places.put(spot, Place::Line(record.key.sequence), cx);
            }
        }
    }

    pub(crate) fn on_line(&mut self, account: AccountId, records: &[Record], cx: &mut Context<'_>) {
        for line in self.lines_from(account, records) {
            cx.line(account, line);
        }
    }

    /// A message that was asked for by name.
    pub(crate) fn on_shown(
        &mut self,
        asked: u64,
        account: AccountId,
        sequence: u64,
        records: &[Record],
        cx: &mut Context<'_>,
    ) {
        let mut lines = self.lines_from(account, records);
        lines.retain(|line| line.sequence == sequence);
        cx.answer(asked, Answer::Message(lines.pop().map(Box::new)));
    }

    /// Stored rows as they are shown; what is known in memory is newer than what was read.
    fn lines_from(&self, account: AccountId, records: &[Record]) -> Vec<Line> {
        let deliveries: Map<u64, Progress> = records
            .iter()
            .filter(|r| r.key.kind == Kind::Delivery)
            .filter_map(|r| {
                Some((
                    r.key.sequence,
                    Progress::from_record(&DeliveryRecord::read(&r.value).ok()?),
                ))
            })
            .collect();
        let marks = self.contacts.get(&account).map(|c| &c.marks);
        let lines: Map<u64, Line> = records
            .iter()
            .filter(|r| r.key.kind == Kind::Line && !self.lines.is_gone(&(account, r.key.sequence)))
            .filter_map(|r| {
                let sequence = r.key.sequence;
                let read;
                let record = match self.lines.get(&(account, sequence)) {
                    Some(record) => record,
                    None => {
                        read = LineRecord::read(&r.value).ok()?;
                        &read
                    }
                };
                let progress = marks
                    .and_then(|m| m.progress(sequence))
                    .or_else(|| deliveries.get(&sequence).copied())
                    .unwrap_or(Progress::WAITING);
                Some((sequence, line::view(sequence, record, progress)?))
            })
            .collect();
        lines.into_values().collect()
    }
}
