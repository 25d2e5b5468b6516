//! Pages and probes over plain HTTP: headers to the letter, odd paths and methods, encodings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use chopar_relay::WebSource;
use common::{TestRelay, ask, get, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Its client lies in its data folder, which goes with it.
async fn with_client() -> TestRelay {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("client");
    std::fs::create_dir(&dist).unwrap();
    std::fs::write(dist.join("index.html"), "<!doctype html><title>Chopar</title>").unwrap();
    std::fs::write(dist.join("boot.js"), "plain").unwrap();
    std::fs::write(dist.join("boot.js.br"), "brotli").unwrap();
    std::fs::write(dist.join("boot.js.gz"), "gzip").unwrap();
    std::fs::write(dist.join("engine_bg.wasm"), b"\0asm").unwrap();
    TestRelay::start_in(folder, |config| config.web = WebSource::Folder(dist)).await
}

/// T-016.
#[tokio::test]
async fn headers_are_strict_to_the_letter() {
    let relay = with_client().await;
    insta::assert_snapshot!("index", get(relay.port, "/", "").await);
    let not_found = get(relay.port, "/nothing.js", "").await;
    assert_eq!(status(&not_found), 404);
    for header in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
    ] {
        assert!(not_found.contains(header), "errors carry the headers too");
        assert_eq!(not_found.matches(header).count(), 1);
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_name_or_a_page_that_is_not_the_relays_is_refused() {
    let relay = with_client().await;
    let port = relay.port;
    let connect = async |host: &str, more: &str| {
        // Where it is taken the answer has no end: the status is all that is read.
        let mut line = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!(
            "GET /v1/connect HTTP/1.1\r\n{host}{more}connection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        line.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        line.read_exact(&mut head).await.unwrap();
        status(std::str::from_utf8(&head).unwrap())
    };
    let own = format!("host: localhost:{port}\r\n");
    assert_eq!(connect(&own, "").await, 101);
    assert_eq!(
        connect(&own, &format!("origin: http://localhost:{port}\r\n")).await,
        101
    );
    for host in [
        "host: evil.example\r\n".to_owned(),
        // A name that somebody bound to this machine's own address.
        format!("host: rebound.example:{port}\r\n"),
        "host: localhost\r\n".to_owned(),
        format!("host: localhost:{}\r\n", port ^ 1),
        "host: \r\n".to_owned(),
    ] {
        assert_eq!(connect(&host, "").await, 421, "{host}");
    }
    for origin in ["https://evil.example", "null", "http://localhost"] {
        let more = format!("origin: {origin}\r\n");
        assert_eq!(connect(&own, &more).await, 403, "{origin}");
    }
    assert_eq!(status(&get(port, "/healthz", "").await), 200);
    relay.stop().await;
}

#[tokio::test]
async fn odd_paths_and_methods_get_plain_refusals() {
    let relay = with_client().await;
    std::fs::write(relay.data().join("secret.txt"), "secret").unwrap();
    for path in [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "//etc/passwd",
        "/./boot.js",
        "/.hidden",
        "/boot.js%00",
        "/boot.js\\..",
        "/nothing.css",
        "/v1/other",
        "/v1/connect/more",
    ] {
        assert_eq!(status(&get(relay.port, path, "").await), 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let request = format!("{method} / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let answer = ask(relay.port, &request).await;
        assert_eq!(status(&answer), 405, "{method}");
        assert!(answer.contains("allow: GET, HEAD"));
    }
    for path in ["/", "/join", "/c/0123", "/settings", "/admin/"] {
        assert!(
            get(relay.port, path, "").await.ends_with("<title>Chopar</title>"),
            "{path}"
        );
    }
    let head = ask(
        relay.port,
        "HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(status(&head) == 200 && !head.contains("Chopar"));
    assert_eq!(
        status(&get(relay.port, "/v1/connect", "").await),
        400,
        "not a WebSocket"
    );
    assert_eq!(status(&ask(relay.port, "nonsense\r\n\r\n").await), 400);
    assert!(get(relay.port, "/healthz", "").await.ends_with("ok"));
    assert!(get(relay.port, "/readyz", "").await.ends_with("ready"));
    relay.stop().await;
}

#[tokio::test]
async fn encodings_types_and_tags() {
    let relay = with_client().await;
    for (offer, body, encoding) in [
        (
            "accept-encoding: gzip, br\r\n",
            "brotli",
            Some("content-encoding: br"),
        ),
        (
            "accept-encoding: gzip\r\n",
            "gzip",
            Some("content-encoding: gzip"),
        ),
        ("", "plain", None),
    ] {
        let answer = get(relay.port, "/boot.js", offer).await;
        assert!(answer.ends_with(body), "{answer}");
        assert!(answer.contains("content-type: text/javascript"));
        assert_eq!(answer.contains("content-encoding"), encoding.is_some());
        assert!(encoding.is_none_or(|header| answer.contains(header)));
        let tag = answer
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap();
        let again = get(
            relay.port,
            "/boot.js",
            &format!("{offer}if-none-match: {tag}\r\n"),
        )
        .await;
        assert_eq!(status(&again), 304);
    }
    assert!(
        get(relay.port, "/engine_bg.wasm", "")
            .await
            .contains("content-type: application/wasm")
    );
    relay.stop().await;
}
