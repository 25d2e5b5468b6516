//! Everything fails under load: the relay is killed, stands still, its database goes and comes back, ways are cut, clocks
//! jump, one node of two dies. What was acknowledged is delivered exactly once, or expired.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use chopar_relay::{Clock, Database, PostgresUrl, Rates};
use chopar_wire::proto::relay::{Envelope, client_frame as c, relay_frame::Body};
use common::client::kind;
use common::load::{Load, Way, ways};
use common::postgres::{self, Cluster};
use common::proxy::Proxy;
use common::{Client, History, Program, TestRelay};

/// Faults in one test: a few in every run, many where `CHOPAR_FULL` asks for it.
fn rounds() -> u32 {
    if std::env::var_os("CHOPAR_FULL").is_some() {
        40
    } else {
        4
    }
}

/// How long the load runs between two faults: another moment each time.
fn moment(round: u32) -> Duration {
    Duration::from_millis(150 + u64::from(round * 97 % 350))
}

async fn killed_under_load(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start_on(database, folder.path());
    let (ann, bob) = program.ann_and_bob().await;
    let way = ways(vec![Way::straight(program.port)]);
    let load = Load::start(ann, bob, &way, &way);
    for round in 0..rounds() {
        tokio::time::sleep(moment(round)).await;
        program.kill();
        program = Program::start_on(database, folder.path());
        way.send_replace(vec![Way::straight(program.port)]);
    }
    load.finish(50).await;
    program.kill();
}

/// T-040.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_on_sqlite() {
    killed_under_load(None).await;
}

/// T-040.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_on_postgres() {
    killed_under_load(Some(&postgres::shared().database("killed"))).await;
}

async fn stands_still(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start_on(database, folder.path());
    let (ann, bob) = program.ann_and_bob().await;
    let way = ways(vec![Way::straight(program.port)]);
    let load = Load::start(ann, bob, &way, &way);
    for round in 0..rounds() {
        tokio::time::sleep(moment(round)).await;
        program.signal("-STOP");
        tokio::time::sleep(Duration::from_millis(400)).await;
        program.signal("-CONT");
    }
    load.finish(50).await;
    program.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stands_still_on_sqlite() {
    stands_still(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stands_still_on_postgres() {
    stands_still(Some(&postgres::shared().database("still"))).await;
}

async fn ways_are_cut(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start_on(database, folder.path());
    let (ann, bob) = program.ann_and_bob().await;
    let (from, to) = (Proxy::to(program.port).await, Proxy::to(program.port).await);
    let by = |proxy: &Proxy| {
        ways(vec![Way {
            dial: proxy.port,
            port: program.port,
        }])
    };
    let load = Load::start(ann, bob, &by(&from), &by(&to));
    for round in 0..3 * rounds() {
        tokio::time::sleep(moment(round) / 3).await;
        if round % 3 != 1 {
            from.cut();
        }
        if round % 3 != 2 {
            to.cut();
        }
    }
    load.finish(50).await;
    program.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ways_are_cut_on_sqlite() {
    ways_are_cut(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ways_are_cut_on_postgres() {
    ways_are_cut(Some(&postgres::shared().database("cut"))).await;
}

/// T-041. Stopped in order, and killed: the relay lives, refuses meanwhile, and goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_goes_and_comes_back() {
    let mut server = Cluster::start();
    let url = server.database("gone");
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start_on(Some(&url), folder.path());
    let (ann, bob) = program.ann_and_bob().await;
    let way = ways(vec![Way::straight(program.port)]);
    let load = Load::start(ann, bob, &way, &way);
    for round in 0..rounds() {
        tokio::time::sleep(moment(round)).await;
        // The server's own calls block: the load goes on beside them.
        server = tokio::task::spawn_blocking(move || {
            if round % 2 == 0 {
                server.stop();
            } else {
                server.kill();
            }
            server
        })
        .await
        .unwrap();
        let health = common::get(program.port, "/healthz", "").await;
        assert_eq!(common::status(&health), 200, "it lives without its database");
        server = tokio::task::spawn_blocking(move || {
            server.run();
            server
        })
        .await
        .unwrap();
    }
    load.finish(20).await;
    // What PostgreSQL wrote into its own log names no row.
    let log = server.log();
    assert!(
        !log.contains("duplicate key") && !log.contains("DETAIL:  Key"),
        "{log}"
    );
    program.kill();
}

/// T-040. Both serve both people; one of them dies, comes back, and then the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_of_two_dies() {
    let url = postgres::shared().database("two");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let start = |folder: &Path| Program::start_on(Some(&url), folder);
    let first = start(folders[0].path());
    let (ann, bob) = first.ann_and_bob().await;
    let mut nodes = vec![first, start(folders[1].path())];
    let here =
        |nodes: &[Program]| -> Vec<Way> { nodes.iter().map(|node| Way::straight(node.port)).collect() };
    let there = |nodes: &[Program]| -> Vec<Way> { here(nodes).into_iter().rev().collect() };
    let (from, to) = (ways(here(&nodes)), ways(there(&nodes)));
    let load = Load::start(ann, bob, &from, &to);
    for round in 0..2 * rounds() {
        tokio::time::sleep(moment(round)).await;
        let dying = (round % 2) as usize;
        // Every other death is a standstill in the middle of whatever it is doing, and then a death.
        if round % 4 < 2 {
            nodes[dying].signal("-STOP");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        nodes.remove(dying).kill();
        nodes.insert(dying, start(folders[dying].path()));
        from.send_replace(here(&nodes));
        to.send_replace(there(&nodes));
    }
    load.finish(50).await;
    nodes.into_iter().for_each(Program::kill);
}

async fn clocks_jump(database: Option<&str>) {
    const DAY: u64 = 24 * 3600 * 1000;
    let clock = Clock::manual(1_800_000_000_000);
    let relay = TestRelay::start_with(|config| {
        config.clock = clock.clone();
        config.rates = Rates::unlimited();
        if let Some(url) = database {
            config.database = Database::Postgres(PostgresUrl::parse(url, None).unwrap());
        }
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

#[test]
fn the_checker_finds_what_does_not_fit() {
    let faults = |tell: &dyn Fn(&History)| {
        let history = History::default();
        history.sent(1);
        history.acknowledged(1);
        tell(&history);
        history.faults()
    };
    assert!(faults(&|_| {}).contains("lost"));
    assert!(faults(&|history| history.delivered(1, 5)).is_empty());
    assert!(faults(&|history| history.all_expired()).is_empty());
    let twice = |history: &History| {
        history.delivered(1, 5);
        history.delivered(1, 5);
    };
    assert!(faults(&twice).is_empty(), "the thanks was lost");
    let again = |history: &History| {
        history.delivered(1, 5);
        history.settled(1);
        history.delivered(1, 5);
    };
    assert!(faults(&again).contains("settled"));
    let renumbered = |history: &History| {
        history.delivered(1, 5);
        history.delivered(1, 6);
    };
    assert!(faults(&renumbered).contains("stored twice"));
    assert!(faults(&|history| history.delivered(2, 5)).contains("never sent"));
}
