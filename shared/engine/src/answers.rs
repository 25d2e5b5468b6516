//! The relay's answers, each to what asked for it.

use chopar_wire::Timestamp;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{Reason, Refused};

use crate::claims;
use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::log_sync::NoLog;
use crate::requests::What;

impl Engine {
    pub(crate) fn on_answer(&mut self, what: What, body: Option<Body>, cx: &mut Context<'_>) {
        if let Some(Body::Refused(refused)) = &body {
            return self.on_refused(what, refused, cx);
        }
        match (what, body) {
            (What::SignIn, Some(Body::SignedIn(signed_in))) => self.on_signed_in(&signed_in, cx),
            (What::Register, Some(Body::Registered(registered))) => self.on_registered(&registered, cx),
            (What::CheckInvite { asked }, Some(Body::InviteStatus(status))) => {
                self.on_invite_status(asked, &status, cx);
            }
            (What::Recover, Some(Body::Log(log))) => self.on_recovered_log(&log, cx),
            (What::AdmitDevice, Some(Body::SignedIn(signed_in))) => self.on_admitted(&signed_in, cx),
            (What::AdmitDevice, Some(Body::LogConflict(_))) => self.on_admission_conflict(cx),
            (What::Submit { row, submission }, Some(Body::Accepted(_))) => {
                self.on_accepted(row, submission, cx);
            }
            (What::Submit { row, .. }, Some(Body::DeviceMismatch(mismatch))) => {
                self.on_mismatch(row, &mismatch, cx)
            }
            (What::Signal | What::Ack, Some(_)) => {}
            (
                What::SubmitGroup {
                    group,
                    row,
                    submission,
                },
                Some(Body::GroupAccepted(accepted)),
            ) => {
                self.on_group_accepted(&group, row, &submission, &accepted, cx);
            }
            (
                What::SubmitGroup {
                    group,
                    row,
                    submission,
                },
                Some(Body::GroupMismatch(mismatch)),
            ) => {
                self.on_group_mismatch(&group, row, &submission, &mismatch, cx);
            }
            (What::BeginFile { upload, file }, Some(Body::FileGrant(grant))) => {
                self.on_upload_granted(upload, file, &grant, cx);
            }
            (What::OpenFile { home }, Some(Body::FileGrant(grant))) => {
                self.on_fetch_granted(home, &grant, cx);
            }
            (What::DeleteFile { file }, Some(Body::Done(_))) => self.on_file_deleted(file, cx),
            (What::FetchOpaque { group }, Some(Body::OpaqueLog(log))) => self.on_opaque_log(&group, &log, cx),
            (What::AppendOpaque { group, append }, Some(Body::OpaqueLog(log))) => {
                self.on_opaque_appended(&group, *append, &log, cx);
            }
            (What::FetchLog { account, from }, Some(Body::Log(log))) => self.on_log(account, from, &log, cx),
            (What::AppendLog { asked, entry }, Some(body)) => self.on_appended(asked, *entry, &body, cx),
            (What::Find { asked }, Some(Body::People(people))) => self.on_people(asked, &people, cx),
            (What::CheckHandle { account }, Some(Body::People(people))) => {
                self.on_handle_checked(account, &people, cx);
            }
            (What::PublishBundle, Some(Body::Done(_))) => self.on_bundle_published(),
            (What::AddOneTime, Some(Body::Done(_))) => self.on_pairs_added(),
            (What::ClaimBundle { account, device }, Some(Body::ClaimedBundle(claimed))) => {
                self.on_bundle(account, device, &claimed, cx);
            }
            (What::SetProfile { asked, display_name }, Some(Body::Done(_))) => {
                if let Some(own) = &mut self.own {
                    own.display_name = display_name;
                }
                self.phase_changed(cx);
                cx.answer(asked, Answer::Done);
            }
            (What::CreateInvite { asked }, Some(Body::Invite(invite))) => {
                match claims::token(&invite.token) {
                    Some(token) => {
                        let expires = Timestamp(invite.expires);
                        cx.answer(asked, Answer::InviteCreated { token, expires });
                    }
                    None => cx.fail(asked, Failure::RelayMisbehaved),
                }
            }
            (What::ListInvites { asked }, Some(Body::Invites(invites))) => {
                cx.answer(asked, Answer::Invites(claims::invites(&invites)));
            }
            (What::RevokeInvite { asked }, Some(Body::Done(_))) => cx.answer(asked, Answer::Done),
            (What::ListMembers { asked }, Some(Body::Members(members))) => {
                let answer = Answer::Members {
                    members: claims::members(&members),
                    more: members.more,
                };
                cx.answer(asked, answer);
            }
            // An answer of the wrong kind, or of one this build does not know.
            (what, _) => self.on_no_answer(what, Failure::RelayMisbehaved, cx),
        }
    }

    fn on_refused(&mut self, what: What, refused: &Refused, cx: &mut Context<'_>) {
        match what {
            What::SignIn => self.on_sign_in_refused(refused, cx),
            What::Register => self.on_register_refused(refused, cx),
            What::Recover | What::AdmitDevice => self.on_recovery_refused(&what, refused, cx),
            What::Submit { row, .. } => self.on_submit_refused(row, refused, cx),
            What::FetchLog { account, .. } => {
                let failed = match refused.reason() {
                    Reason::NoSuchAccount => NoLog::Gone,
                    Reason::RateLimited | Reason::ShuttingDown | Reason::Storage => NoLog::PutOff,
                    _ => NoLog::Refused,
                };
                self.on_log_failed(account, failed, cx);
            }
            What::SubmitGroup {
                group,
                row,
                submission,
            } => {
                self.on_group_refused(&group, row, &submission, refused, cx);
            }
            What::BeginFile { upload, .. } => self.on_upload_refused(upload, refused, cx),
            What::OpenFile { home } => self.on_fetch_refused(home, refused, cx),
            What::DeleteFile { file } => self.ending_put_off(file, refused.retry_after_ms, cx),
            What::FetchOpaque { group } => self.on_opaque_failed(&group, cx),
            What::AppendOpaque { group, .. } => self.on_append_failed(&group, cx),
            What::PublishBundle | What::AddOneTime => self.on_prekeys_refused(),
            What::ClaimBundle { account, device } => {
                if matches!(refused.reason(), Reason::NoSuchDevice | Reason::NoSuchAccount) {
                    self.want_log(account, cx.now);
                }
                self.opening_failed(account, device, cx);
            }
            what => {
                if let Some(asked) = what.asked() {
                    cx.fail(asked, failure(refused));
                }
            }
        }
    }

    /// A request whose answer will not come, or makes no sense.
    fn on_no_answer(&mut self, what: What, failure: Failure, cx: &mut Context<'_>) {
        match what {
            What::ClaimBundle { account, device } => self.opening_failed(account, device, cx),
            What::FetchLog { account, .. } => self.on_log_failed(account, NoLog::Refused, cx),
            What::SignIn
            | What::Register
            | What::Recover
            | What::AdmitDevice
            | What::Submit { .. }
            | What::SubmitGroup { .. } => self.drop_link(cx),
            What::BeginFile { upload, .. } => self.upload_put_off(upload, cx),
            What::OpenFile { home } => self.fetch_put_off(home, failure, cx),
            What::DeleteFile { file } => self.ending_put_off(file, 0, cx),
            What::FetchOpaque { group } => self.on_opaque_failed(&group, cx),
            What::AppendOpaque { group, .. } => self.on_append_failed(&group, cx),
            What::PublishBundle | What::AddOneTime => self.on_prekeys_refused(),
            what => {
                if let Some(asked) = what.asked() {
                    cx.fail(asked, failure);
                }
            }
        }
    }

    /// The connection is gone: what was open on it is settled. What the engine itself asked will be asked again.
    pub(crate) fn connection_settled(&mut self, cx: &mut Context<'_>) {
        for what in self.requests.drain() {
            match what {
                What::FetchLog { account, .. } => {
                    self.claim_put_off(account, cx);
                    self.want_log(account, cx.now);
                }
                What::FetchOpaque { group } | What::AppendOpaque { group, .. } => {
                    self.on_opaque_failed(&group, cx);
                }
                What::BeginFile { upload, .. } => self.upload_grounded(upload),
                What::OpenFile { home } => self.fetch_grounded(home),
                What::DeleteFile { file } => self.ending_grounded(file),
                what => {
                    if let Some(asked) = what.asked() {
                        cx.fail(asked, Failure::Offline);
                    }
                }
            }
        }
        self.recovering_grounded();
        self.handles_asked.clear();
        self.groups_grounded();
        self.openings_grounded();
        self.outbox.grounded();
        self.inbox.clear();
        self.prekeys.unknown();
    }
}

/// The failure that a person is told for a refusal.
pub(crate) fn failure(refused: &Refused) -> Failure {
    match refused.reason() {
        Reason::NotAllowed => Failure::NotAllowed,
        Reason::RateLimited | Reason::ShuttingDown => Failure::RateLimited,
        Reason::Storage => Failure::RelayStorage,
        Reason::InviteUnknown => Failure::InviteUnknown,
        Reason::InviteExpired => Failure::InviteExpired,
        Reason::InviteUsed => Failure::InviteUsed,
        Reason::HandleInvalid => Failure::HandleCharacter,
        Reason::HandleTaken => Failure::HandleTaken,
        Reason::NameInvalid => Failure::NameInvalid,
        Reason::NoSuchAccount | Reason::NoSuchDevice => Failure::NotFound,
        _ => Failure::Refused(refused.reason),
    }
}
