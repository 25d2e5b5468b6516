//! Who may do what: an entry against the state it wants to change.

use std::collections::BTreeSet;

use chopar_identity::{AccountLog, LogHead, verify};
use chopar_wire::ids::AccountId;
use chopar_wire::labels::GROUP_ENTRY;

use super::act::{Act, NewMember, SettingsChange};
use super::entry::ParsedEntry;
use super::error::RosterError;
use super::state::State;
use crate::group::limits::{MAX_MEMBERS, MAX_PICTURE, MAX_TIMER_SECONDS};

/// Checks that a device of the signer, active at the head that the entry names, signed it.
pub(super) fn check_signature(entry: &ParsedEntry, log: Option<&AccountLog>) -> Result<(), RosterError> {
    let (position, account) = (entry.position, entry.account);
    let missing = RosterError::LogMissing { position, account };
    let log = log.ok_or(missing)?;
    let LogHead { length, hash } = entry.log;
    match log.prefix_hash(length) {
        None => return Err(missing),
        Some(known) if known != hash => return Err(RosterError::OtherLog { position, account }),
        Some(_) => {}
    }
    let device = log
        .device_at(length, &entry.device)
        .ok_or(RosterError::NotActive { position })?;
    verify(GROUP_ENTRY, &entry.body, &entry.signature, &device.keys.signing)
        .map_err(|_| RosterError::BadSignature { position })
}

/// Checks the first entry of a group. Gives the name it must have.
pub(super) fn check_create(entry: &ParsedEntry) -> Result<chopar_identity::DisplayName, RosterError> {
    let position = 0;
    if entry.key != 1 {
        return Err(RosterError::WrongKey { position });
    }
    may_begin(&entry.act, &entry.account)
}

/// Whether a group may begin so. Gives the name it has then.
pub(super) fn may_begin(act: &Act, by: &AccountId) -> Result<chopar_identity::DisplayName, RosterError> {
    let position = 0;
    let Act::Create {
        settings, members, ..
    } = act
    else {
        return Err(RosterError::MisplacedCreate { position });
    };
    let name = settings.name.clone().ok_or(RosterError::BadName { position })?;
    self::settings(settings, position)?;
    if members.iter().any(|member| member.account == *by) {
        return Err(RosterError::AlreadyAMember { position });
    }
    distinct(members.iter().map(|member| &member.account), position)?;
    count(1 + members.len(), position)?;
    Ok(name)
}

/// Checks an entry after the first against `state`, except its signature.
pub(super) fn check(entry: &ParsedEntry, state: &State) -> Result<(), RosterError> {
    let position = entry.position;
    if state
        .logs
        .get(&entry.account)
        .is_some_and(|known| entry.log.length < *known)
    {
        return Err(RosterError::OlderLog { position });
    }
    let wanted = state.key + u32::from(entry.act.renews_key());
    if entry.key != wanted {
        return Err(RosterError::WrongKey { position });
    }
    permits(state, &entry.account, &entry.act, position)
}

/// Whether an account may do something now.
pub(super) fn permits(state: &State, by: &AccountId, act: &Act, position: u32) -> Result<(), RosterError> {
    if !state.members.contains_key(by) {
        return Err(RosterError::NotAMember { position });
    }
    if !matches!(act, Act::Leave) && !state.is_admin(by) {
        return Err(RosterError::NotAnAdmin { position });
    }
    match act {
        Act::Create { .. } => Err(RosterError::MisplacedCreate { position }),
        Act::Add(members) => added(state, members, position),
        Act::Remove(accounts) => {
            if accounts.is_empty() {
                return Err(RosterError::NoChange { position });
            }
            distinct(accounts.iter(), position)?;
            if accounts.contains(by) {
                return Err(RosterError::RemovesSigner { position });
            }
            match accounts.iter().all(|id| state.members.contains_key(id)) {
                true => Ok(()),
                false => Err(RosterError::NoSuchMember { position }),
            }
        }
        Act::Leave => {
            let alone = state.members.len() == 1;
            match alone || state.has_admin_besides(std::slice::from_ref(by)) {
                true => Ok(()),
                false => Err(RosterError::LastAdmin { position }),
            }
        }
        Act::SetRole { account, role } => match state.members.get(account) {
            None => Err(RosterError::NoSuchMember { position }),
            Some(member) if member.role == *role => Err(RosterError::NoChange { position }),
            Some(_) if state.is_admin(account) && !state.has_admin_besides(std::slice::from_ref(account)) => {
                Err(RosterError::LastAdmin { position })
            }
            Some(_) => Ok(()),
        },
        Act::Settings(change) => settings(change, position),
        Act::Renew => Ok(()),
    }
}

fn added(state: &State, members: &[NewMember], position: u32) -> Result<(), RosterError> {
    if members.is_empty() {
        return Err(RosterError::NoChange { position });
    }
    distinct(members.iter().map(|member| &member.account), position)?;
    if members
        .iter()
        .any(|member| state.members.contains_key(&member.account))
    {
        return Err(RosterError::AlreadyAMember { position });
    }
    count(state.members.len() + members.len(), position)
}

/// What an entry may set; one that came from outside was held to it when it was parsed.
pub(super) fn settings(change: &SettingsChange, position: u32) -> Result<(), RosterError> {
    let picture = change.picture.as_ref().map_or(0, Vec::len);
    if picture > MAX_PICTURE {
        return Err(RosterError::PictureTooLarge { position });
    }
    if change
        .timer_seconds
        .is_some_and(|timer| timer > MAX_TIMER_SECONDS)
    {
        return Err(RosterError::TimerTooLong { position });
    }
    match *change == SettingsChange::default() {
        true => Err(RosterError::NoChange { position }),
        false => Ok(()),
    }
}

fn distinct<'a>(accounts: impl Iterator<Item = &'a AccountId>, position: u32) -> Result<(), RosterError> {
    let mut seen = BTreeSet::new();
    for account in accounts {
        if !seen.insert(account) {
            return Err(RosterError::NamedTwice { position });
        }
    }
    Ok(())
}

const fn count(got: usize, position: u32) -> Result<(), RosterError> {
    if got > MAX_MEMBERS {
        return Err(RosterError::TooManyMembers {
            position,
            got,
            limit: MAX_MEMBERS,
        });
    }
    Ok(())
}
