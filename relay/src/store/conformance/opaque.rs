//! Logs that the relay cannot read.

use chopar_wire::ids::OpaqueLogId;
use chopar_wire::limits::{MAX_OPAQUE_ENTRIES, OPAQUE_LOG_BYTES};
use prost::bytes::Bytes;

use super::{Bench, Open};
use crate::store::{OpaqueAppend, OpaqueAppended, OpaqueHead, OpaquePage, OpaquePlace};

fn log(number: u8) -> OpaqueLogId {
    OpaqueLogId::new([number; 16])
}

/// The head that an append of this name makes.
fn head(length: u32, name: u8) -> OpaqueHead {
    OpaqueHead {
        length,
        hash: [name; 32],
        write_key: [name ^ 0xff; 32],
    }
}

fn append(parent: Option<OpaqueHead>, name: u8, size: usize) -> OpaqueAppend {
    OpaqueAppend {
        log: log(1),
        parent,
        head: head(parent.map_or(0, |parent| parent.length) + 1, name),
        signed: Bytes::from(vec![name; size]),
    }
}

async fn page(bench: &Bench, from: OpaquePlace, bytes: usize) -> OpaquePage {
    bench
        .store
        .opaque_log(log(1), from, bytes)
        .await
        .unwrap()
        .unwrap()
}

/// P-245.
async fn opaque_logs_are_compared_and_set(open: Open) {
    let bench = Bench::new(open);
    assert_eq!(bench.store.opaque_head(log(1)).await.unwrap(), None);
    assert_eq!(
        bench
            .store
            .opaque_log(log(1), OpaquePlace::Position(0), 1)
            .await
            .unwrap(),
        None
    );
    let add = async |append| bench.store.append_opaque(append).await.unwrap();
    assert_eq!(
        add(append(Some(head(1, 5)), 6, 1)).await,
        OpaqueAppended::Conflict,
        "nothing to follow"
    );
    // At once from two sides: exactly one wins.
    let (left, right) = tokio::join!(
        bench.store.append_opaque(append(None, 1, 10)),
        bench.store.append_opaque(append(None, 2, 10)),
    );
    assert_eq!(
        (left.unwrap(), right.unwrap()),
        (OpaqueAppended::Done, OpaqueAppended::Conflict)
    );
    assert_eq!(add(append(Some(head(1, 1)), 3, 20)).await, OpaqueAppended::Done);
    assert_eq!(
        add(append(Some(head(1, 1)), 4, 20)).await,
        OpaqueAppended::Conflict
    );
    let mut other_key = head(2, 3);
    other_key.write_key = [0; 32];
    assert_eq!(
        add(append(Some(other_key), 4, 20)).await,
        OpaqueAppended::Conflict
    );

    let bench = bench.reopen().await;
    assert_eq!(bench.store.opaque_head(log(1)).await.unwrap(), Some(head(2, 3)));
    assert_eq!(bench.store.opaque_head(log(2)).await.unwrap(), None);
    let whole = page(&bench, OpaquePlace::Position(0), usize::MAX).await;
    assert_eq!((whole.from, whole.length), (0, 2));
    assert_eq!(whole.appends, [vec![1; 10], vec![3; 20]]);
    assert_eq!(
        page(&bench, OpaquePlace::Position(0), 29).await.appends.len(),
        1,
        "bounded"
    );
    assert_eq!(
        page(&bench, OpaquePlace::Position(1), 1).await.appends,
        [vec![3; 20]],
        "at least one"
    );
    let beyond = page(&bench, OpaquePlace::Position(7), 1).await;
    assert_eq!((beyond.appends.len(), beyond.length), (0, 2));
    for (place, from) in [
        (None, 0),
        (Some([1; 32]), 1),
        (Some([3; 32]), 2),
        (Some([4; 32]), 0),
    ] {
        assert_eq!(page(&bench, OpaquePlace::After(place), 1000).await.from, from);
    }
}

/// P-245.
async fn opaque_logs_are_bounded(open: Open) {
    let bench = Bench::new(open);
    let half = (OPAQUE_LOG_BYTES / 2) as usize;
    let add = async |append| bench.store.append_opaque(append).await.unwrap();
    assert_eq!(add(append(None, 1, half)).await, OpaqueAppended::Done);
    assert_eq!(
        add(append(Some(head(1, 1)), 2, half + 1)).await,
        OpaqueAppended::Full
    );
    assert_eq!(add(append(Some(head(1, 1)), 2, half)).await, OpaqueAppended::Done);
    assert_eq!(add(append(Some(head(2, 2)), 3, 1)).await, OpaqueAppended::Full);

    let mut last = None;
    let all: Vec<_> = (0..=MAX_OPAQUE_ENTRIES)
        .map(|number| {
            let mut next = append(last, number as u8, 1);
            next.log = log(2);
            last = Some(next.head);
            bench.store.append_opaque(next)
        })
        .collect();
    let mut ended = Vec::new();
    for answer in all {
        ended.push(answer.await.unwrap());
    }
    assert_eq!(ended.pop(), Some(OpaqueAppended::Full));
    assert!(ended.iter().all(|one| *one == OpaqueAppended::Done));
}

conformances!(
    sqlite: crate::store::conformance::open_sqlite,
    postgres: crate::store::conformance::open_postgres
    => [opaque_logs_are_compared_and_set, opaque_logs_are_bounded]
);
