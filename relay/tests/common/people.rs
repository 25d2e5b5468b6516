//! People with real signing keys. Agreement keys and KEM keys are well-formed bytes: the relay agrees on nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use chopar_identity::bundle::signed;
use chopar_identity::{
    AccountLog, BundleBase, DeviceKeys, DeviceName, EcPrekey, Ed25519Public, EntryDraft, KemPublic1024,
    LogHead, OneTimePair, PqPrekey, RecoverClaim, RecoveryKeys, SignInClaim, Signer, X25519Public,
    account_id,
};
use chopar_wire::ids::{AccountId, DeviceId, EnvelopeId};
use chopar_wire::proto::identity::{Entry, Signed};
use chopar_wire::proto::relay::{AdmitDevice, Challenge, Envelope, Submit};
use ed25519_dalek::{Signer as _, SigningKey};

pub struct Device {
    pub signing: SigningKey,
    pub keys: DeviceKeys,
    pub id: DeviceId,
}

pub struct Person {
    pub account_key: SigningKey,
    pub account: AccountId,
    pub log: AccountLog,
    pub devices: Vec<Device>,
}

/// Distinct bytes for every call: no randomness, no two alike.
fn seed() -> [u8; 32] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut seed = [0x42; 32];
    let process = u64::from(std::process::id());
    seed[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    seed[8..16].copy_from_slice(&process.to_le_bytes());
    seed
}

fn public(key: &SigningKey) -> Ed25519Public {
    Ed25519Public::parse(key.verifying_key().as_bytes()).unwrap()
}

pub fn envelope_id() -> EnvelopeId {
    EnvelopeId::try_from(&seed()[..16]).unwrap()
}

impl Device {
    fn new() -> Self {
        let signing = SigningKey::from_bytes(&seed());
        let agreement = X25519Public::parse(&seed()).unwrap();
        let keys = DeviceKeys {
            signing: public(&signing),
            agreement,
        };
        Self {
            signing,
            keys,
            id: keys.device_id(),
        }
    }

    fn again(&self) -> Self {
        Self {
            signing: self.signing.clone(),
            keys: self.keys,
            id: self.id,
        }
    }

    pub fn one_time(&self, id: u32) -> Signed {
        let pair = OneTimePair {
            id,
            x25519: X25519Public::parse(&seed()).unwrap(),
            kem: KemPublic1024::parse(&[0; KemPublic1024::LEN]).unwrap(),
        };
        let body = pair.body(&self.id);
        let signature = self.signing.sign(&OneTimePair::signing_input(&body)).to_bytes();
        signed(body, signature)
    }
}

impl Person {
    /// An account with one device, not yet registered.
    pub fn new() -> Self {
        Self::with(Device::new())
    }

    /// Another account with the keys of a device that somebody has already, not yet registered.
    pub fn with_keys_of(other: &Device) -> Self {
        Self::with(other.again())
    }

    fn with(device: Device) -> Self {
        let account_key = SigningKey::from_bytes(&seed());
        let recovery = RecoveryKeys {
            x25519: X25519Public::parse(&seed()).unwrap(),
            kem: KemPublic1024::parse(&[0; KemPublic1024::LEN]).unwrap(),
        };
        let account = account_id(&public(&account_key));
        let draft = EntryDraft::create(&public(&account_key), &recovery, 1);
        let signature = account_key.sign(&draft.signing_input()).to_bytes();
        let create = draft.finish(&[signature]).unwrap();
        let log = AccountLog::verify(&account, &[create]).unwrap();
        let mut person = Self {
            account_key,
            account,
            log,
            devices: Vec::new(),
        };
        let entry = person.draft_addition(&device);
        person.accept(&entry);
        person.devices.push(device);
        person
    }

    /// A further device, let in by the account key, and the entry that says so; not yet in the log.
    pub fn draft_device(&self) -> (Device, Entry) {
        let device = Device::new();
        let entry = self.draft_addition(&device);
        (device, entry)
    }

    /// The entry that lets a device in, signed by the account key and by the device.
    pub fn draft_addition(&self, device: &Device) -> Entry {
        let by = Signer::AccountKey(public(&self.account_key));
        self.draft_addition_by(device, by, &self.account_key)
    }

    /// The same, let in by the first device.
    pub fn draft_addition_by_device(&self, device: &Device) -> Entry {
        self.draft_addition_by(device, Signer::Device(self.id()), &self.devices[0].signing)
    }

    fn draft_addition_by(&self, device: &Device, by: Signer, key: &SigningKey) -> Entry {
        let name = DeviceName::parse("browser").unwrap();
        let draft = EntryDraft::add_device(&self.log, &device.keys, &name, by, 2);
        let input = draft.signing_input();
        let signatures = [
            key.sign(&input).to_bytes(),
            device.signing.sign(&input).to_bytes(),
        ];
        draft.finish(&signatures).unwrap()
    }

    /// The entry that ends a device, signed by the account key.
    pub fn draft_revocation(&self, device: &DeviceId) -> Entry {
        let by = Signer::AccountKey(public(&self.account_key));
        let draft = EntryDraft::revoke_device(&self.log, device, by, 3);
        let signature = self.account_key.sign(&draft.signing_input()).to_bytes();
        draft.finish(&[signature]).unwrap()
    }

    /// Takes an entry into the own view of the log.
    pub fn accept(&mut self, entry: &Entry) {
        self.log.extend(std::slice::from_ref(entry)).unwrap();
    }

    pub fn id(&self) -> DeviceId {
        self.devices[0].id
    }

    pub fn bundle(&self, device: usize, sequence: u64) -> Signed {
        self.bundle_of(&self.devices[device], sequence)
    }

    fn bundle_of(&self, device: &Device, sequence: u64) -> Signed {
        let prekey = |id| EcPrekey {
            id,
            public: X25519Public::parse(&seed()).unwrap(),
        };
        let base = BundleBase {
            account: self.account,
            device: device.id,
            sequence,
            time: 1,
            signed_prekey: prekey(1),
            sealing_key: prekey(2),
            last_resort: PqPrekey {
                id: 3,
                public: KemPublic1024::parse(&[0; KemPublic1024::LEN]).unwrap(),
            },
        };
        let body = base.body();
        let signature = device.signing.sign(&BundleBase::signing_input(&body)).to_bytes();
        signed(body, signature)
    }

    pub fn proof(&self, device: usize, challenge: &Challenge, origin: &str) -> Signed {
        self.proof_of(&self.devices[device], challenge, origin)
    }

    /// What lets a device in that is not in the log yet.
    pub fn admission(&self, device: &Device, challenge: &Challenge, origin: &str) -> AdmitDevice {
        AdmitDevice {
            entry: Some(self.draft_addition(device)),
            bundle: Some(self.bundle_of(device, 1)),
            proof: Some(self.proof_of(device, challenge, origin)),
        }
    }

    fn proof_of(&self, device: &Device, challenge: &Challenge, origin: &str) -> Signed {
        let claim = SignInClaim {
            relay_name: challenge.relay_name.clone(),
            origin: origin.to_owned(),
            nonce: challenge.nonce.as_ref().try_into().unwrap(),
            expires: challenge.expires,
            account: self.account,
            device: device.id,
        };
        let body = claim.body();
        let signature = device.signing.sign(&SignInClaim::signing_input(&body)).to_bytes();
        signed(body, signature)
    }

    /// The account key's answer to a challenge.
    pub fn recover_proof(&self, challenge: &Challenge, origin: &str) -> Signed {
        let claim = RecoverClaim {
            relay_name: challenge.relay_name.clone(),
            origin: origin.to_owned(),
            nonce: challenge.nonce.as_ref().try_into().unwrap(),
            expires: challenge.expires,
            account: self.account,
        };
        let body = claim.body();
        let input = RecoverClaim::signing_input(&body);
        let signature = self.account_key.sign(&input).to_bytes();
        signed(body, signature)
    }

    pub fn head(&self) -> LogHead {
        self.log.head()
    }

    /// One envelope for each active device but `except`.
    pub fn submission(&self, body: &[u8], except: Option<DeviceId>) -> Submit {
        let envelopes = self
            .log
            .active_devices()
            .iter()
            .filter(|device| Some(device.id) != except)
            .map(|device| Envelope {
                device: device.id.into(),
                id: envelope_id().into(),
                body: body.to_vec().into(),
                expiry: 0,
            })
            .collect();
        Submit {
            account: self.account.into(),
            log_head: Some((&self.head()).into()),
            envelopes,
        }
    }
}
