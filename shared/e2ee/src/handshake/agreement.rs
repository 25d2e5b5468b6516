//! The key agreement itself, the same for the product's suite and for transcripts of independent implementations.

use chopar_identity::X25519Public;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::keys::{Agreed, NonContributory, Secret32, X25519Secret};

/// The agreements that one side computes from its ephemeral key or prekeys, and the encapsulated secret.
/// One agreement is missing: the one with this side's identity key, which may live elsewhere.
pub(super) enum Terms {
    /// Lacks DH(IKa, SPKb).
    Initiator {
        ephemeral_identity: Agreed,
        common: Common,
    },
    /// Lacks DH(EKa, IKb).
    Responder { identity_prekey: Agreed, common: Common },
}

/// What neither identity key takes part in.
pub(super) struct Common {
    ephemeral_prekey: Agreed,
    ephemeral_one_time: Option<Agreed>,
    kem: Option<Secret32>,
}

/// 96 bytes of key material: SK ‖ the initiator's first header key ‖ the responder's.
pub(super) struct Derived {
    pub(super) root: Secret32,
    pub(super) initiator_header_key: Secret32,
    pub(super) responder_header_key: Secret32,
}

impl Terms {
    pub(super) fn initiator(
        ephemeral: &X25519Secret,
        identity: &X25519Public,
        signed_prekey: &X25519Public,
        one_time: Option<&X25519Public>,
        kem: Option<Secret32>,
    ) -> Result<Self, NonContributory> {
        Ok(Self::Initiator {
            ephemeral_identity: ephemeral.agree(identity)?,
            common: Common {
                ephemeral_prekey: ephemeral.agree(signed_prekey)?,
                ephemeral_one_time: one_time.map(|key| ephemeral.agree(key)).transpose()?,
                kem,
            },
        })
    }

    pub(super) fn responder(
        signed_prekey: &X25519Secret,
        one_time: Option<&X25519Secret>,
        identity: &X25519Public,
        ephemeral: &X25519Public,
        kem: Option<Secret32>,
    ) -> Result<Self, NonContributory> {
        Ok(Self::Responder {
            identity_prekey: signed_prekey.agree(identity)?,
            common: Common {
                ephemeral_prekey: signed_prekey.agree(ephemeral)?,
                ephemeral_one_time: one_time.map(|key| key.agree(ephemeral)).transpose()?,
                kem,
            },
        })
    }

    /// Completes the terms with the missing agreement (PQXDH, section 3.3):
    /// `FF×32 ‖ DH(IKa,SPKb) ‖ DH(EKa,IKb) ‖ DH(EKa,SPKb) [‖ DH(EKa,OPKb)] [‖ KEM_SS]`, HKDF-SHA256 with a zero salt.
    pub(super) fn derive(self, missing: &Agreed, label: &[u8]) -> Derived {
        let (dh1, dh2, common) = match &self {
            Self::Initiator {
                ephemeral_identity,
                common,
            } => (missing, ephemeral_identity, common),
            Self::Responder {
                identity_prekey,
                common,
            } => (identity_prekey, missing, common),
        };
        let mut ikm = Zeroizing::new(Vec::with_capacity(6 * 32));
        ikm.extend_from_slice(&[0xff; 32]);
        ikm.extend_from_slice(dh1.as_bytes());
        ikm.extend_from_slice(dh2.as_bytes());
        ikm.extend_from_slice(common.ephemeral_prekey.as_bytes());
        if let Some(dh4) = &common.ephemeral_one_time {
            ikm.extend_from_slice(dh4.as_bytes());
        }
        if let Some(secret) = &common.kem {
            ikm.extend_from_slice(secret.as_bytes());
        }
        let mut okm = Zeroizing::new([0; 96]);
        if Hkdf::<Sha256>::new(Some(&[0; 32]), &ikm)
            .expand(label, okm.as_mut())
            .is_err()
        {
            unreachable!("96 bytes are within HKDF-SHA256's 8160");
        }
        let part = |at: usize| {
            let mut key = Zeroizing::new([0; 32]);
            key.copy_from_slice(&okm[at..at + 32]);
            Secret32::new(*key)
        };
        Derived {
            root: part(0),
            initiator_header_key: part(32),
            responder_header_key: part(64),
        }
    }
}
