//! The upgrade: who may open a WebSocket here, and with which buffers.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::wire::Wire;
use super::{connection, session};
use crate::core::Core;
use crate::places::Peer;

/// A socket's read buffer in bytes, held for as long as the connection lives: small, because most are idle. Larger
/// messages reserve their own room.
const READ_BUFFER: usize = 1024;
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
    let origin = match check_headers(&core.hosts, &core.origins, &headers) {
        Ok(origin) => origin,
        Err(refused) => return refused.into_response(),
    };
    let Some(client) = core.places.client(&peer, &headers) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .on_upgrade(move |socket| {
            let wire = Wire::new(socket, core.config.caps.slow_reader);
            async move {
                // Apart: the room that an opening needs is given back before the connection's life begins.
                let opened = Box::pin(session::open(
                    &core,
                    wire,
                    &peer,
                    client.address,
                    origin.as_deref(),
                ))
                .await;
                if let Some((wire, session)) = opened {
                    connection::run(&core, wire, session).await;
                }
                // The place among the connections is given back last.
                drop((client, peer));
            }
        })
}

/// A browser names its page's origin: it must be one of ours. A native client names none. `Host` must be ours too, or a
/// rebound name could reach a relay on loopback.
pub(crate) fn check_headers(
    hosts: &[String],
    origins: &[String],
    headers: &HeaderMap,
) -> Result<Option<String>, (StatusCode, &'static str)> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("").to_ascii_lowercase())
    };
    if !text(HOST).is_some_and(|host| hosts.contains(&host)) {
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
        let mut config = crate::Config::new("data");
        config.origins = vec!["https://chat.example.org".to_owned()];
        let local = ([127, 0, 0, 1], 8080).into();
        let (hosts, origins) = (config.hosts_at(local), config.origins_at(local));
        let check = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            check_headers(&hosts, &origins, &headers).map_err(|(status, _)| status.as_u16())
        };
        let page = "https://chat.example.org";
        assert_eq!(check("chat.example.org", None), Ok(None));
        assert_eq!(
            check("Chat.Example.org:443", Some("https://CHAT.example.org")),
            Ok(Some(page.to_owned()))
        );
        assert!(
            check("localhost:8080", Some(page)).is_ok(),
            "a proxy on this machine"
        );
        assert_eq!(check("evil.example:8080", None), Err(421));
        assert_eq!(check("localhost:8081", None), Err(421));
        assert_eq!(check("chat.example.org", Some("http://localhost:8080")), Err(403));
        assert_eq!(check("chat.example.org", Some("http://evil.example")), Err(403));
        assert_eq!(check("chat.example.org", Some("null")), Err(403));
    }
}
