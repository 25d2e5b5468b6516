//! A full disk, and the real program killed without a warning: nothing acknowledged is lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use chopar_relay::{Config, Rates};
use chopar_wire::proto::relay::{client_frame as c, relay_frame::Body};
use common::client::{kind, reason};
use common::{Client, Program, Reason, TestRelay, get, status};

fn without_rates(config: &mut Config) {
    config.rates = Rates::unlimited();
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let relay = TestRelay::start_with(|config| {
        without_rates(config);
        config.database_bytes_max = Some(1024 * 1024);
    })
    .await;
    let (_ann, mut a) = relay.owner().await;
    let (bob, b) = relay.member(&mut a, "bob").await;
    drop(b);
    let mut accepted = 0u32;
    loop {
        let mut body = vec![0; 16 * 1024];
        body[..4].copy_from_slice(&accepted.to_be_bytes());
        match a.ask(c::Body::Submit(bob.submission(&body, None))).await {
            Body::Accepted(_) => accepted += 1,
            refused => {
                assert_eq!(reason(&refused), Reason::Storage, "{}", kind(&refused));
                break;
            }
        }
        assert!(accepted < 1000, "the bound is never reached");
    }
    assert!(accepted > 10);
    let ready = get(relay.port, "/readyz", "").await;
    assert_eq!(status(&ready), 503, "a store without room is not ready: {ready}");
    // Several at once: one that does not fit does not take the others along.
    let mut pending = Vec::new();
    for _ in 0..8 {
        pending.push(
            a.send(c::Body::Submit(bob.submission(&[1; 16 * 1024], None)))
                .await,
        );
    }
    pending.push(a.send(c::Body::Find(Default::default())).await);
    for (at, request) in pending.into_iter().enumerate() {
        let answer = a.answer(request).await;
        if at < 8 {
            assert_eq!(reason(&answer), Reason::Storage);
        } else {
            assert!(matches!(answer, Body::People(_)), "the connection lives");
        }
    }
    // Everything accepted is there, can be taken away, and makes room.
    let mut b = Client::signed_in(relay.port, &bob, 0).await;
    let got = b.drain().await;
    let numbers: Vec<u32> = got
        .iter()
        .map(|d| u32::from_be_bytes(d.body[..4].try_into().unwrap()))
        .collect();
    assert_eq!(numbers, (0..accepted).collect::<Vec<_>>());
    a.submit(&bob, &[2; 16 * 1024]).await;
    assert_eq!(b.delivery().await.body[0], 2);
    // The answer before serves for a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(status(&get(relay.port, "/readyz", "").await), 200);
    relay.stop().await;
}

/// P-091, T-012.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_minus_nine() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let (ann, bob) = program.ann_and_bob().await;
    program.kill();

    let mut acknowledged: HashMap<u32, u32> = HashMap::new();
    let mut number = 0u32;
    let mut last_seq = 0;
    for round in 0..6 {
        let program = Program::start(folder.path());
        assert!(program.printed.contains("There is an owner"));
        let port = program.port;
        let mut a = Client::signed_in(port, &ann, 0).await;
        // Killed in the middle of a stream of submissions.
        let killer = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100 + round * 60)).await;
            program.kill();
        });
        'stream: loop {
            let mut window = Vec::new();
            for _ in 0..16 {
                number += 1;
                let body = c::Body::Submit(bob.submission(&number.to_be_bytes(), None));
                match a.try_send(body).await {
                    Some(request) => window.push((request, number)),
                    None => break 'stream,
                }
            }
            for (request, number) in window {
                match a.try_answer(request).await {
                    Some(Body::Accepted(_)) => {
                        acknowledged.insert(number, 0);
                    }
                    Some(Body::Refused(refused)) => assert_eq!(Reason::of(&refused), Reason::RateLimited),
                    Some(other) => panic!("{}", kind(&other)),
                    None => break 'stream,
                }
            }
        }
        killer.await.unwrap();

        // Every other round the recipient takes what is there, and its acknowledgement is lost with a second kill.
        if round % 2 == 1 {
            let program = Program::start(folder.path());
            let mut b = Client::signed_in(program.port, &bob, 0).await;
            for deliver in b.drain().await {
                assert!(deliver.seq > last_seq, "numbers rise over all lives of the relay");
                last_seq = deliver.seq;
                let number = u32::from_be_bytes(deliver.body.as_ref().try_into().unwrap());
                *acknowledged.entry(number).or_insert(0) += 1;
            }
            program.kill();
            // What bob acknowledged, and was told so, does not come back.
            let program = Program::start(folder.path());
            let mut b = Client::signed_in(program.port, &bob, 0).await;
            assert!(b.drain().await.is_empty());
            program.kill();
        }
    }
    assert!(
        acknowledged.len() > 100,
        "only {} were acknowledged",
        acknowledged.len()
    );
    let wrong: Vec<_> = acknowledged.iter().filter(|(_, times)| **times != 1).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} not delivered exactly once: {wrong:?}",
        wrong.len(),
        acknowledged.len()
    );
}

/// Sends the signal and waits for an orderly end.
fn ends_well(program: &mut Program, signal: &str) {
    let started = std::time::Instant::now();
    let id = program.child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(program.child.wait().unwrap().success(), "{signal}");
    assert!(started.elapsed() < Duration::from_secs(5), "{signal}");
}

#[test]
fn control_c_ends_it_well() {
    let folder = tempfile::tempdir().unwrap();
    ends_well(&mut Program::start(folder.path()), "-INT");
}

#[test]
fn a_second_relay_in_one_folder_is_refused_and_sigterm_ends_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Program::start(folder.path());
    let second = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another relay"));

    // An invite can be made beside the running relay.
    let made = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(["invite", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let port = first.port;
    let here = format!("http://localhost:{port}/join#");
    let made = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.starts_with(&here), "{made} is not where the relay runs");
    let made = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(["invite", "--origin", "https://chat.example.org/", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&made.stdout).starts_with("https://chat.example.org/join#"));

    ends_well(&mut first, "-TERM");
    // Where it ran is known when it runs no more.
    let made = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(["invite", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&made.stdout).starts_with(&here));
}

#[test]
fn doctor_misses_the_word_behind_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = |arguments: &[&str]| {
        let mut program = Program::start_with(folder.path(), |command| {
            command
                .args(["--origin", "https://chat.example.org"])
                .args(arguments);
        });
        program.child.kill().unwrap();
        program.child.wait().unwrap();
        let doctor = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
            .args(["doctor", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
        found
            .lines()
            .find(|line| line.contains("proxy"))
            .unwrap()
            .to_owned()
    };
    let without = proxy(&[]);
    assert!(
        without.starts_with("WRONG") && without.contains("--behind-proxy"),
        "{without}"
    );
    assert!(proxy(&["--behind-proxy"]).starts_with("ok"));
}

#[test]
fn what_people_type_is_refused_with_what_to_do() {
    let refused = |arguments: &[&str], word: &str| {
        let folder = tempfile::tempdir().unwrap();
        let outcome = Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
            .args(["serve", "--data"])
            .arg(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&outcome.stderr);
        assert!(
            !outcome.status.success() && said.contains(word),
            "{arguments:?}: {said}"
        );
    };
    refused(&["--listen", "0.0.0.0:0", "--tls", "off"], "--behind-proxy");
    refused(
        &["--listen", "127.0.0.1:0", "--tls-cert", "cert.pem"],
        "--tls-key",
    );
    let both = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    refused(&[&both[..], &["--listen", "0.0.0.0:0"]].concat(), "--origin");
    refused(
        &[&both[..], &["--listen", "127.0.0.1:0", "--tls", "off"]].concat(),
        "leave one of them out",
    );
    refused(
        &[&both[..], &["--listen", "127.0.0.1:0"]].concat(),
        "cert.pem cannot be read",
    );
}
