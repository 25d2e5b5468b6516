//! A relay's database is as large as what waits in it.

use std::ops::Range;

use chopar_wire::GroupRecipient;
use chopar_wire::ids::{EnvelopeId, GroupSubmissionId, QueueSeq};
use chopar_wire::limits::ACKED_ID_MEMORY_MS;
use prost::bytes::Bytes;

use super::{
    Bench, DAY, Open, accepted, account, database_of, device, head_of, open_postgres, open_sqlite, server,
};
use crate::audit::record::Actor;
use crate::store::administration::{Act, Outcome};
use crate::store::{GroupSubmission, GroupSubmitted, Parcel, Submission};

/// Messages that wait at the same time.
const ROUND: u64 = 5_000;
/// The same where every run starts a server first.
const SMALL_ROUND: u64 = 1_000;
/// What may be left over: free pages that are not worth giving back.
const SLACK: u64 = 1_500_000;

fn size(bench: &Bench) -> u64 {
    std::fs::metadata(bench.folder.path().join("relay.db"))
        .unwrap()
        .len()
}

async fn deliver(bench: &Bench, numbers: Range<u64>) {
    let submit = |number: u64| {
        let to = (number % 8) as u8 + 1;
        let mut id = [0; 16];
        // Spread as random ids are.
        id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        bench.store.submit(Submission {
            account: account(to),
            head: Some(head_of(to)),
            except: None,
            parcels: vec![Parcel {
                device: device(to),
                id: EnvelopeId::new(id),
                body: Bytes::from(vec![0x5a; 1024]),
                lifetime: 30 * DAY,
            }],
        })
    };
    let answers: Vec<_> = numbers.map(submit).collect();
    for answer in answers {
        assert!(accepted(&answer.await.unwrap()));
    }
    for number in 1..=8 {
        loop {
            let page = bench
                .store
                .queue(device(number), 0, 500, usize::MAX)
                .await
                .unwrap();
            if page.envelopes.is_empty() {
                break;
            }
            let seqs = page.envelopes.iter().map(|stored| QueueSeq(stored.seq)).collect();
            bench.store.acknowledge(device(number), seqs).await.unwrap();
        }
    }
}

/// P-248. A million messages with `CHOPAR_FULL=1`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_delivered_takes_no_room() {
    let many: u64 = match std::env::var_os("CHOPAR_FULL") {
        Some(_) => 1_000_000,
        None => 20_000,
    };
    let bench = Bench::new(open_sqlite);
    for number in 1..=8 {
        bench.account(number).await;
    }
    let bench = bench.reopen().await;
    let baseline = size(&bench);
    for round in 0..many / ROUND {
        deliver(&bench, round * ROUND..(round + 1) * ROUND).await;
    }
    // Closing writes everything into the one file.
    let bench = bench.reopen().await;
    let most = size(&bench);
    assert!(
        most > baseline + SLACK,
        "{most} bytes: too little was delivered to say anything"
    );

    bench.clock.advance(2 * ACKED_ID_MEMORY_MS);
    while bench.store.sweep().await.unwrap() {}
    let bench = bench.reopen().await;
    let left = size(&bench);
    assert!(
        left <= baseline + SLACK,
        "{left} bytes after {many} messages, {baseline} before"
    );
}

/// P-248. PostgreSQL keeps its files and gives their room to what comes: they stay as large as at the first time. A million
/// messages with `CHOPAR_FULL=1`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_delivered_gives_its_room_to_what_comes() {
    let (rounds, each) = match std::env::var_os("CHOPAR_FULL") {
        Some(_) => (200, ROUND),
        None => (4, SMALL_ROUND),
    };
    let bench = Bench::new(open_postgres);
    let database = database_of(bench.folder.path());
    let ask = |sql: &str| -> u64 { server::shared().ask(&database, sql).parse().unwrap() };
    for number in 1..=8 {
        bench.account(number).await;
    }
    let mut first = None;
    for round in 0..rounds {
        deliver(&bench, round * each..(round + 1) * each).await;
        bench.clock.advance(2 * ACKED_ID_MEMORY_MS);
        while bench.store.sweep().await.unwrap() {}
        let left = "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM delivered) + (SELECT sum(bytes) FROM mailboxes)";
        assert_eq!(ask(left), 0);
        // What autovacuum does in its time.
        server::shared().ask(&database, "VACUUM");
        let size = ask("SELECT pg_database_size(current_database())");
        let most = *first.get_or_insert(size) + SLACK;
        assert!(size <= most, "{size} bytes after round {round}, {most} allowed");
    }
}

/// P-221, P-223, P-240.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_outlives_what_administrators_emptied_in_sqlite() {
    no_body_outlives_what_administrators_emptied(open_sqlite, |bench, sql| {
        let db = rusqlite::Connection::open(bench.folder.path().join("relay.db")).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    })
    .await;
}

/// P-221, P-223, P-240.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_outlives_what_administrators_emptied_in_postgres() {
    no_body_outlives_what_administrators_emptied(open_postgres, |bench, sql| {
        let said = server::shared().ask(&database_of(bench.folder.path()), sql);
        said.parse().unwrap()
    })
    .await;
}

/// Whoever was the last to reference a shared body, it goes.
async fn no_body_outlives_what_administrators_emptied(open: Open, ask: fn(&Bench, &str) -> u64) {
    let bench = Bench::new(open);
    for number in 1..=5 {
        bench.account(number).await;
    }
    for id in 1..=2 {
        let answer = bench.store.submit_group(GroupSubmission {
            id: GroupSubmissionId::new([id; 16]),
            body: Bytes::from_static(b"all"),
            lifetime: DAY,
            recipients: (2..=5)
                .map(|number| GroupRecipient::new(account(number), &head_of(number).hash))
                .collect(),
            except: device(1),
        });
        assert!(matches!(answer.await.unwrap(), GroupSubmitted::Accepted { .. }));
    }
    let references = || {
        let bodies = ask(&bench, "SELECT count(*) FROM bodies");
        let waiting = ask(&bench, "SELECT coalesce(sum(waiting), 0) FROM body_references");
        (bodies, waiting)
    };
    assert_eq!(references(), (2, 8));
    let acts = [
        Act::Suspend {
            account: account(2),
            device: device(2),
        },
        Act::Disable(account(3)),
        Act::Remove {
            account: account(4),
            free_handle: true,
        },
        Act::Disable(account(5)),
    ];
    for (act, left) in acts.into_iter().zip([(2, 6), (2, 4), (2, 2), (0, 0)]) {
        let done = bench.store.administer(act, Actor::Account(account(1))).await;
        assert_eq!(done.unwrap(), Outcome::Done);
        assert_eq!(references(), left);
    }
}
