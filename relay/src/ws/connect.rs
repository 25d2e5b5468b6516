//! The upgrade: who may open a WebSocket here, and with which buffers.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::wire::Wire;
use super::{connection, session};
use crate::accept::Peer;
use crate::core::Core;

/// A socket's read buffer in bytes, held for as long as the connection lives: small, because most are idle. Larger
/// messages reserve their own room.
const READ_BUFFER: usize = 2 * 1024;
/// Bytes written together: about sixteen small frames.
const WRITE_BUFFER: usize = 16 * 1024;
/// Bytes that may wait for a slow peer: the write buffer and one largest answer.
const WRITE_BUFFER_MAX: usize = WRITE_BUFFER + 512 * 1024;
/// The largest message taken off the wire. Above the largest frame, so that a frame somewhat too large is answered
/// with `TOO_LARGE` and the connection lives.
const MESSAGE_MAX: usize = 512 * 1024;

/// `GET /v1/connect`.
pub(crate) async fn connect(
    State(core): State<Arc<Core>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if core.is_stopping() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let origin = match check_headers(&core.origins, &headers) {
        Ok(origin) => origin,
        Err(refused) => return refused.into_response(),
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .on_upgrade(move |socket| async move {
            let wire = Wire::new(socket, core.config.caps.slow_reader);
            if let Some((wire, session)) = session::open(&core, wire, &peer, origin.as_deref()).await {
                connection::run(&core, wire, session).await;
            }
            // The place among the connections is given back last.
            drop(peer);
        })
}

/// A browser names its page's origin: it must be one of ours. A native client names none. `Host` must be ours too, or a
/// rebound name could reach a relay on loopback.
fn check_headers(
    origins: &[String],
    headers: &HeaderMap,
) -> Result<Option<String>, (StatusCode, &'static str)> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("").to_ascii_lowercase())
    };
    let host = text(HOST).unwrap_or_default();
    let ours = |origin: &String| {
        origin.split_once("://").is_some_and(|(scheme, authority)| {
            let port = if scheme == "https" { ":443" } else { ":80" };
            authority == host || format!("{authority}{port}") == host
        })
    };
    if !origins.iter().any(ours) {
        return Err((StatusCode::MISDIRECTED_REQUEST, "this relay has another name\n"));
    }
    match text(ORIGIN) {
        Some(origin) if !origins.contains(&origin) => {
            Err((StatusCode::FORBIDDEN, "this page belongs to another origin\n"))
        }
        origin => Ok(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_and_pages_connect() {
        let origins = [
            "http://localhost:8080".to_owned(),
            "https://chat.example.org".to_owned(),
        ];
        let check = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            check_headers(&origins, &headers).map_err(|(status, _)| status.as_u16())
        };
        assert_eq!(check("localhost:8080", None), Ok(None));
        assert!(
            check("LOCALHOST:8080", Some("http://localhost:8080"))
                .unwrap()
                .is_some()
        );
        assert!(check("chat.example.org", Some("https://chat.example.org")).is_ok());
        assert!(check("chat.example.org:443", None).is_ok());
        assert_eq!(check("evil.example:8080", None), Err(421));
        assert_eq!(check("localhost:8080", Some("http://evil.example")), Err(403));
        assert_eq!(check("localhost:8080", Some("null")), Err(403));
        assert_eq!(check("localhost:8081", None), Err(421));
    }
}
