//! One who sends and one who receives, whatever happens between them: both come back after each cut, the sender with the
//! very envelopes that were not acknowledged, the receiver by its queue. Every fifth message is one to a group of both.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chopar_wire::GroupRecipient;
use chopar_wire::ids::GroupSubmissionId;
use chopar_wire::proto::relay::{Ack, SubmitGroup, client_frame as c, relay_frame::Body};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::kind;
use super::people::envelope_id;
use super::{Client, History, Person, Reason};

/// Submissions under way at once.
const WINDOW: usize = 16;
/// How long is listened after everything came.
const QUIET: Duration = Duration::from_millis(300);
/// After the last fault everything must have arrived within this.
const SETTLE: Duration = Duration::from_secs(60);

/// Where a relay is: the port that is dialled, and the one it has.
#[derive(Clone, Copy)]
pub struct Way {
    pub dial: u16,
    pub port: u16,
}

impl Way {
    pub fn straight(port: u16) -> Self {
        Self { dial: port, port }
    }
}

/// The ways there are just now; changed where a relay comes back on another port.
pub type Ways = Arc<watch::Sender<Vec<Way>>>;

pub fn ways(all: Vec<Way>) -> Ways {
    Arc::new(watch::Sender::new(all))
}

pub struct Load {
    pub history: Arc<History>,
    stop: watch::Sender<bool>,
    sender: JoinHandle<()>,
    receiver: JoinHandle<()>,
}

impl Load {
    /// `ann` writes to `bob` without a pause until `finish`.
    pub fn start(ann: Person, bob: Person, from: &Ways, to: &Ways) -> Self {
        let bob = Arc::new(bob);
        let history = Arc::new(History::default());
        let stop = watch::Sender::new(false);
        let sender = tokio::spawn(send(
            ann,
            Arc::clone(&bob),
            Arc::clone(from),
            Arc::clone(&history),
            stop.subscribe(),
        ));
        let receiver = tokio::spawn(receive(bob, Arc::clone(to), Arc::clone(&history)));
        Self {
            history,
            stop,
            sender,
            receiver,
        }
    }

    /// Lets what is under way arrive, and checks the history.
    pub async fn finish(self, at_least: usize) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + SETTLE;
        tokio::time::timeout_at(deadline, self.sender)
            .await
            .expect("the sender gets rid of everything")
            .unwrap();
        while self.history.is_open() && Instant::now() < deadline {
            assert!(!self.receiver.is_finished(), "the receiver failed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What came twice although it was settled would come now.
        tokio::time::sleep(QUIET).await;
        self.receiver.abort();
        self.history.check(at_least);
        println!("{} messages, each once", self.history.count_acknowledged());
    }
}

async fn connect(ways: &Ways, turn: &mut usize, person: &Person) -> Option<Client> {
    let all = ways.borrow().clone();
    let way = all.get(*turn % all.len().max(1)).copied();
    *turn += 1;
    let connected = match way {
        Some(way) => Client::try_signed_in(way.dial, way.port, person, 0).await,
        None => None,
    };
    if connected.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    connected
}

/// One message: the same bytes however often it is sent.
fn message(number: u32, from: &Person, to: &Person) -> c::Body {
    let mut body = vec![7; 1024];
    body[..4].copy_from_slice(&number.to_be_bytes());
    if !number.is_multiple_of(5) {
        return c::Body::Submit(to.submission(&body, None));
    }
    let member = |person: &Person| GroupRecipient::new(person.account, &person.head().hash);
    c::Body::SubmitGroup(SubmitGroup {
        id: GroupSubmissionId::new(*envelope_id().as_bytes()).into(),
        body: body.into(),
        expiry: 0,
        recipients: GroupRecipient::encode(&[member(from), member(to)]),
    })
}

/// Whether the message is the relay's from here on, for everybody it goes to.
fn is_acceptance(answer: &Body) -> bool {
    match answer {
        Body::Accepted(_) => true,
        Body::GroupAccepted(accepted) => accepted.full.is_empty(),
        _ => false,
    }
}

async fn send(ann: Person, bob: Arc<Person>, ways: Ways, history: Arc<History>, stop: watch::Receiver<bool>) {
    let mut outbox: VecDeque<(u32, c::Body)> = VecDeque::new();
    let (mut next, mut turn) = (0, 0);
    loop {
        let Some(mut client) = connect(&ways, &mut turn, &ann).await else {
            continue;
        };
        'connected: loop {
            while outbox.len() < WINDOW && !*stop.borrow() {
                history.sent(next);
                outbox.push_back((next, message(next, &ann, &bob)));
                next += 1;
            }
            if outbox.is_empty() {
                return;
            }
            let mut asked = Vec::new();
            for (number, message) in &outbox {
                match client.try_send(message.clone()).await {
                    Some(request) => asked.push((request, *number)),
                    None => break 'connected,
                }
            }
            for (request, number) in asked {
                match client.try_answer(request).await {
                    Some(answer) if is_acceptance(&answer) => {
                        history.acknowledged(number);
                        outbox.retain(|(waiting, _)| *waiting != number);
                    }
                    // Not now: the same envelope again, a little later.
                    Some(Body::Refused(refused)) => {
                        let why = Reason::of(&refused);
                        let known = [
                            Reason::RateLimited,
                            Reason::Storage,
                            Reason::ShuttingDown,
                            Reason::QueueFull,
                        ];
                        assert!(known.contains(&why), "{why:?}");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Some(other) => panic!("{}", kind(&other)),
                    None => break 'connected,
                }
            }
        }
    }
}

async fn receive(bob: Arc<Person>, ways: Ways, history: Arc<History>) {
    let mut turn = 0;
    loop {
        let Some(mut client) = connect(&ways, &mut turn, &bob).await else {
            continue;
        };
        let mut thanks: HashMap<u64, u32> = HashMap::new();
        let mut last = 0;
        while let Ok(frame) = client.frame().await {
            match frame.body {
                Some(Body::Deliver(deliver)) => {
                    assert!(
                        deliver.seq > last,
                        "{} after {last} on one connection",
                        deliver.seq
                    );
                    last = deliver.seq;
                    let number = u32::from_be_bytes(deliver.body[..4].try_into().unwrap());
                    history.delivered(number, deliver.seq);
                    let ack = Ack {
                        seqs: vec![deliver.seq],
                    };
                    match client.try_send(c::Body::Ack(ack)).await {
                        Some(request) => drop(thanks.insert(request, number)),
                        None => break,
                    }
                }
                Some(Body::Done(_)) => {
                    if let Some(number) = thanks.remove(&frame.reply_to) {
                        history.settled(number);
                    }
                }
                // What the relay could not delete comes again, on the next connection.
                Some(Body::Refused(_)) => break,
                Some(Body::QueueEmpty(_)) => {}
                Some(other) => panic!("{}", kind(&other)),
                None => {}
            }
        }
    }
}
