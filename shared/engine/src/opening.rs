//! Beginning a session with a device: claim its bundle, verify it, agree, and be ready to encrypt.

use chopar_e2ee::device::{LocalDevice, PeerDevice};
use chopar_e2ee::handshake::Initiation;
use chopar_e2ee::keys::Agreed;
use chopar_e2ee::ratchet::Session;
use chopar_identity::{EcPrekey, VerifiedBundle};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{ClaimBundle, ClaimedBundle};
use chopar_wire::{AccountId, DeviceId, Timestamp};

use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::prekeys::{KEEP_MS, ROTATE_MS};
use crate::requests::What;
use crate::sessions::{Live, Unanswered};
use crate::tokens::Waiting;
use crate::view::Alarm;

/// The first wait after a bundle that could not be used, in milliseconds; it doubles.
const RETRY_MS: u64 = 5_000;
/// The longest such wait, in milliseconds.
const RETRY_CAP_MS: u64 = 3_600_000;

/// How far the beginning of a session with one device is.
pub(crate) enum Opening {
    /// Asked of the relay or of the identity key.
    Under { failures: u32 },
    /// Failed; not again before this moment.
    Failed { until: Timestamp, failures: u32 },
}

/// A handshake that waits for its agreement.
pub(crate) struct Initiating {
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    initiation: Initiation,
    sealing_key: EcPrekey,
}

impl Engine {
    pub(crate) fn local(&self) -> Option<LocalDevice> {
        Some(LocalDevice::new(self.own.as_ref()?.account, self.identity?))
    }

    /// Begins a session with a device unless that is under way or failed a moment ago.
    pub(crate) fn open_session(&mut self, account: AccountId, device: DeviceId, cx: &mut Context<'_>) {
        // Handshakes of others that wait in the queue come first: they may make this one unnecessary.
        if !self.link.drained() || self.inbox.busy() {
            return;
        }
        let failures = match self.openings.get(&(account, device)) {
            Some(Opening::Under { .. }) => return,
            Some(Opening::Failed { until, .. }) if *until > cx.now => return,
            Some(Opening::Failed { failures, .. }) => *failures,
            None => 0,
        };
        self.openings
            .insert((account, device), Opening::Under { failures });
        let body = Body::ClaimBundle(ClaimBundle {
            account: account.into(),
            device: device.into(),
        });
        self.requests
            .send(cx, What::ClaimBundle { account, device }, body);
    }

    pub(crate) fn on_bundle(
        &mut self,
        account: AccountId,
        device: DeviceId,
        claimed: &ClaimedBundle,
        cx: &mut Context<'_>,
    ) {
        let Some(local) = self.local() else { return };
        let peer = self
            .log(&account)
            .and_then(|log| PeerDevice::from_log(log, &device).ok());
        // The device went while the relay answered.
        let Some(peer) = peer else {
            return self.opening_settled(account, device);
        };
        let verified = claimed
            .bundle
            .as_ref()
            .and_then(|b| VerifiedBundle::verify(&account, peer.keys(), b).ok());
        let Some(bundle) = verified else {
            self.raise_alarm(account, Alarm::BundleForged, cx);
            return self.opening_failed(account, device, cx);
        };
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let facts = contact.devices.entry(device).or_default();
        // A device that has spoken since would have replaced it long ago.
        let made = Timestamp(bundle.base().time);
        let outlived = facts.heard.ms_since(made) > ROTATE_MS + KEEP_MS;
        if bundle.base().sequence < facts.bundle || outlived {
            self.raise_alarm(account, Alarm::BundleRolledBack, cx);
            return self.opening_failed(account, device, cx);
        }
        facts.bundle = bundle.base().sequence;
        cx.contacts.insert(account);
        self.clear_bundle_alarm(account, cx);
        match Initiation::begin(&local, &peer, &bundle, cx.rng) {
            Ok(initiation) => {
                let with = *initiation.wanted().as_bytes();
                let sealing_key = bundle.base().sealing_key;
                let waiting = Initiating {
                    account,
                    device,
                    initiation,
                    sealing_key,
                };
                let token = self.tokens.wait(Waiting::Initiation(Box::new(waiting)));
                cx.effect(Effect::Agree { token, with });
            }
            Err(_) => {
                self.raise_alarm(account, Alarm::BundleForged, cx);
                self.opening_failed(account, device, cx);
            }
        }
    }

    pub(crate) fn on_initiation_agreed(
        &mut self,
        waiting: Initiating,
        shared: &[u8; 32],
        cx: &mut Context<'_>,
    ) {
        let Initiating {
            account,
            device,
            initiation,
            sealing_key,
        } = waiting;
        self.opening_settled(account, device);
        let repair = self
            .contacts
            .get(&account)
            .and_then(|c| c.devices.get(&device))
            .is_some_and(|f| f.repair);
        // Meanwhile a session of theirs may have come, or the device may have gone.
        let active = self
            .log(&account)
            .is_some_and(|log| log.device(&device).is_some());
        if !active || (self.sessions.sending(&device).is_some() && !repair) {
            return;
        }
        let Ok(agreed) = Agreed::new(shared) else {
            return self.opening_failed(account, device, cx);
        };
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let facts = contact.devices.entry(device).or_default();
        facts.generation = facts.generation.saturating_add(1);
        facts.repair = false;
        let generation = facts.generation;
        cx.contacts.insert(account);
        let (secrets, header) = initiation.finish(agreed);
        let live = Live {
            account,
            generation,
            header_hash: header.digest(),
            created: cx.now,
            session: Session::initiator(secrets, cx.now),
            unanswered: Some(Unanswered {
                header: header.encode(),
                sealing_key,
            }),
            superseded: None,
        };
        self.sessions.add(device, live, cx);
    }

    /// The relay or the host could not; later again.
    pub(crate) fn opening_failed(&mut self, account: AccountId, device: DeviceId, cx: &mut Context<'_>) {
        let failures = match self.openings.get(&(account, device)) {
            Some(Opening::Under { failures } | Opening::Failed { failures, .. }) => failures + 1,
            None => 1,
        };
        let wait = RETRY_MS.saturating_mul(1 << failures.min(16)).min(RETRY_CAP_MS);
        self.openings.insert(
            (account, device),
            Opening::Failed {
                until: cx.now.plus_ms(wait),
                failures,
            },
        );
    }

    fn opening_settled(&mut self, account: AccountId, device: DeviceId) {
        self.openings.remove(&(account, device));
    }

    /// The connection is gone: what was asked of the relay will be asked again.
    pub(crate) fn openings_grounded(&mut self) {
        let agreeing = |key: &(AccountId, DeviceId)| {
            self.tokens
                .is_open(|w| matches!(w, Waiting::Initiation(i) if (i.account, i.device) == *key))
        };
        let lost: Vec<_> = self
            .openings
            .iter()
            .filter(|(key, opening)| matches!(opening, Opening::Under { .. }) && !agreeing(key))
            .map(|(key, _)| *key)
            .collect();
        for key in lost {
            self.openings.remove(&key);
        }
    }

    pub(crate) fn openings_due(&self, now: Timestamp) -> Option<Timestamp> {
        let until = |opening: &Opening| match opening {
            Opening::Failed { until, .. } if *until > now => Some(*until),
            _ => None,
        };
        self.openings.values().filter_map(until).min()
    }
}
