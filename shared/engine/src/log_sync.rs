//! Account logs of others and the own one: fetching, verifying, pinning, and what a change of them means.
//!
//! Whatever brings entries (an answer, a mismatch, a sealed envelope) goes through [`Engine::merge`]: the chain is verified
//! whole, and what is known stays pinned. What the relay shows and nobody signed is an alarm by name that ends when it shows
//! the pinned log again; two signed histories are one that only the account's owner ends.

use chopar_identity::{AccountLog, Change, HeadRelation, LogChange, LogError, LogHead};
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{FetchLog, Log};
use chopar_wire::{AccountId, Timestamp};

use crate::context::Context;
use crate::engine::Engine;
use crate::map::Map;
use crate::requests::What;
use crate::view::{Alarm, Held, Notice, Trust};

/// A fetch that a message caused waits for a random part of this, in milliseconds, so that its moment does not name the sender.
pub(crate) const FETCH_DELAY_MS: u64 = 60_000;
/// A fetch that did not help is repeated after this, in milliseconds.
const RETRY_MS: u64 = 30_000;

/// Entries that are withheld are asked for again after this, in milliseconds. So is the own log after something forged.
pub(crate) const WITHHELD_MS: u64 = 120_000;
/// An account that the relay does not know is asked for again after this, in milliseconds.
const GONE_MS: u64 = 600_000;

/// Logs to be fetched, by account, and when.
pub(crate) type LogsWanted = Map<AccountId, Timestamp>;

/// Why a log did not come.
#[derive(Clone, Copy)]
pub(crate) enum NoLog {
    /// The relay says that there is no such account.
    Gone,
    /// The relay cannot now, or did not answer before the connection went.
    PutOff,
    /// Any other answer.
    Refused,
}

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
            self.claim_not_shown(account, cx);
            return self.want_log(account, cx.now.plus_ms(RETRY_MS));
        };
        let known = self.log(&account).map_or(0, AccountLog::length);
        // What is signed counts first; the head is the relay's word.
        let taken = self.take_entries(account, from, &log.entries, cx);
        if let Some(pinned) = self.log(&account) {
            match pinned.relation(&head) {
                HeadRelation::Fork => self.refuse_log(account, Alarm::LogForged, cx),
                HeadRelation::Behind if head.length < known => {
                    self.refuse_log(account, Alarm::LogRolledBack, cx);
                }
                HeadRelation::Behind => self.judge_claim(account, cx),
                HeadRelation::Ahead => {
                    self.claim_not_shown(account, cx);
                    self.want_log(account, cx.now.plus_ms(RETRY_MS));
                }
                HeadRelation::Same => {
                    if taken {
                        self.clear_refused_log(account, cx);
                    }
                    self.judge_claim(account, cx);
                }
            }
        }
        self.release_parked(&account);
    }

    /// What the relay said of a log and nobody signed: named, never accepted, and over when it shows the pinned log again.
    fn refuse_log(&mut self, account: AccountId, alarm: Alarm, cx: &mut Context<'_>) {
        self.raise_alarm(account, alarm, cx);
        // Of others it is asked when there is something to send.
        if self.is_own(&account) {
            self.want_log(account, cx.now.plus_ms(WITHHELD_MS));
        }
    }

    pub(crate) fn on_log_failed(&mut self, account: AccountId, failed: NoLog, cx: &mut Context<'_>) {
        match failed {
            NoLog::Gone => {
                self.claim_not_shown(account, cx);
                self.discard_parked(&account);
                self.unreachable(account, Some(Held::NoSuchAccount), cx);
                // Nobody waits for the log of a stranger who is nobody.
                if self.speaks_to(&account) {
                    self.want_log(account, cx.now.plus_ms(GONE_MS));
                }
                return;
            }
            NoLog::PutOff => self.claim_put_off(account, cx),
            NoLog::Refused => self.claim_not_shown(account, cx),
        }
        self.want_log(account, cx.now.plus_ms(RETRY_MS));
    }

    /// Verifies and pins entries from position `from` on, as the relay shows them. Returns whether the log is now at least as
    /// long as they say and free of contradiction.
    pub(crate) fn take_entries(
        &mut self,
        account: AccountId,
        from: u32,
        entries: &[Entry],
        cx: &mut Context<'_>,
    ) -> bool {
        match self.merge(account, from, entries, cx) {
            None => false,
            Some(Ok(())) => true,
            Some(Err(LogError::Fork { .. })) => {
                self.raise_alarm(account, Alarm::LogForked, cx);
                false
            }
            Some(Err(LogError::Gap { .. })) => {
                self.claim_not_shown(account, cx);
                self.want_log(account, cx.now.plus_ms(RETRY_MS));
                false
            }
            Some(Err(_)) => {
                self.refuse_log(account, Alarm::LogForged, cx);
                false
            }
        }
    }

    /// The same for a whole log out of an envelope, into which anybody may have put it: what is signed counts, and whatever
    /// else is wrong with it is wrong with the envelope, not with the account. Returns whether it is a log of this account.
    pub(crate) fn take_carried(
        &mut self,
        account: AccountId,
        entries: &[Entry],
        cx: &mut Context<'_>,
    ) -> bool {
        match self.merge(account, 0, entries, cx) {
            Some(Ok(())) => true,
            // Both histories are signed by the account's own keys. The pinned one decides.
            Some(Err(LogError::Fork { .. })) => {
                self.raise_alarm(account, Alarm::LogForked, cx);
                true
            }
            None | Some(Err(_)) => false,
        }
    }

    /// Adds entries to what is pinned, if all of them verify. `None`: there is no such contact.
    fn merge(
        &mut self,
        account: AccountId,
        from: u32,
        entries: &[Entry],
        cx: &mut Context<'_>,
    ) -> Option<Result<(), LogError>> {
        let contact = self.contacts.get_mut(&account)?;
        let merged = match &mut contact.log {
            Some(log) => match log.extend(entries) {
                Err(fork @ LogError::Fork { .. }) if from == 0 => log.resolve(entries).map_err(|_| fork),
                other => other,
            },
            None => AccountLog::verify(&account, entries).map(|log| {
                contact.log = Some(log);
                Vec::new()
            }),
        };
        let changes = match merged {
            Ok(changes) => changes,
            Err(error) => return Some(Err(error)),
        };
        // A log says who is there, and nothing about what the relay takes.
        contact.unreachable = contact
            .unreachable
            .filter(|held| matches!(held, Held::QueueFull | Held::RelayStorage | Held::Refused));
        contact.save_log(cx);
        self.log_changed(account, &changes, cx);
        self.refresh_held(account, cx);
        self.groups_go_on(cx);
        Some(Ok(()))
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

    pub(crate) fn log(&self, account: &AccountId) -> Option<&AccountLog> {
        self.contacts.get(account)?.log.as_ref()
    }
}
