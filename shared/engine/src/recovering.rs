//! From the recovery key to a device of an account that exists: its log is read with the account key, this device let in by it.
//!
//! ```text
//!   key ──> Recover ──> Log (verified) ──> Sign ──> Recovering (saved) ──AdmitDevice──> Registered
//!              ^                                      |    |    |
//!              +──────── another was first ───────────+    |    +── answer lost: sign in to find out
//!              +──────── the relay does not know it ───────+
//! ```
//! The account's secrets are in memory until this device is in or the attempt is over, and never in the vault. Sessions are not
//! restored: contacts find a new device in the log, by the same account key, so their safety number stays.

use chopar_e2ee::recovery::{AccountSecrets, RecoveryKey};
use chopar_identity::{
    AccountLog, DeviceName, EntryDraft, LogError, LogHead, RecoverClaim, SignInClaim, Signer,
};
use chopar_wire::proto::identity::{Entry, Signed};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{AdmitDevice, FetchLog, Log, Reason, Recover, Refused, SignedIn};
use chopar_wire::{Timestamp, limits};
use zeroize::Zeroize;

use crate::answers::failure;
use crate::contact::Contact;
use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::link::State;
use crate::onboarding::FORM_MS;
use crate::own::Own;
use crate::prekeys::BundleDraft;
use crate::records::account::Stage;
use crate::requests::What;
use crate::tokens::Waiting;

/// A recovery key at work.
pub(crate) struct Recovering {
    asked: u64,
    secrets: AccountSecrets,
    device_name: DeviceName,
    /// The time of this device's entry. One for the whole attempt, so that asking again is the same entry again and no second history.
    began: Timestamp,
    due: Timestamp,
    step: Step,
}

/// What was asked of the relay on this connection.
enum Step {
    Nothing,
    /// The log, of which these entries came.
    Reading(Vec<Entry>),
    /// To let this device in, by this entry.
    Admitting(Entry),
}

/// What waits for the new device's signatures.
pub(crate) struct Admission {
    log: AccountLog,
    entry: EntryDraft,
    account_signature: [u8; 64],
    /// `None`: it has one of an attempt before.
    bundle: Option<BundleDraft>,
    claim: Vec<u8>,
    nonce: Vec<u8>,
}

impl Engine {
    pub(crate) fn recover(&mut self, asked: u64, mut key: String, device_name: &str, cx: &mut Context<'_>) {
        let parsed = RecoveryKey::parse(&key);
        key.zeroize();
        let Ok(recovery) = parsed else {
            return cx.fail(asked, Failure::RecoveryKeyMistyped);
        };
        let Ok(device_name) = DeviceName::parse(device_name.trim()) else {
            return cx.fail(asked, Failure::NameInvalid);
        };
        let secrets = recovery.account();
        let another = self
            .own
            .as_ref()
            .is_some_and(|own| own.account != secrets.created_account());
        let free = match self.own.as_ref().map(|own| own.stage) {
            None | Some(Stage::Prepared) => true,
            // With one key at a time: the first may have let this device in.
            Some(Stage::Recovering) => !(another && self.admission_in_doubt()),
            Some(Stage::Asked | Stage::Registered | Stage::Revoked) => false,
        };
        if !free || self.recovering.is_some() || self.registering.is_some() {
            return cx.fail(asked, Failure::NotNow);
        }
        // What was begun here of another account and never reached a relay is of no use any more.
        if another {
            self.abandon(cx);
        }
        // A person asks: why the relay did not let this device in may have passed.
        self.link.stopped = self.link.stopped.filter(|why| !why.may_pass());
        self.recovering = Some(Recovering {
            asked,
            secrets,
            device_name,
            began: cx.now,
            due: cx.now.plus_ms(FORM_MS),
            step: Step::Nothing,
        });
        if self.link.hopeless() {
            return self.recovering_failed(Failure::Offline, cx);
        }
        self.dial(cx);
    }

    /// Forgets an account that this device never came to belong to, and the keys it would have had there: a device belongs to one
    /// account, for ever.
    pub(crate) fn abandon(&mut self, cx: &mut Context<'_>) {
        self.identity = None;
        if let Some(own) = self.own.take() {
            self.forget_person(own.account, cx);
            own.delete(cx);
        }
        self.absent = false;
    }

    /// Whether it is not known if this device was let in. It shows with a sign-in.
    pub(crate) fn admission_in_doubt(&self) -> bool {
        !self.absent
            && self
                .own
                .as_ref()
                .is_some_and(|own| own.stage == Stage::Recovering)
    }

    pub(crate) fn pump_recovering(&mut self, cx: &mut Context<'_>) {
        // A sign-in comes first, and makes this needless.
        if self.admission_in_doubt() {
            return;
        }
        let Some(recovering) = &mut self.recovering else {
            return;
        };
        if self.identity.is_none() {
            return self.make_identity(cx);
        }
        let State::Challenged { challenge } = &self.link.state else {
            return;
        };
        let Ok(nonce) = <[u8; 32]>::try_from(challenge.nonce.as_ref()) else {
            return self.drop_link(cx);
        };
        let claim = RecoverClaim {
            relay_name: challenge.relay_name.clone(),
            origin: self.origin.clone(),
            nonce,
            expires: challenge.expires,
            account: recovering.secrets.created_account(),
        };
        let body = claim.body();
        let signature = recovering.secrets.sign(&RecoverClaim::signing_input(&body));
        let proof = Some(Signed {
            body: body.into(),
            signature: signature.to_vec().into(),
        });
        recovering.step = Step::Reading(Vec::new());
        let challenge = challenge.clone();
        self.link.state = State::SigningIn { challenge };
        self.requests
            .send(cx, What::Recover, Body::Recover(Recover { proof }));
    }

    /// A part of the log, from where the last one ended.
    pub(crate) fn on_recovered_log(&mut self, part: &Log, cx: &mut Context<'_>) {
        let Some(recovering) = &mut self.recovering else {
            return;
        };
        let Step::Reading(entries) = &mut recovering.step else {
            return;
        };
        let account = recovering.secrets.created_account();
        let head = part.head.as_ref().and_then(|head| LogHead::try_from(head).ok());
        let Some(head) = head.filter(|head| head.length as usize <= limits::MAX_LOG_ENTRIES) else {
            return self.recovering_failed(Failure::RelayMisbehaved, cx);
        };
        let room = (head.length as usize).saturating_sub(entries.len());
        entries.extend(part.entries.iter().take(room).cloned());
        let length = entries.len();
        if length < head.length as usize && !part.entries.is_empty() {
            let from = u32::try_from(length).unwrap_or(u32::MAX);
            let account = account.into();
            let body = Body::FetchLog(FetchLog { account, from });
            return self.requests.send(cx, What::Recover, body);
        }
        let Ok(log) = AccountLog::verify(&account, entries) else {
            return self.recovering_failed(Failure::RelayMisbehaved, cx);
        };
        if *log.account_key() != recovering.secrets.account_key() {
            return self.recovering_failed(Failure::RecoveryKeyUnknown, cx);
        }
        if let Some(device) = self.identity.map(|keys| keys.device_id()) {
            if log.device(&device).is_some() {
                // It is in: what was asked on a connection before came late.
                self.absent = false;
                return self.drop_link(cx);
            }
            if log.is_revoked(&device) {
                // It was in, and can be no more.
                self.abandon(cx);
                return self.drop_link(cx);
            }
        }
        if log.active_devices().len() >= limits::MAX_DEVICES {
            return self.recovering_failed(Failure::TooManyDevices, cx);
        }
        self.ask_admission(log, cx);
    }

    fn ask_admission(&mut self, log: AccountLog, cx: &mut Context<'_>) {
        let (Some(recovering), Some(keys), State::SigningIn { challenge }) =
            (&self.recovering, self.identity, &self.link.state)
        else {
            return;
        };
        let (account, device) = (recovering.secrets.created_account(), keys.device_id());
        let nonce = challenge.nonce.to_vec();
        let Some(claim) = self.sign_in_body(challenge, account, device) else {
            return self.drop_link(cx);
        };
        let by = Signer::AccountKey(recovering.secrets.account_key());
        let entry = EntryDraft::add_device(&log, &keys, &recovering.device_name, by, recovering.began.0);
        let account_signature = recovering.secrets.sign(&entry.signing_input());
        let has_one = self.own.as_ref().is_some_and(|own| own.account == account);
        let bundle = (!has_one).then(|| BundleDraft::first(account, device, cx));
        let mut inputs = vec![entry.signing_input(), SignInClaim::signing_input(&claim)];
        inputs.extend(bundle.as_ref().map(BundleDraft::signing_input));
        let admission = Admission {
            log,
            entry,
            account_signature,
            bundle,
            claim,
            nonce,
        };
        let token = self.tokens.wait(Waiting::Admission(Box::new(admission)));
        cx.effect(Effect::Sign { token, inputs });
    }

    pub(crate) fn on_admission_signed(
        &mut self,
        admission: Admission,
        signatures: &[[u8; 64]],
        cx: &mut Context<'_>,
    ) {
        let Admission {
            log,
            entry,
            account_signature,
            bundle,
            claim,
            nonce,
        } = admission;
        // Another connection by now, or the attempt is over.
        let (State::SigningIn { challenge }, Some(recovering), Some(keys)) =
            (&self.link.state, &mut self.recovering, self.identity)
        else {
            return;
        };
        if challenge.nonce.as_ref() != nonce {
            return;
        }
        let [by_device, proof, rest @ ..] = signatures else {
            return self.recovering_failed(Failure::Browser, cx);
        };
        let account = *log.account();
        let entry = entry.finish(&[account_signature, *by_device]);
        let grown = entry.and_then(|entry| {
            log.clone().extend(std::slice::from_ref(&entry))?;
            Ok(entry)
        });
        let entry = match grown {
            Ok(entry) => entry,
            Err(LogError::TooLong { .. }) => return self.recovering_failed(Failure::TooManyDevices, cx),
            // A host that signs wrongly is found out here, not at the relay.
            Err(_) => return self.recovering_failed(Failure::Browser, cx),
        };
        recovering.step = Step::Admitting(entry.clone());
        let relay = challenge.relay_name.clone();
        match (bundle, rest) {
            (Some(bundle), [signature]) => drop(self.prekeys.take_bundle(bundle, *signature, cx)),
            (None, []) => {}
            _ => return self.recovering_failed(Failure::Browser, cx),
        }
        // The log without the entry: what is pinned was accepted.
        let mut contact = Contact::new(account, cx.now);
        contact.log = Some(log);
        contact.save_log(cx);
        cx.contacts.insert(account);
        self.contacts.insert(account, contact);
        // Saved before the frame leaves: if the answer is lost, the next start knows that this device may be in.
        self.own = Some(Own {
            relay,
            ..Own::begun(account, keys.device_id(), Stage::Recovering)
        });
        self.absent = false;
        cx.account = true;
        let admit = AdmitDevice {
            entry: Some(entry),
            bundle: self.prekeys.newest_signed(),
            proof: Some(Signed {
                body: claim.into(),
                signature: proof.to_vec().into(),
            }),
        };
        self.requests
            .send(cx, What::AdmitDevice, Body::AdmitDevice(admit));
    }

    pub(crate) fn on_admitted(&mut self, signed_in: &SignedIn, cx: &mut Context<'_>) {
        let step = self
            .recovering
            .as_mut()
            .map(|r| std::mem::replace(&mut r.step, Step::Nothing));
        if let Some(Step::Admitting(entry)) = step {
            self.own_log_grew(entry, cx);
        }
        self.on_signed_in(signed_in, cx);
    }

    /// This device is in.
    pub(crate) fn recovered(&mut self, cx: &mut Context<'_>) {
        if let Some(own) = &mut self.own {
            own.stage = Stage::Registered;
        }
        if let Some(recovering) = self.recovering.take() {
            cx.answer(recovering.asked, Answer::Done);
        }
        self.phase_changed(cx);
    }

    /// Another device was let in or out meanwhile: with the log as it is now, once more.
    pub(crate) fn on_admission_conflict(&mut self, cx: &Context<'_>) {
        self.absent = true;
        self.recovering_grounded();
        self.await_challenge(cx);
    }

    pub(crate) fn on_recovery_refused(&mut self, what: &What, refused: &Refused, cx: &mut Context<'_>) {
        // A relay that could not go on may have let this device in before: that shows with a sign-in.
        let after = matches!(
            refused.reason(),
            Reason::Storage | Reason::RateLimited | Reason::ShuttingDown | Reason::NotAllowed
        );
        if !(*what == What::AdmitDevice && after) {
            self.absent = true;
        }
        self.recovering_grounded();
        self.await_challenge(cx);
        match (what, refused.reason()) {
            // With a fresh challenge.
            (_, Reason::SignInExpired) => {}
            (What::Recover, Reason::SignInFailed | Reason::NoSuchAccount) => {
                self.recovering_failed(Failure::RecoveryKeyUnknown, cx);
            }
            _ => self.recovering_failed(failure(refused), cx),
        }
    }

    /// What was asked on a connection that is gone, or was refused, is asked anew on the next challenge.
    pub(crate) fn recovering_grounded(&mut self) {
        if let Some(recovering) = &mut self.recovering {
            recovering.step = Step::Nothing;
        }
    }

    /// This device was let in, and taken out again before it heard of it. It can be let in no more, another can.
    pub(crate) fn admission_revoked(&mut self, cx: &mut Context<'_>) {
        self.abandon(cx);
        self.recovering_failed(Failure::NotNow, cx);
        self.drop_link(cx);
        self.phase_changed(cx);
    }

    /// The form comes back to the person; the account's secrets go.
    pub(crate) fn recovering_failed(&mut self, failure: Failure, cx: &mut Context<'_>) {
        if let Some(recovering) = self.recovering.take() {
            cx.fail(recovering.asked, failure);
        }
        // A challenge that was answered serves nothing else.
        if !self.wants_link() {
            self.drop_link(cx);
        }
    }

    pub(crate) fn tick_recovering(&mut self, cx: &mut Context<'_>) {
        if self.recovering_due().is_some_and(|due| due <= cx.now) {
            self.recovering_failed(Failure::Offline, cx);
        }
    }

    pub(crate) fn recovering_due(&self) -> Option<Timestamp> {
        self.recovering.as_ref().map(|recovering| recovering.due)
    }
}
