//! Ids that nobody can claim without the keys behind them.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::{labels, proto};
use sha2::{Digest, Sha256};

use crate::keys::{Ed25519Public, KeyError, X25519Public};

/// The account id that belongs to an account's first key: SHA-256 of its 32 bytes.
pub fn account_id(first_account_key: &Ed25519Public) -> AccountId {
    AccountId::new(Sha256::digest(first_account_key.as_bytes()).into())
}

/// The two identity keys of a device, as the account log records them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceKeys {
    /// Signs bundles, log entries and sign-ins.
    pub signing: Ed25519Public,
    /// Identity key of the handshake.
    pub agreement: X25519Public,
}

impl DeviceKeys {
    /// The id that binds both keys: the first 16 bytes of SHA-256(label ‖ enc(Ed25519) ‖ enc(X25519)).
    pub fn device_id(&self) -> DeviceId {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(labels::DEVICE_ID)
            .chain_update(self.signing.enc())
            .chain_update(self.agreement.enc())
            .finalize()
            .into();
        let mut id = [0; DeviceId::LEN];
        id.copy_from_slice(&digest[..DeviceId::LEN]);
        DeviceId::new(id)
    }
}

impl TryFrom<&proto::identity::DeviceKeys> for DeviceKeys {
    type Error = KeyError;

    fn try_from(keys: &proto::identity::DeviceKeys) -> Result<Self, KeyError> {
        Ok(Self {
            signing: Ed25519Public::parse(&keys.signing)?,
            agreement: X25519Public::parse(&keys.agreement)?,
        })
    }
}

impl From<&DeviceKeys> for proto::identity::DeviceKeys {
    fn from(keys: &DeviceKeys) -> Self {
        Self {
            signing: keys.signing.as_bytes().to_vec().into(),
            agreement: keys.agreement.as_bytes().to_vec().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    #[test]
    fn a_device_id_binds_both_keys() {
        let signing = |seed| {
            Ed25519Public::parse(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes()).unwrap()
        };
        let agreement = |byte| X25519Public::parse(&[byte; 32]).unwrap();
        let keys = DeviceKeys {
            signing: signing(1),
            agreement: agreement(9),
        };
        let id = keys.device_id();
        assert_ne!(
            id,
            DeviceKeys {
                agreement: agreement(10),
                ..keys
            }
            .device_id()
        );
        assert_ne!(
            id,
            DeviceKeys {
                signing: signing(2),
                ..keys
            }
            .device_id()
        );
        assert_eq!(
            DeviceKeys::try_from(&proto::identity::DeviceKeys::from(&keys)),
            Ok(keys)
        );
    }
}
