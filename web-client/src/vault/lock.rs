//! The slots that lie in the vault, and what a secret does to them.

use chopar_wire::Timestamp;
use wasm_bindgen::JsValue;

use super::attempts::Attempts;
use super::header::Header;
use super::keys::DataKey;
use super::slot::{DEVICE_SLOT, DeviceSlot, PASSKEY_SLOT, PASSPHRASE_SLOT, RECOVERY_SLOT, SecretSlot};
use super::{ATTEMPTS, KEYS, VaultError, header_in, passkey, passphrase, recovery_slot, to_bytes, to_js};
use crate::platform::idb::{Database, Transaction};
use crate::port::{Lock, LockAnswer, Secret};

/// Every slot there is.
#[derive(Default)]
pub(super) struct Slots {
    pub(super) device: Option<DeviceSlot>,
    pub(super) passphrase: Option<SecretSlot>,
    pub(super) passkey: Option<SecretSlot>,
    pub(super) recovery: Option<SecretSlot>,
}

/// What came of a secret.
pub(super) enum Tried {
    Opened(DataKey),
    Not(LockAnswer),
}

impl Slots {
    /// Reads them within a transaction. One that cannot be read counts as missing: the others may still open the vault.
    pub(super) async fn read(transaction: &Transaction) -> Result<Self, VaultError> {
        let keys = transaction.store(KEYS)?;
        let slot = |name: &str| keys.get(JsValue::from_str(name));
        let (device, passphrase) = (slot(DEVICE_SLOT)?, slot(PASSPHRASE_SLOT)?);
        let (passkey, recovery) = (slot(PASSKEY_SLOT)?, slot(RECOVERY_SLOT)?);
        let parse = |found: Option<JsValue>, is_whole: fn(&SecretSlot) -> bool| {
            SecretSlot::parse(&to_bytes(&found?)?).filter(is_whole)
        };
        Ok(Self {
            device: device.await?.as_ref().and_then(DeviceSlot::from_js),
            passphrase: parse(passphrase.await?, passphrase::is_whole),
            passkey: parse(passkey.await?, |slot| passkey::asked_for(slot).is_some()),
            recovery: parse(recovery.await?, recovery_slot::is_whole),
        })
    }

    /// What opens the vault, as a person sees it.
    pub(super) fn lock(&self, idle_minutes: u16) -> Lock {
        let lock = Lock {
            passphrase: self.passphrase.is_some(),
            passkey: self.passkey.as_ref().and_then(passkey::asked_for),
            recovery: self.recovery.is_some(),
            idle_minutes,
        };
        // Without a lock there is nothing that could lock itself.
        if lock.is_set() { lock } else { Lock::default() }
    }

    /// Whether any of them is there.
    pub(super) fn any(&self) -> bool {
        self.device.is_some()
            || self.passphrase.is_some()
            || self.passkey.is_some()
            || self.recovery.is_some()
    }

    /// Tries a secret, and counts it before it does. The count is taken back with the secret that opens, and where it could not be
    /// tried. What is no recovery key at all, or nothing at all, is a slip, and does not count.
    pub(super) async fn try_secret(
        &self,
        secret: &Secret,
        header: &Header,
        database: &Database,
        now: Timestamp,
    ) -> Result<Tried, VaultError> {
        let slip = match secret {
            Secret::Passphrase(typed) => typed.is_empty(),
            Secret::RecoveryKey(typed) => !recovery_slot::is_key(typed),
            Secret::Passkey(_) => false,
        };
        if slip {
            return Ok(Tried::Not(LockAnswer::Wrong(0)));
        }
        let (transaction, counted) = counting(database, header).await?;
        let keys = transaction.store(KEYS)?;
        let before = Attempts::parse(&counted.as_ref().and_then(to_bytes).unwrap_or_default()).by_clock(now);
        let wait = before.wait_ms(now);
        if wait > 0 {
            keys.put(&to_js(&before.to_bytes()), Some(&ATTEMPTS.into()))?;
            transaction.finish().await?;
            return Ok(Tried::Not(LockAnswer::Wait(wait)));
        }
        let attempts = before.try_at(now);
        keys.put(&to_js(&attempts.to_bytes()), Some(&ATTEMPTS.into()))?;
        transaction.finish().await?;

        let opened = match self.open(secret, header) {
            Ok(None) => return Ok(Tried::Not(LockAnswer::Wrong(attempts.wait_ms(now)))),
            Ok(Some(data_key)) => Some(data_key),
            Err(VaultError::NoMemory) => None,
            Err(other) => return Err(other),
        };
        let (transaction, _) = counting(database, header).await?;
        let keys = transaction.store(KEYS)?;
        if opened.is_some() {
            keys.delete(JsValue::from_str(ATTEMPTS))?;
        } else {
            keys.put(&to_js(&before.to_bytes()), Some(&ATTEMPTS.into()))?;
        }
        transaction.finish().await?;
        Ok(opened.map_or(Tried::Not(LockAnswer::Failed), Tried::Opened))
    }

    fn open(&self, secret: &Secret, header: &Header) -> Result<Option<DataKey>, VaultError> {
        Ok(match (secret, &self.passphrase, &self.passkey, &self.recovery) {
            (Secret::Passphrase(typed), Some(slot), ..) => passphrase::open(slot, typed, header)?,
            (Secret::Passkey(answer), _, Some(slot), _) => passkey::open(slot, answer, header),
            (Secret::RecoveryKey(typed), .., Some(slot)) => recovery_slot::open(slot, typed, header),
            _ => None,
        })
    }
}

/// A transaction that changes the count, and the count. Another owner may have the vault by now: it counts for itself.
async fn counting(
    database: &Database,
    header: &Header,
) -> Result<(Transaction, Option<JsValue>), VaultError> {
    let transaction = database.write(&[KEYS])?;
    let keys = transaction.store(KEYS)?;
    let now = header_in(&transaction).await?;
    if now.is_none_or(|now| now != header.to_bytes()) {
        return Err(VaultError::Fenced);
    }
    let counted = keys.get(JsValue::from_str(ATTEMPTS))?.await?;
    Ok((transaction, counted))
}
