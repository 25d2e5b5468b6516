//! Entries in the making: the bytes to sign, who has to sign them, and the finished entry.

use chopar_wire::ids::DeviceId;
use chopar_wire::labels;
use chopar_wire::proto::identity::{
    AddDevice, Create, Entry, EntryBody, EntrySignature, RenameDevice, ReplaceAccountKey, ResolveFork,
    RevokeDevice, entry_body, entry_signature,
};
use prost::Message;

use crate::SUITE;
use crate::device::{DeviceKeys, account_id};
use crate::keys::Ed25519Public;
use crate::log::chain::AccountLog;
use crate::log::entry::Signer;
use crate::log::error::LogError;
use crate::log::state::RecoveryKeys;
use crate::name::DeviceName;
use crate::signed::{SIGNATURE_LEN, signing_input};

/// An entry that waits for its signatures. Whoever loses the race for the log's head drops it and drafts again.
///
/// Times are milliseconds since 1970. Nothing is judged here: [`AccountLog::extend`] judges the finished entry.
pub struct EntryDraft {
    body: Vec<u8>,
    signers: Vec<Signer>,
}

impl EntryDraft {
    /// The first entry of a new account, signed by the account key.
    pub fn create(account_key: &Ed25519Public, recovery: &RecoveryKeys, time: u64) -> Self {
        let body = EntryBody {
            suite: SUITE,
            account: account_id(account_key).into(),
            position: 0,
            parent: Vec::new().into(),
            time,
            act: Some(entry_body::Act::Create(Create {
                account_key: account_key.as_bytes().to_vec().into(),
                recovery_x25519: recovery.x25519.as_bytes().to_vec().into(),
                recovery_kem: recovery.kem.as_bytes().to_vec().into(),
            })),
        };
        Self {
            body: body.encode_to_vec(),
            signers: vec![Signer::AccountKey(*account_key)],
        }
    }

    /// Lets a device in, permitted by the account key or an active device; the new device signs too.
    pub fn add_device(log: &AccountLog, keys: &DeviceKeys, name: &DeviceName, by: Signer, time: u64) -> Self {
        let act = AddDevice {
            keys: Some(keys.into()),
            name: name.as_str().to_owned(),
        };
        let signers = vec![by, Signer::Device(keys.device_id())];
        Self::next(log, entry_body::Act::AddDevice(act), signers, time)
    }

    /// Ends a device for good.
    pub fn revoke_device(log: &AccountLog, device: &DeviceId, by: Signer, time: u64) -> Self {
        let act = RevokeDevice {
            device: (*device).into(),
        };
        Self::next(log, entry_body::Act::RevokeDevice(act), vec![by], time)
    }

    /// Calls a device otherwise.
    pub fn rename_device(
        log: &AccountLog,
        device: &DeviceId,
        name: &DeviceName,
        by: Signer,
        time: u64,
    ) -> Self {
        let act = RenameDevice {
            device: (*device).into(),
            name: name.as_str().to_owned(),
        };
        Self::next(log, entry_body::Act::RenameDevice(act), vec![by], time)
    }

    /// Replaces the account key; the key in force and the new one sign.
    pub fn replace_account_key(
        log: &AccountLog,
        account_key: &Ed25519Public,
        recovery: &RecoveryKeys,
        time: u64,
    ) -> Self {
        let act = ReplaceAccountKey {
            account_key: account_key.as_bytes().to_vec().into(),
            recovery_x25519: recovery.x25519.as_bytes().to_vec().into(),
            recovery_kem: recovery.kem.as_bytes().to_vec().into(),
        };
        let signers = vec![
            Signer::AccountKey(*log.account_key()),
            Signer::AccountKey(*account_key),
        ];
        Self::next(log, entry_body::Act::ReplaceAccountKey(act), signers, time)
    }

    /// Declares `log` the chain that stays after a fork, signed by the account key.
    pub fn resolve_fork(log: &AccountLog, time: u64) -> Self {
        let act = ResolveFork {
            head: log.head().hash.to_vec().into(),
        };
        let signers = vec![Signer::AccountKey(*log.account_key())];
        Self::next(log, entry_body::Act::ResolveFork(act), signers, time)
    }

    /// The bytes that every signer signs: [`labels::LOG_ENTRY`] ‖ 0x00 ‖ body.
    pub fn signing_input(&self) -> Vec<u8> {
        signing_input(labels::LOG_ENTRY, &self.body)
    }

    /// Who has to sign, in the order in which [`finish`](Self::finish) takes the signatures.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// The entry with its signatures, in the order of [`signers`](Self::signers).
    ///
    /// # Errors
    /// [`LogError::SignatureCount`] where there are more or fewer.
    pub fn finish(self, signatures: &[[u8; SIGNATURE_LEN]]) -> Result<Entry, LogError> {
        if signatures.len() != self.signers.len() {
            return Err(LogError::SignatureCount {
                expected: self.signers.len(),
                got: signatures.len(),
            });
        }
        let signatures = self
            .signers
            .iter()
            .zip(signatures)
            .map(|(signer, signature)| EntrySignature {
                signer: Some(match signer {
                    Signer::AccountKey(key) => {
                        entry_signature::Signer::AccountKey(key.as_bytes().to_vec().into())
                    }
                    Signer::Device(id) => entry_signature::Signer::Device((*id).into()),
                }),
                signature: signature.to_vec().into(),
            });
        Ok(Entry {
            signatures: signatures.collect(),
            body: self.body.into(),
        })
    }

    fn next(log: &AccountLog, act: entry_body::Act, signers: Vec<Signer>, time: u64) -> Self {
        let head = log.head();
        let body = EntryBody {
            suite: SUITE,
            account: (*log.account()).into(),
            position: head.length,
            parent: head.hash.to_vec().into(),
            time,
            act: Some(act),
        };
        Self {
            body: body.encode_to_vec(),
            signers,
        }
    }
}
