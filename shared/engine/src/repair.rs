//! Mending: a fresh full handshake takes the place of a session that cannot be relied on, and what may be lost goes again.
//!
//! ```text
//!   own record damaged ───────────────┐
//!   vault older than it was ──────────┤                          ┌─ asks them to send again (damage, gap)
//!   gap: numbers skipped, queue empty ┼─> repair, paced ─> fresh ─┤
//!   silence: 24 h unacknowledged ─────┤                 session  └─ sends its own rows again (silence, their request)
//!   they forgot a session they knew ──┘
//! ```
//! Nothing else causes a repair; in particular no envelope that does not open. A row is never encrypted twice in one session,
//! so a repair can be repeated without harm: the other side knows messages by their ids and shows each once.

use chopar_wire::proto::content::{Payload, ResendRequest, payload};
use chopar_wire::{AccountId, DeviceId, MessageId, Timestamp, limits};
use prost::Message;

use crate::context::Context;
use crate::effect::RecordKey;
use crate::engine::Engine;
use crate::map::Map;
use crate::outbox::{Row, RowKey, Until};
use crate::records::session::SessionRecord;
use crate::sessions::SessionKey;
use crate::view::{Notice, Setting};

/// The wait after a repair, in milliseconds, before the next with the same device; it doubles each time.
const PACE_MS: u64 = 3_600_000;
/// How long a row may lie at the relay unacknowledged before its session is doubted, in milliseconds. It is also the pace of
/// repairs with a device that gives no sign of life: it is probably switched off, and its queue is not to be filled.
const SILENCE_MS: u64 = 24 * 3_600_000;
/// The longest such wait, in milliseconds: nothing lies at the relay longer.
const PACE_CAP_MS: u64 = limits::MAX_QUEUE_AGE_MS;
/// After so long without trouble the doubling begins anew, in milliseconds.
const FORGIVEN_MS: u64 = 7 * SILENCE_MS;
/// Rows that go again to a device that gives no sign of life; the rest follows when it answers.
const FEW: usize = 8;
/// How long a gap may stand although everything was delivered, in milliseconds: longer than the ways of two relay nodes differ.
const GAP_MS: u64 = 60_000;
/// After an answer in a fresh session: time for the acknowledgements of what was under way, in milliseconds.
const REST_MS: u64 = 60_000;
/// How often rows are looked at for silence, in milliseconds.
const LOOK_MS: u64 = 3_600_000;

/// How soon a session with a device may be replaced again.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    /// Repairs since the device last acknowledged something.
    pub(crate) attempts: u32,
    /// None before this moment.
    pub(crate) next: Timestamp,
}

impl Pace {
    /// Takes a turn, if there is one now.
    fn take(&mut self, pace_ms: u64, now: Timestamp) -> bool {
        if now < self.next {
            return false;
        }
        if now.ms_since(self.next) > FORGIVEN_MS {
            self.attempts = 0;
        }
        let wait = pace_ms
            .saturating_mul(1 << self.attempts.min(16))
            .min(PACE_CAP_MS);
        self.attempts = self.attempts.saturating_add(1);
        self.next = now.plus_ms(wait);
        true
    }
}

/// What is to be looked at again, and when. Not stored: found again at every start.
#[derive(Default)]
pub(crate) struct Repairs {
    gaps: Map<SessionKey, Timestamp>,
    rests: Map<(AccountId, DeviceId), Timestamp>,
    silence: Timestamp,
}

impl Repairs {
    /// When something is due. Only a drained connection can tell what is missing.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let all = self.gaps.values().chain(self.rests.values());
        all.chain(core::iter::once(&self.silence)).min().copied()
    }

    /// A message came in this session; numbers before it may be missing.
    pub(crate) fn note(&mut self, key: SessionKey, skipped: usize, now: Timestamp) {
        if skipped == 0 {
            self.gaps.remove(&key);
        } else {
            self.gaps.entry(key).or_insert(now.plus_ms(GAP_MS));
        }
    }

    /// Everything was delivered; what that shows is seen a moment later, when it is opened.
    pub(crate) fn drained(&mut self, now: Timestamp) {
        self.silence = now.plus_ms(REST_MS);
    }
}

impl Engine {
    /// Sessions that could not be loaded: their devices are looked up in the logs that are known.
    pub(crate) fn repair_sessions(&mut self, damaged: &[RecordKey], cx: &mut Context<'_>) {
        for key in damaged {
            cx.delete::<SessionRecord>(&key.partition, key.sequence);
            let Ok(device) = DeviceId::try_from(key.partition.as_slice()) else {
                continue;
            };
            let owner = self
                .contacts
                .values()
                .find(|c| c.log.as_ref().is_some_and(|log| log.device(&device).is_some()))
                .map(|c| c.account);
            let Some(account) = owner else { continue };
            if let Some(contact) = self.contacts.get_mut(&account) {
                contact.devices.entry(device).or_default().repair = true;
                cx.contacts.insert(account);
            }
            self.ask_again(account, cx);
        }
        for key in self.sessions.newest_first() {
            let skipped = self
                .sessions
                .get(&key)
                .map_or(0, |live| live.session.skipped_keys());
            self.repairs.note(key, skipped, cx.now);
        }
    }

    /// The vault is an older copy of itself: its ratchets would repeat positions, so every session is replaced before it sends.
    pub(crate) fn doubt_vault(&mut self, cx: &mut Context<'_>) {
        self.prekeys.leave_ids_out(cx);
        self.groups.doubt();
        for contact in self.contacts.values_mut() {
            let known: Vec<DeviceId> = contact
                .log
                .iter()
                .flat_map(|log| log.active_devices())
                .map(|d| d.id)
                .collect();
            for device in known {
                if self.sessions.sending(&device).is_some() {
                    contact.devices.entry(device).or_default().repair = true;
                    cx.contacts.insert(contact.account);
                }
            }
        }
    }

    /// Wants a fresh session with the device, unless one was made too short a while ago.
    pub(crate) fn begin_repair(
        &mut self,
        account: AccountId,
        device: DeviceId,
        pace_ms: u64,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return false;
        };
        let facts = contact.devices.entry(device).or_default();
        if !facts.pace.take(pace_ms, cx.now) {
            return false;
        }
        facts.repair = true;
        cx.contacts.insert(account);
        true
    }

    /// A device began a session of no higher generation than one it had confirmed: it has forgotten that one, so what is
    /// encrypted in it would be lost.
    pub(crate) fn forgotten(&mut self, account: AccountId, begun: SessionKey, cx: &mut Context<'_>) {
        let sending = self.sessions.sending(&begun.device).filter(|key| *key != begun);
        let known = sending
            .and_then(|key| self.sessions.get(&key))
            .is_some_and(|live| live.session.is_confirmed());
        if known {
            self.begin_repair(account, begun.device, PACE_MS, cx);
        }
    }

    pub(crate) fn tick_repair(&mut self, cx: &mut Context<'_>) {
        if !self.link.drained() || self.repairs.due().is_none_or(|due| due > cx.now) {
            return;
        }
        let now = cx.now;
        let ripe = |due: &Timestamp| *due <= now;
        let gaps: Vec<SessionKey> = self
            .repairs
            .gaps
            .iter()
            .filter(|(_, due)| ripe(due))
            .map(|(key, _)| *key)
            .collect();
        let rests: Vec<(AccountId, DeviceId)> = self
            .repairs
            .rests
            .iter()
            .filter(|(_, due)| ripe(due))
            .map(|(key, _)| *key)
            .collect();
        for key in gaps {
            if let Some(at) = self.look_at_gap(key, cx) {
                self.repairs.gaps.insert(key, at);
            } else {
                self.repairs.gaps.remove(&key);
            }
        }
        for (account, device) in rests {
            self.repairs.rests.remove(&(account, device));
            self.send_rest(account, device, cx);
        }
        if ripe(&self.repairs.silence) {
            self.repairs.silence = cx.now.plus_ms(LOOK_MS);
            self.look_for_silence(cx);
        }
    }

    /// Repairs a session in which something is missing. Returns when to look again, if need be.
    fn look_at_gap(&mut self, key: SessionKey, cx: &mut Context<'_>) -> Option<Timestamp> {
        let live = self.sessions.get(&key)?;
        let account = live.account;
        let since = live.session.oldest_skipped()?;
        let contact = self.contacts.get(&account)?;
        // An older session brings nothing new; to a stranger nothing is said.
        if self.sessions.sending(&key.device) != Some(key)
            || !self.speaks_to(&account)
            || contact.alarm.is_some()
        {
            return None;
        }
        if !self.inbox.is_empty() || cx.now.ms_since(since) < GAP_MS {
            return Some(cx.now.plus_ms(GAP_MS));
        }
        if self.begin_repair(account, key.device, PACE_MS, cx) {
            self.ask_again(account, cx);
            return None;
        }
        let facts = self.contacts.get(&account)?.devices.get(&key.device)?;
        Some(facts.pace.next)
    }

    /// Rows the relay took a day ago and nobody acknowledged, though everything was delivered here.
    fn look_for_silence(&mut self, cx: &mut Context<'_>) {
        let Some(before) = cx.now.0.checked_sub(SILENCE_MS).map(Timestamp) else {
            return;
        };
        if !self.inbox.is_empty() {
            return;
        }
        let mut silent: Map<(AccountId, DeviceId), Vec<RowKey>> = Map::new();
        for (key, row) in self.outbox.iter() {
            if row.until == Until::Acknowledged && !row.expired && row.accepted.is_some_and(|at| at <= before)
            {
                for target in row.targets.iter().filter(|t| !t.acked) {
                    silent.entry((key.account, target.device)).or_default().push(*key);
                }
            }
        }
        for ((account, device), mut keys) in silent {
            let Some(contact) = self.contacts.get(&account).filter(|c| c.held().is_none()) else {
                continue;
            };
            if !self.speaks_to(&account) {
                continue;
            }
            if contact
                .log
                .as_ref()
                .is_none_or(|log| log.device(&device).is_none())
            {
                continue;
            }
            let oldest = keys.first().and_then(|key| self.outbox.get(key)?.accepted);
            let heard = contact.devices.get(&device).map(|facts| facts.heard);
            let alive = heard > oldest;
            if self.begin_repair(account, device, if alive { PACE_MS } else { SILENCE_MS }, cx) {
                keys.truncate(if alive { usize::MAX } else { FEW });
                for key in keys {
                    self.outbox.make_again(key, &device, cx);
                }
            }
        }
    }

    /// The device spoke in a session that a repair may have made: what was only at the relay by then goes again soon.
    pub(crate) fn answered_after_repair(&mut self, account: AccountId, device: DeviceId, now: Timestamp) {
        let repaired = self
            .contacts
            .get(&account)
            .and_then(|c| c.devices.get(&device))
            .is_some_and(|facts| facts.pace.attempts > 0);
        if repaired {
            let due = now.plus_ms(REST_MS);
            self.repairs.rests.entry((account, device)).or_insert(due);
        }
    }

    /// What the device did not acknowledge of the sessions before the present one.
    fn send_rest(&mut self, account: AccountId, device: DeviceId, cx: &mut Context<'_>) {
        let created = self
            .sessions
            .sending(&device)
            .and_then(|key| self.sessions.get(&key))
            .map(|live| live.created);
        let Some(created) = created else { return };
        self.send_again(
            account,
            device,
            |row| row.accepted.is_some_and(|at| at < created),
            cx,
        );
    }

    /// Makes the unacknowledged rows for which `wanted` holds again, except those of the session that sends now.
    fn send_again(
        &mut self,
        account: AccountId,
        device: DeviceId,
        wanted: impl Fn(&crate::outbox::Row) -> bool,
        cx: &mut Context<'_>,
    ) {
        let sending = self.sessions.sending(&device);
        let present = sending.and_then(|key| Some(self.sessions.get(&key)?.header_hash));
        for key in self.outbox.of(&account) {
            let again = self.outbox.get(&key).is_some_and(|row| {
                let other = |session: Option<[u8; 32]>| session.is_none() || session != present;
                row.open_target(&device).is_some_and(|t| other(t.session)) && wanted(row)
            });
            if again {
                self.outbox.make_again(key, &device, cx);
            }
        }
    }

    /// They lost what they cannot name, or name it: what was made for exactly this device and not acknowledged goes again, in
    /// the session that sends now, which a request comes with. The same request again finds nothing more to do.
    pub(crate) fn on_resend_request(
        &mut self,
        sender: AccountId,
        device: DeviceId,
        request: &ResendRequest,
        cx: &mut Context<'_>,
    ) {
        if !self.speaks_to(&sender) {
            return;
        }
        let named = |message: Option<MessageId>| {
            request.ids.is_empty()
                || message.is_some_and(|id| request.ids.iter().any(|wanted| wanted.as_ref() == id.as_bytes()))
        };
        self.send_again(
            sender,
            device,
            |row| row.until != Until::Accepted && named(row.message.map(|(_, id)| id)),
            cx,
        );
    }

    /// A fresh session is needed because something is missing here: it begins with the request to send again.
    fn ask_again(&mut self, account: AccountId, cx: &mut Context<'_>) {
        if !self.speaks_to(&account) || self.asks_again(&account) {
            return;
        }
        let row = Payload {
            content: Some(payload::Content::ResendRequest(ResendRequest::default())),
            ..Payload::default()
        };
        self.outbox
            .push(account, row.encode_to_vec(), None, Until::Accepted, cx);
        self.conversation_notice(account, &Notice::Repaired, cx);
    }

    fn asks_again(&self, account: &AccountId) -> bool {
        self.outbox
            .queued(account)
            .iter()
            .filter_map(|key| self.outbox.get(key))
            .filter_map(Row::said)
            .any(|said| matches!(said.content, Some(payload::Content::ResendRequest(_))))
    }

    /// Whether anything is said to this account unasked: an accepted contact, or the own other devices.
    pub(crate) fn speaks_to(&self, account: &AccountId) -> bool {
        self.own.as_ref().is_some_and(|own| own.account == *account)
            || self
                .contacts
                .get(account)
                .is_some_and(|c| c.accepted && !c.settings.is(Setting::Blocked))
            // One who is blocked too: a group whose members do not speak with each other does not work.
            || self.groups.fellows.contains(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn repairs_come_slower_and_slower_and_quiet_weeks_forgive() {
        let mut pace = Pace::default();
        let mut now = Timestamp(1_800_000_000_000);
        for hours in [1, 2, 4, 8] {
            assert!(pace.take(PACE_MS, now));
            assert!(!pace.take(PACE_MS, now.plus_ms(hours * HOUR - 1)));
            now = now.plus_ms(hours * HOUR);
        }
        for _ in 0..40 {
            assert!(pace.take(PACE_MS, now));
            now = pace.next;
        }
        assert!(!pace.take(PACE_MS, Timestamp(now.0 - 1)), "{}", pace.attempts);
        assert!(pace.take(PACE_MS, now.plus_ms(FORGIVEN_MS + 1)));
        assert_eq!(pace.attempts, 1);
    }
}
