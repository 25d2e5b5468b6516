//! The two ends of a conversation.

use chopar_identity::{AccountLog, DeviceKeys, Ed25519Public};
use chopar_wire::ids::{AccountId, DeviceId};

/// This very device. Its private identity keys are elsewhere (WebCrypto, or the native client's memory).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalDevice {
    account: AccountId,
    device: DeviceId,
    keys: DeviceKeys,
}

impl LocalDevice {
    /// The device with these keys, of this account.
    pub fn new(account: AccountId, keys: DeviceKeys) -> Self {
        Self {
            account,
            device: keys.device_id(),
            keys,
        }
    }

    /// Its account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Its id.
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// The public halves of its identity keys.
    pub fn keys(&self) -> &DeviceKeys {
        &self.keys
    }
}

/// A device that is active in an account log verified here. There is no other way to have one, so a bundle's or an
/// envelope's word about keys is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerDevice {
    account: AccountId,
    device: DeviceId,
    keys: DeviceKeys,
}

/// The account's verified log has no such active device: it gets no message and is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device is not active in its account's log")]
pub struct NotActive;

impl PeerDevice {
    /// The device of this id, as the log has it.
    ///
    /// # Errors
    /// [`NotActive`].
    pub fn from_log(log: &AccountLog, device: &DeviceId) -> Result<Self, NotActive> {
        let device = log.device(device).ok_or(NotActive)?;
        Ok(Self {
            account: *log.account(),
            device: device.id,
            keys: device.keys,
        })
    }

    /// Its account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Its id.
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Its identity keys.
    pub fn keys(&self) -> &DeviceKeys {
        &self.keys
    }

    /// What verifies its signatures.
    pub fn signing(&self) -> &Ed25519Public {
        &self.keys.signing
    }
}
