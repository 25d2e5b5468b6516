//! One body for many mailboxes.

use chopar_identity::group_envelope_id;
use chopar_wire::GroupRecipient;
use chopar_wire::ids::{GroupSubmissionId, QueueSeq};
use chopar_wire::limits::{ACKED_ID_MEMORY_MS, QUEUE_BYTES};
use prost::bytes::Bytes;

use super::{Bench, DAY, Open, accepted, account, device, head_of};
use crate::store::{GroupSubmission, GroupSubmitted, Store};

fn group(id: u8, to: &[u8], body: &[u8]) -> GroupSubmission {
    GroupSubmission {
        id: GroupSubmissionId::new([id; 16]),
        body: Bytes::copy_from_slice(body),
        lifetime: DAY,
        recipients: to
            .iter()
            .map(|number| GroupRecipient::new(account(*number), &head_of(*number).hash))
            .collect(),
        except: device(1),
    }
}

async fn submit(store: &dyn Store, submission: GroupSubmission) -> Vec<u8> {
    match store.submit_group(submission).await.unwrap() {
        GroupSubmitted::Accepted { full, .. } => full.iter().map(|account| account.as_bytes()[0]).collect(),
        other => panic!("{other:?}"),
    }
}

/// The bodies that wait for a device.
async fn bodies(bench: &Bench, number: u8) -> Vec<Bytes> {
    let page = bench
        .store
        .queue(device(number), 0, 1000, usize::MAX)
        .await
        .unwrap();
    page.envelopes.into_iter().map(|stored| stored.body).collect()
}

async fn acknowledge_all(bench: &Bench, number: u8) {
    let seqs = bench
        .queue(number)
        .await
        .iter()
        .map(|(seq, _)| QueueSeq(*seq))
        .collect();
    bench.store.acknowledge(device(number), seqs).await.unwrap();
}

/// P-240, P-241.
async fn a_group_gets_one_body(open: Open) {
    let bench = Bench::new(open);
    for number in 1..=3 {
        bench.account(number).await;
    }
    for _ in 0..2 {
        assert!(
            submit(&*bench.store, group(7, &[1, 2, 3], b"all"))
                .await
                .is_empty()
        );
    }
    assert!(bench.queue(1).await.is_empty(), "who submits gets none");
    for number in [2, 3] {
        let page = bench.store.queue(device(number), 0, 10, 1000).await.unwrap();
        assert_eq!(page.envelopes.len(), 1, "once, however often submitted");
        assert_eq!(&page.envelopes[0].body[..], b"all");
        let id = group_envelope_id(&GroupSubmissionId::new([7; 16]), &device(number));
        assert_eq!(page.envelopes[0].id, id);
        assert!(bench.told.lock().unwrap().contains(&page.envelopes[0]));
    }
    // In a queue it is one among others, in order.
    bench.submit(2, 9, b"alone", DAY).await;
    submit(&*bench.store, group(8, &[2, 3], b"again")).await;
    assert_eq!(bodies(&bench, 2).await, ["all", "alone", "again"]);

    // One who has it takes nothing from another, and is not given it again.
    acknowledge_all(&bench, 2).await;
    let bench = bench.reopen().await;
    assert_eq!(bodies(&bench, 3).await, ["all", "again"]);
    submit(&*bench.store, group(7, &[1, 2, 3], b"all")).await;
    assert!(bench.queue(2).await.is_empty());
    acknowledge_all(&bench, 3).await;
    bench.clock.advance(2 * ACKED_ID_MEMORY_MS);
    while bench.store.sweep().await.unwrap() {}
    submit(&*bench.store, group(7, &[2], b"all")).await;
    assert_eq!(bodies(&bench, 2).await, ["all"], "forgotten after a day");
}

/// P-240.
async fn a_shared_body_goes_with_its_last_reference(open: Open) {
    let bench = Bench::new(open);
    for number in 1..=4 {
        bench.account(number).await;
    }
    submit(&*bench.store, group(7, &[2, 3, 4], b"all")).await;
    // By acknowledgement, by revocation, by expiry.
    acknowledge_all(&bench, 2).await;
    let revoke = super::Append {
        account: account(3),
        parent: head_of(3),
        entry: super::LogEntry {
            encoded: Bytes::from_static(b"revoke"),
            hash: [9; 32],
        },
        added: vec![],
        removed: vec![device(3)],
    };
    bench.store.append_log(revoke).await.unwrap();
    assert_eq!(bodies(&bench, 4).await, ["all"]);
    bench.clock.advance(DAY);
    assert!(bodies(&bench, 4).await.is_empty(), "expired");
    bench.clock.advance(DAY);
    while bench.store.sweep().await.unwrap() {}
    // What comes after is not taken for what was there.
    submit(&*bench.store, group(8, &[2, 4], b"later")).await;
    assert_eq!(bodies(&bench, 4).await, ["later"]);
    let bench = bench.reopen().await;
    assert_eq!(bodies(&bench, 2).await, ["later"]);
}

/// P-242.
async fn a_group_is_stored_for_all_or_for_none(open: Open) {
    let bench = Bench::new(open);
    for number in 1..=3 {
        bench.account(number).await;
    }
    let mut submission = group(7, &[2, 3, 8, 9], b"all");
    submission.recipients[1].head[7] ^= 1;
    assert_eq!(
        bench.store.submit_group(submission).await.unwrap(),
        GroupSubmitted::Mismatch {
            behind: vec![account(3)],
            gone: vec![account(8), account(9)],
        }
    );
    assert!(bench.queue(2).await.is_empty() && bench.told.lock().unwrap().is_empty());
}

/// P-243.
async fn a_full_mailbox_is_named(open: Open) {
    let bench = Bench::new(open);
    for number in 1..=3 {
        bench.account(number).await;
    }
    let quarter = vec![0; (QUEUE_BYTES / 4) as usize];
    for id in 0..3 {
        assert!(accepted(&bench.submit(2, id, &quarter, DAY).await));
    }
    assert!(
        submit(&*bench.store, group(7, &[2, 3], &quarter))
            .await
            .is_empty()
    );
    assert_eq!(
        submit(&*bench.store, group(8, &[2, 3], b"x")).await,
        [2],
        "a shared body counts in full"
    );
    assert_eq!(bench.queue(3).await.len(), 2, "others have theirs");
    let bench = bench.reopen().await;
    assert_eq!(
        submit(&*bench.store, group(8, &[2, 3], b"x")).await,
        [2],
        "known after reopening"
    );

    // With room again, the same submission reaches who had none.
    let first = bench.queue(2).await[0].0;
    bench
        .store
        .acknowledge(device(2), vec![QueueSeq(first)])
        .await
        .unwrap();
    assert!(submit(&*bench.store, group(8, &[2, 3], b"x")).await.is_empty());
    assert_eq!((bench.queue(2).await.len(), bench.queue(3).await.len()), (4, 2));
}

conformances!(
    sqlite: crate::store::conformance::open_sqlite,
    postgres: crate::store::conformance::open_postgres
    => [
        a_group_gets_one_body,
        a_shared_body_goes_with_its_last_reference,
        a_group_is_stored_for_all_or_for_none,
        a_full_mailbox_is_named,
    ]
);
