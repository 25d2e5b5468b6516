//! Files over HTTP: up and down, broken off and gone on with, refused by name, and what the relay sees of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use chopar_e2ee::file::{FileDescriptor, FileName, FileOpener, FileSealer, Looks, MediaType};
use chopar_e2ee::fixture::rng;
use chopar_relay::{Clock, Config, Database, PostgresUrl, Rate, Relay, ServeError};
use chopar_wire::ids::FileId;
use chopar_wire::limits::{FILE_GRANT_LIFETIME_MS, MIN_STORED_FILE};
use chopar_wire::proto::relay::{FileGrant, SetDevice, client_frame as c, relay_frame::Body};
use common::client::{kind, reason};
use common::files::{
    ask_begin, ask_delete, ask_open, begin, break_off, bytes, fetch, file, get, open, patch, patch_with,
    read_all, stall, stands_at, upload,
};
use common::{Client, Program, Reason, TestRelay, postgres};

/// One chunk of a file as a browser makes them.
const CHUNK: usize = MIN_STORED_FILE as usize;
/// In parts of so many bytes the relay keeps what comes.
const PART: usize = 65_536;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Up to where bytes are kept that were cut off there.
const fn kept(came: usize) -> usize {
    came - came % PART
}

/// Files of a folder and those below, with their bytes; not the folder's marker.
fn below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else if path.file_name() != Some("database".as_ref()) {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

/// P-331, P-333.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_up_and_comes_down_to_whoever_knows_it() {
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    let (_ann, mut ann) = relay.member(&mut owner, "ann").await;
    let content = bytes(3 * CHUNK + 17, 1);
    let grant = begin(&mut owner, file(1), content.len()).await;
    assert_eq!((grant.size, grant.received), (content.len() as u64, 0));
    assert_eq!(
        reason(&ask_open(&mut ann, file(1)).await),
        Reason::NoSuchFile,
        "nothing of it is there yet"
    );
    upload(relay.port, &mut owner, file(1), &content).await;
    assert_eq!(fetch(relay.port, &mut ann, file(1)).await, content);

    let grant = open(&mut ann, file(1)).await;
    let whole = get(relay.port, &grant, "").await;
    assert_eq!(whole.header("cache-control"), Some("no-store"));
    assert_eq!(whole.header("content-type"), Some("application/octet-stream"));
    assert_eq!(whole.header("content-length"), Some(&*content.len().to_string()));
    // From any place on, to any.
    for from in [1, CHUNK - 1, CHUNK, 2 * CHUNK + 5, content.len() - 1] {
        let part = get(relay.port, &grant, &format!("range: bytes={from}-\r\n")).await;
        assert_eq!(part.status, 206);
        assert!(part.body == content[from..], "{from}");
        let said = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
        assert_eq!(part.header("content-range"), Some(&*said));
    }
    let part = get(relay.port, &grant, &format!("range: bytes=10-{}\r\n", CHUNK + 9)).await;
    assert!(part.status == 206 && part.body == content[10..CHUNK + 10]);
    let beyond = get(
        relay.port,
        &grant,
        &format!("range: bytes={}-\r\n", content.len()),
    )
    .await;
    assert_eq!(beyond.status, 416);
    // Asked for again, what is done stays done.
    let again = begin(&mut owner, file(1), content.len()).await;
    assert_eq!(again.received, again.size);
    assert_eq!(patch(relay.port, &again, content.len(), b"").await.status, 204);
    relay.stop().await;
}

/// P-332.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_breaks_off_at_every_chunk_goes_on() {
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    let content = bytes(6 * CHUNK + 1000, 2);
    let size = content.len();
    let mut at = 0;
    let mut grant = begin(&mut owner, file(1), size).await;
    // Before, at and after the end of each chunk.
    let ends = (1..=6).flat_map(|chunk| [chunk * CHUNK - 1, chunk * CHUNK, chunk * CHUNK + 1]);
    for end in ends {
        break_off(relay.port, &grant, at, &content[at..], end - at).await;
        grant = stands_at(&mut owner, file(1), size, kept(end)).await;
        at = kept(end);
    }
    let answer = patch(relay.port, &grant, at, &content[at..]).await;
    assert_eq!((answer.status, answer.offset()), (204, Some(size)));
    assert!(fetch(relay.port, &mut owner, file(1)).await == content);
    // And a download, at every chunk.
    let grant = open(&mut owner, file(1)).await;
    let mut came = Vec::new();
    while came.len() < size {
        let range = format!("range: bytes={}-{}\r\n", came.len(), came.len() + CHUNK - 1);
        came.extend(get(relay.port, &grant, &range).await.body);
    }
    assert!(came == content);
    relay.stop().await;
}

/// P-332.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_uploads_at_once_and_one_by_two_requests() {
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    let contents = [bytes(9 * CHUNK, 3), bytes(9 * CHUNK, 4)];
    let grants = [
        begin(&mut owner, file(1), contents[0].len()).await,
        begin(&mut owner, file(2), contents[1].len()).await,
    ];
    let (one, two) = tokio::join!(
        patch(relay.port, &grants[0], 0, &contents[0]),
        patch(relay.port, &grants[1], 0, &contents[1]),
    );
    assert_eq!((one.status, two.status), (204, 204));
    for (number, content) in [(1, &contents[0]), (2, &contents[1])] {
        assert!(fetch(relay.port, &mut owner, file(number)).await == *content);
    }
    // The same bytes twice at once, as after a connection of which only one side knows that it is gone.
    let content = bytes(20 * CHUNK, 5);
    let grant = begin(&mut owner, file(3), content.len()).await;
    let (one, two) = tokio::join!(
        patch(relay.port, &grant, 0, &content),
        patch(relay.port, &grant, 0, &content),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert!(statuses == [204, 204] || statuses == [204, 409], "{statuses:?}");
    let grant = begin(&mut owner, file(3), content.len()).await;
    assert_eq!(grant.received, grant.size);
    assert!(fetch(relay.port, &mut owner, file(3)).await == content);
    relay.stop().await;
}

/// P-332.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_offsets_and_bodies_that_are_too_long_are_refused() {
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    let content = bytes(2 * CHUNK, 6);
    let size = content.len();
    let grant = begin(&mut owner, file(1), size).await;
    // Less than a part is not kept, and costs nothing.
    for few in [1, 100, PART - 1] {
        let few = patch(relay.port, &grant, 0, &content[..few]).await;
        assert_eq!((few.status, few.offset()), (204, Some(0)));
        assert!(below(&relay.data().join("files")).is_empty());
    }
    assert_eq!(
        patch(relay.port, &grant, 0, &content[..PART + 9]).await.offset(),
        Some(PART)
    );
    for wrong in [0, PART - 1, PART + 1, size, size + 1] {
        let refused = patch(relay.port, &grant, wrong, &content[..10]).await;
        assert_eq!((refused.status, refused.offset()), (409, Some(PART)), "{wrong}");
    }
    let unsaid = patch_with(relay.port, &grant, "content-length: 1\r\n", b"x").await;
    assert_eq!((unsaid.status, unsaid.offset()), (400, Some(PART)));
    // Said beforehand: nothing of it is taken.
    let longer = [&content[PART..], b"x"].concat();
    let refused = patch(relay.port, &grant, PART, &longer).await;
    assert_eq!((refused.status, refused.offset()), (413, Some(PART)));
    // Noticed on the way.
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let body = [chunk(&content[PART..]), chunk(b"more"), b"0\r\n\r\n".to_vec()].concat();
    let more = format!("upload-offset: {PART}\r\ntransfer-encoding: chunked\r\n");
    let refused = patch_with(relay.port, &grant, &more, &body).await;
    assert_eq!(refused.status, 413);
    let stands = begin(&mut owner, file(1), size).await;
    assert!(stands.received <= stands.size);
    let rest = &content[stands.received as usize..];
    assert_eq!(
        patch(relay.port, &stands, size - rest.len(), rest).await.status,
        204
    );
    assert!(fetch(relay.port, &mut owner, file(1)).await == content);
    // A file of another size under the same id, and sizes that are none.
    assert_eq!(
        reason(&ask_begin(&mut owner, file(1), size + 1).await),
        Reason::FileExists
    );
    assert_eq!(
        reason(&ask_begin(&mut owner, file(2), CHUNK - 1).await),
        Reason::Malformed
    );
    assert_eq!(
        reason(&ask_begin(&mut owner, file(2), 115_000_001).await),
        Reason::TooLarge
    );
    relay.stop().await;
}

/// P-330, T-122.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_expired_and_foreign_capabilities_open_nothing() {
    let clock = Clock::manual(1_800_000_000_000);
    let mine = clock.clone();
    let relay = TestRelay::start_with(|config| config.clock = mine).await;
    let (_boss, mut owner) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut owner, "bob").await;
    let content = bytes(CHUNK, 7);
    upload(relay.port, &mut owner, file(1), &content).await;
    upload(relay.port, &mut owner, file(2), &content).await;
    let grant = open(&mut b, file(1)).await;
    let of = |id: FileId, capability: &[u8]| FileGrant {
        id: id.into(),
        capability: capability.to_vec().into(),
        ..FileGrant::default()
    };
    let status = async |grant: &FileGrant| get(relay.port, grant, "").await.status;
    assert_eq!(status(&grant).await, 200);
    assert_eq!(status(&of(file(1), b"")).await, 401, "none");
    assert_eq!(status(&of(file(1), &[7; 105])).await, 401, "made up");
    assert_eq!(
        status(&of(file(2), &grant.capability)).await,
        403,
        "for another file"
    );
    let upload_one = begin(&mut owner, file(3), CHUNK).await;
    assert_eq!(status(&upload_one).await, 403, "for an upload");
    let fetch_one = patch(relay.port, &grant, CHUNK, b"").await;
    assert_eq!(fetch_one.status, 403, "for a download");
    // Another relay's.
    let other = TestRelay::start().await;
    let (_, mut stranger) = other.owner().await;
    upload(other.port, &mut stranger, file(1), &content).await;
    assert_eq!(status(&open(&mut stranger, file(1)).await).await, 401);
    other.stop().await;
    // A page of another origin, a name that is not the relay's.
    let foreign = get(relay.port, &grant, "origin: https://evil.example\r\n").await;
    assert_eq!(foreign.status, 403);
    let path = format!("/v1/files/{}", hex::encode(&grant.id));
    let here = format!("localhost:{}", relay.port);
    for (request, expected) in [
        (format!("GET {path} HTTP/1.1\r\nhost: {here}\r\n"), 401),
        (format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\n"), 421),
        (format!("PUT {path} HTTP/1.1\r\nhost: {here}\r\n"), 405),
        (format!("GET /v1/files/xyz HTTP/1.1\r\nhost: {here}\r\n"), 404),
        (format!("GET {path}/x HTTP/1.1\r\nhost: {here}\r\n"), 404),
    ] {
        let request = format!("{request}connection: close\r\n\r\n");
        let answer = common::files::ask(relay.port, &request, &[]).await;
        assert_eq!(answer.status, expected, "{request}");
    }
    // Whose device was suspended since it was given.
    let suspend = SetDevice {
        account: bob.account.into(),
        device: bob.devices[0].id.into(),
        suspended: true,
    };
    let done = owner.ask(c::Body::SetDevice(suspend)).await;
    assert!(matches!(done, Body::Done(_)), "{}", kind(&done));
    assert_eq!(status(&grant).await, 403);
    // Whose time is over.
    let grant = open(&mut owner, file(1)).await;
    clock.advance(FILE_GRANT_LIFETIME_MS - 1);
    assert_eq!(status(&grant).await, 200);
    clock.advance(1);
    assert_eq!(status(&grant).await, 401);
    relay.stop().await;
}

/// P-334, T-123.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_is_bounded_and_comes_back() {
    let relay = TestRelay::start_with(|config| {
        config.files.bytes_max = 2 * CHUNK as u64;
        config.files.bytes_of_member = 3 * CHUNK as u64;
        config.files.bytes_in_total = 4 * CHUNK as u64;
    })
    .await;
    let (_boss, mut owner) = relay.owner().await;
    let (_ann, mut ann) = relay.member(&mut owner, "ann").await;
    assert_eq!(
        reason(&ask_begin(&mut owner, file(1), 2 * CHUNK + 1).await),
        Reason::TooLarge
    );
    upload(relay.port, &mut owner, file(1), &bytes(2 * CHUNK, 8)).await;
    assert_eq!(
        reason(&ask_begin(&mut owner, file(2), CHUNK + 1).await),
        Reason::FilesFull,
        "of one member"
    );
    begin(&mut ann, file(3), CHUNK).await;
    assert_eq!(
        reason(&ask_begin(&mut ann, file(4), 2 * CHUNK).await),
        Reason::Storage,
        "of everybody: what is begun counts as a whole"
    );
    assert_eq!(
        reason(&ask_begin(&mut ann, file(1), 2 * CHUNK).await),
        Reason::FileExists,
        "somebody else's"
    );
    // Nobody deletes what is another's, and nobody hears whether there is such a file.
    assert!(matches!(ask_delete(&mut ann, file(1)).await, Body::Done(_)));
    assert!(matches!(ask_delete(&mut ann, file(99)).await, Body::Done(_)));
    let grant = open(&mut ann, file(1)).await;
    assert!(matches!(ask_delete(&mut owner, file(1)).await, Body::Done(_)));
    assert_eq!(get(relay.port, &grant, "").await.status, 404);
    assert_eq!(reason(&ask_open(&mut ann, file(1)).await), Reason::NoSuchFile);
    assert!(
        below(&relay.data().join("files")).is_empty(),
        "its bytes are gone"
    );
    begin(&mut ann, file(4), 2 * CHUNK).await;
    relay.stop().await;
}

/// P-334.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_device_has_so_many_unfinished_uploads() {
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    for number in 0..32 {
        begin(&mut owner, file(number), CHUNK).await;
    }
    assert_eq!(
        reason(&ask_begin(&mut owner, file(99), CHUNK).await),
        Reason::FilesFull
    );
    upload(relay.port, &mut owner, file(0), &bytes(CHUNK, 9)).await;
    begin(&mut owner, file(99), CHUNK).await;
    relay.stop().await;
}

/// P-335.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_expire_and_their_bytes_go() {
    let clock = Clock::manual(1_800_000_000_000);
    let keep = FILE_GRANT_LIFETIME_MS / 2;
    let start = async |folder, clock: Clock| {
        TestRelay::start_in(folder, |config| {
            config.clock = clock;
            config.files.keep_ms = keep;
        })
        .await
    };
    let relay = start(tempfile::tempdir().unwrap(), clock.clone()).await;
    let (boss, mut owner) = relay.owner().await;
    upload(relay.port, &mut owner, file(1), &bytes(CHUNK, 10)).await;
    let unfinished = begin(&mut owner, file(2), CHUNK).await;
    patch(relay.port, &unfinished, 0, &[1; PART]).await;
    let grant = open(&mut owner, file(1)).await;
    assert_eq!(grant.kept_until, clock.now() + keep);
    clock.advance(keep - 1);
    assert_eq!(get(relay.port, &grant, "").await.status, 200);
    clock.advance(1);
    assert_eq!(get(relay.port, &grant, "").await.status, 404);
    assert_eq!(reason(&ask_open(&mut owner, file(1)).await), Reason::NoSuchFile);
    // An upload that is not whole after three days; asking for it prolongs nothing.
    let left = 3 * DAY_MS - keep;
    clock.advance(left - 1);
    let still = begin(&mut owner, file(2), CHUNK).await;
    assert_eq!(still.received, PART as u64);
    assert_eq!(still.kept_until, clock.now() + 1);
    clock.advance(1);
    let anew = begin(&mut owner, file(2), CHUNK).await;
    assert_eq!(anew.received, 0, "its own begins anew");
    assert_eq!(anew.kept_until, clock.now() + 3 * DAY_MS);
    patch(relay.port, &anew, 0, &[1; PART]).await;
    clock.advance(3 * DAY_MS);
    drop(owner);
    // Each start looks for what expired. One that cannot be deleted keeps no other from it.
    let stuck = relay.data().join("files/01").join(file(1).to_string());
    std::fs::remove_file(&stuck).unwrap();
    std::fs::create_dir(&stuck).unwrap();
    let relay = start(relay.stop().await, clock.clone()).await;
    let folder = relay.data().join("files");
    for _ in 0..600 {
        if below(&folder).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(below(&folder).is_empty());
    std::fs::remove_dir(&stuck).unwrap();
    let mut owner = relay.signed_in(&boss, 0).await;
    assert_eq!(begin(&mut owner, file(1), CHUNK).await.received, 0);
    relay.stop().await;
}

/// P-338.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_a_database_does_not_know_stay_for_a_week_and_those_of_another_for_ever() {
    let clock = Clock::manual(1_800_000_000_000);
    let start = async |folder, clock: Clock| TestRelay::start_in(folder, |config| config.clock = clock).await;
    let relay = start(tempfile::tempdir().unwrap(), clock.clone()).await;
    let folder = relay.data().join("files");
    let shelf = folder.join("ab");
    std::fs::create_dir_all(&shelf).unwrap();
    let stray = shelf.join(format!("ab{}", "0".repeat(30)));
    std::fs::write(&stray, b"nobody's, or of a newer database").unwrap();
    std::fs::write(shelf.join("README"), b"somebody else's").unwrap();
    // A look finds it and leaves it.
    let relay = start(relay.stop().await, clock.clone()).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(stray.exists());
    clock.advance(7 * DAY_MS + 1);
    let data = relay.stop().await;
    // Another database does not come near it.
    let other = tempfile::tempdir().unwrap();
    let mut config = Config::new(other.path());
    config.files.folder = Some(folder.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = Relay::open(listener, config).await.err();
    let said = match refused {
        Some(ServeError::Files(fault)) => fault.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(said.contains("another database"), "{said}");
    let relay = start(data, clock.clone()).await;
    for _ in 0..600 {
        if !stray.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let left: Vec<_> = below(&folder).into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [shelf.join("README")]);
    relay.stop().await;
}

/// P-332.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_bytes_are_lost_begins_anew() {
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    let content = bytes(5 * CHUNK, 21);
    let grant = begin(&mut owner, file(1), content.len()).await;
    patch(relay.port, &grant, 0, &content[..3 * PART]).await;
    let part = relay.data().join("files/01").join(format!("{}.part", file(1)));
    for lost in ["gone", "shorter"] {
        match lost {
            "gone" => std::fs::remove_file(&part).unwrap(),
            _ => std::fs::write(&part, &content[..PART]).unwrap(),
        }
        let refused = patch(relay.port, &grant, 3 * PART, &content[3 * PART..]).await;
        assert_eq!((refused.status, refused.offset()), (409, Some(0)), "{lost}");
        assert_eq!(begin(&mut owner, file(1), content.len()).await.received, 0);
        let again = patch(relay.port, &grant, 0, &content[..3 * PART]).await;
        assert_eq!(again.offset(), Some(3 * PART));
    }
    let rest = patch(relay.port, &grant, 3 * PART, &content[3 * PART..]).await;
    assert_eq!(rest.status, 204);
    assert!(fetch(relay.port, &mut owner, file(1)).await == content);
    relay.stop().await;
}

/// P-332: one that began before, and goes on with other bytes once the file is whole, or deleted.
async fn a_late_request_changes_nothing_at(relay: TestRelay) {
    let (_boss, mut owner) = relay.owner().await;
    let (content, other) = (bytes(2 * CHUNK, 22), bytes(2 * CHUNK, 23));
    let grant = begin(&mut owner, file(1), content.len()).await;
    let mut late = stall(relay.port, "PATCH", &grant, 0, &other[..100], other.len()).await;
    let mut later = stall(relay.port, "PATCH", &grant, 0, &other[..PART + 9], other.len()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    // What was first stays, part by part.
    let mixed = [&other[..PART], &content[PART..]].concat();
    upload(relay.port, &mut owner, file(1), &content).await;
    let whole = fetch(relay.port, &mut owner, file(1)).await;
    assert!(whole == content || whole == mixed);
    for (stale, sent) in [(&mut late, 100), (&mut later, PART + 9)] {
        stale.write_all(&other[sent..]).await.unwrap();
        let answer = read_all(stale).await;
        assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
    }
    assert!(fetch(relay.port, &mut owner, file(1)).await == whole);
    let grant = begin(&mut owner, file(2), content.len()).await;
    let mut late = stall(relay.port, "PATCH", &grant, 0, &content[..100], content.len()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(matches!(ask_delete(&mut owner, file(2)).await, Body::Done(_)));
    late.write_all(&content[100..]).await.unwrap();
    let answer = read_all(&mut late).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    relay.stop().await;
}

/// P-332.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_request_changes_nothing_in_a_folder() {
    a_late_request_changes_nothing_at(TestRelay::start().await).await;
}

/// P-332.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_request_changes_nothing_in_a_database() {
    let url = postgres::shared().database("files_late");
    let relay = TestRelay::start_with(|config| {
        config.database = Database::Postgres(PostgresUrl::parse(&url, None).unwrap());
    });
    a_late_request_changes_nothing_at(relay.await).await;
}

/// P-336.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_about_files_have_a_rate() {
    let relay = TestRelay::start_with(|config| {
        config.clock = Clock::manual(1_800_000_000_000);
        config.rates.files = Rate::per_second(1, 4);
    })
    .await;
    let (_boss, mut owner) = relay.owner().await;
    upload(relay.port, &mut owner, file(1), &bytes(CHUNK, 24)).await;
    let grant = open(&mut owner, file(1)).await;
    for _ in 0..3 {
        assert_eq!(get(relay.port, &grant, "range: bytes=0-0\r\n").await.status, 206);
    }
    let refused = get(relay.port, &grant, "range: bytes=0-0\r\n").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("3")));
    relay.stop().await;
}

/// P-332, T-040: what the relay said is durable is there after `kill -9`.
async fn killed_in_the_middle(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start_on(database, folder.path());
    let (ann, _bob) = program.ann_and_bob().await;
    let content = bytes(32 * 1024 * 1024 + 321, 11);
    let (id, size) = (file(1), content.len());
    let mut stood = 0;
    for round in 0.. {
        let mut client = Client::signed_in(program.port, &ann, 0).await;
        let grant = begin(&mut client, id, size).await;
        let received = grant.received as usize;
        assert!(received >= stood, "{received} after {stood}");
        stood = received;
        if round == 4 {
            assert!(stood > 0, "something was kept");
            let answer = patch(program.port, &grant, stood, &content[stood..]).await;
            assert_eq!(answer.status, 204, "{answer:?}");
            assert!(fetch(program.port, &mut client, id).await == content);
            break;
        }
        // A part that is acknowledged, and one that is cut off by the end.
        let part = &content[stood..stood + 15 * PART];
        let answer = patch(program.port, &grant, stood, part).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        stood += part.len();
        let (port, rest) = (program.port, content[stood..].to_vec());
        let going_on = tokio::spawn(async move {
            let sent = rest.len().min(5_000_000);
            break_off(port, &grant, stood, &rest, sent).await;
        });
        tokio::time::sleep(Duration::from_millis(5 + 15 * round)).await;
        program.kill();
        drop(going_on.await);
        program = Program::start_on(database, folder.path());
    }
    program.kill();
}

/// P-332, T-040.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_killed_in_the_middle_of_an_upload_goes_on_from_its_folder() {
    killed_in_the_middle(None).await;
}

/// P-332, T-040.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_killed_in_the_middle_of_an_upload_goes_on_from_its_database() {
    killed_in_the_middle(Some(&postgres::shared().database("files_killed"))).await;
}

/// P-337.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_share_files_in_their_database_or_in_a_folder() {
    for in_folder in [false, true] {
        let name = if in_folder {
            "files_folder"
        } else {
            "files_database"
        };
        let url = postgres::shared().database(name);
        let shared = tempfile::tempdir().unwrap();
        let node = async || {
            TestRelay::start_with(|config| {
                config.database = Database::Postgres(PostgresUrl::parse(&url, None).unwrap());
                config.files.folder = in_folder.then(|| shared.path().to_owned());
            })
            .await
        };
        let (first, second) = (node().await, node().await);
        let (boss, mut owner) = second.owner().await;
        let content = bytes(8 * CHUNK + 5, 12);
        let size = content.len();
        // Begun at one, gone on with at the other, with the capability of either.
        let grant = begin(&mut owner, file(1), size).await;
        break_off(second.port, &grant, 0, &content, 3 * CHUNK).await;
        stands_at(&mut owner, file(1), size, 3 * PART).await;
        let rest = patch(first.port, &grant, 3 * PART, &content[3 * PART..]).await;
        assert_eq!((rest.status, rest.offset()), (204, Some(size)));
        assert!(fetch(second.port, &mut owner, file(1)).await == content);
        let grant = open(&mut owner, file(1)).await;
        assert!(get(first.port, &grant, "").await.body == content);
        let parts: u64 = postgres::shared()
            .ask(name, "SELECT count(*) FROM file_parts")
            .parse()
            .unwrap();
        assert_eq!(parts == 0, in_folder);
        assert_eq!(below(shared.path()).len(), usize::from(in_folder));
        drop(owner);
        let mut owner = first.signed_in(&boss, 0).await;
        assert!(matches!(ask_delete(&mut owner, file(1)).await, Body::Done(_)));
        assert_eq!(get(second.port, &grant, "").await.status, 404);
        assert_eq!(
            postgres::shared().ask(name, "SELECT count(*) FROM file_parts"),
            "0"
        );
        assert_eq!(postgres::shared().ask(name, "SELECT bytes FROM file_room"), "0");
        first.stop().await;
        second.stop().await;
    }
}

/// P-322, T-124: two files of other names, kinds and sizes are the same to the relay but for their ids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_sees_neither_name_nor_kind_nor_exact_size() {
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    let (_ann, mut ann) = relay.member(&mut owner, "ann").await;
    let mut sizes = Vec::new();
    for (content, name, kind) in [
        (
            &b"%PDF-1.7 markerContent"[..],
            "markerName.pdf",
            "application/x-marker",
        ),
        (&[b'z'; 60_000][..], "other.png", "image/png"),
    ] {
        let mut sealer = FileSealer::new(content.len() as u64, &mut rng(name.len() as u8)).unwrap();
        let id = *sealer.id();
        let mut stored = Vec::new();
        let mut rest = content;
        while let Some(wanted) = sealer.wants() {
            let (now, later) = rest.split_at(wanted);
            stored.extend(sealer.seal(now).unwrap());
            rest = later;
        }
        let descriptor = FileDescriptor {
            secret: sealer.finish().unwrap(),
            name: FileName::parse(name).unwrap(),
            media: MediaType::parse(kind).unwrap(),
            looks: Looks::default(),
        };
        upload(relay.port, &mut owner, id, &stored).await;
        sizes.push(stored.len());
        // Who got the description opens what the relay has.
        let came = fetch(relay.port, &mut ann, id).await;
        let mut opener = FileOpener::new(&descriptor.secret);
        let mut opened = Vec::new();
        let mut rest = &came[..];
        while let Some(wanted) = opener.wants() {
            let (now, later) = rest.split_at(wanted);
            opened.extend(opener.open(now).unwrap());
            rest = later;
        }
        assert!(opener.finish().is_ok() && opened == content);
    }
    assert_eq!(sizes[0], sizes[1]);
    let folder = relay.stop().await;
    let seen = below(folder.path());
    let contains = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    assert!(
        seen.iter()
            .any(|(path, _)| path.starts_with(folder.path().join("files"))),
        "the files are looked at"
    );
    for (path, bytes) in &seen {
        let path = path.to_string_lossy();
        for word in ["marker", "%PDF", "other.png", "image/png", "zzzzzzzz"] {
            assert!(!contains(bytes, word.as_bytes()), "{word} in {path}");
            assert!(!path.contains(word), "{path}");
        }
    }
}

/// P-336.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_tell_how_many_files_there_are() {
    let relay = TestRelay::start_with(|config| config.metrics = Some(([127, 0, 0, 1], 0).into())).await;
    let (_boss, mut owner) = relay.owner().await;
    upload(relay.port, &mut owner, file(1), &bytes(2 * CHUNK, 13)).await;
    fetch(relay.port, &mut owner, file(1)).await;
    begin(&mut owner, file(2), CHUNK).await;
    let page = common::get(relay.metrics.unwrap(), "/metrics", "").await;
    for line in [
        "\nchopar_files 2\n".to_owned(),
        format!("\nchopar_files_bytes {}\n", 3 * CHUNK),
        "\nchopar_files_uploaded_total 1\n".to_owned(),
        format!("\nchopar_file_bytes_received_total {}\n", 2 * CHUNK),
        format!("\nchopar_file_bytes_sent_total {}\n", 2 * CHUNK),
    ] {
        assert!(page.contains(&line), "{line} is not in {page}");
    }
    relay.stop().await;
}

/// P-336, T-123.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_or_takes_nothing_gives_the_place_back() {
    let relay = TestRelay::start_with(|config| config.caps.file_part = Duration::from_millis(1500)).await;
    let (_boss, mut owner) = relay.owner().await;
    let content = bytes(16_000_000, 15);
    let grant = begin(&mut owner, file(1), content.len()).await;
    // What came before the silence is kept.
    let mut stalled = stall(relay.port, "PATCH", &grant, 0, &content[..70_000], content.len()).await;
    let answer = read_all(&mut stalled).await;
    let stands = format!("upload-offset: {PART}\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains(&stands),
        "{answer}"
    );
    // A byte now and then is no more than nothing.
    let (mut reading, mut writing) = stall(relay.port, "PATCH", &grant, PART, &[], content.len() - PART)
        .await
        .into_split();
    let trickling = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), reading.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "it is cut off");
    drop(trickling.await);
    let rest = patch(relay.port, &grant, PART, &content[PART..]).await;
    assert_eq!(rest.status, 204);
    // All places of the account, by readers that take nothing.
    let grant = open(&mut owner, file(1)).await;
    let mut stalled = Vec::new();
    for _ in 0..16 {
        stalled.push(stall(relay.port, "GET", &grant, 0, &[], 0).await);
    }
    // Until the relay has heard all of them.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut refused = 0;
    let last = loop {
        match get(relay.port, &grant, "range: bytes=0-9\r\n").await {
            answer if answer.status == 429 => refused += 1,
            answer => break answer,
        }
        assert!(refused < 200, "the places come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(refused > 0, "all places were taken");
    assert_eq!((last.status, &last.body[..]), (206, &content[..10]));
    // They notice that it is not all.
    let mut came = Vec::new();
    let _broken_off = stalled[0].read_to_end(&mut came).await;
    assert!(came.len() < content.len(), "{}", came.len());
    relay.stop().await;
}

/// P-223.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_removed_member_go() {
    use chopar_wire::proto::relay::{SetMember, set_member::Act};
    let relay = TestRelay::start().await;
    let (_boss, mut owner) = relay.owner().await;
    let (ann, mut a) = relay.member(&mut owner, "ann").await;
    upload(relay.port, &mut a, file(1), &bytes(CHUNK, 14)).await;
    let grant = open(&mut owner, file(1)).await;
    let removal = SetMember {
        account: ann.account.into(),
        act: Act::Remove.into(),
        free_handle: false,
    };
    let done = owner.ask(c::Body::SetMember(removal)).await;
    assert!(matches!(done, Body::Done(_)), "{}", kind(&done));
    assert_eq!(get(relay.port, &grant, "").await.status, 404);
    relay.stop().await;
}
