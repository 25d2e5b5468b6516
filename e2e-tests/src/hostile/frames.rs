//! Frames through the proxy: decoded, handed to the test's rule, encoded again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use chopar_wire::prost::Message as _;
use chopar_wire::proto::relay::{AppendLog, ClientFrame, SignInBody, client_frame, relay_frame};
use chopar_wire::{AccountId, frame};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{Rules, Shared, notebook};

/// The request number of frames of our own: pages count from one.
const OURS: u64 = u64::MAX / 2;

/// Passes one WebSocket on until one side closes it.
pub(crate) async fn pass(page: TcpStream, shared: Shared) -> Result<()> {
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

    let mut request = format!("ws://127.0.0.1:{}{path}", shared.relay.0).into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin);
    }
    let (relay, _) = tokio_tungstenite::connect_async(request).await?;
    let (mut to_page, mut from_page) = page.split();
    let (mut to_relay, mut from_relay) = relay.split();

    let up = async {
        let mut account = None;
        while let Some(message) = from_page.next().await {
            for message in altered_client(message?, &shared, &mut account) {
                wait(&shared.rules).await;
                to_relay.send(message).await?;
            }
        }
        anyhow::Ok(())
    };
    let down = async {
        while let Some(message) = from_relay.next().await {
            for message in altered_relay(message?, &shared.rules) {
                wait(&shared.rules).await;
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

fn altered_client(message: Message, shared: &Shared, account: &mut Option<AccountId>) -> Vec<Message> {
    let Message::Binary(bytes) = &message else {
        return vec![message];
    };
    let Ok(frame) = frame::decode_client(bytes.clone()) else {
        return vec![message];
    };
    shared.notebook.note(&frame);
    let mut rules = lock(&shared.rules);
    let signed_in = account.is_some();
    *account = account.or_else(|| claimant(&frame));
    let mut messages = match &mut rules.client {
        Some(alter) => alter(frame)
            .into_iter()
            .map(|f| Message::binary(f.encode_to_vec()))
            .collect(),
        None => vec![message],
    };
    if let Some((_, entry)) = rules
        .entry
        .take_if(|(owner, _)| signed_in && *account == Some(*owner))
    {
        let append = client_frame::Body::AppendLog(AppendLog { entry: Some(entry) });
        messages.push(Message::binary(frame::client(OURS, append)));
    }
    messages
}

fn altered_relay(message: Message, rules: &Mutex<Rules>) -> Vec<Message> {
    let Message::Binary(bytes) = &message else {
        return vec![message];
    };
    let Ok(frame) = frame::decode_relay(bytes.clone()) else {
        return vec![message];
    };
    let mut rules = lock(rules);
    if frame.reply_to == OURS {
        rules.taken = Some(matches!(frame.body, Some(relay_frame::Body::Done(_))));
        return Vec::new();
    }
    match &mut rules.relay {
        Some(alter) => alter(frame)
            .into_iter()
            .map(|f| Message::binary(f.encode_to_vec()))
            .collect(),
        None => vec![message],
    }
}

/// Whose connection it is from this frame on.
fn claimant(frame: &ClientFrame) -> Option<AccountId> {
    match frame.body.as_ref()? {
        client_frame::Body::SignIn(sign_in) => {
            let body = SignInBody::decode(sign_in.proof.as_ref()?.body.clone()).ok()?;
            AccountId::try_from(body.account.as_ref()).ok()
        }
        client_frame::Body::Register(register) => notebook::account_of(register),
        _ => None,
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
