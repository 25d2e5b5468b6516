//! One signed-in device: its frames in, its answers and messages out, until one side goes.

use std::sync::Arc;
use std::time::Duration;

use chopar_wire::close::CloseCode;
use chopar_wire::limits::MAX_ACK;
use chopar_wire::proto::relay::{
    DeliverSignal, OneTimeLow, SuspendedDevices, client_frame, relay_frame::Body,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior};

use super::answers::{Outcome, Refusal};
use super::delivery::Delivery;
use super::dispatch::{self, Pending};
use super::registry::{Inbox, Push};
use super::session::Session;
use super::standing;
use super::wire::{Incoming, Lost, Wire};
use crate::core::{Core, stop_of};
use crate::store::{Answer, QueuePage};

/// Frames of one connection that are being handled at once. Beyond it the socket is not read: the sender feels it.
const PENDING_MAX: usize = 64;
/// How often a silent peer is asked whether it is there. Proxies commonly drop what is silent for a minute.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// Serves a device until the connection ends; what it did not get stays in its queue.
pub(crate) async fn run(core: &Arc<Core>, mut wire: Wire, session: Session) {
    let max = core.config.caps.per_account;
    let Some(seat) = core
        .registry
        .enter(session.account, session.device, session.connection, max)
    else {
        tracing::debug!("an account has as many connections as it may");
        return Box::pin(wire.close(CloseCode::Overloaded)).await;
    };
    Box::pin(standing::greet(core, &session)).await;
    let mut desk = Desk {
        core,
        session,
        delivery: Delivery::default(),
        page: None,
        answers: FuturesUnordered::new(),
    };
    let mut stopping = core.stopping.subscribe();
    let mut ask = tokio::time::interval_at(Instant::now() + ASK_EVERY, ASK_EVERY);
    ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = true;
    let end = loop {
        let step = tokio::select! {
            biased;
            () = stop_of(&mut stopping) => Err(End::Close(CloseCode::GoingAway)),
            inbox = seat.slot.take() => desk.inbox(&mut wire, inbox).await,
            Some((request, outcome)) = desk.answers.next(), if !desk.answers.is_empty() => {
                core.metrics.answered(&outcome);
                answer(&mut wire, request, outcome).await
            }
            page = next_page(&mut desk.page), if desk.page.is_some() => {
                desk.page = None;
                desk.deliver(&mut wire, page).await
            }
            incoming = wire.read(), if desk.answers.len() < PENDING_MAX => {
                heard = true;
                desk.incoming(&mut wire, incoming).await
            }
            // Nothing else to do: what was written goes out together, and the room that all acknowledgements have made is
            // filled by one page.
            () = std::future::ready(()), if wire.is_dirty() || desk.delivery.is_due() => desk.rest(&mut wire).await,
            _ = ask.tick() => {
                if std::mem::take(&mut heard) { wire.ping().await.map_err(End::from) } else { Err(End::Gone) }
            }
        };
        if let Err(end) = step {
            break end;
        }
    };
    match end {
        // Answers in the making are not waited for: their acts stand, and the client asks again by the same ids.
        // Apart: a connection that lives has no room for its end.
        End::Close(code) => Box::pin(wire.close(code)).await,
        End::Gone => {}
    }
    drop(seat);
}

enum End {
    Close(CloseCode),
    Gone,
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Slow => Self::Close(CloseCode::SlowReader),
            Lost::Broken => Self::Gone,
        }
    }
}

type Numbered = std::pin::Pin<Box<dyn Future<Output = (u64, Outcome)> + Send>>;

struct Desk<'a> {
    core: &'a Arc<Core>,
    session: Session,
    delivery: Delivery,
    page: Option<Answer<QueuePage>>,
    answers: FuturesUnordered<Numbered>,
}

impl Desk<'_> {
    /// Asks for the next page of the queue where one is due, and sends what was written.
    async fn rest(&mut self, wire: &mut Wire) -> Result<(), End> {
        if let Some(wanted) = self.delivery.wanted() {
            let device = self.session.device;
            self.page = Some(
                self.core
                    .store
                    .queue(device, wanted.after, wanted.count, wanted.bytes),
            );
        }
        if wire.is_dirty() {
            wire.flush().await?;
        }
        Ok(())
    }

    async fn inbox(&mut self, wire: &mut Wire, inbox: Inbox) -> Result<(), End> {
        let mut out = Vec::new();
        for push in inbox.pushes {
            match push {
                Push::Stored(stored) => self.delivery.push(stored, |body| out.push(body)),
                Push::Signal(body) => out.push(Body::DeliverSignal(DeliverSignal { body })),
                Push::OneTimeLow(left) => {
                    let left = u32::try_from(left).unwrap_or(u32::MAX);
                    out.push(Body::OneTimeLow(OneTimeLow { left }));
                }
                Push::Suspended(devices) => {
                    let devices = devices.into_iter().map(Into::into).collect();
                    out.push(Body::SuspendedDevices(SuspendedDevices { devices }));
                }
                Push::Close(code) => return Err(End::Close(code)),
            }
        }
        if inbox.lagging {
            self.delivery.lag();
        }
        self.core.metrics.sent(&out);
        write_all(wire, out).await
    }

    async fn deliver(
        &mut self,
        wire: &mut Wire,
        page: Result<QueuePage, crate::store::StoreError>,
    ) -> Result<(), End> {
        let page = page.map_err(|fault| {
            tracing::error!(%fault, "a queue could not be read");
            // The client comes back after a while and starts where its acknowledgements end.
            End::Close(CloseCode::GoingAway)
        })?;
        let mut out = Vec::new();
        self.delivery.page(page, |body| out.push(body));
        self.core.metrics.sent(&out);
        write_all(wire, out).await
    }

    async fn incoming(&mut self, wire: &mut Wire, incoming: Incoming) -> Result<(), End> {
        match incoming {
            Incoming::Frame(frame) => {
                let Some(body) = frame.body else { return Ok(()) };
                let pending = self.begin(body);
                let request = frame.request;
                self.answers
                    .push(Box::pin(async move { (request, pending.await) }));
                Ok(())
            }
            Incoming::Fault(request, refusal) => answer(wire, request, Err(refusal)).await,
            Incoming::Alive => Ok(()),
            Incoming::Gone => Err(End::Gone),
            Incoming::Enough(code) => Err(End::Close(code)),
        }
    }

    fn begin(&mut self, mut body: client_frame::Body) -> Pending {
        if let client_frame::Body::Ack(ack) = &mut body
            && ack.seqs.len() <= MAX_ACK
        {
            self.delivery.acknowledge(&mut ack.seqs);
        }
        dispatch::handle(self.core, &self.session, body)
    }
}

fn answer(wire: &mut Wire, request: u64, outcome: Outcome) -> impl Future<Output = Result<(), End>> {
    let writing = wire.write(request, outcome.unwrap_or_else(Refusal::into_body));
    async move { Ok(writing.await?) }
}

async fn write_all(wire: &mut Wire, bodies: Vec<Body>) -> Result<(), End> {
    for body in bodies {
        wire.write(0, body).await?;
    }
    Ok(())
}

async fn next_page(page: &mut Option<Answer<QueuePage>>) -> Result<QueuePage, crate::store::StoreError> {
    match page {
        Some(page) => page.await,
        None => std::future::pending().await,
    }
}
