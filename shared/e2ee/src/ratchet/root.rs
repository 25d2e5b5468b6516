//! The root step: a Diffie-Hellman agreement, and now and then a KEM secret, become a chain.

use chopar_identity::X25519Public;
use sha2::{Digest, Sha256};

use super::chain::ChainKey;
use super::header_key::HeaderKey;
use super::kdf::hkdf;
use super::kem_turn::KemSecret;
use crate::keys::{Agreed, Secret32};

/// The root key: everything to come depends on it, it appears nowhere else.
pub(super) struct RootKey(pub(super) Secret32);

/// What one root step makes.
pub(super) struct Rooted {
    pub(super) root: RootKey,
    pub(super) chain: ChainKey,
    /// Header key of the same party's next chain.
    pub(super) next_header: HeaderKey,
}

/// The two ratchet public keys of a step: of the party whose turn it is, and of the other.
pub(super) struct Pair<'a> {
    pub(super) turning: &'a X25519Public,
    pub(super) other: &'a X25519Public,
}

impl RootKey {
    /// `KDF_RK`: HKDF-SHA256(salt root, dh ‖ kem, label ‖ hash, 96 bytes). The hash, over both ratchet keys, the
    /// encapsulation key and the ciphertext, is there exactly when a KEM secret is, so the root binds what made it.
    pub(super) fn step(
        &self,
        label: &[u8],
        agreed: &Agreed,
        kem: Option<&KemSecret>,
        pair: &Pair<'_>,
    ) -> Rooted {
        let okm = match kem {
            None => hkdf::<96>(self.0.as_bytes(), &[agreed.as_bytes()], &[label]),
            Some(kem) => {
                let bound = Sha256::new()
                    .chain_update(pair.turning.as_bytes())
                    .chain_update(pair.other.as_bytes())
                    .chain_update(&kem.key[..])
                    .chain_update(&kem.ciphertext[..])
                    .finalize();
                let ikm: [&[u8]; 2] = [agreed.as_bytes(), kem.shared.as_bytes()];
                hkdf::<96>(self.0.as_bytes(), &ikm, &[label, &bound])
            }
        };
        let part = |at: usize| {
            let mut bytes = [0; 32];
            bytes.copy_from_slice(&okm[at..at + 32]);
            Secret32::new(bytes)
        };
        Rooted {
            root: RootKey(part(0)),
            chain: ChainKey(part(32)),
            next_header: HeaderKey::new(part(64)),
        }
    }
}
