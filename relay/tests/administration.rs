//! What administrators do, over frames and beside the relay, and what those hear whom it concerns.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use chopar_wire::close::CloseCode;
use chopar_wire::ids::DeviceId;
use chopar_wire::prost::Message;
use chopar_wire::proto::audit::{Kind, Record};
use chopar_wire::proto::relay::{
    AppendLog, AuditPage, CreateInvite, FetchAudit, ListDevices, ListMembers, Role, SetDevice, SetMember,
    client_frame as c, relay_frame::Body, set_member::Act,
};
use common::client::{Ended, kind, reason};
use common::{Client, Person, Program, Reason, TestRelay};

fn set(person: &Person, act: Act) -> c::Body {
    c::Body::SetMember(SetMember {
        account: person.account.into(),
        act: act.into(),
        free_handle: false,
    })
}

fn suspend(person: &Person, device: DeviceId, suspended: bool) -> c::Body {
    c::Body::SetDevice(SetDevice {
        account: person.account.into(),
        device: device.into(),
        suspended,
    })
}

async fn done(client: &mut Client, body: c::Body) {
    let answer = client.ask(body).await;
    assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
}

/// A second device of a connected person, by their first one.
async fn second_device(person: &mut Person, client: &mut Client) -> usize {
    let (device, entry) = person.draft_device();
    done(
        client,
        c::Body::AppendLog(AppendLog {
            entry: Some(entry.clone()),
        }),
    )
    .await;
    person.accept(&entry);
    person.devices.push(device);
    person.devices.len() - 1
}

/// What a device is told of suspended devices, next.
async fn suspended(client: &mut Client) -> Vec<DeviceId> {
    loop {
        match client.next().await {
            Body::SuspendedDevices(list) => {
                let device =
                    |bytes: &chopar_wire::prost::bytes::Bytes| DeviceId::try_from(bytes.as_ref()).unwrap();
                return list.devices.iter().map(device).collect();
            }
            Body::QueueEmpty(_) | Body::OneTimeLow(_) => {}
            other => panic!("{} instead of suspended devices", kind(&other)),
        }
    }
}

/// P-220, P-221, P-222, T-050.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_device_is_out_and_the_others_are_asked_to_revoke_it() {
    let relay = TestRelay::start().await;
    let (_, mut owner) = relay.owner().await;
    let (mut person, mut first) = relay.member(&mut owner, "person").await;
    let second = second_device(&mut person, &mut first).await;
    let device = person.devices[second].id;
    let mut other = relay.signed_in(&person, second).await;
    let log = person.head();

    done(&mut owner, suspend(&person, device, true)).await;
    assert_eq!(other.end().await, Ended::Code(CloseCode::Suspended.code()));
    assert_eq!(suspended(&mut first).await, [device]);
    let mut again = relay.client().await;
    assert_eq!(again.sign_in(&person, second).await, Err(Reason::NotAllowed));

    // Contacts go on: they name both devices of the log, and the other one gets it.
    owner.submit(&person, b"hello").await;
    let hello = first.delivery().await;
    assert_eq!(&hello.body[..], b"hello");
    first.ack(&[hello.seq]).await;

    // Whoever comes later hears of it too.
    drop(first);
    let mut first = relay.signed_in(&person, 0).await;
    assert_eq!(suspended(&mut first).await, [device]);
    match owner
        .ask(c::Body::ListDevices(ListDevices {
            account: person.account.into(),
        }))
        .await
    {
        Body::MemberDevices(list) => {
            let mut listed: Vec<_> = list
                .devices
                .iter()
                .map(|one| (one.device.to_vec(), one.suspended))
                .collect();
            let mut expected = vec![
                (person.devices[0].id.as_bytes().to_vec(), false),
                (device.as_bytes().to_vec(), true),
            ];
            listed.sort();
            expected.sort();
            assert_eq!(listed, expected);
        }
        other => panic!("{}", kind(&other)),
    }

    // Nobody but the person has written into their log.
    assert_eq!(person.head(), log);
    done(&mut owner, suspend(&person, device, false)).await;
    assert_eq!(suspended(&mut first).await, []);
    let mut back = relay.signed_in(&person, second).await;
    assert!(
        back.drain().await.is_empty(),
        "what came meanwhile was not kept for it"
    );
    relay.stop().await;
}

/// P-220, P-221, P-223.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_disabled_let_in_again_and_removed() {
    let relay = TestRelay::start().await;
    let (_, mut owner) = relay.owner().await;
    let (person, mut client) = relay.member(&mut owner, "person").await;
    done(&mut owner, set(&person, Act::Disable)).await;
    assert_eq!(client.end().await, Ended::Code(CloseCode::Suspended.code()));
    let mut again = relay.client().await;
    assert_eq!(again.sign_in(&person, 0).await, Err(Reason::NotAllowed));
    let submission = c::Body::Submit(person.submission(b"x", None));
    assert_eq!(reason(&owner.ask(submission).await), Reason::NoSuchAccount);

    done(&mut owner, set(&person, Act::Enable)).await;
    let mut client = relay.signed_in(&person, 0).await;
    owner.submit(&person, b"again").await;
    assert_eq!(&client.delivery().await.body[..], b"again");

    done(&mut owner, set(&person, Act::Remove)).await;
    assert_eq!(client.end().await, Ended::Code(CloseCode::Suspended.code()));
    let mut gone = relay.client().await;
    assert_eq!(gone.sign_in(&person, 0).await, Err(Reason::SignInFailed));
    assert_eq!(
        reason(&owner.ask(set(&person, Act::Remove)).await),
        Reason::NoSuchAccount
    );
    let token = common::relay::invite(&mut owner, 2, 3600).await;
    let mut stranger = relay.client().await;
    let other = Person::new();
    assert_eq!(
        stranger.register(&other, &token, "person", "Somebody else").await,
        Err(Reason::HandleTaken)
    );
    assert_eq!(
        gone.register(&person, &token, "person2", "The same").await,
        Err(Reason::AccountExists)
    );
    relay.stop().await;
}

/// P-224, P-228.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_owners_act_and_auditors_read() {
    let relay = TestRelay::start().await;
    let (boss, mut owner) = relay.owner().await;
    let (person, mut client) = relay.member(&mut owner, "person").await;
    let role = Role::Auditor.into();
    let create = CreateInvite {
        role,
        uses: 1,
        lifetime_seconds: 60,
    };
    let token = match owner.ask(c::Body::CreateInvite(create)).await {
        Body::Invite(invite) => invite.token,
        other => panic!("{}", kind(&other)),
    };
    let (reader, mut auditor) = (Person::new(), relay.client().await);
    auditor
        .register(&reader, &token, "auditor", "Auditor")
        .await
        .unwrap();

    let fetch = || c::Body::FetchAudit(FetchAudit::default());
    for who in [&mut client, &mut auditor] {
        for body in [
            set(&boss, Act::Disable),
            suspend(&person, person.devices[0].id, true),
            c::Body::ListDevices(ListDevices {
                account: person.account.into(),
            }),
            c::Body::ListMembers(ListMembers::default()),
        ] {
            assert_eq!(reason(&who.ask(body).await), Reason::NotAllowed);
        }
    }
    assert_eq!(reason(&client.ask(fetch()).await), Reason::NotAllowed);
    assert_eq!(
        reason(&owner.ask(set(&boss, Act::Disable)).await),
        Reason::LastOwner
    );
    assert_eq!(
        reason(&owner.ask(set(&boss, Act::Unspecified)).await),
        Reason::Malformed
    );
    assert_eq!(
        reason(&owner.ask(suspend(&person, DeviceId::new([9; 16]), true)).await),
        Reason::NoSuchDevice
    );
    let node = vec![1; 3].into();
    let other_node = FetchAudit { node, after: 0 };
    assert_eq!(
        reason(&auditor.ask(c::Body::FetchAudit(other_node)).await),
        Reason::Malformed
    );

    done(&mut owner, set(&person, Act::Disable)).await;
    let page = audit(&mut auditor, 0).await;
    let record = |bytes: &chopar_wire::prost::bytes::Bytes| Record::decode(bytes.clone()).unwrap();
    let records: Vec<Record> = page.records.iter().map(record).collect();
    let last = records.last().unwrap();
    assert_eq!(last.kind().as_str_name(), Kind::MemberDisabled.as_str_name());
    assert_eq!(
        (&last.by[..], &last.account[..]),
        (&boss.account.as_bytes()[..], &person.account.as_bytes()[..])
    );
    assert_eq!(page.tip_number, records.len() as u64);
    assert_eq!(page.nodes, std::slice::from_ref(&page.node));
    let rest = audit(&mut owner, page.tip_number - 1).await;
    assert_eq!(rest.records, page.records[records.len() - 1..]);
    relay.stop().await;
}

async fn audit(client: &mut Client, after: u64) -> AuditPage {
    let node = Default::default();
    match client.ask(c::Body::FetchAudit(FetchAudit { node, after })).await {
        Body::AuditPage(page) => page,
        other => panic!("{}", kind(&other)),
    }
}

/// P-230.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_leave_no_trace_in_the_audit_log() {
    let relay = TestRelay::start().await;
    let (_, mut owner) = relay.owner().await;
    let (person, mut client) = relay.member(&mut owner, "person").await;
    let before = audit(&mut owner, 0).await;
    for text in [&b"one"[..], b"two"] {
        owner.submit(&person, text).await;
        let deliver = client.delivery().await;
        client.ack(&[deliver.seq]).await;
    }
    assert_eq!(audit(&mut owner, 0).await.records, before.records);
    relay.stop().await;
}

fn beside(data: &Path, arguments: &[&str]) -> Output {
    let (command, rest) = arguments.split_at(if arguments[0] == "invite" { 1 } else { 2 });
    Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(command)
        .arg("--data")
        .arg(data)
        .args(rest)
        .output()
        .unwrap()
}

fn printed(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// P-220, P-225, T-051: the same acts from the relay's own machine hold in the relay that runs, and stand in its chain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_beside_a_running_relay_hold_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let token = program.printed.rsplit('#').next().unwrap().trim().to_owned();
    let mut owner = Client::connect(program.port).await;
    let boss = Person::new();
    owner.register(&boss, &token, "boss", "Boss").await.unwrap();
    let link = printed(&beside(folder.path(), &["invite"]));
    let mut client = Client::connect(program.port).await;
    let person = Person::new();
    let token = link.rsplit('#').next().unwrap().trim();
    client.register(&person, token, "person", "Person").await.unwrap();
    owner.submit(&person, b"one").await;
    assert_eq!(&client.delivery().await.body[..], b"one");

    let listed = printed(&beside(folder.path(), &["member", "list"]));
    assert!(
        listed.contains("boss") && listed.contains("owner    1 devices  Boss"),
        "{listed}"
    );
    let devices = printed(&beside(folder.path(), &["device", "list", "person"]));
    assert!(
        devices.starts_with(&person.devices[0].id.to_string()),
        "{devices}"
    );
    let id = person.devices[0].id.to_string();
    printed(&beside(folder.path(), &["device", "suspend", "person", &id[..8]]));
    let ended = tokio::time::timeout(Duration::from_secs(10), client.end())
        .await
        .unwrap();
    assert_eq!(ended, Ended::Code(CloseCode::Suspended.code()));
    printed(&beside(folder.path(), &["device", "resume", "person", &id[..8]]));
    printed(&beside(folder.path(), &["member", "disable", "PERSON"]));
    let submission = c::Body::Submit(person.submission(b"x", None));
    assert_eq!(reason(&owner.ask(submission).await), Reason::NoSuchAccount);

    for (arguments, word) in [
        (&["member", "disable", "boss"][..], "last owner"),
        (&["member", "enable", "nobody"][..], "there is no member nobody"),
        (&["member", "free-handle", "boss"][..], "not held"),
        (&["device", "suspend", "boss", "zz"][..], "has no active device"),
    ] {
        let refused = beside(folder.path(), arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            !refused.status.success() && said.contains(word),
            "{arguments:?}: {said}"
        );
    }

    let shown = printed(&beside(folder.path(), &["audit", "show"]));
    for word in [
        "relay-started",
        "member-registered",
        "device-suspended",
        "device-resumed",
        "member-disabled",
    ] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    let verified = printed(&beside(folder.path(), &["audit", "verify"]));
    let noted = verified.split("elsewhere: ").nth(1).unwrap().trim().to_owned();
    let exported = printed(&beside(folder.path(), &["audit", "export"]));
    let file = folder.path().join("export.jsonl");
    fs::write(&file, &exported).unwrap();
    let of_file = |file: &Path| {
        let verify = [
            "audit",
            "verify",
            "--noted",
            &noted,
            "--file",
            file.to_str().unwrap(),
        ];
        let output = beside(folder.path(), &verify);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert!(of_file(&file).0);
    // The export itself is the next record; what was noted is still there.
    printed(&beside(folder.path(), &["audit", "verify", "--noted", &noted]));
    let lines: Vec<&str> = exported.lines().collect();
    let mut without = lines.clone();
    without.remove(2);
    fs::write(&file, without.join("\n")).unwrap();
    let (right, said) = of_file(&file);
    assert!(!right && said.contains("record 3 is missing"), "{said}");
    fs::write(&file, lines[..2].join("\n")).unwrap();
    let (right, said) = of_file(&file);
    assert!(
        !right && said.contains("the records after record 2 are missing"),
        "{said}"
    );
    program.kill();
}
