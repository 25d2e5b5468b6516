//! Books of files.

use chopar_wire::ids::FileId;

use super::{Bench, DAY, Open, account, device};
use crate::store::{Begun, FileFacts, FileKeys, FileRoom, FilesKept, NewFile, Progress};

const MEGABYTE: u64 = 1_000_000;

fn file(number: u8) -> FileId {
    FileId::new([number; 16])
}

/// An upload of a megabyte by a device that has room for four, ten in total, and three at once.
fn new(bench: &Bench, number: u8, by: u8) -> NewFile {
    NewFile {
        file: file(number),
        account: account(by),
        device: device(by),
        size: MEGABYTE,
        expires: bench.clock.now() + DAY,
        room: FileRoom {
            of_account: 4 * MEGABYTE,
            in_total: 10 * MEGABYTE,
            unfinished: 3,
        },
    }
}

async fn begin(bench: &Bench, new: NewFile) -> Begun {
    bench.store.begin_file(new).await.unwrap()
}

async fn receive(bench: &Bench, number: u8, from: u64, to: u64) -> bool {
    let progress = Progress {
        file: file(number),
        from,
        to,
        expires: bench.clock.now() + 2 * DAY,
    };
    bench.store.file_received(progress).await.unwrap()
}

async fn kept(bench: &Bench) -> (u64, u64) {
    let FilesKept { count, bytes } = bench.store.files_kept().await.unwrap();
    (count, bytes / MEGABYTE)
}

/// P-332.
async fn uploads_are_compared_and_set(open: Open) {
    let bench = Bench::new(open);
    let now = bench.clock.now();
    assert_eq!(bench.store.file(file(1)).await.unwrap(), None);
    let facts = |received, expires| FileFacts {
        size: MEGABYTE,
        received,
        expires,
    };
    assert_eq!(
        begin(&bench, new(&bench, 1, 1)).await,
        Begun::Ready(facts(0, now + DAY))
    );
    assert!(receive(&bench, 1, 0, 400).await);
    assert!(!receive(&bench, 1, 0, 500).await, "it has gone on");
    assert!(!receive(&bench, 1, 500, 600).await, "it has not come so far");
    assert!(!receive(&bench, 1, 400, MEGABYTE + 1).await, "beyond the end");
    assert!(!receive(&bench, 2, 0, 1).await, "no such file");
    // At once from two sides: exactly one wins.
    let both = tokio::join!(receive(&bench, 1, 400, 500), receive(&bench, 1, 400, 600));
    assert_eq!(both, (true, false));
    let bench = bench.reopen().await;
    assert_eq!(
        bench.store.file(file(1)).await.unwrap(),
        Some(facts(500, now + 2 * DAY))
    );
    // The same upload goes on where it was, until when it was.
    bench.clock.advance(DAY / 2);
    assert_eq!(
        begin(&bench, new(&bench, 1, 1)).await,
        Begun::Ready(facts(500, now + 2 * DAY))
    );
    // Back to the beginning, where its bytes are lost.
    assert!(receive(&bench, 1, 500, 0).await);
    assert!(receive(&bench, 1, 0, MEGABYTE).await);
    let whole = facts(MEGABYTE, now + DAY / 2 + 2 * DAY);
    bench.clock.advance(1);
    assert_eq!(begin(&bench, new(&bench, 1, 1)).await, Begun::Ready(whole));
    let other_size = NewFile {
        size: MEGABYTE + 1,
        ..new(&bench, 1, 1)
    };
    for other in [new(&bench, 1, 2), other_size] {
        assert_eq!(begin(&bench, other).await, Begun::Taken);
    }
    let other_device = NewFile {
        device: device(9),
        ..new(&bench, 1, 1)
    };
    assert_eq!(begin(&bench, other_device).await, Begun::Taken);
}

/// P-334.
async fn room_for_files_is_bounded(open: Open) {
    let bench = Bench::new(open);
    for number in 1..=3 {
        assert!(matches!(
            begin(&bench, new(&bench, number, 1)).await,
            Begun::Ready(_)
        ));
    }
    assert_eq!(begin(&bench, new(&bench, 4, 1)).await, Begun::TooManyUnfinished);
    let other_device = NewFile {
        device: device(9),
        ..new(&bench, 4, 1)
    };
    assert!(matches!(begin(&bench, other_device).await, Begun::Ready(_)));
    assert!(receive(&bench, 1, 0, MEGABYTE).await);
    assert_eq!(begin(&bench, new(&bench, 5, 1)).await, Begun::AccountFull);
    for (number, by) in [(6, 2), (7, 2), (8, 2), (9, 3), (10, 3), (11, 3)] {
        assert!(matches!(
            begin(&bench, new(&bench, number, by)).await,
            Begun::Ready(_)
        ));
    }
    assert_eq!(begin(&bench, new(&bench, 12, 4)).await, Begun::Full);
    assert_eq!(kept(&bench).await, (10, 10));
    // Only its own account ends it, and its room comes back when its bytes are gone.
    assert!(!bench.store.end_file(file(1), account(2)).await.unwrap());
    assert!(bench.store.end_file(file(1), account(1)).await.unwrap());
    assert!(!receive(&bench, 1, MEGABYTE, MEGABYTE).await);
    assert_eq!(bench.store.file(file(1)).await.unwrap(), None);
    assert_eq!(begin(&bench, new(&bench, 1, 1)).await, Begun::Ended);
    assert_eq!(begin(&bench, new(&bench, 1, 2)).await, Begun::Taken);
    assert_eq!(begin(&bench, new(&bench, 12, 4)).await, Begun::Full);
    assert_eq!(ended(&bench, None).await, [file(1)]);
    // Nothing that has not ended is forgotten.
    bench.store.forget_files(vec![file(1), file(2)]).await.unwrap();
    assert_eq!(kept(&bench).await, (9, 9));
    assert!(matches!(begin(&bench, new(&bench, 12, 4)).await, Begun::Ready(_)));
    let unknown = bench.store.unknown_files(vec![file(1), file(2), file(99)]).await;
    assert_eq!(unknown.unwrap(), [file(1), file(99)]);
}

async fn ended(bench: &Bench, after: Option<FileId>) -> Vec<FileId> {
    bench.store.ended_files(after, 9).await.unwrap()
}

/// P-338.
async fn what_is_not_known_is_noted_once(open: Open) {
    let bench = Bench::new(open);
    let strays = async |bench: &Bench, before| {
        let both = vec![file(1), file(2)];
        bench.store.stray_files(both, before).await.unwrap()
    };
    let seen = bench.clock.now();
    assert!(strays(&bench, seen).await.is_empty());
    bench.clock.advance(DAY);
    let bench = bench.reopen().await;
    assert!(strays(&bench, seen).await.is_empty());
    let mut found = strays(&bench, seen + 1).await;
    found.sort_unstable();
    assert_eq!(found, [file(1), file(2)]);
    bench.store.forget_strays(vec![file(1)]).await.unwrap();
    assert_eq!(strays(&bench, seen + 1).await, [file(2)]);
}

/// P-335.
async fn files_end(open: Open) {
    let bench = Bench::new(open);
    begin(&bench, new(&bench, 1, 1)).await;
    begin(&bench, new(&bench, 2, 2)).await;
    assert!(receive(&bench, 2, 0, MEGABYTE).await);
    bench.clock.advance(DAY - 1);
    assert!(ended(&bench, None).await.is_empty());
    bench.clock.advance(1);
    assert_eq!(ended(&bench, None).await, [file(1)]);
    assert_eq!(bench.store.file(file(1)).await.unwrap(), None);
    assert!(!receive(&bench, 1, 0, 1).await, "too late");
    bench.clock.advance(DAY);
    assert_eq!(ended(&bench, None).await, [file(1), file(2)]);
    assert_eq!(ended(&bench, Some(file(1))).await, [file(2)]);
    assert_eq!(bench.store.ended_files(None, 1).await.unwrap(), [file(1)]);
    let both = vec![file(1), file(2)];
    bench.store.forget_files(both).await.unwrap();
    assert_eq!(kept(&bench).await, (0, 0));
}

/// P-330.
async fn the_key_of_capabilities_is_kept_until_a_restore(open: Open) {
    let bench = Bench::new(open);
    let keys = async |bench: &Bench, fresh: u8| {
        let fresh = FileKeys {
            capabilities: [fresh; 32],
            home: [fresh; 16],
        };
        let FileKeys { capabilities, home } = bench.store.file_keys(fresh).await.unwrap();
        (capabilities[0], home[0])
    };
    assert_eq!(keys(&bench, 1).await, (1, 1));
    assert_eq!(keys(&bench, 2).await, (1, 1));
    let bench = bench.reopen().await;
    assert_eq!(keys(&bench, 3).await, (1, 1));
    // The name by which its folder knows it stays.
    bench.store.after_restore().await.unwrap();
    assert_eq!(keys(&bench, 4).await, (4, 1));
}

conformances!(
    sqlite: crate::store::conformance::open_sqlite,
    postgres: crate::store::conformance::open_postgres
    => [
        uploads_are_compared_and_set,
        room_for_files_is_bounded,
        files_end,
        what_is_not_known_is_noted_once,
        the_key_of_capabilities_is_kept_until_a_restore
    ]
);
