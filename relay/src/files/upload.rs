//! `PATCH /v1/files/<id>`: bytes of an upload, from where it stands. What came before a connection broke is kept.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Extension, Path, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chopar_wire::ids::FileId;
use futures_util::StreamExt;

use super::admission::{Admitted, Refused, admit, private};
use super::bodies::PART;
use super::capability::May;
use crate::core::{Core, stop_of};
use crate::places::Peer;
use crate::store::{FileFacts, Progress};

/// Where an upload stands, in bytes: said by the client with what it sends, by the relay with every answer.
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Bytes after which what came is made durable, so that a break costs no more: on a line of 10 Mbit/s, three seconds.
const SETTLE_EVERY: u64 = 4 * 1024 * 1024;
/// How long an upload that nobody goes on with is kept, in milliseconds: a day.
pub(crate) const UNFINISHED_MS: u64 = 24 * 3600 * 1000;

pub(crate) async fn patch(
    State(core): State<Arc<Core>>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let admitted = match admit(&core, &peer, &headers, &id, May::Upload).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into_response(),
    };
    let Admitted {
        file,
        facts,
        transfer: _transfer,
    } = admitted;
    if let Err(refused) = fits(&headers, &facts) {
        return at(facts.received, refused);
    }
    let mut upload = Upload {
        core: &core,
        file,
        facts,
        at: facts.received,
        part: Vec::new(),
    };
    let ended = upload.take(body.into_data_stream()).await;
    // Whatever ended it: what came stays.
    let settled = upload.settle().await;
    let stands = upload.facts.received;
    match ended.and(settled) {
        Ok(()) => at(stands, StatusCode::NO_CONTENT),
        Err(refused) => at(stands, refused),
    }
}

/// An answer that says where the upload stands.
fn at(received: u64, answer: impl IntoResponse) -> Response {
    let mut response = private(answer.into_response());
    response.headers_mut().insert(OFFSET, HeaderValue::from(received));
    response
}

/// Whether what is announced goes on where the upload stands and not beyond its end.
fn fits(headers: &HeaderMap, facts: &FileFacts) -> Result<(), Refused> {
    let number = |name: HeaderName| -> Option<u64> { headers.get(name)?.to_str().ok()?.parse().ok() };
    match number(OFFSET) {
        Some(offset) if offset == facts.received => {}
        Some(_) => return Err(Refused(StatusCode::CONFLICT, "the upload stands elsewhere\n")),
        None => {
            return Err(Refused(
                StatusCode::BAD_REQUEST,
                "say with Upload-Offset where the upload goes on\n",
            ));
        }
    }
    match number(CONTENT_LENGTH) {
        Some(length) if length > facts.size - facts.received => Err(TOO_LONG),
        _ => Ok(()),
    }
}

const TOO_LONG: Refused = Refused(
    StatusCode::PAYLOAD_TOO_LARGE,
    "more than the file was said to have\n",
);
const CUT: Refused = Refused(StatusCode::REQUEST_TIMEOUT, "the body broke off\n");

/// One request's part of an upload.
struct Upload<'a> {
    core: &'a Arc<Core>,
    file: FileId,
    /// As the store knows it.
    facts: FileFacts,
    /// Up to where bytes were handed to the bodies.
    at: u64,
    /// What came since: never beyond the end of its part.
    part: Vec<u8>,
}

impl Upload<'_> {
    async fn take(&mut self, mut body: BodyDataStream) -> Result<(), Refused> {
        let mut stopping = self.core.stopping.subscribe();
        let patience = self.core.config.caps.slow_reader;
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(patience, body.next()) => next,
                () = stop_of(&mut stopping) => {
                    return Err(Refused(StatusCode::SERVICE_UNAVAILABLE, "the relay is stopping\n"));
                }
            };
            match next {
                Ok(Some(Ok(bytes))) => self.write(&bytes).await?,
                Ok(None) => return Ok(()),
                Ok(Some(Err(_))) | Err(_) => return Err(CUT),
            }
        }
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        if bytes.len() as u64 > self.facts.size - self.at - self.part.len() as u64 {
            return Err(TOO_LONG);
        }
        while !bytes.is_empty() {
            let to_border = PART - (self.at % PART as u64) as usize - self.part.len();
            let (now, later) = bytes.split_at(bytes.len().min(to_border));
            if self.part.capacity() == 0 {
                self.part.reserve_exact(to_border);
            }
            self.part.extend_from_slice(now);
            bytes = later;
            if now.len() == to_border {
                self.hand_over().await?;
            }
            if self.at - self.facts.received >= SETTLE_EVERY {
                self.settle().await?;
            }
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Refused> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::take(&mut self.part);
        let length = part.len() as u64;
        self.core
            .vault
            .bodies
            .write(self.file, self.at, part.into())
            .await?;
        self.at += length;
        Ok(())
    }

    /// First the bytes, then how far they reach.
    async fn settle(&mut self) -> Result<(), Refused> {
        self.hand_over().await?;
        let (from, to) = (self.facts.received, self.at);
        if from == to {
            return Ok(());
        }
        let bodies = &self.core.vault.bodies;
        let now = self.core.now();
        let expires = if to == self.facts.size {
            bodies.finish(self.file).await?;
            now.saturating_add(self.core.config.files.keep_ms)
        } else {
            bodies.settle(self.file).await?;
            now.saturating_add(UNFINISHED_MS)
        };
        let progress = Progress {
            file: self.file,
            from,
            to,
            expires,
        };
        if !self.core.store.file_received(progress).await? {
            // Another request went on with the same bytes, or the file was deleted.
            return Err(match self.core.store.file(self.file).await? {
                Some(facts) => {
                    self.facts = facts;
                    self.at = facts.received;
                    Refused(StatusCode::CONFLICT, "another request goes on with this upload\n")
                }
                None => Refused(StatusCode::NOT_FOUND, "there is no such file\n"),
            });
        }
        self.facts.received = to;
        self.core.metrics.file_bytes_received(to - from);
        if to == self.facts.size {
            self.core.metrics.file_uploaded();
        }
        Ok(())
    }
}
