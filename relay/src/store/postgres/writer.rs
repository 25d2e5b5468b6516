//! The one writer of this node: takes everything that waits, runs it in one transaction, commits durably, then answers.
//!
//! A batch that fails is rolled back and its halves run again, each in a transaction of its own, so that one job that cannot
//! be done does not take the others along. Where the connection is lost nobody knows whether a commit under way took place:
//! those who asked are told that it failed, and what they ask again is found done.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::audit;
use super::batch::{self, Request};
use super::bodies;
use super::books::Books;
use super::link::{Fault, Link, PATIENCE};
use super::target::Target;
use crate::store::waiting::{Reply, WAITING_MAX, WaitingBytes, answered};
use crate::store::{Answer, StoreError};

/// Jobs of one transaction: bounds how long one commit keeps everybody waiting, and how long others wait for its rows.
const BATCH_MAX: usize = 512;
/// Rows of queues in one transaction, for the same reason: a few of the largest groups. One job may have more.
const BATCH_ROWS: usize = 4096;
/// For so long after the database could not be reached it is not tried again; who asks meanwhile is told so at once.
const PAUSE: Duration = Duration::from_millis(300);

/// The way to the writer.
pub(super) struct Writer {
    orders: Mutex<Option<Sender<Order>>>,
    waiting: WaitingBytes,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Work in the making; it borrows the books.
pub(super) type Working<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Something to run in a transaction and to answer after it.
pub(super) trait Job: Send {
    fn run<'a>(&'a mut self, books: &'a mut Books) -> Working<'a, ()>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

pub(super) struct Order {
    work: Work,
    bytes: usize,
}

enum Work {
    /// Much of it is done in the statements of one.
    Queue(Request),
    Alone(Box<dyn Job>),
}

struct Task<F, T> {
    work: F,
    reply: Reply<T>,
}

impl<F, T> Job for Task<F, T>
where
    F: for<'a> FnMut(&'a mut Books) -> Working<'a, T> + Send,
    T: Send,
{
    fn run<'a>(&'a mut self, books: &'a mut Books) -> Working<'a, ()> {
        Box::pin(async move {
            self.reply.keep((self.work)(books).await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        self.reply.send(outcome);
    }
}

impl Writer {
    /// Starts the task that writes; `link` is its first connection.
    pub(super) fn start(target: Target, link: Link, books: Books) -> Self {
        let (sender, orders) = channel(WAITING_MAX);
        let waiting = WaitingBytes::default();
        let desk = Desk {
            target,
            link: Some(Arc::new(link)),
            failed: None,
            books,
            orders,
            waiting: waiting.clone(),
        };
        Self {
            orders: Mutex::new(Some(sender)),
            waiting,
            task: Mutex::new(Some(tokio::spawn(desk.work()))),
        }
    }

    /// Queues `work` now; `bytes` is what it holds in memory. `work` may run more than once, each time on unchanged books.
    pub(super) fn run<T, F>(&self, bytes: usize, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: for<'a> FnMut(&'a mut Books) -> Working<'a, T> + Send + 'static,
    {
        let (reply, answer) = Reply::new();
        let job = Task { work, reply };
        self.queue(bytes, Work::Alone(Box::new(job)), answer)
    }

    /// Queues what is done together with others of its kind.
    pub(super) fn request<T: Send + 'static>(
        &self,
        bytes: usize,
        request: Request,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Answer<T> {
        self.queue(bytes, Work::Queue(request), answer)
    }

    fn queue<T: Send + 'static>(
        &self,
        bytes: usize,
        work: Work,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Answer<T> {
        let queued = self.waiting.queue(bytes, || self.send(Order { work, bytes }));
        answered(queued, answer)
    }

    fn send(&self, order: Order) -> Result<(), StoreError> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = orders.as_ref().ok_or(StoreError::Closed)?;
        orders.try_send(order).map_err(|fault| match fault {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Closed(_) => StoreError::Closed,
        })
    }

    /// Lets the task finish what waits and ends it.
    pub(super) fn close(&self) -> Option<JoinHandle<()>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The writing task's side.
struct Desk {
    target: Target,
    link: Option<Arc<Link>>,
    failed: Option<Instant>,
    books: Books,
    orders: Receiver<Order>,
    waiting: WaitingBytes,
}

impl Desk {
    async fn work(mut self) {
        let mut batch = Vec::new();
        // What comes while a batch is being committed is the next one: no need to wait for more.
        while self.orders.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let held: usize = batch.iter().map(|order| order.bytes).sum();
            for part in in_parts(std::mem::take(&mut batch)) {
                self.settle(part).await;
            }
            self.waiting.release(held);
        }
    }

    async fn settle(&mut self, all: Vec<Order>) {
        // What failed together, in order; the next to try is the last.
        let mut parts = vec![(all, 0)];
        while let Some((mut batch, attempt)) = parts.pop() {
            let fault = match self.transaction(&mut batch).await {
                Ok(()) => {
                    tell(batch, &Ok(()));
                    continue;
                }
                Err(fault) => fault,
            };
            if fault.is_loss() {
                self.link = None;
                let named = fault.named();
                tell(batch, &Err(named));
            } else if batch.len() > 1 {
                let second = batch.split_off(batch.len() / 2);
                parts.push((second, 0));
                parts.push((batch, 0));
            } else if attempt == 0 && fault.is_collision() {
                parts.push((batch, 1));
            } else {
                let fault = fault.named();
                tracing::error!(%fault, "a transaction was rolled back");
                tell(batch, &Err(fault));
            }
        }
    }

    /// Runs a batch. After an error nothing of it took place, unless the connection was lost.
    async fn transaction(&mut self, batch: &mut [Order]) -> Result<(), Fault> {
        let link = self.link().await?;
        self.books.turn_to(&link);
        let done = tokio::time::timeout(PATIENCE, run(&mut self.books, batch)).await;
        match done.unwrap_or(Err(Fault::Unreachable)) {
            Ok(()) => {
                self.books.announce();
                Ok(())
            }
            Err(fault) if fault.is_loss() => {
                self.books.doubt();
                Err(fault)
            }
            Err(fault) => {
                self.books.forget();
                let ended = tokio::time::timeout(PATIENCE, link.script("ROLLBACK")).await;
                if !matches!(ended, Ok(Ok(()))) {
                    self.link = None;
                }
                Err(fault)
            }
        }
    }

    async fn link(&mut self) -> Result<Arc<Link>, Fault> {
        if let Some(link) = self.link.as_ref().filter(|link| !link.is_lost()) {
            return Ok(Arc::clone(link));
        }
        self.link = None;
        if self.failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(Fault::Unreachable);
        }
        let opened = async {
            let link = Link::open(&self.target).await.map_err(|fault| {
                tracing::warn!(%fault, "no connection for writing");
                Fault::Unreachable
            })?;
            prepare(&link).await.map(|()| link)
        };
        match opened.await {
            Ok(link) => {
                self.failed = None;
                Ok(Arc::clone(self.link.insert(Arc::new(link))))
            }
            Err(fault) => {
                self.failed = Some(Instant::now());
                Err(fault)
            }
        }
    }
}

/// What a connection needs before it writes.
pub(super) async fn prepare(link: &Link) -> Result<(), Fault> {
    // Somebody may have made the whole server fast and forgetful; waiting for a second server as well is theirs to ask for.
    link.script(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')",
    )
    .await?;
    link.prepare(batch::statements()).await
}

async fn run(books: &mut Books, batch: &mut [Order]) -> Result<(), Fault> {
    if batch.iter().all(|order| matches!(order.work, Work::Queue(_))) {
        return batch::alone(books, &mut requests(batch)).await;
    }
    books.link()?.script("BEGIN").await?;
    // Nobody waits for a row while holding another that comes later: all of them are taken first, in their order.
    batch::lock(books, &requests(batch)).await?;
    let mut rest = batch;
    while !rest.is_empty() {
        let together = rest
            .iter()
            .position(|order| matches!(order.work, Work::Alone(_)))
            .unwrap_or(rest.len());
        let (first, after) = rest.split_at_mut(together.max(1));
        match &mut first[0].work {
            Work::Alone(job) => job.run(books).await?,
            Work::Queue(_) => batch::part(books, &mut requests(first)).await?,
        }
        rest = after;
    }
    audit::write(books).await?;
    let released = books.take_released();
    let link = books.link()?;
    let (settled, committed) = future::join(bodies::settle(&link, &released), link.script("COMMIT")).await;
    settled?;
    committed
}

/// What is done in one transaction each, in order.
fn in_parts(all: Vec<Order>) -> Vec<Vec<Order>> {
    let (mut parts, mut rows) = (vec![Vec::new()], 0);
    for order in all {
        let more = match &order.work {
            Work::Queue(request) => request.rows(),
            Work::Alone(_) => 0,
        };
        if rows + more > BATCH_ROWS && rows > 0 {
            parts.push(Vec::new());
            rows = 0;
        }
        rows += more;
        if let Some(part) = parts.last_mut() {
            part.push(order);
        }
    }
    parts
}

fn requests(batch: &mut [Order]) -> Vec<&mut Request> {
    batch
        .iter_mut()
        .filter_map(|order| match &mut order.work {
            Work::Queue(request) => Some(request),
            Work::Alone(_) => None,
        })
        .collect()
}

fn tell(batch: Vec<Order>, outcome: &Result<(), StoreError>) {
    for order in batch {
        match order.work {
            Work::Queue(request) => request.answer(outcome.clone()),
            Work::Alone(job) => job.answer(outcome.clone()),
        }
    }
}
