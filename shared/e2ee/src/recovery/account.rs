//! What follows from the recovery key: in memory only during creation, recovery and replacement.

use chopar_identity::{Ed25519Public, RecoveryKeys, SIGNATURE_LEN, account_id};
use chopar_wire::ids::AccountId;
use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::keys::{KemSecret1024, X25519Secret};
use crate::labels;

/// The account's own secrets. Dropped, and so wiped, as soon as what needed them is signed.
pub struct AccountSecrets {
    signing: SigningKey,
    seal: RecoverySealSecret,
}

/// The private halves of the recovery seal key: backups are sealed to both.
#[derive(Debug)]
pub struct RecoverySealSecret {
    /// The classical half.
    pub x25519: X25519Secret,
    /// The post-quantum half.
    pub kem: KemSecret1024,
}

impl AccountSecrets {
    pub(super) fn derive(secret: &[u8; 20]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, secret);
        Self {
            signing: SigningKey::from_bytes(&expand(&hkdf, labels::RECOVERY_ACCOUNT)),
            seal: RecoverySealSecret {
                x25519: X25519Secret::from_bytes(*expand(&hkdf, labels::RECOVERY_SEAL_X25519)),
                kem: KemSecret1024::from_seed(*expand(&hkdf, labels::RECOVERY_SEAL_KEM)),
            },
        }
    }

    /// The account public key.
    pub fn account_key(&self) -> Ed25519Public {
        match Ed25519Public::parse(self.signing.verifying_key().as_bytes()) {
            Ok(key) => key,
            Err(_) => unreachable!("a clamped multiple of the base point is a key of full order"),
        }
    }

    /// The id of the account that this key creates. After a replacement the account keeps the id of its first key.
    pub fn created_account(&self) -> AccountId {
        account_id(&self.account_key())
    }

    /// Signs the bytes of [`chopar_identity::signing_input`].
    pub fn sign(&self, signing_input: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.signing.sign(signing_input).to_bytes()
    }

    /// The public halves of the recovery seal key, for the account log.
    pub fn recovery_keys(&self) -> RecoveryKeys {
        RecoveryKeys {
            x25519: self.seal.x25519.public(),
            kem: self.seal.kem.public(),
        }
    }

    /// The private halves of the recovery seal key, for opening a backup.
    pub fn seal_secret(&self) -> &RecoverySealSecret {
        &self.seal
    }
}

impl core::fmt::Debug for AccountSecrets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AccountSecrets(…)")
    }
}

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, label: &[u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    if hkdf.expand(label, out.as_mut()).is_err() {
        unreachable!("at most 64 bytes are within HKDF-SHA256's 8160");
    }
    out
}

#[cfg(test)]
mod tests {
    use chopar_identity::{signing_input, verify};

    use super::*;

    #[test]
    fn the_same_key_gives_the_same_account_and_another_another() {
        let (a, again, b) = (
            AccountSecrets::derive(&[1; 20]),
            AccountSecrets::derive(&[1; 20]),
            AccountSecrets::derive(&[2; 20]),
        );
        assert_eq!(a.account_key(), again.account_key());
        assert_eq!(a.recovery_keys(), again.recovery_keys());
        assert_ne!(a.created_account(), b.created_account());
        assert_ne!(a.recovery_keys().kem, b.recovery_keys().kem);
        assert_ne!(a.recovery_keys().x25519, b.recovery_keys().x25519);
        let signature = a.sign(&signing_input("l", b"body"));
        assert_eq!(verify("l", b"body", &signature, &a.account_key()), Ok(()));
    }

    /// Pinned: a key on paper must open the account in ten years.
    /// P-011.
    #[test]
    fn the_derivation_never_changes() {
        let account = AccountSecrets::derive(&[1; 20]);
        assert_eq!(
            account.created_account().to_string(),
            "f45526ace3d6041225ad5351539190b10ae8c0747634779687d02102a9561d94"
        );
        assert_eq!(
            hex::encode(account.recovery_keys().x25519.as_bytes()),
            "eef0a94b0eefa33a6dad4ba2a08f41d95dfd0fdb17f2da614edccb2ce9440b5b"
        );
    }
}
