//! The handshake as independent implementations do it, for transcripts and tests: given private keys, labels as given,
//! `AD = enc(IKa) ‖ enc(IKb)`, the KEM optional. The agreement is the very code of the product's suite.

use chopar_identity::{KemPublic1024, X25519Public};

use crate::handshake::agreement::Terms;
use crate::handshake::secrets::HandshakeSecrets;
use crate::keys::encapsulate_with;
use crate::keys::ml_kem::{handshakes, is_turn_key, turns};
use crate::keys::{NonContributory, X25519Secret};

/// Which KEM takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OracleKem {
    /// Plain X3DH.
    None,
    /// PQXDH with ML-KEM-768.
    MlKem768,
    /// PQXDH with ML-KEM-1024.
    MlKem1024,
}

/// The parameters of a transcript.
#[derive(Clone, Debug)]
pub struct OracleHandshake {
    /// The label (info) of the key derivation.
    pub label: Vec<u8>,
    /// Which KEM takes part.
    pub kem: OracleKem,
}

/// A responder's private keys.
#[derive(Debug)]
pub struct OracleSecrets {
    /// IKb.
    pub identity: X25519Secret,
    /// SPKb.
    pub signed_prekey: X25519Secret,
    /// OPKb.
    pub one_time: Option<X25519Secret>,
    /// `d ‖ z`.
    pub kem_seed: Option<[u8; 64]>,
}

/// A responder's public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleBundle {
    /// IKb.
    pub identity: X25519Public,
    /// SPKb.
    pub signed_prekey: X25519Public,
    /// OPKb.
    pub one_time: Option<X25519Public>,
    /// The encapsulation key.
    pub kem: Option<Vec<u8>>,
}

/// Why a transcript's step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OracleError {
    /// A key of low order.
    #[error(transparent)]
    NonContributory(#[from] NonContributory),
    /// A KEM key or ciphertext is missing, unwanted, or of the wrong size.
    #[error("the KEM's part is malformed")]
    Kem,
}

/// The outcome of an initiation.
#[derive(Debug)]
pub struct OracleInitiated {
    /// What the ratchet starts from.
    pub secrets: HandshakeSecrets,
    /// EKa, public.
    pub ephemeral: X25519Public,
    /// The KEM ciphertext.
    pub kem_ciphertext: Option<Vec<u8>>,
}

impl OracleHandshake {
    /// The public halves of `secrets`.
    ///
    /// # Errors
    /// [`OracleError::Kem`] where seed and KEM do not go together.
    pub fn bundle(&self, secrets: &OracleSecrets) -> Result<OracleBundle, OracleError> {
        let kem = match (self.kem, &secrets.kem_seed) {
            (OracleKem::None, None) => None,
            (OracleKem::MlKem768, Some(seed)) => Some(turns::Pair::from_seed(seed).key().to_vec()),
            (OracleKem::MlKem1024, Some(seed)) => Some(handshakes::Pair::from_seed(seed).key().to_vec()),
            _ => return Err(OracleError::Kem),
        };
        Ok(OracleBundle {
            identity: secrets.identity.public(),
            signed_prekey: secrets.signed_prekey.public(),
            one_time: secrets.one_time.as_ref().map(X25519Secret::public),
            kem,
        })
    }

    /// The initiator's side, `m` being the KEM's message.
    ///
    /// # Errors
    /// [`OracleError`].
    pub fn initiate(
        &self,
        identity: &X25519Secret,
        ephemeral: &X25519Secret,
        m: &[u8; 32],
        bundle: &OracleBundle,
    ) -> Result<OracleInitiated, OracleError> {
        let (kem_ciphertext, kem_secret) = match (self.kem, &bundle.kem) {
            (OracleKem::None, None) => (None, None),
            (OracleKem::MlKem768, Some(key)) => {
                let key = key.as_slice().try_into().map_err(|_| OracleError::Kem)?;
                if !is_turn_key(key) {
                    return Err(OracleError::Kem);
                }
                let (ct, ss) = turns::encapsulate(key, m);
                (Some(ct.to_vec()), Some(ss))
            }
            (OracleKem::MlKem1024, Some(key)) => {
                let key = KemPublic1024::parse(key).map_err(|_| OracleError::Kem)?;
                let (ct, ss) = encapsulate_with(&key, m);
                (Some(ct.as_bytes().to_vec()), Some(ss))
            }
            _ => return Err(OracleError::Kem),
        };
        let terms = Terms::initiator(
            ephemeral,
            &bundle.identity,
            &bundle.signed_prekey,
            bundle.one_time.as_ref(),
            kem_secret,
        )?;
        let agreed = identity.agree(&bundle.signed_prekey)?;
        let derived = terms.derive(&agreed, &self.label);
        Ok(OracleInitiated {
            secrets: HandshakeSecrets {
                root: derived.root,
                initiator_header_key: derived.initiator_header_key,
                responder_header_key: derived.responder_header_key,
                associated_data: [identity.public().enc(), bundle.identity.enc()].concat(),
                responder_ratchet: bundle.signed_prekey,
            },
            ephemeral: ephemeral.public(),
            kem_ciphertext,
        })
    }

    /// The responder's side.
    ///
    /// # Errors
    /// [`OracleError`].
    pub fn accept(
        &self,
        secrets: &OracleSecrets,
        initiator: &X25519Public,
        ephemeral: &X25519Public,
        kem_ciphertext: Option<&[u8]>,
    ) -> Result<HandshakeSecrets, OracleError> {
        let kem_secret = match (self.kem, &secrets.kem_seed, kem_ciphertext) {
            (OracleKem::None, None, None) => None,
            (OracleKem::MlKem768, Some(seed), Some(ct)) => {
                let ct = ct.try_into().map_err(|_| OracleError::Kem)?;
                Some(turns::Pair::from_seed(seed).decapsulate(ct))
            }
            (OracleKem::MlKem1024, Some(seed), Some(ct)) => {
                let ct = ct.try_into().map_err(|_| OracleError::Kem)?;
                Some(handshakes::Pair::from_seed(seed).decapsulate(ct))
            }
            _ => return Err(OracleError::Kem),
        };
        let terms = Terms::responder(
            &secrets.signed_prekey,
            secrets.one_time.as_ref(),
            initiator,
            ephemeral,
            kem_secret,
        )?;
        let derived = terms.derive(&secrets.identity.agree(ephemeral)?, &self.label);
        Ok(HandshakeSecrets {
            root: derived.root,
            initiator_header_key: derived.initiator_header_key,
            responder_header_key: derived.responder_header_key,
            associated_data: [initiator.enc(), secrets.identity.public().enc()].concat(),
            responder_ratchet: secrets.signed_prekey.public(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> X25519Secret {
        X25519Secret::from_bytes([byte; 32])
    }

    /// Transcripts of independent implementations: IKa=01, EKa=02, IKb=03, SPKb=04, OPKb=05, d=06, z=07, m=08.
    #[test]
    fn reproduces_the_transcripts() {
        let mut seed = [6; 64];
        seed[32..].fill(7);
        for (label, kem, sk) in [
            (
                "Example X3DH v1",
                OracleKem::None,
                "871c79423ab5806307f7e5329dfc16006a58f8838a31d6cb32626739656d73bc",
            ),
            (
                "Example_X25519_SHA-256_ML-KEM-768",
                OracleKem::MlKem768,
                "c85dc13ed4ad4d47df7e0384117272e9a1a4c690c7d0e1beb781cddbe8464ac5",
            ),
            (
                "Example_X25519_SHA-256_ML-KEM-1024",
                OracleKem::MlKem1024,
                "421c1017c4dfa1ec7f6324a9c623d4603d0914a2a773f4258f24a8f3202849de",
            ),
        ] {
            let handshake = OracleHandshake {
                label: label.into(),
                kem,
            };
            let secrets = OracleSecrets {
                identity: key(3),
                signed_prekey: key(4),
                one_time: Some(key(5)),
                kem_seed: (kem != OracleKem::None).then_some(seed),
            };
            let bundle = handshake.bundle(&secrets).unwrap();
            let initiated = handshake.initiate(&key(1), &key(2), &[8; 32], &bundle).unwrap();
            assert_eq!(hex::encode(initiated.secrets.root.as_bytes()), sk, "{label}");
            assert_eq!(
                hex::encode(&initiated.secrets.associated_data),
                "05a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209\
                 055dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22"
            );
            let accepted = handshake
                .accept(
                    &secrets,
                    &key(1).public(),
                    &initiated.ephemeral,
                    initiated.kem_ciphertext.as_deref(),
                )
                .unwrap();
            assert_eq!(accepted.root, initiated.secrets.root);
            assert_eq!(
                accepted.initiator_header_key,
                initiated.secrets.initiator_header_key
            );
            assert_eq!(
                accepted.responder_header_key,
                initiated.secrets.responder_header_key
            );
            assert_eq!(accepted.associated_data, initiated.secrets.associated_data);
        }
    }

    #[test]
    fn a_missing_or_unwanted_kem_is_named() {
        let handshake = OracleHandshake {
            label: b"x".to_vec(),
            kem: OracleKem::MlKem768,
        };
        let secrets = OracleSecrets {
            identity: key(3),
            signed_prekey: key(4),
            one_time: None,
            kem_seed: None,
        };
        assert_eq!(handshake.bundle(&secrets).unwrap_err(), OracleError::Kem);
        let (a, e) = (key(1).public(), key(2).public());
        assert_eq!(
            handshake.accept(&secrets, &a, &e, Some(&[0; 1088])).unwrap_err(),
            OracleError::Kem
        );
    }
}
