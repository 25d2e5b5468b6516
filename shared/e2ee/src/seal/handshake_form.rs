//! Sealing to a sealing key, and opening with its private half.

use chopar_identity::EcPrekey;
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::limits::MAX_ENVELOPE_BODY;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::device::{LocalDevice, PeerDevice};
use crate::handshake::HeaderError;
use crate::labels;
use crate::padding::{pad_within, unpad_within};
use crate::prekeys::EcPrekeySecret;
use crate::seal::body::{EnvelopeError, HANDSHAKE_FORM};
use crate::seal::first::{FirstContact, Unsealed};

/// Form byte, key id, encapsulated key, authentication tag.
const OVERHEAD: usize = 1 + 4 + 32 + 16;
/// The largest plaintext whose envelope the relay takes.
const MAX_SEALED: usize = MAX_ENVELOPE_BODY - OVERHEAD;

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The message is longer than an envelope holds. Our own side is at fault.
    #[error("the message is too long for an envelope")]
    TooLong,
    /// The recipient's sealing key has low order. The peer is at fault.
    #[error("the sealing key is not usable")]
    Key,
}

/// Why a sealed envelope does not open. The sender or the relay is at fault; nothing is ever sent in answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// The private half handed in is not the one the envelope names. Our own side is at fault.
    #[error("the sealing key is not the envelope's")]
    OtherKey,
    /// Not sealed to this device and key, or changed on the way.
    #[error("the envelope does not open")]
    Authentication,
    /// Sealed rightly, but not what an envelope holds.
    #[error("the envelope's content is malformed")]
    Malformed,
    /// The handshake inside has a suite this version does not know.
    #[error("the envelope holds the unknown suite {0}")]
    UnknownSuite(u16),
    /// The handshake inside is malformed or holds a bad key.
    #[error(transparent)]
    Header(HeaderError),
}

/// An envelope body in handshake form, taken apart and not opened.
pub struct SealedHandshake<'a> {
    key_id: u32,
    encapsulated: <X25519HkdfSha256 as Kem>::EncappedKey,
    ciphertext: &'a [u8],
}

/// Seals to the recipient's current sealing key. The result is a whole envelope body.
///
/// # Errors
/// [`SealError`].
pub fn seal_handshake(
    recipient: &PeerDevice,
    sealing_key: &EcPrekey,
    content: &FirstContact<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let plaintext = pad_within(&content.encode(), MAX_SEALED).map_err(|_| SealError::TooLong)?;
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(sealing_key.public.as_bytes())
        .map_err(|_| SealError::Key)?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            &info(recipient.account(), recipient.device(), sealing_key.id),
            &plaintext,
            &[],
            rng,
        )
        .map_err(|_| SealError::Key)?;
    let mut body = Vec::with_capacity(OVERHEAD + plaintext.len());
    body.push(HANDSHAKE_FORM);
    body.extend_from_slice(&sealing_key.id.to_be_bytes());
    body.extend_from_slice(&encapsulated.to_bytes());
    body.extend_from_slice(&ciphertext);
    Ok(body)
}

impl<'a> SealedHandshake<'a> {
    pub(super) fn parse(rest: &'a [u8]) -> Result<Self, EnvelopeError> {
        let (id, rest) = rest.split_first_chunk::<4>().ok_or(EnvelopeError::Malformed)?;
        let (encapsulated, ciphertext) = rest.split_first_chunk::<32>().ok_or(EnvelopeError::Malformed)?;
        Ok(Self {
            key_id: u32::from_be_bytes(*id),
            encapsulated: Deserializable::from_bytes(encapsulated).map_err(|_| EnvelopeError::Malformed)?,
            ciphertext,
        })
    }

    /// The number of the sealing key whose private half opens it.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Opens with the private half of the named sealing key. A failure changes nothing and may be tried again.
    ///
    /// # Errors
    /// [`UnsealError`].
    pub fn open(&self, recipient: &LocalDevice, key: &EcPrekeySecret) -> Result<Unsealed, UnsealError> {
        if key.id != self.key_id {
            return Err(UnsealError::OtherKey);
        }
        let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(key.secret.as_bytes())
            .map_err(|_| UnsealError::Authentication)?;
        let plaintext = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &secret,
            &self.encapsulated,
            &info(recipient.account(), recipient.device(), self.key_id),
            self.ciphertext,
            &[],
        )
        .map_err(|_| UnsealError::Authentication)?;
        let plaintext = Zeroizing::new(plaintext);
        Unsealed::decode(unpad_within(&plaintext, MAX_SEALED).map_err(|_| UnsealError::Malformed)?)
    }
}

impl core::fmt::Debug for SealedHandshake<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "SealedHandshake(key {}, {} bytes)",
            self.key_id,
            self.ciphertext.len()
        )
    }
}

/// Label ‖ recipient account ‖ device ‖ key id u32 BE: an envelope re-addressed by the relay does not open.
fn info(account: &AccountId, device: &DeviceId, key_id: u32) -> Vec<u8> {
    [
        labels::SEAL,
        account.as_bytes(),
        device.as_bytes(),
        &key_id.to_be_bytes(),
    ]
    .concat()
}
