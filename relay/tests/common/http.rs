//! Plain requests and their answers as text.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::Line;

/// One request as it is given, the whole answer as text; the date is taken out.
pub async fn ask(port: u16, request: &str) -> String {
    ask_over(TcpStream::connect(("127.0.0.1", port)).await.unwrap(), request).await
}

/// As `ask`, over a line that stands.
pub async fn ask_over(mut stream: impl Line, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    text.lines()
        .filter(|line| !line.starts_with("date:"))
        .collect::<Vec<_>>()
        .join("\n")
}

pub async fn get(port: u16, path: &str, more: &str) -> String {
    ask(
        port,
        &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{more}connection: close\r\n\r\n"),
    )
    .await
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
