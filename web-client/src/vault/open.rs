//! Opening the vault, and making it on the first visit.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use chopar_wire::Timestamp;
use rand_core::CryptoRng;
use wasm_bindgen::JsValue;

use super::header::{Canary, Header, HeaderFault, SCHEMA, Story};
use super::identity::Identity;
use super::keys::{DataKey, Keys, SharedKey};
use super::lock::{Slots, Tried};
use super::slot::{DEVICE_SLOT, DeviceSlot};
use super::{
    DATABASE, HEADER, IDENTITY, KEYS, LAYOUT, LOCK, RESIDENT, ROLLED_BACK, STORES, Vault, VaultError,
    header_in, to_bytes, to_js,
};
use crate::platform::idb::Database;
use crate::platform::webcrypto::WebCrypto;
use crate::port::{Lock, LockAnswer, Secret};

/// A vault that was found, or just made, and is not opened yet. Nothing was written to one that was found.
pub struct Door {
    database: Database,
    crypto: WebCrypto,
    header: Header,
    slots: Slots,
    settings: Option<Vec<u8>>,
    identity: Option<JsValue>,
    rolled_back: bool,
    /// The latest epoch that is known to have been.
    ahead: u64,
    /// Whether this opening made the vault: its epoch is the first, and nobody had one before.
    made: bool,
    key: Option<DataKey>,
}

/// What the store `keys` holds before anything is opened.
struct Found {
    header: Option<JsValue>,
    slots: Slots,
    settings: Option<JsValue>,
    identity: Option<JsValue>,
    /// Whether an owner found the vault rolled back, and no engine has taken note of it durably.
    rolled_back: bool,
    /// Whether there is anything besides a header.
    remains: bool,
}

impl Door {
    /// Finds the vault; makes a new one where there is none and none is remembered.
    ///
    /// `remembered` is what localStorage has of an earlier visit, `known` the data key of a lock that was opened in another tab.
    /// Whoever calls this holds the owner's lock.
    pub async fn find(
        remembered: Option<Canary>,
        known: Option<&SharedKey>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, VaultError> {
        let crypto = WebCrypto::open().map_err(VaultError::Crypto)?;
        let database = Database::open(DATABASE, LAYOUT, STORES).await?;
        let found = Found::read(&database).await?;
        let mut door = match &found.header {
            None if remembered.is_some() => return Err(VaultError::HalfEvicted),
            None if found.remains => return Err(VaultError::Damaged),
            None => return create(database, crypto, rng).await,
            Some(header) => Self {
                database,
                crypto,
                header: Header::parse(&to_bytes(header).ok_or(VaultError::Damaged)?)?,
                slots: found.slots,
                settings: found.settings.as_ref().and_then(to_bytes),
                identity: found.identity,
                rolled_back: found.rolled_back,
                ahead: 0,
                made: false,
                key: None,
            },
        };
        match remembered.map(|canary| (canary.judge(&door.header), canary.generation())) {
            Some((Story::Another, _)) => return Err(VaultError::HalfEvicted),
            Some((Story::RolledBack, generation)) => {
                door.rolled_back = true;
                door.ahead = generation;
            }
            Some((Story::Same, _)) | None => {}
        }
        if let Some(slot) = &door.slots.device {
            door.key = Some(slot.unwrap(&door.crypto, &door.header).await?);
        } else if !door.slots.any() {
            return Err(VaultError::Damaged);
        } else if let Some(known) = known {
            door.try_key(known.data_key()).await?;
        }
        Ok(door)
    }

    /// Whether a secret is needed.
    pub const fn is_locked(&self) -> bool {
        self.key.is_none()
    }

    /// The epoch that was found: whoever has heard of a later owner knows more than this door.
    pub const fn epoch(&self) -> u64 {
        self.header.epoch
    }

    /// What opens it.
    pub fn lock(&self) -> Lock {
        self.slots.lock(0)
    }

    /// Tries a secret. Nothing else is written than that it was tried.
    pub async fn try_secret(&mut self, secret: &Secret, now: Timestamp) -> Result<LockAnswer, VaultError> {
        let tried = self
            .slots
            .try_secret(secret, &self.header, &self.database, now)
            .await?;
        match tried {
            Tried::Not(answer) => Ok(answer),
            Tried::Opened(key) => {
                self.key = Some(key);
                Ok(LockAnswer::Done)
            }
        }
    }

    /// Goes in, and takes the next owner epoch. [`VaultError::Damaged`] where it is locked still. Whoever calls this holds the owner's
    /// lock; one from whom it was taken meanwhile (`still_held`), as from a worker that was frozen, must not fence whoever has it now.
    pub async fn open(self, still_held: impl Fn() -> bool) -> Result<Vault, VaultError> {
        let keys = Keys::of(self.key.ok_or(VaultError::Damaged)?, &self.crypto).await?;
        let header = if self.made {
            self.header
        } else if !still_held() {
            return Err(VaultError::Fenced);
        } else {
            take_over(&self.database, &self.header, self.ahead, self.rolled_back).await?
        };
        let identity = match &self.identity {
            None => None,
            Some(sealed) => {
                let sealed = to_bytes(sealed).ok_or(VaultError::Damaged)?;
                let stored = keys
                    .sealer
                    .open(KEYS, IDENTITY.as_bytes(), &sealed)
                    .map_err(|_| VaultError::Damaged)?;
                Some(Identity::restore(&stored, &self.crypto, &keys.wrapping).await?)
            }
        };
        // Settings that are gone or damaged keep no lock open for ever.
        let idle_minutes = idle_minutes(&keys, self.settings.as_deref()).unwrap_or(Lock::USUAL_IDLE);
        Ok(Vault {
            lock: RefCell::new(self.slots.lock(idle_minutes)),
            keys: RefCell::new(Rc::new(keys)),
            database: self.database,
            crypto: self.crypto,
            header,
            identity: RefCell::new(identity),
            file_keys: RefCell::new(None),
            rolled_back: Cell::new(self.rolled_back),
            index: RefCell::new(None),
            index_damaged: Cell::new(false),
        })
    }

    /// Takes a key that another tab had, if it still is the one: the lock may have been changed since.
    async fn try_key(&mut self, key: DataKey) -> Result<(), VaultError> {
        let keys = Keys::of(key, &self.crypto).await?;
        if idle_minutes(&keys, self.settings.as_deref()).is_some() {
            self.key = Some(keys.data);
        }
        Ok(())
    }
}

/// What the record of a lock says; `None` where it does not open under these keys.
fn idle_minutes(keys: &Keys, sealed: Option<&[u8]>) -> Option<u16> {
    let opened = keys.sealer.open(KEYS, LOCK.as_bytes(), sealed?).ok()?;
    Some(u16::from_be_bytes(opened.as_slice().try_into().ok()?))
}

impl Found {
    async fn read(database: &Database) -> Result<Self, VaultError> {
        let transaction = database.read(&[KEYS, RESIDENT])?;
        let slots = Slots::read(&transaction).await?;
        let keys = transaction.store(KEYS)?;
        let header = keys.get(JsValue::from_str(HEADER))?;
        let settings = keys.get(JsValue::from_str(LOCK))?;
        let identity = keys.get(JsValue::from_str(IDENTITY))?;
        let rolled_back = keys.get(JsValue::from_str(ROLLED_BACK))?;
        let resident = transaction.store(RESIDENT)?.count(None)?;
        let (header, settings, identity) = (header.await?, settings.await?, identity.await?);
        let rolled_back = rolled_back.await?.is_some();
        let resident = resident.await?;
        transaction.finish().await?;
        let remains = slots.any() || identity.is_some() || resident > 0;
        Ok(Self {
            header,
            slots,
            settings,
            identity,
            rolled_back,
            remains,
        })
    }
}

/// Makes the vault's keys and writes them together with the header, or nothing of it.
async fn create(database: Database, crypto: WebCrypto, rng: &mut impl CryptoRng) -> Result<Door, VaultError> {
    let mut header = Header {
        schema: SCHEMA,
        epoch: 1,
        canary: [0; 16],
    };
    rng.fill_bytes(&mut header.canary);
    let data_key = DataKey::generate(rng);
    let slot = DeviceSlot::wrap(&crypto, &data_key, &header, rng).await?;

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
    Ok(Door {
        database,
        crypto,
        header,
        slots: Slots {
            device: Some(slot),
            ..Slots::default()
        },
        settings: None,
        identity: None,
        rolled_back: false,
        ahead: 0,
        made: true,
        key: Some(data_key),
    })
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
