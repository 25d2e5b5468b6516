//! One receiving chain: what is needed to recognise, open and count the messages of one of the peer's turns.

use chopar_identity::X25519Public;
use chopar_wire::Timestamp;
use sha2::{Digest, Sha256};

use super::chain::{ChainKey, MessageKey};
use super::errors::OpenError;
use super::header_key::{HeaderKey, Tag};
use super::limits::{COUNTER_STOP, MAX_SKIP};
use super::profile::Profile;
use super::seen::Seen;
use super::skipped::SkippedKey;

/// One of the peer's turns.
pub(super) struct ReceivingChain {
    /// Rises by one with each turn of the peer.
    pub(super) generation: u32,
    pub(super) ratchet: X25519Public,
    pub(super) header_key: HeaderKey,
    /// Gone once the peer turned again: what was skipped is stored, the rest can never come.
    pub(super) chain: Option<ChainKey>,
    pub(super) seen: Seen,
    /// When it was begun or superseded.
    pub(super) since: Timestamp,
}

/// The result of walking a chain up to a number.
pub(super) struct Walked {
    /// The chain at that number.
    pub(super) chain: ChainKey,
    pub(super) skipped: Vec<SkippedKey>,
}

/// Where a walk begins and to whom its keys belong.
pub(super) struct Walk<'a> {
    pub(super) chain: &'a ChainKey,
    pub(super) header_key: &'a HeaderKey,
    pub(super) ratchet: &'a X25519Public,
    pub(super) generation: u32,
    pub(super) from: u32,
    pub(super) now: Timestamp,
}

impl Walk<'_> {
    /// Walks up to `to`, keeping the keys passed over. The caller has checked the limit.
    pub(super) fn to<P: Profile>(&self, to: u32) -> Walked {
        let mut chain = ChainKey(self.chain.0.duplicate());
        let mut skipped = Vec::with_capacity(to.saturating_sub(self.from) as usize);
        for number in self.from..to {
            let (key, next) = chain.step();
            let tag = tag_of::<P>(self.header_key, self.ratchet, number);
            skipped.push(SkippedKey {
                tag,
                chain: self.generation,
                number,
                key,
                since: self.now,
            });
            chain = next;
        }
        Walked { chain, skipped }
    }
}

impl Walked {
    /// The key at the number walked to, and the chain beyond it.
    pub(super) fn take(self) -> (MessageKey, ChainKey, Vec<SkippedKey>) {
        let (key, next) = self.chain.step();
        (key, next, self.skipped)
    }
}

/// The tag under which a skipped key is found. The oracle profile has none on the wire: there it is a hash of what the
/// header says in clear.
pub(super) fn tag_of<P: Profile>(header_key: &HeaderKey, ratchet: &X25519Public, number: u32) -> Tag {
    if P::FULL {
        return header_key.tag(number);
    }
    let hash = Sha256::new()
        .chain_update(ratchet.as_bytes())
        .chain_update(number.to_be_bytes())
        .finalize();
    Tag::truncated(&hash.into())
}

/// Refuses counters at the stop and gaps over the limit.
pub(super) fn check_gap(end: u32, wanted: u32) -> Result<(), OpenError> {
    if end >= COUNTER_STOP {
        return Err(OpenError::CounterExhausted);
    }
    if wanted > MAX_SKIP {
        return Err(OpenError::SkipLimit { wanted });
    }
    Ok(())
}
