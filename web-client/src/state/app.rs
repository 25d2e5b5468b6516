//! The one object every component reaches: all state of the page, copied as a reference.

use chopar_engine::Map;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use chopar_engine::view::{ConnectionState, Me, OwnDevices, Phase, Preferences, Role, Stopped};
use chopar_wire::{AccountId, Timestamp};
use leptos::prelude::*;

use super::address::Address;
use super::pictures::Pictures;
use super::{Chats, Client, Clock, Composing, Files, Groups, Opening, Talk, Theme, minutes_ahead, now};
use crate::i18n::{Language, Texts};
use crate::port::{AboutDevice, FatalKind, Lock};
use crate::view_model::Day;

/// Conversations whose lines are kept: switching between a handful is instant, memory stays bounded.
const KEPT_TALKS: usize = 12;

/// All state of the page. A reference that is never freed: there is one, for as long as the page lives.
#[derive(Clone, Copy)]
pub(crate) struct App(&'static State);

impl App {
    /// The state itself, for what lives as long as the page.
    pub(crate) const fn state(self) -> &'static State {
        self.0
    }
}

impl Deref for App {
    type Target = State;

    fn deref(&self) -> &State {
        self.0
    }
}

/// What [`App`] refers to.
pub(crate) struct State {
    /// The way to the engine.
    pub(crate) client: Client,
    /// What is on the stage.
    pub(crate) stage: ArcRwSignal<Stage>,
    /// Where the person is.
    pub(crate) address: Address,
    /// The connection to the relay.
    pub(crate) connection: ArcRwSignal<ConnectionState>,
    /// What there is to know about the own devices.
    pub(crate) own_devices: ArcRwSignal<OwnDevices>,
    /// What is shared with others.
    pub(crate) preferences: ArcRwSignal<Preferences>,
    /// Facts about this browser, once known.
    pub(crate) about: ArcRwSignal<Option<AboutDevice>>,
    /// The list of conversations.
    pub(crate) chats: Chats,
    /// The groups that are shown.
    pub(crate) groups: Groups,
    /// The pictures of groups.
    pub(crate) pictures: Pictures,
    /// Files on their way.
    pub(crate) files: Files,
    /// The dialog that is open.
    pub(crate) dialog: ArcRwSignal<Option<Dialog>>,
    /// What a screen reader is told next.
    pub(crate) announcement: ArcRwSignal<String>,
    /// Lines of a conversation that say something else since just now, or nothing any more.
    pub(crate) unsaid: ArcRwSignal<Option<(AccountId, Vec<u64>)>>,
    /// Whether somebody is looking at this tab.
    pub(crate) visible: ArcRwSignal<bool>,
    /// The day it is, for "Today".
    pub(crate) today: ArcRwSignal<Day>,
    /// The language; the page is built anew when it changes.
    pub(crate) language: ArcRwSignal<Language>,
    /// Light, dark, or the system's.
    pub(crate) theme: ArcRwSignal<Theme>,
    /// Whether the browser was asked to keep the storage.
    pub(super) asked_to_keep: AtomicBool,
    /// Who asks for a secret, see [`crate::port::FromWorker::Locked`].
    pub(super) door: AtomicU64,
    talks: Mutex<Map<AccountId, Arc<Talk>>>,
}

/// What the page shows as a whole.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The engine has not said yet.
    Starting,
    /// The engine said where onboarding stands.
    Phase(Phase),
    /// The vault has a lock.
    Locked(Lock),
    /// Nothing can go on.
    Fatal(FatalKind),
}

/// A dialog over the conversations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// "New chat".
    Find,
    /// "New group".
    Group,
    /// Ctrl/Cmd+K.
    Switch,
    /// Ctrl+/.
    Keys,
    /// To a day of a conversation; the day of this moment stands there first.
    Date(AccountId, Timestamp),
    /// Whether everything here is to be erased.
    StartOver,
}

/// The state of the page, inside components.
pub(crate) fn use_app() -> App {
    expect_context::<App>()
}

impl App {
    /// Makes the state around a client; once per page.
    pub(crate) fn new(client: Client, language: Language, theme: Theme) -> Self {
        let now = now();
        Self(Box::leak(Box::new(State {
            client,
            stage: ArcRwSignal::new(Stage::Starting),
            address: Address::default(),
            connection: ArcRwSignal::new(ConnectionState::Connecting),
            own_devices: ArcRwSignal::new(OwnDevices::default()),
            preferences: ArcRwSignal::new(Preferences {
                receipts: true,
                typing: true,
            }),
            about: ArcRwSignal::new(None),
            chats: Chats::default(),
            groups: Groups::default(),
            pictures: Pictures::default(),
            files: Files::default(),
            dialog: ArcRwSignal::new(None),
            announcement: ArcRwSignal::new(String::new()),
            unsaid: ArcRwSignal::new(None),
            visible: ArcRwSignal::new(true),
            today: ArcRwSignal::new(Day::of(now, minutes_ahead(now))),
            language: ArcRwSignal::new(language),
            theme: ArcRwSignal::new(theme),
            asked_to_keep: AtomicBool::new(false),
            door: AtomicU64::new(0),
            talks: Mutex::default(),
        })))
    }
}

impl State {
    /// The texts of the language the page is built in. Not tracked: a change builds the page anew.
    pub(crate) fn texts(&self) -> Texts {
        Texts(self.language.get_untracked())
    }

    /// Dates and times in that language.
    pub(crate) fn clock(&self) -> Clock {
        Clock(self.texts())
    }

    /// The own account, tracked; `None` before there is one.
    pub(crate) fn me(&self) -> Option<Me> {
        match &*self.stage.read() {
            Stage::Phase(Phase::Ready(me) | Phase::Revoked(me)) => Some(me.clone()),
            _ => None,
        }
    }

    /// The own account's id, not tracked: it does not change while the page lives.
    pub(crate) fn my_account(&self) -> Option<AccountId> {
        match &*self.stage.read_untracked() {
            Stage::Phase(Phase::Ready(me) | Phase::Revoked(me)) => Some(me.account),
            _ => None,
        }
    }

    /// Whether this account administers, tracked.
    pub(crate) fn is_owner(&self) -> bool {
        self.me().is_some_and(|me| me.role == Role::Owner)
    }

    /// Whether this device was revoked, tracked.
    pub(crate) fn is_revoked(&self) -> bool {
        matches!(&*self.stage.read(), Stage::Phase(Phase::Revoked(_)))
    }

    /// Why nothing comes and goes, tracked; a revocation outlives the connection that told of it.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        if self.is_revoked() {
            return Some(Stopped::Revoked);
        }
        match self.connection.get() {
            ConnectionState::Offline { stopped, .. } => stopped,
            _ => None,
        }
    }

    /// Whether this browser's account may be of no use any more, so that starting over is offered, tracked.
    pub(crate) fn may_start_over(&self) -> bool {
        matches!(self.stopped(), Some(Stopped::Unknown | Stopped::Revoked))
    }

    /// The lines of a conversation, kept from before or empty.
    pub(crate) fn talk(&self, peer: AccountId) -> Arc<Talk> {
        let mut talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
        if talks.len() >= KEPT_TALKS && !talks.contains_key(&peer) {
            // Of those that nobody needs any more one goes.
            let closed = talks
                .iter()
                .find(|(_, talk)| !is_in_use(talk))
                .map(|(peer, _)| *peer);
            if let Some(closed) = closed {
                talks.remove(&closed);
            }
        }
        Arc::clone(talks.entry(peer).or_insert_with(|| Arc::new(Talk::new(peer))))
    }

    /// The lines of a conversation, if they are kept.
    pub(crate) fn known_talk(&self, peer: AccountId) -> Option<Arc<Talk>> {
        self.talks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&peer)
            .cloned()
    }

    /// Forgets all lines: the engine began anew. Open conversations ask again.
    pub(crate) fn forget_talks(&self) {
        let talks: Vec<Arc<Talk>> = {
            let mut talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
            talks.retain(|_, talk| is_in_use(talk));
            talks.values().cloned().collect()
        };
        for talk in talks {
            talk.forget(Opening::Reading);
        }
    }

    /// Forgets every conversation and what was being written in it: the lock was locked.
    pub(super) fn drop_talks(&self) {
        let talks = std::mem::take(&mut *self.talks.lock().unwrap_or_else(PoisonError::into_inner));
        for talk in talks.into_values() {
            talk.forget(Opening::Reading);
            talk.composing().set(Composing::New);
            talk.attachments().forget();
            // Of what is no edit any more nothing is kept.
            talk.leave_edit(String::new());
        }
    }

    /// Has a screen reader say something, politely.
    pub(crate) fn announce(&self, text: String) {
        self.announcement.set(text);
    }
}

/// Whether a conversation is open, and so holds its Arc, or was left in the middle of an answer or an edit.
fn is_in_use(talk: &Arc<Talk>) -> bool {
    Arc::strong_count(talk) > 1 || talk.is_composing()
}
