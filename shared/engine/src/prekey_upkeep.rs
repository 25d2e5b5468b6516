//! Publishing the own prekeys, filling them up, replacing them: what is due is found by looking, each time the relay has said
//! what it has.

use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{AddOneTime, PublishBundle};
use chopar_wire::{AccountId, DeviceId, limits};

use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::prekeys::{BundleDraft, OneTimeDraft};
use crate::requests::What;
use crate::tokens::Waiting;

/// How often it is looked whether something is due, in milliseconds.
const LOOK_MS: u64 = 3_600_000;

impl Engine {
    /// Publishes, fills up and replaces what is due.
    pub(crate) fn pump_prekeys(&mut self, cx: &mut Context<'_>) {
        if !self.link.drained() {
            return;
        }
        let Some((account, device)) = self.own.as_ref().map(|own| (own.account, own.device)) else {
            return;
        };
        self.pump_bundle(account, device, cx);
        self.pump_one_time(device, cx);
    }

    fn pump_bundle(&mut self, account: AccountId, device: DeviceId, cx: &mut Context<'_>) {
        let busy = self.requests.is_open(|w| *w == What::PublishBundle)
            || self.tokens.is_open(|w| matches!(w, Waiting::Bundle(_)));
        let Some(published) = self.prekeys.published().filter(|_| !busy) else {
            return;
        };
        let newest = self.prekeys.newest();
        // A relay that has a later one than this vault: the vault was rolled back, its successor is needed.
        let wanted = published > newest || self.prekeys.wants_successor(cx.now);
        if wanted && let Some(draft) = self.prekeys.draft_bundle(account, device, cx) {
            let inputs = vec![draft.signing_input()];
            let token = self.tokens.wait(Waiting::Bundle(Box::new(draft)));
            cx.effect(Effect::Sign { token, inputs });
        } else if published < newest
            && let Some(signed) = self.prekeys.newest_signed()
        {
            self.requests.send(
                cx,
                What::PublishBundle,
                Body::PublishBundle(PublishBundle { bundle: Some(signed) }),
            );
        }
    }

    fn pump_one_time(&mut self, device: DeviceId, cx: &mut Context<'_>) {
        let busy = self.requests.is_open(|w| *w == What::AddOneTime)
            || self.tokens.is_open(|w| matches!(w, Waiting::OneTime(_)));
        let full = |left| left as usize >= limits::ONE_TIME_POOL;
        if busy || self.prekeys.left().is_none_or(full) {
            return;
        }
        if let Some(draft) = self.prekeys.draft_pairs(&device, cx) {
            let inputs = draft.signing_inputs();
            let token = self.tokens.wait(Waiting::OneTime(draft));
            cx.effect(Effect::Sign { token, inputs });
        }
    }

    pub(crate) fn on_bundle_signed(&mut self, draft: BundleDraft, signature: [u8; 64], cx: &mut Context<'_>) {
        // Published by the next look at what the relay has.
        let _ = self.prekeys.take_bundle(draft, signature, cx);
    }

    pub(crate) fn on_pairs_signed(
        &mut self,
        draft: OneTimeDraft,
        signatures: &[[u8; 64]],
        cx: &mut Context<'_>,
    ) {
        let one_time = self.prekeys.take_pairs(draft, signatures, cx);
        if self.link.signed_in() {
            self.requests
                .send(cx, What::AddOneTime, Body::AddOneTime(AddOneTime { one_time }));
        }
    }

    pub(crate) fn on_bundle_published(&mut self) {
        let newest = self.prekeys.newest();
        self.prekeys.relay_has(None, Some(newest));
    }

    /// How many pairs an upload frame added is known by the number it held: the relay takes all or none.
    pub(crate) fn on_pairs_added(&mut self) {
        let left = self.prekeys.left().unwrap_or(0) as usize;
        let added = limits::ONE_TIME_POOL
            .saturating_sub(left)
            .min(limits::MAX_ONE_TIME_PER_FRAME);
        self.prekeys.relay_has(u32::try_from(left + added).ok(), None);
    }

    /// The relay did not take them; what it has is asked at the next sign-in.
    pub(crate) fn on_prekeys_refused(&mut self) {
        self.prekeys.unknown();
    }

    /// What time alone makes due, looked at once an hour.
    pub(crate) fn tick_upkeep(&mut self, cx: &mut Context<'_>) {
        if cx.now < self.upkeep {
            return;
        }
        self.upkeep = cx.now.plus_ms(LOOK_MS);
        // What was handed over and waits here may still need an old key.
        if let Some(drained) = self.own.as_ref().map(|own| own.drained)
            && self.inbox.is_empty()
        {
            self.prekeys.expire(drained, cx);
        }
        self.sessions.expire(cx);
        self.forget_old_marks(cx);
        self.tick_expiry(cx);
        self.tick_quarantine(cx);
        self.expire_groups(cx);
        self.pending.forget_old(cx);
    }
}
