//! What of a vault goes into a history file.

use std::ops::Bound;

use chopar_wire::AccountId;
use prost::Message;

use super::HistoryMark;
use super::records::{HistoryRecord, Holds, LineHistory};
use crate::context::Context;
use crate::effect::{Effect, Kind, Record};
use crate::engine::Engine;
use crate::event::Answer;
use crate::line::{Progress, state_number};
use crate::records::Stored;
use crate::records::line::{DeliveryRecord, LineContent, LineRecord};
use crate::set::Set;
use crate::tokens::Waiting;
use crate::view::SentState;

/// Lines that are read at once.
const AT_ONCE: u16 = 250;

impl Engine {
    /// Gives the part behind a mark: a person or a group, or some of their lines.
    pub(crate) fn export_history(&mut self, asked: u64, after: Option<HistoryMark>, cx: &mut Context<'_>) {
        if let Some(mark) = after.filter(|mark| mark.before.is_some()) {
            return self.export_lines(asked, mark, cx);
        }
        let Some(mark) = self.next_conversation(after) else {
            return answer(asked, Vec::new(), None, cx);
        };
        let records = self.exported_party(&mark.conversation).into_iter().collect();
        let begun = self
            .contacts
            .get(&mark.conversation)
            .is_some_and(|c| c.next_line > 0);
        let before = begun.then_some(u64::MAX);
        answer(asked, records, Some(HistoryMark { before, ..mark }), cx);
    }

    /// The conversation, or person, that comes after this one.
    fn next_conversation(&self, after: Option<HistoryMark>) -> Option<HistoryMark> {
        let own = self.own.as_ref()?.account;
        let marks: Set<(bool, AccountId)> = self
            .contacts
            .values()
            .filter(|c| c.account != own && (c.is_decided() || self.groups.fellows.contains(&c.account)))
            .map(|c| (c.group, c.account))
            .collect();
        let from = match after {
            Some(mark) => Bound::Excluded((mark.group, mark.conversation)),
            None => Bound::Unbounded,
        };
        let (group, conversation) = *marks.range((from, Bound::Unbounded)).next()?;
        Some(HistoryMark {
            group,
            conversation,
            before: None,
        })
    }

    fn export_lines(&mut self, asked: u64, mark: HistoryMark, cx: &mut Context<'_>) {
        let token = self.tokens.wait(Waiting::Export { asked, mark });
        cx.effect(Effect::Load {
            token,
            conversation: mark.conversation,
            before: mark.before,
            limit: AT_ONCE,
        });
    }

    pub(crate) fn on_export_read(
        &self,
        asked: u64,
        mark: HistoryMark,
        records: &[Record],
        cx: &mut Context<'_>,
    ) {
        let lines = records.iter().filter(|r| r.key.kind == Kind::Line);
        let read = lines.clone().count();
        let oldest = lines.clone().map(|r| r.key.sequence).min();
        let exported = lines
            .rev()
            .filter_map(|line| self.exported_line(&mark.conversation, line, records))
            .collect();
        let before = oldest.filter(|_| read >= usize::from(AT_ONCE));
        answer(asked, exported, Some(HistoryMark { before, ..mark }), cx);
    }

    /// A message that was said and stays; `None` for everything else.
    fn exported_line(&self, conversation: &AccountId, row: &Record, page: &[Record]) -> Option<Vec<u8>> {
        let key = (*conversation, row.key.sequence);
        if self.lines.is_gone(&key) {
            return None;
        }
        // What is known in memory is newer than what was read.
        let line = match self.lines.get(&key) {
            Some(line) => line.clone(),
            None => LineRecord::read(&row.value).ok()?,
        };
        let state = match line.content.as_ref()? {
            LineContent::Notice(_) => return None,
            LineContent::Own(message) | LineContent::Theirs(message) if message.lifetime > 0 => return None,
            LineContent::Theirs(_) => 0,
            LineContent::Own(_) => {
                let marks = self.contacts.get(conversation).map(|c| &c.marks);
                let stored = || {
                    let delivery = page
                        .iter()
                        .find(|r| r.key.kind == Kind::Delivery && r.key.sequence == row.key.sequence)?;
                    Some(Progress::from_record(
                        &DeliveryRecord::read(&delivery.value).ok()?,
                    ))
                };
                let progress = marks.and_then(|marks| marks.progress(row.key.sequence));
                match progress.or_else(stored)?.state {
                    SentState::Waiting => return None,
                    said => state_number(said),
                }
            }
        };
        let line = LineHistory {
            conversation: conversation.as_bytes().to_vec(),
            line: Some(line),
            state,
        };
        let record = HistoryRecord {
            holds: Some(Holds::Line(line)),
        };
        Some(record.encode_to_vec())
    }
}

fn answer(asked: u64, records: Vec<Vec<u8>>, next: Option<HistoryMark>, cx: &mut Context<'_>) {
    cx.answer(asked, Answer::HistoryPart { records, next });
}
