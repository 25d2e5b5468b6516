//! The log as JSON lines: each of them is one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs::{self, File};

use chopar_wire::proto::relay::{Find, client_frame as c};
use common::{Client, Program, get};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_the_log_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for level in ["info", "debug"] {
        let program = Program::start_with(&folder.path().join(level), |command| {
            command.args(["--log-json", "--behind-proxy", "--no-rate-limits"]);
            command.env("RUST_LOG", format!("warn,chopar_relay={level}"));
            command.stderr(File::create(&path).unwrap());
        });
        let (ann, bob) = program.ann_and_bob().await;
        let mut a = Client::signed_in(program.port, &ann, 0).await;
        a.submit(&bob, b"a \"quoted\"\nline").await;
        a.ask(c::Body::Find(Find {
            query: "\"\n\u{1}".to_owned(),
        }))
        .await;
        a.provoke(vec![0xff; 40]).await;
        get(program.port, "/\"odd\"", "x-forwarded-for: nonsense\r\n").await;
        program.terminate();

        let text = fs::read_to_string(&path).unwrap();
        let mut messages = Vec::new();
        for line in text.lines() {
            let whole: Value = serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
            let field = |name: &str| {
                whole[name]
                    .as_str()
                    .unwrap_or_else(|| panic!("no {name}: {line}"))
                    .to_owned()
            };
            assert!(
                ["ERROR", "WARN", "INFO", "DEBUG"].contains(&&*field("level")),
                "{line}"
            );
            assert!(field("timestamp").ends_with('Z'), "{line}");
            assert!(field("target").starts_with("chopar_relay"), "{line}");
            messages.push(whole["fields"]["message"].as_str().unwrap().to_owned());
        }
        for said in ["serving", "stopped", "rates are not limited"] {
            assert!(
                messages.iter().any(|message| message == said),
                "{said} is not in {text}"
            );
        }
        for word in [&*bob.id().to_string(), "\"ann\"", "127.0.0.1"] {
            assert!(level == "debug" || !text.contains(word), "{word} is in {text}");
        }
    }
}
