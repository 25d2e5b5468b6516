//! After what time messages of a conversation disappear, and who says so.

use chopar_wire::proto::content::{self, TimerChange, payload};
use chopar_wire::{AccountId, EnvelopeId, MessageId};

use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::refusals::Refusal;
use crate::seen::SeenId;
use crate::view::Notice;

/// The shortest time after which a message may disappear, in seconds: long enough to be read.
const SHORTEST: u32 = 5;
/// The longest, in seconds: four weeks. What is to stay longer is not meant to disappear.
const LONGEST: u32 = 28 * 24 * 3_600;
/// Changes of a timer that a device may have missed. A number far above would leave nobody one that is higher.
const MISSED: u32 = 1_000;

/// How long new messages stay. Of two, the one with the higher number counts, then the longer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timer {
    pub(crate) number: u32,
    /// 0: for ever.
    pub(crate) seconds: u32,
}

impl Timer {
    /// One that somebody says; `None` where it cannot be.
    pub(crate) fn parse(timer: &content::Timer) -> Option<Self> {
        let seconds = timer.seconds;
        let possible = seconds == 0 || (SHORTEST..=LONGEST).contains(&seconds);
        (possible && timer.number > 0).then_some(Self {
            number: timer.number,
            seconds,
        })
    }

    /// Whether it can follow the one that is known.
    const fn follows(self, known: Self) -> bool {
        self.number <= known.number.saturating_add(MISSED)
    }

    /// As it goes with every message; `None` while nobody ever set one.
    pub(crate) fn wire(self) -> Option<content::Timer> {
        (self.number > 0).then_some(content::Timer {
            seconds: self.seconds,
            number: self.number,
        })
    }
}

impl Engine {
    pub(crate) fn set_timer(
        &mut self,
        asked: u64,
        conversation: AccountId,
        seconds: u32,
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return cx.fail(asked, Failure::NotNow);
        };
        // A group's timer is in its roster.
        if self.groups.of(&conversation).is_some() {
            return cx.fail(asked, Failure::NotAllowed);
        }
        if self.is_blocked(&conversation) {
            return cx.fail(asked, Failure::Blocked);
        }
        let Some(contact) = self.contacts.get(&conversation).filter(|c| c.next_line > 0) else {
            return cx.fail(asked, Failure::NotFound);
        };
        if contact.timer.seconds == seconds {
            return cx.answer(asked, Answer::Done);
        }
        let number = contact.timer.number.saturating_add(1);
        let timer = content::Timer { seconds, number };
        match Timer::parse(&timer) {
            Some(parsed) if parsed > contact.timer => {}
            _ => return cx.fail(asked, Failure::TimerInvalid),
        }
        let id = MessageId::new(cx.random());
        let change = TimerChange {
            id: id.into(),
            timer: Some(timer),
        };
        self.take_timer_change(conversation, own, id, Timer { number, seconds }, cx);
        self.say(conversation, payload::Content::TimerChange(change), None, cx);
        cx.answer(asked, Answer::Done);
    }

    /// The timer under which something is said now; in a group the one of its roster.
    pub(crate) fn timer_of(&self, conversation: &AccountId) -> Timer {
        let group = self.groups.of(conversation).and_then(|id| self.groups.get(&id));
        match group {
            Some(group) => {
                let roster = group.roster.as_ref();
                let seconds = roster.map_or(0, |roster| roster.settings().timer_seconds);
                // Rosters are in order by themselves: their timers are not numbered.
                let number = u32::from(seconds > 0);
                Timer { number, seconds }
            }
            None => self
                .contacts
                .get(conversation)
                .map_or(Timer::default(), |c| c.timer),
        }
    }

    /// Somebody in the conversation, or another own device, set the timer.
    pub(crate) fn on_timer_change(
        &mut self,
        conversation: AccountId,
        by: AccountId,
        envelope: Option<EnvelopeId>,
        change: &TimerChange,
        cx: &mut Context<'_>,
    ) {
        let id = MessageId::try_from(change.id.as_ref()).ok();
        let timer = change.timer.as_ref().and_then(Timer::parse);
        let known = self.timer_of(&conversation);
        let timer = timer.filter(|timer| timer.follows(known));
        let (Some(id), Some(timer)) = (id, timer) else {
            return self.refusals.note(Refusal::TimerRefused);
        };
        if let Some(envelope) = &envelope {
            self.seen.insert(SeenId::envelope(envelope));
        }
        let unshown = self.seen.contains(&SeenId::unshown(&by, &id));
        // What was taken is known; unless the conversation was forgotten since.
        let taken = self.seen.contains(&SeenId::message(&by, &id)) && timer <= known;
        if !unshown && !taken {
            self.begin_conversation(conversation, cx);
            self.take_timer_change(conversation, by, id, timer, cx);
        }
        if envelope.is_some() {
            self.owe(by, envelope, None, cx);
        }
    }

    /// Each change is said once, whether it counts or a later one does, and whether it or a text under it came first.
    fn take_timer_change(
        &mut self,
        conversation: AccountId,
        by: AccountId,
        id: MessageId,
        timer: Timer,
        cx: &mut Context<'_>,
    ) {
        self.seen.insert(SeenId::message(&by, &id));
        if timer != self.timer_of(&conversation) {
            self.say_timer(conversation, by, timer, cx);
        }
    }

    /// The timer a message came with: a device that was not told of a change learns it so, and says it.
    pub(crate) fn timer_said(
        &mut self,
        conversation: AccountId,
        by: AccountId,
        timer: Timer,
        cx: &mut Context<'_>,
    ) {
        let known = self.timer_of(&conversation);
        if !timer.follows(known) {
            return self.refusals.note(Refusal::TimerRefused);
        }
        if timer > known {
            self.say_timer(conversation, by, timer, cx);
        }
    }

    /// Says that somebody set a timer. It counts unless one is known that is greater.
    fn say_timer(&mut self, conversation: AccountId, by: AccountId, timer: Timer, cx: &mut Context<'_>) {
        let contact = self.contacts.get_mut(&conversation);
        if let Some(contact) = contact.filter(|contact| timer > contact.timer) {
            contact.timer = timer;
            cx.touch(conversation);
        }
        let seconds = timer.seconds;
        self.add_notice(conversation, &Notice::TimerChanged { by, seconds }, cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-167.
    #[test]
    fn only_sensible_times_are_taken() {
        let parse = |seconds, number| Timer::parse(&content::Timer { seconds, number });
        for seconds in [0, SHORTEST, 3_600, LONGEST] {
            assert!(parse(seconds, 1).is_some());
            assert!(parse(seconds, 0).is_none(), "nobody set it");
        }
        for seconds in [1, SHORTEST - 1, LONGEST + 1, u32::MAX] {
            assert!(parse(seconds, 1).is_none(), "{seconds}");
        }
        assert!(parse(0, 2) > parse(LONGEST, 1) && parse(60, 2) > parse(5, 2));
        let known = Timer {
            number: 7,
            seconds: 0,
        };
        let after = |number| Timer { number, seconds: 5 }.follows(known);
        assert!(after(7 + MISSED) && !after(8 + MISSED) && !after(u32::MAX));
    }
}
