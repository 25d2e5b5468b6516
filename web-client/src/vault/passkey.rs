//! The passkey's slot: what WebAuthn's PRF extension answers to a salt becomes a key.

use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::VaultError;
use super::header::Header;
use super::keys::{DataKey, expand};
use super::slot::SecretSlot;
use crate::port::Passkey;

const LABEL: &[u8] = b"Chopar v1 vault-slot-passkey";
const KEY: &[u8] = b"Chopar v1 vault-passkey-key";

/// WebAuthn's own bound for a credential id.
const MAX_CREDENTIAL: usize = 1023;

/// Makes the slot.
pub(super) fn seal(
    passkey: &Passkey,
    answer: &[u8; 32],
    data_key: &DataKey,
    header: &Header,
    rng: &mut impl CryptoRng,
) -> Result<SecretSlot, VaultError> {
    let head = head(passkey).ok_or(VaultError::Damaged)?;
    SecretSlot::seal(LABEL, head, &key(answer), data_key, header, rng)
}

/// The data key; `None` where the answer is not the one.
pub(super) fn open(slot: &SecretSlot, answer: &[u8; 32], header: &Header) -> Option<DataKey> {
    slot.open(LABEL, &key(answer), header)
}

/// Which passkey opens the slot.
pub(super) fn asked_for(slot: &SecretSlot) -> Option<Passkey> {
    let (salt, rest) = slot.head.split_first_chunk::<32>()?;
    let (length, credential) = rest.split_first_chunk::<2>()?;
    (usize::from(u16::from_be_bytes(*length)) == credential.len()).then(|| Passkey {
        credential: credential.to_vec(),
        salt: *salt,
    })
}

/// `PRF salt 32 ‖ length u16 ‖ credential id`.
fn head(passkey: &Passkey) -> Option<Vec<u8>> {
    let length = u16::try_from(passkey.credential.len()).ok()?;
    (usize::from(length) <= MAX_CREDENTIAL)
        .then(|| [&passkey.salt[..], &length.to_be_bytes(), &passkey.credential].concat())
}

fn key(answer: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    expand(&Hkdf::<Sha256>::new(None, answer), KEY, &mut key);
    key
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::vault::slot::tests::header;

    /// P-260.
    #[test]
    fn a_passkey_opens_its_slot_and_the_slot_names_it() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let data_key = DataKey::generate(&mut rng);
        let passkey = Passkey {
            credential: vec![5; 64],
            salt: [6; 32],
        };
        let slot = seal(&passkey, &[7; 32], &data_key, &header(1), &mut rng).unwrap();
        assert_eq!(asked_for(&slot), Some(passkey.clone()));
        assert_eq!(
            open(&slot, &[7; 32], &header(1)).unwrap().expose(),
            data_key.expose()
        );
        assert!(open(&slot, &[8; 32], &header(1)).is_none());
        let long = Passkey {
            credential: vec![0; MAX_CREDENTIAL + 1],
            ..passkey
        };
        assert!(seal(&long, &[7; 32], &data_key, &header(1), &mut rng).is_err());
    }
}
