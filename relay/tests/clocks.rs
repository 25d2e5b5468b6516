//! Clocks that jump, forward and back: what was acknowledged is delivered exactly once, or expired by the clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use chopar_relay::{Clock, Config, Database, PostgresUrl, Rate, Rates};
use chopar_wire::proto::relay::{Envelope, Find, SignIn, client_frame as c, relay_frame::Body};
use common::client::{kind, reason};
use common::load::{Load, Way, ways};
use common::{Client, History, Reason, TestRelay, postgres};

const DAY: u64 = 24 * 3600 * 1000;
/// How long a load may wait for its buckets: far longer than they take, and far shorter than a clock was set back.
const GOES_ON: Duration = Duration::from_secs(20);
/// When the clocks begin, in the middle of a day.
const BEGIN: u64 = 1_800_000_000_000;

fn on(config: &mut Config, clock: &Clock, database: Option<&str>) {
    config.clock = clock.clone();
    if let Some(url) = database {
        config.database = Database::Postgres(PostgresUrl::parse(url, None).unwrap());
    }
}

async fn clocks_jump(database: Option<&str>) {
    let clock = Clock::manual(BEGIN);
    let relay = TestRelay::start_with(|config| {
        on(config, &clock, database);
        config.rates = Rates::unlimited();
    })
    .await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, b) = relay.member(&mut a, "bob").await;
    drop(b);
    // Some live a day, some a week; then a night passes, and most of a week.
    let (short, long) = (History::default(), History::default());
    for number in 0..20u32 {
        let history = if number % 2 == 0 { &short } else { &long };
        let mut submit = bob.submission(&number.to_be_bytes(), None);
        submit.envelopes[0] = Envelope {
            expiry: 1 + (number % 2) as i32,
            ..submit.envelopes[0].clone()
        };
        history.sent(number);
        match a.ask(c::Body::Submit(submit)).await {
            Body::Accepted(_) => history.acknowledged(number),
            other => panic!("{}", kind(&other)),
        }
    }
    clock.advance(2 * DAY);
    short.all_expired();
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    for deliver in b.drain().await {
        let number = u32::from_be_bytes(deliver.body.as_ref().try_into().unwrap());
        let history = if number.is_multiple_of(2) { &short } else { &long };
        history.delivered(number, deliver.seq);
        history.settled(number);
    }
    short.check(10);
    long.check(10);
    assert!(!long.is_open());
    // Connections that live over the jump go on.
    a.submit(&bob, b"after").await;
    assert_eq!(b.delivery().await.body.as_ref(), b"after");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_jump_on_sqlite() {
    clocks_jump(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_jump_on_postgres() {
    clocks_jump(Some(&postgres::shared().database("jump"))).await;
}

/// P-091, P-093. A clock that goes, and is set back by an hour, by days, and right again while messages flow.
async fn a_clock_is_set_back(database: Option<&str>) {
    let clock = Clock::manual(BEGIN);
    let relay = TestRelay::start_with(|config| {
        on(config, &clock, database);
        // The buckets of who writes without a pause are empty most of the time.
        config.rates.submits = Rate::per_second(400, 40);
        config.rates.finds = Rate::per_second(10, 3);
    })
    .await;
    let going = {
        let clock = clock.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                clock.advance(10);
            }
        })
    };
    let (ann, mut a) = relay.owner().await;
    let (bob, b) = relay.member(&mut a, "bob").await;
    let (_carol, mut c) = relay.member(&mut a, "carol").await;
    let (dave, mut d) = relay.member(&mut a, "dave").await;
    drop((a, b));
    d.drain().await;
    let once = dave.submission(b"once", None);
    assert!(matches!(
        c.ask(c::Body::Submit(once.clone())).await,
        Body::Accepted(_)
    ));
    let first = d.delivery().await;
    d.ack(&[first.seq]).await;

    let way = ways(vec![Way::straight(relay.port)]);
    let load = Load::start(ann, bob, &way, &way);
    let mut last = first.seq;
    for (round, set) in [BEGIN - DAY / 24, BEGIN - 3 * DAY, BEGIN - 5 * DAY, BEGIN]
        .into_iter()
        .enumerate()
    {
        let mut asked_before = Client::connect(relay.port).await;
        // Nothing is left of this bucket.
        while !matches!(
            c.ask(c::Body::Find(Find { query: "o".into() })).await,
            Body::Refused(_)
        ) {}
        let count = load.history.count_acknowledged();
        clock.set(set);

        // Ids: what was delivered is not delivered again. Numbers: they rise.
        let answer = c.ask(c::Body::Submit(once.clone())).await;
        assert!(matches!(answer, Body::Accepted(_)), "{}", kind(&answer));
        c.submit(&dave, &[round as u8]).await;
        let next = d.delivery().await;
        assert_eq!(next.body.as_ref(), [round as u8], "instead of what dave has");
        assert!(next.seq > last, "{} after {last}", next.seq);
        last = next.seq;
        d.ack(&[last]).await;

        // Challenges: one from before serves, or is answered with a fresh one that does; nobody else's clock is needed.
        let proof = Some(dave.proof(0, &asked_before.challenge, &asked_before.origin()));
        match asked_before.ask(c::Body::SignIn(SignIn { proof })).await {
            Body::SignedIn(_) => assert!(set < BEGIN, "it is older than it may be"),
            refused => {
                assert_eq!(reason(&refused), Reason::SignInExpired, "round {round}");
                assert_eq!(set, BEGIN, "a clock set back makes nothing older");
                drop(asked_before);
            }
        }
        d = Client::signed_in(relay.port, &dave, 0).await;

        // Buckets: they give nothing for a jump back, and go on from there. The first look at a bucket finds it out.
        let answer = c.ask(c::Body::Find(Find { query: "o".into() })).await;
        assert!(set == BEGIN || reason(&answer) == Reason::RateLimited);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let answer = c.ask(c::Body::Find(Find { query: "o".into() })).await;
        assert!(matches!(answer, Body::People(_)), "{}", kind(&answer));
        // Messages go on: its buckets are empty now and then, so not within any moment.
        let goes_on = async {
            while load.history.count_acknowledged() <= count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(
            tokio::time::timeout(GOES_ON, goes_on).await.is_ok(),
            "round {round}"
        );
    }
    load.finish(100).await;
    going.abort();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_is_set_back_on_sqlite() {
    a_clock_is_set_back(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_is_set_back_on_postgres() {
    a_clock_is_set_back(Some(&postgres::shared().database("back"))).await;
}
