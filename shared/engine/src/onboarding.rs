//! From an invite to an account: identity keys, recovery key, log, bundle, registration.
//!
//! ```text
//!   form ──> MakeIdentity ──> Sign ──> Prepared (saved) ──> Asked (saved) ──Register──> Registered
//!                                         ^                    |    |
//!                                         +──── refused ───────+    +── answer lost: sign in to find out
//! ```
//! What was prepared once serves every further attempt: a refused handle costs no new identity.

use chopar_e2ee::recovery::{AccountSecrets, RecoveryKey};
use chopar_identity::{AccountLog, DeviceName, DisplayName, EntryDraft, Handle, Signer};
use chopar_wire::Timestamp;
use chopar_wire::proto::identity::{Entry, Signed};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{CheckInvite, InviteStatus, Reason, Refused, Register, Registered};

use crate::answers::failure;
use crate::claims;
use crate::contact::Contact;
use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::link::State;
use crate::own::{Own, Pending, role_from};
use crate::prekeys::BundleDraft;
use crate::records::account::Stage;
use crate::requests::What;
use crate::tokens::Waiting;
use crate::view::Role;

/// How long the form waits for an answer, in milliseconds. The registration itself goes on.
pub(crate) const FORM_MS: u64 = 60_000;

/// A filled form on its way.
pub(crate) struct Registering {
    /// The intent, until it is answered.
    asked: Option<u64>,
    invite: String,
    handle: String,
    display_name: String,
    device_name: DeviceName,
    due: Timestamp,
}

/// What waits for the device's signatures.
pub(crate) struct Preparing {
    recovery: RecoveryKey,
    create: Entry,
    add: EntryDraft,
    account_signature: [u8; 64],
    bundle: BundleDraft,
}

impl Engine {
    pub(crate) fn check_invite(&mut self, asked: u64, token: String, cx: &mut Context<'_>) {
        let body = Body::CheckInvite(CheckInvite { invite: token });
        self.requests.send(cx, What::CheckInvite { asked }, body);
    }

    pub(crate) fn on_invite_status(&mut self, asked: u64, status: &InviteStatus, cx: &mut Context<'_>) {
        let answer = if status.usable {
            match claims::organisation(&status.organisation) {
                Some(organisation) => Answer::InviteUsable {
                    role: role_from(status.role),
                    organisation,
                },
                None => Answer::Failed(Failure::RelayMisbehaved),
            }
        } else {
            // By the relay's word: this device's clock may be wrong.
            Answer::Failed(match status.reason() {
                Reason::InviteExpired => Failure::InviteExpired,
                Reason::InviteUsed => Failure::InviteUsed,
                _ => Failure::InviteUnknown,
            })
        };
        cx.answer(asked, answer);
    }

    pub(crate) fn create_account(
        &mut self,
        asked: u64,
        invite: String,
        handle: &str,
        display_name: &str,
        device_name: &str,
        cx: &mut Context<'_>,
    ) {
        // An attempt whose answer was lost is found out first; a form that comes meanwhile waits for that.
        let begun = match self.own.as_ref().map(|own| own.stage) {
            None | Some(Stage::Prepared | Stage::Asked) => false,
            // A recovery that came to nothing.
            Some(Stage::Recovering) if self.absent => {
                self.abandon(cx);
                false
            }
            Some(Stage::Registered | Stage::Revoked | Stage::Recovering) => true,
        };
        if begun || self.recovering.is_some() || self.registering.as_ref().is_some_and(|r| r.asked.is_some())
        {
            return cx.fail(asked, Failure::NotNow);
        }
        let handle = match Handle::parse(handle.trim()) {
            Ok(handle) => handle.as_str().to_owned(),
            Err(error) => return cx.fail(asked, handle_failure(&error)),
        };
        let Ok(display_name) = DisplayName::parse(display_name.trim()) else {
            return cx.fail(asked, Failure::NameInvalid);
        };
        let Ok(device_name) = DeviceName::parse(device_name.trim()) else {
            return cx.fail(asked, Failure::NameInvalid);
        };
        let display_name = display_name.as_str().to_owned();
        let due = cx.now.plus_ms(FORM_MS);
        self.registering = Some(Registering {
            asked: Some(asked),
            invite,
            handle,
            display_name,
            device_name,
            due,
        });
        if self.link.hopeless() {
            return self.registration_failed(Failure::Offline, cx);
        }
        self.dial(cx);
    }

    /// Takes the next step towards a registration.
    pub(crate) fn pump_onboarding(&mut self, cx: &mut Context<'_>) {
        if self.registering.is_some() && self.own.is_none() {
            self.prepare(cx);
        }
        if let State::Challenged { challenge } = &self.link.state
            && self.wants_proof()
        {
            let challenge = challenge.clone();
            self.prove(challenge, cx);
        }
    }

    /// Has the host make this device's keys, once.
    pub(crate) fn make_identity(&mut self, cx: &mut Context<'_>) {
        if !self.tokens.is_open(|w| matches!(w, Waiting::Identity)) {
            let token = self.tokens.wait(Waiting::Identity);
            cx.effect(Effect::MakeIdentity { token });
        }
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        if self.tokens.is_open(|w| matches!(w, Waiting::Preparation(_))) {
            return;
        }
        let Some(keys) = self.identity else {
            return self.make_identity(cx);
        };
        let Some(device_name) = self.registering.as_ref().map(|r| r.device_name.clone()) else {
            return;
        };
        let recovery = RecoveryKey::random(cx.rng);
        let secrets = recovery.account();
        let Some((create, add, account_signature)) = log_drafts(&secrets, &keys, &device_name, cx.now) else {
            return self.registration_failed(Failure::Browser, cx);
        };
        let bundle = BundleDraft::first(secrets.created_account(), keys.device_id(), cx);
        let inputs = vec![add.signing_input(), bundle.signing_input()];
        let preparing = Preparing {
            recovery,
            create,
            add,
            account_signature,
            bundle,
        };
        let token = self.tokens.wait(Waiting::Preparation(Box::new(preparing)));
        cx.effect(Effect::Sign { token, inputs });
    }

    pub(crate) fn on_prepared(
        &mut self,
        preparing: Preparing,
        signatures: &[[u8; 64]],
        cx: &mut Context<'_>,
    ) {
        let Preparing {
            recovery,
            create,
            add,
            account_signature,
            bundle,
        } = preparing;
        // The form was given up, and a recovery key came meanwhile.
        if self.recovering.is_some() {
            return;
        }
        let (&[entry_signature, bundle_signature], Some(keys)) = (signatures, self.identity) else {
            return self.registration_failed(Failure::Browser, cx);
        };
        let account = recovery.account().created_account();
        let log = add
            .finish(&[account_signature, entry_signature])
            .and_then(|add| AccountLog::verify(&account, &[create, add]));
        // A host that signs wrongly is found out here, not at the relay.
        let Ok(log) = log else {
            return self.registration_failed(Failure::Browser, cx);
        };
        let mut contact = Contact::new(account, cx.now);
        contact.log = Some(log);
        contact.save_log(cx);
        cx.contacts.insert(account);
        self.contacts.insert(account, contact);
        let _ = self.prekeys.take_bundle(bundle, bundle_signature, cx);
        let first = 1 + u8::try_from(cx.below(9)).unwrap_or(0);
        let second = 1 + (first + u8::try_from(cx.below(8)).unwrap_or(0)) % 9;
        let confirm = [first.min(second), first.max(second)];
        self.own = Some(Own {
            recovery: Some(Pending {
                key: recovery,
                confirm,
            }),
            ..Own::begun(account, keys.device_id(), Stage::Prepared)
        });
        cx.account = true;
    }

    pub(crate) fn register(&mut self, proof: Option<Signed>, relay: String, cx: &mut Context<'_>) {
        let (Some(own), Some(form)) = (&mut self.own, &self.registering) else {
            return;
        };
        let (invite, handle, display_name) = (
            form.invite.clone(),
            form.handle.clone(),
            form.display_name.clone(),
        );
        own.invite.clone_from(&invite);
        own.handle.clone_from(&handle);
        own.display_name.clone_from(&display_name);
        own.relay = relay;
        // Saved before the frame leaves: if the answer is lost, the next start knows that it may have been accepted.
        own.stage = Stage::Asked;
        self.absent = false;
        cx.account = true;
        let account = own.account;
        let log = self
            .log(&account)
            .map(|log| log.entries(0).to_vec())
            .unwrap_or_default();
        let bundle = self.prekeys.newest_signed();
        let register = Register {
            invite,
            handle,
            display_name,
            log,
            bundle,
            proof,
        };
        self.requests.send(cx, What::Register, Body::Register(register));
    }

    pub(crate) fn on_registered(&mut self, registered: &Registered, cx: &mut Context<'_>) {
        self.registered(&registered.handle, role_from(registered.role), cx);
        // A new account has nothing waiting.
        self.link.state = State::SignedIn {
            since: cx.now,
            drained: true,
        };
        self.prekeys.relay_has(Some(0), Some(1));
        self.drained(cx);
    }

    pub(crate) fn registered(&mut self, handle: &str, role: Role, cx: &mut Context<'_>) {
        let Some(own) = &mut self.own else { return };
        own.stage = Stage::Registered;
        own.role = role;
        // As the form had it, should the relay say what is no handle.
        own.handle = claims::handle(handle).unwrap_or_else(|| std::mem::take(&mut own.handle));
        own.invite = String::new();
        if let Some(asked) = self.registering.take().and_then(|r| r.asked) {
            cx.answer(asked, Answer::Done);
        }
        self.phase_changed(cx);
    }

    pub(crate) fn on_register_refused(&mut self, refused: &Refused, cx: &mut Context<'_>) {
        match refused.reason() {
            // It is there: an earlier attempt went through. Sign in.
            Reason::AccountExists => self.drop_link(cx),
            // The proof was the fault, not the form: with a fresh challenge.
            Reason::SignInFailed | Reason::SignInExpired => {
                self.form_stands();
                self.absent = true;
                self.drop_link(cx);
            }
            _ => {
                self.stage(Stage::Prepared, cx);
                self.await_challenge(cx);
                self.registration_failed(failure(refused), cx);
            }
        }
    }

    /// Whether the relay is known not to have the account.
    pub(crate) fn may_register(&self) -> bool {
        self.absent || self.own.as_ref().is_some_and(|own| own.stage == Stage::Prepared)
    }

    /// Makes sure the form is there to be sent again, also after a restart that lost it.
    pub(crate) fn form_stands(&mut self) {
        if self.registering.is_some() {
            return;
        }
        let Some(own) = &self.own else { return };
        let Some(device) = self.log(&own.account).and_then(|log| log.device(&own.device)) else {
            return;
        };
        self.registering = Some(Registering {
            asked: None,
            invite: own.invite.clone(),
            handle: own.handle.clone(),
            display_name: own.display_name.clone(),
            device_name: device.name.clone(),
            due: Timestamp(u64::MAX),
        });
    }

    fn stage(&mut self, stage: Stage, cx: &mut Context<'_>) {
        if let Some(own) = &mut self.own {
            own.stage = stage;
            cx.account = true;
        }
    }

    /// The form comes back to the person.
    pub(crate) fn registration_failed(&mut self, failure: Failure, cx: &mut Context<'_>) {
        if let Some(asked) = self.registering.take().and_then(|r| r.asked) {
            cx.fail(asked, failure);
        }
    }

    /// This browser cannot make or use the keys of a device.
    pub(crate) fn onboarding_failed(&mut self, cx: &mut Context<'_>) {
        self.registration_failed(Failure::Browser, cx);
        self.recovering_failed(Failure::Browser, cx);
    }

    pub(crate) fn tick_onboarding(&mut self, cx: &mut Context<'_>) {
        let Some(form) = self.registering.as_mut().filter(|form| form.due <= cx.now) else {
            return;
        };
        form.due = Timestamp(u64::MAX);
        if let Some(asked) = form.asked.take() {
            cx.fail(asked, Failure::Offline);
        }
        // Where nothing left there is nothing to find out.
        if self.own.as_ref().is_none_or(|own| own.stage == Stage::Prepared) {
            self.registering = None;
        }
    }

    pub(crate) fn onboarding_due(&self) -> Option<Timestamp> {
        self.registering
            .as_ref()
            .map(|form| form.due)
            .filter(|due| due.0 != u64::MAX)
    }

    pub(crate) fn confirm_recovery_key(&mut self, asked: u64, groups: &[(u8, String)], cx: &mut Context<'_>) {
        let pending = self
            .own
            .as_mut()
            .filter(|own| own.stage == Stage::Registered)
            .map(|own| &mut own.recovery);
        let Some(recovery) = pending else {
            return cx.fail(asked, Failure::NotNow);
        };
        let Some(waiting) = recovery else {
            return cx.answer(asked, Answer::Done);
        };
        let typed = |number: u8| {
            groups
                .iter()
                .find(|(group, _)| *group == number)
                .map(|(_, text)| text.as_str())
        };
        let right = waiting.confirm.iter().all(|number| {
            typed(*number).is_some_and(|text| waiting.key.confirms(usize::from(*number) - 1, text))
        });
        if !right {
            return cx.fail(asked, Failure::WrongGroups);
        }
        *recovery = None;
        cx.answer(asked, Answer::Done);
        self.phase_changed(cx);
    }
}

/// The account's first two entries: the first signed, the second waiting for the device's signature.
fn log_drafts(
    secrets: &AccountSecrets,
    keys: &chopar_identity::DeviceKeys,
    name: &DeviceName,
    now: Timestamp,
) -> Option<(Entry, EntryDraft, [u8; 64])> {
    let key = secrets.account_key();
    let create = EntryDraft::create(&key, &secrets.recovery_keys(), now.0);
    let signature = secrets.sign(&create.signing_input());
    let create = create.finish(&[signature]).ok()?;
    let log = AccountLog::verify(&secrets.created_account(), std::slice::from_ref(&create)).ok()?;
    let add = EntryDraft::add_device(&log, keys, name, Signer::AccountKey(key), now.0);
    let signature = secrets.sign(&add.signing_input());
    Some((create, add, signature))
}

fn handle_failure(error: &chopar_identity::HandleError) -> Failure {
    use chopar_identity::HandleError;
    match error {
        HandleError::TooShort | HandleError::TooLong => Failure::HandleLength,
        HandleError::MixedScripts => Failure::HandleMixed,
        HandleError::OuterSeparator => Failure::HandleEdge,
        _ => Failure::HandleCharacter,
    }
}
