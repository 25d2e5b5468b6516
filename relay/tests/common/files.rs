//! Files as a client sends and fetches them: frames for capabilities, plain HTTP for bytes.

use std::time::Duration;

use chopar_wire::ids::FileId;
use chopar_wire::proto::relay::{
    BeginFile, DeleteFile, FileGrant, OpenFile, client_frame as c, relay_frame::Body,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::Client;
use super::client::kind;

/// A file's bytes: no two places look alike.
pub fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub fn file(number: u8) -> FileId {
    FileId::new([number; 16])
}

pub async fn ask_begin(client: &mut Client, file: FileId, size: usize) -> Body {
    let size = size as u64;
    let id = file.into();
    client.ask(c::Body::BeginFile(BeginFile { id, size })).await
}

pub async fn ask_open(client: &mut Client, file: FileId) -> Body {
    client.ask(c::Body::OpenFile(OpenFile { id: file.into() })).await
}

pub async fn ask_delete(client: &mut Client, file: FileId) -> Body {
    client
        .ask(c::Body::DeleteFile(DeleteFile { id: file.into() }))
        .await
}

pub fn granted(body: Body) -> FileGrant {
    match body {
        Body::FileGrant(grant) => grant,
        other => panic!("{} instead of a capability", kind(&other)),
    }
}

pub async fn begin(client: &mut Client, file: FileId, size: usize) -> FileGrant {
    granted(ask_begin(client, file, size).await)
}

pub async fn open(client: &mut Client, file: FileId) -> FileGrant {
    granted(ask_open(client, file).await)
}

/// What the relay answered over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Where the upload stands.
    pub fn offset(&self) -> Option<usize> {
        self.header("upload-offset")?.parse().ok()
    }
}

/// The path of a granted file, and the header that says what may be done with it.
fn head(port: u16, method: &str, grant: &FileGrant, more: &str) -> String {
    format!(
        "{method} /v1/files/{} HTTP/1.1\r\nhost: localhost:{port}\r\nauthorization: Chopar {}\r\n{more}connection: close\r\n\r\n",
        hex::encode(&grant.id),
        hex::encode(&grant.capability)
    )
}

/// One request and its answer.
pub async fn ask(port: u16, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // A body that is refused is not read to its end.
    let _broken_off = stream.write_all(body).await;
    let mut bytes = Vec::new();
    let _broken_off = stream.read_to_end(&mut bytes).await;
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an answer");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: bytes[end + 4..].to_vec(),
    }
}

pub async fn patch_with(port: u16, grant: &FileGrant, more: &str, body: &[u8]) -> Answer {
    ask(port, &head(port, "PATCH", grant, more), body).await
}

/// Sends bytes of an upload from `offset` on.
pub async fn patch(port: u16, grant: &FileGrant, offset: usize, body: &[u8]) -> Answer {
    let more = format!("upload-offset: {offset}\r\ncontent-length: {}\r\n", body.len());
    patch_with(port, grant, &more, body).await
}

pub async fn get(port: u16, grant: &FileGrant, more: &str) -> Answer {
    ask(port, &head(port, "GET", grant, more), &[]).await
}

/// Says that all of `body` comes, sends the first `sent` bytes of it, and is gone.
pub async fn break_off(port: u16, grant: &FileGrant, offset: usize, body: &[u8], sent: usize) {
    let more = format!("upload-offset: {offset}\r\ncontent-length: {}\r\n", body.len());
    let going = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream
            .write_all(head(port, "PATCH", grant, &more).as_bytes())
            .await?;
        stream.write_all(&body[..sent]).await?;
        stream.shutdown().await?;
        // Until the relay has noticed.
        stream.read_to_end(&mut Vec::new()).await
    };
    // The relay may be gone first.
    let _broken_off = going.await;
}

/// Begins a request from `offset` on, sends `body` of a body of `length` bytes, and then nothing; takes in a few KiB at most.
pub async fn stall(
    port: u16,
    method: &str,
    grant: &FileGrant,
    offset: usize,
    body: &[u8],
    length: usize,
) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let more = format!("upload-offset: {offset}\r\ncontent-length: {length}\r\n");
    stream
        .write_all(head(port, method, grant, &more).as_bytes())
        .await
        .unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// What there is to read, as text.
pub async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _broken_off = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where an upload stands once it stands at `offset`, asked for again and again.
pub async fn stands_at(client: &mut Client, file: FileId, size: usize, offset: usize) -> FileGrant {
    for _ in 0..400 {
        let grant = begin(client, file, size).await;
        if grant.received == offset as u64 {
            return grant;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let stands = begin(client, file, size).await.received;
    panic!("the upload stands at {stands}, not at {offset}");
}

/// Uploads a whole file in one request.
pub async fn upload(port: u16, client: &mut Client, file: FileId, bytes: &[u8]) {
    let grant = begin(client, file, bytes.len()).await;
    let answer = patch(port, &grant, 0, bytes).await;
    assert_eq!(
        (answer.status, answer.offset()),
        (204, Some(bytes.len())),
        "{answer:?}"
    );
}

/// Fetches a whole file.
pub async fn fetch(port: u16, client: &mut Client, file: FileId) -> Vec<u8> {
    let grant = open(client, file).await;
    let answer = get(port, &grant, "").await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    answer.body
}
