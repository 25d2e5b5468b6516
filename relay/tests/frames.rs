//! Each kind of frame that a client can send: cut off, with an id of a wrong length, too large, before sign-in, and twice. Each is
//! answered, and the server goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeSet;

use chopar_relay::Rates;
use chopar_wire::GroupRecipient;
use chopar_wire::frame;
use chopar_wire::ids::GroupSubmissionId;
use chopar_wire::proto::relay::set_member::Act;
use chopar_wire::proto::relay::{
    Ack, AddOneTime, AppendLog, AppendOpaque, BeginFile, CheckInvite, ClaimBundle, CreateInvite, DeleteFile,
    FetchAudit, FetchLog, FetchOpaque, Find, ListDevices, ListInvites, ListMembers, OpenFile, Ping,
    PublishBundle, Recover, RevokeInvite, Role, SetDevice, SetMember, SetProfile, SignIn, SubmitGroup,
    SubmitSignal, client_frame as c, relay_frame::Body,
};
use common::client::{kind, reason};
use common::opaque::append;
use common::people::envelope_id;
use common::{Client, Person, Reason, TestRelay};

/// Bytes above the largest frame of any kind, and below what ends a connection.
const TOO_LARGE: usize = 400 * 1024;
/// The wire's own list of kinds: what is added there is missed here.
const PROTO: &str = include_str!("../../shared/wire/proto/relay.proto");

/// What the relay answers to a kind's frame that is well made, sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twice {
    /// As it answered the first time: nothing happens twice, or it may.
    Same,
    /// The first was taken, and this one was answered so.
    Then(&'static str),
    /// Refused both times.
    Never(Reason),
}

/// One kind, well made by ann, an owner.
struct Kind {
    body: c::Body,
    twice: Twice,
}

fn kinds(client: &Client, ann: &Person, bob: &Person) -> Vec<Kind> {
    use c::Body as B;
    let same = |body| Kind {
        body,
        twice: Twice::Same,
    };
    let never = |body, why| Kind {
        body,
        twice: Twice::Never(why),
    };
    let (account, device) = (bob.account, bob.id());
    let mut signal = bob.submission(b"typing", None);
    let member = |person: &Person| GroupRecipient::new(person.account, &person.head().hash);
    vec![
        never(
            B::SignIn(SignIn {
                proof: Some(ann.proof(0, &client.challenge, &client.origin())),
            }),
            Reason::NotAllowed,
        ),
        never(
            B::Register(client.registration(&Person::new(), "token", "eve", "Eve")),
            Reason::NotAllowed,
        ),
        never(
            B::CheckInvite(CheckInvite {
                invite: "token".to_owned(),
            }),
            Reason::NotAllowed,
        ),
        never(
            B::Recover(Recover {
                proof: Some(ann.recover_proof(&client.challenge, &client.origin())),
            }),
            Reason::NotAllowed,
        ),
        never(
            B::AdmitDevice(ann.admission(&ann.draft_device().0, &client.challenge, &client.origin())),
            Reason::NotAllowed,
        ),
        same(B::Submit(bob.submission(b"x", None))),
        same(B::Ack(Ack { seqs: vec![1] })),
        same(B::FetchLog(FetchLog {
            account: account.into(),
            from: 0,
        })),
        same(B::Find(Find {
            query: "bob".to_owned(),
        })),
        Kind {
            body: B::PublishBundle(PublishBundle {
                bundle: Some(ann.bundle(0, 2)),
            }),
            twice: Twice::Then("REASON_BUNDLE_INVALID"),
        },
        same(B::AddOneTime(AddOneTime {
            one_time: vec![ann.devices[0].one_time(1)],
        })),
        same(B::ClaimBundle(ClaimBundle {
            account: account.into(),
            device: device.into(),
        })),
        same(B::CreateInvite(CreateInvite {
            role: Role::Member.into(),
            uses: 1,
            lifetime_seconds: 3600,
        })),
        same(B::ListMembers(ListMembers::default())),
        same(B::ListInvites(ListInvites {})),
        never(
            B::RevokeInvite(RevokeInvite {
                id: vec![9; 16].into(),
            }),
            Reason::InviteUnknown,
        ),
        same(B::SetProfile(SetProfile {
            display_name: "Ann".to_owned(),
        })),
        same(B::SubmitSignal(SubmitSignal {
            account: account.into(),
            envelopes: std::mem::take(&mut signal.envelopes),
        })),
        same(B::Ping(Ping {})),
        same(B::SetMember(SetMember {
            account: account.into(),
            act: Act::Enable.into(),
            free_handle: false,
        })),
        same(B::ListDevices(ListDevices {
            account: account.into(),
        })),
        same(B::SetDevice(SetDevice {
            account: account.into(),
            device: device.into(),
            suspended: false,
        })),
        same(B::FetchAudit(FetchAudit::default())),
        same(B::SubmitGroup(SubmitGroup {
            id: GroupSubmissionId::new(*envelope_id().as_bytes()).into(),
            body: b"x".to_vec().into(),
            expiry: 0,
            recipients: GroupRecipient::encode(&[member(ann), member(bob)]),
        })),
        same(B::AppendOpaque(AppendOpaque {
            log: vec![5; 16].into(),
            append: Some(append(None, b"entry", 5, 5)),
        })),
        same(B::FetchOpaque(FetchOpaque {
            log: vec![5; 16].into(),
            from: 0,
        })),
        same(B::BeginFile(BeginFile {
            id: vec![6; 16].into(),
            size: 65_552,
        })),
        never(
            B::OpenFile(OpenFile {
                id: vec![7; 16].into(),
            }),
            Reason::NoSuchFile,
        ),
        same(B::DeleteFile(DeleteFile {
            id: vec![6; 16].into(),
        })),
        // Last: ann's own log grows by it.
        Kind {
            body: B::AppendLog(AppendLog {
                entry: Some(ann.draft_device().1),
            }),
            twice: Twice::Then("LogConflict"),
        },
    ]
}

/// The same with an id, a key or a signature of a wrong length; `None` where a kind has none. A new kind does not compile until
/// it has a line here.
fn with_a_wrong_length(body: c::Body) -> Option<c::Body> {
    use c::Body as B;
    let short = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec().into();
    Some(match body {
        B::SignIn(mut sign_in) => {
            let proof = sign_in.proof.as_mut().unwrap();
            proof.signature = short(&proof.signature);
            B::SignIn(sign_in)
        }
        B::Register(mut register) => {
            let proof = register.proof.as_mut().unwrap();
            proof.signature = short(&proof.signature);
            B::Register(register)
        }
        B::Recover(mut recover) => {
            let proof = recover.proof.as_mut().unwrap();
            proof.signature = short(&proof.signature);
            B::Recover(recover)
        }
        B::AdmitDevice(mut admit) => {
            let proof = admit.proof.as_mut().unwrap();
            proof.signature = short(&proof.signature);
            B::AdmitDevice(admit)
        }
        B::Submit(mut submit) => {
            submit.account = short(&submit.account);
            B::Submit(submit)
        }
        B::FetchLog(mut fetch) => {
            fetch.account = short(&fetch.account);
            B::FetchLog(fetch)
        }
        B::AppendLog(mut append) => {
            let signature = &mut append.entry.as_mut().unwrap().signatures[0].signature;
            *signature = short(signature);
            B::AppendLog(append)
        }
        B::PublishBundle(mut publish) => {
            let bundle = publish.bundle.as_mut().unwrap();
            bundle.signature = short(&bundle.signature);
            B::PublishBundle(publish)
        }
        B::AddOneTime(mut add) => {
            add.one_time[0].signature = short(&add.one_time[0].signature);
            B::AddOneTime(add)
        }
        B::ClaimBundle(mut claim) => {
            claim.device = short(&claim.device);
            B::ClaimBundle(claim)
        }
        B::RevokeInvite(mut revoke) => {
            revoke.id = short(&revoke.id);
            B::RevokeInvite(revoke)
        }
        B::SubmitSignal(mut signal) => {
            signal.envelopes[0].device = short(&signal.envelopes[0].device);
            B::SubmitSignal(signal)
        }
        B::SetMember(mut set) => {
            set.account = short(&set.account);
            B::SetMember(set)
        }
        B::ListDevices(mut list) => {
            list.account = short(&list.account);
            B::ListDevices(list)
        }
        B::SetDevice(mut set) => {
            set.device = short(&set.device);
            B::SetDevice(set)
        }
        B::FetchAudit(mut fetch) => {
            fetch.node = vec![1; 5].into();
            B::FetchAudit(fetch)
        }
        B::SubmitGroup(mut submit) => {
            submit.id = short(&submit.id);
            B::SubmitGroup(submit)
        }
        B::AppendOpaque(mut append) => {
            append.log = short(&append.log);
            B::AppendOpaque(append)
        }
        B::FetchOpaque(mut fetch) => {
            fetch.log = short(&fetch.log);
            B::FetchOpaque(fetch)
        }
        B::BeginFile(mut begin) => {
            begin.id = short(&begin.id);
            B::BeginFile(begin)
        }
        B::OpenFile(mut open) => {
            open.id = short(&open.id);
            B::OpenFile(open)
        }
        B::DeleteFile(mut delete) => {
            delete.id = short(&delete.id);
            B::DeleteFile(delete)
        }
        B::CheckInvite(_)
        | B::Ack(_)
        | B::Find(_)
        | B::CreateInvite(_)
        | B::ListMembers(_)
        | B::ListInvites(_)
        | B::SetProfile(_)
        | B::Ping(_) => return None,
    })
}

/// The number of a kind's field, and what stands in it.
fn parts(body: &c::Body) -> (u64, Vec<u8>) {
    let bytes = frame::client(1, body.clone());
    // The request's field and its one byte come first.
    let mut rest = &bytes[2..];
    let key = varint(&mut rest);
    let length = varint(&mut rest);
    assert_eq!(length, rest.len() as u64);
    (key >> 3, rest.to_vec())
}

fn varint(bytes: &mut &[u8]) -> u64 {
    prost::encoding::decode_varint(bytes).unwrap()
}

/// A frame of a kind that holds these bytes.
fn framed(request: u64, field: u64, bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    for number in [1 << 3, request, field << 3 | 2, bytes.len() as u64] {
        prost::encoding::encode_varint(number, &mut frame);
    }
    frame.extend_from_slice(bytes);
    frame
}

/// Kinds that come before a sign-in.
fn opens(body: &c::Body) -> bool {
    use c::Body as B;
    matches!(
        body,
        B::SignIn(_) | B::Register(_) | B::CheckInvite(_) | B::Recover(_) | B::AdmitDevice(_) | B::Ping(_)
    )
}

async fn lives(client: &mut Client, body: &c::Body, how: &str) {
    let answer = client.ask(c::Body::Ping(Ping {})).await;
    assert!(
        matches!(answer, Body::Pong(_)),
        "field {} {how}: {}",
        parts(body).0,
        kind(&answer)
    );
}

/// What came of it, to compare: a refusal by its reason.
fn outcome(body: &Body) -> String {
    match body {
        Body::Refused(_) => format!("{:?}", reason(body)),
        other => kind(other),
    }
}

#[test]
fn every_kind_of_the_wire_is_here() {
    let listed = PROTO
        .split("message ClientFrame {")
        .nth(1)
        .and_then(|rest| rest.split("oneof body {").nth(1))
        .and_then(|rest| rest.split('}').next())
        .unwrap();
    let fields: BTreeSet<u64> = listed
        .lines()
        .filter_map(|line| line.split_once(" = ")?.1.split(';').next()?.parse().ok())
        .collect();
    assert!(fields.len() > 20, "the list was not understood: {fields:?}");
    let (ann, bob) = (Person::new(), Person::new());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let relay = TestRelay::start().await;
        let client = relay.client().await;
        let here: BTreeSet<u64> = kinds(&client, &ann, &bob)
            .iter()
            .map(|kind| parts(&kind.body).0)
            .collect();
        assert_eq!(here, fields);
        drop(client);
        relay.stop().await;
    });
}

/// P-001.
#[tokio::test]
async fn every_kind_is_answered_however_it_comes() {
    let relay = TestRelay::start_with(|config| config.rates = Rates::unlimited()).await;
    let (ann, mut a) = relay.owner().await;
    let (bob, b) = relay.member(&mut a, "bob").await;
    drop((a, b));
    let count = kinds(&relay.client().await, &ann, &bob).len();
    for at in 0..count {
        // Cut off, and larger than its kind may be.
        let mut stranger = relay.client().await;
        let mut client = relay.signed_in(&ann, 0).await;
        let well_made = kinds(&client, &ann, &bob).swap_remove(at);
        let (field, bytes) = parts(&well_made.body);
        let mut large = bytes.clone();
        large.extend(framed(0, 99, &vec![0; TOO_LARGE])[2..].iter());
        for side in [&mut client, &mut stranger] {
            let mut cut = framed(1000, field, &bytes);
            cut.pop();
            side.raw(cut).await;
            assert_eq!(
                reason(&side.answer(1000).await),
                Reason::Malformed,
                "field {field}"
            );
            lives(side, &well_made.body, "cut off").await;
            side.raw(framed(1001, field, &large)).await;
            assert_eq!(
                reason(&side.answer(1001).await),
                Reason::TooLarge,
                "field {field}"
            );
            lives(side, &well_made.body, "too large").await;
        }

        // An id of a wrong length.
        if let Some(wrong) = with_a_wrong_length(well_made.body.clone()) {
            let answer = client.ask(wrong).await;
            let expected = match well_made.twice {
                // Whoever is signed in does not open.
                Twice::Never(why) if opens(&well_made.body) => vec![why],
                _ => vec![Reason::Malformed, Reason::LogInvalid, Reason::BundleInvalid],
            };
            assert!(
                expected.contains(&reason(&answer)),
                "field {field}: {}",
                kind(&answer)
            );
            lives(&mut client, &well_made.body, "with a wrong length").await;
        }

        // Before sign-in.
        let answer = stranger.ask(well_made.body.clone()).await;
        if opens(&well_made.body) {
            let refused = matches!(&answer, Body::Refused(_)).then(|| reason(&answer));
            let expected = match &well_made.body {
                // It answers the challenge of another connection: a proof that was seen is worth nothing.
                c::Body::SignIn(_) | c::Body::Recover(_) => Some(Reason::SignInFailed),
                // The account key is to be proven on the same connection.
                c::Body::AdmitDevice(_) => Some(Reason::SignInFirst),
                // Its invite is looked at first, and is nobody's.
                c::Body::Register(_) => Some(Reason::InviteUnknown),
                c::Body::CheckInvite(_) => Some(Reason::InviteUnknown),
                _ => None,
            };
            assert_eq!(refused, expected, "field {field}: {}", kind(&answer));
        } else {
            assert_eq!(reason(&answer), Reason::SignInFirst, "field {field}");
        }
        lives(&mut stranger, &well_made.body, "before sign-in").await;

        // Twice, under one number: the same bytes, as one does who replays them.
        let whole = framed(2000, field, &bytes);
        client.raw(whole.clone()).await;
        let first = client.answer(2000).await;
        client.raw(whole).await;
        let second = client.answer(2000).await;
        let said = format!("field {field}: {}, then {}", outcome(&first), outcome(&second));
        match well_made.twice {
            Twice::Same => {
                assert!(!matches!(first, Body::Refused(_)), "{said}");
                assert_eq!(outcome(&first), outcome(&second), "{said}");
            }
            Twice::Then(expected) => {
                assert!(!matches!(first, Body::Refused(_)), "{said}");
                assert_eq!(outcome(&second), expected, "{said}");
            }
            Twice::Never(why) => {
                assert_eq!((reason(&first), reason(&second)), (why, why), "{said}");
            }
        }
        lives(&mut client, &well_made.body, "twice").await;
    }

    // What was stored is there once: a message of each kind.
    let mut b = relay.signed_in(&bob, 0).await;
    assert_eq!(b.drain().await.len(), 2, "one to him, one to the group");
    relay.stop().await;
}
