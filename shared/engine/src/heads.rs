//! What is said of logs inside the encryption: heads that the relay has to show.
//!
//! ```text
//!   nothing ── a head beyond what is known ──> claimed ── shown by the relay ──────────────> nothing
//!                                                 │                                             ^
//!                                                 └── any other answer ──> alarm ── shown ──────┘
//! ```
//! A device is believed about its own account's log; while what it claims is not shown, nothing is encrypted to the devices
//! known so far. What a contact says about the own log is one word against the relay's: it warns, and stops nothing.

use chopar_identity::{HeadRelation, LogHead};
use chopar_wire::{AccountId, Timestamp};

use crate::contact::Claim;
use crate::context::Context;
use crate::engine::Engine;
use crate::log_sync::{FETCH_DELAY_MS, WITHHELD_MS};
use crate::view::Alarm;

/// How long a relay may put off with good words (too many requests, going down, no answer at all) to show what was claimed,
/// in milliseconds: longer than any of these takes.
const PATIENCE_MS: u64 = 300_000;

/// What a sender says, inside the encryption, about both logs.
pub(crate) struct Heads {
    pub(crate) theirs: Option<LogHead>,
    pub(crate) ours: Option<LogHead>,
    /// It came in a signal, which the relay can repeat: it may raise something and take nothing back.
    pub(crate) repeatable: bool,
}

impl Engine {
    pub(crate) fn on_heads(&mut self, sender: AccountId, heads: &Heads, cx: &mut Context<'_>) {
        let own = self.own.as_ref().map(|own| own.account);
        if let (Some(head), Some(log)) = (heads.theirs, self.log(&sender)) {
            match log.relation(&head) {
                HeadRelation::Fork => self.raise_alarm(sender, Alarm::LogForked, cx),
                HeadRelation::Ahead => {
                    let delay = cx.below(FETCH_DELAY_MS);
                    self.claim(sender, Claim::new(head, sender, cx.now), cx);
                    self.want_log(sender, cx.now.plus_ms(delay));
                }
                HeadRelation::Same | HeadRelation::Behind => {}
            }
        }
        if own == Some(sender) {
            return;
        }
        if let (Some(head), Some(own)) = (heads.ours, own)
            && let Some(log) = self.log(&own)
        {
            let claim = Claim::new(head, sender, cx.now);
            match log.relation(&head) {
                // They were shown another log of this account than the one kept here.
                HeadRelation::Fork => {
                    self.claim(own, claim, cx);
                    self.raise_alarm(own, Alarm::LogDisputed, cx);
                    self.want_log(own, cx.now);
                }
                HeadRelation::Ahead => {
                    self.claim(own, claim, cx);
                    self.want_log(own, cx.now);
                }
                // A message from before the claim says nothing about it.
                HeadRelation::Same | HeadRelation::Behind => {
                    let known = self.contacts.get(&own).and_then(|c| c.claim);
                    let takes_back =
                        known.is_some_and(|known| known.by == sender && head.length >= known.head.length);
                    if takes_back && !heads.repeatable {
                        self.clear_claim(own, cx);
                    }
                }
            }
        }
    }

    /// Keeps what was claimed until the relay has shown as much; of several the longest.
    fn claim(&mut self, account: AccountId, claim: Claim, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let since = contact.claim.map(|known| known.since);
        if contact
            .claim
            .is_none_or(|known| known.head.length < claim.head.length)
        {
            contact.claim = Some(Claim {
                since: since.unwrap_or(claim.since),
                ..claim
            });
            cx.contacts.insert(account);
        }
    }

    /// The relay has shown all that it wants to show: is it what was claimed inside the encryption?
    pub(crate) fn judge_claim(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get(&account) else {
            return;
        };
        let (Some(claim), Some(log)) = (contact.claim, &contact.log) else {
            return;
        };
        match log.relation(&claim.head) {
            HeadRelation::Same | HeadRelation::Behind => self.clear_claim(account, cx),
            // About somebody's own log their device is to be believed: it signed, or holds what was signed.
            HeadRelation::Fork if !self.is_own(&account) => {
                self.clear_claim(account, cx);
                self.raise_alarm(account, Alarm::LogForked, cx);
            }
            HeadRelation::Fork | HeadRelation::Ahead => self.claim_not_shown(account, cx),
        }
    }

    /// The relay was asked for a log of which more is claimed than is known, and its answer, whatever it was, shows nothing of
    /// it.
    pub(crate) fn claim_not_shown(&mut self, account: AccountId, cx: &mut Context<'_>) {
        if self.contacts.get(&account).is_none_or(|c| c.claim.is_none()) {
            return;
        }
        let alarm = if self.is_own(&account) {
            // One word against another.
            Alarm::LogDisputed
        } else {
            Alarm::LogWithheld
        };
        self.raise_alarm(account, alarm, cx);
        self.want_log(account, cx.now.plus_ms(WITHHELD_MS));
    }

    /// The same, where the relay only put it off: an honest one does not do so for long.
    pub(crate) fn claim_put_off(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let claim = self.contacts.get(&account).and_then(|c| c.claim);
        if claim.is_some_and(|claim| cx.now.ms_since(claim.since) >= PATIENCE_MS) {
            self.claim_not_shown(account, cx);
        }
    }

    /// Whether nothing may be encrypted for a contact until the relay has shown what their device says of their log. Then it
    /// is asked for it, the first time without the delay: what waits here is about to name them anyway.
    pub(crate) fn waits_for_claim(&mut self, account: AccountId, cx: &mut Context<'_>) -> bool {
        if self.is_own(&account) {
            return false;
        }
        let Some(claim) = self.contacts.get_mut(&account).and_then(|c| c.claim.as_mut()) else {
            return false;
        };
        if std::mem::replace(&mut claim.hurried, true) {
            self.need_log(account, cx.now);
        } else {
            self.want_log(account, cx.now);
        }
        true
    }
}

impl Claim {
    const fn new(head: LogHead, by: AccountId, now: Timestamp) -> Self {
        Self {
            head,
            by,
            since: now,
            hurried: false,
        }
    }
}
