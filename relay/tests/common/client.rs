//! A client that speaks frames and knows nothing else.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chopar_wire::frame;
use chopar_wire::proto::relay::{
    Ack, Challenge, Deliver, Refused, Register, RelayFrame, SignIn, client_frame as c, relay_frame::Body,
};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Person, Reason};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a WebSocket runs over: plain or TLS.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

pub struct Client {
    socket: WebSocketStream<Box<dyn Line>>,
    origin: String,
    requests: u64,
    pub challenge: Challenge,
    pushed: VecDeque<Body>,
    /// Answers that came before they were waited for.
    early: HashMap<u64, Body>,
}

/// What ended a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Code(u16),
    Broken,
}

impl Client {
    /// Opens a WebSocket and takes the challenge.
    pub async fn connect(port: u16) -> Self {
        Self::try_connect(port, None)
            .await
            .expect("the relay takes a connection")
    }

    pub async fn try_connect(
        port: u16,
        origin: Option<&str>,
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let origin = origin.map(|origin| ("origin", origin));
        Self::try_connect_with(port, origin.as_slice()).await
    }

    pub async fn try_connect_with(
        port: u16,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Self::over(Box::new(stream), &format!("http://localhost:{port}"), headers).await
    }

    /// Over a line that stands, to a relay at `origin`.
    pub async fn over(
        line: Box<dyn Line>,
        origin: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let address = format!("{}/v1/connect", origin.replacen("http", "ws", 1));
        let mut request = address.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = client_async(request, line).await?;
        let (requests, pushed, early) = (0, VecDeque::new(), HashMap::new());
        let mut client = Self {
            socket,
            origin: origin.to_owned(),
            requests,
            challenge: Challenge::default(),
            pushed,
            early,
        };
        let gone = |_| tokio_tungstenite::tungstenite::Error::ConnectionClosed;
        let first = client.frame().await.map_err(gone)?;
        client.note_challenge(first);
        Ok(client)
    }

    fn note_challenge(&mut self, frame: RelayFrame) {
        match frame.body {
            Some(Body::Challenge(challenge)) => self.challenge = challenge,
            _ => panic!("a challenge was expected"),
        }
    }

    /// Takes the fresh challenge that follows a proof that was not taken.
    pub async fn take_challenge(&mut self) {
        match self.next().await {
            Body::Challenge(challenge) => self.challenge = challenge,
            other => panic!("a challenge was expected: {}", kind(&other)),
        }
    }

    /// Connects and signs in.
    pub async fn signed_in(port: u16, person: &Person, device: usize) -> Self {
        let mut client = Self::connect(port).await;
        client.sign_in(person, device).await.expect("signed in");
        client
    }

    /// As `signed_in`, by way of another port; `None` where the way is cut, or the relay does not let in just now.
    pub async fn try_signed_in(dial: u16, port: u16, person: &Person, device: usize) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", dial)).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let origin = format!("http://localhost:{port}");
        let mut client = Self::over(Box::new(stream), &origin, &[]).await.ok()?;
        let sign_in = client.sign_in_of(person, device);
        let request = client.try_send(sign_in).await?;
        match client.try_answer(request).await? {
            Body::SignedIn(_) => Some(client),
            _ => None,
        }
    }

    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    pub async fn sign_in(&mut self, person: &Person, device: usize) -> Result<(), Reason> {
        match self.ask(self.sign_in_of(person, device)).await {
            Body::SignedIn(_) => Ok(()),
            other => Err(self.refused(&other).await),
        }
    }

    fn sign_in_of(&self, person: &Person, device: usize) -> c::Body {
        let proof = Some(person.proof(device, &self.challenge, &self.origin));
        c::Body::SignIn(SignIn { proof })
    }

    /// A refused proof is followed by a fresh challenge.
    async fn refused(&mut self, body: &Body) -> Reason {
        let why = reason(body);
        let next = self.frame().await.expect("a fresh challenge");
        self.note_challenge(next);
        why
    }

    pub fn registration(&self, person: &Person, invite: &str, handle: &str, name: &str) -> Register {
        Register {
            invite: invite.to_owned(),
            handle: handle.to_owned(),
            display_name: name.to_owned(),
            log: person.log.entries(0).to_vec(),
            bundle: Some(person.bundle(0, 1)),
            proof: Some(person.proof(0, &self.challenge, &self.origin)),
        }
    }

    /// Registers; the connection is signed in afterwards.
    pub async fn register(
        &mut self,
        person: &Person,
        invite: &str,
        handle: &str,
        name: &str,
    ) -> Result<String, Reason> {
        let register = self.registration(person, invite, handle, name);
        match self.ask(c::Body::Register(register)).await {
            Body::Registered(registered) => Ok(registered.handle),
            other => Err(self.refused(&other).await),
        }
    }

    /// Sends a frame and gives its number.
    pub async fn send(&mut self, body: c::Body) -> u64 {
        self.requests += 1;
        self.raw(frame::client(self.requests, body)).await;
        self.requests
    }

    /// As `send`; `None` where the connection is gone.
    pub async fn try_send(&mut self, body: c::Body) -> Option<u64> {
        self.requests += 1;
        let bytes = frame::client(self.requests, body);
        self.socket.send(Message::Binary(bytes.into())).await.ok()?;
        Some(self.requests)
    }

    /// As `answer`; `None` where the connection is gone. What is pushed meanwhile is dropped; answers to others are kept, for a refusal
    /// overtakes what waits for a commit.
    pub async fn try_answer(&mut self, request: u64) -> Option<Body> {
        if let Some(body) = self.early.remove(&request) {
            return Some(body);
        }
        loop {
            let frame = self.frame().await.ok()?;
            match (frame.reply_to, frame.body?) {
                (to, body) if to == request => return Some(body),
                (0, _) => {}
                (other, body) => drop(self.early.insert(other, body)),
            }
        }
    }

    pub async fn raw(&mut self, bytes: Vec<u8>) {
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .expect("sent");
    }

    pub async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("sent");
    }

    /// Sends what the relay may break off on: it may close before it has read all of it, so that the sending itself fails. The end is
    /// seen by `end`.
    pub async fn provoke(&mut self, bytes: Vec<u8>) {
        let _broken_off = self.socket.send(Message::Binary(bytes.into())).await;
    }

    /// Sends a frame and waits for its answer; what is pushed meanwhile is kept for `next`.
    pub async fn ask(&mut self, body: c::Body) -> Body {
        let request = self.send(body).await;
        self.answer(request).await
    }

    pub async fn answer(&mut self, request: u64) -> Body {
        if let Some(body) = self.early.remove(&request) {
            return body;
        }
        loop {
            let frame = self.frame().await.expect("an answer");
            let body = frame.body.expect("a known body");
            match (frame.reply_to, body) {
                (to, body) if to == request => return body,
                (0, Body::Challenge(challenge)) => self.challenge = challenge,
                (0, body) => self.pushed.push_back(body),
                (other, body) => drop(self.early.insert(other, body)),
            }
        }
    }

    /// What the relay says by itself.
    pub async fn next(&mut self) -> Body {
        match self.pushed.pop_front() {
            Some(body) => body,
            None => self.frame().await.expect("a frame").body.expect("a known body"),
        }
    }

    /// The next frame as it comes; keeps what was pushed earlier untouched.
    pub async fn frame(&mut self) -> Result<RelayFrame, Ended> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("in time");
            match message {
                Some(Ok(Message::Binary(bytes))) => return Ok(frame::decode_relay(bytes).expect("a frame")),
                Some(Ok(Message::Close(Some(close)))) => return Err(Ended::Code(close.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Ended::Broken),
            }
        }
    }

    /// Waits for the end, whatever comes before it.
    pub async fn end(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.frame().await {
                return ended;
            }
        }
    }

    /// The next delivery; an empty queue and what the relay tells unasked before it are skipped.
    pub async fn delivery(&mut self) -> Deliver {
        loop {
            match self.next().await {
                Body::Deliver(deliver) => return deliver,
                Body::QueueEmpty(_) | Body::SuspendedDevices(_) => {}
                other => panic!("{} instead of a delivery", kind(&other)),
            }
        }
    }

    /// Why something that carried no number was refused; an empty queue before it is skipped.
    pub async fn unnumbered_refusal(&mut self) -> Reason {
        loop {
            match self.answer(0).await {
                Body::QueueEmpty(_) => {}
                other => return reason(&other),
            }
        }
    }

    /// Everything up to the end of the queue.
    pub async fn drain(&mut self) -> Vec<Deliver> {
        let mut all = Vec::new();
        loop {
            match self.next().await {
                Body::Deliver(deliver) => {
                    self.ack(&[deliver.seq]).await;
                    all.push(deliver);
                }
                Body::QueueEmpty(empty) => {
                    assert_eq!(empty.up_to, all.last().map_or(0, |last: &Deliver| last.seq));
                    return all;
                }
                other => panic!("{} in a queue", kind(&other)),
            }
        }
    }

    pub async fn ack(&mut self, seqs: &[u64]) {
        let answer = self.ask(c::Body::Ack(Ack { seqs: seqs.to_vec() })).await;
        assert!(matches!(answer, Body::Done(_)), "{}", kind(&answer));
    }

    /// Sends `body` to all devices of `to`; the answer must accept it.
    pub async fn submit(&mut self, to: &Person, body: &[u8]) {
        let answer = self.ask(c::Body::Submit(to.submission(body, None))).await;
        assert!(matches!(answer, Body::Accepted(_)), "{}", kind(&answer));
    }
}

/// Why a frame was refused; another answer fails the test.
pub fn reason(body: &Body) -> Reason {
    match body {
        Body::Refused(refused) => Reason::of(refused),
        other => panic!("{} instead of a refusal", kind(other)),
    }
}

/// An answer's name for a failing test.
pub fn kind(body: &Body) -> String {
    match body {
        Body::Refused(Refused { reason, detail, .. }) => {
            let name = chopar_wire::proto::relay::Reason::try_from(*reason)
                .map_or("?", |reason| reason.as_str_name());
            format!("Refused({name}: {detail})")
        }
        Body::Deliver(deliver) => format!("Deliver({})", deliver.seq),
        Body::QueueEmpty(empty) => format!("QueueEmpty({})", empty.up_to),
        Body::Challenge(_) => "Challenge".to_owned(),
        Body::SignedIn(_) => "SignedIn".to_owned(),
        Body::Accepted(_) => "Accepted".to_owned(),
        Body::DeviceMismatch(_) => "DeviceMismatch".to_owned(),
        Body::LogConflict(_) => "LogConflict".to_owned(),
        Body::Done(_) => "Done".to_owned(),
        Body::OneTimeLow(low) => format!("OneTimeLow({})", low.left),
        _ => "another frame".to_owned(),
    }
}
