//! Chromium's DevTools protocol over one WebSocket: calls with answers, and a stream of events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// How long an answer may take. Chromium answers in milliseconds; a screenshot on a loaded machine takes seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// An answer may hold a screenshot or a whole accessibility tree.
const MAX_MESSAGE: usize = 256 * 1024 * 1024;

/// Something Chromium says unasked.
#[derive(Debug)]
pub(crate) struct CdpEvent {
    /// The session in which it was said, empty for the browser's own.
    pub(crate) session: String,
    /// For example `Network.webSocketFrameSent`.
    pub(crate) method: String,
    /// Its parameters.
    pub(crate) params: Value,
}

type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Value>>>>>;

/// One connection to a browser, shared by all its pages and workers.
#[derive(Clone)]
pub(crate) struct Cdp {
    out: mpsc::UnboundedSender<Message>,
    pending: Pending,
    next: Arc<AtomicU64>,
    gone: Arc<AtomicBool>,
}

impl Cdp {
    /// Connects to `url` (`ws://127.0.0.1:port/devtools/browser/…`).
    pub(crate) async fn connect(url: &str) -> Result<(Self, mpsc::UnboundedReceiver<CdpEvent>)> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let (socket, _) = tokio_tungstenite::connect_async_with_config(url, Some(config), true)
            .await
            .with_context(|| format!("DevTools does not answer at {url}"))?;
        let (mut sink, mut stream) = socket.split();
        let (out, mut outgoing) = mpsc::unbounded_channel::<Message>();
        let (events, incoming) = mpsc::unbounded_channel();
        let pending = Pending::default();

        tokio::spawn(async move {
            while let Some(message) = outgoing.recv().await {
                if sink.send(message).await.is_err() {
                    break;
                }
            }
        });
        let gone = Arc::new(AtomicBool::new(false));
        let (waiting, over) = (Arc::clone(&pending), Arc::clone(&gone));
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                let Message::Text(text) = message else { continue };
                let Ok(value) = serde_json::from_str::<Value>(&text) else {
                    continue;
                };
                dispatch(value, &waiting, &events);
            }
            // The browser is gone: nobody waits for an answer any more, now or later.
            over.store(true, Ordering::SeqCst);
            lock(&waiting).clear();
        });
        Ok((
            Self {
                out,
                pending,
                next: Arc::new(AtomicU64::new(1)),
                gone,
            },
            incoming,
        ))
    }

    /// Calls `method` in `session` (empty: the browser itself) and waits for its answer.
    pub(crate) async fn call(&self, session: &str, method: &str, params: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut call = json!({ "id": id, "method": method, "params": params });
        if !session.is_empty() {
            call["sessionId"] = session.into();
        }
        let (answer, answered) = oneshot::channel();
        lock(&self.pending).insert(id, answer);
        if self.gone.load(Ordering::SeqCst) || self.out.send(Message::text(call.to_string())).is_err() {
            bail!("{method}: the browser is gone");
        }
        match tokio::time::timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(answer)) => answer.with_context(|| method.to_owned()),
            Ok(Err(_)) => bail!("{method}: the browser went away before it answered"),
            Err(_) => {
                lock(&self.pending).remove(&id);
                bail!("{method}: no answer within {ANSWER_WITHIN:?}")
            }
        }
    }
}

fn dispatch(mut value: Value, pending: &Pending, events: &mpsc::UnboundedSender<CdpEvent>) {
    if let Some(id) = value["id"].as_u64() {
        let Some(answer) = lock(pending).remove(&id) else {
            return;
        };
        let result = if value["error"].is_null() {
            Ok(value["result"].take())
        } else {
            Err(anyhow!(
                "{}",
                value["error"]["message"].as_str().unwrap_or("refused")
            ))
        };
        // Who asked may have given up meanwhile.
        drop(answer.send(result));
    } else if let Some(method) = value["method"].as_str() {
        let event = CdpEvent {
            session: value["sessionId"].as_str().unwrap_or_default().to_owned(),
            method: method.to_owned(),
            params: value["params"].take(),
        };
        drop(events.send(event));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
