//! Opening: find the position, derive, authenticate. Nothing changes here; the result holds a draft.

use chopar_wire::Timestamp;

use super::draft::{Advance, Opened, SessionDraft, Step, Turn};
use super::errors::OpenError;
use super::header::{Header, kem_field};
use super::kem_turn::KemField;
use super::limits::{COUNTER_STOP, KEY_LIFETIME_MS};
use super::message::Wire;
use super::profile::Profile;
use super::receiving::{ReceivingChain, Walk, check_gap, tag_of};
use super::root::Pair;
use super::session::Session;
use super::skipped::SkippedKey;

/// A message whose header is open: where it stands.
struct Located<'a> {
    /// The header in clear, as authenticated.
    bytes: Vec<u8>,
    header: Header,
    place: Place<'a>,
}

enum Place<'a> {
    Skipped(&'a SkippedKey),
    Current(&'a ReceivingChain),
    Next,
    /// A chain the peer has left: whatever is not kept is used or gone.
    Older(&'a ReceivingChain),
}

impl<P: Profile> Session<P> {
    /// Opens one message. Whether it fails or not, the session stays as it is until [`commit`](Self::commit).
    ///
    /// A message whose tag is expected costs no trial. With any other tag, the header is tried under the current, the
    /// next and the superseded header keys ([`header_trials`](Self::header_trials)), without Diffie-Hellman.
    ///
    /// # Errors
    /// [`OpenError`] by name; [`OpenError::UnknownTag`] means "not of this session".
    pub fn open(&self, message: &[u8], now: Timestamp) -> Result<Opened, OpenError> {
        let wire = Wire::parse::<P>(message)?;
        let Located { bytes, header, place } = self.locate(&wire)?;
        let content = |key: &_| wire.open_content(&self.profile, key, &self.associated_data, &bytes);
        let (plaintext, step) = match place {
            Place::Skipped(kept) if now.ms_since(kept.since) >= KEY_LIFETIME_MS => {
                return Err(OpenError::Expired);
            }
            Place::Skipped(kept) => (content(&kept.key)?, Step::Skipped { tag: kept.tag }),
            Place::Older(chain) => return Err(used_or_gone(chain, header.number)),
            Place::Current(chain) => {
                let advance = self.walk_current(chain, &header, now)?;
                let (key, advance) = advance;
                (content(&key)?, Step::Advance(advance))
            }
            Place::Next => {
                let (key, turn) = self.peer_turn(&header, kem_field(&bytes)?, now)?;
                (content(&key)?, Step::Turn(Box::new(turn)))
            }
        };
        Ok(Opened {
            plaintext,
            draft: SessionDraft {
                revision: self.revision,
                now,
                step,
            },
        })
    }

    /// Finds the key that opens the header, by tag where the tag is expected.
    fn locate(&self, wire: &Wire<'_>) -> Result<Located<'_>, OpenError> {
        if !P::FULL {
            return self.locate_plain(wire);
        }
        let open = |key| wire.open_header(key, &self.associated_data);
        let ours = |bytes: Option<Vec<u8>>, number: u32, place| {
            let bytes = bytes.ok_or(OpenError::Authentication)?;
            let header = Header::parse(&bytes)?;
            match header.number == number {
                true => Ok(Located { bytes, header, place }),
                false => Err(OpenError::Authentication),
            }
        };
        if let Some(kept) = self.skipped.find(wire.tag) {
            let chain = self
                .receiving
                .iter()
                .find(|c| c.generation == kept.chain)
                .ok_or(OpenError::Expired)?;
            return ours(open(&chain.header_key), kept.number, Place::Skipped(kept));
        }
        if let (Some(number), Some(chain)) = (self.expected.current.number(wire.tag), self.receiving.front())
        {
            return ours(open(&chain.header_key), number, Place::Current(chain));
        }
        if let Some(number) = self.expected.next.number(wire.tag) {
            return ours(open(&self.next_receiving_header), number, Place::Next);
        }
        let current = self
            .receiving
            .iter()
            .take(1)
            .map(|c| (&c.header_key, Place::Current(c)));
        let next = core::iter::once((&self.next_receiving_header, Place::Next));
        let older = self
            .receiving
            .iter()
            .skip(1)
            .map(|c| (&c.header_key, Place::Older(c)));
        for (key, place) in current.chain(next).chain(older) {
            if let Some(bytes) = open(key) {
                let header = Header::parse(&bytes)?;
                // A tag that does not fit its own header could only mislead the map of tags.
                return match key.tag(header.number) == wire.tag {
                    true => Ok(Located { bytes, header, place }),
                    false => Err(OpenError::Authentication),
                };
            }
        }
        Err(OpenError::UnknownTag)
    }

    /// The oracle profile: the header is in clear, the ratchet key names the chain.
    fn locate_plain(&self, wire: &Wire<'_>) -> Result<Located<'_>, OpenError> {
        let bytes = wire.plain_header();
        let header = Header::parse(&bytes)?;
        let at = self
            .receiving
            .iter()
            .position(|c| c.ratchet.as_bytes() == &header.ratchet);
        let place = match at.and_then(|i| self.receiving.get(i).map(|chain| (i, chain))) {
            None => Place::Next,
            Some((i, chain)) => {
                match self
                    .skipped
                    .find(tag_of::<P>(&chain.header_key, &chain.ratchet, header.number))
                {
                    Some(kept) => Place::Skipped(kept),
                    None if i == 0 => Place::Current(chain),
                    None => Place::Older(chain),
                }
            }
        };
        Ok(Located { bytes, header, place })
    }

    fn walk_current(
        &self,
        current: &ReceivingChain,
        header: &Header,
        now: Timestamp,
    ) -> Result<(super::chain::MessageKey, Advance), OpenError> {
        let (number, next) = (header.number, current.seen.next());
        if number < next {
            return Err(used_or_gone(current, number));
        }
        check_gap(number, number - next)?;
        let chain = current.chain.as_ref().ok_or(OpenError::Expired)?;
        let walk = Walk {
            chain,
            header_key: &current.header_key,
            ratchet: &current.ratchet,
            generation: current.generation,
            from: next,
            now,
        };
        let (key, chain, skipped) = walk.to::<P>(number).take();
        Ok((
            key,
            Advance {
                chain,
                number,
                skipped,
            },
        ))
    }

    /// The peer's turn (Double Ratchet, section 4.4, first half of `DHRatchetHE`), on a draft.
    fn peer_turn(
        &self,
        header: &Header,
        field: KemField,
        now: Timestamp,
    ) -> Result<(super::chain::MessageKey, Turn), OpenError> {
        let own = self
            .own
            .as_ref()
            .ok_or(OpenError::Malformed("an answer to nothing"))?;
        let ratchet = header.ratchet()?;
        let old = self.receiving.front();
        let come = old.map_or(0, |chain| chain.seen.next());
        if header.previous < come || (old.is_none() && header.previous > 0) {
            return Err(OpenError::Malformed("length of the previous chain"));
        }
        check_gap(
            header.number.max(header.previous),
            header.number.saturating_add(header.previous - come),
        )?;
        let agreed = own
            .secret
            .agree(&ratchet)
            .map_err(|_| OpenError::NonContributory)?;
        let kem = if P::FULL {
            self.kem.peer_turn(field).map_err(|e| OpenError::Malformed(e.0))?
        } else {
            None
        };
        let (secret, kem) = kem.map_or((None, None), |turn| (turn.secret, Some(turn.next)));
        let pair = Pair {
            turning: &ratchet,
            other: &own.public,
        };
        let rooted = self
            .root
            .step(self.profile.root_label(), &agreed, secret.as_ref(), &pair);
        let generation = match old {
            Some(chain) if chain.generation >= COUNTER_STOP => return Err(OpenError::CounterExhausted),
            Some(chain) => chain.generation + 1,
            None => 0,
        };
        let tail = match old.and_then(|old| old.chain.as_ref().map(|chain| (old, chain))) {
            None => Vec::new(),
            Some((old, chain)) => {
                let walk = Walk {
                    chain,
                    header_key: &old.header_key,
                    ratchet: &old.ratchet,
                    generation: old.generation,
                    from: come,
                    now,
                };
                walk.to::<P>(header.previous).skipped
            }
        };
        let walk = Walk {
            chain: &rooted.chain,
            header_key: &self.next_receiving_header,
            ratchet: &ratchet,
            generation,
            from: 0,
            now,
        };
        let (key, chain, skipped) = walk.to::<P>(header.number).take();
        let turn = Turn {
            ratchet,
            generation,
            root: rooted.root,
            next_header: rooted.next_header,
            previous: header.previous,
            tail,
            first: Advance {
                chain,
                number: header.number,
                skipped,
            },
            kem,
            exchanged: secret.is_some(),
        };
        Ok((key, turn))
    }
}

fn used_or_gone(chain: &ReceivingChain, number: u32) -> OpenError {
    match chain.seen.contains(number) {
        true => OpenError::Duplicate,
        false => OpenError::Expired,
    }
}
