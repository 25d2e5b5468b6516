//! The initiator's side: from a verified bundle to the first secrets.

use chopar_identity::{EcPrekey, VerifiedBundle, X25519Public};
use rand_core::CryptoRng;

use crate::device::{LocalDevice, PeerDevice};
use crate::handshake::agreement::Terms;
use crate::handshake::associated::{End, Used, associated_data};
use crate::handshake::header::{HandshakeHeader, KemPrekeyId};
use crate::handshake::secrets::HandshakeSecrets;
use crate::keys::{Agreed, NonContributory, X25519Secret, encapsulate};
use crate::labels;

/// Why no handshake can begin with a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitiationError {
    /// The bundle was verified for another device than the one meant. Our own side is at fault.
    #[error("the bundle belongs to another device")]
    OtherDevice,
    /// A device keeps no session with itself.
    #[error("a device cannot begin a session with itself")]
    OwnDevice,
    /// A key of the bundle has low order. The peer is at fault.
    #[error(transparent)]
    NonContributory(#[from] NonContributory),
}

/// A handshake that waits for one agreement with the own identity key.
///
/// Holds an ephemeral secret's outcome and nothing of a session: it can be dropped at any time at no cost but the one-time
/// pair.
pub struct Initiation {
    terms: Terms,
    header: HandshakeHeader,
    associated_data: Vec<u8>,
    signed_prekey: EcPrekey,
}

impl Initiation {
    /// Draws an ephemeral key, encapsulates, and does every agreement but the one with the identity key.
    ///
    /// # Errors
    /// [`InitiationError`].
    pub fn begin(
        local: &LocalDevice,
        peer: &PeerDevice,
        bundle: &VerifiedBundle,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, InitiationError> {
        let base = bundle.base();
        if base.account != *peer.account() || base.device != *peer.device() {
            return Err(InitiationError::OtherDevice);
        }
        if local.device() == peer.device() {
            return Err(InitiationError::OwnDevice);
        }
        let one_time = bundle.one_time();
        let (kem_prekey, kem_public) = match one_time {
            Some(pair) => (KemPrekeyId::OneTime(pair.id), &pair.kem),
            None => (
                KemPrekeyId::LastResort(base.last_resort.id),
                &base.last_resort.public,
            ),
        };
        let ephemeral = X25519Secret::random(rng);
        let (kem_ciphertext, kem_secret) = encapsulate(kem_public, rng);
        let terms = Terms::initiator(
            &ephemeral,
            &peer.keys().agreement,
            &base.signed_prekey.public,
            one_time.map(|pair| &pair.x25519),
            Some(kem_secret),
        )?;
        let associated_data = associated_data(
            &End {
                account: local.account(),
                device: local.device(),
                keys: local.keys(),
            },
            &End {
                account: peer.account(),
                device: peer.device(),
                keys: peer.keys(),
            },
            &Used {
                signed: base.signed_prekey,
                kem: kem_prekey,
                kem_public: &kem_public.enc(),
                one_time: one_time.map(|pair| pair.x25519),
            },
        );
        let header = HandshakeHeader {
            ephemeral: ephemeral.public(),
            signed_prekey: base.signed_prekey.id,
            kem_prekey,
            kem_ciphertext,
        };
        Ok(Self {
            terms,
            header,
            associated_data,
            signed_prekey: base.signed_prekey,
        })
    }

    /// The key with which the own identity key has to agree: the peer's signed prekey.
    pub fn wanted(&self) -> &X25519Public {
        &self.signed_prekey.public
    }

    /// Completes the handshake with DH(IKa, SPKb).
    pub fn finish(self, agreed: Agreed) -> (HandshakeSecrets, HandshakeHeader) {
        let derived = self.terms.derive(&agreed, labels::HANDSHAKE);
        let secrets = HandshakeSecrets {
            root: derived.root,
            initiator_header_key: derived.initiator_header_key,
            responder_header_key: derived.responder_header_key,
            associated_data: self.associated_data,
            responder_ratchet: self.signed_prekey.public,
        };
        (secrets, self.header)
    }
}
