//! From a text to one submission for everybody, and what the relay says to it.

use chopar_e2ee::padding::pad;
use chopar_e2ee::seal::session_body;
use chopar_identity::group_envelope_id;
use chopar_wire::proto::content::Payload;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{ExpiryClass, GroupAccepted, GroupMismatch, Reason, Refused, SubmitGroup};
use chopar_wire::{AccountId, GroupId, GroupRecipient, GroupSubmissionId, MessageId};
use prost::Message;

use super::epochs::Readiness;
use super::rows::{GroupRow, Made, Recipient};
use super::state::conversation_of;
use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::line::Progress;
use crate::removing::{nothing, says};
use crate::requests::What;
use crate::seen::SeenId;
use crate::submitted::{REFUSED_CAP_MS, REFUSED_MS};
use crate::view::{Held, SentState};

/// After a mismatch: time for the logs that were asked for, in milliseconds.
const MISMATCH_MS: u64 = 300;

impl Engine {
    /// Puts a payload into a group's outbox. `message`: the line it is.
    pub(crate) fn say_to_group(
        &mut self,
        id: &GroupId,
        payload: &Payload,
        message: Option<(u64, MessageId)>,
        cx: &mut Context<'_>,
    ) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let number = group.next_row();
        group
            .rows
            .insert(number, GroupRow::new(payload.encode_to_vec(), message, cx.now));
        self.groups.save_row_state(id, number, cx);
    }

    /// A text of an own message stays in nothing that waits to be sent, or to be sent again. What is encrypted already goes
    /// out, so that no number is missing at the other ends. Gives the members to whom it goes once more, in their sessions.
    pub(crate) fn silence_in_group(
        &mut self,
        id: &GroupId,
        message: &MessageId,
        cx: &mut Context<'_>,
    ) -> Vec<AccountId> {
        let Some(group) = self.groups.get_mut(id) else {
            return Vec::new();
        };
        let (mut silenced, mut again) = (Vec::new(), Vec::new());
        for (number, row) in group.rows.iter_mut() {
            if row.said().is_some_and(|said| says(&said, message)) {
                row.payload = nothing();
                row.message = None;
                silenced.push((*number, row.made.is_some()));
                let to = row.to.iter().filter(|to| to.again);
                again.extend(to.map(|to| to.account));
            }
        }
        for (number, made) in silenced {
            if made {
                self.groups.save_row_state(id, number, cx);
            } else {
                self.groups.remove_row(id, number, cx);
            }
        }
        again
    }

    /// The line of an own message is gone; the message goes its way.
    pub(crate) fn unname_in_group(&mut self, id: &GroupId, message: &MessageId, cx: &mut Context<'_>) {
        let Some((_, number)) = self.groups.row_of(message).filter(|(group, _)| group == id) else {
            return;
        };
        if let Some(row) = self
            .groups
            .get_mut(id)
            .and_then(|group| group.rows.get_mut(&number))
        {
            row.message = None;
            self.groups.save_row_state(id, number, cx);
        }
    }

    /// Tries again at once what waits.
    pub(crate) fn retry_in_group(
        &mut self,
        asked: u64,
        id: &GroupId,
        message: &MessageId,
        cx: &mut Context<'_>,
    ) {
        let waiting = self.groups.row_of(message).filter(|(group, _)| group == id);
        let row = waiting.and_then(|(_, number)| self.groups.get_mut(id)?.rows.get_mut(&number));
        let Some(row) = row.filter(|row| row.accepted.is_none()) else {
            return cx.fail(asked, Failure::NotFound);
        };
        row.not_before = cx.now;
        row.refusals = 0;
        if let Some((line, _)) = row.message {
            self.set_held(conversation_of(id), line, None, cx);
        }
        cx.answer(asked, Answer::Done);
    }

    /// Sends what can be sent into groups.
    pub(crate) fn pump_group_rows(&mut self, cx: &mut Context<'_>) {
        if !self.link.drained() || self.inbox.busy() {
            return;
        }
        let Some(own) = self.own.as_ref().map(|own| own.account) else {
            return;
        };
        for id in self.groups.ids() {
            let Some(number) = self.groups.get(&id).and_then(|group| group.next_said(&own)) else {
                continue;
            };
            let ready = self
                .groups
                .row(&id, number)
                .is_some_and(|row| !row.in_flight && row.not_before <= cx.now);
            if ready {
                self.try_group_row(&id, number, cx);
            }
        }
    }

    fn try_group_row(&mut self, id: &GroupId, number: u64, cx: &mut Context<'_>) {
        let said = self.groups.row(id, number).and_then(GroupRow::said);
        let content = said.as_ref().and_then(|said| said.content.as_ref());
        let to = match self.ready_epoch(id, content, cx) {
            Readiness::Ready(to) => to,
            Readiness::Wait => return,
            Readiness::Held(held) => return self.hold_group_lines(id, Some(held), cx),
        };
        let present = self
            .groups
            .get(id)
            .and_then(|group| Some(group.sending.as_ref()?.id().generation));
        let made = self
            .groups
            .row(id, number)
            .and_then(|row| Some(row.made.as_ref()?.generation));
        if made.is_none() || made != present {
            self.groups.unmake_row(id, number);
            if !self.make_group_row(id, number, to, cx) {
                return;
            }
        }
        self.submit_group_row(id, number, cx);
    }

    /// Encrypts a row once for everybody. Whether it could.
    fn make_group_row(
        &mut self,
        id: &GroupId,
        number: u64,
        to: Vec<Recipient>,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(own) = self.own.as_ref().map(|own| (own.account, own.device)) else {
            return false;
        };
        let own_log = self.log(&own.0).map(|log| (&log.head()).into());
        let Some(row) = self.groups.row(id, number) else {
            return false;
        };
        let Some(mut payload) = row.said() else {
            return false;
        };
        payload.own_log = own_log;
        payload.time = row.created.0;
        let Ok(padded) = pad(&payload.encode_to_vec()) else {
            return false;
        };
        let Some(epoch) = self.groups.get_mut(id).and_then(|group| group.sending.as_mut()) else {
            return false;
        };
        let Ok(message) = epoch.encrypt(&padded, cx.rng) else {
            return false;
        };
        let made = Made {
            submission: GroupSubmissionId::new(cx.random()),
            body: session_body(&message),
            generation: epoch.id().generation,
        };
        // Should the relay hand it to this very device, it is known.
        let echo = group_envelope_id(&made.submission, &own.1);
        self.seen.insert(SeenId::envelope(&echo));
        if let Some(row) = self
            .groups
            .get_mut(id)
            .and_then(|group| group.rows.get_mut(&number))
        {
            row.made = Some(made);
            row.to = to;
        }
        self.groups.touch(id);
        self.groups.index_row(*id, number);
        self.groups.save_row(id, number, cx);
        true
    }

    fn submit_group_row(&mut self, id: &GroupId, number: u64, cx: &mut Context<'_>) {
        let Some(row) = self.groups.row(id, number) else {
            return;
        };
        let Some(made) = &row.made else { return };
        let named = row.to.iter().filter_map(|to| {
            let head = self.log(&to.account)?.head();
            Some(GroupRecipient::new(to.account, &head.hash))
        });
        let recipients: Vec<_> = named.collect();
        if recipients.is_empty() {
            // Nobody else is there: it is said.
            return self.group_row_accepted(id, number, &[], cx);
        }
        let submit = SubmitGroup {
            id: made.submission.into(),
            body: made.body.clone().into(),
            expiry: ExpiryClass::ExpiryMonth.into(),
            recipients: GroupRecipient::encode(&recipients),
        };
        let what = What::SubmitGroup {
            group: *id,
            row: number,
            submission: made.submission,
        };
        self.requests.send(cx, what, Body::SubmitGroup(submit));
        if let Some(row) = self
            .groups
            .get_mut(id)
            .and_then(|group| group.rows.get_mut(&number))
        {
            row.in_flight = true;
        }
    }

    /// The row that an answer is about, unless it was made again meanwhile.
    fn submitted_row(&mut self, id: &GroupId, number: u64, submission: &GroupSubmissionId) -> bool {
        let row = self
            .groups
            .get_mut(id)
            .and_then(|group| group.rows.get_mut(&number));
        row.is_some_and(|row| {
            let same = row
                .made
                .as_ref()
                .is_some_and(|made| made.submission == *submission);
            row.in_flight &= !same;
            same
        })
    }

    pub(crate) fn on_group_accepted(
        &mut self,
        id: &GroupId,
        number: u64,
        submission: &GroupSubmissionId,
        accepted: &GroupAccepted,
        cx: &mut Context<'_>,
    ) {
        if self.submitted_row(id, number, submission) {
            let full = accepted.full.iter();
            let full: Vec<AccountId> = full
                .filter_map(|account| AccountId::try_from(account.as_ref()).ok())
                .collect();
            self.group_row_accepted(id, number, &full, cx);
        }
    }

    fn group_row_accepted(&mut self, id: &GroupId, number: u64, full: &[AccountId], cx: &mut Context<'_>) {
        let Some(row) = self
            .groups
            .get_mut(id)
            .and_then(|group| group.rows.get_mut(&number))
        else {
            return;
        };
        row.accepted = Some(cx.now);
        row.refusals = 0;
        row.in_flight = false;
        if let Some(made) = &mut row.made {
            made.body = Vec::new();
        }
        let line = row.message;
        self.groups.save_row_state(id, number, cx);
        if let Some((line, _)) = line {
            let progress = Progress {
                state: SentState::Sent,
                held: None,
            };
            self.set_progress(conversation_of(id), line, progress, cx);
        }
        // Whose queue is full gets it in the session with them, which waits for room.
        for account in full {
            self.say_again(id, number, account, cx);
        }
    }

    pub(crate) fn on_group_mismatch(
        &mut self,
        id: &GroupId,
        number: u64,
        submission: &GroupSubmissionId,
        mismatch: &GroupMismatch,
        cx: &mut Context<'_>,
    ) {
        if !self.submitted_row(id, number, submission) {
            return;
        }
        let accounts = |ids: &[prost::bytes::Bytes]| -> Vec<AccountId> {
            let ids = ids.iter();
            ids.filter_map(|id| AccountId::try_from(id.as_ref()).ok())
                .collect()
        };
        for account in accounts(&mismatch.behind) {
            self.want_log(account, cx.now);
        }
        for account in accounts(&mismatch.gone) {
            self.unreachable(account, Some(Held::NoSuchAccount), cx);
        }
        self.hold_group_row(id, number, MISMATCH_MS, cx);
    }

    pub(crate) fn on_group_refused(
        &mut self,
        id: &GroupId,
        number: u64,
        submission: &GroupSubmissionId,
        refused: &Refused,
        cx: &mut Context<'_>,
    ) {
        if !self.submitted_row(id, number, submission) {
            return;
        }
        let held = match refused.reason() {
            Reason::Storage => Some(Held::RelayStorage),
            Reason::RateLimited | Reason::ShuttingDown | Reason::SignInFirst => None,
            _ => Some(Held::Refused),
        };
        self.hold_group_lines(id, held, cx);
        let wait = refused.retry_after_ms.clamp(REFUSED_MS, REFUSED_CAP_MS);
        self.hold_group_row(id, number, wait, cx);
    }

    /// The row waits, longer each time.
    fn hold_group_row(&mut self, id: &GroupId, number: u64, first_ms: u64, cx: &mut Context<'_>) {
        let Some(row) = self
            .groups
            .get_mut(id)
            .and_then(|group| group.rows.get_mut(&number))
        else {
            return;
        };
        let wait = first_ms
            .saturating_mul(1 << row.refusals.min(16))
            .min(REFUSED_CAP_MS);
        row.refusals += 1;
        let jitter = cx.below(wait / 2 + 1);
        row.not_before = cx.now.plus_ms(wait / 2 + jitter);
    }

    /// Lines that wait say why.
    pub(crate) fn hold_group_lines(&mut self, id: &GroupId, held: Option<Held>, cx: &mut Context<'_>) {
        let Some(group) = self.groups.get(id) else { return };
        let lines = group.waiting().filter_map(|(_, row)| Some(row.message?.0));
        let lines: Vec<u64> = lines.collect();
        for line in lines {
            self.set_held(conversation_of(id), line, held, cx);
        }
    }

    /// The connection is gone: nothing is in flight any more.
    pub(crate) fn groups_grounded(&mut self) {
        for group in self.groups.all.values_mut() {
            group.rows.values_mut().for_each(|row| row.in_flight = false);
            if let Some(pending) = &mut group.pending {
                pending.in_flight = false;
            }
        }
    }
}
