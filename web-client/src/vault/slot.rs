//! Slots: the data key, wrapped. This version writes one kind, the slot of a device without a lock; each further kind
//! (passphrase, passkey, recovery key) is a record of its own beside it, under `slot/<kind>`.

use js_sys::{Object, Reflect, Uint8Array};
use rand_core::CryptoRng;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::CryptoKey;

use super::VaultError;
use super::header::{Header, SCHEMA};
use super::keys::DataKey;
use crate::platform::webcrypto::{NONCE, WebCrypto};

/// Where the slot of a device without a lock lies.
pub(super) const DEVICE_SLOT: &str = "slot/device";

const LABEL: &[u8] = b"Chopar v1 vault-slot-device";

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
            .encrypt(&key, &nonce, &associated_data(header), data_key.expose())
            .await
            .map_err(VaultError::Crypto)?;
        Ok(Self { key, nonce, wrapped })
    }

    /// Unwraps the data key.
    pub(super) async fn unwrap(&self, crypto: &WebCrypto, header: &Header) -> Result<DataKey, VaultError> {
        let data_key = crypto
            .decrypt(&self.key, &self.nonce, &associated_data(header), &self.wrapped)
            .await
            .map_err(|_| VaultError::Damaged)?;
        DataKey::from_unwrapped(&data_key).ok_or(VaultError::Damaged)
    }

    pub(super) fn to_js(&self) -> JsValue {
        let object = Object::new();
        for (name, value) in [
            ("key", self.key.clone().into()),
            ("nonce", JsValue::from(Uint8Array::from(&self.nonce[..]))),
            ("wrapped", JsValue::from(Uint8Array::from(&self.wrapped[..]))),
        ] {
            // Setting a property of a fresh plain object does not throw.
            let _ = Reflect::set(&object, &name.into(), &value);
        }
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

/// Ties the slot to this vault and to the schema it was made for.
fn associated_data(header: &Header) -> Vec<u8> {
    [LABEL, &[0], &header.canary, &SCHEMA.to_be_bytes()].concat()
}
