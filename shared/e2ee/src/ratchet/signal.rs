//! Signals: typing, acknowledgements, receipts. They do not advance the chain, so idle traffic costs neither turns nor
//! skipped keys.
//!
//! ```text
//!   tag 16 ‖ salt 16 ‖ AES-256-GCM( counter u32 BE ‖ time u64 BE ‖ payload ) ‖ 16
//! ```
//! The signal key is HKDF(header key, label signal) of the sender's present chain (of its coming chain, before it has
//! one); key and nonce of each signal come from 16 random bytes. The counter only feeds the tag: it is not saved for
//! each signal but once in [`SIGNAL_RESTORE_JUMP`], a restored sender jumps ahead by so much, and a receiver that meets an unexpected tag tries the signal instead.
//!
//! Signals have no replay memory and are as secret as the header key, which lives as long as its chain: they must say
//! nothing that may not be said twice. The caller judges by [`OpenedSignal::sent_at`] (typing older than ten seconds is
//! ignored) and by what they say (receipts are idempotent).

use chopar_wire::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::aead::{AEAD_TAG, OneUse, SALT};
use super::draft::{SessionDraft, SignalOf, Step};
use super::errors::{EncryptError, OpenError};
use super::header_key::{HeaderKey, SignalKey, Tag};
use super::labels;
use super::limits::{COUNTER_STOP, MAX_PLAINTEXT, SIGNAL_RESTORE_JUMP};
use super::profile::Suite1;
use super::session::Session;

/// Counter and time.
const HEAD: usize = 4 + 8;

/// A signal that authenticated.
pub struct OpenedSignal {
    /// The (padded) payload.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The sender's clock.
    pub sent_at: Timestamp,
    /// Moves the windows of expected tags; committing it is cheap, saving it can wait.
    pub draft: SessionDraft,
}

/// Never the plaintext.
impl core::fmt::Debug for OpenedSignal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OpenedSignal({} bytes)", self.plaintext.len())
    }
}

impl Session<Suite1> {
    /// Seals one (padded) payload as a signal. The session need not be saved for it, unless
    /// [`signal_wants_saving`](Self::signal_wants_saving) says so afterwards.
    ///
    /// # Errors
    /// [`EncryptError::TooLong`], [`EncryptError::CounterExhausted`].
    pub fn seal_signal(
        &mut self,
        plaintext: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, EncryptError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(EncryptError::TooLong(plaintext.len()));
        }
        if self.signal_counter >= COUNTER_STOP {
            return Err(EncryptError::CounterExhausted);
        }
        let header_key = self
            .sending
            .as_ref()
            .map_or(&self.next_sending_header, |chain| &chain.header_key);
        let key = header_key.signals();
        let tag = key.tag(self.signal_counter);
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let mut out = Vec::with_capacity(Tag::LEN + SALT + HEAD + plaintext.len() + AEAD_TAG);
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(&salt);
        out.extend_from_slice(&self.signal_counter.to_be_bytes());
        out.extend_from_slice(&now.0.to_be_bytes());
        out.extend_from_slice(plaintext);
        let seal = OneUse::derive(&salt, key.as_bytes(), labels::SIGNAL_SEAL)
            .seal(&self.signal_associated(&tag), &mut out[Tag::LEN + SALT..]);
        out.extend_from_slice(&seal);
        self.signal_wants_saving = self.signal_counter >= self.signals_reserved;
        self.signal_counter += 1;
        if self.signal_wants_saving {
            self.signals_reserved = self.signal_counter.saturating_add(SIGNAL_RESTORE_JUMP);
        }
        Ok(out)
    }

    /// Whether the session must be saved before the signal that was sealed last leaves the device: a restart from the
    /// record as it is would spend its tag a second time.
    pub const fn signal_wants_saving(&self) -> bool {
        self.signal_wants_saving
    }

    /// Opens one signal; nothing changes until the draft is committed.
    ///
    /// # Errors
    /// [`OpenError::Malformed`], [`OpenError::Authentication`] (a known tag), [`OpenError::UnknownTag`].
    pub fn open_signal(&self, signal: &[u8], now: Timestamp) -> Result<OpenedSignal, OpenError> {
        let tag = Tag::of(signal).ok_or(OpenError::Malformed("too short"))?;
        let opened = |of, (plaintext, counter, sent_at)| OpenedSignal {
            plaintext,
            sent_at,
            draft: SessionDraft {
                revision: self.revision,
                now,
                step: Step::Signal { key: of, counter },
            },
        };
        let known = if self.expected.signals.number(tag).is_some() {
            self.receiving
                .front()
                .map(|chain| (SignalOf::Current, &chain.header_key))
        } else if self.expected.next_signals.number(tag).is_some() {
            Some((SignalOf::Next, &self.next_receiving_header))
        } else {
            None
        };
        if let Some((of, key)) = known {
            let parts = self.try_signal(key, signal)?.ok_or(OpenError::Authentication)?;
            return Ok(opened(of, parts));
        }
        let current = self
            .receiving
            .iter()
            .take(1)
            .map(|c| (SignalOf::Current, &c.header_key));
        let next = core::iter::once((SignalOf::Next, &self.next_receiving_header));
        let older = self
            .receiving
            .iter()
            .skip(1)
            .map(|c| (SignalOf::Older, &c.header_key));
        for (of, key) in current.chain(next).chain(older) {
            if let Some(parts) = self.try_signal(key, signal)? {
                return Ok(opened(of, parts));
            }
        }
        Err(OpenError::UnknownTag)
    }

    /// `None` where it does not authenticate under this chain's signal key.
    #[allow(clippy::type_complexity)] // three parts that go straight into one struct
    fn try_signal(
        &self,
        header_key: &HeaderKey,
        signal: &[u8],
    ) -> Result<Option<(Zeroizing<Vec<u8>>, u32, Timestamp)>, OpenError> {
        let short = OpenError::Malformed("too short");
        let (tag, rest) = signal.split_first_chunk().ok_or(short)?;
        let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(short)?;
        let (sealed, seal) = rest.split_last_chunk().ok_or(short)?;
        if sealed.len() < HEAD {
            return Err(short);
        }
        let key: &SignalKey = header_key.signals();
        let tag = Tag::new(*tag);
        let mut text = Zeroizing::new(sealed.to_vec());
        let one_use = OneUse::derive(salt, key.as_bytes(), labels::SIGNAL_SEAL);
        if !one_use.open(&self.signal_associated(&tag), &mut text, seal) {
            return Ok(None);
        }
        let (head, payload) = text.split_at(HEAD);
        let (counter, time) = head.split_at(4);
        let counter = counter.try_into().map(u32::from_be_bytes).map_err(|_| short)?;
        let time = time.try_into().map(u64::from_be_bytes).map_err(|_| short)?;
        if counter >= COUNTER_STOP {
            return Err(OpenError::CounterExhausted);
        }
        if key.tag(counter) != tag {
            return Err(OpenError::Authentication);
        }
        Ok(Some((Zeroizing::new(payload.to_vec()), counter, Timestamp(time))))
    }

    fn signal_associated(&self, tag: &Tag) -> Vec<u8> {
        [&self.associated_data, &tag.as_bytes()[..]].concat()
    }
}
