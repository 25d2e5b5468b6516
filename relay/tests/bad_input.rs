//! Frames that are none, too large, unknown, too early: each is answered, and the connection lives where it can.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use chopar_relay::{Caps, Rate};
use chopar_wire::close::CloseCode;
use chopar_wire::frame;
use chopar_wire::limits::{MAX_ENVELOPE_BODY, MAX_FRAME};
use chopar_wire::proto::relay::{
    Ack, Find, ListMembers, Ping, SetProfile, SignIn, client_frame as c, relay_frame::Body,
};
use common::client::{Ended, kind, reason};
use common::{Client, Reason, TestRelay};

/// P-001.
#[tokio::test]
async fn broken_frames_are_answered_and_the_connection_lives() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    for signed_in in [true, false] {
        let mut stranger;
        let client = if signed_in {
            &mut a
        } else {
            stranger = Client::connect(relay.port).await;
            &mut stranger
        };
        // Number 300, then garbage: the answer carries the number.
        client.raw(vec![0x08, 0xac, 0x02, 0xff, 0xff]).await;
        assert_eq!(reason(&client.answer(300).await), Reason::Malformed);
        client.raw(vec![0xff; 10]).await;
        assert_eq!(client.unnumbered_refusal().await, Reason::Malformed);
        client.raw(vec![]).await;
        assert_eq!(client.unnumbered_refusal().await, Reason::Malformed);
        client.text("hello").await;
        assert_eq!(client.unnumbered_refusal().await, Reason::Malformed);
        // A kind of the future: field 900.
        client.raw(vec![0x08, 77, 0xa2, 0x38, 0x00]).await;
        assert_eq!(reason(&client.answer(77).await), Reason::UnknownKind);
        // Larger than its kind may be, and larger than any frame may be.
        let long = SetProfile {
            display_name: "x".repeat(MAX_FRAME),
        };
        assert_eq!(
            reason(&client.ask(c::Body::SetProfile(long)).await),
            Reason::TooLarge
        );
        client.raw(vec![0x08; 300 * 1024]).await;
        client.frame().await.map(|_| ()).unwrap();
        // Cut off in the middle.
        let mut whole = frame::client(
            78,
            c::Body::Find(Find {
                query: "somebody".to_owned(),
            }),
        );
        whole.truncate(whole.len() - 3);
        client.raw(whole).await;
        assert_eq!(reason(&client.answer(78).await), Reason::Malformed);
        assert!(matches!(client.ask(c::Body::Ping(Ping {})).await, Body::Pong(_)));
    }
    relay.stop().await;
}

#[tokio::test]
async fn far_too_much_is_the_end() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    a.provoke(vec![0; 600 * 1024]).await;
    assert_eq!(a.end().await, Ended::Code(CloseCode::Overloaded.code()));
    let mut b = Client::connect(relay.port).await;
    for _ in 0..21 {
        b.provoke(vec![0xff]).await;
    }
    assert_eq!(b.end().await, Ended::Code(CloseCode::Malformed.code()));
    relay.stop().await;
}

#[tokio::test]
async fn nothing_but_the_opening_comes_before_it() {
    let relay = TestRelay::start().await;
    let mut stranger = Client::connect(relay.port).await;
    for body in [
        c::Body::Find(Find {
            query: "a".to_owned(),
        }),
        c::Body::Ack(Ack { seqs: vec![1] }),
        c::Body::ListMembers(ListMembers::default()),
        c::Body::Submit(Default::default()),
        c::Body::ClaimBundle(Default::default()),
        c::Body::FetchLog(Default::default()),
    ] {
        assert_eq!(reason(&stranger.ask(body).await), Reason::SignInFirst);
    }
    assert_eq!(
        reason(&stranger.ask(c::Body::SignIn(SignIn { proof: None })).await),
        Reason::Malformed
    );
    relay.stop().await;
}

#[tokio::test]
async fn fields_of_the_wrong_size_are_named() {
    let relay = TestRelay::start().await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, _b) = relay.member(&mut a, "bob").await;
    let good = bob.submission(b"x", None);
    let spoil = |change: fn(&mut chopar_wire::proto::relay::Submit)| {
        let mut bad = good.clone();
        change(&mut bad);
        c::Body::Submit(bad)
    };
    for (body, why) in [
        (spoil(|s| s.account = vec![1; 31].into()), Reason::Malformed),
        (spoil(|s| s.account = vec![1; 32].into()), Reason::NoSuchAccount),
        (
            spoil(|s| s.envelopes[0].device = vec![1; 15].into()),
            Reason::Malformed,
        ),
        (spoil(|s| s.envelopes[0].id = vec![].into()), Reason::Malformed),
        (spoil(|s| s.envelopes[0].body = vec![].into()), Reason::Malformed),
        (
            spoil(|s| s.envelopes[0].body = vec![0; MAX_ENVELOPE_BODY + 1].into()),
            Reason::TooLarge,
        ),
        (
            spoil(|s| s.envelopes = vec![s.envelopes[0].clone(); 2]),
            Reason::Malformed,
        ),
        (
            spoil(|s| s.envelopes = vec![s.envelopes[0].clone(); 9]),
            Reason::Malformed,
        ),
        (c::Body::Ack(Ack { seqs: vec![1; 1001] }), Reason::Malformed),
        (c::Body::SignIn(SignIn { proof: None }), Reason::NotAllowed),
    ] {
        let answer = a.ask(body).await;
        assert_eq!(reason(&answer), why, "{}", kind(&answer));
    }
    // Acknowledging what never was is no fault: it is gone as wished.
    a.ack(&[1, 2, u64::MAX >> 1]).await;
    // Not even the largest number of the wire ends anything.
    let answer = a.ask(c::Body::Ack(Ack { seqs: vec![u64::MAX] })).await;
    assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
    a.submit(&bob, b"still here").await;
    relay.stop().await;
}

#[tokio::test]
async fn too_much_at_once_waits() {
    let relay = TestRelay::start_with(|config| {
        config.rates.submits = Rate::per_second(1, 3);
        config.rates.finds = Rate::per_second(1, 2);
    })
    .await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    for _ in 0..3 {
        a.submit(&bob, b"x").await;
    }
    match a.ask(c::Body::Submit(bob.submission(b"x", None))).await {
        Body::Refused(refused) => {
            assert_eq!(Reason::of(&refused), Reason::RateLimited);
            assert!((1..=1000).contains(&refused.retry_after_ms));
        }
        other => panic!("{}", kind(&other)),
    }
    // Another person is not held up.
    for _ in 0..2 {
        assert!(matches!(
            b.ask(c::Body::Find(Find { query: "o".into() })).await,
            Body::People(_)
        ));
    }
    assert_eq!(
        reason(&b.ask(c::Body::Find(Find { query: "o".into() })).await),
        Reason::RateLimited
    );
    relay.stop().await;
}

#[tokio::test]
async fn acknowledgements_wait_their_turn_and_pings_are_refused() {
    let rate = Rate::per_second(20, 10);
    let relay = TestRelay::start_with(|config| (config.rates.acks, config.rates.pings) = (rate, rate)).await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    a.submit(&bob, b"x").await;
    let seq = b.delivery().await.seq;
    let begun = std::time::Instant::now();
    // More at once than the bucket ever holds: it is emptied, and a second later the last of fifteen has its turn.
    let mut requests = vec![
        b.send(c::Body::Ack(Ack {
            seqs: vec![seq; 1000],
        }))
        .await,
    ];
    for _ in 0..15 {
        requests.push(b.send(c::Body::Ack(Ack { seqs: vec![] })).await);
    }
    // Others of the connection are not held up.
    assert!(matches!(b.ask(c::Body::Ping(Ping {})).await, Body::Pong(_)));
    assert!(begun.elapsed() < Duration::from_millis(700));
    for request in requests {
        let answer = b.answer(request).await;
        assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
    }
    assert!(begun.elapsed() >= Duration::from_millis(700));
    let mut pings = Vec::new();
    for _ in 0..15 {
        pings.push(a.send(c::Body::Ping(Ping {})).await);
    }
    let mut refused = 0;
    for request in pings {
        match a.answer(request).await {
            Body::Pong(_) => {}
            other => {
                assert_eq!(reason(&other), Reason::RateLimited);
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    relay.stop().await;
}

#[tokio::test]
async fn clients_behind_a_proxy_have_limits_of_their_own() {
    let start = |behind_proxy| {
        TestRelay::start_with(move |config| {
            config.behind_proxy = behind_proxy;
            config.caps.per_address = 2;
            config.rates.address = Rate::per_second(1, 5);
        })
    };
    let relay = start(true).await;
    let port = relay.port;
    let from = async |address: &str| Client::try_connect_with(port, &[("x-forwarded-for", address)]).await;
    let mut one = from("203.0.113.1").await.unwrap();
    // What stands before the proxy's own word is the client's invention.
    let _one_more = Client::try_connect_with(relay.port, &[("x-forwarded-for", "198.51.100.7, 203.0.113.1")])
        .await
        .unwrap();
    assert!(from("203.0.113.1").await.is_err(), "two places for one address");
    let mut other = from("203.0.113.2").await.unwrap();
    let mut pongs = 0;
    for _ in 0..8 {
        pongs += u32::from(matches!(one.ask(c::Body::Ping(Ping {})).await, Body::Pong(_)));
    }
    assert!(
        (5..8).contains(&pongs),
        "{pongs} acts before sign-in from one address"
    );
    assert!(matches!(other.ask(c::Body::Ping(Ping {})).await, Body::Pong(_)));
    drop(one);
    // The place comes back with the connection.
    let mut again = from("203.0.113.1").await;
    for _ in 0..50 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        again = from("203.0.113.1").await;
    }
    assert!(again.is_ok());
    drop((again, other, _one_more));
    relay.stop().await;

    // Without a proxy the header is anybody's word.
    let relay = start(false).await;
    let port = relay.port;
    let from = async |address: &str| Client::try_connect_with(port, &[("x-forwarded-for", address)]).await;
    let _held = (
        from("203.0.113.1").await.unwrap(),
        from("203.0.113.2").await.unwrap(),
    );
    assert!(from("203.0.113.3").await.is_err());
    relay.stop().await;
}

#[tokio::test]
async fn silence_before_sign_in_ends_and_places_are_bounded() {
    let relay = TestRelay::start_with(|config| {
        config.caps = Caps {
            sign_in: Duration::from_millis(300),
            per_address: 3,
            ..Caps::default()
        };
        config.caps.request_head = Duration::from_millis(300);
    })
    .await;
    let mut silent = Client::connect(relay.port).await;
    assert_eq!(silent.end().await, Ended::Code(CloseCode::SignInTimeout.code()));
    drop(silent);

    // Connections that never finish a request head take places and lose them.
    let mut dribblers = Vec::new();
    for _ in 0..3 {
        dribblers.push(
            tokio::net::TcpStream::connect(("127.0.0.1", relay.port))
                .await
                .unwrap(),
        );
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        Client::try_connect(relay.port, None).await.is_err(),
        "all places of this address are taken"
    );
    tokio::time::sleep(Duration::from_millis(700)).await;
    let (_ann, _a) = relay.owner().await;
    drop(dribblers);
    relay.stop().await;
}
