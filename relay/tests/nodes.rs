//! Two relays of one organisation on one PostgreSQL database: to people they are one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};

use chopar_identity::append_hash;
use chopar_relay::{Config, Database, PostgresUrl, Rates};
use chopar_wire::GroupRecipient;
use chopar_wire::ids::GroupSubmissionId;
use chopar_wire::proto::relay::{
    AddOneTime, AppendLog, ClaimBundle, Envelope, SubmitGroup, SubmitSignal, client_frame as c,
    relay_frame::Body,
};
use common::client::{Ended, kind};
use common::opaque::{append, ask_append, fetch};
use common::{Client, Person, Program, TestRelay, postgres};

/// How soon what one node has is at the other: far more than it takes, far less than a look from time to time would.
const AT_ONCE: Duration = Duration::from_secs(8);

async fn node(url: &str, change: impl FnOnce(&mut Config)) -> TestRelay {
    let url = PostgresUrl::parse(url, None).unwrap();
    TestRelay::start_with(|config| {
        config.database = Database::Postgres(url);
        config.rates = Rates::unlimited();
        change(config);
    })
    .await
}

/// Two nodes of one database.
async fn two(name: &str) -> (TestRelay, TestRelay) {
    let url = postgres::shared().database(name);
    // The first makes the tables and the owner's invite; that of the second takes its place.
    let first = node(&url, |_| {}).await;
    let second = node(&url, |_| {}).await;
    (first, second)
}

/// The owner at the second node, whose invite is the one that counts.
async fn owner(second: &TestRelay) -> (Person, Client) {
    second.owner().await
}

/// Waits until so many nodes of a database have their connection to the others.
async fn listening(database: &str, nodes: usize) {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chopar-relay nodes' AND datname = '{database}'"
    );
    let start = Instant::now();
    while postgres::shared().ask("postgres", &sql) != nodes.to_string() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the nodes do not listen"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// P-200, P-102, P-103.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_are_one_relay() {
    let (first, second) = two("one_relay").await;
    let (ann, mut a) = owner(&second).await;
    let (mut bob, b) = second.member(&mut a, "bob").await;
    drop(b);
    let mut b = Client::signed_in(first.port, &bob, 0).await;
    assert!(b.drain().await.is_empty());

    // At once, in order, whichever node it came in by.
    let mut also = Client::signed_in(first.port, &ann, 0).await;
    assert_eq!(
        a.end().await,
        Ended::Code(4001),
        "one connection, whichever node it is at"
    );
    for round in 0..50u8 {
        also.submit(&bob, &[round, 1]).await;
        let start = Instant::now();
        let delivered = b.delivery().await;
        assert_eq!(delivered.body.as_ref(), [round, 1]);
        b.ack(&[delivered.seq]).await;
        assert!(start.elapsed() < AT_ONCE);
    }
    let mut a = Client::signed_in(second.port, &ann, 0).await;
    assert_eq!(also.end().await, Ended::Code(4001));
    for round in 0..50u8 {
        a.submit(&bob, &[round, 2]).await;
        let start = Instant::now();
        let delivered = b.delivery().await;
        assert_eq!(delivered.body.as_ref(), [round, 2]);
        b.ack(&[delivered.seq]).await;
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    }

    // A signal crosses, and reaches the device it is for alone.
    let signal = SubmitSignal {
        account: bob.account.into(),
        envelopes: vec![Envelope {
            device: bob.id().into(),
            id: common::people::envelope_id().into(),
            body: b"typing".to_vec().into(),
            expiry: 0,
        }],
    };
    assert!(matches!(
        a.ask(c::Body::SubmitSignal(signal)).await,
        Body::Done(_)
    ));
    loop {
        match b.next().await {
            Body::DeliverSignal(signal) => break assert_eq!(signal.body.as_ref(), b"typing"),
            Body::QueueEmpty(_) => {}
            other => panic!("{}", kind(&other)),
        }
    }

    // A second device of bob's, at the second node, ends the first one, at the first.
    let (device, entry) = bob.draft_device();
    let answer = b
        .ask(c::Body::AppendLog(AppendLog {
            entry: Some(entry.clone()),
        }))
        .await;
    assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
    bob.accept(&entry);
    bob.devices.push(device);
    let mut other = Client::signed_in(second.port, &bob, 1).await;
    let entry = bob.draft_revocation(&bob.id());
    let answer = other
        .ask(c::Body::AppendLog(AppendLog { entry: Some(entry) }))
        .await;
    assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
    assert_eq!(b.end().await, Ended::Code(4003));
    first.stop().await;
    second.stop().await;
}

/// Takes what two senders wrote, each numbering its own: no number of the queue is left out, none of a sender's overtakes.
async fn gapless(client: &mut Client, count: u16) {
    let (mut last, mut next) = (0, [0u16; 2]);
    for _ in 0..count {
        let delivered = client.delivery().await;
        assert_eq!(delivered.seq, last + 1, "a number was left out");
        last = delivered.seq;
        let [who, high, low] = delivered.body[..] else {
            panic!()
        };
        let number = u16::from_be_bytes([high, low]);
        assert_eq!(number, next[usize::from(who)], "out of order");
        next[usize::from(who)] += 1;
        client.ack(&[delivered.seq]).await;
    }
}

/// P-200, P-093: what two nodes write to one queue at the same time is read without a gap, each sender's in its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_two_nodes_write_to_has_no_gap() {
    const EACH: u16 = 300;
    let (first, second) = two("no_gap").await;
    let (_ann, mut a) = owner(&second).await;
    let (bob, b) = second.member(&mut a, "bob").await;
    let (carol, c) = second.member(&mut a, "carol").await;
    drop((b, c));
    let mut b = Client::signed_in(first.port, &bob, 0).await;
    let mut others = [a, Client::signed_in(first.port, &carol, 0).await];
    let writers = others.iter_mut().enumerate().map(|(who, client)| {
        let bob = &bob;
        async move {
            for round in 0..EACH / 10 {
                let mut requests = Vec::new();
                for n in 0..10 {
                    let number = (round * 10 + n).to_be_bytes();
                    let body = [who as u8, number[0], number[1]];
                    requests.push(client.send(c::Body::Submit(bob.submission(&body, None))).await);
                }
                for request in requests {
                    let answer = client.answer(request).await;
                    assert!(matches!(answer, Body::Accepted(_)), "{}", kind(&answer));
                }
            }
        }
    });
    let reader = gapless(&mut b, 2 * EACH);
    tokio::join!(futures_util::future::join_all(writers), reader);
    first.stop().await;
    second.stop().await;
}

/// P-200, P-240: what two nodes send to one group at the same time reaches every member once, each sender's in its order, and is
/// gone when the last has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_two_nodes_write_to_gets_everything_once() {
    const EACH: u16 = 100;
    let (first, second) = two("groups").await;
    let (ann, mut a) = owner(&second).await;
    let mut people = Vec::new();
    for handle in ["bob", "carol", "dave"] {
        people.push(second.member(&mut a, handle).await.0);
    }
    let all: Vec<GroupRecipient> = std::iter::once(&ann)
        .chain(&people)
        .map(|person| GroupRecipient::new(person.account, &person.head().hash))
        .collect();
    let all = &all;
    let mut writers = [a, Client::signed_in(first.port, &people[0], 0).await];
    let mut readers = [
        Client::signed_in(first.port, &people[1], 0).await,
        Client::signed_in(second.port, &people[2], 0).await,
    ];
    let writing = writers.iter_mut().enumerate().map(|(who, client)| async move {
        for round in 0..EACH / 10 {
            let mut requests = Vec::new();
            for n in 0..10 {
                let [high, low] = (round * 10 + n).to_be_bytes();
                let body = vec![who as u8, high, low];
                let mut id = [7; 16];
                id[..3].copy_from_slice(&body);
                let submit = SubmitGroup {
                    id: GroupSubmissionId::new(id).into(),
                    body: body.into(),
                    expiry: 0,
                    recipients: GroupRecipient::encode(all),
                };
                // Twice, as one does whose answer was lost.
                for _ in 0..2 {
                    requests.push(client.send(c::Body::SubmitGroup(submit.clone())).await);
                }
            }
            for request in requests {
                match client.answer(request).await {
                    Body::GroupAccepted(accepted) => assert!(accepted.full.is_empty()),
                    other => panic!("{}", kind(&other)),
                }
            }
        }
        // Each writer has the other's too.
        for _ in 0..EACH {
            let delivered = client.delivery().await;
            assert_ne!(delivered.body[0], who as u8, "who submits gets none");
            client.ack(&[delivered.seq]).await;
        }
    });
    let reading = readers.iter_mut().map(|client| gapless(client, 2 * EACH));
    let all_done = futures_util::future::join(
        futures_util::future::join_all(writing),
        futures_util::future::join_all(reading),
    );
    all_done.await;
    let left = "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM bodies) + (SELECT count(*) FROM body_references)";
    assert_eq!(postgres::shared().ask("groups", left), "0");
    first.stop().await;
    second.stop().await;
}

/// P-245: of two that go on at the same place at two nodes exactly one is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opaque_log_has_one_order_over_two_nodes() {
    let (first, second) = two("opaque").await;
    let (_ann, mut a) = owner(&second).await;
    let bob = second.member(&mut a, "bob").await.0;
    let mut clients = [a, Client::signed_in(first.port, &bob, 0).await];
    let mut parent = None;
    for round in 0..20u8 {
        let appends = [0, 1].map(|at| append(parent, &[round, at], 5, 5));
        let asked = clients
            .iter_mut()
            .zip(&appends)
            .map(|(client, append)| ask_append(client, append));
        let mut stored = Vec::new();
        for (answer, append) in futures_util::future::join_all(asked)
            .await
            .into_iter()
            .zip(&appends)
        {
            match answer {
                Body::OpaqueLog(log) if log.appended => stored.push(append_hash(&append.body)),
                Body::OpaqueLog(log) => assert_eq!(log.appends.len(), 1, "who is late gets what came first"),
                other => panic!("{}", kind(&other)),
            }
        }
        assert_eq!(stored.len(), 1, "round {round}");
        parent = stored.pop();
    }
    for client in &mut clients {
        match fetch(client, 5, 0).await {
            Body::OpaqueLog(log) => assert_eq!((log.length, log.appends.len()), (20, 20)),
            other => panic!("{}", kind(&other)),
        }
    }
    first.stop().await;
    second.stop().await;
}

/// P-041.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_hand_out_a_pair_once() {
    let (first, second) = two("pairs").await;
    let (ann, mut a) = owner(&second).await;
    let (bob, mut b) = second.member(&mut a, "bob").await;
    let one_time = (0..50).map(|id| bob.devices[0].one_time(id)).collect();
    let answer = b.ask(c::Body::AddOneTime(AddOneTime { one_time })).await;
    assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
    let carol = second.member(&mut a, "carol").await.0;
    let mut clients = [
        Client::signed_in(first.port, &ann, 0).await,
        Client::signed_in(second.port, &carol, 0).await,
    ];
    let claims = clients.iter_mut().map(|client| async {
        let mut given = Vec::new();
        for _ in 0..30 {
            let claim = ClaimBundle {
                account: bob.account.into(),
                device: bob.id().into(),
            };
            match client.ask(c::Body::ClaimBundle(claim)).await {
                Body::ClaimedBundle(claimed) => {
                    given.extend(claimed.bundle.unwrap().one_time.map(|pair| pair.body))
                }
                other => panic!("{}", kind(&other)),
            }
        }
        given
    });
    let given: Vec<_> = futures_util::future::join_all(claims).await.concat();
    assert_eq!(given.len(), 50);
    assert_eq!(given.iter().collect::<HashSet<_>>().len(), 50, "none twice");
    first.stop().await;
    second.stop().await;
}

/// P-201.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_nobody_listens_is_found() {
    let (first, second) = two("deaf").await;
    let (_ann, mut a) = owner(&second).await;
    let (bob, b) = second.member(&mut a, "bob").await;
    drop(b);
    let mut b = Client::signed_in(first.port, &bob, 0).await;
    b.drain().await;
    for round in 0..5u8 {
        listening("deaf", 2).await;
        // Both lose their connections to each other; what is submitted meanwhile is announced to nobody.
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'chopar-relay nodes' \
                   AND datname = 'deaf'";
        assert_eq!(postgres::shared().ask("postgres", cut), "2");
        a.submit(&bob, &[round]).await;
        let start = Instant::now();
        let delivered = b.delivery().await;
        assert_eq!(delivered.body.as_ref(), [round]);
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
        b.ack(&[delivered.seq]).await;
    }
    first.stop().await;
    second.stop().await;
}

/// P-220, P-221: an act beside one node holds at the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_at_one_node_holds_at_the_other() {
    let url = postgres::shared().database("acts");
    let folder = tempfile::tempdir().unwrap();
    let beside = Program::start_on(Some(&url), folder.path());
    let (ann, bob) = beside.ann_and_bob().await;
    let other = node(&url, |_| {}).await;
    let mut b = Client::signed_in(other.port, &bob, 0).await;
    let command = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
            .args(arguments)
            .args(["--database", &url, "--data"])
            .arg(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        assert!(done.status.success(), "{said}");
        said
    };
    let id = bob.id().to_string();
    assert!(command(&["device", "list", "bob"]).contains(&id));
    let start = Instant::now();
    command(&["device", "suspend", "bob", &id]);
    assert_eq!(b.end().await, Ended::Code(4007));
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());

    // What is sent meanwhile is taken, and not kept for the suspended device.
    let mut a = Client::signed_in(beside.port, &ann, 0).await;
    a.submit(&bob, b"while suspended").await;
    let waits = "SELECT count(*) FROM queue";
    assert_eq!(postgres::shared().ask("acts", waits), "0");
    command(&["device", "resume", "bob", &id]);
    let mut b = Client::signed_in(other.port, &bob, 0).await;
    a.submit(&bob, b"afterwards").await;
    assert_eq!(b.delivery().await.body.as_ref(), b"afterwards");

    command(&["member", "remove", "bob"]);
    assert_eq!(
        b.end().await,
        Ended::Code(4007),
        "removed, not revoked by themselves"
    );
    assert!(!command(&["member", "list"]).contains("bob"));
    let said = command(&["audit", "verify"]);
    assert_eq!(
        said.matches("ok     node").count(),
        2,
        "a chain for each node: {said}"
    );
    other.stop().await;
    beside.kill();
}

/// T-042.
#[test]
fn commands_know_the_database() {
    let url = postgres::shared().database("commands");
    let folder = tempfile::tempdir().unwrap();
    let command = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
            .args(arguments)
            .args(["--database", &url, "--data"])
            .arg(folder.path())
            .output()
            .unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(said).unwrap())
    };
    let (well, said) = command(&["invite"]);
    assert!(
        !well && said.contains("the database is empty: start the relay once"),
        "{said}"
    );
    let relay = Program::start_on(Some(&url), folder.path());
    let (_, said) = command(&["doctor", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("ok     database: PostgreSQL, version "), "{said}");
    let (well, said) = command(&["invite"]);
    assert!(
        well && said.contains(&format!("http://localhost:{}/join#", relay.port)),
        "{said}"
    );
    let (well, said) = command(&["audit", "verify"]);
    // The beginning, the invite of the start, the start, the invite.
    assert!(well && said.contains(": 4 records"), "{said}");
    let (well, said) = command(&["backup", "/backups/today"]);
    assert!(
        !well
            && said.contains("pg_dump --format=custom --host=")
            && said.contains("--dbname=commands --file=/backups/today"),
        "{said}"
    );
    let (well, said) = command(&["restore", "/backups/today"]);
    assert!(!well && said.contains("restore --by-pg-restore"), "{said}");
    let (well, said) = command(&["config", "show"]);
    assert!(
        well && said.contains("# database is set, and not shown") && !said.contains("postgres://"),
        "{said}"
    );
    relay.kill();
    let (well, said) = command(&["restore", "--by-pg-restore"]);
    assert!(well && said.contains("fit to serve"), "{said}");
    let (well, said) = command(&["audit", "show"]);
    assert!(well && said.contains("restored"), "{said}");
    // A folder of no relay's.
    let elsewhere = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(["member", "list", "--database", &url, "--data"])
        .arg(elsewhere.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        !done.status.success() && said.contains("holds no relay's data"),
        "{said}"
    );
    // A bound of a file that is not there, and a database that is not.
    let refused = |arguments: &[&str], word: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(word), "{said}");
        assert!(!said.contains("geheim"), "{said}");
    };
    refused(
        &["--database", &url, "--database-bytes-max", "1000000"],
        "leave out --database-bytes-max",
    );
    refused(
        &["--database", "postgres://chopar:geheim@127.0.0.1:1/chopar"],
        "cannot be reached",
    );
    refused(
        &["--database", "postgres://chopar:geheim@db.example.org/chopar"],
        "--database-ca",
    );
}
