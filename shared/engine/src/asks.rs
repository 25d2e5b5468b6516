//! Intents: answered from memory, or kept until the relay can be asked.

use chopar_wire::Timestamp;
use chopar_wire::proto::content::File;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{CreateInvite, Find, ListInvites, ListMembers, RevokeInvite, SetProfile};

use prost::Message;

use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::files::sealed_ids;
use crate::intent::{Asked, Intent};
use crate::link::State;
use crate::own::role_number;
use crate::records::account::Stage;
use crate::requests::What;
use crate::sending::Saying;
use crate::view::{Preferences, Snapshot};

/// How long an intent waits for a connection, in milliseconds: longer than a reconnect, shorter than patience.
const ASK_MS: u64 = 15_000;
/// Intents that wait for a connection, at most.
const MAX_ASKS: usize = 64;

/// An intent that waits until the relay can be asked.
pub(crate) struct WaitingAsk {
    asked: Asked,
    due: Timestamp,
}

impl Engine {
    pub(crate) fn on_intent(&mut self, asked: Asked, cx: &mut Context<'_>) {
        let id = asked.id;
        let stage = self.own.as_ref().map(|own| own.stage);
        match asked.intent {
            Intent::Snapshot => self.snapshot(id, cx),
            Intent::ConnectNow => {
                self.connect_by_hand(cx);
                cx.answer(id, Answer::Done);
            }
            Intent::CreateAccount {
                invite,
                handle,
                display_name,
                device_name,
            } => {
                self.create_account(id, invite, &handle, &display_name, &device_name, cx);
            }
            Intent::Recover { key, device_name } => self.recover(id, key, &device_name, cx),
            Intent::ConfirmRecoveryKey { groups } => self.confirm_recovery_key(id, &groups, cx),
            Intent::CheckInvite { .. } => self.ask(asked, cx),
            Intent::Page {
                conversation,
                before,
                limit,
            } => self.page(id, conversation, before, limit, cx),
            Intent::FindMessage {
                conversation,
                message,
            } => self.find_message(id, conversation, message, cx),
            Intent::Search { query, after, limit } => self.search(id, query, after, limit, cx),
            Intent::Person { peer } => self.person(id, peer, cx),
            Intent::MarkRead { conversation, up_to } => {
                self.mark_read(conversation, up_to, cx);
                cx.answer(id, Answer::Done);
            }
            Intent::SaveDraft { conversation, text } => self.save_draft(id, conversation, text, cx),
            Intent::MarkVerified {
                peer,
                digits,
                verified,
            } => self.mark_verified(id, peer, &digits, verified, cx),
            Intent::AcceptSafetyNumber { peer, digits } => self.accept_safety_number(id, peer, &digits, cx),
            Intent::CompareQr { peer, payload } => self.compare_qr(id, peer, &payload, cx),
            Intent::Devices => self.devices(id, cx),
            Intent::DevicesSeen => self.devices_seen(id, cx),
            Intent::SetPreferences(preferences) => self.set_preferences(id, preferences, cx),
            _ if stage != Some(Stage::Registered) => cx.fail(id, Failure::NotNow),
            Intent::OpenConversation {
                peer,
                handle,
                display_name,
            } => {
                self.open_conversation(id, peer, &handle, &display_name, cx);
            }
            Intent::Send {
                conversation,
                id: message,
                text,
                reply_to,
                forwarded,
            } => {
                let saying = Saying {
                    text,
                    reply_to,
                    forwarded,
                    files: Vec::new(),
                };
                self.send_text(id, conversation, message, saying, cx);
            }
            Intent::SendFiles {
                conversation,
                id: message,
                text,
                reply_to,
                files,
            } => {
                let files = files.iter().map(|file| File::decode(file.0.as_slice()));
                // What is none is not sent, and neither is a message with files without any.
                let files: Vec<File> = files.collect::<Result<_, _>>().unwrap_or_default();
                if files.is_empty() {
                    return cx.fail(id, Failure::Browser);
                }
                let saying = Saying {
                    text,
                    reply_to,
                    forwarded: false,
                    files,
                };
                let sealed = sealed_ids(&saying.files);
                self.send_text(id, conversation, message, saying, cx);
                self.discard_unsent(&sealed, cx);
            }
            Intent::FetchFile {
                conversation,
                message,
                file,
            } => self.fetch_file_of(id, conversation, message, file, cx),
            Intent::StopFetch { conversation, file } => self.stop_fetch(id, conversation, file, cx),
            Intent::Edit {
                conversation,
                id: message,
                text,
            } => self.edit_message(id, conversation, message, text, cx),
            Intent::Delete {
                conversation,
                message,
                everyone,
            } => self.delete_message(id, conversation, message, everyone, cx),
            Intent::React {
                conversation,
                message,
                emoji,
            } => self.react(id, conversation, message, emoji, cx),
            Intent::SetTimer {
                conversation,
                seconds,
            } => self.set_timer(id, conversation, seconds, cx),
            Intent::Keep {
                conversation,
                setting,
                on,
            } => self.keep_so(id, conversation, setting, on, cx),
            Intent::Retry {
                conversation,
                id: message,
            } => self.retry(id, conversation, message, cx),
            Intent::Typing {
                conversation,
                stopped,
            } => {
                self.typing(conversation, stopped, cx);
                cx.answer(id, Answer::Done);
            }
            Intent::Group { conversation } => self.show_group(id, conversation, cx),
            Intent::GroupPicture { conversation } => self.show_group_picture(id, &conversation, cx),
            Intent::Names { accounts } => cx.answer(id, Answer::Names(self.names(&accounts))),
            Intent::MessageStates {
                conversation,
                id: message,
            } => self.message_states(id, conversation, message, cx),
            Intent::BeginHistory => self.begin_history(id, cx),
            Intent::SignHistory { header } => self.sign_history(id, header, cx),
            Intent::ExportHistory { after } => self.export_history(id, after, cx),
            Intent::ReadHistory { header, first } => self.read_history(id, header, &first, cx),
            Intent::ImportHistory { records } => self.import_history(id, &records, cx),
            Intent::FindPeople { .. }
            | Intent::CreateGroup { .. }
            | Intent::ChangeGroup { .. }
            | Intent::RestartGroup { .. }
            | Intent::RevokeDevice { .. }
            | Intent::SetDisplayName { .. }
            | Intent::CreateInvite { .. }
            | Intent::Invites
            | Intent::RevokeInvite { .. }
            | Intent::Members { .. } => self.ask(asked, cx),
        }
    }

    /// Whether there is a reason to be connected.
    pub(crate) fn wants_link(&self) -> bool {
        let account = self.own.as_ref().is_some_and(|own| match own.stage {
            Stage::Asked | Stage::Registered => true,
            Stage::Recovering => self.admission_in_doubt(),
            Stage::Prepared | Stage::Revoked => false,
        });
        account || !self.asks.is_empty() || self.registering.is_some() || self.recovering.is_some()
    }

    /// Asks the relay now or as soon as it can be reached.
    fn ask(&mut self, asked: Asked, cx: &mut Context<'_>) {
        if self.link.hopeless() || self.asks.len() >= MAX_ASKS {
            return cx.fail(asked.id, Failure::Offline);
        }
        self.asks.push(WaitingAsk {
            asked,
            due: cx.now.plus_ms(ASK_MS),
        });
        self.dial(cx);
    }

    pub(crate) fn pump_asks(&mut self, cx: &mut Context<'_>) {
        let signed_in = self.link.signed_in();
        let open = signed_in
            || matches!(
                self.link.state,
                State::Challenged { .. } | State::SigningIn { .. }
            );
        let asks = std::mem::take(&mut self.asks);
        for waiting in asks {
            let anonymous = matches!(waiting.asked.intent, Intent::CheckInvite { .. });
            if signed_in || (anonymous && open) {
                self.ask_relay(waiting.asked, cx);
            } else {
                self.asks.push(waiting);
            }
        }
    }

    fn ask_relay(&mut self, Asked { id: asked, intent }: Asked, cx: &mut Context<'_>) {
        match intent {
            Intent::CheckInvite { token } => self.check_invite(asked, token, cx),
            Intent::FindPeople { query } => {
                self.requests
                    .send(cx, What::Find { asked }, Body::Find(Find { query }))
            }
            Intent::CreateGroup { wish, name, members } => {
                self.create_group(asked, wish, &name, &members, cx)
            }
            Intent::ChangeGroup { conversation, change } => {
                self.change_group(asked, conversation, change, cx)
            }
            Intent::RestartGroup { wish, conversation } => self.restart_group(asked, wish, conversation, cx),
            Intent::RevokeDevice { device } => self.revoke_device(asked, device, cx),
            Intent::SetDisplayName { display_name } => {
                let Ok(name) = chopar_identity::DisplayName::parse(display_name.trim()) else {
                    return cx.fail(asked, Failure::NameInvalid);
                };
                let display_name = name.as_str().to_owned();
                let body = Body::SetProfile(SetProfile {
                    display_name: display_name.clone(),
                });
                self.requests
                    .send(cx, What::SetProfile { asked, display_name }, body);
            }
            Intent::CreateInvite {
                role,
                uses,
                lifetime_seconds,
            } => {
                let body = Body::CreateInvite(CreateInvite {
                    role: role_number(role),
                    uses,
                    lifetime_seconds,
                });
                self.requests.send(cx, What::CreateInvite { asked }, body);
            }
            Intent::Invites => {
                self.requests
                    .send(cx, What::ListInvites { asked }, Body::ListInvites(ListInvites {}));
            }
            Intent::RevokeInvite { invite } => {
                let body = Body::RevokeInvite(RevokeInvite { id: invite.into() });
                self.requests.send(cx, What::RevokeInvite { asked }, body);
            }
            Intent::Members { after_handle } => {
                let body = Body::ListMembers(ListMembers { after_handle });
                self.requests.send(cx, What::ListMembers { asked }, body);
            }
            // Answered without the relay.
            _ => cx.fail(asked, Failure::NotNow),
        }
    }

    pub(crate) fn tick_asks(&mut self, cx: &mut Context<'_>) {
        let asks = std::mem::take(&mut self.asks);
        for waiting in asks {
            if waiting.due <= cx.now {
                cx.fail(waiting.asked.id, Failure::Offline);
            } else {
                self.asks.push(waiting);
            }
        }
    }

    pub(crate) fn fail_waiting_asks(&mut self, failure: Failure, cx: &mut Context<'_>) {
        for waiting in std::mem::take(&mut self.asks) {
            cx.fail(waiting.asked.id, failure);
        }
    }

    pub(crate) fn asks_due(&self) -> Option<Timestamp> {
        self.asks.iter().map(|waiting| waiting.due).min()
    }

    fn snapshot(&mut self, asked: u64, cx: &mut Context<'_>) {
        let mut conversations: Vec<_> = self
            .contacts
            .values()
            .filter_map(|contact| contact.row())
            .collect();
        conversations.sort_by_key(|row| core::cmp::Reverse(row.time));
        let preferences = self.own.as_ref().map(|own| own.preferences);
        let snapshot = Snapshot {
            phase: self.phase(),
            connection: self.link.view(),
            conversations,
            preferences: preferences.unwrap_or(Preferences {
                receipts: true,
                typing: true,
            }),
            own_devices: self.own_devices(),
        };
        cx.answer(asked, Answer::Snapshot(Box::new(snapshot)));
    }

    fn set_preferences(&mut self, asked: u64, preferences: Preferences, cx: &mut Context<'_>) {
        let Some(own) = &mut self.own else {
            return cx.fail(asked, Failure::NotNow);
        };
        own.preferences = preferences;
        cx.account = true;
        cx.answer(asked, Answer::Done);
    }
}
