//! What account logs do to the relay's devices. Verification is `chopar-identity`'s; this turns its results into rows.

use chopar_identity::log::entry_hash;
use chopar_identity::{
    AccountLog, Change, Device, DeviceKeys, Ed25519Public, KeyError, LogChange, X25519Public,
};
use chopar_wire::ids::DeviceId;
use chopar_wire::proto::identity::Entry;
use prost::Message;

use crate::store::{DevicePublics, Head, LogEntry, NewDevice};

/// A verified entry as it is stored.
pub(crate) fn log_entry(entry: &Entry) -> LogEntry {
    LogEntry {
        encoded: entry.encode_to_vec().into(),
        hash: entry_hash(entry),
    }
}

/// A verified log's head as it is stored.
pub(crate) fn head(log: &AccountLog) -> Head {
    let head = log.head();
    Head {
        length: head.length,
        hash: head.hash,
    }
}

/// A device of a verified log as it is stored.
pub(crate) fn new_device(device: &Device) -> NewDevice {
    let keys = DevicePublics {
        signing: *device.keys.signing.as_bytes(),
        agreement: *device.keys.agreement.as_bytes(),
    };
    NewDevice { id: device.id, keys }
}

/// The stored keys as keys.
pub(crate) fn keys(stored: &DevicePublics) -> Result<DeviceKeys, KeyError> {
    Ok(DeviceKeys {
        signing: Ed25519Public::parse(&stored.signing)?,
        agreement: X25519Public::parse(&stored.agreement)?,
    })
}

/// Devices that changes let in and ended, in their order.
pub(crate) fn effects(changes: &[LogChange]) -> (Vec<NewDevice>, Vec<DeviceId>) {
    let mut added = Vec::new();
    let mut removed = Vec::new();
    for change in changes {
        match &change.change {
            Change::DeviceAdded(device) => added.push(new_device(device)),
            Change::DeviceRevoked(device) => removed.push(device.id),
            _ => {}
        }
    }
    (added, removed)
}
