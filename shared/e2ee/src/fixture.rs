//! People with devices, logs and prekeys, for tests, benchmarks, fuzzing and the interop program. Never in a product build.

#![allow(
    clippy::unwrap_used,
    reason = "made of its own valid parts; a failure is a mistake in the test"
)]

use chopar_identity::bundle::signed;
use chopar_identity::{
    AccountLog, BundleBase, DeviceKeys, DeviceName, Ed25519Public, EntryDraft, OneTimePair, RecoveryKeys,
    Signer, VerifiedBundle, account_id,
};
use chopar_wire::Timestamp;
use chopar_wire::proto::identity::Bundle;
use ed25519_dalek::{Signer as _, SigningKey};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};

use crate::device::{LocalDevice, PeerDevice};
use crate::keys::{KemSecret1024, Secret32, X25519Secret};
use crate::prekeys::{EcPrekeySecret, OneTimeOrLastResort, OneTimeSecret, PqPrekeySecret, Prekeys};

/// A generator that says the same each time.
pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A fresh Ed25519 pair.
fn signing_key(rng: &mut impl CryptoRng) -> SigningKey {
    SigningKey::from_bytes(Secret32::random(rng).as_bytes())
}

/// One person with one device and everything private at hand.
pub struct Person {
    /// The account log: account and device.
    pub log: AccountLog,
    /// The account's signing key.
    pub account: SigningKey,
    /// The device's signing key.
    pub signing: SigningKey,
    /// The device's X25519 identity key.
    pub agreement: X25519Secret,
    /// The device.
    pub local: LocalDevice,
    /// Its signed prekey.
    pub signed_prekey: EcPrekeySecret,
    /// Its sealing key.
    pub sealing_key: EcPrekeySecret,
    /// Its last-resort ML-KEM prekey.
    pub last_resort: PqPrekeySecret,
    /// Its one one-time pair.
    pub one_time: OneTimeSecret,
}

impl Person {
    /// The same person for the same number.
    pub fn new(seed: u8) -> Self {
        Self::random(&mut rng(seed))
    }

    /// A fresh person.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let account = signing_key(rng);
        let account_key = Ed25519Public::parse(account.verifying_key().as_bytes()).unwrap();
        let recovery = RecoveryKeys {
            x25519: X25519Secret::random(rng).public(),
            kem: KemSecret1024::random(rng).public(),
        };
        let create = EntryDraft::create(&account_key, &recovery, 1);
        let input = create.signing_input();
        let create = create.finish(&[account.sign(&input).to_bytes()]).unwrap();
        let mut log = AccountLog::verify(&account_id(&account_key), &[create]).unwrap();

        let signing = signing_key(rng);
        let agreement = X25519Secret::random(rng);
        let keys = DeviceKeys {
            signing: Ed25519Public::parse(signing.verifying_key().as_bytes()).unwrap(),
            agreement: agreement.public(),
        };
        let name = DeviceName::parse("browser").unwrap();
        let add = EntryDraft::add_device(&log, &keys, &name, Signer::AccountKey(account_key), 2);
        let input = add.signing_input();
        let add = add
            .finish(&[account.sign(&input).to_bytes(), signing.sign(&input).to_bytes()])
            .unwrap();
        log.extend(&[add]).unwrap();

        Self {
            local: LocalDevice::new(*log.account(), keys),
            log,
            account,
            signing,
            agreement,
            signed_prekey: EcPrekeySecret::random(1, Timestamp(1), rng),
            sealing_key: EcPrekeySecret::random(2, Timestamp(1), rng),
            last_resort: PqPrekeySecret::random(3, Timestamp(1), rng),
            one_time: OneTimeSecret::random(4, Timestamp(1), rng),
        }
    }

    /// The device as others see it in the verified log.
    pub fn peer(&self) -> PeerDevice {
        PeerDevice::from_log(&self.log, self.local.device()).unwrap()
    }

    /// The bundle as the relay hands it out, with or without a one-time pair.
    pub fn bundle(&self, with_one_time: bool) -> Bundle {
        let base = BundleBase {
            account: *self.local.account(),
            device: *self.local.device(),
            sequence: 1,
            time: 1,
            signed_prekey: self.signed_prekey.public(),
            sealing_key: self.sealing_key.public(),
            last_resort: self.last_resort.public(),
        }
        .body();
        let signature = self.signing.sign(&BundleBase::signing_input(&base)).to_bytes();
        let one_time = with_one_time.then(|| {
            let body = self.one_time.public().body(self.local.device());
            let signature = self.signing.sign(&OneTimePair::signing_input(&body)).to_bytes();
            signed(body, signature)
        });
        Bundle {
            base: Some(signed(base, signature)),
            one_time,
        }
    }

    /// The same, verified.
    pub fn verified_bundle(&self, with_one_time: bool) -> VerifiedBundle {
        let bundle = self.bundle(with_one_time);
        VerifiedBundle::verify(self.local.account(), self.local.keys(), &bundle).unwrap()
    }

    /// The private halves that go with the bundle.
    pub fn prekeys(&self, with_one_time: bool) -> Prekeys<'_> {
        Prekeys {
            signed: &self.signed_prekey,
            one_time: if with_one_time {
                OneTimeOrLastResort::OneTime(&self.one_time)
            } else {
                OneTimeOrLastResort::LastResort(&self.last_resort)
            },
        }
    }

    /// An envelope in handshake form with any content, sealed rightly to this person, without the product's own sealing.
    pub fn sealed(&self, content: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        let key = self.sealing_key.public();
        let info = [
            &b"Chopar v1 seal"[..],
            self.local.account().as_bytes(),
            self.local.device().as_bytes(),
            &key.id.to_be_bytes(),
        ]
        .concat();
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(key.public.as_bytes()).unwrap();
        let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<
            AesGcm256,
            HkdfSha256,
            X25519HkdfSha256,
        >(&OpModeS::Base, &public, &info, content, &[], rng)
        .unwrap();
        [
            &[1][..],
            &key.id.to_be_bytes(),
            &encapsulated.to_bytes(),
            &ciphertext,
        ]
        .concat()
    }
}
