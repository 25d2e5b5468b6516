//! Everything fails under load: the relay is ended and killed, stands still, its database goes and comes back, ways are cut,
//! one node of two dies or stands still. What was acknowledged is delivered exactly once, or expired.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use chopar_wire::proto::relay::{client_frame as c, relay_frame::Body};
use common::client::kind;
use common::load::{Load, Way, ways};
use common::postgres::{self, Cluster};
use common::proxy::Proxy;
use common::{Client, History, Person, Program};

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
        // Every other time it is ended in order: what it has taken on by then counts as well.
        if round % 2 == 0 {
            program.kill();
        } else {
            // The load goes on beside it, and takes its goodbye.
            tokio::task::spawn_blocking(|| program.terminate()).await.unwrap();
        }
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

/// A member who comes later, by an invite of ann's.
async fn member(port: u16, ann: &Person, handle: &str) -> Person {
    let mut a = Client::signed_in(port, ann, 0).await;
    let invite = common::relay::invite(&mut a, 1, 3600).await;
    let person = Person::new();
    let mut client = Client::connect(port).await;
    client
        .register(&person, &invite, handle, "Somebody")
        .await
        .unwrap();
    person
}

/// T-040. Longer than a relay may stand still in the middle of a transaction: it loses that, and holds up the other for no longer.
/// Awake again, with everything it believed to know, it does no harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_of_two_stands_still_for_long() {
    /// The relay's own bound of an idle transaction is four seconds.
    const STILL: Duration = Duration::from_secs(6);
    let url = postgres::shared().database("long_still");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [still, awake] = folders
        .each_ref()
        .map(|folder| Program::start_on(Some(&url), folder.path()));
    // The invite of the start that came last is the one that counts.
    let (ann, bob) = awake.ann_and_bob().await;
    let [carol, dave, erin] = [
        member(awake.port, &ann, "carol").await,
        member(awake.port, &ann, "dave").await,
        member(awake.port, &ann, "erin").await,
    ];
    let to_bob = |number: u32| {
        let mut body = vec![7; 1024];
        body[..4].copy_from_slice(&number.to_be_bytes());
        bob.submission(&body, None)
    };
    // Made before bob goes to his own side: others write to him, too.
    let others: Vec<_> = (0..100).map(|n| (1_000_000 + n, to_bob(1_000_000 + n))).collect();
    let at = |program: &Program| ways(vec![Way::straight(program.port)]);
    // Ann writes by the one that will stand still to bob, who is at the other; carol and dave are at the other both.
    let crossing = Load::start(ann, bob, &at(&still), &at(&awake));
    let beside = Load::start(carol, dave, &at(&awake), &at(&awake));
    let mut e = Client::signed_in(awake.port, &erin, 0).await;
    let mut others = others.into_iter();
    for round in 0..rounds() / 2 {
        tokio::time::sleep(moment(round)).await;
        still.signal("-STOP");
        let begun = Instant::now();
        let (mut slowest, mut count) = (Duration::ZERO, 0);
        while begun.elapsed() < STILL {
            if let Some((number, submit)) = others.next() {
                let asked = Instant::now();
                crossing.history.sent(number);
                let answer = e.ask(c::Body::Submit(submit)).await;
                assert!(matches!(answer, Body::Accepted(_)), "{}", kind(&answer));
                crossing.history.acknowledged(number);
                slowest = slowest.max(asked.elapsed());
            }
            if count == 0 && begun.elapsed() > Duration::from_secs(5) {
                count = beside.history.count_acknowledged();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        println!("the one standing still held up another's message for {slowest:?}");
        assert!(slowest < STILL - Duration::from_secs(1), "{slowest:?}");
        assert!(
            count > 0 && beside.history.count_acknowledged() > count,
            "the other goes on meanwhile"
        );
        still.signal("-CONT");
    }
    crossing.finish(50).await;
    beside.finish(50).await;
    still.kill();
    awake.kill();
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
    let late = |history: &History| {
        history.all_expired();
        history.delivered(1, 5);
    };
    assert!(faults(&late).contains("delivered, and expired"));
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
