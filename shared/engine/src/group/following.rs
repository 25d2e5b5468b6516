//! The roster as the relay's opaque log has it: fetching, opening, verifying, and what a change of it means.
//!
//! Whatever brings entries (the log, a member's update) goes through [`Engine::take_entry`]. What does not verify in its place is
//! put away; what contradicts an entry known here stops the group.

use chopar_e2ee::group::roster::{
    Change, Logs, Roster, RosterChange, RosterError, RosterRelation, entry_hash,
};
use chopar_e2ee::group::{LogKey, OpenedEntry, RosterHead};
use chopar_identity::{AccountLog, OpaqueAppend};
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{FetchOpaque, OpaqueLog};
use chopar_wire::{AccountId, GroupId};
use prost::Message;

use super::rows::is_in;
use super::state::{Group, RosterAlarm, conversation_of};
use crate::contact::Contact;
use crate::context::Context;
use crate::engine::Engine;
use crate::map::Map;
use crate::records::SCHEMA;
use crate::records::group::{ROSTER, RosterRecord};
use crate::refusals::Refusal;
use crate::requests::What;
use crate::set::Set;
use crate::view::{GroupDeed, Notice};

/// A fetch that a member's word caused waits for a random part of this, in milliseconds, so that its moment does not name them.
pub(super) const FETCH_DELAY_MS: u64 = 5_000;
/// A fetch that did not help is repeated after this, in milliseconds.
const RETRY_MS: u64 = 30_000;
/// Entries that are withheld are asked for again after this, in milliseconds.
const WITHHELD_MS: u64 = 120_000;
/// After somebody left, admins renew the log key within this, in milliseconds; by lot, so that one is first.
const RENEWAL_MS: u64 = 60_000;

/// The logs that are known here.
struct Known<'a>(&'a Map<AccountId, Contact>);

impl Logs for Known<'_> {
    fn log(&self, account: &AccountId) -> Option<&AccountLog> {
        self.0.get(account)?.log.as_ref()
    }
}

/// What became of one entry.
pub(crate) enum Taken {
    /// Known before, or refused: nothing changed.
    Nothing,
    Changed,
    /// This account's log is needed first.
    Needs(AccountId),
}

impl Engine {
    /// Everything was loaded: stored entries are verified again, as far as the logs are there.
    pub(crate) fn open_groups(&mut self, cx: &mut Context<'_>) {
        for id in self.groups.ids() {
            let numbers: Vec<u64> = self
                .groups
                .get(&id)
                .map_or_else(Vec::new, |group| group.rows.keys().copied().collect());
            for number in numbers {
                self.groups.index_row(id, number);
            }
            self.restore_roster(&id, cx);
            if let Some(group) = self.groups.get_mut(&id) {
                group.since = cx.now;
                group.want(cx.now);
            }
            if let Some(contact) = self.contacts.get_mut(&conversation_of(&id)) {
                contact.group = true;
            }
        }
        self.groups.refresh_fellows();
    }

    /// Verifies stored entries from the beginning. What is missing a log waits for it.
    fn restore_roster(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        loop {
            let Some(group) = self.groups.get(id) else { return };
            let next = group.roster.as_ref().map_or(0, Roster::length);
            let Some(entry) = group.stored.get(&next).cloned() else {
                break;
            };
            match self.judge_entry(id, &entry) {
                Ok(Some(_)) => {}
                Err(RosterError::LogMissing { account, .. }) => return self.need_log(account, cx.now),
                // Damaged: it is read again from the log.
                _ => break,
            }
            if let Some(group) = self.groups.get_mut(id) {
                group.stored.remove(&next);
            }
        }
        if let Some(group) = self.groups.get_mut(id)
            && !group.stored.is_empty()
        {
            group.stored.clear();
            group.opaque = None;
        }
    }

    /// A log came: entries that waited for it go on.
    pub(crate) fn groups_go_on(&mut self, cx: &mut Context<'_>) {
        for id in self.groups.ids() {
            let (stored, tail) = self.groups.get(&id).map_or((false, false), |group| {
                (!group.stored.is_empty(), !group.tail.is_empty())
            });
            if stored {
                self.restore_roster(&id, cx);
                self.groups.refresh_fellows();
            }
            if tail {
                self.follow_log(&id, cx);
            }
        }
    }

    pub(crate) fn pump_groups(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in() {
            return;
        }
        for id in self.groups.ids() {
            self.pump_own_entry(&id, cx);
            let Some(group) = self.groups.get_mut(&id) else {
                continue;
            };
            if group.fetch.is_none_or(|due| due > cx.now) || !group.stored.is_empty() {
                continue;
            }
            // Who was removed reads no further, until somebody lets them in again and says how.
            if group.over && group.told.is_empty() {
                group.fetch = None;
                continue;
            }
            // A group that is not in its log yet has nothing there.
            if group.opaque.is_none() && group.pending.is_some() {
                group.fetch = None;
                continue;
            }
            group.fetch = None;
            group.tail.clear();
            self.fetch_opaque(&id, cx);
        }
    }

    fn fetch_opaque(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        if self
            .requests
            .is_open(|what| matches!(what, What::FetchOpaque { group } if group == id))
        {
            return;
        }
        let Some(group) = self.groups.get(id) else { return };
        let known = group.opaque.map_or(0, |head| head.length);
        let tail = u32::try_from(group.tail.len()).unwrap_or(u32::MAX);
        let fetch = FetchOpaque {
            log: group.log.into(),
            from: known.saturating_add(tail),
        };
        self.requests
            .send(cx, What::FetchOpaque { group: *id }, Body::FetchOpaque(fetch));
    }

    pub(crate) fn on_opaque_log(&mut self, id: &GroupId, log: &OpaqueLog, cx: &mut Context<'_>) {
        self.take_appends(id, log, cx);
        let Some(group) = self.groups.get(id) else { return };
        let known = group.opaque.map_or(0, |head| head.length) as usize + group.tail.len();
        if known < log.length as usize && !log.appends.is_empty() {
            return self.fetch_opaque(id, cx);
        }
        self.follow_log(id, cx);
    }

    /// No log, or no answer that could be used.
    pub(crate) fn on_opaque_failed(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        if let Some(group) = self.groups.get_mut(id) {
            group.want(cx.now.plus_ms(RETRY_MS));
        }
    }

    /// Keeps what follows on what is known.
    pub(crate) fn take_appends(&mut self, id: &GroupId, log: &OpaqueLog, cx: &Context<'_>) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        group.relay_length = log.length;
        let known = group.opaque.map_or(0, |head| head.length) as usize;
        let have = known + group.tail.len();
        let from = log.from as usize;
        let Some(skip) = have.checked_sub(from) else {
            return group.want(cx.now.plus_ms(RETRY_MS));
        };
        for append in log.appends.iter().skip(skip) {
            match Signed::decode(append.clone()) {
                Ok(signed) => group.tail.push(signed),
                Err(_) => break,
            }
        }
    }

    /// Opens and verifies what was fetched, as far as keys and logs go.
    pub(crate) fn follow_log(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        let before = self.roster_length(id);
        // An own entry may have got there although nobody said so.
        if let Some(group) = self.groups.get_mut(id)
            && let Some(key) = group.pending.as_ref().and_then(|pending| pending.key.as_ref())
        {
            let key = key.duplicate();
            group.told(key);
        }
        self.derive_keys(id);
        let mut at = 0;
        let mut needs = None;
        loop {
            let Some(group) = self.groups.get_mut(id) else {
                return;
            };
            let Some(signed) = group.tail.get(at).cloned() else {
                break;
            };
            let followed = OpaqueAppend::parse(&signed)
                .and_then(|append| Ok((append.follow(&signed, group.opaque.as_ref())?, append)));
            let Ok((head, append)) = followed else {
                // Whoever holds the write key signed each; this is the relay's own.
                self.refusals.note(Refusal::RosterRefused);
                group.want(cx.now.plus_ms(RETRY_MS));
                break;
            };
            match open_entry(group, &append.entry) {
                Some(opened) => match self.take_entry(id, &opened.entry, cx) {
                    Taken::Needs(account) => {
                        needs = Some(account);
                        break;
                    }
                    Taken::Nothing | Taken::Changed => {}
                },
                // A key that nobody told yet: whoever is ahead is asked.
                None if LogKey::version_of(&append.entry) > group.keys.keys().max().copied() => {
                    self.ask_for_entries(id, cx);
                    break;
                }
                // Nothing a member wrote with the key of its place.
                None => self.refusals.note(Refusal::RosterRefused),
            }
            if let Some(group) = self.groups.get_mut(id) {
                group.opaque = Some(head);
                self.groups.touch(id);
            }
            at += 1;
        }
        if let Some(group) = self.groups.get_mut(id) {
            group.tail.drain(..at.min(group.tail.len()));
            if needs.is_none() {
                group.tail.clear();
            }
        }
        if let Some(account) = needs {
            return self.need_log(account, cx.now);
        }
        self.followed(id, before, cx);
    }

    fn roster_length(&self, id: &GroupId) -> u32 {
        let roster = self.groups.get(id).and_then(|group| group.roster.as_ref());
        roster.map_or(0, Roster::length)
    }

    /// The newest key opens the first entry of its version, which holds the key before, and so on.
    fn derive_keys(&mut self, id: &GroupId) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let entries: Vec<_> = group
            .tail
            .iter()
            .filter_map(|signed| Some(OpaqueAppend::parse(signed).ok()?.entry))
            .collect();
        // What members told becomes a key by opening something.
        for key in std::mem::take(&mut group.told) {
            let opens = entries.iter().any(|entry| key.open(&group.id, entry).is_ok());
            if opens && !group.keys.contains_key(&key.version()) {
                group.keys.insert(key.version(), key);
            } else if !opens {
                group.told.push(key);
            }
        }
        let newest = group.keys.keys().max().copied().unwrap_or(0);
        for version in (2..=newest).rev() {
            if group.keys.contains_key(&(version - 1)) {
                continue;
            }
            let Some(key) = group.keys.get(&version) else {
                return;
            };
            let before = entries
                .iter()
                .filter(|entry| LogKey::version_of(entry) == Some(version))
                .find_map(|entry| key.open(&group.id, entry).ok()?.key_before);
            match before {
                Some(before) => {
                    group.keys.insert(before.version(), before);
                }
                None => return,
            }
        }
    }

    fn judge_entry(&mut self, id: &GroupId, entry: &Signed) -> Result<Option<RosterChange>, RosterError> {
        let logs = Known(&self.contacts);
        let Some(group) = self.groups.get_mut(id) else {
            return Ok(None);
        };
        match &mut group.roster {
            Some(roster) => roster.extend(entry, &logs),
            None => {
                let (roster, change) = Roster::begin(&group.id, entry, &logs)?;
                group.roster = Some(roster);
                Ok(Some(change))
            }
        }
    }

    /// Verifies one entry and applies it.
    pub(crate) fn take_entry(&mut self, id: &GroupId, entry: &Signed, cx: &mut Context<'_>) -> Taken {
        let roster = self.groups.get(id).and_then(|group| group.roster.as_ref());
        let before: Set<AccountId> = roster
            .into_iter()
            .flat_map(Roster::members)
            .map(|(account, _)| *account)
            .collect();
        match self.judge_entry(id, entry) {
            Ok(Some(change)) => {
                let record = RosterRecord {
                    schema: SCHEMA,
                    entry: Some(entry.clone()),
                };
                cx.put(id.as_bytes(), ROSTER + u64::from(change.position), &record);
                self.roster_changed(id, &before, &change, cx);
                Taken::Changed
            }
            Ok(None) => Taken::Nothing,
            Err(RosterError::LogMissing { account, .. }) => {
                self.contacts
                    .entry(account)
                    .or_insert_with(|| Contact::new(account, cx.now));
                Taken::Needs(account)
            }
            Err(RosterError::Fork { known, rival, .. }) => {
                self.stop_group(id, vec![known, rival], cx);
                Taken::Nothing
            }
            Err(_) => {
                self.refusals.note(Refusal::RosterRefused);
                Taken::Nothing
            }
        }
    }

    /// What an entry means for keys, people and lines.
    fn roster_changed(
        &mut self,
        id: &GroupId,
        before: &Set<AccountId>,
        change: &RosterChange,
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        let Some(roster) = self.groups.get(id).and_then(|group| group.roster.clone()) else {
            return;
        };
        for (account, _) in roster.members() {
            self.know_member(account, &roster, cx);
        }
        let gone: Vec<AccountId> = before
            .iter()
            .filter(|account| roster.member(account).is_none())
            .copied()
            .collect();
        for account in &gone {
            self.forget_epochs(id, account, cx);
        }
        let over = gone.contains(&own);
        if let Some(group) = self.groups.get_mut(id) {
            group.over |= over;
            // An admin that adds this account again begins it again.
            group.over &= !is_in(Some(&roster), &own);
            if over {
                group.sending = None;
            }
            group.renewal = (roster.wants_renewal() && roster.is_admin(&own))
                .then(|| cx.now.plus_ms(cx.below(RENEWAL_MS)));
        }
        self.groups.touch(id);
        let conversation = conversation_of(id);
        if let Some(contact) = self.contacts.get_mut(&conversation)
            && contact.display_name != roster.settings().name.as_str()
        {
            roster
                .settings()
                .name
                .as_str()
                .clone_into(&mut contact.display_name);
            cx.touch(conversation);
        }
        // What was before one was in it is no line of one's own.
        let catching_up = self.groups.get(id).is_some_and(|group| group.catching_up);
        if before.contains(&own) && !catching_up {
            self.tell_deeds(id, change, cx);
        }
        if over {
            self.hold_group_lines(id, Some(crate::view::Held::Refused), cx);
        }
        cx.rows.insert(conversation);
    }

    /// A line for what somebody changed.
    fn tell_deeds(&mut self, id: &GroupId, change: &RosterChange, cx: &mut Context<'_>) {
        let deeds = match &change.change {
            Change::Created(_) => Vec::new(),
            Change::Added(accounts) => vec![GroupDeed::Added(accounts.clone())],
            Change::Removed(accounts) => vec![GroupDeed::Removed(accounts.clone())],
            Change::Left => vec![GroupDeed::Left],
            Change::RoleSet { account, role } => vec![GroupDeed::Role {
                account: *account,
                admin: *role == chopar_e2ee::group::roster::Role::Admin,
            }],
            Change::Set(settings) => {
                let name = settings.name.as_ref();
                let name = name.map(|name| GroupDeed::Named(name.as_str().to_owned()));
                let picture = settings.picture.as_ref().map(|_| GroupDeed::Picture);
                let writers = settings.admins_only.map(GroupDeed::AdminsOnly);
                let timer = settings.timer_seconds.map(GroupDeed::Timer);
                [name, picture, writers, timer].into_iter().flatten().collect()
            }
            Change::Renewed => Vec::new(),
        };
        for deed in deeds {
            let notice = Notice::Group { by: change.by, deed };
            self.conversation_notice(conversation_of(id), &notice, cx);
        }
    }

    /// A member is a contact, without a conversation: its log and sessions are treated alike. Names are those of the roster until
    /// they introduce themselves.
    pub(crate) fn know_member(&mut self, account: &AccountId, roster: &Roster, cx: &mut Context<'_>) {
        if self.contacts.contains_key(account) {
            return;
        }
        let mut contact = Contact::new(*account, cx.now);
        let taken = |handle: &str| self.contacts.values().any(|other| other.handle == handle);
        if let Some(member) = roster.member(account) {
            contact.display_name.clone_from(&member.display_name);
            if !taken(&member.handle) {
                contact.handle.clone_from(&member.handle);
            }
        }
        self.contacts.insert(*account, contact);
        cx.contacts.insert(*account);
    }

    /// Nothing of who is gone is listened to any more.
    fn forget_epochs(&mut self, id: &GroupId, account: &AccountId, cx: &mut Context<'_>) {
        let theirs: Vec<_> = self
            .groups
            .epochs
            .iter()
            .filter(|(key, epoch)| key.group == *id && epoch.id().account == *account)
            .map(|(key, _)| *key)
            .collect();
        for key in theirs {
            self.groups.remove_epoch(key, cx);
        }
    }

    /// All that the relay shows was looked at.
    fn followed(&mut self, id: &GroupId, before: u32, cx: &mut Context<'_>) {
        self.settle_own_entry(id, cx);
        let own = self.own.as_ref().map(|own| own.account);
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let Some(roster) = group.roster.clone() else {
            return group.want(cx.now.plus_ms(RETRY_MS));
        };
        group.catching_up = false;
        if let Some((head, by)) = group.claim {
            match roster.relation(&head) {
                RosterRelation::Same | RosterRelation::Behind => self.clear_roster_claim(id, cx),
                RosterRelation::Ahead => {
                    group.want(cx.now.plus_ms(WITHHELD_MS));
                    self.withheld(id, by, cx);
                }
                RosterRelation::Fork => self.contradicted(id, by, cx),
            }
        }
        let begun = self
            .contacts
            .get(&conversation_of(id))
            .is_some_and(|contact| contact.next_line > 0);
        let member = own.is_some_and(|own| roster.member(&own).is_some());
        if member && !begun {
            self.begin_group_conversation(id, &roster, cx);
        }
        if roster.length() != before {
            self.groups.refresh_fellows();
            self.retry_quarantine(cx);
        }
    }

    fn begin_group_conversation(&mut self, id: &GroupId, roster: &Roster, cx: &mut Context<'_>) {
        let conversation = conversation_of(id);
        let mut contact = Contact::new(conversation, cx.now);
        roster
            .settings()
            .name
            .as_str()
            .clone_into(&mut contact.display_name);
        contact.group = true;
        contact.accepted = self.groups.get(id).is_some_and(|group| group.accepted);
        self.contacts.insert(conversation, contact);
        self.begin_conversation(conversation, cx);
        self.groups.refresh_fellows();
    }

    /// A member's device says, inside the encryption, how far it knows the roster.
    pub(crate) fn on_roster_head(
        &mut self,
        id: &GroupId,
        by: AccountId,
        head: RosterHead,
        cx: &mut Context<'_>,
    ) -> Option<RosterRelation> {
        let group = self.groups.get_mut(id)?;
        let relation = match &group.roster {
            Some(roster) => roster.relation(&head),
            None => RosterRelation::Ahead,
        };
        match relation {
            RosterRelation::Same | RosterRelation::Behind => {}
            RosterRelation::Ahead => {
                if group.claim.is_none_or(|(known, _)| known.length < head.length) {
                    group.claim = Some((head, by));
                }
                // What is told comes along soon; and the moment does not name who told it.
                group.want(cx.now.plus_ms(cx.below(FETCH_DELAY_MS)));
                self.groups.touch(id);
            }
            RosterRelation::Fork => self.contradicted(id, by, cx),
        }
        Some(relation)
    }

    pub(crate) fn clear_roster_claim(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        group.claim = None;
        if group.alarm == Some(RosterAlarm::Withheld) {
            group.alarm = None;
            self.hold_group_lines(id, None, cx);
            cx.rows.insert(conversation_of(id));
        }
        self.groups.touch(id);
    }

    fn withheld(&mut self, id: &GroupId, by: AccountId, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        if group.alarm.is_none() {
            group.alarm = Some(RosterAlarm::Withheld);
            self.groups.touch(id);
            let notice = Notice::GroupWithheld;
            self.conversation_notice(conversation_of(id), &notice, cx);
            cx.rows.insert(conversation_of(id));
        }
        self.ask_member(id, by, true, cx);
    }

    /// A member was shown another roster. Their entries say who signed it.
    fn contradicted(&mut self, id: &GroupId, by: AccountId, cx: &mut Context<'_>) {
        if let Some(group) = self.groups.get_mut(id) {
            group.claim = None;
        }
        self.stop_group(id, Vec::new(), cx);
        self.ask_member(id, by, true, cx);
    }

    /// The group stops: there are two rosters, and nobody can say which one counts.
    pub(crate) fn stop_group(&mut self, id: &GroupId, signers: Vec<AccountId>, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        match &group.alarm {
            Some(RosterAlarm::Forked(known)) if !known.is_empty() || signers.is_empty() => return,
            _ => {}
        }
        group.alarm = Some(RosterAlarm::Forked(signers.clone()));
        if let Some(pending) = group.pending.take()
            && let Some(asked) = pending.asked
        {
            cx.fail(asked, crate::event::Failure::NotNow);
        }
        self.groups.touch(id);
        self.conversation_notice(conversation_of(id), &Notice::GroupForked { signers }, cx);
        self.hold_group_lines(id, Some(crate::view::Held::Alarm), cx);
        cx.rows.insert(conversation_of(id));
    }

    /// Whether the roster has this very entry.
    pub(crate) fn roster_has(&self, id: &GroupId, entry: &Signed) -> bool {
        let roster = self.groups.get(id).and_then(|group| group.roster.as_ref());
        let hash = entry_hash(&entry.body);
        roster.is_some_and(|roster| {
            let mut entries = roster.entries(0).iter().rev();
            entries.any(|known| entry_hash(&known.body) == hash)
        })
    }
}

/// Opens an entry of the opaque log with the key of its version.
fn open_entry(group: &Group, sealed: &[u8]) -> Option<OpenedEntry> {
    let version = LogKey::version_of(sealed)?;
    group.keys.get(&version)?.open(&group.id, sealed).ok()
}
