//! What came of a secret, said below where it was typed: why it did not open, heard each time, and how long until the next may be tried.

use std::time::Duration;

use chopar_wire::Timestamp;
use leptos::prelude::*;

use super::lock_answer_text;
use crate::i18n::Texts;
use crate::port::LockAnswer;
use crate::state::{now, use_app};

/// For how long nothing is said before the same thing is said again, so that it is heard again: an alert is when it appears.
const PAUSE: Duration = Duration::from_millis(50);

/// How often it is counted down.
const SECOND: Duration = Duration::from_secs(1);

/// Attempts at one lock, one at a time. Clones are handles of the same.
#[derive(Clone)]
pub(crate) struct Attempt {
    texts: Texts,
    busy: ArcRwSignal<bool>,
    problem: ArcRwSignal<Option<&'static str>>,
    /// Seconds until the next.
    wait: ArcRwSignal<u64>,
}

impl Attempt {
    /// None was made yet.
    pub(crate) fn new(texts: Texts) -> Self {
        Self {
            texts,
            busy: ArcRwSignal::new(false),
            problem: ArcRwSignal::new(None),
            wait: ArcRwSignal::new(0),
        }
    }

    /// Begins one; `false` where one is under way, or has to wait.
    #[must_use]
    pub(crate) fn begin(&self) -> bool {
        let open = !self.busy.get_untracked() && self.wait.get_untracked() == 0;
        if open {
            self.problem.set(None);
            self.busy.set(true);
        }
        open
    }

    /// It is over, and all is well.
    pub(crate) fn done(&self) {
        self.busy.set(false);
    }

    /// It is over, for this reason.
    pub(crate) fn failed(&self, why: &'static str) {
        self.busy.set(false);
        self.problem.set(None);
        let problem = self.problem.clone();
        set_timeout(move || problem.set(Some(why)), PAUSE);
    }

    /// It is over, and this came of it.
    pub(crate) fn answered(&self, answer: LockAnswer) {
        if let LockAnswer::Wrong(ms) | LockAnswer::Wait(ms) = answer {
            let seconds = ms.div_ceil(1_000);
            self.wait.set(seconds);
            if seconds > 0 {
                self.count_down(now().plus_ms(ms));
            }
        }
        match lock_answer_text(self.texts, answer) {
            Some(why) => self.failed(why),
            None => self.done(),
        }
    }

    /// Takes back what was said: another way is tried.
    pub(crate) fn forget(&self) {
        self.problem.set(None);
    }

    /// Whether one is under way, tracked.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// Whether none may begin, tracked.
    pub(crate) fn is_closed(&self) -> bool {
        self.busy.get() || self.wait.get() > 0
    }

    /// A second later there is at least a second less: a clock that is set back prolongs nothing on the page.
    fn count_down(&self, until: Timestamp) {
        let later = self.clone();
        let tick = move || {
            let left = until.ms_since(now()).div_ceil(1_000);
            let left = left.min(later.wait.get_untracked().saturating_sub(1));
            later.wait.set(left);
            if left > 0 {
                later.count_down(until);
            }
        };
        set_timeout(tick, SECOND);
    }
}

/// Says it. Only why is an alert; the seconds are read by whoever looks for them, and not said each.
#[component]
pub(crate) fn AttemptSaid(
    /// Of what.
    attempt: Attempt,
) -> impl IntoView {
    let texts = use_app().texts();
    let Attempt { problem, wait, .. } = attempt;
    let seconds = move || {
        let left = wait.get();
        (left > 0).then(|| view! { <p class="hint">{texts.unlock_wait(left)}</p> })
    };
    view! {
        <div role="alert" class="problem-place">
            {move || problem.get().map(|why| view! { <p class="problem">{why}</p> })}
        </div>
        {seconds}
    }
}
