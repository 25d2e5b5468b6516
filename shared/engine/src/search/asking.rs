//! The intent: what the host found, as it is shown.

use chopar_wire::AccountId;

use super::lines::{message, names};
use super::segment::Position;
use crate::context::Context;
use crate::effect::{Effect, Record};
use crate::engine::Engine;
use crate::event::Answer;
use crate::input::Found;
use crate::records::Stored;
use crate::records::line::{LineContent, LineRecord};
use crate::tokens::Waiting;
use crate::view::Hit;

/// Hits in one page, at most.
const MAX_HITS: u16 = 100;

impl Engine {
    pub(crate) fn search(
        &mut self,
        asked: u64,
        query: String,
        after: Option<Position>,
        limit: u16,
        cx: &mut Context<'_>,
    ) {
        let token = self.tokens.wait(Waiting::Search { asked });
        cx.effect(Effect::Search {
            token,
            query,
            after,
            limit: limit.clamp(1, MAX_HITS),
        });
    }

    pub(crate) fn on_found(&mut self, asked: u64, found: &Found, cx: &mut Context<'_>) {
        let hits = found.lines.iter().filter_map(|record| self.hit(record)).collect();
        cx.answer(
            asked,
            Answer::Found {
                hits,
                total: found.total,
                last: found.last,
                building: found.building,
            },
        );
    }

    /// `None` for a line that is gone since, or that this build cannot show.
    fn hit(&self, record: &Record) -> Option<Hit> {
        let conversation = AccountId::try_from(record.key.partition.as_slice()).ok()?;
        let sequence = record.key.sequence;
        if self.lines.is_gone(&(conversation, sequence)) {
            return None;
        }
        // A line that is in memory may say more than what was read of it a moment ago.
        let read;
        let line = match self.lines.get(&(conversation, sequence)) {
            Some(line) => line,
            None => {
                read = LineRecord::read(&record.value).ok()?;
                &read
            }
        };
        let message = message(line).filter(|message| !message.deleted)?;
        let author = match line.content {
            Some(LineContent::Theirs(_)) => {
                Some(message.author.as_slice().try_into().unwrap_or(conversation))
            }
            _ => None,
        };
        Some(Hit {
            conversation,
            sequence,
            time: chopar_wire::Timestamp(line.time),
            author,
            text: message.text.clone(),
            files: names(message),
        })
    }
}
