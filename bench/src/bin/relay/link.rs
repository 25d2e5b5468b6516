//! One connection: frames out and in, nothing else.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use chopar_wire::frame;
use chopar_wire::proto::relay::{
    Ack, Challenge, Envelope, ExpiryClass, RelayFrame, SignIn, Submit, client_frame as c, relay_frame::Body,
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::people::{Person, envelope_id};
use crate::server::Server;

/// Bytes of a message's body.
pub(crate) const PAYLOAD: usize = 1024;
/// A frame that takes longer than this is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a WebSocket runs over: plain or TLS.
trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

pub(crate) struct Link {
    socket: WebSocketStream<Box<dyn Line>>,
    requests: u64,
}

impl Link {
    /// Connects and takes the challenge.
    pub(crate) async fn connect(server: &Server) -> Result<(Self, Challenge)> {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).await?;
        stream.set_nodelay(true)?;
        let line: Box<dyn Line> = match &server.tls {
            None => Box::new(stream),
            Some(config) => {
                let name = ServerName::try_from("localhost")?;
                Box::new(TlsConnector::from(config.clone()).connect(name, stream).await?)
            }
        };
        let address = format!("{}/v1/connect", server.origin().replacen("http", "ws", 1));
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(32 * 1024);
        let request = address.into_client_request()?;
        let (socket, _) = client_async_with_config(request, line, Some(config)).await?;
        let mut link = Self { socket, requests: 0 };
        match link.next().await?.body {
            Some(Body::Challenge(challenge)) => Ok((link, challenge)),
            _ => bail!("no challenge came"),
        }
    }

    /// Connects and signs in.
    pub(crate) async fn signed_in(server: &Server, person: &Person) -> Result<Self> {
        let (mut link, challenge) = Self::connect(server).await?;
        let proof = person.proof(0, &challenge, &server.origin());
        match link.ask(c::Body::SignIn(SignIn { proof: Some(proof) })).await? {
            Body::SignedIn(_) => Ok(link),
            other => bail!("not signed in: {}", said(&other)),
        }
    }

    /// Puts a frame into the write buffer and gives its number.
    pub(crate) async fn feed(&mut self, body: c::Body) -> Result<u64> {
        self.requests += 1;
        let bytes = frame::client(self.requests, body);
        self.socket.feed(Message::Binary(bytes.into())).await?;
        Ok(self.requests)
    }

    pub(crate) async fn flush(&mut self) -> Result<()> {
        Ok(self.socket.flush().await?)
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Result<RelayFrame> {
        tokio::time::timeout(PATIENCE, self.next_patiently())
            .await
            .context("no frame came")?
    }

    /// The next frame, however long it takes.
    pub(crate) async fn next_patiently(&mut self) -> Result<RelayFrame> {
        loop {
            match self.socket.next().await.context("the connection ended")?? {
                Message::Binary(bytes) => return Ok(frame::decode_relay(bytes)?),
                Message::Close(close) => bail!("closed: {close:?}"),
                _ => {}
            }
        }
    }

    /// A frame that is here already.
    pub(crate) fn next_now(&mut self) -> Result<Option<RelayFrame>> {
        self.next_patiently().now_or_never().transpose()
    }

    /// Sends a frame and waits for its answer; what else comes is dropped.
    pub(crate) async fn ask(&mut self, body: c::Body) -> Result<Body> {
        let request = self.feed(body).await?;
        self.flush().await?;
        loop {
            let frame = self.next().await?;
            if frame.reply_to == request {
                return frame.body.context("an answer of an unknown kind");
            }
        }
    }

    /// Reads up to the end of the queue, acknowledging as it comes; how many envelopes there were.
    pub(crate) async fn drain(&mut self) -> Result<usize> {
        let mut count = 0;
        let mut seqs = Vec::new();
        let mut next = Some(self.next().await?);
        loop {
            while let Some(frame) = next.take() {
                match frame.body {
                    Some(Body::Deliver(deliver)) => seqs.push(deliver.seq),
                    Some(Body::QueueEmpty(_)) => {
                        count += seqs.len();
                        if !seqs.is_empty() {
                            self.ask(c::Body::Ack(Ack { seqs })).await?;
                        }
                        return Ok(count);
                    }
                    Some(Body::Done(_)) => {}
                    other => bail!("{} in a queue", other.as_ref().map_or("?", said)),
                }
                next = self.next_now()?;
            }
            self.acknowledge(&mut seqs, &mut count).await?;
            next = Some(self.next().await?);
        }
    }

    /// Acknowledges what was delivered and counts it.
    pub(crate) async fn acknowledge(&mut self, seqs: &mut Vec<u64>, count: &mut usize) -> Result<()> {
        if !seqs.is_empty() {
            *count += seqs.len();
            let seqs = std::mem::take(seqs);
            self.feed(c::Body::Ack(Ack { seqs })).await?;
            self.flush().await?;
        }
        Ok(())
    }
}

/// A message to somebody's one device.
pub(crate) fn message(to: &Person, body: Vec<u8>) -> c::Body {
    c::Body::Submit(Submit {
        account: to.account.into(),
        log_head: Some((&to.head()).into()),
        envelopes: vec![Envelope {
            device: to.id().into(),
            id: envelope_id().into(),
            body: body.into(),
            expiry: ExpiryClass::ExpiryMonth.into(),
        }],
    })
}

/// An answer's kind, for who did not expect it.
pub(crate) fn said(body: &Body) -> &'static str {
    match body {
        Body::Refused(refused) => chopar_wire::proto::relay::Reason::try_from(refused.reason)
            .map_or("an unknown refusal", |reason| reason.as_str_name()),
        Body::DeviceMismatch(_) | Body::GroupMismatch(_) => "a mismatch",
        _ => "another frame",
    }
}
