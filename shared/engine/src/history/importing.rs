//! A batch of a history file into the vault.

use std::collections::HashMap;

use chopar_wire::AccountId;
use prost::Message;

use super::records::{HistoryRecord, Holds, LineHistory};
use super::{FIRST_LINE, Imported};
use crate::context::Context;
use crate::effect::{Effect, Record};
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::line::{Progress, state_from};
use crate::places::{Place, Spot};
use crate::records::line::{LineContent, LineRecord};
use crate::records::place::PlaceRecord;
use crate::records::{SCHEMA, Stored};
use crate::tokens::Waiting;
use crate::view::{Reference, SentState};

/// Records of one batch, at most: as many places are kept in memory.
const MAX_BATCH: usize = 500;

/// A message that is imported if it is not here.
pub(crate) struct ImportLine {
    spot: Spot,
    line: LineRecord,
    /// How far it had come; of others' messages: as good as read.
    state: SentState,
    own: bool,
}

impl Engine {
    pub(crate) fn import_history(&mut self, asked: u64, records: &[Vec<u8>], cx: &mut Context<'_>) {
        if records.len() > MAX_BATCH {
            return cx.fail(asked, Failure::Browser);
        }
        let mut imported = Imported::default();
        let mut lines = Vec::new();
        for record in records {
            let holds = HistoryRecord::decode(record.as_slice()).ok();
            let taken = match holds.and_then(|record| record.holds) {
                Some(Holds::Person(person)) => self.take_person(person, cx).is_ok(),
                Some(Holds::Group(group)) => self.take_group(group, cx).is_ok(),
                Some(Holds::Line(line)) => match self.import_line(line) {
                    Some(line) => {
                        lines.push(line);
                        true
                    }
                    None => false,
                },
                Some(Holds::Beginning(_)) | None => false,
            };
            imported.left += u32::from(!taken);
        }
        if lines.is_empty() {
            return cx.answer(asked, Answer::HistoryTaken(imported));
        }
        let keys = lines.iter().map(|line: &ImportLine| line.spot.key()).collect();
        let waiting = Waiting::Import {
            asked,
            lines,
            imported,
        };
        let token = self.tokens.wait(waiting);
        cx.effect(Effect::Read { token, keys });
    }

    /// A message of a conversation that is known, in a form that is.
    fn import_line(&self, history: LineHistory) -> Option<ImportLine> {
        let conversation = AccountId::try_from(history.conversation.as_slice()).ok()?;
        let line = history.line.filter(|line| line.schema == SCHEMA)?;
        self.contacts.get(&conversation).filter(|c| c.next_line > 0)?;
        let (own, message) = match line.content.as_ref()? {
            LineContent::Own(message) => (true, message),
            LineContent::Theirs(message) => (false, message),
            LineContent::Notice(_) => return None,
        };
        // Here nothing would take it away in time.
        if message.lifetime > 0 {
            return None;
        }
        let author = match own {
            true => self.own.as_ref()?.account,
            false => AccountId::try_from(message.author.as_slice()).unwrap_or(conversation),
        };
        let id = message.id.as_slice().try_into().ok()?;
        Some(ImportLine {
            spot: Spot {
                conversation,
                about: Reference { author, id },
            },
            line,
            state: state_from(history.state),
            own,
        })
    }

    /// Where the messages lie that are here.
    pub(crate) fn on_import_read(
        &mut self,
        asked: u64,
        lines: Vec<ImportLine>,
        mut imported: Imported,
        records: &[Record],
        cx: &mut Context<'_>,
    ) {
        let stored: HashMap<&[u8], &Record> = records
            .iter()
            .map(|record| (record.key.partition.as_slice(), record))
            .collect();
        for line in lines {
            let known = self.places.get(&line.spot).is_some()
                || stored
                    .get(line.spot.key().partition.as_slice())
                    .is_some_and(|record| PlaceRecord::read(&record.value).is_ok());
            match known {
                true => imported.known += 1,
                false => match self.put_imported(line, cx) {
                    Some(()) => imported.added += 1,
                    None => imported.left += 1,
                },
            }
        }
        cx.answer(asked, Answer::HistoryTaken(imported));
    }

    /// Puts a message before all that are in its conversation.
    fn put_imported(&mut self, import: ImportLine, cx: &mut Context<'_>) -> Option<()> {
        let ImportLine {
            spot,
            line,
            state,
            own,
        } = import;
        let conversation = spot.conversation;
        let contact = self.contacts.get_mut(&conversation)?;
        // A conversation of before there was room below goes on above it.
        contact.next_line = contact.next_line.max(FIRST_LINE);
        let above = match contact.oldest_line {
            0 => FIRST_LINE,
            oldest => oldest,
        };
        let sequence = above.checked_sub(1).filter(|sequence| *sequence > 0)?;
        contact.oldest_line = sequence;
        let progress = Progress { state, held: None };
        if contact.last.is_none() {
            contact.set_last(sequence, &line, progress);
        }
        cx.put(conversation.as_bytes(), sequence, &line);
        if own {
            cx.put(conversation.as_bytes(), sequence, &progress.record());
        }
        self.places.put(spot, Place::Line(sequence), cx);
        cx.touch(conversation);
        self.arrived(spot, sequence, cx);
        Some(())
    }
}
