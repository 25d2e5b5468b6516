//! How far a contact can be relied on: alarms, safety numbers, and what a person decides about them.

use chopar_wire::AccountId;

use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::view::{Alarm, DeviceView, Held, LineBody, Notice, Person, Trust};

pub(crate) const fn trust_number(trust: Trust) -> u32 {
    match trust {
        Trust::Unverified => 0,
        Trust::Verified => 1,
        Trust::Changed => 2,
    }
}

pub(crate) const fn trust_from(number: u32) -> Option<Trust> {
    match number {
        0 => Some(Trust::Unverified),
        1 => Some(Trust::Verified),
        2 => Some(Trust::Changed),
        _ => None,
    }
}

pub(crate) const fn alarm_number(alarm: Option<Alarm>) -> u32 {
    match alarm {
        None => 0,
        Some(Alarm::LogForked) => 1,
        Some(Alarm::LogRolledBack) => 2,
        Some(Alarm::LogForged) => 3,
        Some(Alarm::BundleForged) => 4,
        Some(Alarm::BundleRolledBack) => 5,
        Some(Alarm::LogWithheld) => 6,
        Some(Alarm::LogDisputed) => 7,
    }
}

pub(crate) const fn alarm_from(number: u32) -> Option<Alarm> {
    match number {
        1 => Some(Alarm::LogForked),
        2 => Some(Alarm::LogRolledBack),
        3 => Some(Alarm::LogForged),
        4 => Some(Alarm::BundleForged),
        5 => Some(Alarm::BundleRolledBack),
        6 => Some(Alarm::LogWithheld),
        7 => Some(Alarm::LogDisputed),
        _ => None,
    }
}

/// The graver one is shown. The gravest, a fork of a log, stays until the account's owner resolves it: there the account's own
/// keys contradict each other. The others pass by themselves once what is shown verifies again; nothing of what was forged,
/// withheld or rolled back was ever accepted, so nothing has to be resolved.
const fn gravity(alarm: Alarm) -> u8 {
    match alarm {
        Alarm::BundleForged | Alarm::BundleRolledBack => 0,
        Alarm::LogWithheld | Alarm::LogDisputed => 1,
        Alarm::LogForged | Alarm::LogRolledBack => 2,
        Alarm::LogForked => 3,
    }
}

impl Engine {
    /// Names a broken promise on the conversation and stops sending.
    pub(crate) fn raise_alarm(&mut self, account: AccountId, alarm: Alarm, cx: &mut Context<'_>) {
        let own = self.is_own(&account);
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        let graver = |raised| gravity(alarm) > gravity(raised);
        let stays = |raised| raised == alarm || (!graver(raised) && gravity(raised) > 0);
        if contact.alarm.is_some_and(stays) {
            return;
        }
        contact.alarm = Some(alarm);
        cx.touch(account);
        cx.own_devices |= own;
        // One that comes and goes is said once, until something else is said.
        let said = contact.row().and_then(|row| row.last).map(|line| line.body);
        if said != Some(LineBody::Notice(Notice::AlarmRaised(alarm))) {
            self.conversation_notice(account, &Notice::AlarmRaised(alarm), cx);
        }
        self.refresh_held(account, cx);
    }

    pub(crate) fn clear_alarm(&mut self, account: AccountId, cx: &mut Context<'_>) {
        if let Some(contact) = self.contacts.get_mut(&account).filter(|c| c.alarm.is_some()) {
            contact.alarm = None;
            cx.touch(account);
            cx.own_devices |= self.is_own(&account);
            self.refresh_held(account, cx);
        }
    }

    /// The relay shows what was claimed, or whoever claimed it takes it back.
    pub(crate) fn clear_claim(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get_mut(&account) else {
            return;
        };
        if contact.claim.take().is_some() {
            cx.contacts.insert(account);
        }
        if matches!(contact.alarm, Some(Alarm::LogWithheld | Alarm::LogDisputed)) {
            self.clear_alarm(account, cx);
        }
    }

    /// The relay shows the log that is pinned here: what it showed before was refused, and is over.
    pub(crate) fn clear_refused_log(&mut self, account: AccountId, cx: &mut Context<'_>) {
        let alarm = self.contacts.get(&account).and_then(|c| c.alarm);
        if matches!(alarm, Some(Alarm::LogForged | Alarm::LogRolledBack)) {
            self.clear_alarm(account, cx);
        }
    }

    /// A valid bundle came.
    pub(crate) fn clear_bundle_alarm(&mut self, account: AccountId, cx: &mut Context<'_>) {
        if self
            .contacts
            .get(&account)
            .and_then(|c| c.alarm)
            .is_some_and(|alarm| gravity(alarm) == 0)
        {
            self.clear_alarm(account, cx);
        }
    }

    pub(crate) fn unreachable(&mut self, account: AccountId, held: Option<Held>, cx: &mut Context<'_>) {
        if let Some(contact) = self.contacts.get_mut(&account).filter(|c| c.unreachable != held) {
            contact.unreachable = held;
            self.refresh_held(account, cx);
        }
    }

    pub(crate) fn person(&mut self, asked: u64, peer: AccountId, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get(&peer).filter(|contact| !contact.group) else {
            return cx.fail(asked, Failure::NotFound);
        };
        let number = self.safety_number(&peer);
        let person = Person {
            account: peer,
            handle: contact.handle.clone(),
            display_name: contact.display_name.clone(),
            safety_number: number.as_ref().map(|n| n.digits()).unwrap_or_default(),
            qr: number.map(|n| n.qr()).unwrap_or_default(),
            trust: contact.trust,
            alarm: contact.alarm,
            devices: self.device_views(&peer),
        };
        // The page shows what is known now; a newer log brings a new line, and the page asks again.
        if contact.log.is_none() {
            self.want_log(peer, cx.now);
        }
        cx.answer(asked, Answer::Person(Box::new(person)));
    }

    pub(crate) fn device_views(&self, account: &AccountId) -> Vec<DeviceView> {
        let this = self.own.as_ref().map(|own| own.device);
        let Some(log) = self.log(account) else {
            return Vec::new();
        };
        log.active_devices()
            .iter()
            .map(|device| DeviceView {
                device: device.id,
                name: device.name.as_str().to_owned(),
                added: chopar_wire::Timestamp(device.added),
                this: this == Some(device.id),
                revoked: false,
            })
            .collect()
    }

    pub(crate) fn mark_verified(
        &mut self,
        asked: u64,
        peer: AccountId,
        digits: &str,
        verified: bool,
        cx: &mut Context<'_>,
    ) {
        if let Err(failure) = self.same_digits(&peer, digits) {
            return cx.fail(asked, failure);
        }
        let trust = if verified {
            Trust::Verified
        } else {
            Trust::Unverified
        };
        self.decide_trust(peer, trust, cx);
        cx.answer(asked, Answer::Done);
    }

    /// Goes on without comparing: the contact is unverified from now on.
    pub(crate) fn accept_safety_number(
        &mut self,
        asked: u64,
        peer: AccountId,
        digits: &str,
        cx: &mut Context<'_>,
    ) {
        if let Err(failure) = self.same_digits(&peer, digits) {
            return cx.fail(asked, failure);
        }
        if self
            .contacts
            .get(&peer)
            .is_some_and(|c| c.trust == Trust::Changed)
        {
            self.decide_trust(peer, Trust::Unverified, cx);
        }
        cx.answer(asked, Answer::Done);
    }

    pub(crate) fn decide_trust(&mut self, peer: AccountId, trust: Trust, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get_mut(&peer).filter(|c| c.trust != trust) else {
            return;
        };
        contact.trust = trust;
        cx.touch(peer);
        let notice = if trust == Trust::Verified {
            Notice::Verified
        } else {
            Notice::Unverified
        };
        self.conversation_notice(peer, &notice, cx);
        self.refresh_held(peer, cx);
    }

    fn same_digits(&self, peer: &AccountId, digits: &str) -> Result<(), Failure> {
        let Some(number) = self.safety_number(peer) else {
            return Err(Failure::NotFound);
        };
        let typed = digits.chars().filter(char::is_ascii_digit);
        if typed.eq(number.digits().chars()) {
            Ok(())
        } else {
            Err(Failure::SafetyNumberChanged)
        }
    }
}
