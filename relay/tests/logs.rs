//! The log of a whole story, at its most talkative, names nobody: no id, handle, name, invite, query or body is in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fmt::Write as _;
use std::process::Command;

use chopar_wire::close::CloseCode;
use chopar_wire::proto::relay::{
    AddOneTime, AppendLog, CheckInvite, ClaimBundle, Find, ListMembers, SetProfile, SignIn, SubmitSignal,
    client_frame as c, relay_frame::Body,
};
use common::client::{Ended, reason};
use common::relay::invite;
use common::{Client, Person, Program, Reason, get, postgres};

/// What must not be in the log, in every form somebody may have printed it in.
#[derive(Default)]
struct Needles(Vec<(&'static str, String)>);

impl Needles {
    fn bytes(&mut self, what: &'static str, bytes: &[u8]) {
        // The beginning alone, as an id's own `Debug` shows it.
        let hex: String = bytes.iter().take(4).fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        self.0.push((what, hex.to_uppercase()));
        self.0.push((what, hex));
        let list = |separator: &str| {
            bytes
                .iter()
                .map(u8::to_string)
                .collect::<Vec<_>>()
                .join(separator)
        };
        self.0.push((what, list(", ")));
        self.0.push((what, list(",")));
        for alphabet in [STANDARD, FOR_LINKS] {
            for shift in 0..3 {
                self.0.push((what, base64(bytes, alphabet, shift)));
            }
        }
    }

    fn text(&mut self, what: &'static str, text: &str) {
        self.0.push((what, text.to_owned()));
        self.bytes(what, text.as_bytes());
    }

    fn person(&mut self, person: &Person) {
        self.bytes("account", person.account.as_bytes());
        for device in &person.devices {
            self.bytes("device", device.id.as_bytes());
            self.bytes("device key", device.keys.signing.as_bytes());
        }
    }

    fn found_in<'a>(&'a self, log: &str) -> Vec<&'a (&'static str, String)> {
        self.0.iter().filter(|(_, needle)| log.contains(needle)).collect()
    }
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_LINKS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The Base64 digits that bytes surely leave in a longer encoding in which `shift` bytes (modulo three) precede them.
fn base64(bytes: &[u8], alphabet: &[u8; 64], shift: usize) -> String {
    let mut bits: Vec<bool> = vec![false; shift * 8];
    for byte in bytes {
        bits.extend((0..8).rev().map(|at| byte >> at & 1 == 1));
    }
    // The first digits mix with what precedes, an incomplete last one with what follows.
    let first = (shift * 8).div_ceil(6);
    bits.chunks_exact(6)
        .skip(first)
        .map(|six| alphabet[six.iter().fold(0, |digit, bit| digit * 2 + usize::from(*bit))] as char)
        .collect()
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let mut needles = Needles::default();
    needles.bytes("id", b"sixteen bytes id");
    for log in [
        "device=DeviceId(73697874…) gone",
        "device=7369787465656e20 gone",
        "device=7369787465656E20 gone",
        "[115, 105, 120, 116, 101, 101, 110, 32, 98, 121, 116, 101, 115, 32, 105, 100]",
        // "sixteen bytes id", "xsixteen bytes idx", "xxsixteen bytes idxx"
        "c2l4dGVlbiBieXRlcyBpZA==",
        "eHNpeHRlZW4gYnl0ZXMgaWR4",
        "eHhzaXh0ZWVuIGJ5dGVzIGlkeHg=",
    ] {
        assert!(!needles.found_in(log).is_empty(), "{log}");
    }
    assert!(needles.found_in("serving, and nobody is named").is_empty());
}

#[tokio::test]
async fn a_whole_story_leaves_nobody_in_the_log() {
    leaves_nobody(None).await;
}

/// The database writes a log of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_story_leaves_nobody_in_the_logs_of_relay_and_database() {
    let url = postgres::shared().database("story");
    let needles = leaves_nobody(Some(&url)).await;
    let log = postgres::shared().log();
    assert!(log.contains("ready to accept connections"), "{log}");
    let found = needles.found_in(&log);
    assert!(found.is_empty(), "{found:?} in PostgreSQL's log");
}

async fn leaves_nobody(database: Option<&str>) -> Needles {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let mut program = Program::start_with(&folder.path().join("data"), |command| {
        command.env("RUST_LOG", "trace").stderr(file);
        if let Some(url) = database {
            command.args(["--database", url]);
        }
    });
    let port = program.port;
    let token = program.printed.split("/join#").nth(1).unwrap().trim().to_owned();
    let mut needles = Needles::default();
    for (what, text) in [
        ("handle", "zulfiqor.b"),
        ("handle", "marjona77"),
        ("name", "Zulfiqor Botirov"),
        ("name", "Marjona Yangi"),
        ("query", "qidiruv"),
        ("body", "the body of a message"),
        ("invite", &token),
    ] {
        needles.text(what, text);
    }

    // Joining, and joining in vain.
    let (ann, mut bob) = (Person::new(), Person::new());
    let mut a = Client::connect(port).await;
    a.register(&ann, &token, "zulfiqor.b", "Zulfiqor Botirov")
        .await
        .unwrap();
    let link = invite(&mut a, 1, 3600).await;
    needles.text("invite", &link);
    let mut b = Client::connect(port).await;
    let check = CheckInvite { invite: link.clone() };
    b.ask(c::Body::CheckInvite(check)).await;
    b.register(&bob, &link, "zulfiqor.b", "Marjona")
        .await
        .unwrap_err();
    b.register(&bob, &link, "marjona77", "Marjona").await.unwrap();
    let late = Person::new();
    let mut l = Client::connect(port).await;
    assert_eq!(
        l.register(&late, &link, "late", "Late").await,
        Err(Reason::InviteUsed)
    );
    l.sign_in(&late, 0).await.unwrap_err();
    l.ask(c::Body::SignIn(SignIn { proof: None })).await;

    // Messages, there and away, repeated, to devices of yesterday, too large.
    let submission = bob.submission(b"the body of a message", None);
    for envelope in &submission.envelopes {
        needles.bytes("envelope", &envelope.id);
    }
    for _ in 0..2 {
        a.ask(c::Body::Submit(submission.clone())).await;
    }
    let deliver = b.delivery().await;
    b.ack(&[deliver.seq]).await;
    let signal = bob.submission(b"the body of a message", None);
    needles.bytes("envelope", &signal.envelopes[0].id);
    a.ask(c::Body::SubmitSignal(SubmitSignal {
        account: signal.account,
        envelopes: signal.envelopes,
    }))
    .await;
    let (laptop, entry) = bob.draft_device();
    let append = |entry| c::Body::AppendLog(AppendLog { entry: Some(entry) });
    b.ask(append(entry.clone())).await;
    let stale = bob.submission(b"the body of a message", None);
    needles.bytes("envelope", &stale.envelopes[0].id);
    assert!(matches!(
        a.ask(c::Body::Submit(stale)).await,
        Body::DeviceMismatch(_)
    ));
    bob.accept(&entry);
    bob.devices.push(laptop);
    let mut b2 = Client::signed_in(port, &bob, 1).await;
    let large = bob.submission(&[7; 100_000], None);
    a.ask(c::Body::Submit(large)).await;

    // People and keys.
    let query = "qidiruv".to_owned();
    a.ask(c::Body::Find(Find { query })).await;
    let display_name = "Marjona Yangi".to_owned();
    b.ask(c::Body::SetProfile(SetProfile { display_name })).await;
    a.ask(c::Body::ListMembers(ListMembers::default())).await;
    assert_eq!(
        reason(&b.ask(c::Body::ListMembers(ListMembers::default())).await),
        Reason::NotAllowed
    );
    b.ask(c::Body::AddOneTime(AddOneTime {
        one_time: vec![bob.devices[0].one_time(1)],
    }))
    .await;
    let claim = ClaimBundle {
        account: bob.account.into(),
        device: bob.id().into(),
    };
    a.ask(c::Body::ClaimBundle(claim)).await;

    // Ends of every kind: replaced, revoked, no frames, too much, broken off, stopped.
    let mut newer = Client::signed_in(port, &bob, 0).await;
    assert_eq!(b.end().await, Ended::Code(CloseCode::Replaced.code()));
    let entry = bob.draft_revocation(&bob.devices[1].id);
    newer.ask(append(entry.clone())).await;
    assert_eq!(b2.end().await, Ended::Code(CloseCode::Revoked.code()));
    newer.raw(vec![0xff; 10]).await;
    newer.text("zulfiqor.b").await;
    newer.provoke(vec![0; 600 * 1024]).await;
    newer.end().await;
    drop(l);
    get(port, "/c/marjona77", "").await;
    get(port, "/marjona77.js", "").await;
    let id = program.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    a.end().await;
    assert!(program.child.wait().unwrap().success());

    for person in [&ann, &bob, &late] {
        needles.person(person);
    }
    let log = std::fs::read_to_string(&log).unwrap();
    for said in ["serving", "a member registered", "stopped"] {
        assert!(log.contains(said), "the log is the one of this story: {log}");
    }
    assert!(log.lines().count() > 5);
    let found = needles.found_in(&log);
    assert!(found.is_empty(), "{found:?} in the log");
    needles
}
