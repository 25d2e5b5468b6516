//! Frames through the proxy: decoded, handed to the test's rule, encoded again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use chopar_wire::frame;
use chopar_wire::prost::Message as _;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::Rules;

/// Passes one WebSocket on until one side closes it.
pub(crate) async fn pass(page: TcpStream, upstream: u16, rules: Arc<Mutex<Rules>>) -> Result<()> {
    page.set_nodelay(true)?;
    let mut asked = None;
    // The error type is the library's own, and large; nothing is refused here.
    #[allow(clippy::result_large_err)]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        asked = Some((
            request.uri().to_string(),
            request.headers().get("origin").cloned(),
        ));
        Ok(response)
    };
    let page = tokio_tungstenite::accept_hdr_async(page, note).await?;
    let (path, origin) = asked.context("no request was seen")?;

    let mut request = format!("ws://127.0.0.1:{upstream}{path}").into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin);
    }
    let (relay, _) = tokio_tungstenite::connect_async(request).await?;
    let (mut to_page, mut from_page) = page.split();
    let (mut to_relay, mut from_relay) = relay.split();

    let up = async {
        while let Some(message) = from_page.next().await {
            for message in altered_client(message?, &rules) {
                wait(&rules).await;
                to_relay.send(message).await?;
            }
        }
        anyhow::Ok(())
    };
    let down = async {
        while let Some(message) = from_relay.next().await {
            for message in altered_relay(message?, &rules) {
                wait(&rules).await;
                to_page.send(message).await?;
            }
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
    }
}

fn altered_client(message: Message, rules: &Mutex<Rules>) -> Vec<Message> {
    let mut rules = lock(rules);
    match (&message, &mut rules.client) {
        (Message::Binary(bytes), Some(alter)) => match frame::decode_client(bytes.clone()) {
            Ok(frame) => alter(frame)
                .into_iter()
                .map(|f| Message::binary(f.encode_to_vec()))
                .collect(),
            Err(_) => vec![message],
        },
        _ => vec![message],
    }
}

fn altered_relay(message: Message, rules: &Mutex<Rules>) -> Vec<Message> {
    let mut rules = lock(rules);
    match (&message, &mut rules.relay) {
        (Message::Binary(bytes), Some(alter)) => match frame::decode_relay(bytes.clone()) {
            Ok(frame) => alter(frame)
                .into_iter()
                .map(|f| Message::binary(f.encode_to_vec()))
                .collect(),
            Err(_) => vec![message],
        },
        _ => vec![message],
    }
}

async fn wait(rules: &Mutex<Rules>) {
    let delay = lock(rules).delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

fn lock(rules: &Mutex<Rules>) -> MutexGuard<'_, Rules> {
    rules.lock().unwrap_or_else(PoisonError::into_inner)
}
