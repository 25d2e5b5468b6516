//! Registration: everything is verified first, then one transaction takes the invite, the handle and the account.

use chopar_identity::{AccountLog, DisplayName, Handle, verify_base};
use chopar_wire::ids::AccountId;
use chopar_wire::proto::identity::EntryBody;
use chopar_wire::proto::relay::{Reason, Register};
use prost::Message;

use super::answers::Refusal;
use crate::core::Core;
use crate::policy::{devices, words};
use crate::store::{NewAccount, Registration};
use crate::token;

/// Entries of a log that registers: create and add device, and room for a client that renames before it registers.
const ENTRIES_MAX: usize = 4;

/// Checks all that can be checked without the store.
pub(crate) fn verify(register: Register) -> Result<NewAccount, Refusal> {
    let token = token::parse(&register.invite)
        .ok_or_else(|| Refusal::new(Reason::InviteUnknown, "an invite has another form"))?;
    let handle = Handle::parse(&register.handle)
        .map_err(|fault| Refusal::new(Reason::HandleInvalid, fault.to_string()))?;
    let name = DisplayName::parse(&register.display_name)
        .map_err(|fault| Refusal::new(Reason::NameInvalid, fault.to_string()))?;
    let invalid = |fault: String| Refusal::new(Reason::LogInvalid, fault);
    if register.log.len() > ENTRIES_MAX {
        return Err(invalid(format!("a new log has at most {ENTRIES_MAX} entries")));
    }
    let first = register
        .log
        .first()
        .ok_or_else(|| invalid("the log is empty".to_owned()))?;
    // Whose log it says it is; verification holds it to the keys.
    let claimed =
        EntryBody::decode(first.body.clone()).map_err(|_| invalid("entry 0 is malformed".to_owned()))?;
    let account = AccountId::try_from(claimed.account.as_ref())?;
    let log = AccountLog::verify(&account, &register.log).map_err(|fault| invalid(fault.to_string()))?;
    let [device] = log.active_devices() else {
        return Err(invalid("a new account has one device".to_owned()));
    };
    let signed = register
        .bundle
        .ok_or_else(|| Refusal::new(Reason::BundleInvalid, "there is no bundle"))?;
    let base = verify_base(&account, &device.keys, &signed)
        .map_err(|fault| Refusal::new(Reason::BundleInvalid, fault.to_string()))?;
    if !is_sequence(base.sequence) {
        return Err(Refusal::new(Reason::BundleInvalid, SEQUENCE_RULE));
    }
    let mut search = words::words(handle.as_str());
    search.extend(words::words(name.as_str()));
    Ok(NewAccount {
        token: token.hash(),
        account,
        handle: handle.as_str().to_owned(),
        display_name: name.as_str().to_owned(),
        words: search,
        log: register.log.iter().map(devices::log_entry).collect(),
        devices: vec![devices::new_device(device)],
        bundle: (device.id, base.sequence, signed.encode_to_vec().into()),
    })
}

/// Zero says that there is no bundle; the store counts in signed numbers.
pub(crate) const fn is_sequence(number: u64) -> bool {
    number >= 1 && number <= i64::MAX as u64
}

/// What [`is_sequence`] asks for.
pub(crate) const SEQUENCE_RULE: &str = "bundles are numbered from 1 to 2^63 - 1";

/// Takes the invite, the handle and the account, or none of them.
pub(crate) async fn store(core: &Core, new: NewAccount) -> Result<(), Refusal> {
    let (reason, detail) = match core.store.register(new).await? {
        Registration::Done(_) => return Ok(()),
        Registration::InviteUnknown => (Reason::InviteUnknown, "no such invite"),
        Registration::InviteExpired => (Reason::InviteExpired, "the invite has expired"),
        Registration::InviteUsed => (Reason::InviteUsed, "the invite is used up"),
        Registration::HandleTaken => (Reason::HandleTaken, "the handle is taken"),
        Registration::AccountExists => (Reason::AccountExists, "the account is registered already"),
        Registration::DeviceExists => (Reason::DeviceExists, "the device belongs to an account already"),
    };
    Err(Refusal::new(reason, detail))
}
