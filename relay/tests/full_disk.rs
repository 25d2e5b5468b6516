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
use std::time::Duration;

use chopar_relay::Rates;
use chopar_wire::proto::relay::{Ack, client_frame as c, relay_frame::Body};
use common::client::{kind, reason};
use common::{Client, Person, Reason, TestRelay, get, status};

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

#[tokio::test]
async fn a_disk_without_room_is_said_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount(24) else {
        // A build machine is there to test: it may not pass this over.
        assert!(
            std::env::var_os("CI").is_none(),
            "no file system can be mounted on this build machine"
        );
        eprintln!("SKIPPED: no file system can be mounted here (it takes root); nothing was tested");
        return;
    };
    let folder = tempfile::tempdir_in(disk.path()).unwrap();
    let relay = TestRelay::start_in(folder, |config| config.rates = Rates::unlimited()).await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut a, "bob").await;
    b.drain().await;
    drop(b);
    let invite = common::relay::invite(&mut a, 1, 3600).await;
    let mut accepted = 0u32;
    for _ in 0..100 {
        a.submit(&bob, &message(accepted)).await;
        accepted += 1;
    }
    // Somebody else takes the rest of the disk while messages come.
    let filler = disk.path().join("filler");
    fill(&filler);
    let mut refused = 0;
    for _ in 0..600 {
        match a
            .ask(c::Body::Submit(bob.submission(&message(accepted), None)))
            .await
        {
            Body::Accepted(_) => accepted += 1,
            other => {
                assert_eq!(reason(&other), Reason::Storage, "{}", kind(&other));
                refused += 1;
                if refused == 20 {
                    break;
                }
            }
        }
    }
    assert_eq!(refused, 20, "{accepted} were accepted on a full disk");
    assert_eq!(status(&get(relay.port, "/readyz", "").await), 503);
    assert_eq!(status(&get(relay.port, "/healthz", "").await), 200);
    // Who would join now is told, and has not used up the invite.
    let carl = Person::new();
    let mut c = Client::connect(relay.port).await;
    assert_eq!(
        c.register(&carl, &invite, "carl", "Carl").await,
        Err(Reason::Storage)
    );

    // What is read is served; what deletes is done or refused by name, and nothing is lost by it.
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    let mut gone = 0;
    for number in 0..accepted.min(200) {
        let deliver = b.delivery().await;
        assert_eq!(number_of(&deliver.body), number);
        match b
            .ask(c::Body::Ack(Ack {
                seqs: vec![deliver.seq],
            }))
            .await
        {
            Body::Done(_) => {
                assert_eq!(gone, number, "acknowledged in order");
                gone += 1;
            }
            other => {
                assert_eq!(reason(&other), Reason::Storage, "{}", kind(&other));
                break;
            }
        }
    }
    drop(b);

    // Room is made: the same relay goes on.
    std::fs::remove_file(&filler).unwrap();
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    let got: Vec<u32> = b
        .drain()
        .await
        .iter()
        .map(|deliver| number_of(&deliver.body))
        .collect();
    assert_eq!(got, (gone..accepted).collect::<Vec<_>>());
    let mut c = Client::connect(relay.port).await;
    c.register(&carl, &invite, "carl", "Carl").await.unwrap();
    a.submit(&bob, &message(accepted)).await;
    assert_eq!(number_of(&b.delivery().await.body), accepted);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(status(&get(relay.port, "/readyz", "").await), 200);
    drop(relay.stop().await);
}

fn message(number: u32) -> Vec<u8> {
    let mut body = vec![7; 16 * 1024];
    body[..4].copy_from_slice(&number.to_be_bytes());
    body
}

fn number_of(body: &[u8]) -> u32 {
    u32::from_be_bytes(body[..4].try_into().unwrap())
}
