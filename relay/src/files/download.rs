//! `GET /v1/files/<id>`: a file, or the rest of it (`Range: bytes=N-`).

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chopar_wire::ids::FileId;
use futures_util::stream;
use prost::bytes::Bytes;
use tokio::sync::mpsc;

use super::admission::{Admitted, Refused, admit, private};
use super::bodies::PART;
use super::capability::May;
use super::transfers::Transfer;
use crate::core::Core;
use crate::places::Peer;

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match answer(core, &peer, &id, &headers).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    }
}

async fn answer(core: Arc<Core>, peer: &Peer, id: &str, headers: &HeaderMap) -> Result<Response, Refused> {
    let Admitted {
        file,
        facts,
        transfer,
    } = admit(&core, peer, headers, id, May::Fetch).await?;
    if !facts.is_whole() {
        return Err(Refused(StatusCode::NOT_FOUND, "the file is not whole\n"));
    }
    let size = facts.size;
    let Ok(range) = range(headers.get(RANGE), size) else {
        let mut refused =
            Refused(StatusCode::RANGE_NOT_SATISFIABLE, "the file ends before that\n").into_response();
        set(&mut refused, CONTENT_RANGE, format!("bytes */{size}"));
        return Ok(refused);
    };
    let (from, to) = range.unwrap_or((0, size));
    let mut reading = Reading {
        core,
        file,
        at: from,
        to,
        _transfer: transfer,
    };
    // Before the head is sent: what is not there is said so.
    let first = reading.next().await?;
    let (parts, mut sent) = mpsc::channel(1);
    tokio::spawn(reading.send_on(first, parts));
    let bytes = stream::poll_fn(move |context| sent.poll_recv(context));
    let mut response = private(Body::from_stream(bytes).into_response());
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        set(
            &mut response,
            CONTENT_RANGE,
            format!("bytes {from}-{}/{size}", to - 1),
        );
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(to - from));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

fn set(response: &mut Response, name: axum::http::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Nothing of the file is where a range begins.
#[derive(Debug, PartialEq, Eq)]
struct Beyond;

/// The places that are asked for, the end excluded; `None`: all of it, also for what is no single range of bytes.
fn range(said: Option<&HeaderValue>, size: u64) -> Result<Option<(u64, u64)>, Beyond> {
    let said = said
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|text| text.split_once('-'));
    let Some((from, last)) = said else { return Ok(None) };
    let Ok(from) = from.parse::<u64>() else {
        return Ok(None);
    };
    let to = match last {
        "" => size,
        last => match last.parse::<u64>() {
            Ok(last) if last >= from => last.saturating_add(1).min(size),
            _ => return Ok(None),
        },
    };
    if from >= size {
        Err(Beyond)
    } else {
        Ok(Some((from, to)))
    }
}

/// What is left to send.
struct Reading {
    core: Arc<Core>,
    file: FileId,
    at: u64,
    to: u64,
    _transfer: Transfer,
}

impl Reading {
    /// Reads the next part once there is room for it. Whoever takes too long for one makes room for others; they notice by the
    /// length that the head said.
    async fn send_on(mut self, first: Bytes, parts: mpsc::Sender<Result<Bytes, io::Error>>) {
        let patience = self.core.config.caps.file_part;
        let mut first = Some(first);
        while let Ok(Ok(room)) = tokio::time::timeout(patience, parts.reserve()).await {
            let part = match first.take() {
                Some(first) => Ok(first),
                None if self.at == self.to => return,
                None => self.next().await,
            };
            let failed = part.is_err();
            room.send(part.map_err(|Refused(_, why)| io::Error::other(why)));
            if failed {
                return;
            }
        }
    }

    async fn next(&mut self) -> Result<Bytes, Refused> {
        let left = usize::try_from(self.to - self.at).unwrap_or(usize::MAX);
        let read = self
            .core
            .vault
            .bodies
            .read(self.file, self.at, left.min(PART))
            .await?;
        let bytes = read
            .filter(|bytes| !bytes.is_empty())
            .ok_or(Refused(StatusCode::NOT_FOUND, "the file's bytes are gone\n"))?;
        self.at += bytes.len() as u64;
        self.core.metrics.file_bytes_sent(bytes.len() as u64);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-333.
    #[test]
    fn ranges_are_read_as_the_rule_says() {
        let of = |text: &'static str| range(Some(&HeaderValue::from_static(text)), 100);
        assert_eq!(range(None, 100), Ok(None));
        assert_eq!(of("bytes=0-"), Ok(Some((0, 100))));
        assert_eq!(of("bytes=40-"), Ok(Some((40, 100))));
        assert_eq!(of("bytes=40-49"), Ok(Some((40, 50))));
        assert_eq!(of("bytes=40-1000"), Ok(Some((40, 100))));
        assert_eq!(of("bytes=99-99"), Ok(Some((99, 100))));
        assert_eq!(of("bytes=40-18446744073709551615"), Ok(Some((40, 100))));
        for beyond in ["bytes=100-", "bytes=100-200", "bytes=18446744073709551615-"] {
            assert_eq!(of(beyond), Err(Beyond), "{beyond}");
        }
        for all in [
            "bytes=-5",
            "bytes=5-4",
            "bytes=0-1,5-6",
            "lines=1-2",
            "bytes=a-b",
            "",
        ] {
            assert_eq!(of(all), Ok(None), "{all}");
        }
    }
}
