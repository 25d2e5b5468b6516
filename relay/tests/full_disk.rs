//! A file system without room, a real one: what a bound of the database cannot show, for the write-ahead log does not grow
//! either.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says why it was skipped"
)]

mod common;

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chopar_relay::{Database, PostgresUrl, Rates};
use chopar_wire::proto::relay::{Ack, client_frame as c, relay_frame::Body};
use common::client::{kind, reason};
use common::postgres::Cluster;
use common::{Client, History, Person, Reason, TestRelay, get, status};

/// A file system of its own of some megabytes, gone with this.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this machine lets nobody mount one.
    fn mount(megabytes: u32) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(place.path())
            .output()
            .is_ok_and(|done| done.status.success());
        mounted.then(|| Self(place))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// Fills a file until the disk is full.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    let mut block = 64 * 1024;
    while block > 0 {
        match file.write(&[0; 64 * 1024][..block]) {
            Ok(_) => {}
            Err(fault) if fault.kind() == ErrorKind::StorageFull => block /= 2,
            Err(fault) => panic!("{fault}"),
        }
    }
}

/// Megabytes of the disk: an empty PostgreSQL alone takes some forty.
const MEGABYTES: [u32; 2] = [24, 160];
/// A database that ended is there again within this, once there is room.
const RECOVERY: Duration = Duration::from_secs(60);

/// Ann, who writes to bob on a disk that is full.
struct Writer<'a> {
    client: Client,
    bob: &'a Person,
    history: &'a History,
    next: u32,
}

impl Writer<'_> {
    /// Whether one more message was accepted; otherwise it was refused for want of a store.
    async fn write(&mut self) -> bool {
        let number = self.next;
        self.next += 1;
        self.history.sent(number);
        let submit = self.bob.submission(&message(number), None);
        match self.client.ask(c::Body::Submit(submit)).await {
            Body::Accepted(_) => {
                self.history.acknowledged(number);
                true
            }
            other => {
                assert_eq!(reason(&other), Reason::Storage, "{}", kind(&other));
                false
            }
        }
    }
}

/// With SQLite the relay's own files are on the small disk, with PostgreSQL the server's. PostgreSQL may end for want of
/// room, and be started again: refused or away, then recovered.
async fn a_disk_without_room(on_postgres: bool) {
    let Some(disk) = SmallDisk::mount(MEGABYTES[usize::from(on_postgres)]) else {
        // A build machine is there to test: it may not pass this over.
        assert!(
            std::env::var_os("CI").is_none(),
            "no file system can be mounted on this build machine"
        );
        eprintln!("SKIPPED: no file system can be mounted here (it takes root); nothing was tested");
        return;
    };
    let mut server = on_postgres.then(|| Cluster::start_in(disk.path(), "max_wal_size = 32MB\n"));
    let folder = if on_postgres {
        tempfile::tempdir()
    } else {
        tempfile::tempdir_in(disk.path())
    };
    let relay = TestRelay::start_in(folder.unwrap(), |config| {
        config.rates = Rates::unlimited();
        if let Some(server) = &server {
            let url = PostgresUrl::parse(&server.database("small"), None).unwrap();
            config.database = Database::Postgres(url);
        }
    })
    .await;
    let (ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    drop(b);
    let invite = common::relay::invite(&mut a, 1, 3600).await;
    let history = History::default();
    let mut writer = Writer {
        client: a,
        bob: &bob,
        history: &history,
        next: 0,
    };
    for _ in 0..100 {
        assert!(writer.write().await, "there is room yet");
    }
    // Somebody else takes the rest of the disk while messages come.
    let filler = disk.path().join("filler");
    fill(&filler);
    let mut refused = Vec::new();
    for _ in 0..2000 {
        if !writer.write().await {
            refused.push(writer.next - 1);
        }
        if refused.len() == 20 {
            break;
        }
    }
    assert_eq!(
        refused.len(),
        20,
        "{} were accepted",
        history.count_acknowledged()
    );
    assert_eq!(status(&get(relay.port, "/readyz", "").await), 503);
    assert_eq!(status(&get(relay.port, "/healthz", "").await), 200);
    // Who would join now is told, and has not used up the invite. PostgreSQL has room for so little here and there.
    let carl = Person::new();
    let mut c = Client::connect(relay.port).await;
    let joined = c.register(&carl, &invite, "carl", "Carl").await;
    let is_told = joined == Err(Reason::Storage);
    assert!(is_told || (on_postgres && joined.is_ok()), "{joined:?}");
    if !on_postgres {
        read_while_full(relay.port, &bob, &history).await;
    }

    // Room is made: the same relay goes on, with its database if that had to be started again.
    std::fs::remove_file(&filler).unwrap();
    if let Some(down) = server.take() {
        server = Some(tokio::task::spawn_blocking(|| brought_back(down)).await.unwrap());
    }
    let begun = Instant::now();
    while status(&get(relay.port, "/readyz", "").await) != 200 {
        assert!(begun.elapsed() < RECOVERY, "it does not recover");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    for deliver in b.drain().await {
        let number = number_of(&deliver.body);
        // What ended in the middle of a commit may have written it, and could not say so.
        assert!(on_postgres || !refused.contains(&number), "{number} was refused");
        history.delivered(number, deliver.seq);
        history.settled(number);
    }
    history.check(100);
    assert!(!history.is_open());
    if is_told {
        let mut c = Client::connect(relay.port).await;
        c.register(&carl, &invite, "carl", "Carl").await.unwrap();
    }
    writer.client = Client::signed_in(relay.port, &ann, 0).await;
    assert!(writer.write().await);
    assert_eq!(number_of(&b.delivery().await.body), writer.next - 1);
    drop(relay.stop().await);
    drop(server);
}

/// What is read is served; what deletes is done or refused by name, and nothing is lost by it.
async fn read_while_full(port: u16, bob: &Person, history: &History) {
    let mut b = Client::signed_in(port, bob, 0).await;
    for number in 0..history.count_acknowledged().min(200) as u32 {
        let deliver = b.delivery().await;
        assert_eq!(number_of(&deliver.body), number, "in order");
        history.delivered(number, deliver.seq);
        let seqs = vec![deliver.seq];
        match b.ask(c::Body::Ack(Ack { seqs })).await {
            Body::Done(_) => history.settled(number),
            other => {
                assert_eq!(reason(&other), Reason::Storage, "{}", kind(&other));
                break;
            }
        }
    }
}

/// A server that answers: the same, if it recovers by itself, or started again as an administrator would.
fn brought_back(mut server: Cluster) -> Cluster {
    let begun = Instant::now();
    while !server.answers() {
        if begun.elapsed() > Duration::from_secs(15) {
            println!("the server has ended, and is started again");
            server.kill();
            server.run();
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    server
}

/// T-043.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_is_said_and_loses_nothing_on_sqlite() {
    a_disk_without_room(false).await;
}

/// T-043.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_is_said_and_loses_nothing_on_postgres() {
    a_disk_without_room(true).await;
}

fn message(number: u32) -> Vec<u8> {
    let mut body = vec![7; 16 * 1024];
    body[..4].copy_from_slice(&number.to_be_bytes());
    body
}

fn number_of(body: &[u8]) -> u32 {
    u32::from_be_bytes(body[..4].try_into().unwrap())
}
