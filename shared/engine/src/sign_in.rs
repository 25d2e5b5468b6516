//! Signing in: the proof over the relay's challenge, and what its answer settles.

use chopar_identity::SignInClaim;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{Challenge, Reason, Refused, SignIn, SignedIn};
use chopar_wire::{AccountId, DeviceId};

use crate::claims;
use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Failure;
use crate::link::State;
use crate::own::role_from;
use crate::records::account::Stage;
use crate::requests::What;
use crate::tokens::Waiting;
use crate::view::Stopped;

impl Engine {
    pub(crate) fn wants_proof(&self) -> bool {
        match self.own.as_ref().map(|own| own.stage) {
            Some(Stage::Asked | Stage::Registered) => true,
            Some(Stage::Prepared) => self.registering.is_some(),
            Some(Stage::Recovering) => self.admission_in_doubt(),
            Some(Stage::Revoked) | None => false,
        }
    }

    pub(crate) fn prove(&mut self, challenge: Challenge, cx: &mut Context<'_>) {
        let Some(own) = &self.own else { return };
        let Some(body) = self.sign_in_body(&challenge, own.account, own.device) else {
            return self.drop_link(cx);
        };
        let inputs = vec![SignInClaim::signing_input(&body)];
        let token = self.tokens.wait(Waiting::Proof {
            nonce: challenge.nonce.to_vec(),
            body,
        });
        self.link.state = State::SigningIn { challenge };
        cx.effect(Effect::Sign { token, inputs });
    }

    /// What a device signs to answer a challenge; `None`: it is no challenge.
    pub(crate) fn sign_in_body(
        &self,
        challenge: &Challenge,
        account: AccountId,
        device: DeviceId,
    ) -> Option<Vec<u8>> {
        let claim = SignInClaim {
            relay_name: challenge.relay_name.clone(),
            origin: self.origin.clone(),
            nonce: challenge.nonce.as_ref().try_into().ok()?,
            expires: challenge.expires,
            account,
            device,
        };
        Some(claim.body())
    }

    pub(crate) fn on_proof(
        &mut self,
        nonce: &[u8],
        body: Vec<u8>,
        signature: [u8; 64],
        cx: &mut Context<'_>,
    ) {
        // Another connection by now, with another challenge.
        let State::SigningIn { challenge } = &self.link.state else {
            return;
        };
        if challenge.nonce.as_ref() != nonce {
            return;
        }
        let relay = challenge.relay_name.clone();
        let proof = Some(Signed {
            body: body.into(),
            signature: signature.to_vec().into(),
        });
        match (self.own.as_ref().map(|own| own.stage), &self.registering) {
            (Some(Stage::Prepared | Stage::Asked), Some(_)) if self.may_register() => {
                self.register(proof, relay, cx);
            }
            (Some(Stage::Registered | Stage::Asked | Stage::Recovering), _) => {
                self.requests
                    .send(cx, What::SignIn, Body::SignIn(SignIn { proof }));
            }
            _ => {}
        }
    }

    pub(crate) fn on_signed_in(&mut self, signed_in: &SignedIn, cx: &mut Context<'_>) {
        self.link.state = State::SignedIn {
            since: cx.now,
            drained: false,
        };
        self.prekeys
            .relay_has(Some(signed_in.one_time_left), Some(signed_in.bundle_sequence));
        if self.prekeys.rolled_back() {
            self.doubt_vault(cx);
        }
        // Said again on each connection, where there are any.
        cx.own_devices |= !core::mem::take(&mut self.suspended).is_empty();
        let Some(own) = &mut self.own else { return };
        let account = own.account;
        let role = role_from(signed_in.role);
        // What is no name leaves the own as it was.
        let handle = claims::handle(&signed_in.handle).unwrap_or_else(|| own.handle.clone());
        let display_name =
            claims::display_name(&signed_in.display_name).unwrap_or_else(|| own.display_name.clone());
        if own.stage == Stage::Asked {
            own.display_name = display_name;
            self.registered(&handle, role, cx);
        } else if own.stage == Stage::Recovering {
            own.role = role;
            own.handle = handle;
            own.display_name = display_name;
            self.recovered(cx);
        } else if own.role != role || own.display_name != display_name || own.handle != handle {
            own.role = role;
            own.handle = handle;
            own.display_name = display_name;
            self.phase_changed(cx);
        }
        let head = signed_in
            .log_head
            .as_ref()
            .and_then(|head| chopar_identity::LogHead::try_from(head).ok());
        // With an alarm the whole chain is wanted, though the head may be the pinned one again.
        let settled = self.contacts.get(&account).is_some_and(|contact| {
            contact.alarm.is_none() && contact.log.as_ref().is_some_and(|log| head == Some(log.head()))
        });
        if !settled {
            self.want_log(account, cx.now);
        }
    }

    pub(crate) fn on_sign_in_refused(&mut self, refused: &Refused, cx: &mut Context<'_>) {
        match (self.own.as_ref().map(|own| own.stage), refused.reason()) {
            (Some(Stage::Asked), Reason::SignInFailed | Reason::NoSuchAccount | Reason::NoSuchDevice) => {
                // The lost registration was not accepted: the same again. The stage stays as it is until then, so that a
                // crash in between leads here again.
                self.form_stands();
                self.absent = true;
                self.await_challenge(cx);
            }
            // This device was not let in. With the key at hand once more; without it there is nothing to be done.
            (
                Some(Stage::Recovering),
                Reason::SignInFailed | Reason::NoSuchAccount | Reason::NoSuchDevice,
            ) => {
                self.absent = true;
                match self.recovering {
                    Some(_) => self.await_challenge(cx),
                    None => self.drop_link(cx),
                }
            }
            (_, Reason::DeviceRevoked) => self.own_device_revoked(cx),
            // The proof is right for what this device holds, so it is the relay that does not know it. A relay answers an
            // unknown account as it answers a wrong signature.
            (
                Some(Stage::Registered),
                Reason::SignInFailed | Reason::NoSuchAccount | Reason::NoSuchDevice,
            ) => {
                self.stop_link(Stopped::Unknown, cx);
            }
            (_, Reason::NotAllowed) => {
                self.recovering_failed(Failure::NotAllowed, cx);
                self.stop_link(Stopped::Suspended, cx);
            }
            _ => self.drop_link(cx),
        }
    }

    /// A proof answers one challenge, once: the relay sends another after a refusal.
    pub(crate) fn await_challenge(&mut self, cx: &Context<'_>) {
        if let State::SigningIn { .. } = &self.link.state {
            self.link.state = State::Greeting { since: cx.now };
        }
    }
}
