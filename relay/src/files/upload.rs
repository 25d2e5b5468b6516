//! `PATCH /v1/files/<id>`: bytes of an upload, from where it stands. What came before a connection broke is kept, in whole parts.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Extension, Path, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chopar_wire::ids::FileId;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::admission::{Admitted, GONE, Refused, admit, private};
use super::bodies::PART;
use super::capability::May;
use crate::core::{Core, stop_of};
use crate::places::Peer;
use crate::store::{FileFacts, Progress, StoreError};

/// Where an upload stands, in bytes: said by the client with what it sends, by the relay with every answer.
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Bytes after which what came is made durable, so that a break costs no more: on a line of 10 Mbit/s, three seconds.
const SETTLE_EVERY: u64 = 4 * 1024 * 1024;
/// How long an upload may take from its beginning on until it is whole, in milliseconds: three days, a weekend with the lid
/// closed. It takes a member's room all that time, and nothing prolongs it.
pub(crate) const UNFINISHED_MS: u64 = 3 * 24 * 3600 * 1000;

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
        transfer,
    } = admitted;
    if let Err(refused) = fits(&headers, &facts) {
        return at(facts.received, refused);
    }
    let upload = Upload {
        core,
        file,
        facts,
        at: facts.received,
        part: Vec::new(),
    };
    // A task of its own: this one ends with the connection, and what came until then is to be kept.
    let going = tokio::spawn(async move {
        let _transfer = transfer;
        upload.run(body.into_data_stream()).await
    });
    let stopped = Refused(StatusCode::INTERNAL_SERVER_ERROR, "the relay stumbled\n");
    going.await.unwrap_or_else(|_| stopped.into_response())
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
const LOST: Refused = Refused(StatusCode::CONFLICT, "what came before is lost: begin anew\n");
const OVERTAKEN: Refused = Refused(StatusCode::CONFLICT, "another request goes on with this upload\n");

/// One request's part of an upload.
struct Upload {
    core: Arc<Core>,
    file: FileId,
    /// As the store knows it.
    facts: FileFacts,
    /// Up to where bytes were handed to the bodies.
    at: u64,
    /// What came since: never beyond the end of its part.
    part: Vec<u8>,
}

impl Upload {
    async fn run(mut self, body: BodyDataStream) -> Response {
        let ended = self.take(body).await;
        // Whatever ended it: what came stays.
        let settled = self.settle().await;
        let stands = self.facts.received;
        match ended.and(settled) {
            Ok(()) => at(stands, StatusCode::NO_CONTENT),
            Err(refused) => at(stands, refused),
        }
    }

    async fn take(&mut self, mut body: BodyDataStream) -> Result<(), Refused> {
        let mut stopping = self.core.stopping.subscribe();
        let patience = self.core.config.caps.file_part;
        let mut until = Instant::now() + patience;
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout_at(until, body.next()) => next,
                () = stop_of(&mut stopping) => {
                    return Err(Refused(StatusCode::SERVICE_UNAVAILABLE, "the relay is stopping\n"));
                }
            };
            let before = self.at;
            match next {
                Ok(Some(Ok(bytes))) => self.write(&bytes).await?,
                Ok(None) => return Ok(()),
                Ok(Some(Err(_))) | Err(_) => return Err(CUT),
            }
            if self.at > before {
                until = Instant::now() + patience;
            }
        }
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        if bytes.len() as u64 > self.facts.size - self.at - self.part.len() as u64 {
            return Err(TOO_LONG);
        }
        while !bytes.is_empty() {
            let whole = usize::try_from(self.facts.size - self.at).map_or(PART, |left| left.min(PART));
            let (now, later) = bytes.split_at(bytes.len().min(whole - self.part.len()));
            if self.part.capacity() == 0 {
                self.part.reserve_exact(whole);
            }
            self.part.extend_from_slice(now);
            bytes = later;
            if self.part.len() == whole {
                self.hand_over().await?;
            }
            if self.at - self.facts.received >= SETTLE_EVERY {
                self.settle().await?;
            }
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Refused> {
        let part = std::mem::take(&mut self.part);
        let length = part.len() as u64;
        let written = self
            .core
            .vault
            .bodies
            .write(self.file, self.at, part.into())
            .await;
        match written {
            Ok(true) => {
                self.at += length;
                Ok(())
            }
            Ok(false) => self.begin_anew().await,
            Err(fault) => Err(self.failed(fault).await),
        }
    }

    /// First the bytes, then how far they reach.
    async fn settle(&mut self) -> Result<(), Refused> {
        let (from, to) = (self.facts.received, self.at);
        if from == to {
            return Ok(());
        }
        let bodies = &self.core.vault.bodies;
        let now = self.core.now();
        let (durable, expires) = if to == self.facts.size {
            let keep = self.core.config.files.keep_ms;
            (bodies.finish(self.file).await, now.saturating_add(keep))
        } else {
            (bodies.settle(self.file).await, self.facts.expires)
        };
        if let Err(fault) = durable {
            return Err(self.failed(fault).await);
        }
        self.set(to, expires).await?;
        self.core.metrics.file_bytes_received(to - from);
        if to == self.facts.size {
            self.core.metrics.file_uploaded();
        }
        Ok(())
    }

    /// The books say that more came than is there: a folder was put back without its newest files, or a disk forgot. They go
    /// back to the beginning, where whoever uploads begins again.
    async fn begin_anew(&mut self) -> Result<(), Refused> {
        self.at = self.facts.received;
        tracing::warn!("bytes of an unfinished upload are missing; it begins anew");
        self.set(0, self.facts.expires).await?;
        self.at = 0;
        Err(LOST)
    }

    /// Compare-and-set of how far it came.
    async fn set(&mut self, to: u64, expires: u64) -> Result<(), Refused> {
        let progress = Progress {
            file: self.file,
            from: self.facts.received,
            to,
            expires,
        };
        if self.core.store.file_received(progress).await? {
            (self.facts.received, self.facts.expires) = (to, expires);
            return Ok(());
        }
        // Another request went on with the same bytes, or the file was deleted.
        let facts = self.core.store.file(self.file).await?.ok_or(GONE)?;
        self.facts = facts;
        self.at = facts.received;
        Err(OVERTAKEN)
    }

    /// Bytes could not be kept. Where the file was deleted meanwhile, that is why.
    async fn failed(&self, fault: StoreError) -> Refused {
        match self.core.store.file(self.file).await {
            Ok(None) => GONE,
            _ => fault.into(),
        }
    }
}
