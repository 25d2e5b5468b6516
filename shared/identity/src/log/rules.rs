//! Who may do what: an entry against the state it wants to change.

use chopar_wire::ids::DeviceId;
use chopar_wire::{labels, limits};

use crate::keys::Ed25519Public;
use crate::log::entry::{Act, ParsedEntry, Signer};
use crate::log::error::LogError;
use crate::log::state::State;
use crate::signed::verify;

/// Checks the create entry of an account: signed by the very key it names.
///
/// Whether that key makes the account id is the caller's check.
pub(super) fn check_create(entry: &ParsedEntry, account_key: &Ed25519Public) -> Result<Signer, LogError> {
    let signer = Signer::AccountKey(*account_key);
    check_signers(entry, &[(signer, *account_key)])?;
    Ok(signer)
}

/// Checks an entry after the first against `state`. `head` is the hash it must have named as its parent.
/// Returns who permitted the act.
pub(super) fn check(entry: &ParsedEntry, state: &State, head: &[u8; 32]) -> Result<Signer, LogError> {
    let position = entry.position;
    let account = (Signer::AccountKey(*state.account_key()), *state.account_key());
    match &entry.act {
        Act::Create { .. } => Err(LogError::MisplacedCreate { position }),
        Act::AddDevice { keys, .. } => {
            let id = keys.device_id();
            if state.device(&id).is_some() || state.revoked.contains(&id) {
                return Err(LogError::DeviceKnown { position });
            }
            if state.active.len() >= limits::MAX_DEVICES {
                return Err(LogError::TooManyDevices { position });
            }
            let own = (Signer::Device(id), keys.signing);
            let permitting = permitting(entry, state, Some(&id))?;
            check_signers(entry, &[permitting, own])?;
            Ok(permitting.0)
        }
        Act::RevokeDevice { device } | Act::RenameDevice { device, .. } => {
            if state.device(device).is_none() {
                return Err(LogError::NoSuchDevice { position });
            }
            let permitting = permitting(entry, state, None)?;
            check_signers(entry, &[permitting])?;
            Ok(permitting.0)
        }
        Act::ReplaceAccountKey { account_key, .. } => {
            // A key that comes back could be one that was replaced because it was stolen.
            if state.account_keys.contains(account_key) {
                return Err(LogError::KeyReused { position });
            }
            check_signers(
                entry,
                &[account, (Signer::AccountKey(*account_key), *account_key)],
            )?;
            Ok(account.0)
        }
        Act::ResolveFork { head: stays } => {
            if stays != head {
                return Err(LogError::WrongResolution { position });
            }
            check_signers(entry, &[account])?;
            Ok(account.0)
        }
    }
}

/// The one signer, apart from a new device itself, that lets the act happen: the account key in force or an active
/// device.
fn permitting(
    entry: &ParsedEntry,
    state: &State,
    new_device: Option<&DeviceId>,
) -> Result<(Signer, Ed25519Public), LogError> {
    let wrong = LogError::WrongSigners {
        position: entry.position,
    };
    let mut candidates = entry
        .signatures
        .iter()
        .map(|(signer, _)| signer)
        .filter(|signer| match signer {
            Signer::Device(id) => Some(id) != new_device,
            Signer::AccountKey(_) => true,
        });
    let signer = *candidates.next().ok_or(wrong)?;
    match signer {
        Signer::AccountKey(key) if key == *state.account_key() => Ok((signer, key)),
        Signer::Device(id) => Ok((signer, state.device(&id).ok_or(wrong)?.keys.signing)),
        Signer::AccountKey(_) => Err(wrong),
    }
}

/// Exactly the required signers, each once, each signature right. An extra signature would be unaccounted-for bytes.
fn check_signers(entry: &ParsedEntry, required: &[(Signer, Ed25519Public)]) -> Result<(), LogError> {
    let position = entry.position;
    if entry.signatures.len() != required.len() {
        return Err(LogError::WrongSigners { position });
    }
    for (signer, key) in required {
        let (_, signature) = entry
            .signatures
            .iter()
            .find(|(s, _)| s == signer)
            .ok_or(LogError::WrongSigners { position })?;
        verify(labels::LOG_ENTRY, &entry.body, signature, key)
            .map_err(|_| LogError::BadSignature { position })?;
    }
    Ok(())
}
