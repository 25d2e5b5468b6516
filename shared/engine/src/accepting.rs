//! A handshake that came in: verify the sender's log, agree, open the first message, and only then have a session.

use chopar_e2ee::device::PeerDevice;
use chopar_e2ee::handshake::{Acceptance, HandshakeHeader};
use chopar_e2ee::keys::Agreed;
use chopar_e2ee::ratchet::Session;
use chopar_e2ee::seal::{SenderLog, Unsealed};
use chopar_identity::AccountLog;
use chopar_wire::{AccountId, DeviceId};

use crate::contact::Contact;
use crate::content::understood;
use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::inbox::{Delivery, Outcome};
use crate::log_sync::FETCH_DELAY_MS;
use crate::prekeys::{UserId, user_id};
use crate::refusals::Refusal;
use crate::sessions::Live;
use crate::set::Set;
use crate::tokens::Waiting;

/// A handshake that waits for its agreement. It holds no session and no draft of one.
pub(crate) struct Accepting {
    delivery: Delivery,
    account: AccountId,
    device: DeviceId,
    /// The verified log of somebody who is no contact yet.
    stranger: Option<AccountLog>,
    header: HandshakeHeader,
    acceptance: Acceptance,
    message: Vec<u8>,
}

impl Engine {
    pub(crate) fn begin_acceptance(
        &mut self,
        delivery: &Delivery,
        unsealed: Unsealed,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let Some(local) = self.local() else {
            return Outcome::Settled;
        };
        let Unsealed {
            account,
            device,
            log,
            header,
            message,
        } = unsealed;
        // Before anything is spent on it: a header whose prekeys are gone was used before, or is too old.
        if let Err(refusal) = self.named_prekeys(&header, &account) {
            return self.refuse(refusal);
        }
        if let Err(at) = self.inbox.may_open(cx.now) {
            return Outcome::Later(at);
        }
        let known = self.log(&account).is_some();
        let stranger = match log {
            SenderLog::Whole(entries) if known => {
                if !self.take_carried(account, &entries, cx) {
                    return self.refuse(Refusal::SenderUnknown);
                }
                None
            }
            SenderLog::Whole(entries) => match AccountLog::verify(&account, &entries) {
                Ok(log) => Some(log),
                Err(_) => return self.refuse(Refusal::SenderUnknown),
            },
            SenderLog::Head(_) if known => None,
            SenderLog::Head(_) if !self.may_park(&account) => return self.refuse(Refusal::SenderUnknown),
            SenderLog::Head(_) => {
                self.contacts
                    .entry(account)
                    .or_insert_with(|| Contact::new(account, cx.now));
                let delay = cx.below(FETCH_DELAY_MS);
                self.want_log(account, cx.now.plus_ms(delay));
                return Outcome::Parked(account);
            }
        };
        let log = stranger.as_ref().or_else(|| self.log(&account));
        let Some(peer) = log.and_then(|log| PeerDevice::from_log(log, &device).ok()) else {
            return self.refuse(Refusal::SenderUnknown);
        };
        let prekeys = match self.named_prekeys(&header, &account) {
            Ok(prekeys) => prekeys,
            Err(refusal) => return self.refuse(refusal),
        };
        let Ok(acceptance) = Acceptance::begin(&local, &peer, &header, &prekeys) else {
            return self.refuse(Refusal::HandshakeInvalid);
        };
        let with = *acceptance.wanted().as_bytes();
        let delivery = delivery.clone();
        let accepting = Accepting {
            delivery,
            account,
            device,
            stranger,
            header,
            acceptance,
            message,
        };
        let token = self.tokens.wait(Waiting::Acceptance(Box::new(accepting)));
        cx.effect(Effect::Agree { token, with });
        Outcome::Agreeing
    }

    pub(crate) fn on_acceptance_agreed(
        &mut self,
        accepting: Accepting,
        shared: &[u8; 32],
        cx: &mut Context<'_>,
    ) {
        self.inbox.agreed();
        let seq = accepting.delivery.seq;
        if let Err(refusal) = self.accept(accepting, shared, cx) {
            self.refusals.note(refusal);
        }
        self.inbox.settle(seq);
    }

    /// The host could not agree: the envelope stays at the relay and comes again with the next connection.
    pub(crate) fn on_acceptance_failed(&mut self) {
        self.inbox.agreed();
    }

    fn accept(
        &mut self,
        accepting: Accepting,
        shared: &[u8; 32],
        cx: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        let Accepting {
            delivery,
            account,
            device,
            stranger,
            header,
            acceptance,
            message,
        } = accepting;
        // Time has passed: is it still new, and is the device still active?
        if self.sessions.by_header(&header.digest()).is_some() {
            return Err(Refusal::HandshakeReplayed);
        }
        let prekeys = self.named_prekeys(&header, &account)?;
        let log = self.log(&account).or(stranger.as_ref());
        if log.is_none_or(|log| log.device(&device).is_none()) {
            return Err(Refusal::SenderUnknown);
        }
        let agreed = Agreed::new(shared).map_err(|_| Refusal::HandshakeInvalid)?;
        let secrets = acceptance.finish(agreed);
        let mut session = Session::responder(secrets, prekeys.signed.secret.duplicate(), cx.now);
        let opened = session
            .open(&message, cx.now)
            .map_err(|_| Refusal::HandshakeInvalid)?;
        session
            .commit(opened.draft)
            .map_err(|_| Refusal::HandshakeInvalid)?;
        // Authenticated: from here on the sender is who they say.
        let payload = understood(&opened.plaintext);
        let generation = payload.as_ref().map_or(1, |p| p.generation.max(1));
        let contact = self
            .contacts
            .entry(account)
            .or_insert_with(|| Contact::new(account, cx.now));
        if contact.log.is_none() {
            contact.log = stranger;
        }
        contact.save_log(cx);
        let facts = contact.devices.entry(device).or_default();
        // Only one that is newer than all that were known takes the place of the one to be repaired.
        facts.repair &= generation <= facts.generation;
        facts.generation = facts.generation.max(generation);
        facts.heard = cx.now;
        cx.contacts.insert(account);
        let header_hash = header.digest();
        let live = Live {
            account,
            generation,
            header_hash,
            created: cx.now,
            session,
            unanswered: None,
            superseded: None,
        };
        let begun = self.sessions.add(device, live, cx);
        self.forgotten(account, begun, cx);
        self.prekeys.used(&header, &account, cx);
        // The log that came along, or that is pinned, may end before the device was revoked: the relay is asked whether it
        // goes on, a while later, so that the moment does not name the sender.
        let delay = cx.below(FETCH_DELAY_MS);
        self.want_log(account, cx.now.plus_ms(delay));
        if let Some(payload) = payload {
            self.take_payload(account, device, &delivery, payload, None, cx);
        }
        self.retry_quarantine(cx);
        self.bound_strangers(account, device, cx);
        Ok(())
    }

    /// The private halves a handshake of this account names.
    fn named_prekeys(
        &self,
        header: &HandshakeHeader,
        account: &AccountId,
    ) -> Result<chopar_e2ee::prekeys::Prekeys<'_>, Refusal> {
        let users: Set<UserId> = self
            .contacts
            .keys()
            .filter(|account| self.speaks_to(account))
            .map(user_id)
            .collect();
        self.prekeys
            .named_by(header, account, |user| users.contains(user))
    }

    /// Puts an envelope away for good.
    pub(crate) fn refuse(&mut self, refusal: Refusal) -> Outcome {
        self.refusals.note(refusal);
        Outcome::Settled
    }
}
