//! Bytes of files: in a folder, and in PostgreSQL.

use std::path::Path;
use std::sync::Arc;

use chopar_wire::ids::FileId;
use prost::bytes::Bytes;

use super::{Bench, DAY, Open, PostgresUrl, account, database_of, device, server};
use crate::files::bodies::{Bodies, PART, Place};
use crate::store::{Begun, FileRoom, NewFile, Progress};

/// A store, and where the bytes are.
type Setup = (Open, fn(&Path) -> Place);

const SIZE: usize = 2 * PART + 1000;
const FILE: FileId = FileId::new([0xab; 16]);

fn in_folder(folder: &Path) -> Place {
    Place::Folder(folder.join("files"))
}

fn in_database(folder: &Path) -> Place {
    let url = server::shared().url(&database_of(folder));
    Place::Database(PostgresUrl::parse(&url, None).unwrap())
}

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| ((at * 31) >> 5) as u8).collect()
}

/// A bench on which the file was begun.
async fn begun((open, place): Setup) -> (Bench, Arc<dyn Bodies>) {
    let bench = Bench::new(open);
    let bodies = place(bench.folder.path()).open([7; 16]).unwrap();
    let begun = bench.store.begin_file(NewFile {
        file: FILE,
        account: account(1),
        device: device(1),
        size: SIZE as u64,
        expires: bench.clock.now() + DAY,
        room: FileRoom {
            of_account: u64::MAX,
            in_total: u64::MAX,
            unfinished: 1,
        },
    });
    assert!(matches!(begun.await.unwrap(), Begun::Ready(_)));
    (bench, bodies)
}

/// Writes the part with this number.
async fn write(bodies: &dyn Bodies, content: &[u8], part: usize) -> bool {
    let (from, to) = (part * PART, ((part + 1) * PART).min(SIZE));
    let bytes = Bytes::copy_from_slice(&content[from..to]);
    bodies.write(FILE, from as u64, bytes).await.unwrap()
}

/// Says that all of it came.
async fn finish(bench: &Bench, bodies: &dyn Bodies) {
    bodies.finish(FILE).await.unwrap();
    let progress = Progress {
        file: FILE,
        from: 0,
        to: SIZE as u64,
        expires: bench.clock.now() + DAY,
    };
    assert!(bench.store.file_received(progress).await.unwrap());
}

async fn read(bodies: &dyn Bodies, from: usize, most: usize) -> Option<Bytes> {
    bodies.read(FILE, from as u64, most).await.unwrap()
}

async fn is_whole(bodies: &dyn Bodies, content: &[u8]) -> bool {
    let mut came = Vec::new();
    while came.len() < content.len() {
        came.extend(read(bodies, came.len(), usize::MAX).await.unwrap());
    }
    came == content
}

/// P-333.
async fn bytes_are_read_once_all_of_them_are_there(setup: Setup) {
    let (bench, bodies) = begun(setup).await;
    let (bodies, content) = (&*bodies, content());
    assert_eq!(read(bodies, 0, 10).await, None);
    for part in 0..3 {
        assert!(write(bodies, &content, part).await);
        bodies.settle(FILE).await.unwrap();
        assert_eq!(read(bodies, 0, 10).await, None, "not all of it is there");
    }
    finish(&bench, bodies).await;
    assert!(is_whole(bodies, &content).await);
    assert_eq!(read(bodies, 7, 10).await.unwrap()[..], content[7..17]);
    let to_the_border = read(bodies, PART - 5, 100).await.unwrap();
    assert_eq!(to_the_border[..], content[PART - 5..PART]);
    let last = read(bodies, 2 * PART + 990, 100).await.unwrap();
    assert_eq!(last[..], content[2 * PART + 990..]);
}

/// P-332.
async fn the_same_bytes_again_change_nothing(setup: Setup) {
    let (bench, bodies) = begun(setup).await;
    let (bodies, content) = (&*bodies, content());
    for part in [0, 1, 0, 1, 2, 1] {
        assert!(write(bodies, &content, part).await);
    }
    finish(&bench, bodies).await;
    // After the end, of which the answer was lost; other bytes too.
    let other = vec![9; SIZE];
    for part in [2, 0] {
        assert!(write(bodies, &content, part).await);
        assert!(write(bodies, &other, part).await);
    }
    bodies.settle(FILE).await.unwrap();
    bodies.finish(FILE).await.unwrap();
    assert!(is_whole(bodies, &content).await);
}

/// P-332.
async fn holes_are_refused_and_what_is_deleted_is_gone(setup: Setup) {
    let (bench, bodies) = begun(setup).await;
    let (bodies, content) = (&*bodies, content());
    assert!(!write(bodies, &content, 1).await);
    assert!(!write(bodies, &content, 2).await);
    assert!(write(bodies, &content, 0).await);
    assert!(!write(bodies, &content, 2).await);
    for part in 1..3 {
        assert!(write(bodies, &content, part).await);
    }
    finish(&bench, bodies).await;
    assert!(is_whole(bodies, &content).await);
    for _ in 0..2 {
        bodies.delete(FILE).await.unwrap();
        assert_eq!(read(bodies, 0, 10).await, None);
        assert!(bodies.shelf(0xab).await.unwrap().is_empty());
    }
}

conformances!(
    folder: (crate::store::conformance::open_sqlite, super::in_folder),
    postgres: (crate::store::conformance::open_postgres, super::in_database)
    => [
        bytes_are_read_once_all_of_them_are_there,
        the_same_bytes_again_change_nothing,
        holes_are_refused_and_what_is_deleted_is_gone
    ]
);
