//! Account logs of others and the own one: fetching, verifying, pinning, and what a change of them means.
//!
//! Whatever brings entries (an answer, a mismatch, a sealed envelope) goes through [`Engine::take_entries`]: the chain is
//! verified whole, what is known stays pinned, and a fork, a rollback or a forged entry is an alarm by name.

use std::collections::BTreeMap;

use chopar_identity::{AccountLog, Change, HeadRelation, LogChange, LogError, LogHead};
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{FetchLog, Log};
use chopar_wire::{AccountId, Timestamp};

use crate::contact::Claim;
use crate::context::Context;
use crate::engine::Engine;
use crate::requests::What;
use crate::view::{Alarm, Held, Notice, Trust};

/// A fetch that a message caused waits for a random part of this, in milliseconds, so that its moment does not name the sender.
pub(crate) const FETCH_DELAY_MS: u64 = 60_000;
/// A fetch that did not help is repeated after this, in milliseconds.
const RETRY_MS: u64 = 30_000;

/// Entries that are withheld are asked for again after this, in milliseconds. So is the own log after something forged.
const WITHHELD_MS: u64 = 120_000;
/// An account that the relay does not know is asked for again after this, in milliseconds.
const GONE_MS: u64 = 600_000;

/// Logs to be fetched, by account, and when.
pub(crate) type LogsWanted = BTreeMap<AccountId, Timestamp>;

impl Engine {
    /// Wants the log by `due`; an earlier wish stands.
    pub(crate) fn want_log(&mut self, account: AccountId, due: Timestamp) {
        let wanted = self.logs_wanted.entry(account).or_insert(due);
        *wanted = (*wanted).min(due);
    }

    /// Nothing can go on without this log: now, unless it is asked for or a failed fetch waits.
    pub(crate) fn need_log(&mut self, account: AccountId, now: Timestamp) {
        if !self.is_log_asked(&account) {
            self.logs_wanted.entry(account).or_insert(now);
        }
    }

    fn is_log_asked(&self, account: &AccountId) -> bool {
        self.requests
            .is_open(|w| matches!(w, What::FetchLog { account: a, .. } if a == account))
    }

    pub(crate) fn pump_logs(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in() {
            return;
        }
        let due: Vec<AccountId> = self
            .logs_wanted
            .iter()
            .filter(|(_, due)| **due <= cx.now)
            .map(|(account, _)| *account)
            .collect();
        for account in due {
            if self.is_log_asked(&account) {
                continue;
            }
            let contact = self.contacts.get(&account);
            // With an alarm the whole chain is wanted: a resolved fork is another chain.
            let known = contact.filter(|c| c.alarm.is_none()).and_then(|c| c.log.as_ref());
            let from = known.map_or(0, AccountLog::length);
            self.logs_wanted.remove(&account);
            let body = Body::FetchLog(FetchLog {
                account: account.into(),
                from,
            });
            self.requests.send(cx, What::FetchLog { account, from }, body);
        }
    }

    /// The next fetch that waits for its moment only, not for an answer.
    pub(crate) fn logs_due(&self) -> Option<Timestamp> {
        self.logs_wanted
            .iter()
            .filter(|(account, _)| !self.is_log_asked(account))
            .map(|(_, due)| *due)
            .min()
    }

    pub(crate) fn on_log(&mut self, account: AccountId, from: u32, log: &Log, cx: &mut Context<'_>) {
        let Some(head) = log.head.as_ref().and_then(|head| LogHead::try_from(head).ok()) else {
            return self.want_log(account, cx.now.plus_ms(RETRY_MS));
        };
        if self
            .log(&account)
            .is_some_and(|known| head.length < known.length())
        {
            return self.raise_alarm(account, Alarm::LogRolledBack, cx);
        }
        self.take_entries(account, from, &log.entries, cx);
        if let Some(known) = self.log(&account) {
            match known.relation(&head) {
                HeadRelation::Fork => self.raise_alarm(account, Alarm::LogForked, cx),
                HeadRelation::Ahead => self.want_log(account, cx.now.plus_ms(RETRY_MS)),
                HeadRelation::Same => {
                    self.clear_forged_log(account, cx);
                    self.judge_claim(account, cx);
                }
                HeadRelation::Behind => self.judge_claim(account, cx),
            }
        }
        self.release_parked(&account);
    }

    /// The relay has shown all that it wants to show: is it what was claimed inside the encryption?
    fn judge_claim(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let own = self.is_own(&account);
        let Some(contact) = self.contacts.get(&account) else {
            return;
        };
        let (Some(claim), Some(log)) = (contact.claim, &contact.log) else {
            return;
        };
        match log.relation(&claim.head) {
            HeadRelation::Same | HeadRelation::Behind => self.clear_claim(account, cx),
            // About somebody's own log their device is to be believed: it signed, or holds what was signed.
            HeadRelation::Fork if !own => {
                self.clear_claim(account, cx);
                self.raise_alarm(account, Alarm::LogForked, cx);
            }
            HeadRelation::Ahead if !own => {
                self.raise_alarm(account, Alarm::LogWithheld, cx);
                self.want_log(account, cx.now.plus_ms(WITHHELD_MS));
            }
            // About the own log it is one word against another.
            HeadRelation::Fork | HeadRelation::Ahead => {
                self.raise_alarm(account, Alarm::LogDisputed, cx);
                self.want_log(account, cx.now.plus_ms(WITHHELD_MS));
            }
        }
    }

    /// Keeps what was claimed until the relay has shown as much; of several the longest.
    fn claim(&mut self, account: AccountId, claim: Claim, cx: &mut Context<'_>) {
        if let Some(contact) = self.contacts.get_mut(&account)
            && contact
                .claim
                .is_none_or(|known| known.head.length < claim.head.length)
        {
            contact.claim = Some(claim);
            cx.contacts.insert(account);
        }
    }

    /// No such account, or no answer that could be used.
    pub(crate) fn on_log_failed(&mut self, account: AccountId, gone: bool, cx: &mut Context<'_>) {
        if gone {
            self.discard_parked(&account);
            self.want_log(account, cx.now.plus_ms(GONE_MS));
            self.unreachable(account, Some(Held::NoSuchAccount), cx);
        } else {
            self.want_log(account, cx.now.plus_ms(RETRY_MS));
        }
    }

    /// Verifies and pins entries from position `from` on. Returns whether the log is now at least as long as they say and free
    /// of contradiction.
    pub(crate) fn take_entries(
        &mut self,
        account: AccountId,
        from: u32,
        entries: &[Entry],
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return false;
        };
        let result = match &mut contact.log {
            Some(log) => match log.extend(entries) {
                Err(fork @ LogError::Fork { .. }) if from == 0 => log.resolve(entries).map_err(|_| fork),
                other => other,
            },
            None => AccountLog::verify(&account, entries).map(|log| {
                contact.log = Some(log);
                Vec::new()
            }),
        };
        match result {
            Ok(changes) => {
                // A log says who is there, and nothing about what the relay takes.
                contact.unreachable = contact
                    .unreachable
                    .filter(|held| matches!(held, Held::QueueFull | Held::RelayStorage | Held::Refused));
                contact.save_log(cx);
                self.log_changed(account, &changes, cx);
                self.refresh_held(account, cx);
                self.groups_go_on(cx);
                true
            }
            Err(LogError::Fork { .. }) => {
                self.raise_alarm(account, Alarm::LogForked, cx);
                false
            }
            Err(LogError::Gap { .. }) => {
                self.want_log(account, cx.now.plus_ms(RETRY_MS));
                false
            }
            Err(_) => {
                self.raise_alarm(account, Alarm::LogForged, cx);
                // Of others it is asked when there is something to send.
                if self.is_own(&account) {
                    self.want_log(account, cx.now.plus_ms(WITHHELD_MS));
                }
                false
            }
        }
    }

    fn log_changed(&mut self, account: AccountId, changes: &[LogChange], cx: &mut Context<'_>) {
        for change in changes {
            match &change.change {
                Change::DeviceAdded(device) => {
                    let (id, name) = (device.id, device.name.as_str().to_owned());
                    self.conversation_notice(account, &Notice::DeviceAdded { name }, cx);
                    if self.is_own(&account) {
                        self.own_device_added(id, cx);
                    }
                }
                Change::DeviceRevoked(device) => {
                    let name = device.name.as_str().to_owned();
                    self.conversation_notice(account, &Notice::DeviceRevoked { name }, cx);
                }
                Change::AccountKeyReplaced { .. } => {
                    if let Some(contact) = self
                        .contacts
                        .get_mut(&account)
                        .filter(|c| c.trust == Trust::Verified)
                    {
                        contact.trust = Trust::Changed;
                    }
                    self.conversation_notice(account, &Notice::SafetyNumberChanged, cx);
                    cx.touch(account);
                }
                Change::ForkResolved => {
                    // Claims of before may name the branch that went.
                    self.clear_claim(account, cx);
                    self.clear_alarm(account, cx);
                }
                _ => {}
            }
        }
        if !changes.is_empty() {
            self.forget_inactive(account, cx);
        }
    }

    /// What is not active in the log gets nothing and is not listened to, however it came to be inactive (a resolved fork
    /// removes devices without saying so).
    fn forget_inactive(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let Some(log) = self.contacts.get(&account).and_then(|c| c.log.as_ref()) else {
            return;
        };
        for key in self
            .sessions
            .of_account(&account, |device| log.device(device).is_none())
        {
            self.sessions.remove(key, cx);
        }
        if self.is_own(&account) {
            self.forget_new_devices(cx);
        }
        let Some(log) = self.log(&account) else { return };
        let own = self.own.as_ref().filter(|own| own.account == account);
        let shut_out = own.is_some_and(|own| log.device(&own.device).is_none());
        self.drop_inactive_targets(account, cx);
        if shut_out {
            self.own_device_revoked(cx);
        }
    }

    /// A notice where there is a conversation to put it into.
    pub(crate) fn conversation_notice(&mut self, account: AccountId, notice: &Notice, cx: &mut Context<'_>) {
        if self.contacts.get(&account).is_some_and(|c| c.next_line > 0) {
            self.add_notice(account, notice, cx);
        }
    }

    /// What a sender says, inside the encryption, about both logs.
    pub(crate) fn on_heads(
        &mut self,
        sender: AccountId,
        theirs: Option<LogHead>,
        ours: Option<LogHead>,
        cx: &mut Context<'_>,
    ) {
        let own = self.own.as_ref().map(|own| own.account);
        if let (Some(head), Some(log)) = (theirs, self.log(&sender)) {
            match log.relation(&head) {
                HeadRelation::Fork => self.raise_alarm(sender, Alarm::LogForked, cx),
                HeadRelation::Ahead => {
                    let delay = cx.below(FETCH_DELAY_MS);
                    self.claim(sender, Claim { head, by: sender }, cx);
                    self.want_log(sender, cx.now.plus_ms(delay));
                }
                HeadRelation::Same | HeadRelation::Behind => {}
            }
        }
        if own == Some(sender) {
            return;
        }
        if let (Some(head), Some(own)) = (ours, own)
            && let Some(log) = self.log(&own)
        {
            let claim = Claim { head, by: sender };
            match log.relation(&head) {
                // They were shown another log of this account than the one kept here.
                HeadRelation::Fork => {
                    self.raise_alarm(sender, Alarm::LogForked, cx);
                    self.claim(own, claim, cx);
                    self.raise_alarm(own, Alarm::LogDisputed, cx);
                    self.want_log(own, cx.now);
                }
                HeadRelation::Ahead => {
                    self.claim(own, claim, cx);
                    self.want_log(own, cx.now);
                }
                HeadRelation::Same | HeadRelation::Behind => {
                    let claimed = self.contacts.get(&own).and_then(|c| c.claim);
                    if claimed.is_some_and(|claim| claim.by == sender) {
                        self.clear_claim(own, cx);
                    }
                }
            }
        }
    }

    pub(crate) fn log(&self, account: &AccountId) -> Option<&AccountLog> {
        self.contacts.get(account)?.log.as_ref()
    }
}
