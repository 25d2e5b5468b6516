//! TLS of the relay's own, against a real client: what is negotiated, what is refused, certificates that change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use chopar_relay::{Config, Relay, Tls};
use common::http::ask_over;
use common::tls::{Authority, DAY, Made, client, client_with, connect, with_certificate};
use common::{Client, Person, Program, TestRelay, status};
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::{NamedGroup, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GET: &str = "GET /healthz HTTP/1.1\r\nhost: chat.example.org\r\nconnection: close\r\n\r\n";

async fn start(made: &Made, more: impl FnOnce(&mut Config)) -> (TestRelay, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_with(|config| {
        with_certificate(config, made, folder.path());
        config.origins = vec!["https://chat.example.org".to_owned()];
        more(config);
    })
    .await;
    (relay, folder)
}

/// T-017.
#[tokio::test]
async fn the_hybrid_key_exchange_and_version_1_3_are_negotiated() {
    let authority = Authority::new();
    let (relay, _folder) = start(&authority.certify("chat.example.org"), |_| {}).await;
    let stream = connect(relay.port, "chat.example.org", client(&authority.root))
        .await
        .unwrap();
    let session = stream.get_ref().1;
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let group = session.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
    assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    let answer = ask_over(stream, GET).await;
    assert!(status(&answer) == 200 && answer.ends_with("ok"), "{answer}");

    // A client without it is served too; its recordings are not safe from a quantum computer.
    let before = client_with(&[kx_group::X25519], &authority.root);
    let old = connect(relay.port, "chat.example.org", before).await.unwrap();
    let group = old.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519);
    relay.stop().await;
}

#[tokio::test]
async fn a_client_of_version_1_2_is_refused_by_name() {
    let authority = Authority::new();
    let (relay, _folder) = start(&authority.certify("chat.example.org"), |_| {}).await;
    let mut stream = TcpStream::connect(("127.0.0.1", relay.port)).await.unwrap();
    stream.write_all(&hello_of_1_2()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // A fatal alert: protocol_version.
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
    assert_eq!(answer.get(5..), Some(&[2, 70][..]), "{answer:?}");

    // Plain HTTP on this port is no way in either.
    let mut plain = TcpStream::connect(("127.0.0.1", relay.port)).await.unwrap();
    plain.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    relay.stop().await;
}

/// What a client sends that knows version 1.2 and nothing above: ECDHE with AES-GCM, P-256 and X25519.
fn hello_of_1_2() -> Vec<u8> {
    let extensions: &[u8] = &[
        0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17, // groups
        0, 11, 0, 2, 1, 0, // point formats
        0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1, // signatures
        0, 23, 0, 0, // extended master secret
    ];
    let mut body = vec![3, 3];
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f]);
    body.extend([1, 0]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let record = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
    let mut hello = vec![22, 3, 1, record[0], record[1], 1, 0, length[0], length[1]];
    hello.extend(body);
    hello
}

#[tokio::test]
async fn people_sign_in_over_tls_and_pages_of_other_origins_do_not() {
    let authority = Authority::new();
    let (relay, _folder) = start(&authority.certify("chat.example.org"), |_| {}).await;
    let over = async |headers: &[(&'static str, &str)]| {
        let line = connect(relay.port, "chat.example.org", client(&authority.root)).await;
        Client::over(Box::new(line.unwrap()), "https://chat.example.org", headers).await
    };
    let ann = Person::new();
    let mut a = over(&[("origin", "https://chat.example.org")]).await.unwrap();
    let token = relay.owner_token.clone().unwrap();
    a.register(&ann, &token, "ann", "Ann").await.unwrap();
    let mut again = over(&[]).await.unwrap();
    again.sign_in(&ann, 0).await.unwrap();
    for foreign in ["http://chat.example.org", "https://evil.example", "null"] {
        assert!(over(&[("origin", foreign)]).await.is_err(), "{foreign}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn browsers_are_told_to_come_by_tls_alone() {
    let authority = Authority::new();
    let (relay, _folder) = start(&authority.certify("chat.example.org"), |_| {}).await;
    let page = async |host: &str| {
        let stream = connect(relay.port, "chat.example.org", client(&authority.root)).await;
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        ask_over(stream.unwrap(), &request).await
    };
    let answer = page("chat.example.org").await;
    assert!(
        answer.contains("strict-transport-security: max-age=31536000\n"),
        "{answer}"
    );
    assert!(answer.contains("content-security-policy: default-src 'none'"));
    // What else runs on a person's own machine is not this relay's business.
    assert!(
        !page(&format!("localhost:{}", relay.port))
            .await
            .contains("strict-transport")
    );
    relay.stop().await;
}

/// T-017.
#[tokio::test]
async fn a_renewed_certificate_is_used_while_connections_live() {
    let authority = Authority::new();
    let (relay, folder) = start(&authority.certify("chat.example.org"), |_| {}).await;
    let leaf = async || {
        let stream = connect(relay.port, "chat.example.org", client(&authority.root)).await;
        stream.unwrap().get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let first = leaf().await;
    let line = connect(relay.port, "chat.example.org", client(&authority.root)).await;
    let mut living = Client::over(Box::new(line.unwrap()), "https://chat.example.org", &[])
        .await
        .unwrap();

    // None of these is used: a key of another, an expired one, half a file, nothing.
    let mut crossed = authority.certify("chat.example.org");
    crossed.key = authority.certify("chat.example.org").key;
    let expired = authority.expired("chat.example.org");
    let mut half = authority.certify("chat.example.org");
    half.chain.truncate(half.chain.len() / 2);
    for broken in [&crossed, &expired, &half] {
        broken.write(folder.path());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(leaf().await == first, "a broken pair is in use");
    }
    std::fs::remove_file(folder.path().join("key.pem")).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(leaf().await == first);

    authority.certify("chat.example.org").write(folder.path());
    let mut waited = 0;
    while leaf().await == first {
        waited += 1;
        assert!(waited < 100, "the new certificate is never used");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let token = relay.owner_token.clone().unwrap();
    living
        .register(&Person::new(), &token, "ann", "Ann")
        .await
        .expect("what was connected before stays so");
    relay.stop().await;
}

#[tokio::test]
async fn what_cannot_be_served_is_named_at_the_start() {
    let authority = Authority::new();
    let good = authority.certify("chat.example.org");
    let mut crossed = authority.certify("chat.example.org");
    crossed.key.clone_from(&good.key);
    let swapped = Made {
        chain: good.key.clone(),
        key: good.chain.clone(),
    };
    let keyless = Made {
        chain: good.chain.clone(),
        key: good.chain.clone(),
    };
    let expired = authority.expired("chat.example.org");
    let early = authority.certify_at(
        "chat.example.org",
        std::time::SystemTime::now() + DAY,
        std::time::SystemTime::now() + 2 * DAY,
    );
    for (made, word) in [
        (&crossed, "does not belong"),
        (&swapped, "holds no certificate"),
        (&keyless, "holds no private key"),
        (&expired, "expired on 20"),
        (&early, "clock right"),
    ] {
        let refused = refused(|config, folder| with_certificate(config, made, folder)).await;
        assert!(refused.contains(word), "{refused}");
    }
    let missing = refused(|config, folder| {
        with_certificate(config, &good, folder);
        std::fs::remove_file(folder.join("cert.pem")).unwrap();
    });
    assert!(missing.await.contains("cert.pem cannot be read"));
    let plain = refused(|config, folder| {
        with_certificate(config, &good, folder);
        config.origins = vec!["http://chat.example.org".to_owned()];
    });
    assert!(plain.await.contains("speaks TLS"));
    for typo in [
        "https:/chat.example.org",
        "chat.example.org",
        "https://chat.example.org/app",
    ] {
        let refused = refused(|config, _| config.origins = vec![typo.to_owned()]).await;
        assert!(refused.contains("https://name"), "{typo}: {refused}");
    }
}

/// Why a relay on this machine does not start.
async fn refused(change: impl FnOnce(&mut Config, &std::path::Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = Config::new(folder.path().join("data"));
    change(&mut config, folder.path());
    match Relay::open(listener, config).await {
        Ok(_) => panic!("the relay starts"),
        Err(fault) => fault.to_string(),
    }
}

#[tokio::test]
async fn plain_http_is_for_this_machine_or_behind_a_proxy() {
    let open = async |change: fn(&mut Config)| {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let mut config = Config::new(folder.path());
        change(&mut config);
        Relay::open(listener, config)
            .await
            .map(drop)
            .map_err(|fault| fault.to_string())
    };
    let off = open(|config| config.tls = Tls::Off).await.unwrap_err();
    assert!(
        off.contains("--tls off") && off.contains("--behind-proxy"),
        "{off}"
    );
    open(|config| {
        config.tls = Tls::Off;
        config.behind_proxy = true;
    })
    .await
    .unwrap();
}

/// An address of this machine that is not loopback: what the machine would send from. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().unwrap().ip();
    (!address.is_loopback()).then_some(address)
}

/// T-055. The rule itself is tested with any address in `places`; this is the way there, over the wire.
#[tokio::test]
async fn plain_http_serves_this_machine_and_declared_proxies_alone() {
    let Some(own) = own_address() else {
        println!("SKIPPED: this machine has no address but loopback");
        return;
    };
    let answered = async |declared: bool, from: IpAddr| {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut config = Config::new(folder.path());
        config.origins = vec!["https://chat.example.org".to_owned()];
        config.behind_proxy = true;
        config.proxies = declared.then_some(own).into_iter().collect();
        let relay = Relay::open(listener, config).await.unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(relay.run(async {
            stopped.await.ok();
        }));
        let mut line = TcpStream::connect((from, port)).await.unwrap();
        assert_eq!(line.local_addr().unwrap().ip(), from, "whom the relay sees");
        let request = "GET /healthz HTTP/1.1\r\nhost: chat.example.org\r\nconnection: close\r\n\r\n";
        let mut answer = Vec::new();
        // Closed before it is written or after: either way nothing comes back.
        if line.write_all(request.as_bytes()).await.is_ok() {
            drop(line.read_to_end(&mut answer).await);
        }
        stop.send(()).unwrap();
        running.await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    };
    let here = IpAddr::from([127, 0, 0, 1]);
    assert!(answered(false, here).await.starts_with("HTTP/1.1 200"));
    assert_eq!(answered(false, own).await, "", "not declared: not a byte");
    assert!(answered(true, own).await.starts_with("HTTP/1.1 200"));
}

#[test]
fn doctor_looks_at_the_certificate() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let good = authority.certify("chat.example.org");
    let files = good.write(folder.path());
    let program = Program::start_with(folder.path(), |command| {
        command.args(["--origin", "https://chat.example.org"]);
        command
            .arg("--tls-cert")
            .arg(&files.certificate)
            .arg("--tls-key")
            .arg(&files.key);
    });
    program.kill();
    let week = std::time::SystemTime::now() + 7 * DAY;
    let ending = authority.certify_at("chat.example.org", std::time::SystemTime::now() - DAY, week);
    let foreign = authority.certify("other.example.org");
    for (made, word) in [
        (&good, "ok     certificate: good until 20"),
        (&ending, "WRONG  certificate: it ends on 20"),
        (&foreign, "WRONG  certificate: it is not for chat.example.org"),
        (
            &authority.expired("chat.example.org"),
            "WRONG  certificate: the certificate expired on 20",
        ),
    ] {
        made.write(folder.path());
        let doctor = std::process::Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
            .args(["doctor", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .arg("--tls-cert")
            .arg(&files.certificate)
            .arg("--tls-key")
            .arg(&files.key)
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(found.contains(word), "{found}");
    }
}
