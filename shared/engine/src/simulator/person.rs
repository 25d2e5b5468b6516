//! One person's browser: an engine, its vault, its keys, and what was told.

use std::collections::{BTreeMap, VecDeque};

use chopar_wire::{AccountId, FileId, MessageId, Timestamp};
use rand_chacha::ChaCha8Rng;

use super::keys::SoftwareKeys;
use super::vault::Vault;
use crate::effect::{FileHome, Record};
use crate::engine::Engine;
use crate::event::{Answer, Event};
use crate::intent::Intent;
use crate::records::Stored;
use crate::records::line::{DeliveryRecord, LineContent, LineRecord};
use crate::refusals::Refusal;
use crate::view::{Conversation, Notice, Phase};

/// A person in the world.
pub struct Person {
    /// The vault, as it is committed.
    pub vault: Vault,
    /// `None` while crashed.
    pub engine: Option<Engine>,
    /// Answers by the intent's id, as they came.
    pub answers: BTreeMap<u64, Answer>,
    /// Rows of the list, as last told.
    pub rows: BTreeMap<AccountId, Conversation>,
    /// Everything told that is no answer, newest last; bounded.
    pub told: VecDeque<Event>,
    /// The phase as last told.
    pub phase: Option<Phase>,
    /// Envelopes put away unread, by reason, over all lives of the engine but the present one.
    pub refusals: BTreeMap<Refusal, u64>,
    /// Sealed files that the host keeps. They outlive the engine.
    pub sealed: BTreeMap<FileId, Vec<u8>>,
    /// Files that were fetched, as far as they came, and whether that is all. They outlive it as well.
    pub fetched: BTreeMap<FileHome, (Vec<u8>, bool)>,
    /// Whether the host has room for no more bytes of files.
    pub disk_full: bool,
    /// What the host says at the next start about its vault, see [`crate::Input::Opened`].
    pub rolled_back: bool,
    pub(super) keys: Option<SoftwareKeys>,
    pub(super) rng: ChaCha8Rng,
    /// Rises with every start: what was meant for an engine before is dropped.
    pub(super) epoch: u64,
    pub(super) connection: Option<u64>,
    pub(super) wake: Option<Timestamp>,
    /// Intents whose answer has not come: a tab asks them again after a restart.
    pub(super) unanswered: VecDeque<(u64, Intent)>,
}

/// Events kept in [`Person::told`].
const TOLD: usize = 256;

impl Person {
    pub(super) fn new(rng: ChaCha8Rng) -> Self {
        Self {
            vault: Vault::default(),
            engine: None,
            answers: BTreeMap::new(),
            rows: BTreeMap::new(),
            told: VecDeque::new(),
            phase: None,
            refusals: BTreeMap::new(),
            sealed: BTreeMap::new(),
            fetched: BTreeMap::new(),
            disk_full: false,
            rolled_back: false,
            keys: None,
            rng,
            epoch: 0,
            connection: None,
            wake: None,
            unanswered: VecDeque::new(),
        }
    }

    /// The account, once there is one.
    pub fn account(&self) -> Option<AccountId> {
        let engine = self.engine.as_ref()?;
        engine.own.as_ref().map(|own| own.account)
    }

    /// Their messages in one conversation as the vault has them, in order.
    pub fn theirs(&self, peer: &AccountId) -> Vec<(MessageId, String)> {
        self.vault.theirs(peer)
    }

    /// Own messages in one conversation as the vault has them, with the number of their state (3 is read).
    pub fn own_states(&self, peer: &AccountId) -> Vec<(String, u32)> {
        let records = self.vault.page(peer.as_bytes(), None, usize::MAX);
        let states: BTreeMap<u64, u32> = records
            .iter()
            .filter(|r| r.key.kind == crate::Kind::Delivery)
            .map(|r| (r.key.sequence, DeliveryRecord::read(&r.value).unwrap().state))
            .collect();
        let lines = records.iter().filter(|r| r.key.kind == crate::Kind::Line);
        lines
            .filter_map(|r| match LineRecord::read(&r.value).unwrap().content? {
                LineContent::Own(text) => Some((text.text, states[&r.key.sequence])),
                _ => None,
            })
            .collect()
    }

    /// Others' messages in a group's conversation as the vault has them, in order, with whose they are.
    pub fn said_by_others(&self, conversation: &AccountId) -> Vec<(AccountId, String)> {
        let lines = self.vault.page(conversation.as_bytes(), None, usize::MAX);
        let lines = lines.iter().filter(|r| r.key.kind == crate::Kind::Line);
        lines
            .filter_map(|r| match LineRecord::read(&r.value).unwrap().content? {
                LineContent::Theirs(text) => {
                    Some((AccountId::try_from(text.author.as_slice()).unwrap(), text.text))
                }
                _ => None,
            })
            .collect()
    }

    /// How often a line of any conversation says this.
    pub fn told_in_lines(&self, notice: &Notice) -> usize {
        let content = crate::line::notice(notice, Timestamp(0)).content;
        let lines = self.vault.select(|key| key.kind == crate::Kind::Line);
        let says = |record: &&Record| LineRecord::read(&record.value).unwrap().content == content;
        lines.iter().filter(says).count()
    }

    /// Envelopes put away unread, by reason, over all lives of the engine. None of them where a relay keeps to the contract.
    pub fn all_refusals(&self) -> BTreeMap<Refusal, u64> {
        let mut all = self.refusals.clone();
        if let Some(engine) = &self.engine {
            add(&mut all, engine);
        }
        all
    }

    /// The engine's life is over: what it counted is added up.
    pub(super) fn end_life(&mut self) {
        if let Some(engine) = self.engine.take() {
            add(&mut self.refusals, &engine);
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        match event {
            Event::Answered { id, answer } => {
                self.unanswered.retain(|(open, _)| *open != id);
                self.answers.insert(id, answer);
            }
            other => {
                match &other {
                    Event::ConversationChanged(row) => {
                        self.rows.insert(row.peer, row.clone());
                    }
                    Event::ConversationGone(peer) => {
                        self.rows.remove(peer);
                    }
                    Event::PhaseChanged(phase) => self.phase = Some(phase.clone()),
                    _ => {}
                }
                self.told.push_back(other);
                if self.told.len() > TOLD {
                    self.told.pop_front();
                }
            }
        }
    }
}

/// Adds up what an engine put away.
fn add(all: &mut BTreeMap<Refusal, u64>, engine: &Engine) {
    for (refusal, count) in engine.refusals.all() {
        *all.entry(*refusal).or_default() += count;
    }
}
