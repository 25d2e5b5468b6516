//! Envelopes in handshake form that somebody made by hand: whoever has a bundle can seal anything, under any name.

use chopar_e2ee::padding::pad;
use chopar_identity::log::entry_hash;
use chopar_wire::proto::content::FirstContact;
use chopar_wire::proto::identity::{BundleBody, Entry, LogHead};
use chopar_wire::proto::relay::Deliver;
use chopar_wire::{AccountId, DeviceId};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use prost::Message;
use rand_chacha::rand_core::Rng;

use super::cast::{SETTLE_MS, Who};
use super::log_lies::LogLie;
use super::relay_deeds::TheRelay;
use super::stage::Stage;
use super::step::Step;

/// Kind of KEM prekey in a handshake header: the last-resort key.
const LAST_RESORT: u8 = 2;

/// Who an envelope says it is from, and how it proves it.
struct Claimed {
    account: AccountId,
    device: DeviceId,
    log: Vec<Entry>,
    head: LogHead,
}

impl Who {
    /// Seals an envelope for somebody in the name of another, with this in the place of that one's log.
    pub fn forges(self, name: Self, to: Self, log: LogLie) -> Step {
        Step::new(
            format!("{self} forges an envelope of {name} for {to}, with a log {log}"),
            move |stage| {
                let claimed = stage.claimed(name, log);
                stage.forge(&claimed, to);
                stage.pass(SETTLE_MS);
            },
        )
    }

    /// Seals handshakes that come to nothing, one after the other at once, in the own name.
    pub fn floods_with_handshakes(self, to: Self, count: usize) -> Step {
        Step::new(
            format!("{self} floods {to} with {count} handshakes that come to nothing"),
            move |stage| {
                let claimed = stage.claimed(self, LogLie::Frozen);
                for _ in 0..count {
                    stage.forge(&claimed, to);
                }
            },
        )
    }
}

impl TheRelay {
    /// Seals envelopes in the names of accounts that never were, their logs too long to come along.
    pub fn makes_up_senders(self, to: Who, count: usize) -> Step {
        Step::new(
            format!("the relay makes up {count} senders who write to {to}"),
            move |stage| {
                for _ in 0..count {
                    let mut ids = [0; 48];
                    stage.lies.borrow_mut().rng.fill_bytes(&mut ids);
                    let (account, device) = ids.split_at(32);
                    let claimed = Claimed {
                        account: AccountId::try_from(account).expect("32 bytes"),
                        device: DeviceId::try_from(device).expect("16 bytes"),
                        log: Vec::new(),
                        head: LogHead {
                            length: 200,
                            hash: vec![7; 32].into(),
                        },
                    };
                    stage.forge(&claimed, to);
                    stage.pass(200);
                }
            },
        )
    }
}

impl Stage {
    fn claimed(&self, name: Who, log: LogLie) -> Claimed {
        let log = log.entries(name, self);
        Claimed {
            account: self.account(name),
            device: self.device(name),
            head: LogHead {
                length: u32::try_from(log.len()).expect("a short log"),
                hash: log.last().map(entry_hash).unwrap_or_default().to_vec().into(),
            },
            log,
        }
    }

    /// Seals and hands over. The header names prekeys that exist, and nothing else of it is true.
    fn forge(&mut self, claimed: &Claimed, to: Who) {
        let base = self.bundle(to).base.expect("a base");
        let base = BundleBody::decode(base.body).expect("a base");
        let sealing_key = base.sealing_key.expect("a sealing key");
        let (account, device) = (self.account(to), self.device(to));
        let deliver = {
            let mut lies = self.lies.borrow_mut();
            let mut noise = vec![0; 32 + 1568 + 300];
            lies.rng.fill_bytes(&mut noise);
            // A small x-coordinate has no high bit and is no point of low order.
            noise[31] = 9;
            let mut header = vec![0, 1];
            header.extend_from_slice(&noise[..32]);
            header.extend_from_slice(&base.signed_prekey.expect("a prekey").id.to_be_bytes());
            header.push(LAST_RESORT);
            header.extend_from_slice(&base.last_resort.expect("a prekey").id.to_be_bytes());
            header.extend_from_slice(&noise[32..1600]);
            let content = FirstContact {
                account: claimed.account.into(),
                device: claimed.device.into(),
                log_head: Some(claimed.head.clone()),
                log: claimed.log.clone(),
                handshake: header.into(),
                message: noise[1600..].to_vec().into(),
            };
            let plaintext = pad(&content.encode_to_vec()).expect("short enough");
            let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&sealing_key.public).expect("a key");
            let id = sealing_key.id.to_be_bytes();
            let info = [&b"Chopar v1 seal"[..], account.as_bytes(), device.as_bytes(), &id].concat();
            let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<
                AesGcm256,
                HkdfSha256,
                X25519HkdfSha256,
            >(
                &OpModeS::Base, &key, &info, &plaintext, &[], &mut lies.rng
            )
            .expect("a good key");
            let body = [&[1], &id[..], &encapsulated.to_bytes(), &ciphertext].concat();
            lies.copy(&Deliver {
                body: body.into(),
                ..Deliver::default()
            })
        };
        self.hand_over(to.0, deliver);
    }
}
