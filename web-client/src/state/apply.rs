//! What each message of the worker changes on the page.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chopar_engine::view::{Line, LineBody, Notice, OwnDevices, Snapshot};
use chopar_engine::{Answer, Event, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{App, Stage, now, own};
use crate::port::{FatalKind, FromWorker};
use crate::view_model::in_words;

/// Loads the page anew. Where it may not do that itself, the person still can.
pub(crate) fn load_anew() {
    let _ = window().location().reload();
}

impl App {
    /// Asks for everything there is; at the start, and when the engine began anew.
    pub(crate) fn refresh(self) {
        spawn_local(async move {
            // Only an engine that has come to an end has no snapshot; if it has not said why, it crashed.
            if let Answer::Snapshot(snapshot) = self.client.ask(Intent::Snapshot).await {
                self.take(*snapshot);
            } else {
                self.heard(FromWorker::Fatal(FatalKind::Crashed));
            }
        });
    }

    /// Takes a message of the worker.
    pub(crate) fn heard(self, message: FromWorker) {
        match message {
            FromWorker::Event(event) => self.apply(*event),
            FromWorker::About(about) => self.about.set(Some(about)),
            FromWorker::Canary(canary) => own::keep_canary(&canary),
            FromWorker::Restarted => {
                self.client.interrupt_lock();
                self.forget_talks();
                self.groups_changed();
                self.refresh();
            }
            FromWorker::Locked { lock, door } => {
                // What another was told comes to nothing.
                if self.door.swap(door, Ordering::Relaxed) != door {
                    self.client.interrupt_lock();
                }
                if matches!(*self.stage.read_untracked(), Stage::Phase(_)) {
                    self.forget_everything();
                } else {
                    self.enter(Stage::Locked(lock));
                }
            }
            FromWorker::LockAnswered { id, answer } => self.client.lock_answered(id, answer),
            FromWorker::FileMoved { file, done, of } => self.files.moved(file, done, of),
            // It is its blob that counts, and that is handed on where it comes.
            FromWorker::FileTaken { .. } => {}
            FromWorker::LockedNow => self.forget_everything(),
            FromWorker::Fatal(kind) => {
                // The first reason is the cause; what fails after it is a consequence.
                if !matches!(*self.stage.read_untracked(), Stage::Fatal(_)) {
                    self.forget(Stage::Fatal(kind));
                }
            }
            FromWorker::Erased => {
                own::forget_canary();
                self.client.give_up();
                // As on a first visit. The address stays: it may be an invite.
                load_anew();
            }
        }
    }

    /// The lock was locked: what the page still has in its memory goes with the page.
    fn forget_everything(self) {
        self.forget(Stage::Starting);
        load_anew();
    }

    /// Nothing of what was shown or said stays, neither on the page nor in its title: no lock reaches a page whose worker has ended.
    fn forget(self, stage: Stage) {
        self.stage.set(stage);
        self.dialog.set(None);
        self.announce(String::new());
        self.chats.forget();
        self.groups.forget();
        self.pictures.forget();
        self.files.forget();
        self.drop_talks();
        self.own_devices.set(OwnDevices::default());
        document().set_title("Chopar");
        self.client.give_up();
    }

    /// Has the vault erased; a person has confirmed it. The page is loaded anew once it is done.
    pub(crate) fn start_over(self) {
        own::forget_canary();
        self.client.start_over();
    }

    fn apply(self, event: Event) {
        match event {
            Event::Answered { id, answer } => self.client.answered(id, answer),
            Event::PhaseChanged(phase) => self.enter(Stage::Phase(phase)),
            Event::ConnectionChanged(connection) => self.connection.set(connection),
            Event::OwnDevicesChanged(devices) => self.own_devices.set(devices),
            Event::ConversationChanged(conversation) => {
                let peer = conversation.peer;
                if self.chats.put(conversation) {
                    self.announce_arrival(peer);
                }
            }
            Event::ConversationGone(peer) => self.chats.remove(peer),
            Event::LinesChanged { conversation, lines } => {
                if lines.iter().any(changes_group) {
                    self.group_changed(conversation);
                }
                if lines.iter().any(|line| matches!(line.body, LineBody::Own { .. })) {
                    self.keep_storage();
                }
                let deleted = lines.iter().filter(|line| is_deleted(line));
                let deleted: Vec<u64> = deleted.map(|line| line.sequence).collect();
                self.files.look_away(conversation, &deleted);
                let other = lines.iter().filter(|line| is_deleted(line) || is_edited(line));
                let other: Vec<u64> = other.map(|line| line.sequence).collect();
                if !other.is_empty() {
                    self.unsaid.set(Some((conversation, other)));
                }
                if let Some(talk) = self.known_talk(conversation) {
                    talk.changed(lines);
                }
            }
            Event::LinesGone { conversation, lines } => {
                self.files.look_away(conversation, &lines);
                self.unsaid.set(Some((conversation, lines.clone())));
                if let Some(talk) = self.known_talk(conversation) {
                    talk.gone(&lines);
                }
            }
            Event::TypingUntil { conversation, until } => {
                let Some(talk) = self.known_talk(conversation) else {
                    return;
                };
                talk.typing(until);
                let left = until.ms_since(now());
                if left > 0 {
                    // When the moment has come the value is set once more, so that whoever shows it looks again.
                    let signal = talk.typing_until();
                    set_timeout(move || signal.notify(), Duration::from_millis(left.min(60_000)));
                }
            }
        }
    }

    /// Asks the browser to keep the storage, once there is something to lose; once for each time the page is loaded.
    fn keep_storage(self) {
        let kept = self
            .about
            .with_untracked(|about| about.as_ref().is_none_or(|about| about.persisted));
        if !kept && !self.asked_to_keep.swap(true, Ordering::Relaxed) {
            spawn_local(async move {
                own::keep_storage().await;
                // The worker looks what the answer was.
                self.client.visible(self.visible.get_untracked());
            });
        }
    }

    fn take(self, snapshot: Snapshot) {
        self.connection.set(snapshot.connection);
        self.preferences.set(snapshot.preferences);
        self.own_devices.set(snapshot.own_devices);
        self.chats.replace(snapshot.conversations);
        self.enter(Stage::Phase(snapshot.phase));
    }

    fn enter(self, stage: Stage) {
        let changed = {
            let now = self.stage.read_untracked();
            !matches!(*now, Stage::Fatal(_)) && *now != stage
        };
        if changed {
            self.stage.set(stage);
        }
    }

    /// A new message of somebody else is said; a changed one is not.
    fn announce_arrival(self, peer: AccountId) {
        let Some(row) = self.chats.row(peer) else { return };
        let (title, text, author) = {
            let row = row.read_untracked();
            match &row.last {
                Some(Line {
                    author,
                    body: LineBody::Theirs { text, extra, .. },
                    ..
                }) if !row.muted => {
                    let said = in_words(self.texts(), text, &extra.files);
                    (row.name.clone(), said, author.filter(|_| row.group))
                }
                _ => return,
            }
        };
        let Some(author) = author else {
            return self.announce(self.texts().talk_arrived(&title, &text));
        };
        spawn_local(async move {
            let who = self.learn_name(author).await.unwrap_or(title);
            // It may have been locked meanwhile.
            if matches!(*self.stage.read_untracked(), Stage::Phase(_)) {
                self.announce(self.texts().talk_arrived(&who, &text));
            }
        });
    }
}

/// Whether its author says something else with a line than at first.
fn is_edited(line: &Line) -> bool {
    match &line.body {
        LineBody::Own { extra, .. } | LineBody::Theirs { extra, .. } => extra.edited,
        LineBody::Notice(_) => false,
    }
}

/// Whether its author took a line back.
fn is_deleted(line: &Line) -> bool {
    match &line.body {
        LineBody::Own { extra, .. } | LineBody::Theirs { extra, .. } => extra.deleted,
        LineBody::Notice(_) => false,
    }
}

/// Whether a line tells that a group is not as it was.
fn changes_group(line: &Line) -> bool {
    matches!(
        line.body,
        LineBody::Notice(Notice::Group { .. } | Notice::GroupWithheld | Notice::GroupForked { .. })
    )
}
