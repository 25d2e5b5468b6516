//! Group submissions and opaque logs over the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use chopar_identity::{append_hash, group_envelope_id};
use chopar_relay::{Rate, Rates};
use chopar_wire::GroupRecipient;
use chopar_wire::ids::{AccountId, GroupSubmissionId};
use chopar_wire::limits::MAX_ENVELOPE_BODY;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::{
    AppendLog, AppendOpaque, ClaimBundle, FetchOpaque, OpaqueLog, SubmitGroup, client_frame as c,
    relay_frame::Body,
};
use common::client::{kind, reason};
use common::opaque::{append, ask_append, fetch};
use common::{Client, Person, Reason, TestRelay};

fn recipient(person: &Person) -> GroupRecipient {
    GroupRecipient::new(person.account, &person.head().hash)
}

fn submission(id: u8, body: &[u8], to: &[GroupRecipient]) -> SubmitGroup {
    SubmitGroup {
        id: GroupSubmissionId::new([id; 16]).into(),
        body: body.to_vec().into(),
        expiry: 0,
        recipients: GroupRecipient::encode(to),
    }
}

async fn submit(client: &mut Client, submission: SubmitGroup) -> Body {
    client.ask(c::Body::SubmitGroup(submission)).await
}

/// P-240, P-241, P-242.
#[tokio::test]
async fn a_group_is_reached_with_one_frame() {
    let relay = TestRelay::start().await;
    let (mut ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    let (eve, e) = relay.member(&mut a, "eve").await;
    drop(e);
    // A second device of the sender's gets it too.
    let (laptop, entry) = ann.draft_device();
    let added = a
        .ask(c::Body::AppendLog(AppendLog {
            entry: Some(entry.clone()),
        }))
        .await;
    assert!(matches!(added, Body::Done(_)), "{}", kind(&added));
    let before = recipient(&ann);
    ann.accept(&entry);
    ann.devices.push(laptop);
    let mut a2 = Client::signed_in(relay.port, &ann, 1).await;
    assert!(b.drain().await.is_empty() && a2.drain().await.is_empty());

    // A sender that knows an older list of devices, or people who are not here, reaches nobody.
    let stranger = GroupRecipient::new(AccountId::new([9; 32]), &[9; 32]);
    match submit(&mut a, submission(1, b"hi", &[before, stranger, recipient(&bob)])).await {
        Body::GroupMismatch(mismatch) => {
            assert_eq!(mismatch.behind, [&ann.account.as_bytes()[..]]);
            assert_eq!(mismatch.gone, [&[9; 32][..]]);
        }
        other => panic!("{}", kind(&other)),
    }
    let all = [recipient(&ann), recipient(&bob), recipient(&eve)];
    for _ in 0..2 {
        match submit(&mut a, submission(1, b"salom", &all)).await {
            Body::GroupAccepted(accepted) => assert!(accepted.full.is_empty() && accepted.time > 0),
            other => panic!("{}", kind(&other)),
        }
    }
    submit(&mut a, submission(2, b"last", &all)).await;
    let mut e = Client::signed_in(relay.port, &eve, 0).await;
    for (client, device) in [
        (&mut b, bob.id()),
        (&mut a2, ann.devices[1].id),
        (&mut e, eve.id()),
    ] {
        let got = client.delivery().await;
        assert_eq!(&got.body[..], b"salom");
        let id = group_envelope_id(&GroupSubmissionId::new([1; 16]), &device);
        assert_eq!(&got.id[..], id.as_bytes());
        client.ack(&[got.seq]).await;
        let last = client.delivery().await;
        assert_eq!(&last.body[..], b"last", "once");
        client.ack(&[last.seq]).await;
    }
    assert!(a.drain().await.is_empty(), "who submits gets none");
    relay.stop().await;
}

/// P-242.
#[tokio::test]
async fn what_no_group_sends_is_refused_by_name() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    let bobs = recipient(&bob);
    let other_head = GroupRecipient { head: [0; 8], ..bobs };
    let crowd: Vec<_> = (0..1001u16)
        .map(|n| {
            GroupRecipient::new(
                AccountId::new([n.to_be_bytes(); 16].concat().try_into().unwrap()),
                &[0; 32],
            )
        })
        .collect();
    let good = || submission(1, b"x", &[bobs]);
    for (name, broken, why) in [
        (
            "id",
            SubmitGroup {
                id: vec![1; 15].into(),
                ..good()
            },
            Reason::Malformed,
        ),
        (
            "empty",
            SubmitGroup {
                body: vec![].into(),
                ..good()
            },
            Reason::Malformed,
        ),
        (
            "long",
            SubmitGroup {
                body: vec![0; MAX_ENVELOPE_BODY + 1].into(),
                ..good()
            },
            Reason::TooLarge,
        ),
        (
            "odd",
            SubmitGroup {
                recipients: vec![1; 39].into(),
                ..good()
            },
            Reason::Malformed,
        ),
        (
            "twice",
            submission(1, b"x", &[bobs, other_head]),
            Reason::Malformed,
        ),
        ("crowd", submission(1, b"x", &crowd), Reason::Malformed),
        ("nobody", submission(1, b"x", &[]), Reason::Malformed),
    ] {
        assert_eq!(reason(&submit(&mut a, broken).await), why, "{name}");
    }
    // The largest that is none of these passes the frame's bound.
    let largest = submission(1, &[0; MAX_ENVELOPE_BODY], &crowd[..1000]);
    match submit(&mut a, largest).await {
        Body::GroupMismatch(mismatch) => assert_eq!(mismatch.gone.len(), 1000),
        other => panic!("{}", kind(&other)),
    }
    relay.stop().await;
}

fn shown(body: Body) -> OpaqueLog {
    match body {
        Body::OpaqueLog(log) => log,
        other => panic!("{}", kind(&other)),
    }
}

fn bodies(log: &OpaqueLog) -> Vec<chopar_wire::prost::bytes::Bytes> {
    use chopar_wire::prost::Message as _;
    let decode = |bytes: &chopar_wire::prost::bytes::Bytes| Signed::decode(bytes.clone()).unwrap().body;
    log.appends.iter().map(decode).collect()
}

/// P-244, P-245, T-061.
#[tokio::test]
async fn an_opaque_log_is_written_by_who_holds_its_key_and_in_one_order() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    let (_bob, mut b) = relay.member(&mut a, "bob").await;
    assert_eq!(reason(&fetch(&mut b, 5, 0).await), Reason::NoSuchLog);
    let first = append(None, b"one", 1, 1);
    let parent = Some(append_hash(&first.body));
    let early = append(parent, b"two", 1, 1);
    assert_eq!(reason(&ask_append(&mut a, &early).await), Reason::NoSuchLog);
    let stolen = append(None, b"one", 1, 2);
    assert_eq!(reason(&ask_append(&mut a, &stolen).await), Reason::NotAllowed);

    // The answer may be lost: the same again is the same.
    for _ in 0..2 {
        let done = shown(ask_append(&mut a, &first).await);
        assert!(done.appended && done.length == 1 && done.appends.is_empty());
    }
    // Another beginning comes too late and is shown what there is.
    let late = shown(ask_append(&mut b, &append(None, b"mine", 2, 2)).await);
    assert!(!late.appended && late.from == 0);
    assert_eq!(bodies(&late), std::slice::from_ref(&first.body));

    // Two at once: one is stored, the other gets it.
    let (left, right) = (append(parent, b"left", 2, 1), append(parent, b"right", 3, 1));
    assert!(shown(ask_append(&mut a, &left).await).appended);
    let late = shown(ask_append(&mut b, &right).await);
    assert_eq!((late.appended, late.from, late.length), (false, 1, 2));
    assert_eq!(bodies(&late), std::slice::from_ref(&left.body));

    // The key that signs next is the one that the last append named; whoever knows the id may read.
    let parent = Some(append_hash(&left.body));
    let old_key = append(parent, b"three", 1, 1);
    assert_eq!(reason(&ask_append(&mut a, &old_key).await), Reason::NotAllowed);
    let third = append(parent, &[7; 60 * 1024], 2, 2);
    assert!(shown(ask_append(&mut b, &third).await).appended);
    let all = shown(fetch(&mut b, 5, 0).await);
    assert_eq!((all.length, bodies(&all).len()), (3, 3));
    let rest = shown(fetch(&mut b, 5, 2).await);
    assert_eq!(bodies(&rest), std::slice::from_ref(&third.body));
    assert!(bodies(&shown(fetch(&mut b, 5, 3).await)).is_empty());

    // It outlives a restart, to the byte.
    let relay = TestRelay::start_in(relay.stop().await, |_| {}).await;
    let mut b = Client::signed_in(relay.port, &_bob, 0).await;
    let again = shown(fetch(&mut b, 5, 0).await);
    assert_eq!(again.appends, all.appends);
    relay.stop().await;
}

/// P-245.
#[tokio::test]
async fn malformed_appends_are_refused_by_name() {
    let relay = TestRelay::start_with(|config| {
        config.rates = Rates {
            opaque_logs: Rate::every(1_000_000, 1),
            ..Rates::default()
        };
    })
    .await;
    let (_ann, mut a) = relay.owner().await;
    let nothing = AppendOpaque {
        log: vec![5; 16].into(),
        append: None,
    };
    assert_eq!(
        reason(&a.ask(c::Body::AppendOpaque(nothing)).await),
        Reason::Malformed
    );
    let first = append(None, b"one", 1, 1);
    let other_log = AppendOpaque {
        log: vec![6; 16].into(),
        append: Some(first.clone()),
    };
    assert_eq!(
        reason(&a.ask(c::Body::AppendOpaque(other_log)).await),
        Reason::Malformed
    );
    let short = Signed {
        body: first.body.slice(1..),
        ..first.clone()
    };
    assert_eq!(reason(&ask_append(&mut a, &short).await), Reason::Malformed);
    let unsigned = Signed {
        signature: vec![0; 64].into(),
        ..first.clone()
    };
    assert_eq!(reason(&ask_append(&mut a, &unsigned).await), Reason::NotAllowed);
    let long = append(None, &[0; 64 * 1024 + 1], 1, 1);
    assert_eq!(reason(&ask_append(&mut a, &long).await), Reason::TooLarge);
    let fetch = FetchOpaque {
        log: vec![5; 3].into(),
        from: 0,
    };
    assert_eq!(
        reason(&a.ask(c::Body::FetchOpaque(fetch)).await),
        Reason::Malformed
    );
    // What was signed by nobody who may began a log for the limiter too.
    assert_eq!(reason(&ask_append(&mut a, &first).await), Reason::RateLimited);
    relay.stop().await;
}

/// P-246, T-060.
#[tokio::test]
async fn one_member_does_not_drain_another_s_pool() {
    let relay = TestRelay::start().await;
    let (ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    let claim = |person: &Person| {
        c::Body::ClaimBundle(ClaimBundle {
            account: person.account.into(),
            device: person.id().into(),
        })
    };
    for _ in 0..6 {
        let answer = a.ask(claim(&bob)).await;
        assert!(matches!(answer, Body::ClaimedBundle(_)), "{}", kind(&answer));
    }
    match a.ask(claim(&bob)).await {
        Body::Refused(refused) => {
            assert_eq!(Reason::of(&refused), Reason::RateLimited);
            assert!((500_000..=600_000).contains(&refused.retry_after_ms));
        }
        other => panic!("{}", kind(&other)),
    }
    for (client, person) in [(&mut a, &ann), (&mut b, &bob)] {
        let answer = client.ask(claim(person)).await;
        assert!(matches!(answer, Body::ClaimedBundle(_)), "{}", kind(&answer));
    }
    relay.stop().await;
}
