//! The responder's side: from a handshake header and the private halves it names to the same secrets.

use chopar_identity::X25519Public;

use crate::device::{LocalDevice, PeerDevice};
use crate::handshake::agreement::Terms;
use crate::handshake::associated::{End, Used, associated_data};
use crate::handshake::header::{HandshakeHeader, KemPrekeyId};
use crate::handshake::secrets::HandshakeSecrets;
use crate::keys::{Agreed, NonContributory};
use crate::labels;
use crate::prekeys::{OneTimeOrLastResort, Prekeys};

/// Why a handshake cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptanceError {
    /// The private halves handed in are not those that the header names. Our own side is at fault.
    #[error("the prekeys are not those of the handshake")]
    OtherPrekeys,
    /// A device keeps no session with itself.
    #[error("a device cannot accept a session with itself")]
    OwnDevice,
    /// A key of the initiator has low order. The peer is at fault.
    #[error(transparent)]
    NonContributory(#[from] NonContributory),
}

/// A handshake that waits for one agreement with the own identity key.
///
/// Its secrets prove nothing yet: the session counts once a message of it has authenticated, and only then the one-time
/// pair is deleted.
pub struct Acceptance {
    terms: Terms,
    ephemeral: X25519Public,
    associated_data: Vec<u8>,
    signed_prekey: X25519Public,
}

impl Acceptance {
    /// Decapsulates and does every agreement but the one with the identity key. `peer` comes from the sender's verified
    /// log, never from the envelope.
    ///
    /// # Errors
    /// [`AcceptanceError`].
    pub fn begin(
        local: &LocalDevice,
        peer: &PeerDevice,
        header: &HandshakeHeader,
        prekeys: &Prekeys<'_>,
    ) -> Result<Self, AcceptanceError> {
        if local.device() == peer.device() {
            return Err(AcceptanceError::OwnDevice);
        }
        let (named, kem, one_time) = match prekeys.one_time {
            OneTimeOrLastResort::OneTime(pair) => (
                KemPrekeyId::OneTime(pair.id),
                &pair.kem,
                Some((&pair.x25519, pair.x25519_public)),
            ),
            OneTimeOrLastResort::LastResort(key) => (KemPrekeyId::LastResort(key.id), &key.secret, None),
        };
        if named != header.kem_prekey || prekeys.signed.id != header.signed_prekey {
            return Err(AcceptanceError::OtherPrekeys);
        }
        let (kem_secret, kem_public) = kem.decapsulate_with_public(&header.kem_ciphertext);
        let terms = Terms::responder(
            &prekeys.signed.secret,
            one_time.map(|(secret, _)| secret),
            &peer.keys().agreement,
            &header.ephemeral,
            Some(kem_secret),
        )?;
        let signed = prekeys.signed.public();
        let associated_data = associated_data(
            &End {
                account: peer.account(),
                device: peer.device(),
                keys: peer.keys(),
            },
            &End {
                account: local.account(),
                device: local.device(),
                keys: local.keys(),
            },
            &Used {
                signed,
                kem: named,
                kem_public: &kem_public.enc(),
                one_time: one_time.map(|(_, public)| public),
            },
        );
        Ok(Self {
            terms,
            ephemeral: header.ephemeral,
            associated_data,
            signed_prekey: signed.public,
        })
    }

    /// The key with which the own identity key has to agree: the initiator's ephemeral key.
    pub fn wanted(&self) -> &X25519Public {
        &self.ephemeral
    }

    /// Completes the handshake with DH(EKa, IKb).
    pub fn finish(self, agreed: Agreed) -> HandshakeSecrets {
        let derived = self.terms.derive(&agreed, labels::HANDSHAKE);
        HandshakeSecrets {
            root: derived.root,
            initiator_header_key: derived.initiator_header_key,
            responder_header_key: derived.responder_header_key,
            associated_data: self.associated_data,
            responder_ratchet: self.signed_prekey,
        }
    }
}
