//! An account whose person has the recovery key and no device: the account key opens its log, and lets a new device in.
//!
//! ```text
//!  Recover (account key) ──> Log ──FetchLog…──> AdmitDevice (entry, bundle, proof) ──┬─> SignedIn
//!                                                        ^                            ├─> LogConflict: another was first
//!                                                        └──── a fresh challenge ─────┘
//! ```

use std::sync::Arc;

use chopar_identity::sign_in::{recover_claimant, sign_in_claimant};
use chopar_identity::{DeviceKeys, Signer, verify_base, verify_recover, verify_sign_in};
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::identity::{Entry, EntryBody, Signed, entry_body};
use chopar_wire::proto::relay::{AdmitDevice, FetchLog, Reason, relay_frame::Body};
use prost::Message;
use tokio::time::Instant;

use super::answers::Refusal;
use super::records;
use super::registration::{SEQUENCE_RULE, is_sequence};
use super::session::{Opening, Session, refusal_of};
use super::standing;
use crate::core::Core;
use crate::store::SignInFacts;

/// An account whose key was proven on a connection.
#[derive(Clone, Copy)]
pub(super) struct Proven {
    account: AccountId,
    /// A device of its log, active or not: the store says with any of them how the member stands.
    device: Option<DeviceId>,
}

/// How the admission of a device ended.
pub(super) enum Admitted {
    In(Box<(Session, SignInFacts)>),
    /// Another device was first: what came before.
    TooLate(Body),
}

impl Opening<'_> {
    /// Opens an account's log to whoever holds its account key. An account that is not there is answered as a wrong key is.
    pub(super) async fn recover(&mut self, proof: Option<Signed>) -> Result<Body, Refusal> {
        self.core
            .limiter
            .recovery_of_address(self.address, self.core.now())?;
        let proof = proof.ok_or_else(|| Refusal::malformed("a recovery has a proof"))?;
        let account = recover_claimant(&proof).map_err(|fault| refusal_of(&fault))?;
        let log = records::log_of(self.core, account).await?;
        self.answers(|expected| {
            verify_recover(&proof, expected, |_| log.as_ref().map(|log| *log.account_key()))
        })?;
        let entries = log.as_ref().map_or(&[][..], |log| log.entries(0));
        let proven = Proven {
            account,
            device: entries
                .iter()
                .find_map(|entry| added(entry).ok())
                .map(|keys| keys.device_id()),
        };
        self.stands_well(&proven).await?;
        self.recovering = Some(proven);
        self.deadline = Instant::now() + self.core.config.caps.registration;
        self.peer.is_known();
        records::part(self.core, account, 0).await
    }

    pub(super) async fn fetch_log(&self, fetch: FetchLog) -> Result<Body, Refusal> {
        self.core.limiter.address(self.address, self.core.now())?;
        let account = AccountId::try_from(fetch.account.as_ref())?;
        if self.recovering.is_none_or(|proven| proven.account != account) {
            return Err(Refusal::new(Reason::SignInFirst, "sign in first"));
        }
        records::part(self.core, account, fetch.from).await
    }

    /// Lets a device in by an entry of the account key, and of no device: one that was suspended is active in the log still, and
    /// would let itself in again under another name.
    pub(super) async fn admit(&mut self, admit: AdmitDevice) -> Result<Admitted, Refusal> {
        self.core
            .limiter
            .recovery_of_address(self.address, self.core.now())?;
        let proof = admit
            .proof
            .clone()
            .ok_or_else(|| Refusal::malformed("an admission has a proof"))?;
        let (account, device) = sign_in_claimant(&proof).map_err(|fault| refusal_of(&fault))?;
        let proven = self.recovering.filter(|proven| proven.account == account);
        let proven = proven
            .ok_or_else(|| Refusal::new(Reason::SignInFirst, "the account key is to be proven first"))?;
        let admission = Admission::read(&account, device, admit)?;
        let key = admission.keys.signing;
        self.answers(|expected| verify_sign_in(&proof, expected, |_, _| Some(key)))?;
        // Once more: between the proof and this a minute may have passed.
        self.stands_well(&proven).await?;
        match admission.store(self.core, account).await? {
            Body::Done(_) => {}
            conflict => return Ok(Admitted::TooLate(conflict)),
        }
        tracing::info!("a device was admitted");
        let looked = self.core.lookout.looked();
        let facts = self.core.store.sign_in(account, device).await?;
        let admitted = self.session(account, device, facts, looked);
        standing::record_sign_in(self.core, account, device, admitted.is_ok()).await;
        Ok(Admitted::In(Box::new(admitted?)))
    }

    /// Refuses a disabled member.
    async fn stands_well(&self, proven: &Proven) -> Result<(), Refusal> {
        let Some(device) = proven.device else {
            return Ok(());
        };
        let facts = self.core.store.sign_in(proven.account, device).await?;
        if facts.is_some_and(|facts| facts.disabled) {
            return Err(Refusal::new(Reason::NotAllowed, "this member is disabled"));
        }
        Ok(())
    }
}

/// The keys of the device that an entry adds.
fn added(entry: &Entry) -> Result<DeviceKeys, Refusal> {
    let invalid = |fault: &str| Refusal::new(Reason::LogInvalid, fault);
    let body = EntryBody::decode(entry.body.clone()).map_err(|_| invalid("the entry is malformed"))?;
    let Some(entry_body::Act::AddDevice(added)) = body.act else {
        return Err(invalid("the entry adds no device"));
    };
    let keys = added.keys.ok_or_else(|| invalid("the device has no keys"))?;
    DeviceKeys::try_from(&keys).map_err(|fault| invalid(&fault.to_string()))
}

/// A device that wants in, as far as it can be judged without the store.
struct Admission {
    device: DeviceId,
    keys: DeviceKeys,
    entry: Entry,
    bundle: Signed,
    sequence: u64,
}

impl Admission {
    /// What the frame says about this device of this account. The log judges the entry's signatures when it is appended.
    fn read(account: &AccountId, device: DeviceId, frame: AdmitDevice) -> Result<Self, Refusal> {
        let entry = frame
            .entry
            .ok_or_else(|| Refusal::malformed("there is no entry"))?;
        let keys = added(&entry)?;
        if keys.device_id() != device {
            return Err(Refusal::new(Reason::LogInvalid, "the entry adds another device"));
        }
        let unfit = |fault: String| Refusal::new(Reason::BundleInvalid, fault);
        let bundle = frame
            .bundle
            .ok_or_else(|| unfit("there is no bundle".to_owned()))?;
        let base = verify_base(account, &keys, &bundle).map_err(|fault| unfit(fault.to_string()))?;
        if !is_sequence(base.sequence) {
            return Err(unfit(SEQUENCE_RULE.to_owned()));
        }
        Ok(Self {
            device,
            keys,
            entry,
            bundle,
            sequence: base.sequence,
        })
    }

    /// Appends the entry and publishes the bundle. What comes back is `Done` or `LogConflict`. Where the relay stops in between,
    /// the device is in and has no bundle: it signs in and publishes one, as any device that finds its own missing.
    async fn store(self, core: &Arc<Core>, account: AccountId) -> Result<Body, Refusal> {
        let answer = records::append_entry(core, account, self.entry, |by| {
            matches!(by, Signer::AccountKey(_))
        })
        .await?;
        if matches!(answer, Body::Done(_)) {
            let bundle = self.bundle.encode_to_vec().into();
            core.store
                .publish_bundle(self.device, self.sequence, bundle)
                .await?;
        }
        Ok(answer)
    }
}
