//! The primitives that nobody but the ratchet calls, called as the ratchet calls them: for published vectors and for comparison
//! with other implementations. Never in a product build.

use core::convert::Infallible;

use chopar_wire::Timestamp;
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use super::aead::{AEAD_TAG, OneUse};
use super::header::{BARE, HeaderTemplate, WITH_KEM};
use super::kdf;
use super::kem_turn::{
    Asked, Idle, KEM_CIPHERTEXT, KEM_KEY, KemField, KemState, Offered, PeerKey, SinceExchange,
};
use super::limits::KEM_AFTER_MESSAGES;
use super::message::Parts;
use super::profile::Suite1;
use super::session::Session;
use crate::keys::Secret32;

/// An exchange is due at once.
const DUE: SinceExchange = SinceExchange {
    messages: KEM_AFTER_MESSAGES,
    at: Timestamp(0),
};

/// A generator that hands out given bytes in order, and panics past their end: what draws more than it should is noticed.
pub struct Given<'a>(pub &'a [u8]);

impl TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let (now, later) = self.0.split_at(out.len());
        out.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

/// AES-256-GCM: encrypts `buffer` in place; its tag.
pub fn aead_seal(key: [u8; 32], nonce: [u8; 12], associated: &[u8], buffer: &mut [u8]) -> [u8; AEAD_TAG] {
    OneUse::given(key, nonce).seal(associated, buffer)
}

/// AES-256-GCM: decrypts `buffer` in place; whether the tag fits.
#[must_use]
pub fn aead_open(
    key: [u8; 32],
    nonce: [u8; 12],
    associated: &[u8],
    buffer: &mut [u8],
    tag: &[u8; AEAD_TAG],
) -> bool {
    OneUse::given(key, nonce).open(associated, buffer, tag)
}

/// HKDF-SHA256 over concatenated input parts and concatenated info parts.
pub fn hkdf<const N: usize>(salt: &[u8], ikm: &[&[u8]], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    kdf::hkdf(salt, ikm, info)
}

/// HMAC-SHA256.
pub fn hmac(key: &[u8; 32], data: &[u8]) -> Zeroizing<[u8; 32]> {
    kdf::hmac_of(kdf::hmac(key), data)
}

/// The ML-KEM-768 key that a turn offers which draws this seed `d ‖ z`.
pub fn kem_offer(seed: &[u8; 64]) -> Box<[u8; KEM_KEY]> {
    match KemState::Idle(Idle).own_turn(DUE, Timestamp(0), &mut Given(seed)) {
        Some(turn) => match turn.field {
            KemField::Offer(key) => key,
            KemField::None | KemField::Answer(_) => unreachable!("an idle side offers"),
        },
        None => unreachable!("an exchange is due"),
    }
}

/// Ciphertext and secret of the turn that answers `key` and draws the message `m`; `None` where the key is refused.
pub fn kem_answer(key: &[u8], m: &[u8; 32]) -> Option<(Box<[u8; KEM_CIPHERTEXT]>, Secret32)> {
    let key = PeerKey::parse(Box::new(key.try_into().ok()?))?;
    let turn = KemState::Asked(Asked { key }).own_turn(DUE, Timestamp(0), &mut Given(m));
    let secret = turn.and_then(|turn| turn.secret);
    secret.map(|secret| (secret.ciphertext, secret.shared))
}

/// The secret of the side that offered, from the answer; `None` where the answer has another length.
pub fn kem_answered(seed: &[u8; 64], ciphertext: &[u8]) -> Option<Secret32> {
    let answer = KemField::Answer(Box::new(ciphertext.try_into().ok()?));
    let seed = Zeroizing::new(*seed);
    let turn = KemState::Offered(Offered { seed })
        .peer_turn(answer)
        .ok()
        .flatten();
    turn.and_then(|turn| turn.secret).map(|secret| secret.shared)
}

/// Which header key a peer that breaks the rules seals with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// That of the chain it sends in.
    Current,
    /// That of its next turn.
    Coming,
}

/// Number and header of the next message of the present chain, as an honest peer writes it. `None` before the first message.
pub fn next_header(session: &Session) -> Option<(u32, Vec<u8>)> {
    let sending = session.sending.as_ref()?;
    let mut header = sending.template.as_bytes().to_vec();
    sending.template.write(sending.number, &mut header);
    Some((sending.number, header))
}

/// A message whose header authenticates although the peer made it up: cut or filled with zeros to one of the two lengths
/// that a header has. The content is under the next message key of the present chain. `None` before the first message.
pub fn with_header(
    session: &Session,
    chain: Chain,
    number: u32,
    header: &[u8],
    content: &[u8],
    rng: &mut impl CryptoRng,
) -> Option<Vec<u8>> {
    let sending = session.sending.as_ref()?;
    let mut header = header.to_vec();
    header.resize(if header.len() < WITH_KEM { BARE } else { WITH_KEM }, 0);
    let parts = Parts {
        profile: &Suite1,
        associated: &session.associated_data,
        header_key: match chain {
            Chain::Current => &sending.header_key,
            Chain::Coming => &session.next_sending_header,
        },
        message_key: sending.chain.step().0,
        number,
        header: &HeaderTemplate::unchecked(header),
        plaintext: content,
    };
    Some(parts.seal(rng))
}
