//! Who runs the engine: whoever holds one Web Lock, for as long as its worker lives and runs.
//!
//! A worker that ends gives the lock back by itself. One that is frozen keeps it: so whoever stands in line knocks, the owner
//! answers from its event loop, and after [`PATIENCE`] knocks without an answer the lock is taken by force. The one it was taken
//! from writes nothing any more, because its epoch is not the vault's. Several who knock lose their patience together: each lets a
//! moment of its own pass first, and whoever then goes ahead says so to the others.

use chopar_wire::Timestamp;
use rand_core::Rng;

use super::inbox::{Happening, Inbox};
use crate::platform::Exception;
use crate::platform::clock::{self, Alarm};
use crate::platform::locks::{self, Held, Place};
use crate::platform::random::system_random;

/// The lock of the one owner per browser profile.
const OWNER: &str = "chopar-owner";

/// How often a follower knocks, in milliseconds.
const KNOCK_EVERY_MS: u64 = 100;

/// Knocks without an answer, after which the owner is taken for frozen: 600 ms, so that a hand-over takes less than a second.
/// Counted in knocks and not by the clock: a follower that was frozen itself must not count the time in which it did not knock.
const PATIENCE: u32 = 6;

/// The moment of its own that each lets pass, at most, in milliseconds.
const SPREAD_MS: u64 = 150;

/// How often the patience doubles at most, each time this worker had to take the lock by force: owners that only are slow (a
/// small machine, a large vault) must not take it from each other for ever.
const MAX_DOUBLINGS: u32 = 4;

/// Knocks that were answered, after which an owner counts as sound again: one minute.
const SOUND: u32 = 600;

/// How often this worker had to take the lock by force lately.
#[derive(Default)]
pub(super) struct Temper {
    doublings: u32,
    answered: u32,
}

impl Temper {
    /// The lock was taken by force.
    pub(super) fn stole(&mut self) {
        self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
        self.answered = 0;
    }

    /// A knock was answered.
    pub(super) fn answered(&mut self) {
        self.answered += 1;
        if self.answered >= SOUND {
            *self = Self::default();
        }
    }

    fn patience(&self) -> u32 {
        PATIENCE << self.doublings
    }
}

/// Where a follower stands.
pub(super) struct Line {
    /// Kept for as long as one stands there.
    _place: Place,
    alarm: Alarm,
    /// Knocks that may still go unanswered.
    left: u32,
    /// Whether they are used up, and only the moment of its own passes.
    lingers: bool,
}

/// What the alarm of one who stands in line means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rung {
    /// Knock again.
    Knock,
    /// Wait on.
    Wait,
    /// There were enough knocks: take it.
    Take,
}

/// Takes the lock if it is free. If not, gets in line: the inbox hears of it when it is granted.
pub(super) async fn stand(inbox: &Inbox, temper: &Temper) -> Result<Result<Held, Line>, Exception> {
    if let Some(held) = locks::try_hold(OWNER).await? {
        return Ok(Ok(held));
    }
    let granted = inbox.clone();
    let place = locks::queue(OWNER, move |held| granted.put(Happening::Lock(held)))?;
    let rung = inbox.clone();
    let line = Line {
        _place: place,
        alarm: Alarm::new(move || rung.put(Happening::Knock)),
        left: temper.patience(),
        lingers: false,
    };
    line.arm(KNOCK_EVERY_MS)?;
    Ok(Err(line))
}

/// Takes the lock from an owner that does not answer.
pub(super) async fn take_by_force() -> Result<Held, Exception> {
    locks::steal(OWNER).await
}

impl Line {
    /// The alarm rang.
    pub(super) fn rung(&mut self) -> Result<Rung, Exception> {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.arm(KNOCK_EVERY_MS)?;
            return Ok(Rung::Knock);
        }
        if self.lingers {
            return Ok(Rung::Take);
        }
        self.lingers = true;
        self.arm(u64::from(system_random().next_u32()) % SPREAD_MS)?;
        Ok(Rung::Wait)
    }

    /// The owner runs, and says for how many milliseconds from now it will not answer; or somebody is about to be the owner.
    pub(super) fn answered(&mut self, busy_ms: u32, temper: &mut Temper) {
        temper.answered();
        self.left = temper.patience() + busy_ms / KNOCK_EVERY_MS as u32;
        self.lingers = false;
    }

    fn arm(&self, within_ms: u64) -> Result<(), Exception> {
        let Timestamp(now) = clock::now();
        self.alarm.set(Timestamp(now + within_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_steals_again_and_again_becomes_patient_and_forgets_it_after_a_sound_minute() {
        let mut temper = Temper::default();
        assert_eq!(u64::from(temper.patience()) * KNOCK_EVERY_MS, 600);
        for _ in 0..9 {
            temper.stole();
        }
        assert_eq!(temper.patience(), PATIENCE * 16);
        for _ in 1..SOUND {
            temper.answered();
        }
        assert_eq!(temper.patience(), PATIENCE * 16);
        temper.answered();
        assert_eq!(temper.patience(), PATIENCE);
    }
}
