//! A relay in memory: the semantics of the contract, none of its storage, limits or roles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chopar_identity::log::entry_hash;
use chopar_identity::{AccountLog, LogHead, SignInError, SignInExpected, verify_base, verify_sign_in};
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::identity::{Bundle, Entry, Signed};
use chopar_wire::proto::relay::client_frame::Body as Ask;
use chopar_wire::proto::relay::relay_frame::Body as Say;
use chopar_wire::proto::relay::{
    Accepted, Challenge, ClaimBundle, ClaimedBundle, Deliver, DeliverSignal, DeviceMismatch, Done,
    InviteStatus, Log, LogConflict, People, Person, Pong, QueueEmpty, Reason, Refused, Register, Registered,
    Role, SignIn, SignedIn, Submit,
};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, FileId, OpaqueLogId, frame, limits};

use super::relay_files::RelayFile;

/// The relay's name, in challenges.
const NAME: &str = "simulated";
/// The one origin.
pub(super) const ORIGIN: &str = "https://simulated";
/// The invite that always works.
pub(super) const INVITE: &str = "open";

/// How long a relay without room asks to wait, in milliseconds.
const STORAGE_RETRY_MS: u64 = 30_000;

/// All that is durable, and the connections.
#[derive(Clone, Default)]
pub struct Relay {
    /// Whether its disk is full: what is submitted is refused, and nothing of it is stored.
    pub full: bool,
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) queues: BTreeMap<DeviceId, Queue>,
    /// Lies about logs: what one account is shown of another (or of its own) in place of the log.
    pub(super) views: BTreeMap<(AccountId, AccountId), Vec<Entry>>,
    /// Logs that only their writers can read.
    pub(super) opaque: BTreeMap<OpaqueLogId, Vec<Signed>>,
    /// Lies about them: what an account is shown in place of one.
    pub(super) opaque_views: BTreeMap<(AccountId, OpaqueLogId), Vec<Signed>>,
    /// Files, as far as they came.
    pub(super) files: BTreeMap<FileId, RelayFile>,
    /// Whether there is room for no more files.
    pub files_full: bool,
    /// Bodies submitted to groups: each once, whatever the number of mailboxes.
    pub group_bodies: u64,
    pub(super) connections: BTreeMap<u64, Connection>,
    nonces: u64,
    submitted: u64,
    delivered: u64,
}

#[derive(Clone)]
pub(super) struct Account {
    pub(super) log: AccountLog,
    handle: String,
    display_name: String,
    pub(super) bundles: BTreeMap<DeviceId, Signed>,
    pub(super) one_time: BTreeMap<DeviceId, VecDeque<Signed>>,
}

#[derive(Clone, Default)]
pub(super) struct Queue {
    last: u64,
    pub(super) waiting: BTreeMap<u64, (EnvelopeId, Bytes)>,
    /// Every id ever queued: submission is idempotent.
    ids: BTreeSet<EnvelopeId>,
}

#[derive(Clone)]
pub(super) struct Connection {
    challenge: Challenge,
    signed_in: Option<(AccountId, DeviceId)>,
    /// Whose account key was proven on it.
    pub(super) recovering: Option<AccountId>,
}

/// A log as somebody is shown it.
enum Shown<'a> {
    Truth(&'a AccountLog),
    Lie(&'a [Entry]),
}

/// A frame for a connection.
pub(super) type Out = (u64, u64, Say);

impl Relay {
    /// Envelopes taken, and envelopes handed over (again counted again).
    pub fn figures(&self) -> (u64, u64) {
        (self.submitted, self.delivered)
    }

    /// Appends to an account's log past everybody, as another device of the account would.
    pub fn append(&mut self, account: &AccountId, entry: &Entry) {
        let known = self.accounts.get_mut(account).expect("a known account");
        known
            .log
            .extend(std::slice::from_ref(entry))
            .expect("a valid entry");
    }

    /// Takes an account in that nobody registered.
    pub(super) fn admit(&mut self, log: AccountLog) {
        let account = Account {
            handle: format!("admitted{}", self.accounts.len()),
            display_name: "Admitted".to_owned(),
            bundles: BTreeMap::new(),
            one_time: BTreeMap::new(),
            log,
        };
        self.accounts.insert(*account.log.account(), account);
    }

    /// Goes back to an older copy. Connections and what was counted stay; nonces are never handed out again.
    pub(super) fn restore(&mut self, old: Self) {
        let connections = std::mem::take(&mut self.connections);
        *self = Self {
            connections,
            nonces: self.nonces,
            submitted: self.submitted,
            delivered: self.delivered,
            ..old
        };
    }

    /// The log as the relay has it.
    pub fn log(&self, account: &AccountId) -> &AccountLog {
        &self.accounts[account].log
    }

    /// The sequence of a device's bundle, 0 without one, and how many one-time pairs are left.
    pub fn prekeys(&self, account: &AccountId, device: &DeviceId) -> (u64, usize) {
        let known = &self.accounts[account];
        let bundle = known
            .bundles
            .get(device)
            .map_or(0, |bundle| sequence(account, known, device, bundle));
        (bundle, known.one_time.get(device).map_or(0, VecDeque::len))
    }

    /// Envelopes that wait for their devices.
    pub fn waiting(&self) -> usize {
        self.queues.values().map(|queue| queue.waiting.len()).sum()
    }

    fn challenge(&mut self, now: u64) -> Challenge {
        self.nonces += 1;
        let mut nonce = vec![0; 32];
        nonce[..8].copy_from_slice(&self.nonces.to_be_bytes());
        Challenge {
            relay_name: NAME.to_owned(),
            nonce: nonce.into(),
            expires: now + limits::CHALLENGE_LIFETIME_MS,
            relay_time: now,
            protocol: limits::PROTOCOL,
        }
    }

    /// A proof answers one challenge, once.
    fn challenge_again(&mut self, connection: u64, now: u64) -> Option<Out> {
        let challenge = self.challenge(now);
        self.connections.get_mut(&connection)?.challenge = challenge.clone();
        Some((connection, 0, Say::Challenge(challenge)))
    }

    pub(super) fn connected(&mut self, connection: u64, now: u64) -> Vec<Out> {
        let challenge = self.challenge(now);
        self.connections.insert(
            connection,
            Connection {
                challenge: challenge.clone(),
                signed_in: None,
                recovering: None,
            },
        );
        vec![(connection, 0, Say::Challenge(challenge))]
    }

    pub(super) fn disconnected(&mut self, connection: u64) {
        self.connections.remove(&connection);
    }

    pub(super) fn frame(&mut self, connection: u64, bytes: Vec<u8>, now: u64) -> Vec<Out> {
        let frame = frame::decode_client(bytes.into()).expect("engines send frames");
        let Some(state) = self.connections.get(&connection) else {
            return Vec::new();
        };
        let who = state.signed_in;
        let request = frame.request;
        let mut out = Vec::new();
        let answer = match (frame.body.expect("of a known kind"), who) {
            (Ask::Ping(_), _) => Say::Pong(Pong {}),
            (Ask::CheckInvite(check), _) => {
                let reason = match &*check.invite {
                    INVITE => Reason::Unspecified,
                    "expired" => Reason::InviteExpired,
                    _ => Reason::InviteUsed,
                };
                Say::InviteStatus(InviteStatus {
                    usable: reason == Reason::Unspecified,
                    role: Role::Member.into(),
                    // By this relay's clock, which need not be the devices': they go by the reason.
                    expires: now + 1,
                    organisation: NAME.to_owned(),
                    reason: reason.into(),
                })
            }
            (Ask::Register(_), None) if self.full => no_room(),
            (Ask::Register(register), None) => {
                let answer = self.register(connection, register, now);
                out.push((connection, request, answer.unwrap_or_else(refused)));
                self.welcome(connection, &mut out);
                return out;
            }
            (Ask::SignIn(sign_in), None) => {
                let answer = self.sign_in(connection, &sign_in, now);
                out.push((connection, request, answer.unwrap_or_else(refused)));
                self.welcome(connection, &mut out);
                return out;
            }
            (Ask::Recover(recover), None) => {
                let answer = self.recover(connection, &recover, now);
                let refused_it = answer.is_err();
                out.push((connection, request, answer.unwrap_or_else(refused)));
                if refused_it {
                    out.extend(self.challenge_again(connection, now));
                }
                return out;
            }
            (Ask::FetchLog(fetch), None) => self.fetch_recovered(connection, &fetch),
            (Ask::AdmitDevice(admit), None) => {
                let answer = match self.full {
                    true => Ok(no_room()),
                    false => self.admit_device(connection, admit, now),
                };
                let admitted = matches!(answer, Ok(Say::SignedIn(_)));
                out.push((connection, request, answer.unwrap_or_else(refused)));
                if admitted {
                    self.welcome(connection, &mut out);
                } else {
                    out.extend(self.challenge_again(connection, now));
                }
                return out;
            }
            (_, None) => refused(Reason::SignInFirst),
            (Ask::Submit(_), Some(_)) if self.full => no_room(),
            (Ask::Submit(submit), Some((viewer, _))) => self
                .submit(&viewer, &submit, now, &mut out)
                .unwrap_or_else(|say| *say),
            (Ask::SubmitGroup(_) | Ask::AppendOpaque(_), Some(_)) if self.full => no_room(),
            (Ask::SubmitGroup(submit), Some((_, device))) => {
                self.submit_group(&device, &submit, now, &mut out)
            }
            (Ask::AppendOpaque(append), Some((viewer, _))) => self.append_opaque(&viewer, append),
            (Ask::FetchOpaque(fetch), Some((viewer, _))) => self.fetch_opaque(&viewer, &fetch),
            (Ask::BeginFile(begin), Some((viewer, _))) => self.begin_file(&viewer, &begin, now),
            (Ask::OpenFile(open), Some(_)) => self.open_file(&open, now),
            (Ask::DeleteFile(delete), Some((viewer, _))) => self.delete_file(&viewer, &delete),
            (Ask::SubmitSignal(signal), Some(_)) => {
                for envelope in signal.envelopes {
                    let device = DeviceId::try_from(envelope.device.as_ref()).expect("16 bytes");
                    if let Some(to) = self.connection_of(&device) {
                        out.push((to, 0, Say::DeliverSignal(DeliverSignal { body: envelope.body })));
                    }
                }
                Say::Done(Done {})
            }
            (Ask::Ack(ack), Some((_, device))) => {
                let queue = self.queues.entry(device).or_default();
                for seq in ack.seqs {
                    queue.waiting.remove(&seq);
                }
                Say::Done(Done {})
            }
            (Ask::FetchLog(fetch), Some((viewer, _))) => self.log_shown(&viewer, &fetch.account, fetch.from),
            (Ask::AppendLog(append), Some((id, _))) => {
                let account = self.accounts.get_mut(&id).expect("signed in");
                let length = account.log.length();
                match account.log.extend(&append.entry.into_iter().collect::<Vec<_>>()) {
                    Ok(changes) if !changes.is_empty() => Say::Done(Done {}),
                    Ok(_) | Err(chopar_identity::LogError::Fork { .. }) => Say::LogConflict(LogConflict {
                        from: length - 1,
                        entries: account.log.entries(length - 1).to_vec(),
                    }),
                    Err(_) => refused(Reason::LogInvalid),
                }
            }
            (Ask::Find(find), Some(_)) => Say::People(People {
                people: self.find(&find.query),
            }),
            (Ask::PublishBundle(publish), Some((id, device))) => {
                let account = self.accounts.get_mut(&id).expect("signed in");
                account.bundles.insert(device, publish.bundle.expect("a bundle"));
                Say::Done(Done {})
            }
            (Ask::AddOneTime(add), Some((id, device))) => {
                let account = self.accounts.get_mut(&id).expect("signed in");
                let pool = account.one_time.entry(device).or_default();
                if pool.len() + add.one_time.len() > limits::ONE_TIME_POOL {
                    refused(Reason::PoolFull)
                } else {
                    pool.extend(add.one_time);
                    Say::Done(Done {})
                }
            }
            (Ask::ClaimBundle(claim), Some(_)) => self.claim(&claim),
            (Ask::SetProfile(profile), Some((id, _))) => {
                self.accounts.get_mut(&id).expect("signed in").display_name = profile.display_name;
                Say::Done(Done {})
            }
            (Ask::Register(_) | Ask::SignIn(_) | Ask::Recover(_) | Ask::AdmitDevice(_), Some(_)) => {
                refused(Reason::Malformed)
            }
            (_, Some(_)) => refused(Reason::NotAllowed),
        };
        out.push((connection, request, answer));
        out
    }

    /// What waits, and that it is all, for a connection that has just signed in.
    fn welcome(&mut self, connection: u64, out: &mut Vec<Out>) {
        let Some((_, device)) = self.connections.get(&connection).and_then(|c| c.signed_in) else {
            return;
        };
        let queue = self.queues.entry(device).or_default();
        for (seq, (id, body)) in &queue.waiting {
            let deliver = Deliver {
                seq: *seq,
                id: (*id).into(),
                body: body.clone(),
                accepted: 0,
            };
            out.push((connection, 0, Say::Deliver(deliver)));
            self.delivered += 1;
        }
        out.push((connection, 0, Say::QueueEmpty(QueueEmpty { up_to: queue.last })));
    }

    fn register(&mut self, connection: u64, register: Register, now: u64) -> Result<Say, Reason> {
        if register.invite != INVITE {
            return Err(Reason::InviteUnknown);
        }
        if self
            .accounts
            .values()
            .any(|account| account.handle == register.handle)
        {
            let same = register
                .proof
                .as_ref()
                .and_then(|p| chopar_identity::sign_in::sign_in_claimant(p).ok());
            let exists = same.is_some_and(|(account, _)| self.accounts.contains_key(&account));
            return Err(if exists {
                Reason::AccountExists
            } else {
                Reason::HandleTaken
            });
        }
        let proof = register.proof.ok_or(Reason::Malformed)?;
        let (account, _) =
            chopar_identity::sign_in::sign_in_claimant(&proof).map_err(|_| Reason::Malformed)?;
        let log = AccountLog::verify(&account, &register.log).map_err(|_| Reason::LogInvalid)?;
        let (account, device) = self.prove(connection, &proof, &log, now)?;
        let bundle = register.bundle.ok_or(Reason::Malformed)?;
        let keys = log.device(&device).ok_or(Reason::NoSuchDevice)?.keys;
        verify_base(&account, &keys, &bundle).map_err(|_| Reason::BundleInvalid)?;
        let handle = register.handle.clone();
        let new = Account {
            log,
            handle: register.handle,
            display_name: register.display_name,
            bundles: [(device, bundle)].into(),
            one_time: BTreeMap::new(),
        };
        self.accounts.insert(account, new);
        self.sign(connection, account, device);
        Ok(Say::Registered(Registered {
            handle,
            role: Role::Member.into(),
        }))
    }

    fn sign_in(&mut self, connection: u64, sign_in: &SignIn, now: u64) -> Result<Say, Reason> {
        let proof = sign_in.proof.as_ref().ok_or(Reason::Malformed)?;
        let (account, _) =
            chopar_identity::sign_in::sign_in_claimant(proof).map_err(|_| Reason::Malformed)?;
        let known = self.accounts.get(&account).ok_or(Reason::SignInFailed)?;
        let (account, device) = self.prove(connection, proof, &known.log, now)?;
        Ok(self.signed_in(connection, account, device, now))
    }

    /// Signs a proven device in, and what it is told.
    pub(super) fn signed_in(
        &mut self,
        connection: u64,
        account: AccountId,
        device: DeviceId,
        now: u64,
    ) -> Say {
        let known = &self.accounts[&account];
        let answer = SignedIn {
            handle: known.handle.clone(),
            display_name: known.display_name.clone(),
            role: Role::Member.into(),
            one_time_left: known.one_time.get(&device).map_or(0, |pool| pool.len() as u32),
            bundle_sequence: known
                .bundles
                .get(&device)
                .map_or(0, |bundle| sequence(&account, known, &device, bundle)),
            log_head: self
                .shown(&account, account.as_bytes())
                .map(|shown| (&shown.head()).into()),
            relay_time: now,
        };
        self.sign(connection, account, device);
        Say::SignedIn(answer)
    }

    /// A log as somebody is shown it, from a position on.
    pub(super) fn log_shown(&self, viewer: &AccountId, account: &[u8], from: u32) -> Say {
        match self.shown(viewer, account) {
            Some(shown) => Say::Log(Log {
                account: account.to_vec().into(),
                from,
                entries: shown.since(from),
                head: Some((&shown.head()).into()),
            }),
            None => refused(Reason::NoSuchAccount),
        }
    }

    pub(super) fn prove(
        &self,
        connection: u64,
        proof: &Signed,
        log: &AccountLog,
        now: u64,
    ) -> Result<(AccountId, DeviceId), Reason> {
        self.judge(connection, now, |expected| {
            verify_sign_in(proof, expected, |_, device| {
                log.device(device).map(|d| d.keys.signing)
            })
        })
    }

    /// Judges a proof against a connection's challenge.
    pub(super) fn judge<T>(
        &self,
        connection: u64,
        now: u64,
        judge: impl FnOnce(&SignInExpected<'_>) -> Result<T, SignInError>,
    ) -> Result<T, Reason> {
        let challenge = &self.connections[&connection].challenge;
        let nonce = challenge.nonce.as_ref().try_into().expect("32 bytes");
        let origins = [ORIGIN.to_owned()];
        let expires = challenge.expires;
        let expected = SignInExpected {
            relay_name: NAME,
            origins: &origins,
            nonce: &nonce,
            expires,
            now,
        };
        judge(&expected).map_err(|_| Reason::SignInFailed)
    }

    fn sign(&mut self, connection: u64, account: AccountId, device: DeviceId) {
        for other in self.connections.values_mut() {
            if other.signed_in.is_some_and(|(_, d)| d == device) {
                other.signed_in = None;
            }
        }
        if let Some(state) = self.connections.get_mut(&connection) {
            state.signed_in = Some((account, device));
        }
    }

    fn submit(
        &mut self,
        viewer: &AccountId,
        submit: &Submit,
        now: u64,
        out: &mut Vec<Out>,
    ) -> Result<Say, Box<Say>> {
        let shown = self
            .shown(viewer, &submit.account)
            .ok_or_else(|| Box::new(refused(Reason::NoSuchAccount)))?;
        let head = submit
            .log_head
            .as_ref()
            .and_then(|head| LogHead::try_from(head).ok());
        if head != Some(shown.head()) {
            let from = head
                .filter(|h| shown.prefix_hash(h.length) == Some(h.hash))
                .map_or(0, |h| h.length);
            return Err(Box::new(Say::DeviceMismatch(DeviceMismatch {
                account: submit.account.clone(),
                entries: shown.since(from),
                from,
            })));
        }
        let named: BTreeSet<DeviceId> = submit
            .envelopes
            .iter()
            .map(|e| DeviceId::try_from(e.device.as_ref()).expect("16 bytes"))
            .collect();
        let active = shown.active_devices();
        assert!(
            active.is_none_or(|active| named.is_subset(&active) && active.len() - named.len() <= 1),
            "all devices are named, or all other own ones"
        );
        for envelope in &submit.envelopes {
            let device = DeviceId::try_from(envelope.device.as_ref()).expect("16 bytes");
            let id = EnvelopeId::try_from(envelope.id.as_ref()).expect("16 bytes");
            assert!(!envelope.body.is_empty(), "a relay refuses empty envelopes");
            let Some(seq) = self.put(device, id, envelope.body.clone()) else {
                continue;
            };
            let deliver = Deliver {
                seq,
                id: id.into(),
                body: envelope.body.clone(),
                accepted: now,
            };
            if let Some(to) = self.connection_of(&device) {
                self.delivered += 1;
                out.push((to, 0, Say::Deliver(deliver)));
            }
        }
        Ok(Say::Accepted(Accepted { time: now }))
    }

    /// Queues an envelope; its place, unless it was queued before.
    pub(super) fn put(&mut self, device: DeviceId, id: EnvelopeId, body: Bytes) -> Option<u64> {
        let queue = self.queues.entry(device).or_default();
        if !queue.ids.insert(id) {
            return None;
        }
        self.submitted += 1;
        queue.last += 1;
        queue.waiting.insert(queue.last, (id, body));
        Some(queue.last)
    }

    /// Counts an envelope that was handed over.
    pub(super) fn handed_over(&mut self) {
        self.delivered += 1;
    }

    fn claim(&mut self, claim: &ClaimBundle) -> Say {
        let device = DeviceId::try_from(claim.device.as_ref()).expect("16 bytes");
        let id = AccountId::try_from(claim.account.as_ref()).expect("32 bytes");
        let Some(account) = self.accounts.get_mut(&id) else {
            return refused(Reason::NoSuchAccount);
        };
        let Some(base) = account.bundles.get(&device).cloned() else {
            return refused(Reason::NoBundle);
        };
        let one_time = account.one_time.entry(device).or_default().pop_front();
        let bundle = Some(Bundle {
            base: Some(base),
            one_time,
        });
        Say::ClaimedBundle(ClaimedBundle {
            device: claim.device.clone(),
            bundle,
        })
    }

    fn find(&self, query: &str) -> Vec<Person> {
        let matching = self
            .accounts
            .iter()
            .filter(|(_, a)| a.handle == query || a.display_name.contains(query));
        matching
            .take(limits::FIND_RESULTS)
            .map(|(id, a)| Person {
                account: (*id).into(),
                handle: a.handle.clone(),
                display_name: a.display_name.clone(),
            })
            .collect()
    }

    fn shown(&self, viewer: &AccountId, subject: &[u8]) -> Option<Shown<'_>> {
        let subject = AccountId::try_from(subject).ok()?;
        let account = self.accounts.get(&subject)?;
        let lie = self.views.get(&(*viewer, subject));
        Some(lie.map_or(Shown::Truth(&account.log), |entries| Shown::Lie(entries)))
    }

    pub(super) fn connection_of(&self, device: &DeviceId) -> Option<u64> {
        let signed_in = |c: &Connection| c.signed_in.is_some_and(|(_, d)| d == *device);
        self.connections
            .iter()
            .find(|(_, c)| signed_in(c))
            .map(|(id, _)| *id)
    }
}

impl Shown<'_> {
    fn head(&self) -> LogHead {
        match self {
            Self::Truth(log) => log.head(),
            Self::Lie(entries) => LogHead {
                length: u32::try_from(entries.len()).expect("a short log"),
                hash: entry_hash(entries.last().expect("a log has an entry")),
            },
        }
    }

    fn prefix_hash(&self, length: u32) -> Option<[u8; 32]> {
        match self {
            Self::Truth(log) => log.prefix_hash(length),
            Self::Lie(entries) => entries.get((length as usize).checked_sub(1)?).map(entry_hash),
        }
    }

    fn since(&self, from: u32) -> Vec<Entry> {
        match self {
            Self::Truth(log) => log.entries(from).to_vec(),
            Self::Lie(entries) => entries.get(from as usize..).unwrap_or_default().to_vec(),
        }
    }

    /// `None` for a lie: whatever was believed of it.
    fn active_devices(&self) -> Option<BTreeSet<DeviceId>> {
        match self {
            Self::Truth(log) => Some(log.active_devices().iter().map(|device| device.id).collect()),
            Self::Lie(_) => None,
        }
    }
}

fn sequence(id: &AccountId, account: &Account, device: &DeviceId, bundle: &Signed) -> u64 {
    let keys = account.log.device(device).map(|d| d.keys);
    keys.and_then(|keys| verify_base(id, &keys, bundle).ok())
        .map_or(0, |base| base.sequence)
}

/// As a relay answers whose disk is full.
fn no_room() -> Say {
    Say::Refused(Refused {
        reason: Reason::Storage.into(),
        detail: String::new(),
        retry_after_ms: STORAGE_RETRY_MS,
    })
}

pub(super) fn refused(reason: Reason) -> Say {
    Say::Refused(Refused {
        reason: reason.into(),
        detail: String::new(),
        retry_after_ms: 0,
    })
}
