//! Handles that people present themselves with, held against the directory.
//!
//! A handle is the relay's claim (`docs/protocol.md` P-014), so what somebody says of themselves is not one yet: it is kept aside, and the
//! directory is asked once the own person has to do with them. Not before: the question would tell the relay who wrote.

use chopar_identity::Handle;
use chopar_wire::AccountId;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{Find, People};

use crate::claims;
use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::requests::What;
use crate::set::Set;

/// Whom the directory was asked about on this connection: one question for each, whatever comes of it.
pub(crate) type HandlesAsked = Set<AccountId>;

impl Engine {
    /// Asks about the next one.
    pub(crate) fn pump_handles(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in()
            || self
                .requests
                .is_open(|what| matches!(what, What::CheckHandle { .. }))
        {
            return;
        }
        let unsure = |contact: &&Contact| {
            contact.accepted
                && contact.handle.is_empty()
                && !contact.presented_handle.is_empty()
                && !self.handles_asked.contains(&contact.account)
        };
        let Some(contact) = self.contacts.values().find(unsure) else {
            return;
        };
        let account = contact.account;
        let query = contact.presented_handle.clone();
        self.handles_asked.insert(account);
        self.requests
            .send(cx, What::CheckHandle { account }, Body::Find(Find { query }));
    }

    /// What the directory says: their handle, or nothing that bears them out.
    pub(crate) fn on_handle_checked(&mut self, account: AccountId, people: &People, cx: &mut Context<'_>) {
        let found = claims::people(&people.people)
            .into_iter()
            .find(|person| person.account == account);
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        contact.presented_handle.clear();
        if let Some(person) = found {
            contact.handle = person.handle;
        }
        cx.touch(account);
    }

    /// What somebody says their handle is.
    pub(crate) fn presented_handle(&mut self, account: AccountId, handle: &str, cx: &mut Context<'_>) {
        let Ok(handle) = Handle::parse(handle) else {
            return;
        };
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        if contact.handle.is_empty() && contact.presented_handle != handle.as_str() {
            handle.as_str().clone_into(&mut contact.presented_handle);
            cx.contacts.insert(account);
        }
    }
}
