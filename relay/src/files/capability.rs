//! Capabilities: short-lived words of the relay's, which it alone can make and verify. Nothing is written down for them, and
//! every node of an organisation knows them by the same key.

use chopar_wire::ids::{AccountId, DeviceId, FileId};
use chopar_wire::labels::FILE_CAPABILITY;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What its holder may do with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    Upload = 1,
    Fetch = 2,
}

/// Who may do what with which file until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capability {
    pub(crate) may: May,
    pub(crate) file: FileId,
    /// To whom it was given, when signed in.
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) expires: u64,
}

/// Bytes are no capability of this relay's, or one whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoCapability {
    Forged,
    Expired,
}

/// Makes and verifies capabilities. No `Debug`: it opens every file's bytes.
pub(crate) struct Key(Hmac<Sha256>);

/// May ‖ file ‖ account ‖ device ‖ expires.
const BODY: usize = 1 + FileId::LEN + AccountId::LEN + DeviceId::LEN + 8;
/// And the whole of HMAC-SHA256 over label ‖ 00 ‖ body.
const LEN: usize = BODY + 32;

impl Key {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        match Hmac::new_from_slice(bytes) {
            Ok(mac) => Self(mac),
            Err(_) => unreachable!("HMAC takes a key of any length"),
        }
    }

    pub(crate) fn seal(&self, capability: &Capability) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.push(capability.may as u8);
        bytes.extend_from_slice(capability.file.as_bytes());
        bytes.extend_from_slice(capability.account.as_bytes());
        bytes.extend_from_slice(capability.device.as_bytes());
        bytes.extend_from_slice(&capability.expires.to_be_bytes());
        let mac = self.over(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(mac.as_slice());
        bytes
    }

    /// Takes a capability as it came.
    pub(crate) fn open(&self, bytes: &[u8], now: u64) -> Result<Capability, NoCapability> {
        let forged = || NoCapability::Forged;
        let bytes: &[u8; LEN] = bytes.try_into().map_err(|_| forged())?;
        let (body, mac) = bytes.split_at(BODY);
        self.over(body).verify_slice(mac).map_err(|_| forged())?;
        let (may, rest) = body.split_first().ok_or_else(forged)?;
        let (file, rest) = rest.split_at(FileId::LEN);
        let (account, rest) = rest.split_at(AccountId::LEN);
        let (device, expires) = rest.split_at(DeviceId::LEN);
        let capability = Capability {
            may: match may {
                1 => May::Upload,
                2 => May::Fetch,
                _ => return Err(forged()),
            },
            file: FileId::try_from(file).map_err(|_| forged())?,
            account: AccountId::try_from(account).map_err(|_| forged())?,
            device: DeviceId::try_from(device).map_err(|_| forged())?,
            expires: u64::from_be_bytes(expires.try_into().map_err(|_| forged())?),
        };
        if capability.expires <= now {
            return Err(NoCapability::Expired);
        }
        Ok(capability)
    }

    fn over(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(FILE_CAPABILITY.as_bytes());
        mac.update(&[0]);
        mac.update(body);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capability() -> Capability {
        Capability {
            may: May::Fetch,
            file: FileId::new([1; 16]),
            account: AccountId::new([2; 32]),
            device: DeviceId::new([3; 16]),
            expires: 1000,
        }
    }

    /// P-330, T-122.
    #[test]
    fn only_the_relay_s_own_are_good_and_for_a_while() {
        let key = Key::new(&[7; 32]);
        let bytes = key.seal(&capability());
        assert_eq!(bytes.len(), LEN);
        assert_eq!(key.open(&bytes, 999), Ok(capability()));
        assert_eq!(key.open(&bytes, 1000), Err(NoCapability::Expired));
        assert_eq!(Key::new(&[8; 32]).open(&bytes, 0), Err(NoCapability::Forged));
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert_eq!(key.open(&altered, 0), Err(NoCapability::Forged), "{at}");
            assert_eq!(key.open(&bytes[..at], 0), Err(NoCapability::Forged), "{at}");
        }
        assert_eq!(
            key.open(&[&bytes[..], &[0]].concat(), 0),
            Err(NoCapability::Forged)
        );
    }
}
