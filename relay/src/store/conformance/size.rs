//! A relay's database is as large as what waits in it.

use chopar_wire::ids::{EnvelopeId, QueueSeq};
use chopar_wire::limits::ACKED_ID_MEMORY_MS;
use prost::bytes::Bytes;

use super::{Bench, DAY, accepted, account, device, head_of, open_sqlite};
use crate::store::{Parcel, Submission};

/// Messages that wait at the same time.
const ROUND: u64 = 5_000;
/// What may be left over: free pages that are not worth giving back.
const SLACK: u64 = 1_500_000;

fn size(bench: &Bench) -> u64 {
    std::fs::metadata(bench.folder.path().join("relay.db"))
        .unwrap()
        .len()
}

async fn deliver(bench: &Bench, first: u64) {
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
    let answers: Vec<_> = (first..first + ROUND).map(submit).collect();
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
        deliver(&bench, round * ROUND).await;
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
