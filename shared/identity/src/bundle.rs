//! Prekey bundles: what a device signs so that others can begin a conversation while it is away.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::labels;
use chopar_wire::proto::identity::{Bundle, BundleBody, KemPrekey, OneTimeBody, Signed, X25519Prekey};
use prost::Message;
use prost::bytes::Bytes;

use crate::SUITE;
use crate::device::DeviceKeys;
use crate::keys::{KemPublic1024, KeyError, X25519Public};
use crate::signed::{SIGNATURE_LEN, signing_input, verify};

/// A signed body in bytes: one ML-KEM-1024 key and room for what is around it.
pub const MAX_BUNDLE_BODY: usize = 4 * 1024;

/// Why a bundle, or a part of one, was refused. Whoever served it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Longer than any can be.
    #[error("the bundle is too large")]
    TooLarge,
    /// Not an encoded body, or a field of the wrong size.
    #[error("the bundle is malformed")]
    Malformed,
    /// The device did not sign this.
    #[error("the bundle's signature does not verify")]
    BadSignature,
    /// A suite this version does not know.
    #[error("the bundle has the unknown suite {0}")]
    UnknownSuite(u32),
    /// Signed, but about another account or device.
    #[error("the bundle belongs to another device")]
    OtherDevice,
    /// A part that must be there is missing.
    #[error("the bundle has no {0}")]
    Missing(&'static str),
    /// A public key in it is none.
    #[error("the bundle holds a bad key: {0}")]
    Key(#[from] KeyError),
}

/// An X25519 prekey with the number its private half is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcPrekey {
    /// Chosen by the device, unique among its prekeys of this kind.
    pub id: u32,
    /// The public half.
    pub public: X25519Public,
}

/// An ML-KEM-1024 prekey with the number its private half is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PqPrekey {
    /// Chosen by the device, unique among its prekeys of this kind.
    pub id: u32,
    /// The public half.
    pub public: KemPublic1024,
}

/// The long-lived parts of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleBase {
    /// Whose device it is.
    pub account: AccountId,
    /// The device that signs.
    pub device: DeviceId,
    /// Rises with every new base; an initiator refuses one lower than it has seen.
    pub sequence: u64,
    /// Milliseconds since 1970, by the device's clock.
    pub time: u64,
    /// Also the device's first ratchet key in a session with who uses it.
    pub signed_prekey: EcPrekey,
    /// What first messages are sealed to.
    pub sealing_key: EcPrekey,
    /// Serves where no one-time pair is left.
    pub last_resort: PqPrekey,
}

/// One pair for one handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimePair {
    /// Chosen by the device, unique among its pairs.
    pub id: u32,
    /// The classical half.
    pub x25519: X25519Public,
    /// The post-quantum half.
    pub kem: KemPublic1024,
}

/// A bundle whose every part is signed by the device that the account log names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBundle {
    base: BundleBase,
    one_time: Option<OneTimePair>,
}

impl VerifiedBundle {
    /// Verifies a bundle of `account`'s device with `keys`, which come from the verified log.
    ///
    /// # Errors
    /// [`BundleError`], for the base and for a one-time pair if there is one.
    pub fn verify(account: &AccountId, keys: &DeviceKeys, bundle: &Bundle) -> Result<Self, BundleError> {
        let base = bundle.base.as_ref().ok_or(BundleError::Missing("base"))?;
        let base = verify_base(account, keys, base)?;
        let one_time = bundle
            .one_time
            .as_ref()
            .map(|pair| verify_one_time(keys, pair))
            .transpose()?;
        Ok(Self { base, one_time })
    }

    /// The long-lived parts.
    pub fn base(&self) -> &BundleBase {
        &self.base
    }

    /// The one-time pair, absent where the pool was empty.
    pub fn one_time(&self) -> Option<&OneTimePair> {
        self.one_time.as_ref()
    }
}

impl BundleBase {
    /// The body to be signed by the device.
    pub fn body(&self) -> Vec<u8> {
        let prekey = |key: &EcPrekey| X25519Prekey {
            id: key.id,
            public: key.public.as_bytes().to_vec().into(),
        };
        BundleBody {
            suite: SUITE,
            account: self.account.into(),
            device: self.device.into(),
            sequence: self.sequence,
            time: self.time,
            signed_prekey: Some(prekey(&self.signed_prekey)),
            sealing_key: Some(prekey(&self.sealing_key)),
            last_resort: Some(KemPrekey {
                id: self.last_resort.id,
                public: self.last_resort.public.as_bytes().to_vec().into(),
            }),
        }
        .encode_to_vec()
    }

    /// The bytes a signer signs over a body of this kind.
    pub fn signing_input(body: &[u8]) -> Vec<u8> {
        signing_input(labels::BUNDLE, body)
    }
}

impl OneTimePair {
    /// The body to be signed by `device`.
    pub fn body(&self, device: &DeviceId) -> Vec<u8> {
        OneTimeBody {
            suite: SUITE,
            device: (*device).into(),
            id: self.id,
            x25519: self.x25519.as_bytes().to_vec().into(),
            kem: self.kem.as_bytes().to_vec().into(),
        }
        .encode_to_vec()
    }

    /// The bytes a signer signs over a body of this kind.
    pub fn signing_input(body: &[u8]) -> Vec<u8> {
        signing_input(labels::ONE_TIME, body)
    }
}

/// A body with its signature, as it travels.
pub fn signed(body: Vec<u8>, signature: [u8; SIGNATURE_LEN]) -> Signed {
    Signed {
        body: body.into(),
        signature: signature.to_vec().into(),
    }
}

/// Verifies the long-lived parts alone: what a relay does when a device publishes them.
///
/// # Errors
/// [`BundleError`].
pub fn verify_base(
    account: &AccountId,
    keys: &DeviceKeys,
    signed: &Signed,
) -> Result<BundleBase, BundleError> {
    let body =
        BundleBody::decode(authentic(labels::BUNDLE, keys, signed)?).map_err(|_| BundleError::Malformed)?;
    if body.suite != SUITE {
        return Err(BundleError::UnknownSuite(body.suite));
    }
    let device = keys.device_id();
    if body.account.as_ref() != account.as_bytes() || body.device.as_ref() != device.as_bytes() {
        return Err(BundleError::OtherDevice);
    }
    let prekey = |key: Option<X25519Prekey>, what| -> Result<EcPrekey, BundleError> {
        let key = key.ok_or(BundleError::Missing(what))?;
        Ok(EcPrekey {
            id: key.id,
            public: X25519Public::parse(&key.public)?,
        })
    };
    let last_resort = body.last_resort.ok_or(BundleError::Missing("last-resort key"))?;
    Ok(BundleBase {
        account: *account,
        device,
        sequence: body.sequence,
        time: body.time,
        signed_prekey: prekey(body.signed_prekey, "signed prekey")?,
        sealing_key: prekey(body.sealing_key, "sealing key")?,
        last_resort: PqPrekey {
            id: last_resort.id,
            public: KemPublic1024::parse(&last_resort.public)?,
        },
    })
}

/// Verifies one one-time pair alone: what a relay does when a device uploads it.
///
/// # Errors
/// [`BundleError`].
pub fn verify_one_time(keys: &DeviceKeys, signed: &Signed) -> Result<OneTimePair, BundleError> {
    let body = OneTimeBody::decode(authentic(labels::ONE_TIME, keys, signed)?)
        .map_err(|_| BundleError::Malformed)?;
    if body.suite != SUITE {
        return Err(BundleError::UnknownSuite(body.suite));
    }
    if body.device.as_ref() != keys.device_id().as_bytes() {
        return Err(BundleError::OtherDevice);
    }
    Ok(OneTimePair {
        id: body.id,
        x25519: X25519Public::parse(&body.x25519)?,
        kem: KemPublic1024::parse(&body.kem)?,
    })
}

/// The body, once its signature verified: nothing is decoded that the device did not sign.
fn authentic(label: &str, keys: &DeviceKeys, signed: &Signed) -> Result<Bytes, BundleError> {
    if signed.body.len() > MAX_BUNDLE_BODY {
        return Err(BundleError::TooLarge);
    }
    verify(label, &signed.body, &signed.signature, &keys.signing).map_err(|_| BundleError::BadSignature)?;
    Ok(signed.body.clone())
}

#[cfg(test)]
mod tests;
