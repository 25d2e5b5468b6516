//! The owner: inputs in, one commit, effects out.
//!
//! What waits when the loop comes round is handled together and committed together (one transaction costs about as much
//! as ten), and no effect of it is carried out before that commit is durable.

use std::convert::Infallible;
use std::rc::Rc;

use chopar_engine::{Answer, Batch, Effect, Event, Failure, Input, Map, Token};
use chopar_wire::Timestamp;
use chopar_wire::prost::bytes::Bytes;
use wasm_bindgen_futures::spawn_local;

use super::asked::{From, Taken};
use super::idle::Idle;
use super::inbox::Happening;
use super::indexing::Indexing;
use super::link::{Heard, Link};
use super::machine::Machine;
use super::told::Last;
use super::{Part, Worker, fatal, locked, lost};
use crate::platform::clock::{self, Alarm};
use crate::platform::locks::{Held, Robbed};
use crate::platform::network::Network;
use crate::platform::random::{SystemRandom, system_random};
use crate::platform::socket::{Socket, SocketEvent};
use crate::platform::tab::Tab;
use crate::platform::{Exception, scope, storage};
use crate::port::{AboutDevice, FatalKind, FromWorker, KeyHome, ToWorker};
use crate::vault::{Door, Files, Home, Vault, VaultError, Wanted};

/// Inputs handled before one commit, at most: enough to make use of a transaction, few enough that the first of them does
/// not wait long for its effects.
const MAX_MERGED: usize = 64;

/// Commits that may fail within [`FAILURE_WINDOW_MS`], each followed by a new engine from the vault, before the worker
/// gives up and says why: one is a hiccup, three are a full or broken disk that reconnecting will not mend.
const MAX_FAILURES: u32 = 3;

/// A failure this long after the one before, in milliseconds, is another hiccup.
const FAILURE_WINDOW_MS: u64 = 60_000;

/// Why an owner stopped being one.
pub(super) enum End {
    /// Another owner has the vault.
    Fenced,
    /// The worker ends.
    Fatal(FatalKind),
    /// The lock was locked: the worker ends.
    Locked,
}

/// Why an engine's life ended.
pub(super) enum Over {
    /// A commit, or the vault, failed.
    Vault(VaultError),
    /// The vault was erased.
    Erased,
    /// The lock was locked.
    Locked,
    /// A line to a tab does not take what it must, or a tab says what is not of this build.
    Broken,
}

impl std::convert::From<VaultError> for Over {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl std::convert::From<Exception> for Over {
    fn from(_: Exception) -> Self {
        Self::Broken
    }
}

/// One life of an engine, from one opening of the vault to the next.
pub(super) struct Owner<'a, M> {
    pub(super) worker: &'a mut Worker,
    pub(super) vault: Rc<Vault>,
    pub(super) files: Rc<Files>,
    pub(super) machine: M,
    pub(super) rng: SystemRandom,
    /// Numbers this life: what an earlier one left under way is not taken for an answer.
    pub(super) life: u64,
    /// The socket and its number, if there is one.
    pub(super) socket: Option<(u64, Socket)>,
    pub(super) alarm: Alarm,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) taken: Taken,
    /// Records that do not open.
    pub(super) damaged: u32,
    /// Whether the browser promised to keep the storage.
    persisted: bool,
    robbed: Robbed,
    /// When it locks itself.
    pub(super) idle: Idle,
    /// Whether another tab has started, and is to hear who owns.
    pub(super) newcomer: bool,
    /// What is to be done once everything before it is done.
    pub(super) asked_last: Option<Last>,
    /// What is looked for.
    pub(super) searches: Vec<(Token, Wanted)>,
    pub(super) indexing: Indexing,
}

/// What several inputs led to together.
#[derive(Default)]
struct Merged {
    persist: Batch,
    then: Vec<Effect>,
    inputs: usize,
}

/// Owns the vault for as long as it goes well. The lock is released on return.
pub(super) async fn run<M: Machine>(worker: &mut Worker, mut lock: Held, new_machine: fn() -> M) -> End {
    worker.part.set(Part::Opens);
    let robbed = lock.robbed();
    let (inbox, stolen) = (worker.inbox.clone(), lock.stolen());
    spawn_local(async move {
        stolen.await;
        inbox.put(Happening::Stolen);
    });
    let inbox = worker.inbox.clone();
    let _network = Network::watch(move |online| inbox.put(Happening::Network(online)));
    let mut failures = 0;
    let mut last_failure = Timestamp::default();
    let end = loop {
        worker.lives += 1;
        let over = match Owner::begin(worker, new_machine(), robbed.clone()).await {
            Err(over) => over,
            Ok((mut owner, opened)) => {
                let over = owner.live(opened).await;
                let taken = owner.taken.drain();
                drop(owner);
                // The next owner is asked everything once more: there, it may be carried out.
                let asked_again = matches!(over, Over::Vault(VaultError::Fenced) | Over::Locked);
                if !asked_again && disappoint(worker, taken).is_err() {
                    break End::Fatal(FatalKind::Crashed);
                }
                over
            }
        };
        // Whatever went wrong meanwhile: what is to be locked is locked.
        let over = match over {
            Over::Erased | Over::Vault(VaultError::Fenced) => over,
            _ if worker.locking.is_some() => Over::Locked,
            other => other,
        };
        match over {
            Over::Broken => break End::Fatal(FatalKind::Crashed),
            // Where it cannot be said the line to the other tabs is broken: they notice that this worker ends, and cannot go on either.
            Over::Locked => {
                let _ = worker.say(&Link::LockNow);
                break End::Locked;
            }
            // The tab is loaded anew, and with it the lock goes to another: not before the other tabs have been told, or one of
            // them would look for the vault it remembers.
            Over::Erased => match std::future::pending::<Infallible>().await {},
            Over::Vault(VaultError::Fenced) => break End::Fenced,
            Over::Vault(error) => {
                let now = clock::now();
                failures = if now.ms_since(last_failure) < FAILURE_WINDOW_MS {
                    failures + 1
                } else {
                    1
                };
                last_failure = now;
                let again = matches!(error, VaultError::Full | VaultError::Database(_));
                if !again || failures >= MAX_FAILURES {
                    break End::Fatal(fatal::kind_of(&error));
                }
                if Tab::tell(&FromWorker::Restarted).is_err() {
                    break End::Fatal(FatalKind::Crashed);
                }
            }
        }
    };
    drop(lock);
    end
}

/// Intents that died with an engine are answered: they were not carried out, or not durably.
fn disappoint(worker: &mut Worker, taken: Map<u64, From>) -> Result<(), Exception> {
    for (id, from) in taken {
        let answer = Answer::Failed(Failure::Browser);
        let message = FromWorker::Event(Box::new(Event::Answered { id, answer }));
        match from {
            From::Here => {
                worker.answered(id);
                Tab::tell(&message)?;
            }
            From::Elsewhere => {
                worker.attached.forget(id);
                worker.tell_others(message)?;
            }
        }
    }
    Ok(())
}

impl<'a, M: Machine> Owner<'a, M> {
    /// Opens the vault and reads what the engine starts from.
    async fn begin(worker: &'a mut Worker, machine: M, robbed: Robbed) -> Result<(Self, Input), Over> {
        let mut rng = system_random();
        let vault = match Self::enter(worker, &mut rng, &robbed).await {
            Err(Over::Vault(error @ (VaultError::HalfEvicted | VaultError::Damaged))) => {
                return Err(lost::wait(worker, fatal::kind_of(&error), &robbed).await);
            }
            entered => entered?,
        };
        let resident = vault.resident().await?;
        let canary = vault.canary();
        worker.canary = Some(canary);
        Tab::tell(&FromWorker::Canary(canary.to_string()))?;
        let epoch = canary.generation();
        worker.part.set(Part::Owns(epoch));
        worker.key = vault.shared_key();
        worker.say(&Link::Key {
            epoch,
            key: worker.key.clone(),
        })?;
        worker.say(&Link::Owner { epoch })?;
        let opened = Input::Opened {
            records: resident.records,
            device_keys: vault.device_keys(),
            origin: scope().location().origin(),
            rolled_back: vault.rolled_back(),
        };
        let life = worker.lives;
        let inbox = worker.inbox.clone();
        let rung = worker.inbox.clone();
        let idle = Idle::new(vault.lock().idle_minutes, worker.used_at, move || {
            rung.put(Happening::Idle);
        })?;
        let vault = Rc::new(vault);
        let indexing = Indexing::new(worker.inbox.clone())?;
        let owner = Self {
            worker,
            files: Rc::new(Files::new(vault.clone())),
            vault,
            machine,
            rng,
            life,
            socket: None,
            alarm: Alarm::new(move || inbox.put(Happening::Alarm)),
            wake_at: None,
            taken: Taken::default(),
            damaged: resident.damaged,
            persisted: storage::persisted().await,
            robbed,
            idle,
            newcomer: false,
            asked_last: None,
            searches: Vec::new(),
            indexing,
        };
        Ok((owner, opened))
    }

    /// Goes into the vault, once a person has opened its lock if it has one.
    async fn enter(worker: &mut Worker, rng: &mut SystemRandom, robbed: &Robbed) -> Result<Vault, Over> {
        let mut door = Door::find(worker.canary, worker.key.as_ref(), rng).await?;
        if door.is_locked() {
            locked::pass(worker, &mut door, robbed).await?;
        }
        Ok(door.open(|| !robbed.is_so()).await?)
    }

    /// Lives until something ends it.
    async fn live(&mut self, opened: Input) -> Over {
        match self.work(opened).await {
            Ok(never) => match never {},
            Err(over) => over,
        }
    }

    async fn work(&mut self, opened: Input) -> Result<Infallible, Over> {
        self.tell_all(FromWorker::About(self.about()))?;
        let mut merged = Merged::default();
        self.input(opened, &mut merged);
        self.input(
            Input::Network {
                online: Network::online(),
            },
            &mut merged,
        );
        // What was left over of files is swept before anything new is kept.
        self.settle(merged).await?;
        let mut merged = Merged::default();
        // What the tab asked an owner before this one.
        for (id, asked) in self.worker.asking.all() {
            self.take(id, asked, From::Here, &mut merged);
        }
        loop {
            self.settle(merged).await?;
            if std::mem::take(&mut self.newcomer) {
                self.greet().await?;
            }
            self.search().await?;
            self.index_if_due().await?;
            self.build_where_damaged()?;
            match self.asked_last.take() {
                None => {}
                Some(Last::StartOver) => {
                    self.vault.erase().await?;
                    self.tell_all(FromWorker::Erased)?;
                    return Err(Over::Erased);
                }
                Some(Last::Lock) => {
                    // An hour that rang while it was frozen is not the others' to hear: another owner has an hour of its own.
                    self.vault.still_owned().await?;
                    return Err(Over::Locked);
                }
                Some(Last::Relock(id, change)) => self.relock(id, &change).await?,
            }
            merged = Merged::default();
            let mut next = Some(self.worker.inbox.next().await);
            while let Some(happening) = next {
                self.wake_if_due(&mut merged);
                self.lock_if_idle();
                self.happen(happening, &mut merged)?;
                next = if merged.inputs < MAX_MERGED && self.asked_last.is_none() {
                    self.worker.inbox.take()
                } else {
                    None
                };
            }
        }
    }

    /// Commits, then carries out. Where there is nothing to commit it is looked whether this still is the owner: one that was
    /// frozen meanwhile and replaced sends nothing and says nothing.
    async fn settle(&mut self, merged: Merged) -> Result<(), Over> {
        if !merged.persist.writes.is_empty() {
            self.vault.commit(merged.persist, &mut self.rng).await?;
        } else if !merged.then.is_empty() {
            self.vault.still_owned().await?;
        }
        for effect in merged.then {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn input(&mut self, input: Input, merged: &mut Merged) {
        let step = self.machine.handle(input, clock::now(), &mut self.rng);
        merged.persist.writes.extend(step.persist.writes);
        merged.then.extend(step.then);
        merged.inputs += 1;
    }

    /// Timers are late when a device sleeps; whatever wakes the worker is as good as the alarm.
    fn wake_if_due(&mut self, merged: &mut Merged) {
        if self.wake_at.is_some_and(|at| at <= clock::now()) {
            self.wake_at = None;
            self.input(Input::Wake, merged);
        }
    }

    fn happen(&mut self, happening: Happening, merged: &mut Merged) -> Result<(), Over> {
        match happening {
            Happening::Tab(said) if let Some(id) = said.waits() => {
                if self.worker.asking.add(id, &said) {
                    self.take(id, said, From::Here, merged);
                } else {
                    self.worker.refuse(id)?;
                }
            }
            Happening::Link(Heard::Ours(Link::Passed(said))) if let Some(id) = said.waits() => {
                self.take(id, said, From::Elsewhere, merged);
            }
            Happening::Tab(ToWorker::Active) => self.worker.somebody_here()?,
            Happening::Tab(said) | Happening::Link(Heard::Ours(Link::Passed(said))) => self.told(said)?,
            Happening::Damaged(rows) => {
                // The same rows count again each time they are asked for; whether there are any is what matters.
                self.damaged = self.damaged.max(rows);
                self.tell_all(FromWorker::About(self.about()))?;
            }
            Happening::Persisted(persisted) => {
                if persisted != self.persisted {
                    self.persisted = persisted;
                    self.tell_all(FromWorker::About(self.about()))?;
                }
            }
            Happening::Broken => return Err(Over::Broken),
            Happening::Link(Heard::Ours(Link::Started)) => self.newcomer = true,
            // The vault is the newer build's from now on.
            Happening::Link(Heard::OtherStarted) => return Err(Over::Vault(VaultError::Newer)),
            // May be left over from an earlier time as the owner.
            Happening::Stolen if self.robbed.is_so() => return Err(Over::Vault(VaultError::Fenced)),
            Happening::Link(Heard::Ours(Link::LockNow)) => self.lock_now(),
            Happening::Idle => self.idle.rung(self.worker.used_at)?,
            Happening::Index => self.indexing.rung(),
            // An owner's words, of which there is one: left over from the one before, as what was meant for a follower.
            Happening::Link(
                Heard::Ours(
                    Link::Owner { .. }
                    | Link::Told { .. }
                    | Link::Alive { .. }
                    | Link::Knock
                    | Link::Key { .. },
                )
                | Heard::OtherOwner,
            )
            | Happening::Lock(_)
            | Happening::Knock
            | Happening::FileHanded(..)
            | Happening::Stolen => {}
            Happening::Socket(number, event) => self.heard(number, event, merged),
            // Rings early where the moment lies beyond what timers take.
            Happening::Alarm => {
                if let Some(at) = self.wake_at {
                    self.alarm.set(at)?;
                }
            }
            Happening::Network(online) => self.input(Input::Network { online }, merged),
            Happening::Done(life, input) => {
                if life != self.life {
                    return Ok(());
                }
                if matches!(input, Input::IdentityMade { .. }) {
                    self.tell_all(FromWorker::About(self.about()))?;
                }
                self.input(input, merged);
            }
            Happening::Failed(life, id, failure) if life == self.life => {
                let answer = Answer::Failed(failure);
                merged.then.push(Effect::Tell(Event::Answered { id, answer }));
            }
            Happening::FileTaken(life, id, blob) if life == self.life => self.hand_over(id, blob)?,
            Happening::Failed(..) | Happening::FileTaken(..) => {}
            Happening::FileMoved(file, done, of) => {
                self.tell_all(FromWorker::FileMoved { file, done, of })?;
            }
        }
        Ok(())
    }

    /// Takes what a tab asks, unless it is under way already.
    fn take(&mut self, id: u64, asked: ToWorker, from: From, merged: &mut Merged) {
        if !self.taken.add(id, from) {
            return;
        }
        match asked {
            ToWorker::Asked(asked) => self.input(Input::Intent(asked), merged),
            ToWorker::SendFiles { sending, .. } => self.seal(id, *sending),
            ToWorker::TakeFile { file, .. } => self.take_file(id, file),
            // Nobody waits for what is said of these.
            _ => {}
        }
    }

    fn heard(&mut self, number: u64, event: SocketEvent, merged: &mut Merged) {
        if self.socket.as_ref().is_none_or(|(current, _)| *current != number) {
            return;
        }
        match event {
            SocketEvent::Opened => self.input(Input::Connected, merged),
            SocketEvent::Message(bytes) => self.input(Input::Frame(Bytes::from(bytes)), merged),
            SocketEvent::Closed { code } => {
                self.socket = None;
                self.input(Input::Disconnected { code }, merged);
            }
        }
    }

    /// Tells every tab.
    pub(super) fn tell_all(&self, message: FromWorker) -> Result<(), Exception> {
        Tab::tell(&message)?;
        self.worker.tell_others(message)
    }

    pub(super) fn about(&self) -> AboutDevice {
        let keys = match self.vault.identity().map(|identity| identity.home()) {
            Some(Home::Wasm) => KeyHome::Wasm,
            Some(Home::WebCrypto) | None => KeyHome::WebCrypto,
        };
        AboutDevice {
            keys,
            persisted: self.persisted,
            damaged_records: self.damaged,
            lock: self.vault.lock(),
        }
    }
}
