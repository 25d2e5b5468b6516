//! A relay without a certificate makes an authority of its own: kept, constrained, renewed, offered for installation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chopar_relay::{Clock, Config, Relay, Tls};
use chopar_wire::proto::relay::{Ping, client_frame as c, relay_frame::Body};
use common::http::ask_over;
use common::tls::{DAY, client, client_at, connect};
use common::{Client, Person, Program, TestRelay, status};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use tokio::net::TcpListener;

fn own(origin: &'static str) -> impl FnOnce(&mut Config) {
    move |config| {
        config.tls = Tls::Own;
        config.certificate_look = Duration::from_millis(50);
        config.origins = vec![origin.to_owned()];
    }
}

fn root(data: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(data.join("tls/authority.crt")).unwrap()
}

async fn leaf(relay: &TestRelay, root: &CertificateDer<'static>) -> CertificateDer<'static> {
    let stream = connect(relay.port, "chat.example.org", client(root))
        .await
        .unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn who_installs_the_authority_signs_in_and_it_outlives_restarts() {
    let relay = TestRelay::start_with(own("https://chat.example.org")).await;
    let root = root(relay.data());
    let line = connect(relay.port, "chat.example.org", client(&root))
        .await
        .unwrap();
    let page = ("origin", "https://chat.example.org");
    let mut a = Client::over(Box::new(line), page.1, &[page]).await.unwrap();
    let token = relay.owner_token.clone().unwrap();
    a.register(&Person::new(), &token, "ann", "Ann").await.unwrap();
    drop(a);
    let first = leaf(&relay, &root).await;

    let folder = relay.stop().await;
    let relay = TestRelay::start_in(folder, own("https://chat.example.org")).await;
    assert!(
        leaf(&relay, &root).await == first,
        "who clicked a warning away is not asked again at each start"
    );
    // What was kept is broken: there is another one, of the same authority.
    let folder = relay.stop().await;
    std::fs::write(folder.path().join("tls/server.key"), "broken").unwrap();
    let relay = TestRelay::start_in(folder, own("https://chat.example.org")).await;
    assert!(leaf(&relay, &root).await != first);
    relay.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn keys_are_readable_for_the_relay_alone() {
    use std::os::unix::fs::PermissionsExt;
    let relay = TestRelay::start_with(own("https://chat.example.org")).await;
    let mode = |path: &str| {
        let data = std::fs::metadata(relay.data().join("tls").join(path)).unwrap();
        data.permissions().mode() & 0o777
    };
    assert_eq!(
        (mode("authority.key"), mode("server.key"), mode("")),
        (0o600, 0o600, 0o700)
    );
    relay.stop().await;
}

/// T-019.
#[tokio::test]
async fn the_authority_can_certify_this_relay_and_nothing_else() {
    let relay = TestRelay::start_with(own("https://chat.example.org")).await;
    let folder = relay.stop().await;
    // A thief of its key asks it for another name; so does an administrator who moved.
    for origin in [
        "https://bank.example",
        "https://203.0.113.5",
        "https://[2001:db8::1]:8443",
    ] {
        let refused = open(&folder, own(origin)).await.unwrap_err();
        assert!(
            refused.contains("may not certify") && refused.contains("NameConstraintViolation"),
            "{refused}"
        );
    }
    // Below its own name it may.
    open(&folder, own("https://new.chat.example.org")).await.unwrap();

    let addresses = TestRelay::start_with(own("https://203.0.113.5:8443")).await;
    let folder = addresses.stop().await;
    open(&folder, own("https://203.0.113.5")).await.unwrap();
    for origin in ["https://203.0.113.6", "https://chat.example.org"] {
        assert!(open(&folder, own(origin)).await.is_err(), "{origin}");
    }
}

async fn open(folder: &TempDir, change: impl FnOnce(&mut Config)) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = Config::new(folder.path());
    change(&mut config);
    Relay::open(listener, config)
        .await
        .map(drop)
        .map_err(|fault| fault.to_string())
}

#[tokio::test]
async fn the_certificate_renews_itself_while_connections_live() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let clock = Clock::manual(u64::try_from(now.as_millis()).unwrap());
    let hands = clock.clone();
    let relay = TestRelay::start_with(|config| {
        own("https://chat.example.org")(config);
        config.clock = clock;
    })
    .await;
    let root = root(relay.data());
    let first = leaf(&relay, &root).await;
    let line = connect(relay.port, "chat.example.org", client(&root))
        .await
        .unwrap();
    let mut living = Client::over(Box::new(line), "https://chat.example.org", &[])
        .await
        .unwrap();
    let token = relay.owner_token.clone().unwrap();
    living
        .register(&Person::new(), &token, "ann", "Ann")
        .await
        .unwrap();

    let forward = |days: u32| hands.advance(u64::try_from((DAY * days).as_millis()).unwrap());
    forward(55);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(leaf(&relay, &root).await == first, "renewed before its time");
    forward(10);
    // A client of that day; the first one would still be good, for another 25 days.
    let day = now + DAY * 65;
    let later = async || {
        let stream = connect(relay.port, "chat.example.org", client_at(day, &root))
            .await
            .unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let mut waited = 0;
    while later().await == first {
        waited += 1;
        assert!(waited < 100, "the certificate is never renewed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answer = living.ask(c::Body::Ping(Ping {})).await;
    assert!(
        matches!(answer, Body::Pong(_)),
        "what was connected before stays so"
    );
    relay.stop().await;
}

#[tokio::test]
async fn it_is_offered_for_installation() {
    let relay = TestRelay::start_with(own("https://chat.example.org")).await;
    let root = root(relay.data());
    let get = async |path: &str| {
        let stream = connect(relay.port, "chat.example.org", client(&root))
            .await
            .unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: chat.example.org\r\nconnection: close\r\n\r\n");
        ask_over(stream, &request).await
    };
    let file = get("/certificate.crt").await;
    assert!(status(&file) == 200 && file.contains("content-type: application/x-x509-ca-cert"));
    let body = file.split("-----BEGIN").nth(1).unwrap();
    let offered = CertificateDer::from_pem_slice(format!("-----BEGIN{body}\n").as_bytes()).unwrap();
    assert!(offered == root, "the file is the authority's certificate");
    let page = get("/certificate").await;
    for words in [
        "text/html",
        "chat.example.org",
        "default-src 'none'",
        "lang=\"uz-Latn\"",
        "lang=\"ru\"",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains('{'), "a place was left empty");
    relay.stop().await;

    // Where there is no such authority there is nothing to install.
    let relay = TestRelay::start().await;
    assert_eq!(
        status(&common::get(relay.port, "/certificate.crt", "").await),
        404
    );
    relay.stop().await;
}

#[test]
fn what_is_missing_or_broken_is_named() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = || runtime.block_on(open(&folder, own("https://chat.example.org")));
    open().unwrap();
    let tls = folder.path().join("tls");
    let key = std::fs::read(tls.join("authority.key")).unwrap();
    std::fs::write(tls.join("authority.key"), "broken").unwrap();
    assert!(open().unwrap_err().contains("authority.key is broken"));
    std::fs::remove_file(tls.join("authority.key")).unwrap();
    assert!(open().unwrap_err().contains("without its key"));
    // The key of another one.
    let other = tempfile::tempdir().unwrap();
    runtime
        .block_on(self::open(&other, own("https://chat.example.org")))
        .unwrap();
    std::fs::copy(other.path().join("tls/authority.key"), tls.join("authority.key")).unwrap();
    std::fs::remove_file(tls.join("server.crt")).unwrap();
    assert!(open().unwrap_err().contains("may not certify"));
    std::fs::write(tls.join("authority.key"), key).unwrap();
    open().unwrap();
}

/// The real program, reachable from everywhere, told nothing but its name.
#[test]
fn the_first_start_prints_what_to_compare() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start_at("0.0.0.0:0", folder.path(), |command| {
        command.args(["--origin", "https://chat.example.org"]);
    });
    assert!(program.printed.contains("https://chat.example.org/certificate"));
    let fingerprint = program.printed.lines().any(|line| {
        let bytes: Vec<&str> = line.trim().split(':').collect();
        bytes.len() == 32 && bytes.iter().all(|byte| u8::from_str_radix(byte, 16).is_ok())
    });
    assert!(fingerprint, "{}", program.printed);
    program.kill();
    let doctor = std::process::Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(["doctor", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(found.contains("ok     certificate: good until 20"), "{found}");
    assert!(found.contains("ok     proxy: none"), "{found}");
}
