//! Associated data: what every message of a session authenticates without saying it.

use chopar_identity::{DeviceKeys, EcPrekey, X25519Public};
use chopar_wire::ids::{AccountId, DeviceId};
use sha2::{Digest, Sha256};

use crate::handshake::header::KemPrekeyId;
use crate::{SUITE, labels};

/// One end, as the associated data names it.
pub(super) struct End<'a> {
    pub(super) account: &'a AccountId,
    pub(super) device: &'a DeviceId,
    pub(super) keys: &'a DeviceKeys,
}

/// The prekeys of the responder that took part.
pub(super) struct Used<'a> {
    pub(super) signed: EcPrekey,
    pub(super) kem: KemPrekeyId,
    /// In its encoding with the kind byte.
    pub(super) kem_public: &'a [u8],
    pub(super) one_time: Option<X25519Public>,
}

/// `suite ‖ enc(IKa) ‖ enc(IKb) ‖ ids of both, each with its length as u16 BE ‖ digest of the prekeys`.
pub(super) fn associated_data(initiator: &End<'_>, responder: &End<'_>, used: &Used<'_>) -> Vec<u8> {
    let mut ad = Vec::with_capacity(2 + 2 * 33 + 2 * (2 + 32 + 2 + 16) + 32);
    ad.extend_from_slice(&SUITE.to_be_bytes());
    ad.extend_from_slice(&initiator.keys.agreement.enc());
    ad.extend_from_slice(&responder.keys.agreement.enc());
    for end in [initiator, responder] {
        push_prefixed(&mut ad, end.account.as_bytes());
        push_prefixed(&mut ad, end.device.as_bytes());
    }
    ad.extend_from_slice(&used.digest());
    ad
}

impl Used<'_> {
    /// `SHA-256(label ‖ 0x00 ‖ id ‖ enc(SPKb) ‖ kind ‖ id ‖ enc(KEM) [‖ enc(OPKb)])`. The kind bytes of the encodings and
    /// their fixed lengths make it unambiguous.
    fn digest(&self) -> [u8; 32] {
        let (kind, id) = match self.kem {
            KemPrekeyId::OneTime(id) => (1, id),
            KemPrekeyId::LastResort(id) => (2, id),
        };
        let hash = Sha256::new()
            .chain_update(labels::PREKEYS)
            .chain_update([0])
            .chain_update(self.signed.id.to_be_bytes())
            .chain_update(self.signed.public.enc())
            .chain_update([kind])
            .chain_update(u32::to_be_bytes(id))
            .chain_update(self.kem_public);
        match &self.one_time {
            Some(key) => hash.chain_update(key.enc()).finalize().into(),
            None => hash.finalize().into(),
        }
    }
}

fn push_prefixed<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N]) {
    const { assert!(N <= u16::MAX as usize) };
    out.extend_from_slice(&(N as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}
