//! The recovery key's slot: whoever forgot the passphrase or lost the passkey still has what they wrote down.

use chopar_e2ee::recovery::{RecoveryEncapsulation, RecoveryKey, seal_to_recovery};
use chopar_identity::RecoveryKeys;
use rand_core::CryptoRng;

use super::VaultError;
use super::header::Header;
use super::keys::DataKey;
use super::slot::SecretSlot;

const LABEL: &[u8] = b"Chopar v1 vault-slot-recovery";

/// Makes the slot, for whoever has the recovery key of these public halves.
pub(super) fn seal(
    to: &RecoveryKeys,
    data_key: &DataKey,
    header: &Header,
    rng: &mut impl CryptoRng,
) -> Result<SecretSlot, VaultError> {
    let (encapsulation, key) = seal_to_recovery(to, LABEL, rng).map_err(|_| VaultError::Damaged)?;
    SecretSlot::seal(
        LABEL,
        encapsulation.to_bytes(),
        key.as_bytes(),
        data_key,
        header,
        rng,
    )
}

/// Whether what was typed is a recovery key at all, of whatever account: everything else is a slip of the finger.
pub(super) fn is_key(typed: &str) -> bool {
    RecoveryKey::parse(typed).is_ok()
}

/// Whether the slot's head is one that a recovery key can be tried against.
pub(super) fn is_whole(slot: &SecretSlot) -> bool {
    RecoveryEncapsulation::parse(&slot.head).is_some()
}

/// The data key; `None` where what was typed is no recovery key, or not this account's.
pub(super) fn open(slot: &SecretSlot, typed: &str, header: &Header) -> Option<DataKey> {
    let encapsulation = RecoveryEncapsulation::parse(&slot.head)?;
    let secrets = RecoveryKey::parse(typed).ok()?.account();
    let key = secrets.seal_secret().unseal(&encapsulation, LABEL).ok()?;
    slot.open(LABEL, key.as_bytes(), header)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::vault::slot::tests::header;

    /// P-260, P-262.
    #[test]
    fn the_recovery_key_opens_its_slot_and_no_other_does() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let data_key = DataKey::generate(&mut rng);
        let (own, other) = (RecoveryKey::random(&mut rng), RecoveryKey::random(&mut rng));
        let typed = |key: &RecoveryKey| {
            key.groups()
                .iter()
                .map(|group| group.as_str().to_lowercase())
                .collect::<Vec<String>>()
                .join("-")
        };
        let slot = seal(&own.account().recovery_keys(), &data_key, &header(1), &mut rng).unwrap();
        let slot = SecretSlot::parse(&slot.to_bytes()).unwrap();
        assert_eq!(
            open(&slot, &typed(&own), &header(1)).unwrap().expose(),
            data_key.expose()
        );
        assert!(is_whole(&slot) && is_key(&typed(&own)) && is_key(&typed(&other)));
        assert!(!is_key("") && !is_key(&typed(&own)[1..]));
        for wrong in [typed(&other), String::new(), typed(&own)[1..].to_owned()] {
            assert!(open(&slot, &wrong, &header(1)).is_none());
        }
    }
}
