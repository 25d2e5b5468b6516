//! Clocks that jump forward: what was acknowledged is delivered exactly once, or expired by the clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use chopar_relay::{Clock, Config, Database, PostgresUrl, Rates};
use chopar_wire::proto::relay::{Envelope, client_frame as c, relay_frame::Body};
use common::client::kind;
use common::{Client, History, TestRelay, postgres};

const DAY: u64 = 24 * 3600 * 1000;
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
