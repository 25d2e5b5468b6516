//! The header of a message, before it is sealed.
//!
//! ```text
//!   ratchet_pub 32 ‖ pn u32 BE ‖ n u32 BE ‖ flags 1 [ ‖ KEM area 1184 ]
//! ```
//! Flags: 0 nothing, 1 the area is an ML-KEM-768 encapsulation key, 2 it is a ciphertext followed by 96 zero bytes. So
//! there are two lengths, and an observer learns from them whether a KEM exchange is under way, never in which
//! direction; always sending the long form would cost 1.2 KB a message.

use chopar_identity::{KeyError, X25519Public};

use super::errors::OpenError;
use super::kem_turn::{KEM_CIPHERTEXT, KEM_KEY, KemField};

/// Length of a header without a KEM area, in bytes.
pub(super) const BARE: usize = 41;
/// Length of a header with one.
pub(super) const WITH_KEM: usize = BARE + KEM_KEY;
/// The part of a header that the oracle profile sends, in clear: without flags.
pub(super) const PLAIN: usize = 40;

const FLAG_NONE: u8 = 0;
const FLAG_OFFER: u8 = 1;
const FLAG_ANSWER: u8 = 2;

/// What one sending chain's headers have in common; only the number changes.
pub(super) struct HeaderTemplate(Vec<u8>);

/// The parts of an authenticated header that every message needs.
pub(super) struct Header {
    pub(super) ratchet: [u8; 32],
    /// Length of the sender's previous chain.
    pub(super) previous: u32,
    pub(super) number: u32,
}

impl HeaderTemplate {
    pub(super) fn new(ratchet: &X25519Public, previous: u32, kem: &KemField) -> Self {
        let (flags, area): (u8, &[u8]) = match kem {
            KemField::None => (FLAG_NONE, &[]),
            KemField::Offer(key) => (FLAG_OFFER, &key[..]),
            KemField::Answer(ciphertext) => (FLAG_ANSWER, &ciphertext[..]),
        };
        let mut bytes = Vec::with_capacity(if area.is_empty() { BARE } else { WITH_KEM });
        bytes.extend_from_slice(ratchet.as_bytes());
        bytes.extend_from_slice(&previous.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.push(flags);
        bytes.extend_from_slice(area);
        if !area.is_empty() {
            bytes.resize(WITH_KEM, 0);
        }
        Self(bytes)
    }

    /// Takes the bytes of a record; `None` where they are no header.
    pub(super) fn from_record(bytes: Vec<u8>) -> Option<Self> {
        (Header::parse(&bytes).is_ok() && kem_field(&bytes).is_ok()).then_some(Self(bytes))
    }

    /// A header as a peer that breaks the rules would make it.
    #[cfg(feature = "oracle")]
    pub(super) fn unchecked(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The header of message `number`.
    pub(super) fn write(&self, number: u32, out: &mut [u8]) {
        out.copy_from_slice(&self.0[..out.len()]);
        out[36..40].copy_from_slice(&number.to_be_bytes());
    }
}

impl Header {
    /// Takes the fixed part.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, OpenError> {
        let malformed = OpenError::Malformed("header");
        let (ratchet, rest) = bytes.split_first_chunk::<32>().ok_or(malformed)?;
        let (previous, rest) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        let (number, _) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        Ok(Self {
            ratchet: *ratchet,
            previous: u32::from_be_bytes(*previous),
            number: u32::from_be_bytes(*number),
        })
    }

    /// The ratchet key as a key.
    pub(super) fn ratchet(&self) -> Result<X25519Public, OpenError> {
        X25519Public::parse(&self.ratchet).map_err(|e| match e {
            KeyError::LowOrder(_) => OpenError::NonContributory,
            _ => OpenError::Malformed("ratchet key"),
        })
    }
}

/// What the header carries of the KEM exchange.
pub(super) fn kem_field(header: &[u8]) -> Result<KemField, OpenError> {
    let malformed = OpenError::Malformed("KEM area");
    match (header.get(PLAIN), header.get(BARE..)) {
        // The oracle's header ends before the flags.
        (None, _) => Ok(KemField::None),
        (Some(&FLAG_NONE), Some([])) => Ok(KemField::None),
        (Some(&FLAG_OFFER), Some(area)) => area
            .try_into()
            .map(|key| KemField::Offer(Box::new(key)))
            .map_err(|_| malformed),
        (Some(&FLAG_ANSWER), Some(area)) if area.len() == KEM_KEY => {
            let (ciphertext, padding) = area.split_first_chunk::<KEM_CIPHERTEXT>().ok_or(malformed)?;
            match padding.iter().all(|&b| b == 0) {
                true => Ok(KemField::Answer(Box::new(*ciphertext))),
                false => Err(malformed),
            }
        }
        _ => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kem: &KemField) -> Vec<u8> {
        let template = HeaderTemplate::new(&X25519Public::parse(&[9; 32]).unwrap(), 0x0102, kem);
        let mut out = vec![0; template.as_bytes().len()];
        template.write(0x0304, &mut out);
        out
    }

    /// P-063.
    #[test]
    fn two_lengths_and_everything_comes_back() {
        let bare = header(&KemField::None);
        assert_eq!(
            (bare.len(), &bare[32..]),
            (BARE, &[0, 0, 1, 2, 0, 0, 3, 4, 0][..])
        );
        let parsed = Header::parse(&bare).unwrap();
        assert_eq!(
            (parsed.previous, parsed.number, parsed.ratchet),
            (0x0102, 0x0304, [9; 32])
        );
        let offer = header(&KemField::Offer(Box::new([5; KEM_KEY])));
        let answer = header(&KemField::Answer(Box::new([6; KEM_CIPHERTEXT])));
        assert_eq!((offer.len(), answer.len()), (WITH_KEM, WITH_KEM));
        assert!(matches!(kem_field(&bare), Ok(KemField::None)));
        assert!(matches!(kem_field(&offer), Ok(KemField::Offer(k)) if k.iter().all(|&b| b == 5)));
        assert!(matches!(kem_field(&answer), Ok(KemField::Answer(c)) if c.iter().all(|&b| b == 6)));
    }

    /// P-062, P-063.
    #[test]
    fn other_shapes_are_malformed() {
        let mut answer = header(&KemField::Answer(Box::new([6; KEM_CIPHERTEXT])));
        answer[WITH_KEM - 1] = 1;
        assert!(kem_field(&answer).is_err(), "padding");
        let mut bare = header(&KemField::None);
        for flags in [1, 2, 3, 255] {
            bare[PLAIN] = flags;
            assert!(kem_field(&bare).is_err(), "flags {flags} without an area");
        }
        let mut offer = header(&KemField::Offer(Box::new([5; KEM_KEY])));
        for flags in [0, 3, 255] {
            offer[PLAIN] = flags;
            assert!(kem_field(&offer).is_err(), "flags {flags} with an area");
        }
        assert!(Header::parse(&[0; 39]).is_err());
    }

    /// P-007, T-008.
    #[test]
    fn a_low_order_ratchet_key_is_named() {
        let header = Header {
            ratchet: [0; 32],
            previous: 0,
            number: 0,
        };
        assert_eq!(header.ratchet(), Err(OpenError::NonContributory));
        let header = Header {
            ratchet: [0xff; 32],
            ..header
        };
        assert_eq!(header.ratchet(), Err(OpenError::Malformed("ratchet key")));
    }
}
