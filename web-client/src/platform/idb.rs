//! IndexedDB through `idb`, with what that crate lacks: strict durability, and transactions that end in one of two ways.
//!
//! A transaction commits by itself as soon as nothing of its own is awaited. So whoever writes computes first, and
//! awaits nothing between [`Database::write`] and [`Transaction::finish`] but requests of that very transaction.
//!
//! `idb` listens to a request from its first `await` on, and whoever listens later than the answer comes waits for ever. The browser
//! answers in the order of asking: so requests are awaited in that order, and nothing else between them.

use idb::{DatabaseEvent, Factory, ObjectStoreParams};
use js_sys::{Array, Object, Reflect};
use tokio::sync::oneshot;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbTransaction};

use super::Exception;

/// Why the database did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdbError {
    /// There is none here, or this context may not use it.
    #[error("storage is refused: {0}")]
    Refused(Exception),
    /// The database has a higher version than asked for.
    #[error("the database is of a newer version")]
    Newer,
    /// The disk, or the browser's share of it, is full. Nothing was written.
    #[error("storage is full")]
    Full,
    /// Anything else. Nothing was written.
    #[error("the database failed: {0}")]
    Failed(Exception),
}

impl From<Exception> for IdbError {
    fn from(thrown: Exception) -> Self {
        if thrown.is("QuotaExceededError") {
            Self::Full
        } else if thrown.is("VersionError") {
            Self::Newer
        } else if thrown.is("SecurityError") {
            Self::Refused(thrown)
        } else {
            Self::Failed(thrown)
        }
    }
}

impl From<idb::Error> for IdbError {
    fn from(error: idb::Error) -> Self {
        use idb::Error as E;
        match error {
            E::DomException(thrown) => Exception::from(JsValue::from(thrown)).into(),
            E::IndexedDbNotFound(thrown) => Self::Refused(thrown.into()),
            E::IndexedDbOpenFailed(thrown)
            | E::TransactionOpenFailed(thrown)
            | E::TransactionCommitError(thrown)
            | E::ObjectStoreNotFound(thrown)
            | E::ObjectStoreCreateFailed(thrown)
            | E::AddFailed(thrown)
            | E::UpdateFailed(thrown)
            | E::DeleteFailed(thrown)
            | E::GetFailed(thrown)
            | E::GetAllFailed(thrown)
            | E::GetAllKeysFailed(thrown)
            | E::OpenCursorFailed(thrown)
            | E::CursorAdvanceFailed(thrown)
            | E::KeyRangeCreateFailed(thrown) => Exception::from(thrown).into(),
            _ => Self::Failed(Exception::named("UnknownError")),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase` with the third parameter of `transaction`, which `web-sys` has behind a global flag only.
    type Durable;

    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &Durable,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}

/// An open database.
pub struct Database {
    // Keeps the callbacks below alive.
    _inner: idb::Database,
    raw: IdbDatabase,
}

impl Database {
    /// Opens a database at a version, creating the stores it lacks (keys are given with each record, not inside).
    pub async fn open(name: &str, version: u32, stores: &'static [&'static str]) -> Result<Self, IdbError> {
        Self::open_at(name, version, stores)
            .await
            .map_err(|error| match IdbError::from(error) {
                // Private windows and policies fail in different words, or in none.
                IdbError::Failed(thrown) => IdbError::Refused(thrown),
                other => other,
            })
    }

    async fn open_at(name: &str, version: u32, stores: &'static [&'static str]) -> Result<Self, idb::Error> {
        let mut request = Factory::new()?.open(name, Some(version))?;
        request.on_upgrade_needed(move |event| {
            // A store that cannot be created fails the opening: the version change is rolled back with it.
            let Ok(database) = event.database() else { return };
            let existing = database.store_names();
            for store in stores
                .iter()
                .filter(|store| !existing.iter().any(|name| name == *store))
            {
                if database
                    .create_object_store(store, ObjectStoreParams::new())
                    .is_err()
                {
                    return;
                }
            }
        });
        let raw: IdbDatabase = request.await?.into();
        let mut inner = idb::Database::from(raw.clone());
        // A newer build in another tab wants to upgrade: let it. Writes fail from then on, and the vault is opened anew.
        let closing = raw.clone();
        inner.on_version_change(move |_| closing.close());
        Ok(Self { _inner: inner, raw })
    }

    /// Begins a transaction that reads.
    pub fn read(&self, stores: &[&str]) -> Result<Transaction, IdbError> {
        self.begin(stores, "readonly")
    }

    /// Begins a transaction that writes, and that is on the disk (not in a cache of the system) when it is finished.
    pub fn write(&self, stores: &[&str]) -> Result<Transaction, IdbError> {
        self.begin(stores, "readwrite")
    }

    fn begin(&self, stores: &[&str], mode: &str) -> Result<Transaction, IdbError> {
        let names: Array = stores.iter().map(|store| JsValue::from_str(store)).collect();
        let options = Object::new();
        // Setting a property of a fresh plain object does not throw.
        let _ = Reflect::set(&options, &"durability".into(), &"strict".into());
        let raw = self
            .raw
            .unchecked_ref::<Durable>()
            .transaction(&names, mode, &options)
            .map_err(Exception::from)?;
        Ok(Transaction::watch(raw))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.raw.set_onversionchange(None);
        self.raw.close();
    }
}

/// A transaction. Dropped before [`Transaction::finish`], it is aborted.
pub struct Transaction {
    inner: idb::Transaction,
    raw: IdbTransaction,
    ended: oneshot::Receiver<Result<(), IdbError>>,
    finished: bool,
}

impl Transaction {
    /// Both ends are listened to from the beginning. `error` is not: it is always followed by `abort`.
    fn watch(raw: IdbTransaction) -> Self {
        let mut inner = idb::Transaction::from(raw.clone());
        let (complete, ended) = oneshot::channel();
        let complete = std::rc::Rc::new(std::cell::RefCell::new(Some(complete)));
        let abort = complete.clone();
        inner.on_complete(move |_| {
            if let Some(end) = complete.take() {
                let _ = end.send(Ok(()));
            }
        });
        let aborted = raw.clone();
        inner.on_abort(move |_| {
            let why = aborted.error().map_or_else(
                || Exception::named("AbortError"),
                |thrown| Exception::from(JsValue::from(thrown)),
            );
            if let Some(end) = abort.take() {
                let _ = end.send(Err(why.into()));
            }
        });
        Self {
            inner,
            raw,
            ended,
            finished: false,
        }
    }

    /// A store of the transaction.
    pub fn store(&self, name: &str) -> Result<idb::ObjectStore, IdbError> {
        Ok(self.inner.object_store(name)?)
    }

    /// Ends it. `Ok`: everything is durable. `Err`: nothing was written.
    pub async fn finish(mut self) -> Result<(), IdbError> {
        // Saves the round in which the browser finds out that no request follows. It throws if an error has ended the
        // transaction already, which `ended` says better.
        #[allow(
            deprecated,
            reason = "left IndexedDB 2.0 and came back in 3.0; every engine has it"
        )]
        let _ = self.raw.commit();
        let end = (&mut self.ended).await;
        self.finished = true;
        end.unwrap_or_else(|_| Err(IdbError::Failed(Exception::named("AbortError"))))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.raw.set_oncomplete(None);
        self.raw.set_onabort(None);
        if !self.finished {
            // Throws where it has ended already.
            let _ = self.raw.abort();
        }
    }
}
