//! The voice message that is listened to: one at a time, for as long as its line is shown.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chopar_wire::{AccountId, FileMark};
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::{Files, Spot};
use crate::platform::sound::Sound;
use crate::view_model::Speed;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It was asked for.
    Comes,
    /// It plays, or rests.
    Here,
    /// What came is another kind of file than the message says. It was not decoded.
    NotAsSaid,
    /// The browser cannot play it.
    Unplayable,
}

/// A voice message that somebody wanted to hear.
pub(crate) struct Listening {
    place: (AccountId, u64, FileMark),
    /// In how many places it is drawn: a line that changes is drawn anew.
    rows: AtomicUsize,
    sound: ArcRwSignal<Option<SendWrapper<Rc<Sound>>>>,
    /// How far it is.
    pub(crate) heard: ArcRwSignal<Heard>,
    /// Whether it plays.
    pub(crate) plays: ArcRwSignal<bool>,
    /// Where it is, in milliseconds.
    pub(crate) at_ms: ArcRwSignal<u32>,
    /// How long it lasts, in milliseconds: what the message says, then what the browser has found, if it has.
    pub(crate) length_ms: ArcRwSignal<u32>,
}

impl Files {
    /// The one that is listened to, if it is this. Tracked.
    pub(crate) fn listening_to(&self, spot: &Spot) -> Option<Arc<Listening>> {
        self.listening.get().filter(|one| one.place == place(spot))
    }

    /// From now on this one is; the one before ends. The line that asks for it shows it.
    pub(crate) fn listen_to(&self, spot: &Spot) -> Arc<Listening> {
        let one = Arc::new(Listening {
            place: place(spot),
            rows: AtomicUsize::new(1),
            sound: ArcRwSignal::new(None),
            heard: ArcRwSignal::new(Heard::Comes),
            plays: ArcRwSignal::new(false),
            at_ms: ArcRwSignal::new(0),
            length_ms: ArcRwSignal::new(spot.file.duration_ms),
        });
        self.silence();
        self.listening.set(Some(Arc::clone(&one)));
        one
    }

    /// Nothing is heard for now.
    pub(crate) fn hush(&self) {
        if let Some(one) = self.listening.get_untracked() {
            one.rest();
        }
    }

    /// Nothing is listened to any more.
    pub(crate) fn silence(&self) {
        if let Some(one) = self.listening.get_untracked() {
            one.rest();
            one.sound.set(None);
            self.listening.set(None);
        }
    }

    /// This one is not listened to any more; another one may be.
    pub(crate) fn give_up(&self, one: &Arc<Listening>) {
        if self.is_listening(one) {
            self.silence();
        }
    }

    /// Whether it still is this very one.
    fn is_listening(&self, one: &Arc<Listening>) -> bool {
        let now = self.listening.read_untracked();
        now.as_ref().is_some_and(|now| Arc::ptr_eq(now, one))
    }

    /// A line that shows this is drawn.
    pub(crate) fn row_drawn(&self, spot: &Spot) {
        if let Some(one) = untrack(|| self.listening_to(spot)) {
            one.rows.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A line that shows this goes. Unless it is drawn anew at once, nobody could stop what plays.
    pub(crate) fn row_gone(&'static self, spot: &Spot) {
        let Some(one) = untrack(|| self.listening_to(spot)) else {
            return;
        };
        if one.rows.fetch_sub(1, Ordering::Relaxed) == 1 {
            let look_again = move || {
                if one.rows.load(Ordering::Relaxed) == 0 {
                    self.give_up(&one);
                }
            };
            set_timeout(look_again, Duration::ZERO);
        }
    }
}

fn place(spot: &Spot) -> (AccountId, u64, FileMark) {
    (spot.peer, spot.line, spot.file.mark)
}

impl Listening {
    /// It is here: it plays, unless another one was wanted meanwhile.
    pub(crate) async fn begin(self: &Arc<Self>, files: &Files, mut sound: Sound) {
        if !files.is_listening(self) {
            return;
        }
        // Held by the sound, which is held by this.
        let listener = Arc::downgrade(self);
        sound.listen(move || {
            if let Some(one) = listener.upgrade() {
                one.follow();
            }
        });
        sound.set_rate(files.speed.get_untracked().rate());
        if let Some(length) = sound.length_ms() {
            self.length_ms.set(length);
        }
        self.sound.set(Some(SendWrapper::new(Rc::new(sound))));
        self.heard.set(Heard::Here);
        self.play().await;
    }

    /// Plays on. Where the browser wants one more press it rests.
    pub(crate) async fn play(&self) {
        if let Some(sound) = self.sound()
            && let Err(why) = sound.play().await
            // Stopped, or not allowed without a press: the button says "Play".
            && !why.is("AbortError")
            && !why.is("NotAllowedError")
        {
            self.heard.set(Heard::Unplayable);
        }
    }

    /// Rests.
    pub(crate) fn rest(&self) {
        if let Some(sound) = self.sound() {
            sound.rest();
        }
    }

    /// Goes to a place, at most its end.
    pub(crate) fn go_to(&self, ms: u32) {
        if let Some(sound) = self.sound() {
            let ms = ms.min(self.length_ms.get_untracked());
            sound.go_to(ms);
            self.at_ms.set(ms);
        }
    }

    /// Plays at this speed.
    pub(crate) fn set_speed(&self, speed: Speed) {
        if let Some(sound) = self.sound() {
            sound.set_rate(speed.rate());
        }
    }

    /// What the browser says of it now.
    fn follow(&self) {
        let Some(sound) = self.sound() else { return };
        self.plays.set(sound.plays());
        self.at_ms.set(sound.at_ms());
    }

    fn sound(&self) -> Option<Rc<Sound>> {
        let sound = self.sound.read_untracked();
        sound.as_ref().map(|sound| Rc::clone(sound))
    }
}
