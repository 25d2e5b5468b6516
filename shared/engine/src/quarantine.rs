//! Envelopes that cannot be opened yet. They are acknowledged to the relay, kept for a while, and tried again with each new
//! session. Nothing is ever sent because of them.

use chopar_e2ee::seal::EnvelopeBody;
use chopar_wire::{EnvelopeId, Timestamp};
use prost::bytes::Bytes;

use crate::context::Context;
use crate::engine::Engine;
use crate::inbox::Delivery;
use crate::map::Map;
use crate::records::quarantine::QuarantineRecord;
use crate::records::{RecordError, SCHEMA, Stored};

/// Envelopes kept.
const MAX_ENVELOPES: usize = 256;
/// Their bytes together.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// How long each is kept, in milliseconds.
const KEEP_MS: u64 = 7 * 24 * 3600 * 1000;

/// What is kept, in the order it came.
#[derive(Default)]
pub(crate) struct Quarantine {
    held: Map<u64, Kept>,
    bytes: usize,
}

struct Kept {
    id: EnvelopeId,
    body: Bytes,
    came: Timestamp,
}

impl Quarantine {
    pub(crate) fn load(&mut self, sequence: u64, value: &[u8]) -> Result<(), RecordError> {
        let record = QuarantineRecord::read(value)?;
        let id = EnvelopeId::try_from(record.envelope.as_slice())
            .map_err(|_| QuarantineRecord::bad("envelope"))?;
        self.bytes += record.body.len();
        self.held.insert(
            sequence,
            Kept {
                id,
                body: record.body.into(),
                came: Timestamp(record.came),
            },
        );
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    fn remove(&mut self, sequence: u64, cx: &mut Context<'_>) {
        if let Some(kept) = self.held.remove(&sequence) {
            self.bytes -= kept.body.len();
            cx.delete::<QuarantineRecord>(&[], sequence);
        }
    }
}

impl Engine {
    pub(crate) fn quarantine(&mut self, delivery: &Delivery, cx: &mut Context<'_>) {
        if self.quarantine.held.values().any(|kept| kept.id == delivery.id) || delivery.body.len() > MAX_BYTES
        {
            return;
        }
        let sequence = self
            .quarantine
            .held
            .last_key_value()
            .map_or(0, |(sequence, _)| sequence + 1);
        let record = QuarantineRecord {
            schema: SCHEMA,
            envelope: delivery.id.as_bytes().to_vec(),
            body: delivery.body.to_vec(),
            came: cx.now.0,
        };
        cx.put(&[], sequence, &record);
        self.quarantine.bytes += delivery.body.len();
        let kept = Kept {
            id: delivery.id,
            body: delivery.body.clone(),
            came: cx.now,
        };
        self.quarantine.held.insert(sequence, kept);
        while self.quarantine.held.len() > MAX_ENVELOPES || self.quarantine.bytes > MAX_BYTES {
            let Some((oldest, _)) = self.quarantine.held.first_key_value() else {
                break;
            };
            let oldest = *oldest;
            self.quarantine.remove(oldest, cx);
        }
    }

    /// A new session may open what waits.
    pub(crate) fn retry_quarantine(&mut self, cx: &mut Context<'_>) {
        let held: Vec<(u64, EnvelopeId, Bytes)> = self
            .quarantine
            .held
            .iter()
            .map(|(sequence, kept)| (*sequence, kept.id, kept.body.clone()))
            .collect();
        for (sequence, id, body) in held {
            let Ok(EnvelopeBody::Session(message)) = EnvelopeBody::parse(&body) else {
                continue;
            };
            let delivery = Delivery {
                seq: None,
                id,
                body: body.clone(),
            };
            if self.take_message(&delivery, message, cx) {
                self.quarantine.remove(sequence, cx);
            }
        }
    }

    pub(crate) fn tick_quarantine(&mut self, cx: &mut Context<'_>) {
        while let Some((sequence, kept)) = self.quarantine.held.first_key_value() {
            if cx.now.ms_since(kept.came) < KEEP_MS {
                break;
            }
            let sequence = *sequence;
            self.quarantine.remove(sequence, cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::effect::Write;

    fn delivery(number: u16, length: usize) -> Delivery {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        Delivery {
            seq: None,
            id: EnvelopeId::new(id),
            body: vec![2; length].into(),
        }
    }

    /// P-070: 256 envelopes and 2 MiB, the oldest go first; what comes back from records counts as well.
    #[test]
    fn envelopes_and_their_bytes_are_bounded() {
        const LARGE: usize = 32 * 1024;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(Timestamp(10), &mut rng);
        let mut engine = Engine::new();
        let oldest = |engine: &Engine| engine.quarantine.held.values().next().map(|kept| kept.id);
        for number in 0..300 {
            engine.quarantine(&delivery(number, 100), &mut cx);
        }
        assert_eq!(engine.quarantined(), MAX_ENVELOPES);
        assert_eq!(oldest(&engine), Some(delivery(44, 0).id));
        engine.quarantine(&delivery(299, 100), &mut cx);
        engine.quarantine(&delivery(300, MAX_BYTES + 1), &mut cx);
        assert_eq!(
            oldest(&engine),
            Some(delivery(44, 0).id),
            "known, and too large for all"
        );
        for number in 1_000..1_100 {
            engine.quarantine(&delivery(number, LARGE), &mut cx);
            assert!(engine.quarantine.bytes <= MAX_BYTES);
        }
        assert_eq!((engine.quarantined(), engine.quarantine.bytes), (64, MAX_BYTES));
        assert_eq!(oldest(&engine), Some(delivery(1_036, 0).id));

        let mut restarted = Engine::new();
        let mut kept = std::collections::BTreeMap::new();
        for write in &cx.step.persist.writes {
            match write {
                Write::Put(record) => kept.insert(record.key.sequence, record.value.clone()),
                Write::Delete(key) => kept.remove(&key.sequence),
            };
        }
        for (sequence, value) in &kept {
            restarted.quarantine.load(*sequence, value).unwrap();
        }
        assert_eq!(restarted.quarantine.bytes, MAX_BYTES);
        restarted.quarantine(&delivery(1_100, LARGE), &mut cx);
        assert_eq!(restarted.quarantined(), 64);
        assert_eq!(oldest(&restarted), Some(delivery(1_037, 0).id));
    }
}
