//! The bytes of the contract, pinned. A change here is a change of the protocol: it needs a new field or frame kind,
//! never another meaning for an old one.

use chopar_wire::prost::Message;
use chopar_wire::proto::content::{self, payload};
use chopar_wire::proto::identity::{self, Entry, EntrySignature, LogHead, Signed, entry_signature::Signer};
use chopar_wire::proto::relay::{self, client_frame, relay_frame};
use chopar_wire::{
    AccountId, DeviceId, EnvelopeId, GroupRecipient, GroupSubmissionId, MessageId, OpaqueLogId, frame,
};

fn signed(byte: u8) -> Signed {
    Signed {
        body: vec![byte; 3].into(),
        signature: vec![byte; 64].into(),
    }
}

fn head(length: u32) -> LogHead {
    LogHead {
        length,
        hash: vec![0xaa; 32].into(),
    }
}

fn entry() -> Entry {
    let signer = Signer::Device(DeviceId::new([4; 16]).into());
    Entry {
        body: vec![1, 2, 3].into(),
        signatures: vec![EntrySignature {
            signer: Some(signer),
            signature: vec![5; 64].into(),
        }],
    }
}

fn client(body: client_frame::Body) -> String {
    hex::encode(frame::client(7, body))
}

fn relay(reply_to: u64, body: relay_frame::Body) -> String {
    hex::encode(frame::relay(reply_to, body))
}

#[test]
fn frames_of_a_client() {
    use client_frame::Body;
    let account = AccountId::new([1; 32]);
    let device = DeviceId::new([2; 16]);
    let envelope = relay::Envelope {
        device: device.into(),
        id: EnvelopeId::new([3; 16]).into(),
        body: vec![9; 4].into(),
        expiry: relay::ExpiryClass::ExpiryMonth.into(),
    };
    let lines = [
        (
            "sign_in",
            client(Body::SignIn(relay::SignIn {
                proof: Some(signed(1)),
            })),
        ),
        (
            "register",
            client(Body::Register(relay::Register {
                invite: "token".into(),
                handle: "aziza".into(),
                display_name: "Aziza".into(),
                log: vec![entry()],
                bundle: Some(signed(2)),
                proof: Some(signed(3)),
            })),
        ),
        (
            "submit",
            client(Body::Submit(relay::Submit {
                account: account.into(),
                log_head: Some(head(2)),
                envelopes: vec![envelope.clone()],
            })),
        ),
        ("ack", client(Body::Ack(relay::Ack { seqs: vec![1, 300] }))),
        (
            "fetch_log",
            client(Body::FetchLog(relay::FetchLog {
                account: account.into(),
                from: 2,
            })),
        ),
        (
            "append_log",
            client(Body::AppendLog(relay::AppendLog { entry: Some(entry()) })),
        ),
        ("find", client(Body::Find(relay::Find { query: "az".into() }))),
        (
            "publish_bundle",
            client(Body::PublishBundle(relay::PublishBundle {
                bundle: Some(signed(4)),
            })),
        ),
        (
            "add_one_time",
            client(Body::AddOneTime(relay::AddOneTime {
                one_time: vec![signed(5)],
            })),
        ),
        (
            "claim_bundle",
            client(Body::ClaimBundle(relay::ClaimBundle {
                account: account.into(),
                device: device.into(),
            })),
        ),
        (
            "create_invite",
            client(Body::CreateInvite(relay::CreateInvite {
                role: relay::Role::Member.into(),
                uses: 1,
                lifetime_seconds: 3600,
            })),
        ),
        (
            "submit_signal",
            client(Body::SubmitSignal(relay::SubmitSignal {
                account: account.into(),
                envelopes: vec![envelope],
            })),
        ),
        (
            "check_invite",
            client(Body::CheckInvite(relay::CheckInvite {
                invite: "token".into(),
            })),
        ),
        ("ping", client(Body::Ping(relay::Ping {}))),
        (
            "submit_group",
            client(Body::SubmitGroup(relay::SubmitGroup {
                id: GroupSubmissionId::new([3; 16]).into(),
                body: vec![9; 4].into(),
                expiry: relay::ExpiryClass::ExpiryWeek.into(),
                recipients: GroupRecipient::encode(&[GroupRecipient::new(account, &[0xaa; 32])]),
            })),
        ),
        (
            "append_opaque",
            client(Body::AppendOpaque(relay::AppendOpaque {
                log: OpaqueLogId::new([6; 16]).into(),
                append: Some(signed(6)),
            })),
        ),
        (
            "fetch_opaque",
            client(Body::FetchOpaque(relay::FetchOpaque {
                log: OpaqueLogId::new([6; 16]).into(),
                from: 3,
            })),
        ),
    ];
    insta::assert_snapshot!(table(&lines));
}

#[test]
fn frames_of_a_relay() {
    use relay_frame::Body;
    let lines = [
        (
            "challenge",
            relay(
                0,
                Body::Challenge(relay::Challenge {
                    relay_name: "relay".into(),
                    nonce: vec![7; 32].into(),
                    expires: 1000,
                    relay_time: 900,
                    protocol: 1,
                }),
            ),
        ),
        (
            "signed_in",
            relay(
                7,
                Body::SignedIn(relay::SignedIn {
                    handle: "aziza".into(),
                    display_name: "Aziza".into(),
                    role: relay::Role::Owner.into(),
                    one_time_left: 99,
                    bundle_sequence: 1,
                    log_head: Some(head(2)),
                    relay_time: 900,
                }),
            ),
        ),
        (
            "accepted",
            relay(7, Body::Accepted(relay::Accepted { time: 1000 })),
        ),
        (
            "device_mismatch",
            relay(
                7,
                Body::DeviceMismatch(relay::DeviceMismatch {
                    account: AccountId::new([1; 32]).into(),
                    entries: vec![entry()],
                    from: 2,
                }),
            ),
        ),
        (
            "deliver",
            relay(
                0,
                Body::Deliver(relay::Deliver {
                    seq: 5,
                    id: EnvelopeId::new([3; 16]).into(),
                    body: vec![9; 4].into(),
                    accepted: 1000,
                }),
            ),
        ),
        (
            "queue_empty",
            relay(0, Body::QueueEmpty(relay::QueueEmpty { up_to: 5 })),
        ),
        ("done", relay(7, Body::Done(relay::Done {}))),
        (
            "invite_status",
            relay(
                7,
                Body::InviteStatus(relay::InviteStatus {
                    usable: true,
                    role: relay::Role::Member.into(),
                    expires: 1000,
                    organisation: "Relay".into(),
                    reason: relay::Reason::Unspecified.into(),
                }),
            ),
        ),
        (
            "invite_status_used",
            relay(
                7,
                Body::InviteStatus(relay::InviteStatus {
                    usable: false,
                    role: relay::Role::Member.into(),
                    expires: 1000,
                    organisation: "Relay".into(),
                    reason: relay::Reason::InviteUsed.into(),
                }),
            ),
        ),
        (
            "refused",
            relay(
                7,
                Body::Refused(relay::Refused {
                    reason: relay::Reason::HandleTaken.into(),
                    detail: String::new(),
                    retry_after_ms: 0,
                }),
            ),
        ),
        (
            "group_accepted",
            relay(
                7,
                Body::GroupAccepted(relay::GroupAccepted {
                    time: 1000,
                    full: vec![AccountId::new([1; 32]).into()],
                }),
            ),
        ),
        (
            "group_mismatch",
            relay(
                7,
                Body::GroupMismatch(relay::GroupMismatch {
                    behind: vec![AccountId::new([1; 32]).into()],
                    gone: vec![AccountId::new([2; 32]).into()],
                }),
            ),
        ),
        (
            "opaque_log",
            relay(
                7,
                Body::OpaqueLog(relay::OpaqueLog {
                    log: OpaqueLogId::new([6; 16]).into(),
                    from: 3,
                    appends: vec![signed(6).encode_to_vec().into()],
                    length: 4,
                    appended: false,
                }),
            ),
        ),
    ];
    insta::assert_snapshot!(table(&lines));
}

#[test]
fn what_is_signed_and_what_is_encrypted() {
    let body = identity::EntryBody {
        suite: 1,
        account: AccountId::new([1; 32]).into(),
        position: 1,
        parent: vec![6; 32].into(),
        time: 1000,
        act: Some(identity::entry_body::Act::AddDevice(identity::AddDevice {
            keys: Some(identity::DeviceKeys {
                signing: vec![7; 32].into(),
                agreement: vec![8; 32].into(),
            }),
            name: "Browser".into(),
        })),
    };
    let text = payload::Content::Text(content::Text {
        id: MessageId::new([3; 16]).into(),
        text: "salom".into(),
    });
    let payload = content::Payload {
        own_log: Some(head(2)),
        peer_log: Some(head(3)),
        time: 1000,
        content: Some(text),
        ..Default::default()
    };
    let lines = [
        ("add_device", hex::encode(body.encode_to_vec())),
        ("payload", hex::encode(payload.encode_to_vec())),
    ];
    insta::assert_snapshot!(table(&lines));
}

fn table(lines: &[(&str, String)]) -> String {
    lines
        .iter()
        .map(|(name, bytes)| format!("{name}: {bytes}\n"))
        .collect()
}
