//! Slots: the data key, wrapped. Each kind is a record of its own under `slot/<kind>`; whoever opens one has the data key.
//!
//! ```text
//! slot/device      without a lock: { key, nonce, wrapped }, the key a non-extractable WebCrypto key
//! slot/passphrase  version u8 ‖ memory KiB u32 ‖ passes u32 ‖ salt 16 ‖ sealed            passphrase.rs
//! slot/passkey     version u8 ‖ PRF salt 32 ‖ length u16 ‖ credential id ‖ sealed        passkey.rs
//! slot/recovery    version u8 ‖ X25519 32 ‖ ML-KEM-1024 ciphertext 1568 ‖ sealed         recovery_slot.rs
//! sealed           nonce 12 ‖ AES-256-GCM(data key 32) ‖ tag 16
//! ```
//! The associated data of what is sealed are `label ‖ 00 ‖ canary 16 ‖ schema u32 ‖ everything before it`: a slot serves one vault,
//! and its parameters cannot be exchanged.

use aes_gcm::{AeadInOut, Aes256Gcm, Key, KeyInit, Nonce};
use js_sys::{Reflect, Uint8Array};
use rand_core::CryptoRng;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::CryptoKey;
use zeroize::Zeroizing;

use super::VaultError;
use super::header::{Header, SCHEMA};
use super::keys::DataKey;
use crate::platform::object::object;
use crate::platform::webcrypto::{NONCE, WebCrypto};

/// Where the slot of a device without a lock lies.
pub(super) const DEVICE_SLOT: &str = "slot/device";
/// Where the passphrase's lies.
pub(super) const PASSPHRASE_SLOT: &str = "slot/passphrase";
/// Where the passkey's lies.
pub(super) const PASSKEY_SLOT: &str = "slot/passkey";
/// Where the recovery key's lies.
pub(super) const RECOVERY_SLOT: &str = "slot/recovery";
/// All of them.
pub(super) const SLOTS: [&str; 4] = [DEVICE_SLOT, PASSPHRASE_SLOT, PASSKEY_SLOT, RECOVERY_SLOT];

const LABEL: &[u8] = b"Chopar v1 vault-slot-device";

/// Version of the layouts above.
const VERSION: u8 = 1;

/// Bytes of the sealed data key.
const SEALED: usize = NONCE + 32 + 16;

/// `{ key, nonce, wrapped }`: a non-extractable AES-256-GCM key, and the data key encrypted under it. A copy of the
/// profile's files is enough to use this slot on the same browser; that is what a lock is for.
pub(super) struct DeviceSlot {
    key: CryptoKey,
    nonce: [u8; NONCE],
    wrapped: Vec<u8>,
}

impl DeviceSlot {
    /// Wraps a data key under a slot key made for it. The slot key encrypts this once, so any nonce serves.
    pub(super) async fn wrap(
        crypto: &WebCrypto,
        data_key: &DataKey,
        header: &Header,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, VaultError> {
        let key = crypto.make_slot_key().await.map_err(VaultError::Crypto)?;
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let wrapped = crypto
            .encrypt(
                &key,
                &nonce,
                &associated_data(LABEL, header, &[]),
                data_key.expose(),
            )
            .await
            .map_err(VaultError::Crypto)?;
        Ok(Self { key, nonce, wrapped })
    }

    /// Unwraps the data key.
    pub(super) async fn unwrap(&self, crypto: &WebCrypto, header: &Header) -> Result<DataKey, VaultError> {
        let associated = associated_data(LABEL, header, &[]);
        let data_key = crypto
            .decrypt(&self.key, &self.nonce, &associated, &self.wrapped)
            .await
            .map_err(|_| VaultError::Damaged)?;
        DataKey::from_unwrapped(&data_key).ok_or(VaultError::Damaged)
    }

    pub(super) fn to_js(&self) -> JsValue {
        let object = object(&[
            ("key", self.key.clone().into()),
            ("nonce", Uint8Array::from(&self.nonce[..]).into()),
            ("wrapped", Uint8Array::from(&self.wrapped[..]).into()),
        ]);
        object.into()
    }

    pub(super) fn from_js(value: &JsValue) -> Option<Self> {
        let part = |name: &str| Reflect::get(value, &name.into()).ok();
        let bytes = |name: &str| Some(part(name)?.dyn_into::<Uint8Array>().ok()?.to_vec());
        Some(Self {
            key: part("key")?.dyn_into().ok()?,
            nonce: bytes("nonce")?.try_into().ok()?,
            wrapped: bytes("wrapped")?,
        })
    }
}

/// A slot that a secret opens: what the secret's kind needs to become a key (the head), and the data key sealed under that key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SecretSlot {
    /// Without the version.
    pub(super) head: Vec<u8>,
    sealed: [u8; SEALED],
}

impl SecretSlot {
    /// Seals a data key under `key`, which belongs to `head` alone.
    pub(super) fn seal(
        label: &[u8],
        head: Vec<u8>,
        key: &[u8; 32],
        data_key: &DataKey,
        header: &Header,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, VaultError> {
        let mut sealed = [0; SEALED];
        let (nonce, body) = sealed.split_at_mut(NONCE);
        rng.fill_bytes(nonce);
        let (plain, tag) = body.split_at_mut(32);
        plain.copy_from_slice(data_key.expose());
        let made = cipher(key)
            .encrypt_inout_detached(&at(nonce), &associated_data(label, header, &head), plain.into())
            .map_err(|_| VaultError::Damaged)?;
        tag.copy_from_slice(&made);
        Ok(Self { head, sealed })
    }

    /// The data key; `None` where `key` is not the one.
    pub(super) fn open(&self, label: &[u8], key: &[u8; 32], header: &Header) -> Option<DataKey> {
        let (nonce, body) = self.sealed.split_at(NONCE);
        let (sealed, tag) = body.split_at(32);
        let mut plain = Zeroizing::new(sealed.to_vec());
        let tag: [u8; 16] = tag.try_into().ok()?;
        cipher(key)
            .decrypt_inout_detached(
                &at(nonce),
                &associated_data(label, header, &self.head),
                plain.as_mut_slice().into(),
                &tag.into(),
            )
            .ok()?;
        DataKey::from_unwrapped(&plain)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&[VERSION], self.head.as_slice(), &self.sealed].concat()
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (head, sealed) = rest.split_last_chunk::<SEALED>()?;
        (*version == VERSION).then(|| Self {
            head: head.to_vec(),
            sealed: *sealed,
        })
    }
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(<&Key<Aes256Gcm>>::from(key))
}

fn at(nonce: &[u8]) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut out = [0; NONCE];
    out.copy_from_slice(nonce);
    out.into()
}

/// Ties a slot to this vault, to the schema it was made for, and to its own head.
fn associated_data(label: &[u8], header: &Header, head: &[u8]) -> Vec<u8> {
    let version: &[u8] = if head.is_empty() { &[] } else { &[VERSION] };
    [label, &[0], &header.canary, &SCHEMA.to_be_bytes(), version, head].concat()
}

#[cfg(test)]
pub(super) mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    pub(in crate::vault) fn header(canary: u8) -> Header {
        Header {
            schema: SCHEMA,
            epoch: 3,
            canary: [canary; 16],
        }
    }

    /// P-260.
    #[test]
    fn a_slot_opens_with_its_key_in_its_vault_with_its_head_only() {
        let mut rng = ChaCha20Rng::seed_from_u64(260);
        let data_key = DataKey::generate(&mut rng);
        let (label, head, key) = (&b"label"[..], vec![7; 24], [9; 32]);
        let slot = SecretSlot::seal(label, head.clone(), &key, &data_key, &header(1), &mut rng).unwrap();
        let bytes = slot.to_bytes();
        assert_eq!(bytes.len(), 1 + head.len() + SEALED);
        let opened = SecretSlot::parse(&bytes).unwrap().open(label, &key, &header(1));
        assert_eq!(opened.unwrap().expose(), data_key.expose());
        assert!(slot.open(label, &[8; 32], &header(1)).is_none());
        assert!(slot.open(b"other", &key, &header(1)).is_none());
        assert!(slot.open(label, &key, &header(2)).is_none());
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 0x10;
            let opened = SecretSlot::parse(&altered).and_then(|slot| slot.open(label, &key, &header(1)));
            assert!(opened.is_none(), "byte {index}");
        }
        assert!(SecretSlot::parse(&bytes[..SEALED]).is_none());
    }
}
