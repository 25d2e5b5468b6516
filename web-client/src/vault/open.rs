//! Opening the vault, and making it on the first visit.

use std::cell::{Cell, RefCell};

use rand_core::CryptoRng;
use wasm_bindgen::JsValue;

use super::header::{Canary, Header, HeaderFault, SCHEMA, Story};
use super::identity::Identity;
use super::keys::DataKey;
use super::seal::Sealer;
use super::slot::{DEVICE_SLOT, DeviceSlot};
use super::{
    DATABASE, HEADER, IDENTITY, KEYS, LAYOUT, RESIDENT, ROLLED_BACK, STORES, Vault, VaultError, header_in,
    to_bytes, to_js,
};
use crate::platform::idb::Database;
use crate::platform::webcrypto::WebCrypto;

/// What the store `keys` holds before anything is opened.
struct Found {
    header: Option<JsValue>,
    slot: Option<JsValue>,
    identity: Option<JsValue>,
    /// Whether an owner found the vault rolled back, and no engine has taken note of it durably.
    rolled_back: bool,
    /// Whether there is anything besides a header.
    remains: bool,
}

impl Vault {
    /// Opens the vault and takes the next owner epoch; makes a new vault where there is none and none is remembered.
    ///
    /// `remembered` is what localStorage has of an earlier visit. Whoever calls this holds the owner's lock; one from whom it was taken
    /// meanwhile (`still_held`), as from a worker that was frozen, must not fence whoever has it now.
    pub async fn open(
        remembered: Option<Canary>,
        still_held: impl Fn() -> bool,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, VaultError> {
        let crypto = WebCrypto::open().map_err(VaultError::Crypto)?;
        let database = Database::open(DATABASE, LAYOUT, STORES).await?;
        let found = Found::read(&database).await?;
        let mut rolled_back = found.rolled_back;
        let (header, data_key) = match &found.header {
            None if remembered.is_some() => return Err(VaultError::HalfEvicted),
            None if found.remains => return Err(VaultError::Damaged),
            None => create(&database, &crypto, rng).await?,
            Some(header) => {
                let mut ahead = 0;
                let header = Header::parse(&to_bytes(header).ok_or(VaultError::Damaged)?)?;
                match remembered.map(|canary| (canary.judge(&header), canary.generation())) {
                    Some((Story::Another, _)) => return Err(VaultError::HalfEvicted),
                    Some((Story::RolledBack, generation)) => {
                        rolled_back = true;
                        ahead = generation;
                    }
                    Some((Story::Same, _)) | None => {}
                }
                let slot = found
                    .slot
                    .as_ref()
                    .and_then(DeviceSlot::from_js)
                    .ok_or(VaultError::Damaged)?;
                let data_key = slot.unwrap(&crypto, &header).await?;
                if !still_held() {
                    return Err(VaultError::Fenced);
                }
                (take_over(&database, &header, ahead, rolled_back).await?, data_key)
            }
        };
        let sealer = Sealer::new(&data_key);
        let wrapping = crypto
            .import_wrapping_key(&data_key.identity_wrapping_key())
            .await
            .map_err(VaultError::Crypto)?;
        let identity = match &found.identity {
            None => None,
            Some(sealed) => {
                let sealed = to_bytes(sealed).ok_or(VaultError::Damaged)?;
                let stored = sealer
                    .open(KEYS, IDENTITY.as_bytes(), &sealed)
                    .map_err(|_| VaultError::Damaged)?;
                Some(Identity::restore(&stored, &crypto, &wrapping).await?)
            }
        };
        Ok(Self {
            blinding: data_key.blinding_key(),
            database,
            crypto,
            header,
            sealer,
            wrapping,
            identity: RefCell::new(identity),
            rolled_back: Cell::new(rolled_back),
        })
    }
}

impl Found {
    async fn read(database: &Database) -> Result<Self, VaultError> {
        let transaction = database.read(&[KEYS, RESIDENT])?;
        let keys = transaction.store(KEYS)?;
        let header = keys.get(JsValue::from_str(HEADER))?;
        let slot = keys.get(JsValue::from_str(DEVICE_SLOT))?;
        let identity = keys.get(JsValue::from_str(IDENTITY))?;
        let rolled_back = keys.get(JsValue::from_str(ROLLED_BACK))?;
        let resident = transaction.store(RESIDENT)?.count(None)?;
        let (header, slot, identity) = (header.await?, slot.await?, identity.await?);
        let rolled_back = rolled_back.await?.is_some();
        let resident = resident.await?;
        transaction.finish().await?;
        let remains = slot.is_some() || identity.is_some() || resident > 0;
        Ok(Self {
            header,
            slot,
            identity,
            rolled_back,
            remains,
        })
    }
}

/// Makes the vault's keys and writes them together with the header, or nothing of it.
async fn create(
    database: &Database,
    crypto: &WebCrypto,
    rng: &mut impl CryptoRng,
) -> Result<(Header, DataKey), VaultError> {
    let mut header = Header {
        schema: SCHEMA,
        epoch: 1,
        canary: [0; 16],
    };
    rng.fill_bytes(&mut header.canary);
    let data_key = DataKey::generate(rng);
    let slot = DeviceSlot::wrap(crypto, &data_key, &header, rng).await?;

    let transaction = database.write(&[KEYS])?;
    let keys = transaction.store(KEYS)?;
    // `add`, not `put`: should there be a vault after all, this aborts instead of burying it.
    keys.add(&to_js(&header.to_bytes()), Some(&HEADER.into()))?;
    keys.add(&slot.to_js(), Some(&DEVICE_SLOT.into()))
        .map_err(|error| match VaultError::from(error) {
            // Private windows of some browsers store bytes, but no keys.
            VaultError::Database(thrown) if thrown.is("DataCloneError") => VaultError::Refused(thrown),
            other => other,
        })?;
    transaction.finish().await?;
    Ok((header, data_key))
}

/// Takes the next epoch, beyond every one that is known to have been: from here on, what an earlier owner still writes
/// aborts. That the vault was rolled back is noted in the same transaction, because the epoch does not show it any more.
async fn take_over(
    database: &Database,
    found: &Header,
    ahead: u64,
    rolled_back: bool,
) -> Result<Header, VaultError> {
    let header = Header {
        schema: SCHEMA,
        epoch: found.epoch.max(ahead) + 1,
        ..*found
    };
    let transaction = database.write(&[KEYS])?;
    let keys = transaction.store(KEYS)?;
    let now = header_in(&transaction).await?;
    if now.is_none_or(|now| now != found.to_bytes()) {
        return Err(VaultError::Fenced);
    }
    keys.put(&to_js(&header.to_bytes()), Some(&HEADER.into()))?;
    if rolled_back {
        keys.put(&JsValue::TRUE, Some(&ROLLED_BACK.into()))?;
    }
    transaction.finish().await?;
    Ok(header)
}

impl From<HeaderFault> for VaultError {
    fn from(fault: HeaderFault) -> Self {
        match fault {
            HeaderFault::Newer { .. } => Self::Newer,
            HeaderFault::Malformed => Self::Damaged,
        }
    }
}
