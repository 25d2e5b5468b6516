//! What a relay can write down while people register: public facts only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chopar_wire::AccountId;
use chopar_wire::prost::Message as _;
use chopar_wire::proto::identity::{Entry, EntryBody};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{ClientFrame, Register};

/// Who registered with what.
#[derive(Clone)]
pub struct Registered {
    /// The account.
    pub account: AccountId,
    /// The log it began with.
    pub log: Vec<Entry>,
}

/// By handle, as it was typed.
#[derive(Default)]
pub(crate) struct Notebook(Mutex<HashMap<String, Registered>>);

impl Notebook {
    pub(crate) fn note(&self, frame: &ClientFrame) {
        if let Some(Body::Register(register)) = &frame.body
            && let Some(account) = account_of(register)
        {
            let registered = Registered {
                account,
                log: register.log.clone(),
            };
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(register.handle.clone(), registered);
        }
    }

    pub(crate) fn of(&self, handle: &str) -> Option<Registered> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(handle)
            .cloned()
    }
}

/// The account that a registration creates.
pub(crate) fn account_of(register: &Register) -> Option<AccountId> {
    let first = EntryBody::decode(register.log.first()?.body.clone()).ok()?;
    AccountId::try_from(first.account.as_ref()).ok()
}
