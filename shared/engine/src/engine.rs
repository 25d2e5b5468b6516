//! The dispatcher: every input to the concept that handles it, then whatever has become possible, then one batch.
//!
//! Progress is made by looking at the state, not by remembering what to do next: after each input the `pump_…` functions send
//! what can be sent now. So a lost connection, a restart and a late answer need no paths of their own.

use chopar_identity::{DeviceKeys, Ed25519Public, RecoveryKeys, X25519Public};
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::{AccountId, DeviceId, Timestamp, frame};
use rand_core::CryptoRng;

use crate::asks::WaitingAsk;
use crate::contact::Contact;
use crate::context::Context;
use crate::effect::{Effect, Kind, Record, RecordKey, Step};
use crate::event::{Event, Failure};
use crate::expiring::Expiring;
use crate::files::{EndingFiles, Fetches, OpenedFiles, Uploads};
use crate::group::Groups;
use crate::handles::HandlesAsked;
use crate::inbox::Inbox;
use crate::input::{DeviceKeysPublic, Input};
use crate::line_cache::LineCache;
use crate::link::Link;
use crate::log_sync::LogsWanted;
use crate::map::Map;
use crate::onboarding::Registering;
use crate::opening::Opening;
use crate::outbox::Outbox;
use crate::own::Own;
use crate::pending::Pending;
use crate::places::Places;
use crate::prekeys::Prekeys;
use crate::quarantine::Quarantine;
use crate::receipts::OwedDue;
use crate::receiving::Trials;
use crate::records::{RecordError, SCHEMA};
use crate::recovering::Recovering;
use crate::refusals::{Refusal, Refusals};
use crate::repair::Repairs;
use crate::requests::Requests;
use crate::seeking::Searches;
use crate::seen::Seen;
use crate::sessions::Sessions;
use crate::tokens::{Tokens, Waiting};
use crate::typing::TypingUntil;

/// The client. Rebuilt from the vault's records at every start; see the crate's page for the contract with its host.
#[derive(Default)]
pub struct Engine {
    pub(crate) opened: bool,
    pub(crate) origin: String,
    pub(crate) damage: Vec<RecordError>,
    /// The account's own record cannot be read: nothing is begun anew over it.
    pub(crate) unusable: bool,
    pub(crate) identity: Option<DeviceKeys>,
    pub(crate) own: Option<Own>,
    pub(crate) contacts: Map<AccountId, Contact>,
    pub(crate) sessions: Sessions,
    pub(crate) repairs: Repairs,
    pub(crate) prekeys: Prekeys,
    pub(crate) outbox: Outbox,
    pub(crate) quarantine: Quarantine,
    pub(crate) seen: Seen,
    pub(crate) inbox: Inbox,
    pub(crate) trials: Trials,
    pub(crate) link: Link,
    pub(crate) requests: Requests,
    pub(crate) tokens: Tokens,
    pub(crate) asks: Vec<WaitingAsk>,
    pub(crate) registering: Option<Registering>,
    /// A recovery key at work.
    pub(crate) recovering: Option<Recovering>,
    /// The relay said that it does not have the account, or the device, whose registration was in doubt.
    pub(crate) absent: bool,
    pub(crate) openings: Map<(AccountId, DeviceId), Opening>,
    pub(crate) logs_wanted: LogsWanted,
    pub(crate) handles_asked: HandlesAsked,
    pub(crate) owed_due: OwedDue,
    pub(crate) typing_until: TypingUntil,
    pub(crate) lines: LineCache,
    pub(crate) groups: Groups,
    pub(crate) places: Places,
    pub(crate) searches: Searches,
    pub(crate) pending: Pending,
    pub(crate) expiring: Expiring,
    pub(crate) uploads: Uploads,
    pub(crate) fetches: Fetches,
    pub(crate) opened_files: OpenedFiles,
    pub(crate) ending_files: EndingFiles,
    /// When it is looked next what time alone made due.
    pub(crate) upkeep: Timestamp,
    /// Own devices that an administrator suspended, as the relay says on this connection.
    pub(crate) suspended: Vec<DeviceId>,
    pub(crate) refusals: Refusals,
    wake: Option<Timestamp>,
}

impl Engine {
    /// An engine that waits for its first input, [`Input::Opened`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one input. The step it returns must be committed, and then carried out.
    ///
    /// A host may batch: it may hand over further inputs that already happened before it commits, provided that it
    /// appends each step's `persist` and `then` to those before, in order, commits all of the former in one transaction,
    /// and carries out none of the latter before that commit is durable. The engine never counts on an effect having been
    /// carried out, so a batch is one long step. What a host may not do: split a step's `persist`, reorder steps, drop one
    /// of them, or go on with this engine after a commit that failed or whose outcome is not known. Then all of the batch
    /// is void, and a new engine starts from the vault.
    ///
    /// Never panics, whatever comes and in whatever order: what makes no sense now is dropped, an intent is answered.
    pub fn handle(&mut self, input: Input, now: Timestamp, rng: &mut impl CryptoRng) -> Step {
        let mut cx = Context::new(now, rng);
        self.dispatch(input, &mut cx);
        if self.opened {
            self.tick(&mut cx);
            self.pump(&mut cx);
            self.finish(&mut cx);
        }
        cx.step
    }

    /// Records that could not be read when the vault was opened, for a diagnostic page. What could be mended was.
    pub fn damage(&self) -> &[RecordError] {
        &self.damage
    }

    /// The public halves of the own account's recovery key, once there is an account: what a lock of the vault is sealed to, so
    /// that a forgotten passphrase leaves the recovery key.
    pub fn recovery_keys(&self) -> Option<&RecoveryKeys> {
        let own = self.own.as_ref()?;
        Some(self.log(&own.account)?.recovery_keys())
    }

    /// Envelopes that cannot be opened yet. For diagnosis and tests.
    pub fn quarantined(&self) -> usize {
        self.quarantine.len()
    }

    /// How many envelopes were put away for this reason since the start. For diagnosis and tests.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refusals.count(refusal)
    }

    fn dispatch(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Opened {
                records,
                device_keys,
                origin,
                rolled_back,
            } => {
                let first = !self.opened;
                self.open(records, device_keys, origin, cx);
                if first && rolled_back {
                    self.doubt_vault(cx);
                }
            }
            Input::Intent(asked) if !self.opened || self.unusable => cx.fail(asked.id, Failure::Browser),
            _ if !self.opened => {}
            Input::Intent(asked) => self.on_intent(asked, cx),
            Input::Connected => self.on_connected(cx),
            Input::Frame(bytes) => match frame::decode_relay(bytes) {
                Ok(frame) => {
                    self.heard(cx.now);
                    self.on_frame(frame.reply_to, frame.body, cx);
                }
                Err(_) => self.drop_link(cx),
            },
            Input::Disconnected { code } => self.on_disconnected(code, cx),
            Input::Network { online } => self.on_network(online, cx),
            Input::Wake => self.wake = None,
            Input::IdentityMade { token, keys } => {
                if let Some(Waiting::Identity) = self.tokens.take(token) {
                    self.identity = device_keys_from(keys);
                    if self.identity.is_none() {
                        self.onboarding_failed(cx);
                    }
                }
            }
            Input::Signed { token, signatures } => {
                if let Some(waiting) = self.tokens.take(token) {
                    self.on_signed(waiting, &signatures, cx);
                }
            }
            Input::Agreed { token, shared } => match self.tokens.take(token) {
                Some(Waiting::Initiation(waiting)) => self.on_initiation_agreed(*waiting, &shared, cx),
                Some(Waiting::Acceptance(waiting)) => self.on_acceptance_agreed(*waiting, &shared, cx),
                _ => {}
            },
            Input::Failed { token } => {
                if let Some(waiting) = self.tokens.take(token) {
                    self.on_host_failed(waiting, cx);
                }
            }
            Input::Moved { token, outcome } => match self.tokens.take(token) {
                Some(Waiting::Upload { upload, file }) => self.on_upload_moved(upload, file, &outcome, cx),
                Some(Waiting::Fetch { home }) => self.on_fetch_moved(home, &outcome, cx),
                _ => {}
            },
            Input::Kept { token } => {
                if let Some(Waiting::Keep { home }) = self.tokens.take(token) {
                    self.on_file_kept(home, cx);
                }
            }
            Input::Found { token, found } => {
                if let Some(Waiting::Search { asked }) = self.tokens.take(token) {
                    self.on_found(asked, &found, cx);
                }
            }
            Input::Loaded { token, records } => match self.tokens.take(token) {
                Some(Waiting::Page {
                    asked,
                    conversation,
                    limit,
                }) => {
                    self.on_page(asked, conversation, limit, &records, cx);
                }
                Some(Waiting::Line { conversation }) => self.on_line(conversation, &records, cx),
                Some(Waiting::Last { conversation }) => self.on_last(conversation, &records, cx),
                Some(Waiting::SoughtPlace { spot }) => self.on_place_read(spot, &records, cx),
                Some(Waiting::SoughtLine { spot, sequence }) => {
                    self.on_sought_line(spot, sequence, &records, cx);
                }
                Some(Waiting::Shown {
                    asked,
                    conversation,
                    sequence,
                }) => self.on_shown(asked, conversation, sequence, &records, cx),
                Some(Waiting::Export { asked, mark }) => self.on_export_read(asked, mark, &records, cx),
                Some(Waiting::Import {
                    asked,
                    lines,
                    imported,
                }) => self.on_import_read(asked, lines, imported, &records, cx),
                _ => {}
            },
        }
    }

    fn on_signed(&mut self, waiting: Waiting, signatures: &[[u8; 64]], cx: &mut Context<'_>) {
        match (waiting, signatures) {
            (Waiting::Preparation(preparing), _) => self.on_prepared(*preparing, signatures, cx),
            (Waiting::Admission(admission), _) => self.on_admission_signed(*admission, signatures, cx),
            (Waiting::Proof { nonce, body }, [signature]) => self.on_proof(&nonce, body, *signature, cx),
            (Waiting::OneTime(draft), _) => self.on_pairs_signed(draft, signatures, cx),
            (Waiting::Bundle(draft), [signature]) => self.on_bundle_signed(*draft, *signature, cx),
            (Waiting::History { asked, body }, [signature]) => {
                Self::on_history_signed(asked, body, *signature, cx);
            }
            (Waiting::GroupEntry(acting), [signature]) => self.on_entry_signed(*acting, *signature, cx),
            (Waiting::Revocation { asked, draft }, [signature]) => {
                self.on_revocation_signed(asked, *draft, *signature, cx);
            }
            // Not the number that was asked for.
            (waiting, _) => self.on_host_failed(waiting, cx),
        }
    }

    /// The host could not do what was asked.
    fn on_host_failed(&mut self, waiting: Waiting, cx: &mut Context<'_>) {
        match waiting {
            Waiting::Identity | Waiting::Preparation(_) | Waiting::Admission(_) => self.onboarding_failed(cx),
            Waiting::Proof { .. } => self.drop_link(cx),
            Waiting::OneTime(_) | Waiting::Bundle(_) => self.on_prekeys_refused(),
            Waiting::Revocation { asked, .. }
            | Waiting::Page { asked, .. }
            | Waiting::Search { asked }
            | Waiting::History { asked, .. }
            | Waiting::Export { asked, .. }
            | Waiting::Import { asked, .. }
            | Waiting::Shown { asked, .. } => cx.fail(asked, Failure::Browser),
            Waiting::GroupEntry(acting) => self.entry_not_signed(*acting, cx),
            Waiting::Initiation(waiting) => self.opening_failed(waiting.account, waiting.device, cx),
            Waiting::Acceptance(_) => {
                self.on_acceptance_failed();
                self.drop_link(cx);
            }
            Waiting::SoughtPlace { spot } | Waiting::SoughtLine { spot, .. } => self.seek_failed(&spot, cx),
            Waiting::Upload { upload, .. } => self.upload_lost(upload, cx),
            Waiting::Fetch { home } | Waiting::Keep { home } => {
                self.give_fetch_up(home, Failure::Browser, cx)
            }
            Waiting::Line { .. } | Waiting::Last { .. } => {}
        }
    }

    fn on_frame(&mut self, reply_to: u64, body: Option<Body>, cx: &mut Context<'_>) {
        if reply_to != 0 {
            if let Some(what) = self.requests.take(reply_to) {
                self.on_answer(what, body, cx);
            }
            return;
        }
        match body {
            Some(Body::Challenge(challenge)) => self.on_challenge(challenge, cx),
            Some(Body::Deliver(deliver)) if self.link.signed_in() => self.on_deliver(deliver, cx),
            Some(Body::QueueEmpty(_)) => self.on_queue_empty(cx),
            Some(Body::OneTimeLow(low)) => self.prekeys.relay_has(Some(low.left), None),
            Some(Body::SuspendedDevices(suspended)) if self.link.signed_in() => {
                self.on_suspended_devices(&suspended, cx);
            }
            Some(Body::DeliverSignal(signal)) if self.link.signed_in() => self.on_signal(&signal.body, cx),
            // Of a kind this build does not know, or an answer to nothing.
            _ => {}
        }
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.tick_link(cx);
        self.tick_asks(cx);
        self.tick_onboarding(cx);
        self.tick_recovering(cx);
        self.tick_owed(cx);
        self.tick_typing(cx);
        self.tick_expiring(cx);
        self.tick_repair(cx);
        self.tick_groups(cx);
        self.tick_upkeep(cx);
    }

    fn pump(&mut self, cx: &mut Context<'_>) {
        if self.wants_link() && self.link.is_down() && self.link.due().is_none() {
            self.dial(cx);
        }
        self.pump_onboarding(cx);
        self.pump_recovering(cx);
        self.pump_asks(cx);
        self.pump_inbox(cx);
        self.pump_logs(cx);
        self.pump_handles(cx);
        self.pump_groups(cx);
        self.pump_uploads(cx);
        self.pump_fetches(cx);
        self.pump_ending(cx);
        self.pump_group_rows(cx);
        self.pump_sending(cx);
        self.pump_prekeys(cx);
    }

    /// Writes and tells what several causes may have changed in this step, each once.
    fn finish(&mut self, cx: &mut Context<'_>) {
        self.seen.save(cx);
        for account in std::mem::take(&mut cx.contacts) {
            if let Some(contact) = self.contacts.get_mut(&account) {
                contact.save(cx);
            }
        }
        self.groups.save(cx);
        if std::mem::take(&mut cx.account)
            && let Some(own) = &self.own
        {
            own.save(cx);
        }
        for (conversation, lines) in std::mem::take(&mut cx.lines) {
            cx.tell(Event::LinesChanged {
                conversation,
                lines: lines.into_values().collect(),
            });
        }
        for (conversation, lines) in std::mem::take(&mut cx.gone) {
            cx.tell(Event::LinesGone {
                conversation,
                lines: lines.into_iter().collect(),
            });
        }
        for account in std::mem::take(&mut cx.rows) {
            if let Some(row) = self.contacts.get(&account).and_then(Contact::row) {
                cx.tell(Event::ConversationChanged(row));
            }
        }
        if std::mem::take(&mut cx.own_devices) {
            cx.tell(Event::OwnDevicesChanged(self.own_devices()));
        }
        self.tell_link(cx);
        let next = self.next_due(cx.now);
        // A wake that comes too early does no harm, so the timer is moved only to something sooner.
        if let Some(at) = next
            && self.wake.is_none_or(|wake| at < wake || wake <= cx.now)
        {
            self.wake = next;
            cx.effect(Effect::WakeAt(at));
        }
    }

    /// When something is due next; never in the past, so that a host cannot be made to spin.
    fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let due = [
            self.link.due(),
            self.requests.due(),
            self.asks_due(),
            self.onboarding_due(),
            self.recovering_due(),
            self.inbox.due(),
            self.owed_due.values().min().copied(),
            self.typing_until.values().min().copied(),
            self.expiring.due(),
            Some(self.upkeep),
            self.link.signed_in().then(|| self.logs_due()).flatten(),
            self.link.signed_in().then(|| self.outbox.due(now)).flatten(),
            self.link.signed_in().then(|| self.openings_due(now)).flatten(),
            self.link.signed_in().then(|| self.uploads_due(now)).flatten(),
            self.link.signed_in().then(|| self.fetches_due(now)).flatten(),
            self.link.signed_in().then(|| self.ending_due(now)).flatten(),
            self.link.drained().then(|| self.repairs.due()).flatten(),
            self.link.drained().then(|| self.groups.due(now)).flatten(),
            self.link.drained().then(|| self.hand_over_due(now)).flatten(),
        ];
        due.into_iter().flatten().min().map(|at| at.max(now.plus_ms(1)))
    }

    fn open(
        &mut self,
        mut records: Vec<Record>,
        keys: Option<DeviceKeysPublic>,
        origin: String,
        cx: &mut Context<'_>,
    ) {
        if self.opened {
            return;
        }
        self.opened = true;
        self.origin = origin;
        self.identity = keys.and_then(device_keys_from);
        let mut damaged_sessions = Vec::new();
        let mut damaged_epochs = Vec::new();
        // Stored in the order of blinded keys; what is kept sorted is put in at its end.
        records.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        for record in &records {
            if let Err(error) = self.load(record) {
                self.damage.push(error);
                match (record.key.kind, error) {
                    (Kind::Session, RecordError::Schema { found, .. }) if found > SCHEMA => {
                        self.sessions.leave(&record.key.partition, record.key.sequence);
                    }
                    (Kind::Session, _) => damaged_sessions.push(record.key.clone()),
                    _ => {}
                }
                if record.key.kind == Kind::GroupEpoch {
                    damaged_epochs.push(record.key.clone());
                }
            }
        }
        self.retain_files(cx);
        self.repair_sessions(&damaged_sessions, cx);
        self.open_groups(cx);
        self.mend_epochs(&damaged_epochs, cx);
        let accounts: Vec<AccountId> = self.contacts.keys().copied().collect();
        for account in accounts {
            self.schedule_owed(account, cx);
            // Its last line was gone, and the one before not found yet.
            if self
                .contacts
                .get(&account)
                .is_some_and(|c| c.next_line > 0 && c.last.is_none())
            {
                self.load_last(account, cx);
            }
        }
        for spot in self.pending.spots() {
            self.seek(spot, None, cx);
        }
    }

    fn load(&mut self, record: &Record) -> Result<(), RecordError> {
        let key = &record.key;
        let value = record.value.as_slice();
        match key.kind {
            Kind::Account => self.load_account(value),
            Kind::Contact => self.contact_of(key)?.load(key.sequence, value),
            Kind::Draft => self.contact_of(key)?.load_draft(value),
            Kind::Session => self.sessions.load(&key.partition, key.sequence, value),
            Kind::Prekey => self.prekeys.load(&key.partition, key.sequence, value),
            Kind::Outbox => self.outbox.load(&key.partition, key.sequence, value),
            Kind::Quarantine => self.quarantine.load(key.sequence, value),
            Kind::Seen => self.seen.load(key.sequence, value),
            Kind::Group => self.groups.load(&key.partition, key.sequence, value),
            Kind::GroupEpoch => self.groups.load_epoch(&key.partition, key.sequence, value),
            Kind::GroupRow => self.groups.load_row(&key.partition, key.sequence, value),
            Kind::Pending => self.pending.load(&key.partition, key.sequence, value),
            Kind::Upload => self.load_upload(&key.partition, key.sequence, value),
            Kind::OpenedFile => self.opened_files.load(&key.partition, key.sequence, value),
            Kind::EndingFile => self.load_ending(&key.partition, value),
            Kind::Expiry => self.expiring.load(&key.partition, key.sequence, value),
            // Read on demand, never handed over here.
            Kind::Line | Kind::Delivery | Kind::Place | Kind::Index => Ok(()),
        }
    }

    /// The contact a record belongs to, made where its first record comes.
    fn contact_of(&mut self, key: &RecordKey) -> Result<&mut Contact, RecordError> {
        let account = AccountId::try_from(key.partition.as_slice()).map_err(|_| RecordError::Field {
            kind: key.kind,
            field: "account",
        })?;
        Ok(self
            .contacts
            .entry(account)
            .or_insert_with(|| Contact::new(account, Timestamp(0))))
    }

    fn load_account(&mut self, value: &[u8]) -> Result<(), RecordError> {
        let no_keys = RecordError::Field {
            kind: Kind::Account,
            field: "device keys",
        };
        let own = match self.identity {
            Some(keys) => Own::from_record(value, keys.device_id()),
            None => Err(no_keys),
        };
        match own {
            Ok(own) => {
                self.own = Some(own);
                Ok(())
            }
            Err(error) => {
                self.unusable = true;
                Err(error)
            }
        }
    }
}

fn device_keys_from(keys: DeviceKeysPublic) -> Option<DeviceKeys> {
    Some(DeviceKeys {
        signing: Ed25519Public::parse(&keys.signing).ok()?,
        agreement: X25519Public::parse(&keys.agreement).ok()?,
    })
}
