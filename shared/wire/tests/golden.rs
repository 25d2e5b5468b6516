//! The bytes of the contract, pinned. A change here is a change of the protocol: it needs a new field or frame kind,
//! never another meaning for an old one.

use chopar_wire::prost::Message;
use chopar_wire::proto::audit;
use chopar_wire::proto::content::{self, payload};
use chopar_wire::proto::identity::{self, Entry, EntrySignature, LogHead, Signed, entry_signature::Signer};
use chopar_wire::proto::relay::{self, client_frame, relay_frame};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, frame};

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
            "set_profile",
            client(Body::SetProfile(relay::SetProfile {
                display_name: "Aziza".into(),
            })),
        ),
        ("list_invites", client(Body::ListInvites(relay::ListInvites {}))),
        (
            "revoke_invite",
            client(Body::RevokeInvite(relay::RevokeInvite {
                id: vec![6; 16].into(),
            })),
        ),
        (
            "list_members",
            client(Body::ListMembers(relay::ListMembers {
                after_handle: "aziza".into(),
            })),
        ),
        (
            "submit_group",
            client(Body::SubmitGroup(relay::SubmitGroup {
                id: vec![3; 16].into(),
                body: vec![9; 4].into(),
                expiry: relay::ExpiryClass::ExpiryWeek.into(),
                recipients: vec![1; 40].into(),
            })),
        ),
        (
            "append_opaque",
            client(Body::AppendOpaque(relay::AppendOpaque {
                log: vec![8; 16].into(),
                append: Some(signed(6)),
            })),
        ),
        (
            "fetch_opaque",
            client(Body::FetchOpaque(relay::FetchOpaque {
                log: vec![8; 16].into(),
                from: 2,
            })),
        ),
        (
            "begin_file",
            client(Body::BeginFile(relay::BeginFile {
                id: vec![9; 16].into(),
                size: 65_552,
            })),
        ),
        (
            "open_file",
            client(Body::OpenFile(relay::OpenFile {
                id: vec![9; 16].into(),
            })),
        ),
        (
            "delete_file",
            client(Body::DeleteFile(relay::DeleteFile {
                id: vec![9; 16].into(),
            })),
        ),
        (
            "recover",
            client(Body::Recover(relay::Recover {
                proof: Some(signed(7)),
            })),
        ),
        (
            "admit_device",
            client(Body::AdmitDevice(relay::AdmitDevice {
                entry: Some(entry()),
                bundle: Some(signed(2)),
                proof: Some(signed(3)),
            })),
        ),
    ];
    every_kind_is_here("ClientFrame", &lines);
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
            "registered",
            relay(
                7,
                Body::Registered(relay::Registered {
                    handle: "aziza".into(),
                    role: relay::Role::Owner.into(),
                }),
            ),
        ),
        (
            "log",
            relay(
                7,
                Body::Log(relay::Log {
                    account: AccountId::new([1; 32]).into(),
                    from: 1,
                    entries: vec![entry()],
                    head: Some(head(2)),
                }),
            ),
        ),
        (
            "log_conflict",
            relay(
                7,
                Body::LogConflict(relay::LogConflict {
                    from: 1,
                    entries: vec![entry()],
                }),
            ),
        ),
        (
            "people",
            relay(
                7,
                Body::People(relay::People {
                    people: vec![relay::Person {
                        account: AccountId::new([1; 32]).into(),
                        handle: "aziza".into(),
                        display_name: "Aziza".into(),
                    }],
                }),
            ),
        ),
        (
            "claimed_bundle",
            relay(
                7,
                Body::ClaimedBundle(relay::ClaimedBundle {
                    device: DeviceId::new([2; 16]).into(),
                    bundle: Some(identity::Bundle {
                        base: Some(signed(2)),
                        one_time: Some(signed(5)),
                    }),
                }),
            ),
        ),
        ("invite", relay(7, Body::Invite(invite()))),
        (
            "invites",
            relay(
                7,
                Body::Invites(relay::Invites {
                    invites: vec![relay::Invite {
                        token: String::new(),
                        ..invite()
                    }],
                }),
            ),
        ),
        (
            "members",
            relay(
                7,
                Body::Members(relay::Members {
                    members: vec![relay::Member {
                        account: AccountId::new([1; 32]).into(),
                        handle: "aziza".into(),
                        display_name: "Aziza".into(),
                        role: relay::Role::Auditor.into(),
                        joined: 1000,
                        disabled: true,
                        devices: 2,
                    }],
                    more: true,
                }),
            ),
        ),
        (
            "one_time_low",
            relay(0, Body::OneTimeLow(relay::OneTimeLow { left: 24 })),
        ),
        (
            "deliver_signal",
            relay(
                0,
                Body::DeliverSignal(relay::DeliverSignal {
                    body: vec![9; 4].into(),
                }),
            ),
        ),
        ("pong", relay(7, Body::Pong(relay::Pong {}))),
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
                    log: vec![8; 16].into(),
                    from: 1,
                    appends: vec![vec![9; 4].into()],
                    length: 2,
                    appended: false,
                }),
            ),
        ),
        (
            "file_grant",
            relay(
                7,
                Body::FileGrant(relay::FileGrant {
                    id: vec![9; 16].into(),
                    capability: vec![2; 4].into(),
                    expires: 1000,
                    size: 65_552,
                    received: 300,
                    kept_until: 2000,
                }),
            ),
        ),
    ];
    every_kind_is_here("RelayFrame", &lines);
    insta::assert_snapshot!(table(&lines));
}

fn invite() -> relay::Invite {
    relay::Invite {
        id: vec![6; 16].into(),
        token: "token".into(),
        role: relay::Role::Member.into(),
        uses_left: 3,
        expires: 2000,
        created: 1000,
    }
}

/// No kind of frame leaves its bytes to chance: each has a row, named as in the contract, here or in the table of administration.
fn every_kind_is_here(frame: &str, lines: &[(&str, String)]) {
    let contract = include_str!("../proto/relay.proto");
    let message = contract.split(&format!("message {frame} {{")).nth(1);
    let kinds = message.and_then(|text| text.split("oneof body {").nth(1)?.split('}').next());
    let kinds: Vec<&str> = kinds
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.split(" = ").next()?.split_whitespace().nth(1))
        .collect();
    assert!(kinds.len() > 20, "the contract was read: {kinds:?}");
    let missing: Vec<&&str> = kinds
        .iter()
        .filter(|kind| {
            lines
                .iter()
                .chain(&administration())
                .all(|(name, _)| name != *kind)
        })
        .collect();
    assert!(missing.is_empty(), "{frame} without a row here: {missing:?}");
}

/// Frames of administration and of the audit log.
fn administration() -> Vec<(&'static str, String)> {
    use client_frame::Body;
    use relay_frame::Body as Answer;
    let account = AccountId::new([1; 32]);
    let device = DeviceId::new([2; 16]);
    let (node, hash) = (vec![6; 8], vec![7; 32]);
    vec![
        (
            "set_member",
            client(Body::SetMember(relay::SetMember {
                account: account.into(),
                act: relay::set_member::Act::Remove.into(),
                free_handle: true,
            })),
        ),
        (
            "list_devices",
            client(Body::ListDevices(relay::ListDevices {
                account: account.into(),
            })),
        ),
        (
            "set_device",
            client(Body::SetDevice(relay::SetDevice {
                account: account.into(),
                device: device.into(),
                suspended: true,
            })),
        ),
        (
            "fetch_audit",
            client(Body::FetchAudit(relay::FetchAudit {
                node: node.clone().into(),
                after: 5,
            })),
        ),
        (
            "suspended_devices",
            relay(
                0,
                Answer::SuspendedDevices(relay::SuspendedDevices {
                    devices: vec![device.into()],
                }),
            ),
        ),
        (
            "member_devices",
            relay(
                7,
                Answer::MemberDevices(relay::MemberDevices {
                    account: account.into(),
                    devices: vec![relay::MemberDevice {
                        device: device.into(),
                        suspended: true,
                    }],
                }),
            ),
        ),
        (
            "audit_page",
            relay(
                7,
                Answer::AuditPage(relay::AuditPage {
                    node: node.clone().into(),
                    records: vec![vec![3; 2].into()],
                    more: true,
                    nodes: vec![node.into()],
                    tip_number: 2,
                    tip_hash: hash.into(),
                }),
            ),
        ),
    ]
}

#[test]
fn administration_and_the_audit_log() {
    let account = AccountId::new([1; 32]);
    let device = DeviceId::new([2; 16]);
    let (node, hash) = (vec![6; 8], vec![7; 32]);
    let record = audit::Record {
        node: node.clone().into(),
        number: 2,
        time: 1000,
        previous: hash.clone().into(),
        previous_kept: hash.clone().into(),
        kind: audit::Kind::DeviceSuspended.into(),
        by: account.into(),
        account: account.into(),
        device: device.into(),
        handle: "handle".into(),
        role: 1,
        invite: vec![8; 16].into(),
        count: 3,
        until: 4,
        version: "1".into(),
        key: vec![9; 32].into(),
        checkpoint: Some(signed(1)),
    };
    let checkpoint = audit::CheckpointBody {
        node: node.into(),
        number: 1,
        hash: hash.into(),
        time: 1000,
    };
    let mut lines = administration();
    lines.extend([
        ("record", hex::encode(record.encode_to_vec())),
        ("checkpoint", hex::encode(checkpoint.encode_to_vec())),
    ]);
    insta::assert_snapshot!(table(&lines));
}

#[test]
fn what_is_signed_and_what_is_encrypted() {
    use identity::entry_body::Act;
    let device = DeviceId::new([4; 16]);
    let acts = [
        (
            "add_device",
            Act::AddDevice(identity::AddDevice {
                keys: Some(identity::DeviceKeys {
                    signing: vec![7; 32].into(),
                    agreement: vec![8; 32].into(),
                }),
                name: "Browser".into(),
            }),
        ),
        (
            "create",
            Act::Create(identity::Create {
                account_key: vec![7; 32].into(),
                recovery_x25519: vec![8; 32].into(),
                recovery_kem: vec![9; 4].into(),
            }),
        ),
        (
            "revoke_device",
            Act::RevokeDevice(identity::RevokeDevice {
                device: device.into(),
            }),
        ),
        (
            "rename_device",
            Act::RenameDevice(identity::RenameDevice {
                device: device.into(),
                name: "Telefon".into(),
            }),
        ),
        (
            "replace_account_key",
            Act::ReplaceAccountKey(identity::ReplaceAccountKey {
                account_key: vec![7; 32].into(),
                recovery_x25519: vec![8; 32].into(),
                recovery_kem: vec![9; 4].into(),
            }),
        ),
        (
            "resolve_fork",
            Act::ResolveFork(identity::ResolveFork {
                head: vec![6; 32].into(),
            }),
        ),
    ];
    let mut lines: Vec<(&str, String)> = acts
        .into_iter()
        .map(|(name, act)| {
            let body = identity::EntryBody {
                suite: 1,
                account: AccountId::new([1; 32]).into(),
                position: 1,
                parent: vec![6; 32].into(),
                time: 1000,
                act: Some(act),
            };
            (name, hex::encode(body.encode_to_vec()))
        })
        .collect();
    lines.extend(signed_bodies());
    lines.extend(contents());
    insta::assert_snapshot!(table(&lines));
}

fn signed_bodies() -> [(&'static str, String); 3] {
    let x25519 = |id| identity::X25519Prekey {
        id,
        public: vec![8; 32].into(),
    };
    let sign_in = relay::SignInBody {
        relay_name: "relay".into(),
        origin: "https://chat.example.org".into(),
        nonce: vec![7; 32].into(),
        expires: 1000,
        account: AccountId::new([1; 32]).into(),
        device: DeviceId::new([4; 16]).into(),
    };
    let bundle = identity::BundleBody {
        suite: 1,
        account: AccountId::new([1; 32]).into(),
        device: DeviceId::new([4; 16]).into(),
        sequence: 3,
        time: 1000,
        signed_prekey: Some(x25519(5)),
        sealing_key: Some(x25519(6)),
        last_resort: Some(identity::KemPrekey {
            id: 7,
            public: vec![9; 4].into(),
        }),
    };
    let one_time = identity::OneTimeBody {
        suite: 1,
        device: DeviceId::new([4; 16]).into(),
        id: 8,
        x25519: vec![8; 32].into(),
        kem: vec![9; 4].into(),
    };
    [
        ("sign_in_body", hex::encode(sign_in.encode_to_vec())),
        ("bundle_body", hex::encode(bundle.encode_to_vec())),
        ("one_time_body", hex::encode(one_time.encode_to_vec())),
    ]
}

fn contents() -> Vec<(&'static str, String)> {
    use payload::Content;
    let id = MessageId::new([3; 16]);
    let text = content::Text {
        id: id.into(),
        text: "salom".into(),
        ..Default::default()
    };
    let receipts = content::Receipts {
        kind: content::receipts::Kind::Read.into(),
        ids: vec![id.into()],
    };
    let introduction = content::Introduction {
        handle: "aziza".into(),
        display_name: "Aziza".into(),
    };
    let kinds = [
        ("payload", Content::Text(text.clone())),
        ("receipts", Content::Receipts(receipts.clone())),
        (
            "transport_acks",
            Content::TransportAcks(content::TransportAcks {
                ids: vec![EnvelopeId::new([5; 16]).into()],
                receipts: vec![receipts],
            }),
        ),
        ("introduction", Content::Introduction(introduction)),
        ("typing", Content::Typing(content::Typing { stopped: true })),
        (
            "resend_request",
            Content::ResendRequest(content::ResendRequest { ids: vec![id.into()] }),
        ),
        (
            "copy",
            Content::Copy(content::Copy {
                peer: AccountId::new([1; 32]).into(),
                content: Some(content::copy::Content::Text(text.clone())),
            }),
        ),
    ];
    let kinds = kinds.into_iter().chain(done_with_messages(text));
    let mut lines: Vec<(&str, String)> = kinds
        .map(|(name, kind)| {
            let payload = content::Payload {
                own_log: Some(head(2)),
                peer_log: Some(head(3)),
                time: 1000,
                content: Some(kind),
                ..Default::default()
            };
            (name, hex::encode(payload.encode_to_vec()))
        })
        .collect();
    let first = content::FirstContact {
        account: AccountId::new([1; 32]).into(),
        device: DeviceId::new([4; 16]).into(),
        log_head: Some(head(2)),
        log: vec![entry()],
        handshake: vec![5; 4].into(),
        message: vec![6; 4].into(),
    };
    lines.push(("first_contact", hex::encode(first.encode_to_vec())));
    lines
}

/// What else a text may say, and what is done with one.
fn done_with_messages(text: content::Text) -> Vec<(&'static str, payload::Content)> {
    use payload::Content;
    let id = MessageId::new([3; 16]);
    let named = content::Reference {
        author: AccountId::new([1; 32]).into(),
        id: id.into(),
    };
    let timer = content::Timer {
        seconds: 60,
        number: 1,
    };
    let whole = content::Text {
        reply_to: Some(named.clone()),
        forwarded: true,
        timer: Some(timer),
        ..text
    };
    let edit = content::Edit {
        id: id.into(),
        text: "salom!".into(),
        number: 1,
    };
    let deletion = content::Deletion { id: id.into() };
    let reaction = content::Reaction {
        to: Some(named.clone()),
        emoji: "👍".into(),
        number: 1,
    };
    let timer_change = content::TimerChange {
        id: MessageId::new([4; 16]).into(),
        timer: Some(timer),
    };
    let setting = content::Setting {
        kind: content::setting::Kind::Pinned.into(),
        value: 1,
        number: 1,
    };
    let hidden = content::Hidden { message: Some(named) };
    let copy = |what| {
        Content::Copy(content::Copy {
            peer: AccountId::new([1; 32]).into(),
            content: Some(what),
        })
    };
    vec![
        ("text_whole", Content::Text(whole)),
        ("edit", Content::Edit(edit)),
        ("deletion", Content::Deletion(deletion)),
        ("reaction", Content::Reaction(reaction)),
        ("timer_change", Content::TimerChange(timer_change)),
        ("copy_setting", copy(content::copy::Content::Setting(setting))),
        ("copy_hidden", copy(content::copy::Content::Hidden(hidden))),
    ]
}

fn table(lines: &[(&str, String)]) -> String {
    lines
        .iter()
        .map(|(name, bytes)| format!("{name}: {bytes}\n"))
        .collect()
}
