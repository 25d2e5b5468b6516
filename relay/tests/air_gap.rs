//! A whole story without any network: from the first start to a backup, on a machine that has nothing but itself.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::tls::{client, connect};
use common::{Client, Person, Program, free_port, get, status};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Tells the story that it is told where there is no network.
const ALONE: &str = "CHOPAR_TEST_ALONE";

/// What the kernel counted in this network, by table and name.
fn counted() -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let text = fs::read_to_string("/proc/self/net/snmp").unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.chunks_exact(2) {
        let values = pair[1].split_whitespace();
        let table = pair[0].split(':').next().unwrap();
        for (name, value) in pair[0].split_whitespace().zip(values).skip(1) {
            counts.insert(format!("{table}.{name}"), value.parse().unwrap_or(0));
        }
    }
    for line in fs::read_to_string("/proc/self/net/snmp6")
        .unwrap_or_default()
        .lines()
    {
        let (name, value) = line.split_once(char::is_whitespace).unwrap();
        counts.insert(name.to_owned(), value.trim().parse().unwrap_or(0));
    }
    counts
}

fn well(words: &[&str], data: &Path) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(words)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert!(done.status.success(), "{words:?}: {said}");
    said
}

/// T-054. With an authority of its own and numbers for monitoring: people come by TLS, write, an administrator acts, and the data is
/// copied, put back and served again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story() {
    let before = counted();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let first = path("first");
    let metrics = free_port();
    let program = Program::start_with(&first, |command| {
        command.args(["--tls", "own", "--metrics", &format!("127.0.0.1:{metrics}")]);
    });
    let root = CertificateDer::from_pem_file(first.join("tls/authority.crt")).unwrap();
    let over_tls = async |port: u16| {
        let line = connect(port, "localhost", client(&root)).await.unwrap();
        Client::over(Box::new(line), &format!("https://localhost:{port}"), &[])
            .await
            .unwrap()
    };
    let (ann, bob) = (Person::new(), Person::new());
    let token = program.printed.split("/join#").nth(1).unwrap().trim().to_owned();
    let mut a = over_tls(program.port).await;
    a.register(&ann, &token, "ann", "Ann").await.unwrap();
    let link = well(&["invite"], &first);
    let mut b = over_tls(program.port).await;
    let token = link
        .rsplit('#')
        .next()
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    b.register(&bob, token, "bob", "Bob").await.unwrap();
    a.submit(&bob, b"hello").await;
    assert_eq!(&b.delivery().await.body[..], b"hello");
    a.submit(&bob, b"waits").await;
    assert_eq!(status(&get(metrics, "/metrics", "").await), 200);
    assert!(well(&["member", "list"], &first).contains("bob"));
    well(&["doctor", "--listen", "127.0.0.1:0"], &first);
    let copy = path("copy");
    well(&["backup", copy.to_str().unwrap()], &first);
    assert!(well(&["audit", "verify"], &first).starts_with("ok"));
    program.terminate();

    let second = path("second");
    well(&["restore", copy.to_str().unwrap()], &second);
    let program = Program::start_with(&second, |command| {
        command.args(["--tls", "own"]);
    });
    let mut b = over_tls(program.port).await;
    b.sign_in(&bob, 0).await.unwrap();
    assert!(
        b.drain()
            .await
            .iter()
            .any(|deliver| &deliver.body[..] == b"waits")
    );
    program.terminate();

    if std::env::var_os(ALONE).is_some() {
        // Whoever looks up a name or calls somebody is told that there is no way, and counted.
        let after = counted();
        for name in [
            "Ip.OutNoRoutes",
            "Ip6OutNoRoutes",
            "Udp.OutDatagrams",
            "Udp6OutDatagrams",
        ] {
            assert_eq!(after[name], before[name], "somebody was called: {name}");
        }
        // And counting works: now somebody is.
        assert!(std::net::TcpStream::connect("192.0.2.1:9").is_err());
        assert!(counted()["Ip.OutNoRoutes"] > before["Ip.OutNoRoutes"]);
        println!("nobody was called");
    }
}

/// T-054.
#[test]
fn the_whole_story_without_a_network() {
    let alone = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", script]);
        command
    };
    let up = "ip link set lo up";
    if !alone(up).output().is_ok_and(|done| done.status.success()) {
        // A build machine is there to test: it may not pass this over.
        assert!(
            std::env::var_os("CI").is_none(),
            "this build machine makes no network of its own for a process"
        );
        println!(
            "SKIPPED: it takes root, `unshare` and `ip` to be without a network; the story was told with one"
        );
        return;
    }
    let told = alone(&format!("{up} && exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "the_whole_story", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.status.success() && said.contains("nobody was called"),
        "{said}{}",
        String::from_utf8_lossy(&told.stderr)
    );
}
