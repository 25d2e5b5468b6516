//! What the relay does to single frames on their way to a person, and what it remembers of them.

use std::collections::BTreeMap;

use chopar_wire::DeviceId;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{ClaimedBundle, Deliver};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::log_answers::Answering;
use super::prekey_lies::Told;
use super::relay_deeds::EnvelopeLie;

/// Sequences of envelopes that the relay made itself begin here: no queue gets so long.
const MADE: u64 = 1 << 40;

/// The relay's mind.
pub(super) struct Lies {
    pub(super) rng: ChaCha8Rng,
    /// By the person they are for.
    pub(super) envelopes: BTreeMap<usize, EnvelopeLie>,
    /// By the device whose bundle it is.
    pub(super) bundles: BTreeMap<DeviceId, Told>,
    /// By the person who is answered.
    pub(super) answers: Vec<(usize, Answering)>,
    /// The bundle that a person is said to have at the relay, whenever they sign in.
    pub(super) sequences: BTreeMap<usize, u64>,
    /// Every envelope ever handed over or kept back, by the person it was for.
    pub(super) seen: Vec<(usize, Deliver)>,
    /// Kept back until it is let go.
    pub(super) held: Vec<(usize, Deliver)>,
    /// Frames pass as they are: they are of the relay's own making.
    pub(super) aside: bool,
    making: Vec<(usize, Deliver)>,
    made: u64,
}

impl Lies {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(!seed),
            envelopes: BTreeMap::new(),
            bundles: BTreeMap::new(),
            answers: Vec::new(),
            sequences: BTreeMap::new(),
            seen: Vec::new(),
            held: Vec::new(),
            aside: false,
            making: Vec::new(),
            made: MADE,
        }
    }

    /// Whether anything is to be sent on soon.
    pub(super) fn is_lying(&self) -> bool {
        !self.envelopes.is_empty() || !self.making.is_empty()
    }

    /// What the relay made, to be handed over now.
    pub(super) fn made(&mut self) -> Vec<(usize, Deliver)> {
        std::mem::take(&mut self.making)
    }

    /// The same envelope under a new id and place.
    pub(super) fn copy(&mut self, deliver: &Deliver) -> Deliver {
        self.made += 1;
        let mut id = vec![0; 16];
        self.rng.fill_bytes(&mut id);
        Deliver {
            seq: self.made,
            id: id.into(),
            ..deliver.clone()
        }
    }

    /// Below `bound`, by lot.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.rng.next_u64() % bound.max(1) as u64) as usize
    }

    /// In an order by lot.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.below(at + 1);
            list.swap(at, other);
        }
    }

    /// Looks at a frame; `false` keeps it back.
    pub(super) fn on_frame(&mut self, person: usize, body: &mut Body) -> bool {
        match body {
            _ if self.aside => true,
            Body::Deliver(deliver) => self.on_deliver(person, deliver),
            Body::ClaimedBundle(claimed) => {
                self.on_bundle(claimed);
                true
            }
            Body::SignedIn(signed_in) => {
                if let Some(sequence) = self.sequences.get(&person) {
                    signed_in.bundle_sequence = *sequence;
                }
                true
            }
            _ => self
                .answers
                .iter_mut()
                .filter(|(asking, _)| *asking == person)
                .all(|(_, answering)| answering(body)),
        }
    }

    fn on_deliver(&mut self, person: usize, deliver: &mut Deliver) -> bool {
        self.seen.push((person, deliver.clone()));
        let Some(lie) = self.envelopes.get(&person).copied() else {
            return true;
        };
        match lie {
            EnvelopeLie::Kept => false,
            EnvelopeLie::Held => {
                self.held.push((person, deliver.clone()));
                false
            }
            EnvelopeLie::Twice => {
                let copy = self.copy(deliver);
                self.making.push((person, copy));
                true
            }
            EnvelopeLie::Altered => {
                self.flip(deliver);
                true
            }
            EnvelopeLie::AlteredFirst => {
                // The true one follows under its own id and place.
                self.making.push((person, deliver.clone()));
                self.flip(deliver);
                true
            }
            EnvelopeLie::CutShort => {
                let length = self.below(deliver.body.len());
                deliver.body = deliver.body.slice(..length);
                true
            }
            EnvelopeLie::GivenTo(other) => {
                self.making.push((other.0, deliver.clone()));
                false
            }
        }
    }

    fn on_bundle(&mut self, claimed: &mut ClaimedBundle) {
        let device = DeviceId::try_from(claimed.device.as_ref()).expect("16 bytes");
        if let (Some(lie), Some(bundle)) = (self.bundles.get_mut(&device), claimed.bundle.as_mut()) {
            lie(bundle);
        }
    }

    /// Flips one bit.
    pub(super) fn flip(&mut self, deliver: &mut Deliver) {
        let mut body = deliver.body.to_vec();
        let bit = self.below(8 * body.len());
        if let Some(byte) = body.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        deliver.body = body.into();
    }
}
