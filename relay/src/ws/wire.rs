//! The socket as frames: reading with every fault named, writing under a deadline.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use chopar_wire::close::CloseCode;
use chopar_wire::frame::{self, FrameError};
use chopar_wire::proto::relay::{ClientFrame, Reason, relay_frame::Body};
use futures_util::SinkExt;
use prost::bytes::Bytes;
use prost::encoding;
use tokio::time::error::Elapsed;
use tungstenite::Error as WebSocketError;

use super::answers::Refusal;

/// Bytes that were no frame, before the connection is closed for them.
const FAULTS_MAX: u32 = 20;
/// How long a peer has to take the close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// A WebSocket that speaks frames.
pub(crate) struct Wire {
    /// Apart: a connection's life is told by several functions, and each keeps room for what it is handed.
    pub(crate) socket: Box<WebSocket>,
    slow_reader: Duration,
    faults: u32,
    /// Something was written and not flushed.
    dirty: bool,
}

/// What came in.
pub(crate) enum Incoming {
    /// Apart: who waits for the next message keeps room for the largest of these.
    Frame(Box<ClientFrame>),
    /// Not a frame: the number to answer, if one could be read, and what to say.
    Fault(u64, Refusal),
    /// Ping, pong: the peer lives.
    Alive,
    /// The peer said goodbye, or the connection broke.
    Gone,
    /// Close for this.
    Enough(CloseCode),
}

/// Why something could not be written; what the peer did not get is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The peer read nothing for as long as a reader may take.
    Slow,
    /// The connection broke.
    Broken,
}

impl Wire {
    pub(crate) fn new(socket: WebSocket, slow_reader: Duration) -> Self {
        Self {
            socket: Box::new(socket),
            slow_reader,
            faults: 0,
            dirty: false,
        }
    }

    /// The next message. Safe to drop halfway.
    pub(crate) async fn read(&mut self) -> Incoming {
        match self.socket.recv().await {
            Some(Ok(Message::Binary(bytes))) => self.parse(bytes),
            Some(Ok(Message::Text(_))) => self.fault(0, Refusal::malformed("frames are binary")),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Alive,
            Some(Ok(Message::Close(_))) | None => Incoming::Gone,
            Some(Err(fault)) => match fault.into_inner().downcast_ref() {
                // Too long for any frame: the stream cannot be followed further.
                Some(WebSocketError::Capacity(_)) => Incoming::Enough(CloseCode::Overloaded),
                _ => Incoming::Gone,
            },
        }
    }

    fn parse(&mut self, bytes: Bytes) -> Incoming {
        let request = request_number(&bytes);
        match frame::decode_client(bytes) {
            Ok(frame) if frame.request == 0 => {
                self.fault(0, Refusal::malformed("the request number is above zero"))
            }
            Ok(frame) if frame.body.is_none() => {
                let refusal =
                    Refusal::new(Reason::UnknownKind, "this relay does not know this kind of frame");
                Incoming::Fault(frame.request, refusal)
            }
            Ok(frame) => Incoming::Frame(Box::new(frame)),
            Err(fault @ FrameError::TooLarge { .. }) => {
                self.fault(request, Refusal::new(Reason::TooLarge, fault.to_string()))
            }
            Err(fault) => self.fault(request, Refusal::malformed(fault.to_string())),
        }
    }

    fn fault(&mut self, request: u64, refusal: Refusal) -> Incoming {
        self.faults += 1;
        if self.faults > FAULTS_MAX {
            Incoming::Enough(CloseCode::Malformed)
        } else {
            Incoming::Fault(request, refusal)
        }
    }

    /// Puts a frame into the write buffer; waits only where the peer does not read. It is encoded before that: who waits keeps no
    /// room for a body.
    pub(crate) fn write(&mut self, reply_to: u64, body: Body) -> impl Future<Output = Result<(), Lost>> {
        self.feed(Message::Binary(frame::relay(reply_to, body).into()))
    }

    pub(crate) async fn ping(&mut self) -> Result<(), Lost> {
        self.feed(Message::Ping(Bytes::new())).await
    }

    async fn feed(&mut self, message: Message) -> Result<(), Lost> {
        self.dirty = true;
        written(tokio::time::timeout(self.slow_reader, self.socket.feed(message)).await)
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Lost> {
        self.dirty = false;
        written(tokio::time::timeout(self.slow_reader, self.socket.flush()).await)
    }

    /// Says why, and waits a moment for the peer to have heard it.
    pub(crate) async fn close(mut self, code: CloseCode) {
        let reason = match code {
            CloseCode::Replaced => "replaced by a newer connection",
            CloseCode::GoingAway => "the relay is stopping",
            CloseCode::Overloaded => "too much",
            CloseCode::Revoked => "this device was revoked",
            CloseCode::SignInTimeout => "no sign-in in time",
            CloseCode::SlowReader => "reads too slowly",
            CloseCode::Malformed => "not frames",
            CloseCode::Suspended => "suspended by an administrator",
            _ => "",
        };
        let message = Message::Close(Some(CloseFrame {
            code: code.code(),
            reason: Cow::from(reason).into_owned().into(),
        }));
        let goodbye = async {
            if self.socket.send(message).await.is_ok() {
                // Until the peer's own close: dropping the socket with unread bytes would reset the connection and
                // could take the close frame with it.
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        if tokio::time::timeout(CLOSE_WAIT, goodbye).await.is_err() {
            tracing::debug!("a peer did not take its goodbye");
        }
    }
}

fn written(outcome: Result<Result<(), axum::Error>, Elapsed>) -> Result<(), Lost> {
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => {
            tracing::debug!(%fault, "a connection broke");
            Err(Lost::Broken)
        }
        Err(Elapsed { .. }) => {
            tracing::debug!("a reader is too slow");
            Err(Lost::Slow)
        }
    }
}

/// The request number of a frame that cannot be decoded: field 1 leads every frame of a well-meaning client.
fn request_number(bytes: &[u8]) -> u64 {
    match bytes.split_first() {
        Some((0x08, mut rest)) => encoding::decode_varint(&mut rest).unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_number_is_read_from_broken_frames() {
        let bytes = frame::client(
            300,
            chopar_wire::proto::relay::client_frame::Body::Ping(Default::default()),
        );
        assert_eq!(request_number(&bytes[..3]), 300);
        assert_eq!(request_number(&[]), 0);
        assert_eq!(request_number(&[0x08]), 0);
        assert_eq!(request_number(&[0x12, 1]), 0);
    }
}
