//! On which line a message lies: what an edit, a reaction, a deletion or an answer that names it needs.
//!
//! There is a small record for each message, under a digest of the conversation, its author and its id. An id counts together
//! with its author, so nobody can speak about a message in another's name; who may change what needs no further question.

use std::collections::VecDeque;

use chopar_wire::AccountId;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::effect::{Kind, RecordKey};
use crate::map::Map;
use crate::records::SCHEMA;
use crate::records::place::PlaceRecord;
use crate::view::Reference;

/// Places kept in memory: those of the lines that are, and as many again that were looked for.
const KNOWN: usize = 512;

/// A message in a conversation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) conversation: AccountId,
    pub(crate) about: Reference,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the line with this sequence.
    Line(u64),
    /// It was here, and is not any more.
    Gone,
}

/// The places looked at last, oldest out first.
#[derive(Default)]
pub(crate) struct Places {
    known: Map<Spot, Place>,
    order: VecDeque<Spot>,
}

impl Spot {
    /// The key of its record.
    pub(crate) fn key(&self) -> RecordKey {
        RecordKey {
            kind: Kind::Place,
            partition: self.digest().to_vec(),
            sequence: 0,
        }
    }

    fn digest(&self) -> [u8; 16] {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(self.conversation.as_bytes())
            .chain_update(self.about.author.as_bytes())
            .chain_update(self.about.id.as_bytes())
            .finalize()
            .into();
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash[..16]);
        digest
    }
}

impl Places {
    pub(crate) fn get(&self, spot: &Spot) -> Option<Place> {
        self.known.get(spot).copied()
    }

    /// Remembers a place that is on record.
    pub(crate) fn know(&mut self, spot: Spot, place: Place) {
        if self.known.insert(spot, place).is_none() {
            self.order.push_back(spot);
        }
        while self.order.len() > KNOWN {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    /// Puts a place on record.
    pub(crate) fn put(&mut self, spot: Spot, place: Place, cx: &mut Context<'_>) {
        let record = PlaceRecord {
            schema: SCHEMA,
            line: match place {
                Place::Line(sequence) => sequence,
                Place::Gone => 0,
            },
            gone: place == Place::Gone,
        };
        cx.put(&spot.digest(), 0, &record);
        self.know(spot, place);
    }

    /// Takes a place off the record, as if the message had never come.
    pub(crate) fn remove(&mut self, spot: Spot, cx: &mut Context<'_>) {
        cx.delete::<PlaceRecord>(&spot.digest(), 0);
        if self.known.remove(&spot).is_some() {
            self.order.retain(|known| *known != spot);
        }
    }
}
