//! An account with its keys at hand, for tests.

use std::collections::HashMap;
use std::sync::LazyLock;

use chopar_wire::ids::DeviceId;
use chopar_wire::proto::identity::Entry;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::device::{DeviceKeys, account_id};
use crate::keys::{Ed25519Public, KemPublic1024, X25519Public};
use crate::log::{AccountLog, EntryDraft, LogChange, LogError, RecoveryKeys, Signer};
use crate::name::DeviceName;

/// A secret key for a number.
pub(super) fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn public(seed: u8) -> Ed25519Public {
    Ed25519Public::parse(secret(seed).verifying_key().as_bytes()).unwrap()
}

/// The keys of the device with this number; its signing key is `secret(number)`.
pub(super) fn device(number: u8) -> DeviceKeys {
    DeviceKeys {
        signing: public(number),
        agreement: X25519Public::parse(&[number | 2; 32]).unwrap(),
    }
}

pub(super) fn id(number: u8) -> DeviceId {
    device(number).device_id()
}

pub(super) fn name(text: &str) -> DeviceName {
    DeviceName::parse(text).unwrap()
}

pub(super) fn recovery() -> RecoveryKeys {
    RecoveryKeys {
        x25519: X25519Public::parse(&[9; 32]).unwrap(),
        kem: KemPublic1024::parse(&[0; KemPublic1024::LEN]).unwrap(),
    }
}

static KEYRING: LazyLock<Keyring> = LazyLock::new(Keyring::new);

/// Signs whatever draft, with the keys of all numbers.
pub(super) struct Keyring {
    by_account: HashMap<[u8; 32], SigningKey>,
    by_device: HashMap<DeviceId, SigningKey>,
}

impl Keyring {
    fn new() -> Self {
        Self {
            by_account: (0..128).map(|n| (*public(n).as_bytes(), secret(n))).collect(),
            by_device: (0..128).map(|n| (id(n), secret(n))).collect(),
        }
    }

    pub(super) fn sign(&self, draft: EntryDraft) -> Entry {
        let input = draft.signing_input();
        let signatures: Vec<_> = draft
            .signers()
            .iter()
            .map(|signer| match signer {
                Signer::AccountKey(key) => &self.by_account[key.as_bytes()],
                Signer::Device(id) => &self.by_device[id],
            })
            .map(|key| key.sign(&input).to_bytes())
            .collect();
        draft.finish(&signatures).unwrap()
    }
}

/// A log that grows by named acts.
pub(super) struct Account {
    pub(super) log: AccountLog,
    pub(super) keys: &'static Keyring,
}

impl Account {
    /// Account key 1, no devices.
    pub(super) fn new() -> Self {
        let keys = &*KEYRING;
        let create = keys.sign(EntryDraft::create(&public(1), &recovery(), 1000));
        Self {
            log: AccountLog::verify(&account_id(&public(1)), &[create]).unwrap(),
            keys,
        }
    }

    /// Account key 1, devices 10 and 11: three entries.
    pub(super) fn with_two_devices() -> Self {
        let mut account = Self::new();
        account.add(10, Signer::AccountKey(public(1))).unwrap();
        account.add(11, Signer::Device(id(10))).unwrap();
        account
    }

    pub(super) fn push(&mut self, draft: EntryDraft) -> Result<Vec<LogChange>, LogError> {
        let entry = self.keys.sign(draft);
        self.log.extend(&[entry])
    }

    pub(super) fn add(&mut self, number: u8, by: Signer) -> Result<Vec<LogChange>, LogError> {
        let name = name(&format!("device {number}"));
        self.push(EntryDraft::add_device(
            &self.log,
            &device(number),
            &name,
            by,
            2000,
        ))
    }

    pub(super) fn revoke(&mut self, number: u8, by: Signer) -> Result<Vec<LogChange>, LogError> {
        self.push(EntryDraft::revoke_device(&self.log, &id(number), by, 3000))
    }

    pub(super) fn all(&self) -> Vec<Entry> {
        self.log.entries(0).to_vec()
    }
}
