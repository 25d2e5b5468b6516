//! Numbers on a listener of their own; and nothing that leaves the machine.
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

use common::{Program, TestRelay, get, status};

fn numbers(page: &str) -> BTreeMap<String, u64> {
    page.lines()
        .filter(|line| line.starts_with("chopar_") || line.starts_with("process_"))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

/// T-053.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_count_and_name_nobody() {
    let relay = TestRelay::start_with(|config| config.metrics = Some(([127, 0, 0, 1], 0).into())).await;
    let port = relay.metrics.unwrap();
    assert_ne!(port, relay.port);
    assert_eq!(
        status(&get(relay.port, "/metrics", "").await),
        200,
        "a place inside the client"
    );
    assert!(
        !get(relay.port, "/metrics", "")
            .await
            .contains("chopar_connections")
    );

    let before = numbers(&get(port, "/metrics", "").await);
    let (boss, mut owner) = relay.owner().await;
    let (person, mut client) = relay.member(&mut owner, "very_secret_handle").await;
    owner.submit(&person, b"x").await;
    client.delivery().await;
    drop(owner);
    let owner = relay.signed_in(&boss, 0).await;
    let answer = get(port, "/metrics", "").await;
    assert_eq!(status(&answer), 200);
    assert!(answer.contains("text/plain; version=0.0.4"));
    let after = numbers(&answer);
    let risen = |name: &str| after[name] - before[name];
    assert_eq!(risen("chopar_registrations_total"), 2);
    assert_eq!(risen("chopar_sign_ins_total"), 1);
    assert_eq!(risen("chopar_messages_accepted_total"), 1);
    assert_eq!(risen("chopar_messages_delivered_total"), 1);
    assert_eq!(after["chopar_devices"], 2);
    assert!(after["chopar_connections"] >= 2 && after["chopar_database_bytes"] > 0);
    for (name, kind) in answer
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
    {
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
    }
    let device = person.devices[0].id.to_string();
    for word in ["very_secret_handle", "Somebody", &device, "127.0.0.1"] {
        assert!(!answer.contains(word), "{word}");
    }
    assert_eq!(status(&get(port, "/", "").await), 404);
    drop((client, owner));
    relay.stop().await;
}

/// Everything that the sources of the server could connect with.
const CONNECTS: [&str; 7] = [
    "TcpStream::connect",
    "TcpSocket",
    "UnixStream::connect",
    "UdpSocket",
    "lookup_host",
    "to_socket_addrs",
    ".connect(",
];
/// Where connecting is what is asked for: the store's own database, and a command that a person runs against a relay.
const MAY: [&str; 2] = ["store/postgres", "commands/verify_client.rs"];

/// T-054: by its sources the server calls nobody.
#[test]
fn nothing_in_the_server_connects_anywhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut looked_at) = (vec![root.clone()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !MAY.iter().any(|may| name.starts_with(may)) {
                let text = fs::read_to_string(&path).unwrap();
                let product = text.split("#[cfg(test)]").next().unwrap();
                looked_at += 1;
                for word in CONNECTS {
                    assert!(!product.contains(word), "{name}: {word}");
                }
            }
        }
    }
    assert!(looked_at > 60, "only {looked_at} files");
}

/// T-054: and while it serves, every connection of its process came to its own port.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_serves_has_no_connection_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let token = program.printed.rsplit('#').next().unwrap().trim().to_owned();
    let mut owner = common::Client::connect(program.port).await;
    owner
        .register(&common::Person::new(), &token, "boss", "Boss")
        .await
        .unwrap();
    get(program.port, "/readyz", "").await;
    let process = Path::new("/proc").join(program.child.id().to_string());
    let inodes: Vec<String> = fs::read_dir(process.join("fd"))
        .unwrap()
        .filter_map(|entry| {
            let link = fs::read_link(entry.unwrap().path()).ok()?;
            let link = link.to_string_lossy();
            Some(link.strip_prefix("socket:[")?.trim_end_matches(']').to_owned())
        })
        .collect();
    let mut own = 0;
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(process.join("net").join(table)).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if inodes.iter().any(|inode| inode == fields[9]) {
                own += 1;
                let (_, port) = fields[1].rsplit_once(':').unwrap();
                assert_eq!(
                    u16::from_str_radix(port, 16).unwrap(),
                    program.port,
                    "{table}: {line}"
                );
            }
        }
    }
    assert!(own >= 2, "the listener and the owner's connection, not {own}");
    program.kill();
}
