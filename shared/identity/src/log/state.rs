//! What a log says at its head, and how an entry changes it.

use std::collections::HashSet;

use chopar_wire::ids::DeviceId;

use crate::device::DeviceKeys;
use crate::keys::{Ed25519Public, KemPublic1024, X25519Public};
use crate::log::entry::{Act, ParsedEntry, Signer};
use crate::name::DeviceName;

/// An active device of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its id, bound to its keys.
    pub id: DeviceId,
    /// Its identity keys.
    pub keys: DeviceKeys,
    /// What its owner calls it.
    pub name: DeviceName,
    /// When it was added: milliseconds since 1970, by the claim of who signed.
    pub added: u64,
}

/// The public half of the recovery seal key: backups are sealed to both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryKeys {
    /// The classical half.
    pub x25519: X25519Public,
    /// The post-quantum half.
    pub kem: KemPublic1024,
}

/// What one entry changed, for the people concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChange {
    /// The entry's position.
    pub position: u32,
    /// Milliseconds since 1970, by the claim of who signed.
    pub time: u64,
    /// Who let it happen (not the new device's or new key's own signature).
    pub by: Signer,
    /// What happened.
    pub change: Change,
}

/// The kinds of change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The account came to be.
    Created,
    /// A device may now read and write for the account.
    DeviceAdded(Device),
    /// A device may no longer. What it was when it was active.
    DeviceRevoked(Device),
    /// A device is called otherwise.
    DeviceRenamed {
        /// Which one.
        device: DeviceId,
        /// What it was called.
        from: DeviceName,
        /// What it is called now.
        to: DeviceName,
    },
    /// The account key was replaced: the safety number changes.
    AccountKeyReplaced {
        /// The key before.
        from: Ed25519Public,
        /// The key from now on.
        to: Ed25519Public,
    },
    /// The account's owner declared this chain the one that stays.
    ForkResolved,
}

/// The state after some number of entries.
#[derive(Clone)]
pub(super) struct State {
    /// Every account key so far; the last is in force.
    pub(super) account_keys: Vec<Ed25519Public>,
    pub(super) recovery: RecoveryKeys,
    /// In the order of their addition.
    pub(super) active: Vec<Device>,
    pub(super) revoked: HashSet<DeviceId>,
}

impl State {
    pub(super) fn created(account_key: Ed25519Public, recovery: RecoveryKeys) -> Self {
        Self {
            account_keys: vec![account_key],
            recovery,
            active: Vec::new(),
            revoked: HashSet::new(),
        }
    }

    /// The account key in force.
    pub(super) fn account_key(&self) -> &Ed25519Public {
        match self.account_keys.last() {
            Some(key) => key,
            None => unreachable!("a state begins with the key of its create entry"),
        }
    }

    pub(super) fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.active.iter().find(|d| d.id == *id)
    }

    /// Applies an entry that [`super::rules`] has checked against this very state.
    pub(super) fn apply(&mut self, entry: &ParsedEntry) -> Option<Change> {
        Some(match &entry.act {
            Act::Create { .. } => Change::Created,
            Act::AddDevice { keys, name } => {
                let device = Device {
                    id: keys.device_id(),
                    keys: *keys,
                    name: name.clone(),
                    added: entry.time,
                };
                self.active.push(device.clone());
                Change::DeviceAdded(device)
            }
            Act::RevokeDevice { device } => {
                let index = self.active.iter().position(|d| d.id == *device)?;
                self.revoked.insert(*device);
                Change::DeviceRevoked(self.active.remove(index))
            }
            Act::RenameDevice { device, name } => {
                let known = self.active.iter_mut().find(|d| d.id == *device)?;
                let from = std::mem::replace(&mut known.name, name.clone());
                Change::DeviceRenamed {
                    device: *device,
                    from,
                    to: name.clone(),
                }
            }
            Act::ReplaceAccountKey {
                account_key,
                recovery,
            } => {
                let from = *self.account_key();
                self.account_keys.push(*account_key);
                self.recovery = recovery.clone();
                Change::AccountKeyReplaced {
                    from,
                    to: *account_key,
                }
            }
            Act::ResolveFork { .. } => Change::ForkResolved,
        })
    }
}
