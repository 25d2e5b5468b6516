//! Messages on their way: submit, deliver, acknowledge, in every order of coming and going.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use chopar_relay::{Config, Rates};
use chopar_wire::close::CloseCode;
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::{AppendLog, FetchLog, client_frame as c, relay_frame::Body};
use common::client::{Ended, kind, reason};
use common::{Client, Person, Reason, TestRelay};

/// P-094.
#[tokio::test]
async fn two_people_exchange_messages() {
    let relay = TestRelay::start().await;
    let (ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    assert!(a.drain().await.is_empty() && b.drain().await.is_empty());

    a.submit(&bob, b"salom").await;
    let got = b.delivery().await;
    assert_eq!(&got.body[..], b"salom");
    b.submit(&ann, b"alik").await;
    assert_eq!(&a.delivery().await.body[..], b"alik");
    b.ack(&[got.seq]).await;

    // What was acknowledged is gone: a new connection starts with an empty queue.
    drop(b);
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    assert!(b.drain().await.is_empty());
    relay.stop().await;
}

/// P-093.
#[tokio::test]
async fn who_was_away_gets_everything_in_order_once() {
    let relay = TestRelay::start().await;
    let (ann, mut a) = relay.owner().await;
    let (bob, b) = relay.member(&mut a, "bob").await;
    drop(b);
    // More than a window, submitted without waiting.
    let mut requests = Vec::new();
    for n in 0..400u32 {
        requests.push(
            a.send(c::Body::Submit(bob.submission(&n.to_be_bytes(), None)))
                .await,
        );
    }
    for request in requests {
        let answer = a.answer(request).await;
        assert!(matches!(answer, Body::Accepted(_)), "{}", kind(&answer));
    }
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    let got = b.drain().await;
    let numbers: Vec<u32> = got
        .iter()
        .map(|d| u32::from_be_bytes(d.body.as_ref().try_into().unwrap()))
        .collect();
    assert_eq!(numbers, (0..400).collect::<Vec<_>>());
    assert!(got.is_sorted_by(|x, y| x.seq < y.seq));

    // Nothing unacknowledged is lost with the connection, and numbers rise across a restart.
    a.submit(&bob, b"last").await;
    let before = b.delivery().await;
    drop((a, b));
    let folder = relay.stop().await;
    let relay = TestRelay::start_in(folder, |_| {}).await;
    assert!(relay.owner_token.is_none(), "there is an owner");
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    let again = b.delivery().await;
    assert_eq!((again.seq, &again.body[..]), (before.seq, &b"last"[..]));
    let mut a = Client::signed_in(relay.port, &ann, 0).await;
    a.submit(&bob, b"newer").await;
    assert!(b.delivery().await.seq > before.seq);
    relay.stop().await;
}

/// P-094.
#[tokio::test]
async fn what_was_not_handed_over_cannot_be_acknowledged() {
    let relay = TestRelay::start_with(|config| config.rates = Rates::unlimited()).await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    // The window is full and one more waits behind it.
    let mut seqs = Vec::new();
    for _ in 0..256 {
        a.submit(&bob, b"window").await;
        seqs.push(b.delivery().await.seq);
    }
    a.submit(&bob, b"behind").await;
    let behind = seqs[255] + 1;
    b.ack(&[behind]).await;
    b.ack(&seqs).await;
    let got = b.delivery().await;
    assert_eq!((got.seq, &got.body[..]), (behind, &b"behind"[..]));
    b.ack(&[behind]).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_reader_too_slow_is_told_so_and_loses_nothing() {
    read_too_slowly(TestRelay::start_with(impatient).await).await;
}

#[tokio::test]
async fn a_reader_too_slow_over_tls_is_told_so_and_loses_nothing() {
    read_too_slowly(TestRelay::start_over_tls(impatient).await).await;
}

fn impatient(config: &mut Config) {
    config.rates = Rates::unlimited();
    config.caps.slow_reader = Duration::from_millis(300);
}

async fn read_too_slowly(relay: TestRelay) {
    let (_ann, mut a) = relay.owner().await;
    let (mut bob, mut b) = relay.member(&mut a, "bob").await;
    // A log of some twenty kilobytes: what it takes to fill the system's buffers for one connection soon.
    for _ in 0..30 {
        let (device, entry) = bob.draft_device();
        append(&mut b, &mut bob, entry).await;
        let entry = bob.draft_revocation(&device.id);
        append(&mut b, &mut bob, entry).await;
    }
    b.drain().await;
    a.submit(&bob, b"kept").await;
    let fetch = FetchLog {
        account: bob.account.into(),
        from: 0,
    };
    let mut ended = None;
    for _ in 0..5 {
        for _ in 0..600 {
            b.send(c::Body::FetchLog(fetch.clone())).await;
        }
        // Longer than a reader may stand still, shorter than the relay then waits for its goodbye to be taken.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        ended = tokio::time::timeout(Duration::from_secs(3), b.end()).await.ok();
        if ended.is_some() {
            break;
        }
        // The machine was so busy that the buffers were not full yet.
    }
    assert_eq!(ended, Some(Ended::Code(CloseCode::SlowReader.code())));
    drop(b);
    let mut b = relay.signed_in(&bob, 0).await;
    assert_eq!(&b.delivery().await.body[..], b"kept");
    relay.stop().await;
}

async fn append(client: &mut Client, person: &mut Person, entry: Entry) {
    let append = AppendLog {
        entry: Some(entry.clone()),
    };
    let answer = client.ask(c::Body::AppendLog(append)).await;
    assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
    person.accept(&entry);
}

/// P-091, T-005.
#[tokio::test]
async fn a_resubmission_is_accepted_and_delivered_once() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    let submit = bob.submission(b"once", None);
    for _ in 0..3 {
        assert!(matches!(
            a.ask(c::Body::Submit(submit.clone())).await,
            Body::Accepted(_)
        ));
    }
    let got = b.delivery().await;
    b.ack(&[got.seq]).await;
    // Also after it was delivered.
    assert!(matches!(a.ask(c::Body::Submit(submit)).await, Body::Accepted(_)));
    a.submit(&bob, b"next").await;
    assert_eq!(&b.delivery().await.body[..], b"next");
    relay.stop().await;
}

/// P-092.
#[tokio::test]
async fn another_device_list_is_answered_with_the_log_and_stores_nothing() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    let (mut bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    let stale = bob.submission(b"stale", None);
    let (laptop, entry) = bob.draft_device();
    let append = chopar_wire::proto::relay::AppendLog {
        entry: Some(entry.clone()),
    };
    assert!(matches!(b.ask(c::Body::AppendLog(append)).await, Body::Done(_)));

    match a.ask(c::Body::Submit(stale)).await {
        Body::DeviceMismatch(mismatch) => {
            assert_eq!((mismatch.from, mismatch.entries.len()), (2, 1));
            assert_eq!(mismatch.entries[0].body, entry.body);
        }
        other => panic!("{}", kind(&other)),
    }
    bob.accept(&entry);
    bob.devices.push(laptop);
    // One envelope short, one too many, none: each a mismatch with nothing new to tell.
    let whole = bob.submission(b"whole", None);
    for count in [0, 1] {
        let mut part = whole.clone();
        part.envelopes.truncate(count);
        match a.ask(c::Body::Submit(part)).await {
            Body::DeviceMismatch(mismatch) => assert_eq!((mismatch.from, mismatch.entries.len()), (3, 0)),
            other => panic!("{}", kind(&other)),
        }
    }
    // A head of another log: everything from the start.
    let mut other = whole.clone();
    other.log_head.as_mut().unwrap().hash = vec![7; 32].into();
    match a.ask(c::Body::Submit(other)).await {
        Body::DeviceMismatch(mismatch) => assert_eq!((mismatch.from, mismatch.entries.len()), (0, 3)),
        other => panic!("{}", kind(&other)),
    }
    let mut b2 = Client::signed_in(relay.port, &bob, 1).await;
    assert!(b2.drain().await.is_empty(), "nothing of a mismatch is stored");
    assert!(matches!(a.ask(c::Body::Submit(whole)).await, Body::Accepted(_)));
    assert_eq!(&b.delivery().await.body[..], b"whole");
    assert_eq!(&b2.delivery().await.body[..], b"whole");

    // To the own account: every device but the own.
    let own = bob.submission(b"copy", Some(bob.id()));
    assert!(matches!(b.ask(c::Body::Submit(own)).await, Body::Accepted(_)));
    assert_eq!(&b2.delivery().await.body[..], b"copy");
    let with_self = bob.submission(b"self", None);
    assert!(matches!(
        b.ask(c::Body::Submit(with_self)).await,
        Body::DeviceMismatch(_)
    ));
    relay.stop().await;
}

/// P-102.
#[tokio::test]
async fn the_newer_connection_replaces_the_older() {
    let relay = TestRelay::start().await;
    let (ann, mut old) = relay.owner().await;
    let mut new = Client::signed_in(relay.port, &ann, 0).await;
    assert_eq!(old.end().await, Ended::Code(CloseCode::Replaced.code()));
    let (bob, _b) = relay.member(&mut new, "bob").await;
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    b.submit(&ann, b"to the newer").await;
    assert_eq!(&new.delivery().await.body[..], b"to the newer");
    relay.stop().await;
}

/// P-103.
#[tokio::test]
async fn a_revoked_device_is_closed_and_emptied() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    let (mut bob, mut b) = relay.member(&mut a, "bob").await;
    let (laptop, entry) = bob.draft_device();
    let append = chopar_wire::proto::relay::AppendLog {
        entry: Some(entry.clone()),
    };
    assert!(matches!(b.ask(c::Body::AppendLog(append)).await, Body::Done(_)));
    bob.accept(&entry);
    bob.devices.push(laptop);
    let mut b2 = Client::signed_in(relay.port, &bob, 1).await;
    b2.drain().await;
    a.submit(&bob, b"for both").await;
    b2.delivery().await;

    let revoked = bob.devices[1].id;
    let entry = bob.draft_revocation(&revoked);
    let append = chopar_wire::proto::relay::AppendLog {
        entry: Some(entry.clone()),
    };
    assert!(matches!(
        b.ask(c::Body::AppendLog(append.clone())).await,
        Body::Done(_)
    ));
    assert_eq!(b2.end().await, Ended::Code(CloseCode::Revoked.code()));
    let mut b2 = Client::connect(relay.port).await;
    assert_eq!(b2.sign_in(&bob, 1).await.unwrap_err(), Reason::DeviceRevoked);

    // The same entry again lost its race long ago.
    match b.ask(c::Body::AppendLog(append)).await {
        Body::LogConflict(conflict) => assert_eq!((conflict.from, conflict.entries.len()), (3, 1)),
        other => panic!("{}", kind(&other)),
    }
    bob.accept(&entry);
    a.submit(&bob, b"for one").await;
    let claim = chopar_wire::proto::relay::ClaimBundle {
        account: bob.account.into(),
        device: revoked.into(),
    };
    assert_eq!(
        reason(&a.ask(c::Body::ClaimBundle(claim)).await),
        Reason::NoSuchDevice
    );
    relay.stop().await;
}

/// P-097.
#[tokio::test]
async fn signals_reach_who_is_here_and_are_never_stored() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    let signal = |body: &[u8]| {
        let submit = bob.submission(body, None);
        c::Body::SubmitSignal(chopar_wire::proto::relay::SubmitSignal {
            account: submit.account,
            envelopes: submit.envelopes,
        })
    };
    assert!(matches!(a.ask(signal(b"typing")).await, Body::Done(_)));
    match b.next().await {
        Body::DeliverSignal(signal) => assert_eq!(&signal.body[..], b"typing"),
        other => panic!("{}", kind(&other)),
    }
    drop(b);
    assert!(matches!(a.ask(signal(b"nobody hears")).await, Body::Done(_)));
    assert_eq!(reason(&a.ask(signal(&[0; 1025])).await), Reason::TooLarge);
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    assert!(b.drain().await.is_empty());
    relay.stop().await;
}

#[tokio::test]
async fn a_stopping_relay_says_so() {
    for relay in [TestRelay::start().await, TestRelay::start_over_tls(|_| {}).await] {
        stop_and_listen(relay).await;
    }
}

async fn stop_and_listen(relay: TestRelay) {
    let (_ann, mut a) = relay.owner().await;
    let mut stranger = relay.client().await;
    let started = std::time::Instant::now();
    let (folder, ends) = tokio::join!(relay.stop(), async { (a.end().await, stranger.end().await) });
    assert_eq!(ends, (Ended::Code(1001), Ended::Code(1001)));
    assert!(started.elapsed().as_secs() < 5);
    drop(folder);
}
