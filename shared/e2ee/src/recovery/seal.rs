//! Sealing to the recovery key: a fresh key that only whoever has the recovery key finds again.
//!
//! ```text
//! ikm    X25519(ephemeral, recovery X25519) ‖ ML-KEM-1024 secret
//! info   label ‖ 05 ‖ ephemeral ‖ 05 ‖ recovery X25519 ‖ 0a ‖ recovery ML-KEM key ‖ ciphertext ‖ context
//! key    HKDF-SHA256(no salt, ikm, info), 32 bytes
//! ```
//! Both halves must fall for the key to fall, and every public input is bound. The key serves once: it is fresh each time.

use chopar_identity::{RecoveryKeys, X25519Public};
use hkdf::HkdfExtract;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroize;

use crate::keys::{Agreed, KemCiphertext1024, NonContributory, Secret32, X25519Secret, encapsulate};
use crate::labels;
use crate::recovery::account::RecoverySealSecret;

/// What lies beside what was sealed: the ephemeral key and the ML-KEM ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryEncapsulation {
    ephemeral: X25519Public,
    kem: KemCiphertext1024,
}

impl RecoveryEncapsulation {
    /// Length in bytes: X25519 32 ‖ ML-KEM-1024 ciphertext 1568.
    pub const LEN: usize = 32 + KemCiphertext1024::LEN;

    /// Takes the bytes; `None` for another length or an ephemeral key of low order.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (ephemeral, kem) = bytes.split_first_chunk::<32>()?;
        Some(Self {
            ephemeral: X25519Public::parse(ephemeral).ok()?,
            kem: KemCiphertext1024::parse(kem)?,
        })
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.ephemeral.as_bytes(), self.kem.as_bytes()].concat()
    }

    fn key(&self, to: &RecoveryKeys, agreed: &Agreed, kem: &Secret32, context: &[u8]) -> Secret32 {
        let mut extract = HkdfExtract::<Sha256>::new(None);
        extract.input_ikm(agreed.as_bytes());
        extract.input_ikm(kem.as_bytes());
        let (mut prk, expand) = extract.finalize();
        prk.as_mut_slice().zeroize();
        let info: [&[u8]; 9] = [
            labels::RECOVERY_SEAL,
            &[0x05],
            self.ephemeral.as_bytes(),
            &[0x05],
            to.x25519.as_bytes(),
            &[0x0a],
            to.kem.as_bytes(),
            self.kem.as_bytes(),
            context,
        ];
        let mut out = [0; 32];
        let Ok(()) = expand.expand_multi_info(&info, &mut out) else {
            unreachable!("32 bytes are within HKDF-SHA256's 8160")
        };
        let key = Secret32::new(out);
        out.zeroize();
        key
    }
}

/// Makes a fresh key for whoever has the recovery key of these public halves. `context` says what it is for, label included.
///
/// # Errors
/// Where the recovery key's classical half has low order.
pub fn seal_to_recovery(
    to: &RecoveryKeys,
    context: &[u8],
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<(RecoveryEncapsulation, Secret32), NonContributory> {
    let ephemeral = X25519Secret::random(rng);
    let agreed = ephemeral.agree(&to.x25519)?;
    let (ciphertext, secret) = encapsulate(&to.kem, rng);
    let encapsulation = RecoveryEncapsulation {
        ephemeral: ephemeral.public(),
        kem: ciphertext,
    };
    let key = encapsulation.key(to, &agreed, &secret, context);
    Ok((encapsulation, key))
}

impl RecoverySealSecret {
    /// The key again. Another recovery key finds another key: only what was sealed with it tells.
    ///
    /// # Errors
    /// Where the ephemeral key contributes nothing.
    pub fn unseal(
        &self,
        encapsulation: &RecoveryEncapsulation,
        context: &[u8],
    ) -> Result<Secret32, NonContributory> {
        let agreed = self.x25519.agree(&encapsulation.ephemeral)?;
        let (secret, public) = self.kem.decapsulate_with_public(&encapsulation.kem);
        let own = RecoveryKeys {
            x25519: self.x25519.public(),
            kem: public,
        };
        Ok(encapsulation.key(&own, &agreed, &secret, context))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::recovery::RecoveryKey;

    /// P-262.
    #[test]
    fn only_the_recovery_key_finds_the_key_again_and_every_public_input_matters() {
        let mut rng = ChaCha20Rng::seed_from_u64(262);
        let (own, other) = (RecoveryKey::random(&mut rng), RecoveryKey::random(&mut rng));
        let (own, other) = (own.account(), other.account());
        let (sealed, key) = seal_to_recovery(&own.recovery_keys(), b"context", &mut rng).unwrap();
        let bytes = sealed.to_bytes();
        assert_eq!(bytes.len(), RecoveryEncapsulation::LEN);
        let sealed = RecoveryEncapsulation::parse(&bytes).unwrap();
        assert_eq!(own.seal_secret().unseal(&sealed, b"context").unwrap(), key);
        assert_ne!(own.seal_secret().unseal(&sealed, b"another").unwrap(), key);
        assert_ne!(other.seal_secret().unseal(&sealed, b"context").unwrap(), key);
        for at in [0, 31, 32, 900, bytes.len() - 1] {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let found = RecoveryEncapsulation::parse(&altered)
                .and_then(|sealed| own.seal_secret().unseal(&sealed, b"context").ok());
            assert!(found.is_none_or(|found| found != key), "byte {at}");
        }
        assert!(RecoveryEncapsulation::parse(&bytes[1..]).is_none());
        let (_, again) = seal_to_recovery(&own.recovery_keys(), b"context", &mut rng).unwrap();
        assert_ne!(again, key);
    }
}
