//! Encrypting: the own turn where one is due, then one step of the sending chain.

use chopar_wire::Timestamp;
use rand_core::CryptoRng;

use super::errors::EncryptError;
use super::header::HeaderTemplate;
use super::header_key::HeaderKey;
use super::kem_turn::{KemField, SinceExchange};
use super::limits::{COUNTER_STOP, MAX_PLAINTEXT, SIGNAL_RESTORE_JUMP};
use super::message::Parts;
use super::profile::Profile;
use super::root::Pair;
use super::session::{OwnRatchet, SendingChain, Session};
use crate::keys::X25519Secret;

impl<P: Profile> Session<P> {
    /// Encrypts one (padded) payload at the next position. Save the session before the result leaves the device.
    ///
    /// The first message after the peer's turn makes the own turn: a fresh X25519 pair, and a KEM key or answer where
    /// one is due.
    ///
    /// # Errors
    /// [`EncryptError`]; the session is then unchanged.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, EncryptError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(EncryptError::TooLong(plaintext.len()));
        }
        if self.turn_due {
            self.turn(now, rng)?;
        }
        let sending = self.sending.as_mut().ok_or(EncryptError::NothingReceived)?;
        if sending.number >= COUNTER_STOP {
            return Err(EncryptError::CounterExhausted);
        }
        let (message_key, next) = sending.chain.step();
        let parts = Parts {
            profile: &self.profile,
            associated: &self.associated_data,
            header_key: &sending.header_key,
            message_key,
            number: sending.number,
            header: &sending.template,
            plaintext,
        };
        let message = parts.seal(rng);
        sending.chain = next;
        sending.number += 1;
        self.since_exchange.messages = self.since_exchange.messages.saturating_add(1);
        self.revision += 1;
        Ok(message)
    }

    /// The own turn (Double Ratchet, section 4.4, second half of `DHRatchetHE`), put off until there is something to
    /// say: the fresh pair is as young as can be.
    fn turn(&mut self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), EncryptError> {
        let peer = self.peer.ok_or(EncryptError::NothingReceived)?;
        let own = OwnRatchet::new(X25519Secret::random(rng));
        let agreed = own
            .secret
            .agree(&peer)
            .map_err(|_| EncryptError::NonContributory)?;
        let kem = if P::FULL {
            self.kem.own_turn(self.since_exchange, now, rng)
        } else {
            None
        };
        let (field, secret, next_kem) = match kem {
            Some(turn) => (turn.field, turn.secret, Some(turn.next)),
            None => (KemField::None, None, None),
        };
        let pair = Pair {
            turning: &own.public,
            other: &peer,
        };
        let rooted = self
            .root
            .step(self.profile.root_label(), &agreed, secret.as_ref(), &pair);
        let previous = self.sent_in_chain();
        if self.sending.is_some() {
            // Signals went out under the old chain's key. Without one they already went out under the coming key.
            self.signal_counter = 0;
            self.signals_reserved = SIGNAL_RESTORE_JUMP;
        }
        let header_key: HeaderKey = core::mem::replace(&mut self.next_sending_header, rooted.next_header);
        let template = HeaderTemplate::new(&own.public, previous, &field);
        self.sending = Some(SendingChain {
            chain: rooted.chain,
            header_key,
            number: 0,
            template,
        });
        self.root = rooted.root;
        self.own = Some(own);
        self.turn_due = false;
        if secret.is_some() {
            self.since_exchange = SinceExchange { messages: 0, at: now };
        }
        if let Some(next) = next_kem {
            self.kem = next;
        }
        Ok(())
    }
}
