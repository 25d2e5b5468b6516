//! What the nodes of one organisation say to each other, and to whom. The store stays the record: a note that is lost costs
//! time, never a message.

use std::sync::Arc;

use chopar_wire::close::CloseCode;
use chopar_wire::ids::{AccountId, DeviceId};
use prost::bytes::{Buf, BufMut, Bytes};

/// From one node to all the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Something waits in this device's queue.
    Waiting(DeviceId),
    /// The device has a connection of this number: one of a lower number goes.
    Entered { device: DeviceId, connection: u64 },
    /// The device's connection is to be closed.
    Close { device: DeviceId, code: CloseCode },
    /// One-time pairs left after a claim.
    OneTimeLow { device: DeviceId, left: u16 },
    /// A signal for a device of an account.
    Signal {
        account: AccountId,
        device: DeviceId,
        body: Bytes,
    },
    /// Somebody was away and asks everybody to name the devices they have.
    WhoIsThere,
}

/// The way to the other nodes.
pub(crate) trait Others: Send + Sync + 'static {
    /// Passes a note on soon; it may be lost.
    fn tell(&self, note: Note);
}

/// The connections of this node, as the store and the other nodes see them.
pub(crate) trait Here: Send + Sync + 'static {
    /// Something waits in the device's queue; it is read there.
    fn waiting(&self, device: &DeviceId);
    /// Takes a note from another node.
    fn hear(&self, note: Note);
    /// The devices connected here, each with the number of its connection.
    fn devices(&self) -> Vec<(DeviceId, u64)>;
}

/// A relay that is alone.
pub(crate) struct Nobody;

impl Others for Nobody {
    fn tell(&self, _note: Note) {}
}

impl Here for Nobody {
    fn waiting(&self, _device: &DeviceId) {}
    fn hear(&self, _note: Note) {}
    fn devices(&self) -> Vec<(DeviceId, u64)> {
        Vec::new()
    }
}

/// The way to nobody.
pub(crate) fn nobody() -> Arc<dyn Others> {
    Arc::new(Nobody)
}

impl Note {
    /// Appends the note to a message of several.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Waiting(device) => {
                out.put_u8(1);
                out.put_slice(device.as_bytes());
            }
            Self::Entered { device, connection } => {
                out.put_u8(2);
                out.put_slice(device.as_bytes());
                out.put_u64(*connection);
            }
            Self::Close { device, code } => {
                out.put_u8(3);
                out.put_slice(device.as_bytes());
                out.put_u16(code.code());
            }
            Self::OneTimeLow { device, left } => {
                out.put_u8(4);
                out.put_slice(device.as_bytes());
                out.put_u16(*left);
            }
            Self::Signal {
                account,
                device,
                body,
            } => {
                out.put_u8(5);
                out.put_slice(account.as_bytes());
                out.put_slice(device.as_bytes());
                out.put_u16(u16::try_from(body.len()).unwrap_or(u16::MAX));
                out.put_slice(&body[..body.len().min(usize::from(u16::MAX))]);
            }
            Self::WhoIsThere => out.put_u8(6),
        }
    }

    /// Takes the next note off a message; `None` at its end, and where a newer node says something unknown.
    pub(crate) fn read(from: &mut Bytes) -> Option<Self> {
        Some(match from.try_get_u8().ok()? {
            1 => Self::Waiting(device(from)?),
            2 => Self::Entered {
                device: device(from)?,
                connection: from.try_get_u64().ok()?,
            },
            3 => Self::Close {
                device: device(from)?,
                code: CloseCode::from_code(from.try_get_u16().ok()?)?,
            },
            4 => Self::OneTimeLow {
                device: device(from)?,
                left: from.try_get_u16().ok()?,
            },
            5 => {
                let account = AccountId::new(array(from)?);
                let device = device(from)?;
                let length = usize::from(from.try_get_u16().ok()?);
                if from.len() < length {
                    return None;
                }
                let body = from.split_to(length);
                Self::Signal {
                    account,
                    device,
                    body,
                }
            }
            6 => Self::WhoIsThere,
            _ => return None,
        })
    }
}

fn device(from: &mut Bytes) -> Option<DeviceId> {
    array(from).map(DeviceId::new)
}

fn array<const N: usize>(from: &mut Bytes) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    from.try_copy_to_slice(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_read_back_and_halves_of_them_do_not() {
        let device = DeviceId::new([7; 16]);
        let notes = [
            Note::Waiting(device),
            Note::Entered {
                device,
                connection: u64::MAX,
            },
            Note::Close {
                device,
                code: CloseCode::Revoked,
            },
            Note::OneTimeLow { device, left: 24 },
            Note::Signal {
                account: AccountId::new([9; 32]),
                device,
                body: Bytes::from_static(b"typing"),
            },
            Note::WhoIsThere,
        ];
        let mut message = Vec::new();
        notes.iter().for_each(|note| note.write(&mut message));
        let mut bytes = Bytes::from(message);
        let read: Vec<Note> = std::iter::from_fn(|| Note::read(&mut bytes)).collect();
        assert_eq!(read, notes);
        for note in &notes {
            let mut message = Vec::new();
            note.write(&mut message);
            for length in 0..message.len() {
                assert_eq!(Note::read(&mut Bytes::copy_from_slice(&message[..length])), None);
            }
        }
        assert_eq!(Note::read(&mut Bytes::from_static(&[99, 1, 2])), None);
    }
}
