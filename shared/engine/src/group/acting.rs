//! Own entries: what a person wants, drafted, signed, saved, appended; and again on top of what came first.

use chopar_e2ee::group::LogKey;
use chopar_e2ee::group::roster::{
    Act, EntryDraft, NewMember, Role, RosterError, SettingsChange, Signer, entry_hash,
};
use chopar_identity::{DisplayName, OpaqueAppend};
use chopar_wire::proto::content::{Payload, payload};
use chopar_wire::proto::group::Update;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{AppendOpaque, OpaqueLog};
use chopar_wire::{AccountId, GroupId, OpaqueLogId};
use prost::Message;

use super::following::Taken;
use super::state::{Group, Pending, conversation_of};
use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::intent::{GroupChange, Invitee};
use crate::outbox::Until;
use crate::requests::What;
use crate::seen::SeenId;
use crate::tokens::Waiting;

/// Entries that go along with the news of the last one, in bytes; what does not fit is fetched from the log.
const MAX_CARRIED: usize = 8 * 1024;
/// How many they are at most.
const MAX_ENTRIES_CARRIED: usize = 8;
/// After a refusal, the next attempt, in milliseconds.
const RETRY_MS: u64 = 5_000;

/// An entry that waits for its signature.
pub(crate) struct Acting {
    asked: Option<u64>,
    act: Act,
    draft: EntryDraft,
    /// `None`: the group begins.
    group: Option<GroupId>,
    /// What the tab calls the wish to begin a group; asked twice it begins one.
    wish: Option<SeenId>,
}

impl Engine {
    /// Begins a group with these people.
    pub(crate) fn create_group(
        &mut self,
        asked: u64,
        wish: [u8; 16],
        name: &str,
        members: &[Invitee],
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return cx.fail(asked, Failure::NotNow);
        };
        let wish = SeenId::message(&own, &chopar_wire::MessageId::new(wish));
        if self.seen.contains(&wish) {
            return cx.answer(asked, Answer::Done);
        }
        let Ok(name) = DisplayName::parse(name) else {
            return cx.fail(asked, Failure::NameInvalid);
        };
        let members = members.iter().filter(|invitee| invitee.account != own);
        let members: Vec<NewMember> = members.map(|invitee| self.new_member(invitee)).collect();
        let mut act = Act::Create {
            nonce: cx.random(),
            settings: SettingsChange {
                name: Some(name),
                ..SettingsChange::default()
            },
            members,
        };
        let Some(signer) = self.group_signer() else {
            return cx.fail(asked, Failure::NotNow);
        };
        let mut draft = EntryDraft::create(&act, &signer, cx.now.0);
        if draft.is_err() && without_names(&mut act) {
            draft = EntryDraft::create(&act, &signer, cx.now.0);
        }
        let Ok(draft) = draft else {
            return cx.fail(asked, Failure::GroupTooLarge);
        };
        self.sign_entry(
            Acting {
                asked: Some(asked),
                act,
                draft,
                group: None,
                wish: Some(wish),
            },
            cx,
        );
    }

    /// The same people under the same name, in a new group: after a fork.
    pub(crate) fn restart_group(
        &mut self,
        asked: u64,
        wish: [u8; 16],
        conversation: AccountId,
        cx: &mut Context<'_>,
    ) {
        let group = self.groups.of(&conversation).and_then(|id| self.groups.get(&id));
        let Some(roster) = group.and_then(|group| group.roster.as_ref()) else {
            return cx.fail(asked, Failure::NotFound);
        };
        let name = roster.settings().name.as_str().to_owned();
        let members: Vec<Invitee> = roster.members().map(|(account, _)| (*account).into()).collect();
        self.create_group(asked, wish, &name, &members, cx);
    }

    /// A contact's own words about themselves come before the directory's.
    fn new_member(&self, invitee: &Invitee) -> NewMember {
        let contact = self.contacts.get(&invitee.account);
        let said = |known: Option<&String>, found: &String| {
            known.filter(|known| !known.is_empty()).unwrap_or(found).clone()
        };
        NewMember {
            account: invitee.account,
            role: Role::Member,
            handle: said(contact.map(|c| &c.handle), &invitee.handle),
            display_name: said(contact.map(|c| &c.display_name), &invitee.display_name),
        }
    }

    fn group_signer(&self) -> Option<Signer> {
        let own = self.own.as_ref()?;
        Some(Signer {
            account: own.account,
            device: own.device,
            log: self.log(&own.account)?.head(),
        })
    }

    /// Changes a group as a person wants.
    pub(crate) fn change_group(
        &mut self,
        asked: u64,
        conversation: AccountId,
        change: GroupChange,
        cx: &mut Context<'_>,
    ) {
        let Some(id) = self.groups.of(&conversation) else {
            return cx.fail(asked, Failure::NotFound);
        };
        let set = |change: SettingsChange| Ok(Act::Settings(change));
        let act = match change {
            GroupChange::Add(invitees) => Ok(Act::Add(
                invitees.iter().map(|invitee| self.new_member(invitee)).collect(),
            )),
            GroupChange::Remove(accounts) => Ok(Act::Remove(accounts)),
            GroupChange::Leave => Ok(Act::Leave),
            GroupChange::Role { account, admin } => Ok(Act::SetRole {
                account,
                role: if admin { Role::Admin } else { Role::Member },
            }),
            GroupChange::Name(name) => match DisplayName::parse(&name) {
                Ok(name) => set(SettingsChange {
                    name: Some(name),
                    ..SettingsChange::default()
                }),
                Err(_) => Err(Failure::NameInvalid),
            },
            GroupChange::Picture(picture) => set(SettingsChange {
                picture: Some(picture),
                ..SettingsChange::default()
            }),
            GroupChange::AdminsOnly(on) => set(SettingsChange {
                admins_only: Some(on),
                ..SettingsChange::default()
            }),
            GroupChange::Timer(seconds) => set(SettingsChange {
                timer_seconds: Some(seconds),
                ..SettingsChange::default()
            }),
        };
        match act {
            Ok(act) => self.act(&id, act, Some(asked), cx),
            Err(failure) => cx.fail(asked, failure),
        }
    }

    /// Drafts an entry on top of what is known, and has it signed.
    pub(crate) fn act(&mut self, id: &GroupId, act: Act, asked: Option<u64>, cx: &mut Context<'_>) {
        let fail = |failure, cx: &mut Context<'_>| {
            if let Some(asked) = asked {
                cx.fail(asked, failure);
            }
        };
        let signer = self.group_signer();
        let Some(group) = self.groups.get(id) else {
            return fail(Failure::NotFound, cx);
        };
        // One at a time: what waits was asked before.
        let busy = group.signing || group.pending.is_some() || group.alarm.is_some();
        let (Some(roster), Some(signer)) = (&group.roster, signer) else {
            return fail(Failure::NotNow, cx);
        };
        if busy {
            return fail(Failure::NotNow, cx);
        }
        let mut act = act;
        let mut draft = EntryDraft::next(roster, &act, &signer, cx.now.0);
        if matches!(draft, Err(RosterError::EntryTooLarge { .. })) && without_names(&mut act) {
            draft = EntryDraft::next(roster, &act, &signer, cx.now.0);
        }
        match draft {
            Ok(draft) => self.sign_entry(
                Acting {
                    asked,
                    act,
                    draft,
                    group: Some(*id),
                    wish: None,
                },
                cx,
            ),
            Err(RosterError::NoChange { .. }) => {
                if let Some(asked) = asked {
                    cx.answer(asked, Answer::Done);
                }
            }
            Err(error) => fail(failure(&error), cx),
        }
    }

    fn sign_entry(&mut self, acting: Acting, cx: &mut Context<'_>) {
        if let Some(group) = acting.group.and_then(|id| self.groups.get_mut(&id)) {
            group.signing = true;
        }
        let inputs = vec![acting.draft.signing_input()];
        let token = self.tokens.wait(Waiting::GroupEntry(Box::new(acting)));
        cx.effect(Effect::Sign { token, inputs });
    }

    /// The host could not sign.
    pub(crate) fn entry_not_signed(&mut self, acting: Acting, cx: &mut Context<'_>) {
        if let Some(group) = acting.group.and_then(|id| self.groups.get_mut(&id)) {
            group.signing = false;
        }
        if let Some(asked) = acting.asked {
            cx.fail(asked, Failure::Browser);
        }
    }

    pub(crate) fn on_entry_signed(&mut self, acting: Acting, signature: [u8; 64], cx: &mut Context<'_>) {
        let Acting {
            asked,
            act,
            draft,
            group,
            wish,
        } = acting;
        let entry = draft.finish(signature);
        let id = match group {
            Some(id) => id,
            None => {
                let id = GroupId::new(entry_hash(&entry.body));
                let mut group = Group::new(id, OpaqueLogId::new(cx.random()));
                group.keys.insert(1, LogKey::first(cx.rng));
                // Who begins a group speaks to its members.
                group.accepted = true;
                self.groups.all.insert(id, group);
                wish.into_iter().for_each(|wish| self.seen.insert(wish));
                id
            }
        };
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        group.signing = false;
        let renewed = act
            .renews_key()
            .then(|| group.key().map(|key| key.next(cx.rng)))
            .flatten();
        let sealed = match (&renewed, group.key()) {
            (Some(next), before) => next.seal(&id, &entry, before, cx.rng).ok(),
            (None, Some(key)) => key.seal(&id, &entry, None, cx.rng).ok(),
            (None, None) => None,
        };
        let Some(sealed) = sealed else {
            if let Some(asked) = asked {
                cx.fail(asked, Failure::GroupTooLarge);
            }
            return;
        };
        group.pending = Some(Pending {
            entry,
            sealed,
            key: renewed,
            asked,
            in_flight: false,
            not_before: cx.now,
        });
        self.groups.touch(&id);
    }

    /// Appends what waits, once it is saved; and what time alone makes due.
    pub(crate) fn pump_own_entry(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        self.settle_own_entry(id, cx);
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        if group.renewal.is_some_and(|due| due <= cx.now) {
            group.renewal = None;
            if group.roster.as_ref().is_some_and(|roster| roster.wants_renewal()) {
                self.act(id, Act::Renew, None, cx);
            }
        }
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let Some(pending) = group.pending.as_ref() else {
            return;
        };
        if pending.in_flight || pending.not_before > cx.now || !group.tail.is_empty() {
            return;
        }
        // The write key in force is that of the log key in force; the next one is that of the key that begins.
        let Some(key) = group.key() else { return };
        let next_write_key = pending.key.as_ref().unwrap_or(key).write_key();
        let append = OpaqueAppend {
            log: group.log,
            parent: group.opaque.map(|head| head.hash),
            entry: pending.sealed.clone().into(),
            next_write_key,
        };
        let body = append.body();
        let signature = key.sign_append(&OpaqueAppend::signing_input(&body));
        let append = Signed {
            body: body.into(),
            signature: signature.to_vec().into(),
        };
        let ask = AppendOpaque {
            log: group.log.into(),
            append: Some(append.clone()),
        };
        if let Some(pending) = &mut group.pending {
            pending.in_flight = true;
        }
        let what = What::AppendOpaque {
            group: *id,
            append: Box::new(append),
        };
        self.requests.send(cx, what, Body::AppendOpaque(ask));
    }

    pub(crate) fn on_opaque_appended(
        &mut self,
        id: &GroupId,
        append: Signed,
        answer: &OpaqueLog,
        cx: &mut Context<'_>,
    ) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        if let Some(pending) = &mut group.pending {
            pending.in_flight = false;
        }
        if answer.appended {
            group.tail = vec![append];
            if let Some(key) = group.pending.as_ref().and_then(|pending| pending.key.as_ref()) {
                let key = key.duplicate();
                group.keys.insert(key.version(), key);
            }
            return self.follow_log(id, cx);
        }
        self.on_opaque_log(id, answer, cx);
    }

    pub(crate) fn on_append_failed(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        if let Some(group) = self.groups.get_mut(id) {
            if let Some(pending) = &mut group.pending {
                pending.in_flight = false;
                pending.not_before = cx.now.plus_ms(RETRY_MS);
            }
            group.want(cx.now.plus_ms(RETRY_MS));
        }
    }

    /// Whether the own entry is in the roster by now; where another was first, it is drafted again.
    pub(crate) fn settle_own_entry(&mut self, id: &GroupId, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get(id) else { return };
        let Some(pending) = group.pending.as_ref().filter(|pending| !pending.in_flight) else {
            return;
        };
        let entry = pending.entry.clone();
        let there = self.roster_has(id, &entry);
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let fits = group.roster.as_ref().is_none_or(|roster| {
            // On the head it was drafted on, it can still be appended.
            chopar_wire::proto::group::EntryBody::decode(entry.body.clone())
                .is_ok_and(|body| body.parent.as_ref() == roster.head().hash)
        });
        if !there && fits {
            return;
        }
        let Some(pending) = group.pending.take() else {
            return;
        };
        self.groups.touch(id);
        if there {
            if let Some(key) = &pending.key {
                let key = key.duplicate();
                if let Some(group) = self.groups.get_mut(id) {
                    group.keys.insert(key.version(), key);
                }
            }
            self.announce(id, &entry, cx);
            if let Some(asked) = pending.asked {
                let begun = matches!(Act::of(&entry), Ok(Act::Create { .. }));
                cx.answer(
                    asked,
                    if begun {
                        Answer::GroupBegun(conversation_of(id))
                    } else {
                        Answer::Done
                    },
                );
            }
            return;
        }
        match Act::of(&entry) {
            Ok(act) => self.act(id, act, pending.asked, cx),
            Err(_) => pending
                .asked
                .into_iter()
                .for_each(|asked| cx.fail(asked, Failure::NotNow)),
        }
    }

    /// Tells every member, and whoever was removed, in their sessions.
    fn announce(&mut self, id: &GroupId, entry: &Signed, cx: &mut Context<'_>) {
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        self.groups.refresh_fellows();
        let own_others = self.own_others(&own).next().is_some();
        let Some(group) = self.groups.get(id) else { return };
        let Some(roster) = &group.roster else { return };
        // The newest entries, as far as they fit: who missed one needs nothing else.
        let mut size = 0;
        let newest = roster.entries(0).iter().rev().take(MAX_ENTRIES_CARRIED);
        let fitting = newest.take_while(|entry| {
            size += entry.encoded_len();
            size <= MAX_CARRIED
        });
        let mut entries: Vec<Signed> = fitting.cloned().collect();
        entries.reverse();
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let update = Update {
            access: Some(group.access()),
            from: roster.length().saturating_sub(count),
            entries,
        };
        let members = roster.members().map(|(account, _)| *account);
        let members: Vec<AccountId> = members.filter(|account| *account != own || own_others).collect();
        let removed = match Act::of(entry) {
            Ok(Act::Remove(accounts)) => accounts,
            _ => Vec::new(),
        };
        // Who was removed hears of it, and gets no key of what comes.
        let mut farewell = update.clone();
        if let Some(access) = &mut farewell.access {
            access.key = Default::default();
            access.key_version = 0;
        }
        for account in members {
            self.tell_update(account, &update, cx);
        }
        for account in removed {
            self.tell_update(account, &farewell, cx);
        }
        cx.rows.insert(conversation_of(id));
    }

    pub(crate) fn tell_update(&mut self, account: AccountId, update: &Update, cx: &mut Context<'_>) {
        let row = Payload {
            content: Some(payload::Content::GroupUpdate(update.clone())),
            ..Payload::default()
        };
        self.outbox
            .push(account, row.encode_to_vec(), None, Until::Acknowledged, cx);
    }

    /// An entry that came in a session, on top of what is known.
    pub(crate) fn take_update(&mut self, id: &GroupId, update: &Update, cx: &mut Context<'_>) {
        for entry in &update.entries {
            if let Taken::Needs(account) = self.take_entry(id, entry, cx) {
                self.need_log(account, cx.now);
                break;
            }
        }
    }
}

/// A thousand people fit into one entry without their names; they introduce themselves when they speak. Whether there were any.
fn without_names(act: &mut Act) -> bool {
    let (Act::Create { members, .. } | Act::Add(members)) = act else {
        return false;
    };
    for member in members.iter_mut() {
        member.handle = String::new();
        member.display_name = String::new();
    }
    !members.is_empty()
}

/// What a person is told where the roster does not permit something.
fn failure(error: &RosterError) -> Failure {
    match error {
        RosterError::NotAnAdmin { .. } | RosterError::NotAMember { .. } => Failure::NotAllowed,
        RosterError::TooManyMembers { .. } | RosterError::EntryTooLarge { .. } => Failure::GroupTooLarge,
        RosterError::LastAdmin { .. } => Failure::LastAdmin,
        RosterError::PictureTooLarge { .. } => Failure::GroupTooLarge,
        _ => Failure::NotNow,
    }
}
