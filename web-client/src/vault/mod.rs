//! What this browser keeps: every record sealed, every record key blinded.
//!
//! ```text
//!  IndexedDB "chopar"
//!    keys      header         schema ‖ epoch ‖ canary, in clear                        header.rs
//!              slot/<kind>    the data key, wrapped: for this device, or by a lock     slot.rs
//!              lock           sealed: what a person chose about the lock               lock.rs
//!              attempts       how many secrets in a row did not open the lock          attempts.rs
//!              files          sealed: what opened files are sealed with                files/keys.rs
//!              identity       sealed: device identity keys, wrapped a second time      identity.rs
//!              rolled-back    there while no engine has replaced the sessions of an older copy
//!    resident  blinded key -> sealed record of a kind that the engine holds in memory  stored_key.rs, seal.rs
//!    lines     blinded key -> sealed line or delivery row, read by page                page.rs
//!              and the segments of the index of lines                                 index.rs
//!
//!  slot key (WebCrypto, or from a secret) --unwraps--> data key
//!  data key --HKDF--> sealing root, blinding key, identity wrapping key                keys.rs
//! ```
//!
//! The data key is unwrapped into the worker's memory, so that a batch is sealed at once and then written in one
//! transaction in which nothing is awaited but its own requests. Each transaction that writes first compares the header's
//! epoch: an owner that was replaced writes nothing. One stands before a [`Door`] first, which a lock may keep shut; a new lock
//! means a new data key and everything sealed anew (relock.rs). Files lie in a database of their own ([`files`]).
//!
//! Not here: what the records mean (`chopar-engine`), how a person is asked for a secret.

mod attempts;
mod files;
mod header;
mod identity;
mod index;
mod keys;
mod lock;
mod open;
mod page;
mod passkey;
mod passphrase;
mod recovery_slot;
mod relock;
mod remains;
mod seal;
mod slot;
mod stored_key;
mod write;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use chopar_engine::input::DeviceKeysPublic;
use chopar_engine::search::Index;
use chopar_engine::{Kind, Record};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::Exception;
use crate::platform::idb::{Database, IdbError, Transaction};
use crate::platform::webcrypto::WebCrypto;
use crate::port::Lock;

pub use files::{Files, PIECE_CHUNKS};
pub use header::{Canary, SCHEMA};
pub use identity::{Home, Identity};
pub use index::Wanted;
pub use keys::SharedKey;
pub use open::Door;
pub use page::Page;
pub use relock::NewLock;
pub use remains::Remains;
pub use seal::Damaged;

use files::FileKeys;
use header::Header;
use keys::Keys;
use stored_key::StoredKey;

/// Name of the database.
pub const DATABASE: &str = "chopar";
/// Version of its layout of stores; what is inside a record has a version of its own ([`SCHEMA`]).
const LAYOUT: u32 = 1;

const KEYS: &str = "keys";
const RESIDENT: &str = "resident";
const LINES: &str = "lines";
const STORES: &[&str] = &[KEYS, RESIDENT, LINES];

const HEADER: &str = "header";
const IDENTITY: &str = "identity";
const ROLLED_BACK: &str = "rolled-back";
const LOCK: &str = "lock";
const ATTEMPTS: &str = "attempts";

/// An open vault. There is one owner at a time; see [`VaultError::Fenced`].
pub struct Vault {
    database: Database,
    crypto: WebCrypto,
    header: Header,
    /// Exchanged as a whole when the lock changes.
    keys: RefCell<Rc<Keys>>,
    lock: RefCell<Lock>,
    identity: RefCell<Option<Identity>>,
    /// Of opened files, once they were needed.
    file_keys: RefCell<Option<Rc<FileKeys>>>,
    rolled_back: Cell<bool>,
    /// The index of lines, as far as it is in memory and nothing is under way with it.
    index: RefCell<Option<Index>>,
    /// Whether a search came upon a segment that does not open.
    index_damaged: Cell<bool>,
}

/// What the engine starts from.
pub struct Resident {
    /// Every record of a resident kind that opens.
    pub records: Vec<Record>,
    /// How many do not. They are left where they are.
    pub damaged: u32,
}

/// Why the vault did not do what was asked. Nothing was written then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The browser refuses storage here.
    #[error("storage is refused: {0}")]
    Refused(Exception),
    /// The disk, or the browser's share of it, is full.
    #[error("storage is full")]
    Full,
    /// A newer build wrote this vault. It is left untouched.
    #[error("the vault is of a newer version")]
    Newer,
    /// localStorage remembers a vault that IndexedDB does not have.
    #[error("part of the storage is gone")]
    HalfEvicted,
    /// The vault's own keys are missing, or do not open.
    #[error("the vault's keys are damaged")]
    Damaged,
    /// Another owner has taken over.
    #[error("another owner has taken over")]
    Fenced,
    /// There is not enough memory for what a passphrase takes.
    #[error("not enough memory")]
    NoMemory,
    /// The device has no identity keys.
    #[error("no identity keys")]
    NoIdentity,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(Exception),
    /// WebCrypto failed.
    #[error("WebCrypto failed: {0}")]
    Crypto(Exception),
}

impl From<IdbError> for VaultError {
    fn from(error: IdbError) -> Self {
        match error {
            IdbError::Refused(thrown) => Self::Refused(thrown),
            IdbError::Newer => Self::Newer,
            IdbError::Full => Self::Full,
            IdbError::Failed(thrown) => Self::Database(thrown),
        }
    }
}

impl From<idb::Error> for VaultError {
    fn from(error: idb::Error) -> Self {
        IdbError::from(error).into()
    }
}

impl Vault {
    /// Whether the vault is an older copy of itself and no batch was committed since that was found. The first batch of
    /// the engine that is told so ends it, in one transaction with what the engine decided.
    pub fn rolled_back(&self) -> bool {
        self.rolled_back.get()
    }

    /// Reads every record the engine holds in memory.
    pub async fn resident(&self) -> Result<Resident, VaultError> {
        let transaction = self.database.read(&[RESIDENT])?;
        let store = transaction.store(RESIDENT)?;
        let keys = store.get_all_keys(None, None)?;
        let values = store.get_all(None, None)?;
        let (keys, values) = (keys.await?, values.await?);
        transaction.finish().await?;

        let own = self.keys();
        let mut resident = Resident {
            records: Vec::with_capacity(keys.len()),
            damaged: 0,
        };
        for (key, value) in keys.iter().zip(&values) {
            match open_record(&own, RESIDENT, key, value) {
                Ok(record) => resident.records.push(record),
                Err(Damaged) => resident.damaged += 1,
            }
        }
        Ok(resident)
    }

    /// What localStorage is to repeat.
    pub fn canary(&self) -> Canary {
        self.header.canary()
    }

    /// Public halves of the device's identity keys, once there are such keys.
    pub fn device_keys(&self) -> Option<DeviceKeysPublic> {
        self.identity.borrow().as_ref().map(Identity::public)
    }

    /// The device's identity keys, as handles.
    pub fn identity(&self) -> Option<Identity> {
        self.identity.borrow().clone()
    }

    /// WebCrypto, as the vault uses it.
    pub fn crypto(&self) -> &WebCrypto {
        &self.crypto
    }

    /// What opens the vault at rest.
    pub fn lock(&self) -> Lock {
        self.lock.borrow().clone()
    }

    /// The data key for the workers of other tabs; `None` where there is no lock, and each opens the vault by itself.
    pub fn shared_key(&self) -> Option<SharedKey> {
        self.lock.borrow().is_set().then(|| self.keys().data.share())
    }

    fn keys(&self) -> Rc<Keys> {
        self.keys.borrow().clone()
    }
}

fn open_record(keys: &Keys, store: &str, key: &JsValue, value: &JsValue) -> Result<Record, Damaged> {
    let key = StoredKey::from_bytes(&to_bytes(key).ok_or(Damaged)?).ok_or(Damaged)?;
    keys.sealer
        .open_record(store, &key, &to_bytes(value).ok_or(Damaged)?)
}

/// In which store the records of a kind lie.
const fn store_of(kind: Kind) -> &'static str {
    if kind.resident() { RESIDENT } else { LINES }
}

/// Bytes of a key (an `ArrayBuffer` when it comes back) or a value (the `Uint8Array` it was written as).
fn to_bytes(value: &JsValue) -> Option<Vec<u8>> {
    if let Some(view) = value.dyn_ref::<Uint8Array>() {
        return Some(view.to_vec());
    }
    value
        .dyn_ref::<js_sys::ArrayBuffer>()
        .map(|buffer| Uint8Array::new(buffer).to_vec())
}

/// The header as it stands, in a transaction over the keys.
async fn header_in(transaction: &Transaction) -> Result<Option<Vec<u8>>, VaultError> {
    let header = transaction.store(KEYS)?.get(JsValue::from_str(HEADER))?.await?;
    Ok(header.as_ref().and_then(to_bytes))
}

fn to_js(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}
