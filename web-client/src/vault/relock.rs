//! Setting, changing and removing a lock: a new data key, and everything sealed anew under it.
//!
//! All of it is one transaction. Interrupted at any moment, the vault is as it was before, and opens as it did. Records go through
//! memory a few at a time, whatever their number.

use std::rc::Rc;

use chopar_identity::RecoveryKeys;
use chopar_wire::Timestamp;
use idb::ObjectStore;
use rand_core::CryptoRng;
use wasm_bindgen::JsValue;

use super::files::FILES;
use super::identity::Identity;
use super::keys::{DataKey, Keys};
use super::lock::{Slots, Tried};
use super::slot::{DEVICE_SLOT, DeviceSlot, PASSKEY_SLOT, PASSPHRASE_SLOT, RECOVERY_SLOT, SLOTS};
use super::stored_key::StoredKey;
use super::{
    ATTEMPTS, IDENTITY, KEYS, LINES, LOCK, RESIDENT, STORES, Vault, VaultError, open_record, passkey,
    passphrase, recovery_slot, to_bytes, to_js,
};
use crate::port::{LockAnswer, Passkey, Secret};

/// Records that are read at once while everything is sealed anew: enough to keep the database busy, few enough for any memory.
const AT_ONCE: usize = 256;

/// The lock as it is to be, whole. With neither passphrase nor passkey there is none.
pub struct NewLock<'a> {
    /// The passphrase.
    pub passphrase: Option<&'a str>,
    /// The passkey and what it answers.
    pub passkey: Option<(&'a Passkey, &'a [u8; 32])>,
    /// Public halves of the recovery key, which opens every lock.
    pub recovery: &'a RecoveryKeys,
    /// Minutes without anybody after which it locks itself, 0 for never.
    pub idle_minutes: u16,
}

impl Vault {
    /// Whether a secret opens the lock that is there. Wrong ones are counted.
    pub async fn prove(&self, secret: &Secret, now: Timestamp) -> Result<LockAnswer, VaultError> {
        let transaction = self.database.read(&[KEYS])?;
        let slots = Slots::read(&transaction).await?;
        transaction.finish().await?;
        match slots
            .try_secret(secret, &self.header, &self.database, now)
            .await?
        {
            Tried::Opened(_) => Ok(LockAnswer::Done),
            Tried::Not(answer) => Ok(answer),
        }
    }

    /// Puts another lock on the vault. Nothing else may use the vault meanwhile.
    pub async fn relock(&self, new: &NewLock<'_>, rng: &mut impl CryptoRng) -> Result<(), VaultError> {
        let old = self.keys();
        let keys = Keys::of(DataKey::generate(rng), &self.crypto).await?;
        let slots = self.slots(new, &keys.data, rng).await?;
        let identity = self.identity_anew(&old, &keys, rng).await?;
        let files = self.file_keys_anew(&old, &keys, rng).await?;
        let settings = keys
            .sealer
            .seal(KEYS, LOCK.as_bytes(), &new.idle_minutes.to_be_bytes(), rng)
            .map_err(|_| VaultError::Damaged)?;

        let transaction = self.fenced(STORES).await?;
        let store = transaction.store(KEYS)?;
        for name in SLOTS.into_iter().chain([LOCK, ATTEMPTS]) {
            store.delete(JsValue::from_str(name))?;
        }
        if let Some(slot) = &slots.device {
            store.put(&slot.to_js(), Some(&DEVICE_SLOT.into()))?;
        }
        for (name, slot) in [
            (PASSPHRASE_SLOT, &slots.passphrase),
            (PASSKEY_SLOT, &slots.passkey),
            (RECOVERY_SLOT, &slots.recovery),
        ] {
            if let Some(slot) = slot {
                store.put(&to_js(&slot.to_bytes()), Some(&name.into()))?;
            }
        }
        let lock = slots.lock(new.idle_minutes);
        if lock.is_set() {
            store.put(&to_js(&settings), Some(&LOCK.into()))?;
        }
        if let Some(identity) = identity {
            store.put(&to_js(&identity), Some(&IDENTITY.into()))?;
        }
        if let Some(files) = files {
            store.put(&to_js(&files), Some(&FILES.into()))?;
        }
        for name in [RESIDENT, LINES] {
            seal_anew(&transaction.store(name)?, name, &old, &keys, rng).await?;
        }
        transaction.finish().await?;
        self.keys.replace(Rc::new(keys));
        // With one key more: read again when it is needed.
        self.file_keys.replace(None);
        self.lock.replace(lock);
        Ok(())
    }

    /// Changes after how many minutes it locks itself; the lock stays.
    pub async fn set_idle(&self, minutes: u16, rng: &mut impl CryptoRng) -> Result<(), VaultError> {
        let settings = self
            .keys()
            .sealer
            .seal(KEYS, LOCK.as_bytes(), &minutes.to_be_bytes(), rng)
            .map_err(|_| VaultError::Damaged)?;
        let transaction = self.fenced(&[KEYS]).await?;
        transaction
            .store(KEYS)?
            .put(&to_js(&settings), Some(&LOCK.into()))?;
        transaction.finish().await?;
        self.lock.borrow_mut().idle_minutes = minutes;
        Ok(())
    }

    async fn slots(
        &self,
        new: &NewLock<'_>,
        data_key: &DataKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Slots, VaultError> {
        let header = &self.header;
        let mut slots = Slots::default();
        if let Some(typed) = new.passphrase {
            slots.passphrase = Some(passphrase::seal(typed, data_key, header, rng)?);
        }
        if let Some((asked_for, answer)) = new.passkey {
            slots.passkey = Some(passkey::seal(asked_for, answer, data_key, header, rng)?);
        }
        if slots.any() {
            slots.recovery = Some(recovery_slot::seal(new.recovery, data_key, header, rng)?);
        } else {
            slots.device = Some(DeviceSlot::wrap(&self.crypto, data_key, header, rng).await?);
        }
        Ok(slots)
    }

    /// The record of the device identity keys under other keys.
    async fn identity_anew(
        &self,
        old: &Keys,
        new: &Keys,
        rng: &mut impl CryptoRng,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let transaction = self.database.read(&[KEYS])?;
        let found = transaction.store(KEYS)?.get(JsValue::from_str(IDENTITY))?.await?;
        transaction.finish().await?;
        let Some(found) = found else { return Ok(None) };
        let sealed = to_bytes(&found).ok_or(VaultError::Damaged)?;
        let stored = old
            .sealer
            .open(KEYS, IDENTITY.as_bytes(), &sealed)
            .map_err(|_| VaultError::Damaged)?;
        let stored = Identity::wrap_anew(&stored, &self.crypto, &old.wrapping, &new.wrapping, rng).await?;
        let sealed = new.sealer.seal(KEYS, IDENTITY.as_bytes(), &stored, rng);
        sealed.map(Some).map_err(|_| VaultError::Damaged)
    }
}

/// Every record of a store under other keys, and so at another place. What does not open stays as it is.
async fn seal_anew(
    store: &ObjectStore,
    name: &str,
    old: &Keys,
    new: &Keys,
    rng: &mut impl CryptoRng,
) -> Result<(), VaultError> {
    let places = store.get_all_keys(None, None)?.await?;
    for places in places.chunks(AT_ONCE) {
        let mut asked = Vec::with_capacity(places.len());
        for place in places {
            asked.push(store.get(place.clone())?);
        }
        for (place, value) in places.iter().zip(asked) {
            let Some(value) = value.await? else { continue };
            let Ok(record) = open_record(old, name, place, &value) else {
                continue;
            };
            let at = StoredKey::of(&new.blinding, &record.key);
            let sealed = new
                .sealer
                .seal_record(name, &at, &record.key, &record.value, rng)
                .map_err(|_| VaultError::Damaged)?;
            store.delete(place.clone())?;
            store.put(&to_js(&sealed), Some(&to_js(&at.0)))?;
        }
    }
    Ok(())
}
