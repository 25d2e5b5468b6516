//! Files through the proxy: one request per connection, one byte changed where the rules say so.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;

/// A request head of a browser is about a kilobyte.
const HEAD_MAX: usize = 32 * 1024;
/// A browser opens connections ahead and may leave them silent; then they end.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// Reads a request's head without taking it from the stream.
pub(crate) async fn peek_head(stream: &TcpStream) -> Result<String> {
    let mut buffer = vec![0; HEAD_MAX];
    let deadline = tokio::time::Instant::now() + HEAD_WITHIN;
    loop {
        let read = tokio::time::timeout_at(deadline, stream.peek(&mut buffer))
            .await
            .context("no request came")??;
        ensure!(read > 0, "closed without a request");
        if let Some(end) = head_end(&buffer[..read]) {
            return Ok(String::from_utf8_lossy(&buffer[..end]).into_owned());
        }
        ensure!(read < HEAD_MAX, "a request head without an end");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Passes one request on and its answer back.
pub(crate) async fn pass(mut page: TcpStream, shared: &Shared) -> Result<()> {
    let head = peek_head(&page).await?;
    let path = head
        .split_ascii_whitespace()
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let mut taken = vec![0; head.len()];
    page.read_exact(&mut taken).await?;

    let spoilt = shared
        .rules
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .spoilt
        .clone();
    let spoil = spoilt.is_some_and(|suffix| path.ends_with(&suffix));

    let mut relay = TcpStream::connect(("127.0.0.1", shared.relay.0)).await?;
    relay.write_all(rewritten(&head, spoil).as_bytes()).await?;
    let body = body_length(&head);
    tokio::io::copy(&mut (&mut page).take(body), &mut relay).await?;
    let mut answer = Vec::new();
    relay.read_to_end(&mut answer).await?;
    if spoil {
        change_one_byte(&mut answer)?;
    }
    page.write_all(&answer).await?;
    page.shutdown().await?;
    Ok(())
}

/// One request per connection keeps the proxy simple; what is to be altered must come uncompressed.
fn rewritten(head: &str, plain: bool) -> String {
    let kept = head.trim_end().split("\r\n").filter(|line| {
        let line = line.to_ascii_lowercase();
        let unwanted = line.starts_with("connection:") || (plain && line.starts_with("accept-encoding:"));
        !unwanted
    });
    let mut lines: Vec<&str> = kept.collect();
    lines.push("Connection: close");
    lines.join("\r\n") + "\r\n\r\n"
}

/// Bytes that follow a request's head.
fn body_length(head: &str) -> u64 {
    let said = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    said.unwrap_or(0)
}

fn change_one_byte(answer: &mut [u8]) -> Result<()> {
    let Some(body) = head_end(answer) else {
        bail!("an answer without a head")
    };
    ensure!(answer.len() > body, "an answer without a body");
    let middle = body + (answer.len() - body) / 2;
    answer[middle] ^= 0x01;
    Ok(())
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_made_the_last_of_its_connection() {
        let head = "GET /x.wasm HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nAccept-Encoding: br\r\n\r\n";
        assert_eq!(
            rewritten(head, true),
            "GET /x.wasm HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        assert!(rewritten(head, false).contains("Accept-Encoding"));
        assert_eq!(body_length(head), 0);
        assert_eq!(
            body_length("PATCH /v1/files/0a HTTP/1.1\r\nContent-Length: 17\r\n\r\n"),
            17
        );
    }

    #[test]
    fn exactly_one_byte_of_the_body_changes() {
        let before = b"HTTP/1.1 200 OK\r\n\r\nabcdef".to_vec();
        let mut after = before.clone();
        change_one_byte(&mut after).unwrap();
        let changed: Vec<usize> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
        assert_eq!(changed.len(), 1);
        assert!(changed[0] >= 19);
    }
}
